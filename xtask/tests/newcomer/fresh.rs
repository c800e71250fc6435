//! A fresh clone, and the command line as it is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use crate::page::Page;

/// Where this test's checkout is.
pub(crate) fn origin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The clone, made once: what is committed, and on top what of it has been changed since. What nobody added is not there.
pub(crate) fn clone() -> &'static Path {
    static CLONE: OnceLock<PathBuf> = OnceLock::new();
    CLONE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomer");
        drop(fs::remove_dir_all(&folder));
        let origin = origin();
        git(&origin, &["clone", "--quiet", origin.to_str().unwrap(), folder.to_str().unwrap()]);
        for changed in git(&origin, &["diff", "--name-only", "--no-renames", "HEAD"]).lines() {
            let (from, to) = (origin.join(changed), folder.join(changed));
            drop(fs::remove_file(&to));
            if from.exists() {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from, to).unwrap();
            }
        }
        folder
    })
}

/// The README's own scenario, put where a newcomer puts it and played once with all that it leaves: its run folder.
pub(crate) fn own_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let readme = Page::read("README.md");
        let [scenario] = readme.blocks("toml")[..] else { panic!("the README shows one scenario") };
        fs::write(clone().join("my.toml"), scenario).unwrap();
        let (code, printed) = printed(&xtask(["simulate", "my.toml", "--otlp"]));
        assert!(code.is_some_and(|code| code <= 2), "the README's scenario ends with {code:?}: {printed}");
        clone().join("target/loupe/my/latest")
    })
}

/// The names of the files in a folder.
pub(crate) fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The files of the clone, from its root.
pub(crate) fn files() -> Vec<String> {
    let mut files: Vec<String> = git(clone(), &["ls-files"]).lines().map(str::to_owned).collect();
    let added = git(clone(), &["ls-files", "--others", "--exclude-standard"]);
    files.extend(added.lines().map(str::to_owned));
    files.retain(|file| clone().join(file).exists());
    files
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let out = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// `cargo xtask` in the clone: the binary that is built already, told like by cargo where it is.
pub(crate) fn xtask<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).current_dir(clone()).env("CARGO_MANIFEST_DIR", clone().join("xtask"));
    command.output().unwrap()
}

/// What it prints, with its exit code.
pub(crate) fn printed(out: &Output) -> (Option<i32>, String) {
    (out.status.code(), String::from_utf8(out.stdout.clone()).unwrap())
}
