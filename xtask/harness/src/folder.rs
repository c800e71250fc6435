//! The folder of a run: written whole beside its place, then moved there, so that `latest` never shows half a run.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    process,
};

use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

/// A run folder that is being written.
pub struct RunFolder {
    partial: PathBuf,
    place: PathBuf,
    latest: PathBuf,
}

/// Why a run folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report to {}: {source}", path.display())]
pub struct FolderError {
    path: PathBuf,
    source: io::Error,
}

impl FolderError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// Whether a report can be written below `root`, asked before a long run begins.
///
/// # Errors
/// When it is no directory, cannot be made, or takes no files.
pub fn probe(root: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(root).map_err(FolderError::at(root))?;
    takes_files(root)
}

/// Whether the runs of a scenario have room below `root`, asked before a long run begins.
///
/// # Errors
/// When something else stands where its folder or its `latest` shall be, or its folder takes no files.
pub fn probe_scenario(root: &Path, scenario: &str) -> Result<(), FolderError> {
    let parent = root.join(scenario);
    if fs::symlink_metadata(&parent).is_err() {
        return Ok(());
    }
    takes_files(&parent)?;
    let latest = parent.join("latest");
    if fs::symlink_metadata(&latest).is_ok_and(|found| !found.is_symlink()) {
        return Err(FolderError::at(&latest)(io::Error::new(io::ErrorKind::AlreadyExists, "what stands there is no link")));
    }
    Ok(())
}

fn takes_files(directory: &Path) -> Result<(), FolderError> {
    let file = directory.join(format!(".probe-{}", process::id()));
    fs::write(&file, b"").and_then(|()| fs::remove_file(&file)).map_err(FolderError::at(directory))
}

/// Writes a file beside its place and moves it there: it is never seen half-written.
///
/// # Errors
/// When it cannot be written; what was there before is then as it was.
pub fn replace_file(path: &Path, text: &str) -> Result<(), FolderError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".partial-{}-{name}", process::id()));
    let replaced = fs::write(&partial, text).and_then(|()| fs::rename(&partial, path));
    replaced.map_err(|source| {
        drop(fs::remove_file(&partial));
        FolderError { path: path.to_owned(), source }
    })
}

impl RunFolder {
    /// Begins the folder `<root>/<scenario>/<run>`. What an earlier process left half-written there is removed.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn begin(root: &Path, scenario: &str, run: &str) -> Result<Self, FolderError> {
        let parent = root.join(scenario);
        fs::create_dir_all(&parent).map_err(FolderError::at(&parent))?;
        sweep(&parent).map_err(FolderError::at(&parent))?;
        let partial = parent.join(format!(".partial-{}-{run}", process::id()));
        fs::create_dir_all(&partial).map_err(FolderError::at(&partial))?;
        Ok(Self { partial, place: parent.join(run), latest: parent.join("latest") })
    }

    /// Writes one file of the run through a buffer.
    ///
    /// # Errors
    /// When the file cannot be written whole.
    pub fn file(&self, name: &str, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<(), FolderError> {
        let path = self.partial.join(name);
        let whole = || {
            let mut out = io::BufWriter::with_capacity(1 << 18, fs::File::create(&path)?);
            write(&mut out)?;
            out.flush()
        };
        whole().map_err(FolderError::at(&path))
    }

    /// Writes one file of the run from a text.
    ///
    /// # Errors
    /// When the file cannot be written whole.
    pub fn text(&self, name: &str, text: &str) -> Result<(), FolderError> {
        self.file(name, |out| out.write_all(text.as_bytes()))
    }

    /// Moves the folder to its place and points `latest` to it. Returns the place.
    ///
    /// # Errors
    /// When it cannot be moved; `latest` is then as it was.
    pub fn publish(self) -> Result<PathBuf, FolderError> {
        let moved = || {
            put(&self.partial, &self.place)?;
            let link = self.latest.with_file_name(format!(".latest-{}", process::id()));
            if fs::symlink_metadata(&link).is_ok() {
                fs::remove_file(&link)?;
            }
            std::os::unix::fs::symlink(self.place.file_name().unwrap_or_default(), &link)?;
            fs::rename(&link, &self.latest)
        };
        moved().map_err(FolderError::at(&self.place))?;
        Ok(self.place.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // After publishing it is gone, or holds the run that stood there before; else half a report, which nobody shall find.
        if self.partial.exists() {
            drop(fs::remove_dir_all(&self.partial));
        }
        // A scenario that has left no run needs no folder; one that has keeps it, because it is not empty.
        let _kept = self.place.parent().map(fs::remove_dir);
    }
}

/// Moves a folder to its place. Where one stands already the two change places at once, so that whoever follows `latest` sees the
/// one or the other, whole.
fn put(partial: &Path, place: &Path) -> io::Result<()> {
    if !place.exists() {
        return fs::rename(partial, place);
    }
    match rustix::fs::renameat_with(CWD, partial, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Not every file system can do that: then the place is empty for a moment, and never half full.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let old = partial.with_extension("old");
            fs::rename(place, &old)?;
            fs::rename(partial, place)?;
            fs::remove_dir_all(old)
        }
        Err(error) => Err(error.into()),
    }
}

/// Removes half-written folders whose writer is dead.
fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let owner = path.file_name().and_then(|name| name.to_str()).and_then(|name| {
            name.strip_prefix(".partial-").or_else(|| name.strip_prefix(".latest-"))?.split('-').next()?.parse::<u32>().ok()
        });
        let Some(owner) = owner else { continue };
        if owner != process::id() && !Path::new(&format!("/proc/{owner}")).exists() {
            if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("loupe-folder-{name}-{}", process::id()));
        drop(fs::remove_dir_all(&path));
        path
    }

    #[test]
    fn latest_shows_a_whole_run_and_an_abandoned_one_leaves_nothing() {
        let root = scratch("whole");
        let write = |run: &str, text: &'static [u8]| {
            let folder = RunFolder::begin(&root, "s", run).unwrap();
            folder.file("report.json", |out| out.write_all(text)).unwrap();
            folder
        };
        write("one", b"1").publish().unwrap();
        drop(write("two", b"2"));
        assert_eq!(fs::read(root.join("s/latest/report.json")).unwrap(), b"1");
        assert!(!root.join("s/two").exists());
        write("one", b"3").publish().unwrap();
        assert_eq!(fs::read(root.join("s/latest/report.json")).unwrap(), b"3");
        assert_eq!(fs::read_dir(root.join("s")).unwrap().count(), 2, "the run and latest");
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn whoever_follows_latest_never_sees_a_run_that_is_being_replaced() {
        let root = scratch("replaced");
        let publish = || {
            let folder = RunFolder::begin(&root, "s", "one").unwrap();
            (0..40).for_each(|n| folder.text(&format!("file-{n}"), "whole").unwrap());
            folder.publish().unwrap();
        };
        publish();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looks = scope.spawn(|| {
                let mut looks = 0;
                while !done.load(Ordering::Relaxed) {
                    // Whoever has one foot in the old folder when it goes looks once more.
                    let whole = || (0..40).all(|n| root.join(format!("s/latest/file-{n}")).exists());
                    assert!(whole() || whole() || whole(), "half a run");
                    looks += 1;
                }
                looks
            });
            (0..200).for_each(|_| publish());
            done.store(true, Ordering::Relaxed);
            assert!(looks.join().unwrap() > 10);
        });
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_scenario_that_has_left_no_run_leaves_no_folder() {
        let root = scratch("nothing");
        drop(RunFolder::begin(&root, "s", "one").unwrap());
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was() {
        let root = scratch("stays");
        fs::create_dir_all(root.join("index.html")).unwrap();
        assert!(replace_file(&root.join("index.html"), "new").is_err(), "a folder is in its place");
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1, "no leftovers");
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_is_swept() {
        let root = scratch("sweep");
        let left = root.join("s/.partial-999999999-one");
        fs::create_dir_all(&left).unwrap();
        drop(RunFolder::begin(&root, "s", "one").unwrap());
        assert!(!left.exists());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn what_stands_in_the_place_of_latest_is_an_error_that_names_it() {
        let root = scratch("latest");
        fs::create_dir_all(root.join("s/latest")).unwrap();
        probe_scenario(&root, "other").unwrap();
        let error = probe_scenario(&root, "s").unwrap_err().to_string();
        assert!(error.contains("s/latest: what stands there is no link"), "{error}");
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_an_error_that_names_it() {
        let root = scratch("file");
        fs::write(&root, b"").unwrap();
        let error = probe(&root).unwrap_err().to_string();
        assert!(error.contains(root.to_str().unwrap()), "{error}");
        fs::remove_file(&root).unwrap();
    }
}
