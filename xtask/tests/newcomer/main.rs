//! A newcomer's path: in a fresh clone, what the README and the other pages say is true. `UPDATE_EXPECT=1` renews the README's console
//! blocks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "golden files are renewed by an environment variable everywhere")]

mod fresh;
mod page;

use std::{collections::BTreeSet, env, fs};

use fresh::{clone, files, names, own_run, printed, xtask};
use page::Page;

/// What differs between two runs of the same command: how long it took here, and with it where the flushed part of that line
/// begins.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.rsplit_once(" in ") {
            Some((head, time)) if time.ends_with(" s") => {
                let words: Vec<&str> = head.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
                out.push_str(&format!("{} in ? s", words.join("  ")));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// A command line behind `$ ` and what it prints, up to the next command or the end of the block.
fn sessions(readme: &Page) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for block in readme.blocks("console") {
        assert!(block.starts_with("$ "), "a console block begins with a command: {block}");
        for line in block.lines() {
            match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => output.push_str(&format!("{line}\n")),
                (None, None) => {}
            }
        }
    }
    found
}

#[test]
fn every_console_block_is_what_its_command_prints() {
    let readme = Page::read("README.md");
    let sessions = sessions(&readme);
    assert!(!sessions.is_empty(), "the README shows no command");
    for (command, expected) in sessions {
        let arguments = command.strip_prefix("cargo xtask ").unwrap_or_else(|| panic!("not a command of ours: {command}"));
        let out = xtask(arguments.split_whitespace());
        let (_, printed) = printed(&out);
        if env::var("UPDATE_EXPECT").is_ok() {
            let path = fresh::origin().join("README.md");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace(&format!("$ {command}\n{expected}```"), &format!("$ {command}\n{printed}```")))
                .unwrap();
            continue;
        }
        assert_eq!(masked(&printed), masked(&expected), "{command}\n{}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn every_command_that_a_page_names_is_understood() {
    own_run();
    let mut tried = BTreeSet::new();
    for page in Page::all() {
        for command in page.commands() {
            // A page may speak of any name, and of the command line alone.
            let mut words: Vec<&str> = command.iter().map(|word| if word == "NAME" { "broker-kill" } else { word }).collect();
            let simulated = words.first() == Some(&"simulate") && !words.contains(&"containers");
            words.push(if simulated { "--plan" } else { "--help" });
            let out = xtask(words.iter().copied());
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "{}: `cargo xtask {}` is refused: {said}", page.name, command.join(" "));
            tried.insert(command);
        }
    }
    assert!(tried.len() > 8, "{tried:?}");
}

#[test]
fn every_option_that_a_page_names_is_one() {
    let commands = ["simulate", "compare", "list", "explain", "test", "bench", "tidy"];
    let help: String = commands.map(|command| printed(&xtask([command, "--help"])).1).concat();
    let mut options = 0;
    for page in Page::all() {
        for span in page.spans().iter().filter(|span| span.starts_with("--")) {
            let option = span.split([' ', '=']).next().unwrap_or(span);
            let known = help.split_whitespace().any(|word| word.trim_matches([',', '[', ']']) == option);
            assert!(known, "{}: no command has {option}", page.name);
            options += 1;
        }
    }
    assert!(options > 5, "{options} options");
}

#[test]
fn a_run_leaves_the_files_that_the_readme_names_and_no_others() {
    let left = names(own_run());
    let readme = fs::read_to_string(clone().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| file | what it holds |\n|---|---|\n").expect("the README has a table of a run's files");
    let rows = table.lines().take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let named: BTreeSet<String> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    assert_eq!(left, named);
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for page in Page::all() {
        for link in page.links().iter().filter(|link| !link.starts_with("http")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.name.clone() } else { format!("{}{path}", page.folder()) };
            assert!(clone().join(&target).exists(), "{}: {link} leads nowhere", page.name);
            let found = anchor.is_empty() || Page::read(&target).anchors().contains(anchor);
            assert!(found, "{}: {target} has no heading #{anchor}", page.name);
            links += 1;
        }
    }
    assert!(links >= 2, "{links} links");
}

/// Ends of file names.
const ENDS: [&str; 14] = ["md", "toml", "json", "jsonl", "rs", "html", "txt", "xml", "csv", "py", "js", "css", "hlog", "ndjson"];

/// Whether a page means a file or a folder of the project by this.
fn is_path(span: &str) -> bool {
    let plain = !span.is_empty() && span.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    // A rate begins with a number.
    let elsewhere = span.starts_with(['/', '~'])
        || span.starts_with(|c: char| c.is_ascii_digit())
        || span.starts_with("target/")
        || span.contains("//");
    let ends = span.rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && ENDS.contains(&end));
    plain && !elsewhere && (ends || span.contains('/'))
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let mut of_runs = names(own_run());
    of_runs.extend(["index.html", "my.toml"].map(str::to_owned));
    let files = files();
    let mut named = 0;
    for page in Page::all() {
        for span in page.spans().into_iter().filter(|span| is_path(span)) {
            let path = span.trim_end_matches('/');
            // A page names a file from the root, from its own folder, or by the end of its path.
            let there = |file: &String| {
                let within = |prefix: &str| file.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(path));
                let whole = |rest: &str| rest.is_empty() || rest.starts_with('/');
                let at = file.find(path).filter(|at| *at == 0 || file[..*at].ends_with('/'));
                within(page.folder()) || at.is_some_and(|at| whole(&file[at + path.len()..]))
            };
            assert!(files.iter().any(there) || of_runs.contains(path), "{}: `{span}` is nowhere", page.name);
            named += 1;
        }
    }
    assert!(named > 40, "{named} names");
}

#[test]
fn every_variable_that_a_page_names_is_read_by_something() {
    let code = |file: &&String| file.ends_with(".rs") || file.starts_with(".ci/") && !file.ends_with(".md");
    let code: String = files().iter().filter(code).filter_map(|file| fs::read_to_string(clone().join(file)).ok()).collect();
    let mut variables = BTreeSet::new();
    for page in Page::all() {
        let spans = page.spans();
        let words = spans.iter().flat_map(|span| span.split(|c: char| !c.is_ascii_uppercase() && c != '_'));
        variables.extend(words.filter(|word| word.starts_with("LOUPE_")).map(str::to_owned));
    }
    for variable in &variables {
        // An image's variable is its prefix and the name of a part.
        let known = code.contains(variable)
            || variable.strip_prefix("LOUPE_IMAGE_").is_some_and(|part| code.contains(&format!("name(\"{part}\"")));
        assert!(known, "nothing reads {variable}");
    }
    assert!(variables.len() > 4, "{variables:?}");
}
