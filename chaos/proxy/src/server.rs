//! A proxy: its listeners, and what it can be told.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::Either;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    api::{Config, Effect, How, Invalid, Kind, Line, Listener, Page, Rule},
    connection,
    machine::{self, sleep_until},
    shared::Shared,
};

/// How long to wait for an address that somebody else still has.
const AGAIN: Duration = Duration::from_millis(50);

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be had.
    #[error("{0} cannot listen at {1}: {2}")]
    Listen(String, SocketAddr, std::io::Error),
    /// Two listeners have one name.
    #[error("two listeners are called {0}")]
    Twice(String),
}

/// A proxy. It serves as long as this is kept.
pub struct Proxy {
    pub(crate) shared: Arc<Shared>,
    addresses: BTreeMap<String, SocketAddr>,
    /// Ends with it all connections.
    _serving: JoinSet<()>,
}

impl Proxy {
    /// Starts it; returns once all its listeners accept connections. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When one cannot listen.
    pub async fn start(config: &Config) -> Result<Self, Error> {
        let mut kinds = BTreeMap::new();
        for listener in &config.listeners {
            if kinds.insert(listener.name.clone(), listener.kind).is_some() {
                return Err(Error::Twice(listener.name.clone()));
            }
        }
        let shared = Shared::new(config.seed, &config.event_header, config.keeps, kinds);
        let (mut serving, mut addresses) = (JoinSet::new(), BTreeMap::new());
        for Listener { name, kind, listen, upstream } in &config.listeners {
            let wanted = SocketAddr::new(config.host, *listen);
            let failed = |error| Error::Listen(name.clone(), wanted, error);
            let bound = TcpListener::bind(wanted).await.map_err(failed)?;
            let address = bound.local_addr().map_err(failed)?;
            addresses.insert(name.clone(), address);
            let door = Door {
                shared: Arc::clone(&shared),
                name: name.as_str().into(),
                kind: *kind,
                upstream: upstream.clone(),
                address,
            };
            serving.spawn(door.serve(bound));
        }
        Ok(Self { shared, addresses, _serving: serving })
    }

    /// Where a listener listens.
    #[must_use]
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        self.addresses.get(listener).copied()
    }

    /// A rule is in force from now on; one of the same fault no more.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn put(&self, fault: &str, rule: Rule) -> Result<(), Invalid> {
        self.shared.put(fault, rule)
    }

    /// A rule is in force no more. Whether it was.
    pub fn delete(&self, fault: &str) -> bool {
        self.shared.delete(fault)
    }

    /// Effects after the first so many.
    #[must_use]
    pub fn effects(&self, after: u64) -> Page<Effect> {
        self.shared.records.effects_after(after)
    }

    /// Lines of the log after the first so many.
    #[must_use]
    pub fn log(&self, after: u64) -> Page<Line> {
        self.shared.records.log_after(after)
    }
}

/// A listener.
struct Door {
    shared: Arc<Shared>,
    name: Arc<str>,
    kind: Kind,
    upstream: String,
    address: SocketAddr,
}

impl Door {
    async fn serve(self, bound: TcpListener) {
        let mut connections = JoinSet::new();
        let mut listener = Some(bound);
        loop {
            let changed = self.shared.changed();
            match (self.shared.rules.refuse_all(&self.name), &listener) {
                (Some(fault), open) => {
                    if open.is_some() {
                        self.shared.told(&fault, &How::Refuse, (&self.name, "".into(), 0));
                    }
                    // Only who does not listen refuses.
                    listener = None;
                    changed.await;
                }
                (None, None) => match TcpListener::bind(self.address).await {
                    Ok(bound) => listener = Some(bound),
                    Err(_) => sleep_until(machine::now() + AGAIN).await,
                },
                (None, Some(open)) => {
                    if let Either::Left(Ok((client, from))) = machine::first(open.accept(), changed).await {
                        let registered = self.shared.register(&self.name, from.ip().to_string().into());
                        let upstream = self.upstream.clone();
                        connections.spawn(connection::serve(Arc::clone(&self.shared), self.kind, upstream, client, registered));
                    }
                    while connections.try_join_next().is_some() {}
                }
            }
        }
    }
}
