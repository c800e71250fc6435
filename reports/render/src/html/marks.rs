//! Words and shapes that stand beside every colour, so that nobody needs to tell colours apart.

use judge::report::{Outcome, Standing};
use maud::{Markup, html};

/// The shape of an outcome.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✓",
        Outcome::Fail => "✕",
        Outcome::Unknown => "?",
    }
}

/// The shape of a verdict or a class of truth.
pub(super) fn shape(name: &str) -> &'static str {
    match name {
        "lost" => "✕",
        "slow" => "▲",
        "duplicated" => "◆",
        "diverged" => "≠",
        "stuck" => "■",
        "parked" => "▣",
        "starved" => "▼",
        "in-flight" => "→",
        "ok" => "✓",
        _ => "?",
    }
}

/// A verdict or a class of truth: shape, colour and word.
pub(super) fn verdict(name: &str) -> Markup {
    html! { span class={ "verdict " (name) } { i aria-hidden="true" { (shape(name)) } (name) } }
}

/// How truth and verdict stand to each other: shape, colour and word.
pub(super) fn standing(standing: Standing) -> Markup {
    let (shape, tone, word) = match standing {
        Standing::Exposed => ("✓", "good", "exposed"),
        Standing::Missed => ("✕", "bad", "missed"),
        Standing::Misjudged => ("✕", "bad", "misjudged"),
        Standing::Unknown => ("?", "warn", "unknown"),
        Standing::FalseAlarm => ("!", "warn", "false alarm"),
    };
    html! { span class={ "standing " (tone) } { i aria-hidden="true" { (shape) } (word) } }
}

/// From going wrong to the alarm, in words.
pub(super) fn after(seconds: f64) -> String {
    if seconds > 0.0 { judge::words::duration(seconds) } else { "at once".to_owned() }
}

/// Hatchings that all drawings on the page share.
pub(super) fn patterns() -> Markup {
    html! {
        svg class="patterns" width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatch-queue" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="6" height="6" class="queue-ground" {}
                    rect width="3" height="6" class="queue-line" {}
                }
                pattern id="hatch-person" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                    rect width="6" height="6" class="person-ground" {}
                    rect width="2" height="6" class="person-line" {}
                }
            }
        }
    }
}
