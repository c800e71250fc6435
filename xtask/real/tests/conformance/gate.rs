//! Whether this machine runs the tests that need Docker.

/// Whether to go on. With `CI=true` it is no choice.
pub(crate) fn containers() -> bool {
    if variable("LOUPE_CONTAINERS").as_deref() == Some("1") {
        return true;
    }
    assert!(variable("CI").as_deref() != Some("true"), "with CI=true a skip is a failure: set LOUPE_CONTAINERS=1");
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: it needs Docker; set LOUPE_CONTAINERS=1 to run it");
    }
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
