//! `cargo xtask stack`: keeps RabbitMQ, Postgres, Jaeger and Elasticsearch open between runs, and says where they are.

use containers::{
    Blueprint, Error,
    open::{self, Status, Up},
};
use harness::{Exit, stack::Stack};
use world::Either;

use crate::{arena::first, interrupt::Interrupt};

/// Does what was asked; the answer goes to stdout, what is being done and what is wrong to stderr.
///
/// # Errors
/// When there is no runtime, or the stack cannot be started, removed or seen.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]
pub fn run(action: Stack, blueprint: &Blueprint) -> Result<Exit, StackError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let say = |phase: &str| eprintln!("stack  {phase}");
    let done = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        match first(act(action, blueprint, &say), interrupt.wait()).await {
            Either::Left(done) => done.map_err(StackError::from),
            Either::Right(()) => Err(StackError::Interrupted),
        }
    })?;
    println!("{}", done.0);
    Ok(done.1)
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No threads, no signals.
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// The stack.
    #[error(transparent)]
    Stack(#[from] Error),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted; what had been started is removed")]
    Interrupted,
}

async fn act(action: Stack, blueprint: &Blueprint, say: &(dyn Fn(&str) + Sync)) -> Result<(String, Exit), Error> {
    let name = &blueprint.standing.name;
    match action {
        Stack::Up => {
            let how = match open::up(blueprint, say).await? {
                Up::Already => "was up",
                Up::Started => "is up",
                Up::Replaced => "is up anew",
            };
            let parts = text(&open::status(blueprint).await?, blueprint);
            let next = "used by `cargo xtask simulate --world containers`, removed by `cargo xtask stack down`";
            Ok((format!("the open stack `{name}` {how}\n{parts}\n{next}"), Exit::Pass))
        }
        Stack::Down => {
            let said = match open::down(name, say).await {
                Ok(true) => "is removed".to_owned(),
                Ok(false) => "is not up".to_owned(),
                Err(kept @ Error::NetworkKept { .. }) => format!("is removed, but for one thing: {kept}"),
                Err(error) => return Err(error),
            };
            Ok((format!("the open stack `{name}` {said}"), Exit::Pass))
        }
        Stack::Status => {
            let status = open::status(blueprint).await?;
            if status.parts.is_empty() {
                return Ok((format!("the open stack `{name}` is not up"), Exit::Red));
            }
            let exit = if status.usable() { Exit::Pass } else { Exit::Red };
            Ok((format!("the open stack `{name}`\n{}", text(&status, blueprint)), exit))
        }
    }
}

/// The parts, where they are and how they are; then whether runs can use them, and which do.
fn text(status: &Status, blueprint: &Blueprint) -> String {
    let mut lines = Vec::new();
    for part in &status.parts {
        let since = part.since.as_deref().map_or_else(|| "stopped".to_owned(), |since| format!("since {}", second(since)));
        lines.push(format!("  {:<14} {since:<26} {}", part.part, part.version));
        lines.extend(part.addresses.iter().map(|(what, address)| format!("  {:<14} {what:<10} {address}", "")));
    }
    lines.push(format!("  {:<14} loupe / loupe, wherever one is asked for", "user, password"));
    let version = &blueprint.standing.version;
    lines.push(match (&*status.differences, status.usable()) {
        ([], true) => format!("  fits Loupe {version}"),
        ([], false) => "  is not whole: `cargo xtask stack up` starts it anew".to_owned(),
        (differences, _) => format!("  does not fit Loupe {version}: {}", differences.join(", ")),
    });
    if !status.runs.is_empty() {
        lines.push(format!("  in use by run {}", status.runs.join(", run ")));
    }
    let left: Vec<&str> = status.quarters.iter().filter(|run| !status.runs.contains(run)).map(String::as_str).collect();
    if !left.is_empty() {
        lines.push(format!("  left by run {}: the next run removes it", left.join(", run ")));
    }
    if let Some(reason) = &status.silent {
        lines.push(format!("  whether runs left something is not known: {reason}"));
    }
    lines.join("\n")
}

/// A time without the parts of a second.
fn second(time: &str) -> String {
    match time.split_once('.') {
        Some((second, _)) => format!("{second}Z"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use containers::{Images, Limits, open::PartStatus};

    use super::*;

    fn part(name: &str, since: Option<&str>) -> PartStatus {
        let addresses = vec![("traces", "http://127.0.0.1:16686".to_owned())];
        PartStatus { part: name.into(), since: since.map(str::to_owned), version: "image j:2".into(), addresses }
    }

    #[test]
    fn it_says_what_runs_where_it_is_and_whether_it_fits() {
        let blueprint = crate::assembly::blueprint("stack".into(), Images::default(), Limits::default());
        let whole = Status {
            parts: vec![part("jaeger", Some("2026-11-21T10:00:00.123456789Z"))],
            differences: Vec::new(),
            runs: vec!["19a-1".into()],
            quarters: vec!["19a-1".into(), "19b-2".into()],
            silent: None,
        };
        let said = text(&whole, &blueprint);
        for words in
            ["since 2026-11-21T10:00:00Z", "http://127.0.0.1:16686", "fits Loupe", "in use by run 19a-1", "left by run 19b-2"]
        {
            assert!(said.contains(words), "no {words:?} in\n{said}");
        }
        let starting = Status { quarters: Vec::new(), silent: Some("RabbitMQ does not answer".into()), ..whole.clone() };
        let said = text(&starting, &blueprint);
        assert!(said.contains("whether runs left something is not known: RabbitMQ does not answer"), "{said}");
        let half = Status { parts: vec![part("jaeger", None)], ..whole.clone() };
        assert!(text(&half, &blueprint).contains("is not whole"));
        let other = Status { differences: vec!["Loupe 0.0.1 started it".into()], ..whole };
        assert!(text(&other, &blueprint).contains("does not fit Loupe 0.1.0: Loupe 0.0.1 started it"));
    }
}
