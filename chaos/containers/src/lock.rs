//! Lock files: which run lives, and who uses what of the open stack. The system frees a lock when its process dies, however
//! it dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::{Error, docker};

/// Where the runs of this machine keep their locks.
pub(crate) fn folder() -> PathBuf {
    std::env::temp_dir().join("loupe-runs")
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Beside others.
    Shared,
    /// Alone.
    Alone,
}

/// Takes a lock, held until the file is dropped; `None` when somebody's hold excludes it.
pub(crate) fn try_take(path: &Path, hold: Hold) -> Result<Option<File>, Error> {
    let failed = |source| Error::Lock { path: path.display().to_string(), source };
    std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    let taken = match hold {
        Hold::Shared => file.try_lock_shared(),
        Hold::Alone => file.try_lock(),
    };
    match taken {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Takes a lock as soon as nobody's hold excludes it; `waits` is told when that is not at once.
pub(crate) async fn take(path: &Path, hold: Hold, waits: impl FnOnce()) -> Result<File, Error> {
    if let Some(held) = try_take(path, hold)? {
        return Ok(held);
    }
    waits();
    loop {
        docker::pause().await;
        if let Some(held) = try_take(path, hold)? {
            return Ok(held);
        }
    }
}

/// A run is dead when its lock is free, or gone from a folder that is there. Of another machine's run nothing is known.
pub(crate) fn is_dead(lock: &Path) -> bool {
    match File::open(lock) {
        Ok(file) => !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => lock.parent().is_some_and(Path::is_dir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("loupe-lock-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_run_is_dead_when_nobody_holds_its_lock() {
        let path = path("dead");
        let holder = try_take(&path, Hold::Alone).unwrap().unwrap();
        assert!(!is_dead(&path));
        drop(holder);
        assert!(is_dead(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(is_dead(&path));
        assert!(!is_dead(Path::new("/nowhere/of/another/machine.lock")));
    }

    #[test]
    fn whoever_is_alone_excludes_all_and_whoever_is_not_excludes_only_that() {
        let path = path("hold");
        let (one, two) = (try_take(&path, Hold::Shared).unwrap(), try_take(&path, Hold::Shared).unwrap());
        assert!(one.is_some() && two.is_some());
        assert!(try_take(&path, Hold::Alone).unwrap().is_none());
        drop((one, two));
        let alone = try_take(&path, Hold::Alone).unwrap();
        assert!(alone.is_some());
        assert!(try_take(&path, Hold::Shared).unwrap().is_none());
        std::fs::remove_file(&path).unwrap();
    }
}
