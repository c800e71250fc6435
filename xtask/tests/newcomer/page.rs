//! A page in Markdown, taken apart as far as its promises go.

use std::{collections::BTreeSet, fs};

use crate::fresh;

/// A page of the clone.
pub(crate) struct Page {
    /// Its path from the root.
    pub(crate) name: String,
    text: String,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        Self { name: name.to_owned(), text: fs::read_to_string(fresh::clone().join(name)).unwrap() }
    }

    /// All pages that there are.
    pub(crate) fn all() -> Vec<Self> {
        fresh::files().iter().filter(|file| file.ends_with(".md")).map(|file| Self::read(file)).collect()
    }

    /// The folder it lies in, with its slash; empty for the root.
    pub(crate) fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| &self.name[..=folder.len()])
    }

    /// The fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<&str> {
        let fence = format!("```{language}\n");
        self.text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
    }

    /// What stands outside of fenced blocks.
    fn prose(&self) -> String {
        let mut inside = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        });
        outside.map(|line| format!("{line}\n")).collect()
    }

    /// What stands between backquotes.
    pub(crate) fn spans(&self) -> Vec<String> {
        let prose = self.prose();
        assert!(prose.matches('`').count().is_multiple_of(2), "{}: a backquote without its other one", self.name);
        prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ").replace("\\|", "|")).collect()
    }

    /// Where its links lead.
    pub(crate) fn links(&self) -> Vec<String> {
        self.prose().split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
    }

    /// What its headings are called in links.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose();
        let headings = headings.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
        let kept = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
        headings
            .map(|heading| heading.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
            .collect()
    }

    /// The commands of ours that it names, without `cargo xtask`.
    pub(crate) fn commands(&self) -> Vec<Vec<String>> {
        let shell = self.blocks("sh").join("");
        let console = self.blocks("console").join("");
        let typed = console.lines().filter_map(|line| line.strip_prefix("$ "));
        let named = shell.lines().chain(typed).map(str::to_owned).chain(self.spans());
        let ours = named.filter_map(|line| Some(line.trim().strip_prefix("cargo xtask")?.split('#').next()?.to_owned()));
        ours.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    }
}
