//! Whether this machine runs the tests that need Docker, and what they share.

use std::{path::PathBuf, process::Command, thread, time::Duration};

use containers::{
    Blueprint, Images, Limits, Standing,
    open::{self, Status},
};
use real::{
    Place,
    assembly::{SLOW_STATEMENT, TEST},
};
use scenarios::Scenario;

/// Whether to go on. With `CI=true` it is no choice.
pub(crate) fn containers() -> bool {
    match variable("LOUPE_CONTAINERS").as_deref() {
        Some("1") => return true,
        // Another command runs them: `cargo xtask test` has a step of their own for them.
        Some("apart") => return false,
        _ => {}
    }
    assert!(variable("CI").as_deref() != Some("true"), "with CI=true a skip is a failure: set LOUPE_CONTAINERS=1");
    eprintln!("skipped: it needs Docker; set LOUPE_CONTAINERS=1 to run it");
    false
}

/// Whether these are the long tests of the night.
pub(crate) fn nightly() -> bool {
    variable("LOUPE_TIER").as_deref() == Some("nightly")
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "tests are configured by their environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs a future on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// The open stack of these tests, as it is; waits for a part that is just starting, since what it holds is asked for.
#[expect(clippy::disallowed_methods, reason = "real containers are waited for in real time")]
fn status(blueprint: &Blueprint) -> Status {
    let asking = async {
        loop {
            let status = open::status(blueprint).await.unwrap();
            if status.silent.is_none() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let limited = async { tokio::time::timeout(Duration::from_secs(60), asking).await };
    // A thread of its own, so that it may be asked from within a runtime.
    thread::scope(|scope| scope.spawn(|| block_on(limited)).join().unwrap()).expect("every part answers in the end")
}

/// The services' binary: the one named by the environment, or built now, beside this test.
pub(crate) fn app() -> PathBuf {
    if let Some(path) = variable("LOUPE_APP_BINARY") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args([
        "build",
        "--quiet",
        "--package",
        "app",
        "--package",
        "proxy",
        "--package",
        "people",
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ]);
    build.arg("--target-dir").arg(profile.parent().unwrap());
    let name = profile.file_name().and_then(|name| name.to_str()).unwrap();
    // The folder of the profile `dev` is an old name.
    build.args(["--profile", if name == "debug" { "dev" } else { name }]);
    assert!(build.status().unwrap().success(), "the services' binary cannot be built");
    profile.join("loupe-app")
}

/// Where the tests' runs take place: at the open stack that `LOUPE_STACK` names, as `cargo xtask test` does, else apart.
pub(crate) fn place() -> Place {
    Place { open: variable("LOUPE_STACK"), ..apart() }
}

/// A place with nothing but its own parts.
pub(crate) fn apart() -> Place {
    Place {
        app: app(),
        images: Images::from_environment(variable),
        limits: Limits::default(),
        open: None,
        environment: TEST.to_owned(),
        slow_statement: SLOW_STATEMENT,
    }
}

/// The open stack of these tests.
pub(crate) fn standing() -> Option<Standing> {
    place().blueprint().map(|blueprint| blueprint.standing)
}

/// Where nobody listens.
pub(crate) fn silent(_phase: &str) {}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    Scenario::parse("try.toml".as_ref(), text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// The runs of this process that left containers behind.
pub(crate) fn leftovers() -> Vec<String> {
    leftovers_of(std::process::id())
}

/// The runs of a process that left something behind: containers, networks, volumes, virtual hosts, databases.
pub(crate) fn leftovers_of(process: u32) -> Vec<String> {
    let own = format!("-{process:x}");
    let list = |args: &[&str]| {
        let listed = Command::new("docker").args(args).args(["--filter", "label=loupe.run"]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap()
    };
    let format = "{{.Label \"loupe.run\"}}";
    let all = [
        list(&["ps", "--all", "--format", format]),
        list(&["network", "ls", "--format", format]),
        list(&["volume", "ls", "--format", format]),
    ];
    let labelled = all.iter().flat_map(|text| text.lines()).map(str::to_owned);
    let quarters = place().blueprint().map(|blueprint| status(&blueprint).quarters).unwrap_or_default();
    labelled.chain(quarters).filter(|run| run.ends_with(&own)).collect()
}

/// Gives indices, by their address, the block that Elasticsearch gives to all of a full disk, or takes it. Why not, otherwise: an index
/// is there from its first record on.
pub(crate) async fn full_disk(indices: &str, full: bool) -> Result<(), String> {
    let block = serde_json::json!({ "index.blocks.read_only_allow_delete": full.then_some(true) });
    let answer = reqwest::Client::new().put(format!("{indices}/_settings")).json(&block).send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
}
