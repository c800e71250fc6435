//! The lifecycle file as it is written, and the way from there to hops.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::Status;
use serde::Deserialize;

use super::{Hop, Lifecycle, LifecycleError, Message, Part, Side, State};
use crate::language::units;

#[derive(Deserialize)]
struct File {
    promise: String,
    state: Vec<StateEntry>,
    message: Vec<MessageEntry>,
}

#[derive(Deserialize)]
struct StateEntry {
    name: String,
    owner: String,
    deadline: Option<String>,
    after: Option<String>,
    wait: Option<String>,
    work: Option<String>,
    overtaken: Option<usize>,
    #[serde(default)]
    share: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct MessageEntry {
    key: String,
    announces: String,
    deadline: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Lifecycle, LifecycleError> {
    let file: File = toml::from_str(text)?;
    if file.state.len() != Status::ALL.len() {
        return Err(content(format!("{} states, not {}", file.state.len(), Status::ALL.len())));
    }
    let mut lifecycle = Lifecycle { promise: time(&file.promise)?, states: Vec::new(), messages: Vec::new(), hops: Vec::new() };
    for (index, (entry, status)) in file.state.iter().zip(Status::ALL).enumerate() {
        if entry.name != status.name() {
            return Err(content(format!("state {} is {}, not {status}", index + 1, entry.name)));
        }
        let state = lifecycle.state_of(entry, status)?;
        lifecycle.states.push(state);
        for message in file.message.iter().filter(|message| message.announces == status.name()) {
            let message = lifecycle.message_of(message, status)?;
            lifecycle.messages.push(message);
        }
    }
    if lifecycle.messages.len() != file.message.len() {
        return Err(content("a message announces a state that is none".to_owned()));
    }
    Ok(lifecycle)
}

impl Lifecycle {
    fn state_of(&mut self, entry: &StateEntry, status: Status) -> Result<State, LifecycleError> {
        let after = entry.after.as_ref().map(|key| self.message_named(key)).transpose()?;
        let mut hops = after.map_or(Vec::new(), |message| self.messages[message].hops.to_vec());
        if let Some(work) = &entry.work {
            hops.push(self.hop(work, Part::WorkWait, status));
            hops.push(self.hop(work, Part::Work, status));
        } else if entry.wait.is_some() {
            hops.push(self.hop(status.name(), Part::Wait, status));
        }
        let shares = self.shares_of(entry, &hops)?;
        let side = if entry.owner == "MES" { Side::Mes } else { Side::Shop };
        let deadline = entry.deadline.as_deref().map(time).transpose()?;
        Ok(State { status, side, deadline, after, overtaken: entry.overtaken, shares })
    }

    fn shares_of(&self, entry: &StateEntry, hops: &[usize]) -> Result<Vec<(usize, f64)>, LifecycleError> {
        if entry.share.is_empty() {
            // A state without shares is entered over one hop: somebody is waited for.
            return Ok(hops.iter().rev().take(1).map(|hop| (*hop, 1.0)).collect());
        }
        let sum: f64 = entry.share.values().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(content(format!("shares of {} add up to {sum:.2}", entry.name)));
        }
        let share = |hop: &usize| Some((*hop, *entry.share.get(self.hops[*hop].part.name())?));
        let shares: Vec<(usize, f64)> = hops.iter().filter_map(share).collect();
        if shares.len() == entry.share.len() {
            Ok(shares)
        } else {
            Err(content(format!("{} shares a hop it has not", entry.name)))
        }
    }

    fn message_of(&mut self, entry: &MessageEntry, status: Status) -> Result<Message, LifecycleError> {
        let hops = [Part::CommitSend, Part::Transit, Part::Process].map(|part| self.hop(&entry.key, part, status));
        let deadline = entry.deadline.as_deref().map(time).transpose()?;
        Ok(Message { key: entry.key.as_str().into(), announces: status, deadline, hops })
    }

    fn message_named(&self, key: &str) -> Result<usize, LifecycleError> {
        self.messages.iter().position(|message| &*message.key == key).ok_or_else(|| content(format!("no message {key}")))
    }

    fn hop(&mut self, of: &str, part: Part, status: Status) -> usize {
        let name: Arc<str> = format!("{of} {}", part.name()).into();
        self.hops.push(Hop { name, part, status });
        self.hops.len() - 1
    }
}

fn content(text: String) -> LifecycleError {
    LifecycleError::Content(text)
}

fn time(text: &str) -> Result<Duration, LifecycleError> {
    units::duration(text).map_err(|misread| content(misread.what))
}
