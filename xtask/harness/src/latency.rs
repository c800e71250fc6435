//! `latency.hlog`: how long orders took, and how long the people's requests, as histograms that HdrHistogram's tools read. One tag
//! per state, one for the whole way, and one for each request of each actor.

use std::{
    io,
    time::{Duration, UNIX_EPOCH},
};

use hdrhistogram::{
    Histogram,
    serialization::{
        V2DeflateSerializer,
        interval_log::{IntervalLogWriterBuilder, Tag},
    },
};
use scenarios::{
    ledger::{
        Ledger,
        latency::{lead_time, states},
    },
    lifecycle::Lifecycle,
    scale::Clock,
};

/// The tag of the time from the first state to the last.
pub const LEAD_TIME: &str = "LEAD_TIME";
/// Histograms hold microseconds, for requests are short; their readable maximum is in seconds.
const PER_SECOND: f64 = 1_000_000.0;
/// Significant digits.
const DIGITS: u8 = 3;

/// Writes the log: for each state the time from entering the state before it, and for each request the time from when it was
/// meant to be made. `clock` makes times of the scenario of those of a run that was shortened; requests take what they take.
///
/// # Errors
/// When `out` fails.
pub fn write((ledger, lifecycle): (&Ledger, &Lifecycle), clock: Option<&Clock>, mut out: &mut dyn io::Write) -> io::Result<()> {
    // The crate writes the log's contents and leaves its first line to whoever knows the version.
    out.write_all(b"#[Histogram log format version 1.3]\n")?;
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(
            "microseconds: of the scenario, from entering the state before to entering the state in the tag; \
             of http/actor/request, from when it was meant to be made to its end, failed ones included",
        )
        .with_start_time(UNIX_EPOCH + Duration::from_nanos(ledger.started_ns))
        .with_max_value_divisor(PER_SECOND)
        .begin_log_with(&mut out, &mut serializer)?;
    let lasted = Duration::from_nanos(ledger.end_ns.saturating_sub(ledger.started_ns));
    let lasted = lasted.mul_f64(clock.map_or(1.0, |clock| clock.factors.machine));
    let states = states(ledger, lifecycle).into_iter().map(|(status, times)| {
        let factor = clock.map_or(1.0, |clock| clock.state(status.name()));
        (status.name(), times, factor)
    });
    let whole = (LEAD_TIME, lead_time(ledger, lifecycle), clock.map_or(1.0, |clock| clock.whole));
    let orders = states.chain([whole]).map(|(tag, times, factor)| (tag, times.sorted_ns, factor));
    let requests = ledger.requests.iter().map(|(tag, times_ns)| (tag.as_str(), times_ns.clone(), 1.0));
    for (tag, times_ns, factor) in orders.chain(requests) {
        let histogram = histogram(&times_ns, factor).map_err(io::Error::other)?;
        log.write_histogram(&histogram, Duration::ZERO, lasted, Tag::new(tag))
            .map_err(|error| io::Error::other(format!("{error:?}")))?;
    }
    Ok(())
}

fn histogram(times_ns: &[u64], factor: f64) -> Result<Histogram<u64>, Box<dyn std::error::Error + Send + Sync>> {
    let mut histogram = Histogram::new(DIGITS)?;
    for time_ns in times_ns {
        let time = Duration::from_nanos(*time_ns).mul_f64(factor);
        histogram.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))?;
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use contracts::Status;
    use hdrhistogram::serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    };
    use scenarios::ledger::{Account, Step};

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn ledger() -> Ledger {
        let step = |to: Status, at_s: u64| Step {
            from: to.previous(),
            to,
            version: 1,
            event_id: "e".into(),
            at_ns: at_s * SECOND,
            service: "shop-api".into(),
        };
        let order: Arc<str> = "c-000001".into();
        let account = Account {
            order_ref: Arc::clone(&order),
            order_id: Some(order),
            client_type: "retail".into(),
            shop_row: None,
            shop: vec![step(Status::Initiated, 100), step(Status::FileUploaded, 130)],
            mes_row: None,
            mes: Vec::new(),
            jobs: Vec::new(),
            unsent: Vec::new(),
            messages: Vec::new(),
            intents: Vec::new(),
        };
        Ledger {
            started_ns: 100 * SECOND,
            end_ns: 1_000 * SECOND,
            unsettled: None,
            calculation_limit: Duration::ZERO,
            relayed: true,
            orders: vec![account],
            faults: Vec::new(),
            effects: Vec::new(),
            requests: [("http/seller/approve".to_owned(), vec![1_500_000, 2_500_000])].into(),
        }
    }

    #[test]
    fn each_state_has_a_histogram_that_reads_back() {
        let lifecycle = Lifecycle::parse(scenarios::lifecycle::LIFECYCLE).unwrap();
        let mut bytes = Vec::new();
        write((&ledger(), &lifecycle), None, &mut bytes).unwrap();
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            let encoded = BASE64_STANDARD.decode(interval.encoded_histogram()).unwrap();
            let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap();
            read.push((interval.tag().unwrap().as_str().to_owned(), histogram.len(), histogram.max()));
        }
        assert_eq!(
            read.pop().map(|(tag, requests, slowest)| (tag, requests, slowest / 10)),
            Some(("http/seller/approve".into(), 2, 250))
        );
        assert_eq!(read.len(), Status::ALL.len(), "every state but the first, and the whole way");
        assert_eq!(read[0].0, "FILE_UPLOADED");
        assert_eq!((read[0].1, read[0].2 / 100_000), (1, 300), "30 s");
        assert_eq!(read.last().map(|(tag, orders, _)| (tag.as_str(), *orders)), Some((LEAD_TIME, 0)));
        assert!(bytes.starts_with(b"#[Histogram log format version 1.3]\n#"));
    }
}
