//! What all connections of a proxy share: rules, records, and the register of who is there.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{
    api::{Effect, How, Invalid, Kind, Rule},
    handle::Handle,
    machine,
    records::{Records, lock},
    rules::{Rules, Whose},
};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) rules: Arc<Rules>,
    pub(crate) records: Arc<Records>,
    listeners: BTreeMap<String, Kind>,
    connections: Mutex<BTreeMap<u64, Arc<Handle>>>,
    latest: AtomicU64,
    changed: Notify,
}

/// A connection's place in the register, until it is dropped.
pub(crate) struct Registered(pub(crate) Arc<Handle>, Arc<Shared>);

impl Drop for Registered {
    fn drop(&mut self) {
        drop(lock(&self.1.connections).remove(&self.0.number));
    }
}

impl Shared {
    pub(crate) fn new(seed: u64, event_header: &str, keeps: usize, listeners: BTreeMap<String, Kind>) -> Arc<Self> {
        Arc::new(Self {
            rules: Arc::new(Rules::new(seed, event_header)),
            records: Arc::new(Records::new(keeps)),
            listeners,
            connections: Mutex::default(),
            latest: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// A connection is there.
    pub(crate) fn register(self: &Arc<Self>, listener: &Arc<str>, client: Arc<str>) -> Registered {
        let number = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Arc::new(Handle::new(number, Arc::clone(listener), client));
        lock(&self.connections).insert(number, Arc::clone(&handle));
        self.arrived(&handle);
        Registered(handle, Arc::clone(self))
    }

    /// A connection is there, or has said its name.
    pub(crate) fn arrived(&self, handle: &Handle) {
        let mut met = self.met(handle);
        // These are about connections that were there before.
        met.retain(|(_, how)| !matches!(how, How::Close | How::CloseChannels));
        self.inflict(handle, &met, None);
    }

    fn met(&self, handle: &Handle) -> Vec<(Arc<str>, How)> {
        let client = handle.client();
        let mut met = self.rules.of_connection(Whose { listener: &handle.listener, client: &client }, handle.number);
        let kind = self.listeners.get(&*handle.listener).copied();
        met.retain(|(_, how)| kind.is_some_and(|kind| how.fits(kind)));
        met
    }

    /// Does to a connection what is to be done; what happens once only if the fault is new.
    fn inflict(&self, handle: &Handle, met: &[(Arc<str>, How)], new: Option<&str>) {
        let once = |fault: &str| new.is_none_or(|new| new == fault);
        for (fault, how) in handle.shape(met, new) {
            match how {
                How::Close if once(&fault) => handle.cut(false),
                How::Reset | How::Refuse => handle.cut(true),
                How::CloseChannels if once(&fault) => handle.close_channels(),
                How::Close | How::CloseChannels => continue,
                _ => {}
            }
            self.effect(&fault, &how, handle);
        }
    }

    /// A rule is in force from now on.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn put(&self, fault: &str, rule: Rule) -> Result<(), Invalid> {
        rule.check()?;
        let fits = |(name, kind): (&String, &Kind)| rule.on.as_ref().is_none_or(|on| on == name) && rule.how.fits(*kind);
        if !self.listeners.iter().any(fits) {
            return Err(Invalid::Listener(rule.on.unwrap_or_else(|| "anything".to_owned())));
        }
        self.rules.put(fault, rule);
        self.change(Some(fault));
        Ok(())
    }

    /// A rule is in force no more. Whether it was.
    pub(crate) fn delete(&self, fault: &str) -> bool {
        let was = self.rules.delete(fault);
        self.change(None);
        was
    }

    fn change(&self, new: Option<&str>) {
        let connections: Vec<Arc<Handle>> = lock(&self.connections).values().cloned().collect();
        for handle in connections {
            self.inflict(&handle, &self.met(&handle), new.or(Some("")));
        }
        self.changed.notify_waiters();
    }

    /// Ends when rules change after it was asked for.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    pub(crate) fn effect(&self, fault: &Arc<str>, how: &How, handle: &Handle) {
        self.told(fault, how, (&handle.listener, handle.client(), handle.number));
    }

    /// Tells of an effect on a connection, or on what could have become one.
    pub(crate) fn told(&self, fault: &Arc<str>, how: &How, (listener, client, connection): (&Arc<str>, Arc<str>, u64)) {
        self.records.effect(Effect {
            fault: Arc::clone(fault),
            at_ns: machine::wall_ns(),
            how: how.name().into(),
            listener: Arc::clone(listener),
            client,
            connection,
            message: None,
        });
    }
}
