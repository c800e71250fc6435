//! When orders arrive: an open model, decided by the scenario and its seed alone.
//!
//! Every stream draws from its own keyed randomness, so neither a fault nor another stream shifts it. A rate that changes
//! is handled by a change of time: unit-exponential gaps are laid along the expected number of arrivals, which is inverted.

use std::{collections::BTreeMap, iter::Peekable, sync::Arc, time::Duration};

use world::Random;

use crate::language::{Actor, Executor, Recorded, Scenario};

/// An order begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Since the start of the run, whole milliseconds.
    pub at: Duration,
    /// Who orders.
    pub actor: Actor,
    /// The client's own reference, numbered in time order: `c-000417`.
    pub order_ref: Arc<str>,
    /// The size of the model's file, bytes; `None` where it does not matter.
    pub model_bytes: Option<u32>,
}

/// The arrivals of a scenario in time order, made as they are asked for.
#[must_use]
pub fn arrivals(scenario: &Scenario) -> Arrivals {
    let stream = |(index, load): (usize, &crate::language::Load)| {
        let random = Random::new(scenario.seed, "load", &index.to_string());
        let times = match load.executor {
            Executor::Burst { at, count, within } => Times::Burst { random, at, count, within, n: 0 },
            Executor::Replay { ref orders, .. } => Times::Replay { orders: Arc::clone(orders), n: 0 },
            _ => Times::Rates { random, pieces: load.executor.pieces(scenario.duration), piece: 0, spent: 0.0, begin: 0.0 },
        };
        Stream { actor: load.actor, times }.peekable()
    };
    Arrivals { end: scenario.duration, streams: scenario.load.iter().enumerate().map(stream).collect(), counts: BTreeMap::new() }
}

/// See [`arrivals`].
#[derive(Clone, Debug)]
pub struct Arrivals {
    end: Duration,
    streams: Vec<Peekable<Stream>>,
    counts: BTreeMap<Actor, u32>,
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let mut first: Option<(Duration, usize)> = None;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if let Some(next) = stream.peek()
                && first.is_none_or(|(earliest, _)| next.at < earliest)
            {
                first = Some((next.at, index));
            }
        }
        let (_, index) = first.filter(|(at, _)| *at < self.end)?;
        let Next { at, actor, model_bytes } = self.streams.get_mut(index)?.next()?;
        let count = self.counts.entry(actor).or_default();
        *count += 1;
        Some(Arrival { at, actor, order_ref: format!("{}-{count:06}", actor.letter()).into(), model_bytes })
    }
}

/// The next order of a stream.
#[derive(Clone, Debug)]
struct Next {
    at: Duration,
    actor: Actor,
    model_bytes: Option<u32>,
}

/// The orders of one load.
#[derive(Clone, Debug)]
struct Stream {
    actor: Option<Actor>,
    times: Times,
}

impl Iterator for Stream {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        if let Times::Replay { orders, n } = &mut self.times {
            let order = orders.get(*n)?;
            *n += 1;
            return Some(Next { at: order.at, actor: order.actor, model_bytes: Some(order.model_bytes) });
        }
        Some(Next { at: self.times.next()?, actor: self.actor?, model_bytes: None })
    }
}

/// A stretch of time in which the rate runs in a straight line.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: f64,
    to: f64,
    seconds: f64,
}

impl Piece {
    /// Arrivals expected in its first `x` seconds.
    fn expected(self, x: f64) -> f64 {
        (self.to - self.from).mul_add(x * x / (2.0 * self.seconds), self.from * x)
    }

    /// The time by which that many arrivals are expected: the inverse of [`Piece::expected`].
    fn when(self, arrivals: f64) -> f64 {
        let root = self.from.mul_add(self.from, 2.0 * (self.to - self.from) * arrivals / self.seconds);
        let x = 2.0 * arrivals / (self.from + libm::sqrt(root.max(0.0)));
        if x.is_finite() { x.min(self.seconds) } else { self.seconds }
    }
}

impl Executor {
    /// Arrivals expected from the start of the run up to a time.
    #[must_use]
    pub fn expected(&self, until: Duration) -> f64 {
        match self {
            Self::Burst { at, count, within } => {
                let share = until.saturating_sub(*at).as_secs_f64() / within.as_secs_f64();
                f64::from(*count) * share.min(1.0)
            }
            Self::Replay { orders, .. } => {
                let come = orders.partition_point(|order| order.at < until);
                f64::from(u32::try_from(come).unwrap_or(u32::MAX))
            }
            _ => {
                let mut left = until.as_secs_f64();
                let mut sum = 0.0;
                for piece in self.pieces(until) {
                    sum += piece.expected(left.clamp(0.0, piece.seconds));
                    left -= piece.seconds;
                }
                sum
            }
        }
    }

    fn pieces(&self, end: Duration) -> Vec<Piece> {
        match self {
            Self::ConstantArrivalRate { rate } => vec![Piece { from: rate.0, to: rate.0, seconds: end.as_secs_f64() }],
            Self::RampingArrivalRate { start, stages } => {
                let mut from = start.0;
                let piece = |stage: &crate::language::RampStage| {
                    let piece = Piece { from, to: stage.target.0, seconds: stage.duration.as_secs_f64() };
                    from = stage.target.0;
                    piece
                };
                stages.iter().map(piece).collect()
            }
            Self::Burst { .. } | Self::Replay { .. } => Vec::new(),
        }
    }
}

/// The arrival times of one stream.
#[derive(Clone, Debug)]
enum Times {
    Rates {
        random: Random,
        pieces: Vec<Piece>,
        /// The piece that the last arrival fell in.
        piece: usize,
        /// Expected arrivals of this piece that the last arrival lies behind.
        spent: f64,
        /// Its begin, in seconds since the start of the run.
        begin: f64,
    },
    Burst {
        random: Random,
        at: Duration,
        count: u32,
        within: Duration,
        n: u32,
    },
    Replay {
        orders: Arc<[Recorded]>,
        n: usize,
    },
}

impl Iterator for Times {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self {
            Self::Rates { random, pieces, piece, spent, begin } => {
                *spent -= libm::log(1.0 - random.unit());
                loop {
                    let current = pieces.get(*piece)?;
                    let whole = current.expected(current.seconds);
                    if *spent <= whole {
                        return Some(millis(*begin + current.when(*spent)));
                    }
                    *spent -= whole;
                    *begin += current.seconds;
                    *piece += 1;
                }
            }
            Self::Burst { random, at, count, within, n } => {
                let share = (f64::from(*n) + random.unit()) / f64::from(*count);
                *n += 1;
                (*n <= *count).then(|| *at + millis(within.as_secs_f64() * share))
            }
            // Its orders say more than their times: the stream takes them itself.
            Self::Replay { .. } => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
fn millis(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn scenario(body: &str) -> Scenario {
        let text = format!("title = \"t\"\n{body}");
        Scenario::parse(Path::new("t.toml"), text.as_bytes()).unwrap()
    }

    fn seconds(body: &str) -> Vec<f64> {
        arrivals(&scenario(body)).map(|arrival| arrival.at.as_secs_f64()).collect()
    }

    const HOURLY: &str = "[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"30/h\"\n";

    #[test]
    fn a_constant_rate_has_exponential_gaps() {
        let at = seconds(&format!("duration = \"100d\"\n{HOURLY}"));
        let gaps: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let count = f64::from(u32::try_from(gaps.len()).unwrap());
        let mean = gaps.iter().sum::<f64>() / count;
        assert!((117.0..123.0).contains(&mean), "mean {mean}");
        // Exponential: the standard deviation is the mean, and a share of 1/e is longer than it.
        let longer = f64::from(u32::try_from(gaps.iter().filter(|gap| **gap > mean).count()).unwrap()) / count;
        assert!((0.355..0.381).contains(&longer), "longer {longer}");
    }

    #[test]
    fn a_ramp_runs_straight_to_its_target() {
        let stages = "stages = [{ target = \"1/s\", duration = \"2h\" }, { target = \"0/s\", duration = \"1h\" }]";
        let at =
            seconds(&format!("duration = \"4h\"\n[[load]]\nactor = \"api-user\"\nexecutor = \"ramping-arrival-rate\"\n{stages}"));
        let between = |from: f64, to: f64| at.iter().filter(|at| (from * 3600.0..to * 3600.0).contains(at)).count();
        // The areas under the line: a triangle of 2 h and one of 1 h, 1/s high.
        assert!((800..1000).contains(&between(0.0, 1.0)), "{}", between(0.0, 1.0));
        assert!((2550..2850).contains(&between(1.0, 2.0)), "{}", between(1.0, 2.0));
        assert!((1700..1900).contains(&between(2.0, 3.0)), "{}", between(2.0, 3.0));
        assert_eq!(between(3.0, 4.0), 0);
    }

    #[test]
    fn a_burst_has_its_count_within_its_time() {
        let at = seconds(
            "duration = \"1d\"\n[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"1h\"\ncount = 45\nwithin = \"5m\"",
        );
        assert_eq!(at.len(), 45);
        assert!(at.iter().all(|at| (3600.0..3900.0).contains(at)));
        // Spread evenly: no gap is longer than two even ones.
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] <= 2.0 * 300.0 / 45.0));
    }

    #[test]
    fn what_is_expected_is_what_comes() {
        let text = format!(
            "duration = \"20d\"\n{HOURLY}[[load]]\nactor = \"customer\"\nexecutor = \"ramping-arrival-rate\"\n\
             start = \"20/h\"\nstages = [{{ target = \"60/h\", duration = \"10d\" }}]"
        );
        let scenario = scenario(&text);
        let expected: f64 = scenario.load.iter().map(|load| load.executor.expected(scenario.duration)).sum();
        assert!((expected - (14_400.0 + 9_600.0)).abs() < 1e-6, "{expected}");
        let count = f64::from(u32::try_from(arrivals(&scenario).count()).unwrap());
        assert!((count - expected).abs() < 4.0 * expected.sqrt(), "{count} of {expected}");
    }

    #[test]
    fn references_are_numbered_in_time_order_for_each_actor() {
        let text = format!("duration = \"10d\"\n{HOURLY}{}", HOURLY.replace("customer", "api-user"));
        let all: Vec<_> = arrivals(&scenario(&text)).collect();
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
        for actor in Actor::ALL {
            let refs: Vec<_> = all.iter().filter(|arrival| arrival.actor == actor).map(|arrival| &*arrival.order_ref).collect();
            assert_eq!(refs.first(), Some(&&*format!("{}-000001", actor.letter())));
            assert!(refs.is_sorted() && refs.len() > 6000);
        }
    }

    #[test]
    fn arrivals_depend_on_the_seed_and_their_stream_alone() {
        let plain = format!("duration = \"5d\"\n{HOURLY}");
        let at = seconds(&plain);
        assert_eq!(at, seconds(&plain));
        let broken = format!("{plain}[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"4m\"\n");
        assert_eq!(at, seconds(&broken));
        assert_ne!(at, seconds(&format!("seed = 43\n{plain}")));
        let busier = format!("{plain}{}", HOURLY.replace("customer", "api-user"));
        let customers = arrivals(&scenario(&busier)).filter(|arrival| arrival.actor == Actor::Customer);
        assert_eq!(at, customers.map(|arrival| arrival.at.as_secs_f64()).collect::<Vec<_>>());
    }

    #[test]
    fn a_recording_is_replayed_beside_other_loads_and_scaled_like_them() {
        let folder = std::env::temp_dir().join(format!("loupe-replay-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let rows = "time,actor,model_size\n1h,api-user,300\n2h,customer,7000\n2h 30m,api-user,1\n";
        std::fs::write(folder.join("day.csv"), rows).unwrap();
        let body = format!("title = \"t\"\nduration = \"1d\"\n{HOURLY}[[load]]\nexecutor = \"replay\"\nfile = \"day.csv\"\n");
        let parsed = |body: &str| Scenario::parse(&folder.join("t.toml"), body.as_bytes());
        let replayed = parsed(&format!("{body}[scale]\nmachine = 60\nhuman = 60\n")).unwrap();
        let recorded = |scenario: &Scenario| -> Vec<_> {
            let recorded =
                arrivals(scenario).filter_map(|arrival| Some((arrival.at.as_secs(), arrival.actor, arrival.model_bytes?)));
            recorded.collect()
        };
        let (api, customer) = (Actor::ApiUser, Actor::Customer);
        assert_eq!(recorded(&replayed), [(3600, api, 300), (7200, customer, 7000), (9000, api, 1)]);
        assert!(arrivals(&replayed).count() > 500);
        let scaled = crate::scale::scaled(&replayed).unwrap();
        assert_eq!(recorded(&scaled), [(60, api, 300), (120, customer, 7000), (150, api, 1)]);
        let late = parsed(&body.replace("1d", "2h")).unwrap_err().to_string();
        assert!(late.ends_with("t.toml:9:8: the recording's last order comes at 2h 30m, after the last arrival at 2h; expected a recording that fits into `duration`"), "{late}");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(parsed(&body).unwrap_err().to_string().contains("t.toml:9:8: the recording "));
    }

    #[test]
    fn nothing_arrives_after_the_end() {
        let at = seconds(&format!("duration = \"1d\"\n{HOURLY}"));
        assert!(at.iter().all(|at| *at < 86_400.0) && at.len() > 500);
    }
}
