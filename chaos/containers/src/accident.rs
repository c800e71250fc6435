//! What befell the parts of a stack that no fault of the scenario did: a full disk, a server without a free connection, a restart.
//!
//! A run in which that happened is not the one that the scenario tells of, so it is never a pass. [`crate::watch::Lookout`] finds them;
//! the detector hears nothing of them.

use std::collections::BTreeMap;

use faults::{Change, DatabaseFault, Deed, Resource};

use crate::parts::{elasticsearch, jaeger, postgres, rabbitmq, s3};

/// One kind of accident of one part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Accident {
    /// The broker is short of something, and takes nothing from whoever publishes.
    Alarm(Resource),
    /// All connections of a database's server are taken: so many.
    NoConnection {
        /// The server.
        part: String,
        /// How many it has; `None` where it never said.
        all: Option<u64>,
    },
    /// Elasticsearch takes no more records, by the block of this name.
    ReadOnly(String),
    /// The part was started anew.
    Restarted(String),
    /// The part does not run.
    Stopped(String),
}

impl Accident {
    /// Whether it is what a fault is there for: then it is none.
    fn is_meant_by(&self, deed: &Deed) -> bool {
        match (self, deed) {
            (Self::Alarm(resource), Deed::Broker(Change::Short(of))) => resource == of,
            (Self::Restarted(part) | Self::Stopped(part), Deed::Outage(_)) => part == rabbitmq::NAME,
            (Self::NoConnection { part, .. }, Deed::Database { database, how: DatabaseFault::Exhausted }) => {
                *part == postgres::name(database)
            }
            _ => false,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Alarm(Resource::Disk) => {
                "RabbitMQ raised its disk alarm: less disk space was free than its limit, and nobody could publish".to_owned()
            }
            Self::Alarm(Resource::Memory) => {
                "RabbitMQ raised its memory alarm: it held more memory than its watermark, and nobody could publish".to_owned()
            }
            Self::NoConnection { part, all } => {
                let all = all.map_or_else(|| "all".to_owned(), |all| format!("{all} of {all}"));
                format!("{} had no connection left: {all} were taken", called(part))
            }
            Self::ReadOnly(block) => {
                let why = if block.ends_with("read_only_allow_delete") { ", which it sets when its disk is full" } else { "" };
                format!("Elasticsearch refused writes: its indices have the block {block}{why}")
            }
            Self::Restarted(part) => format!("{} was started anew, and what it had in memory is gone", called(part)),
            Self::Stopped(part) => format!("{} stopped", called(part)),
        }
    }
}

/// What people call a part.
fn called(part: &str) -> String {
    match part {
        rabbitmq::NAME => "RabbitMQ".to_owned(),
        jaeger::NAME => "Jaeger".to_owned(),
        elasticsearch::NAME => "Elasticsearch".to_owned(),
        s3::NAME => "the S3 store".to_owned(),
        part => part.strip_prefix(postgres::PREFIX).map_or_else(|| part.to_owned(), |of| format!("Postgres ({of})")),
    }
}

/// The accidents of a run, each with the first and the last time that it was seen, nanoseconds since the Unix epoch.
#[derive(Debug, Default)]
pub(crate) struct Accidents(BTreeMap<Accident, (u64, u64)>);

impl Accidents {
    /// Something was seen while those faults of the scenario lasted.
    pub(crate) fn see(&mut self, accident: Accident, at_ns: u64, faults: &[Deed]) {
        if !faults.iter().any(|deed| accident.is_meant_by(deed)) {
            self.0.entry(accident).or_insert((at_ns, at_ns)).1 = at_ns;
        }
    }

    /// A sentence for each, the first one first, with times of the clock on the wall since `epoch_ns`, when the run began.
    pub(crate) fn told(&self, epoch_ns: u64) -> Vec<String> {
        let second = |at_ns: u64| at_ns.saturating_sub(epoch_ns) / 1_000_000_000;
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, (first_ns, _))| *first_ns);
        let told = |(accident, (first_ns, last_ns)): (&Accident, &(u64, u64))| match (second(*first_ns), second(*last_ns)) {
            (from, until) if from == until => format!("{} ({from} s into the run)", accident.words()),
            (from, until) => format!("{} ({from} s to {until} s into the run)", accident.words()),
        };
        all.into_iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use faults::Outage;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn told(accident: Accident, faults: &[Deed]) -> Vec<String> {
        let mut accidents = Accidents::default();
        accidents.see(accident, 12 * SECOND, faults);
        accidents.told(2 * SECOND)
    }

    #[test]
    fn an_alarm_is_an_accident_unless_a_fault_raised_that_one() {
        let alarm = Accident::Alarm(Resource::Disk);
        let short = |of| Deed::Broker(Change::Short(of));
        let said = "RabbitMQ raised its disk alarm: less disk space was free than its limit, and nobody could publish (10 s into the run)";
        assert_eq!(told(alarm.clone(), &[]), [said]);
        assert_eq!(told(alarm.clone(), &[short(Resource::Memory)]), [said], "that is another alarm");
        assert_eq!(told(alarm, &[short(Resource::Memory), short(Resource::Disk)]), [""; 0]);
    }

    #[test]
    fn a_fault_is_an_excuse_for_its_own_part_alone() {
        let outage = [Deed::Outage(Outage::Killed)];
        assert_eq!(told(Accident::Restarted("rabbitmq".into()), &outage), [""; 0]);
        assert_eq!(
            told(Accident::Restarted("jaeger".into()), &outage),
            ["Jaeger was started anew, and what it had in memory is gone (10 s into the run)"]
        );
        let exhausted = [Deed::Database { database: "mes".into(), how: DatabaseFault::Exhausted }];
        let full = |part: &str| Accident::NoConnection { part: part.into(), all: Some(300) };
        assert_eq!(told(full("postgres-mes"), &exhausted), [""; 0]);
        let said = "Postgres (shop) had no connection left: 300 of 300 were taken (10 s into the run)";
        assert_eq!(told(full("postgres-shop"), &exhausted), [said]);
    }

    #[test]
    fn an_accident_that_lasts_is_told_once_and_the_first_one_first() {
        let mut accidents = Accidents::default();
        accidents.see(Accident::Stopped("s3".into()), 5 * SECOND, &[]);
        for at in 3..9 {
            accidents.see(Accident::ReadOnly("index.blocks.read_only_allow_delete".into()), at * SECOND, &[]);
        }
        assert_eq!(
            accidents.told(2 * SECOND),
            [
                "Elasticsearch refused writes: its indices have the block index.blocks.read_only_allow_delete, which it sets when \
                its disk is full (1 s to 6 s into the run)",
                "the S3 store stopped (3 s into the run)",
            ]
        );
    }
}
