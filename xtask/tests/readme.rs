//! The README's console blocks are what the commands print. `UPDATE_EXPECT=1` renews them.
#![expect(clippy::disallowed_methods, reason = "golden files are renewed by an environment variable everywhere")]

use std::{fs, path::Path, process::Command};

/// What differs between two runs of the same command: how long it took here.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.rsplit_once(" in ") {
            Some((head, time)) if time.ends_with(" s") => out.push_str(&format!("{} in ? s", head.trim_end())),
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// The blocks: a command line behind `$ ` and what it prints, up to the next command or the end of the block.
fn blocks(readme: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line) {
            (_, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => output.push_str(&format!("{line}\n")),
                (None, None) => panic!("a console block begins with a command: {line}"),
            },
            (false, _) => {}
        }
    }
    found
}

#[test]
fn every_console_block_is_what_the_command_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("README.md");
    let mut readme = fs::read_to_string(&path).unwrap();
    let blocks = blocks(&readme);
    assert!(!blocks.is_empty(), "the README shows no command");
    for (command, expected) in blocks {
        let arguments = command.strip_prefix("cargo xtask ").unwrap_or_else(|| panic!("not a command of ours: {command}"));
        let out =
            Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments.split_whitespace()).current_dir(root).output().unwrap();
        let printed = String::from_utf8(out.stdout).unwrap();
        if std::env::var("UPDATE_EXPECT").is_ok() {
            readme = readme.replace(&format!("$ {command}\n{expected}```"), &format!("$ {command}\n{printed}```"));
            continue;
        }
        assert_eq!(masked(&printed), masked(&expected), "{command}\n{}", String::from_utf8_lossy(&out.stderr));
    }
    if std::env::var("UPDATE_EXPECT").is_ok() {
        fs::write(&path, readme).unwrap();
    }
}
