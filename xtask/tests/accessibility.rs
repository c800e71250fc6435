//! The pages as a browser shows them: no violation that axe-core finds, light and dark, wide and narrow; and pictures of each, for
//! whoever wants to look.
//!
//! It needs Chromium and axe-core: `cargo xtask test` says whether they are there. The pictures lie in
//! `target/tmp/screenshots`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what is skipped is said")]
#![expect(clippy::disallowed_methods, reason = "tests are configured by their environment")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use judge::report::{PartPoint, PartRow};
use scenarios::Scenario;
use xtask::browser::{self, Browser};

/// The library's story without the traces of the CRM's backend: blind, and full of what can go wrong with colours.
const SILENT: &str = "instrumentation = { silent = [\"crm-api\"] }\narchitecture = ";

/// How a page is looked at: name, width, dark.
const LOOKS: [(&str, u32, bool); 3] = [("light", 1_160, false), ("dark", 1_160, true), ("narrow", 390, false)];

/// Runs after everything is unfolded, and tells the page around it what was found.
const ASK: &str = r#"
for (const details of [...document.querySelectorAll("details")].slice(0, 4)) details.open = true;
axe.run(document).then(
  (found) => found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 300)).join("  |  ")}`),
  (error) => [`axe failed: ${error}`],
).then((lines) => parent.postMessage({ lines, wide: document.documentElement.scrollWidth }, "*"));
"#;

struct Bench {
    browser: Browser,
    folder: PathBuf,
    screenshots: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Whether to go on. With `CI=true` it is no choice.
fn bench(name: &str) -> Option<Bench> {
    let variable = |name: &str| env::var(name).ok();
    let wanted = variable("LOUPE_BROWSER").as_deref() == Some("1");
    let ci = variable("CI").as_deref() == Some("true");
    let browser = if wanted { browser::find(variable) } else { Err("set LOUPE_BROWSER=1 to run it".to_owned()) };
    let why = match browser {
        Ok(browser) => {
            let folder = env::temp_dir().join(format!("loupe-accessibility-{name}-{}", process::id()));
            let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
            [&folder, &screenshots].iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
            return Some(Bench { browser, folder, screenshots });
        }
        Err(why) => why,
    };
    // The command runs this test in a step of its own, which says for itself when it is skipped.
    assert!(!wanted || !ci, "with CI=true a skip is a failure: {why}");
    eprintln!("skipped: it needs Chromium and axe-core: {why}");
    None
}

impl Bench {
    /// The reports of some runs and the index over them: name and file.
    fn pages(&self, scenarios: &[&str]) -> Vec<(String, PathBuf)> {
        let reports = self.folder.join("reports");
        let mut simulate = Command::new(env!("CARGO_BIN_EXE_xtask"));
        simulate.arg("simulate").args(scenarios).arg("--report-dir").arg(&reports).current_dir(&self.folder);
        let out = simulate.output().unwrap();
        assert!(out.status.code().is_some_and(|code| code <= 2), "{}", String::from_utf8_lossy(&out.stderr));
        let report = |name: &&str| {
            let name = name.trim_end_matches(".toml");
            (name.to_owned(), reports.join(name).join("latest/report.html"))
        };
        let mut pages: Vec<_> = scenarios.iter().map(report).collect();
        pages.push(("index".to_owned(), reports.join("index.html")));
        pages
    }

    /// A page that shows `page` in a frame of this width: a window of its own cannot be as narrow as a telephone.
    /// `sandbox` says what the page may not do there.
    fn framed(&self, page: &Path, width: u32, sandbox: &str) -> PathBuf {
        let file = self.folder.join("frame.html");
        let frame = format!(
            "<!DOCTYPE html><html lang=\"en\"><title>frame</title><style>body{{margin:0}}iframe{{border:0;width:{width}px;height:9000px}}</style>\
             <iframe {sandbox} title=\"page\" src=\"{}\"></iframe><pre id=\"said\"></pre><script>addEventListener(\"message\", (event) => {{ \
             document.getElementById(\"said\").textContent = JSON.stringify(event.data); }});</script>",
            page.display()
        );
        fs::write(&file, frame).unwrap();
        file
    }

    fn chromium(&self, dark: bool, arguments: &[&str], page: &Path) -> Vec<u8> {
        let mut chromium = Command::new(&self.browser.chromium);
        chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
        chromium.arg("--disable-background-networking").arg(format!("--user-data-dir={}", self.folder.join("profile").display()));
        chromium.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark))).args(arguments);
        let out = chromium.arg(format!("file://{}", page.display())).output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    /// What axe-core finds, a line for each rule; and how wide the page is.
    fn violations(&self, page: &Path, (width, dark): (u32, bool)) -> (Vec<String>, u64) {
        let html = fs::read_to_string(page).unwrap();
        let axe = fs::read_to_string(&self.browser.axe).unwrap();
        let copy = self.folder.join("copy.html");
        fs::write(&copy, html.replace("</body>", &format!("<script>{axe}</script><script>{ASK}</script></body>"))).unwrap();
        let dom = self.chromium(dark, &["--virtual-time-budget=60000", "--dump-dom"], &self.framed(&copy, width, ""));
        let dom = String::from_utf8(dom).unwrap();
        let said = dom.split_once("<pre id=\"said\">").and_then(|(_, rest)| rest.split_once("</pre>")).unwrap().0;
        let said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        let lines = said["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
        (lines.collect(), said["wide"].as_u64().unwrap())
    }

    /// In every look it has no violation, and is no wider than its window.
    fn looks_well(&self, name: &str, page: &Path) {
        for (look, width, dark) in LOOKS {
            let (violations, wide) = self.violations(page, (width, dark));
            assert!(violations.is_empty(), "{name}, {look}:\n{}", violations.join("\n"));
            assert!(wide <= u64::from(width), "{name}, {look}: {wide} pixels wide");
            let picture = self.picture(name, page, (look, width, dark));
            assert!(fs::metadata(&picture).is_ok_and(|file| file.len() > 10_000), "{}", picture.display());
        }
    }

    fn picture(&self, name: &str, page: &Path, (look, width, dark): (&str, u32, bool)) -> PathBuf {
        let file = self.screenshots.join(format!("{name}-{look}.png"));
        let picture = format!("--screenshot={}", file.display());
        self.chromium(dark, &[&picture, &format!("--window-size={},4000", width.max(500))], &self.framed(page, width, ""));
        file
    }
}

#[test]
fn pages_have_no_violation_and_fit_their_window_in_every_look() {
    let Some(bench) = bench("looks") else { return };
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library/broker-kill.toml");
    let blind = fs::read_to_string(library).unwrap().replace("architecture = ", SILENT);
    fs::write(bench.folder.join("blind-crm.toml"), blind).unwrap();
    for (name, page) in bench.pages(&["broker-kill", "slow-pricing", "calm-week", "blind-crm.toml"]) {
        assert!(fs::metadata(&page).unwrap().len() < 2_000_000, "{name} is too heavy");
        bench.looks_well(&name, &page);
        let print = bench.screenshots.join(format!("{name}.pdf"));
        bench.chromium(false, &["--no-pdf-header-footer", &format!("--print-to-pdf={}", print.display())], &page);
        assert!(fs::read(&print).unwrap().starts_with(b"%PDF-"));
    }
}

#[test]
fn what_a_real_stack_says_of_itself_fits_the_window_too() {
    let Some(bench) = bench("real") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let scenario = Scenario::resolve(&root, "calm-week").unwrap().remove(0);
    let mut report = xtask::simulated::judged(&scenario).report;
    // As a run there has them: the longest word is the name of an image.
    let image = |name: &str| format!("8.19.21, image docker.elastic.co/{name}/{name}:8.19.21@sha256:{}", "0".repeat(64));
    report.versions.extend(["elasticsearch", "kibana"].map(|name| (name.to_owned(), image(name))));
    let point = PartPoint { at_s: 1.0, cpu: 0.5, memory_bytes: 1 << 30 };
    let part = "elasticsearch".to_owned();
    report.parts =
        vec![PartRow { part, cpu_mean: Some(0.5), cpu_peak: Some(0.5), course: vec![point; 20], ..PartRow::default() }];
    let page = bench.folder.join("real.html");
    fs::write(&page, render::html(&report, &[])).unwrap();
    bench.looks_well("real", &page);
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let Some(bench) = bench("found") else { return };
    let page = bench.folder.join("wrong.html");
    let wrong = "<!DOCTYPE html><html><body><img src=\"x.png\"><p style=\"color:#ddd;background:#fff\">pale</p></body></html>";
    fs::write(&page, wrong).unwrap();
    let (violations, _) = bench.violations(&page, (1_160, false));
    for rule in ["image-alt", "color-contrast", "html-has-lang"] {
        assert!(violations.iter().any(|line| line.starts_with(rule)), "{rule}: {violations:?}");
    }
}

#[test]
fn without_javascript_a_page_says_the_same() {
    let Some(bench) = bench("without-javascript") else { return };
    let (_, page) = bench.pages(&["slow-pricing"]).swap_remove(0);
    let picture = bench.screenshots.join("slow-pricing-without-javascript.png");
    let screenshot = format!("--screenshot={}", picture.display());
    // A frame in a sandbox runs no script.
    bench.chromium(false, &[&screenshot, "--window-size=1160,4000"], &bench.framed(&page, 1_160, "sandbox"));
    assert!(fs::metadata(&picture).is_ok_and(|file| file.len() > 10_000));
    // Nothing but controls waits for the script.
    let html = fs::read_to_string(&page).unwrap();
    let hidden: Vec<&str> =
        html.split('<').filter(|tag| tag.split('>').next().is_some_and(|tag| tag.ends_with(" hidden"))).collect();
    assert!(hidden.iter().all(|tag| tag.starts_with("button") || tag.starts_with("form")), "{hidden:?}");
}
