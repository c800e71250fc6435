//! Whether this machine runs the tests that need Docker, and what they share.

use std::{path::PathBuf, process::Command};

use scenarios::Scenario;

/// Whether to go on. With `CI=true` it is no choice.
pub(crate) fn containers() -> bool {
    if variable("LOUPE_CONTAINERS").as_deref() == Some("1") {
        return true;
    }
    assert!(variable("CI").as_deref() != Some("true"), "with CI=true a skip is a failure: set LOUPE_CONTAINERS=1");
    eprintln!("skipped: it needs Docker; set LOUPE_CONTAINERS=1 to run it");
    false
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

/// The services' binary: the one named by the environment, or built now, beside this test.
pub(crate) fn app() -> PathBuf {
    if let Some(path) = variable("LOUPE_APP_BINARY") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "app", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    build.arg("--target-dir").arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "the services' binary cannot be built");
    profile.join("loupe-app")
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    Scenario::parse("try.toml".as_ref(), text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// The runs of this process that left containers behind.
pub(crate) fn leftovers() -> Vec<String> {
    let own = format!("-{:x}", std::process::id());
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
    all.iter().flat_map(|text| text.lines()).filter(|run| run.ends_with(&own)).map(str::to_owned).collect()
}
