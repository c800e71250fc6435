//! Recorded arrivals: a CSV file that a scenario names, with a row for each order.
//!
//! ```csv
//! time,actor,model_size
//! 2026-01-05T08:00:00Z,customer,2400000
//! 2026-01-05T08:00:41Z,api-user,310000
//! ```
//!
//! `time` is RFC 3339, counted from the first order, or a duration since the start of the run; `model_size` is bytes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Actor,
    fields::Fields,
    find,
    problem::{Problem, ScenarioError, nearest, one_of},
    units,
};

/// The columns, in any order.
const COLUMNS: [&str; 3] = ["time", "actor", "model_size"];
/// No recording is longer, MiB: the orders that a scenario may have at most, each with a long row.
const LONGEST: u64 = 256;
/// The largest model that a row may name, bytes.
pub const LARGEST_MODEL: u32 = 64 << 20;
const TIME: &str = "a time like \"2026-01-05T08:00:00Z\", or since the start of the run like \"1h 30m\"";

/// An order that somebody once placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Since the start of the run.
    pub at: Duration,
    /// Who ordered.
    pub actor: Actor,
    /// The size of the model's file, bytes.
    pub model_bytes: u32,
}

/// The recordings of a scenario, by the name that its file gives them.
pub(super) type Recordings = BTreeMap<String, Arc<[Recorded]>>;

/// Reads every recording that a scenario names, from beside its file.
pub(super) fn all(scenario: &Path, document: &[u8], fields: &Fields) -> Result<Recordings, ScenarioError> {
    let mut recordings = Recordings::new();
    for load in fields.tables("load") {
        let Some(name) = load.text("file") else { continue };
        let path = scenario.parent().unwrap_or(Path::new("")).join(name);
        let bytes = find::read(&path, ("recording", LONGEST)).map_err(|error| {
            let what = format!("the recording {} cannot be read: {error}", path.display());
            Problem::new(load.place("file"), what, "a CSV file beside the scenario").place(scenario.to_owned(), document)
        })?;
        recordings.insert(name.to_owned(), read(&path, &bytes)?);
    }
    Ok(recordings)
}

/// When a row says that its order was placed.
enum Time {
    Since(Duration),
    Clock(SystemTime),
}

/// The rows of a recording, by time.
fn read(file: &Path, bytes: &[u8]) -> Result<Arc<[Recorded]>, ScenarioError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let table = Table { file: file.to_owned() };
    let header = reader.headers().map_err(|error| table.broken(&error))?.clone();
    let column = |name: &str| header.iter().position(|found| found == name);
    if let Some((at, found)) = header.iter().enumerate().find(|(_, found)| !COLUMNS.contains(found)) {
        return Err(table.wrong(1, at, format!("unknown column `{found}`"), one_of(COLUMNS), nearest(found, COLUMNS)));
    }
    if let Some((at, twice)) = header.iter().enumerate().find(|(at, found)| column(found) != Some(*at)) {
        return Err(table.wrong(1, at, format!("the column `{twice}` stands here a second time"), "each column once", None));
    }
    let [Some(time), Some(actor), Some(size)] = COLUMNS.map(column) else {
        return Err(table.wrong(1, 0, "a column is missing", format!("the header {}", COLUMNS.join(",")), None));
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| table.broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(column).unwrap_or_default();
        rows.push((
            table.time(line, time, cell(time))?,
            table.actor(line, actor, cell(actor))?,
            table.size(line, size, cell(size))?,
            line,
        ));
    }
    if rows.is_empty() {
        return Err(table.wrong(1, 0, "no order is recorded", "a row for each order", None));
    }
    table.since_the_first(rows, time)
}

/// A recording that is being read, for its errors.
struct Table {
    file: PathBuf,
}

impl Table {
    fn wrong(
        &self,
        line: u64,
        column: usize,
        what: impl Into<String>,
        expected: impl Into<String>,
        nearest: Option<&str>,
    ) -> ScenarioError {
        ScenarioError::Row {
            file: self.file.clone(),
            line,
            column: column + 1,
            what: what.into(),
            expected: expected.into(),
            nearest: nearest.map(str::to_owned),
        }
    }

    fn broken(&self, error: &csv::Error) -> ScenarioError {
        let line = error.position().map_or(1, csv::Position::line);
        let what = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("a row of {len} cells, the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "a byte that is no UTF-8".to_owned(),
            _ => error.to_string(),
        };
        self.wrong(line, 0, what, format!("CSV with the columns {}", COLUMNS.join(",")), None)
    }

    fn time(&self, line: u64, column: usize, text: &str) -> Result<Time, ScenarioError> {
        if let Ok(clock) = humantime::parse_rfc3339(text) {
            return Ok(Time::Clock(clock));
        }
        let misread = |misread: units::Misread| self.wrong(line, column, misread.what, TIME, misread.nearest.as_deref());
        units::duration(text).map(Time::Since).map_err(misread)
    }

    fn actor(&self, line: u64, column: usize, text: &str) -> Result<Actor, ScenarioError> {
        let names = Actor::ALL.map(Actor::name);
        let unknown = || self.wrong(line, column, format!("unknown actor `{text}`"), one_of(names), nearest(text, names));
        Actor::ALL.into_iter().find(|actor| actor.name() == text).ok_or_else(unknown)
    }

    fn size(&self, line: u64, column: usize, text: &str) -> Result<u32, ScenarioError> {
        let size = text.parse().ok().filter(|size| (1..=LARGEST_MODEL).contains(size));
        let expected = format!("a whole number of bytes from 1 to {LARGEST_MODEL}");
        size.ok_or_else(|| self.wrong(line, column, format!("`{text}` is no size of a model"), expected, None))
    }

    /// Rows with clock times count from the first of them.
    fn since_the_first(&self, rows: Vec<(Time, Actor, u32, u64)>, column: usize) -> Result<Arc<[Recorded]>, ScenarioError> {
        let clock = |time: &Time| if let Time::Clock(clock) = time { Some(*clock) } else { None };
        let first = rows.iter().filter_map(|(time, ..)| clock(time)).min();
        let mut recorded = Vec::with_capacity(rows.len());
        for (time, actor, model_bytes, line) in rows {
            let at = match (time, first) {
                (Time::Since(at), None) => at,
                (Time::Clock(clock), Some(first)) => clock.duration_since(first).unwrap_or_default(),
                (Time::Since(_), Some(_)) | (Time::Clock(_), None) => {
                    return Err(self.wrong(
                        line,
                        column,
                        "a time since the start among times of the clock",
                        "one kind of time",
                        None,
                    ));
                }
            };
            let at = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX)).min(units::LONGEST);
            recorded.push(Recorded { at, actor, model_bytes });
        }
        recorded.sort_by_key(|row| row.at);
        Ok(recorded.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Arc<[Recorded]>, String> {
        read(Path::new("day.csv"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn times_of_the_clock_count_from_the_first_order() {
        let rows =
            rows("time,actor,model_size\n2026-01-05T08:00:41.5Z,api-user,310000\n2026-01-05T08:00:00Z,customer,1\n").unwrap();
        let row = |millis, actor, model_bytes| Recorded { at: Duration::from_millis(millis), actor, model_bytes };
        assert_eq!(*rows, [row(0, Actor::Customer, 1), row(41_500, Actor::ApiUser, 310_000)]);
    }

    #[test]
    fn times_since_the_start_and_columns_in_any_order_are_taken() {
        let rows = rows("actor, model_size, time\ncustomer, 7, 1h 30m\n").unwrap();
        assert_eq!((rows[0].at, rows[0].model_bytes), (Duration::from_secs(5400), 7));
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let bad = |row: &str| rows(&format!("time,actor,model_size\n1s,customer,5\n{row}\n")).unwrap_err();
        assert_eq!(bad("2x,customer,5"), format!("day.csv:3: column 1: `x` in `2x` is no unit of time; expected {TIME}"));
        assert_eq!(
            bad("2s,custommer,5"),
            "day.csv:3: column 2: unknown actor `custommer`; expected `customer` or `api-user`; did you mean `customer`?"
        );
        assert_eq!(
            bad("2s,customer,-1"),
            "day.csv:3: column 3: `-1` is no size of a model; expected a whole number of bytes from 1 to 67108864"
        );
        assert_eq!(
            bad("2s,customer"),
            "day.csv:3: column 1: a row of 2 cells, the header has 3; expected CSV with the columns time,actor,model_size"
        );
        assert!(bad("2026-01-05T08:00:00Z,customer,5").contains("day.csv:2: column 1: a time since the start among"));
    }

    #[test]
    fn a_header_that_says_something_else_is_refused() {
        let error = rows("time,actor,modelsize\n").unwrap_err();
        assert_eq!(
            error,
            "day.csv:1: column 3: unknown column `modelsize`; expected `time`, `actor` or `model_size`; did you mean `model_size`?"
        );
        assert_eq!(
            rows("time,actor,time,model_size\n").unwrap_err(),
            "day.csv:1: column 3: the column `time` stands here a second time; expected each column once"
        );
        assert!(rows("time,actor\n1s,customer\n").unwrap_err().contains("a column is missing"));
        assert!(rows("time,actor,model_size\n").unwrap_err().contains("no order is recorded"));
        assert!(rows("").unwrap_err().contains("a column is missing"));
    }
}
