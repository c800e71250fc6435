//! How the run was set up, what differs from the presets in bold, and who took part in which version.

use std::collections::BTreeMap;

use judge::{
    report::{Report, Setting},
    words,
};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    let mut groups: Vec<(&str, Vec<&Setting>)> = Vec::new();
    for setting in &report.configuration {
        match groups.last_mut() {
            Some((of, settings)) if *of == setting.of => settings.push(setting),
            _ => groups.push((&setting.of, vec![setting])),
        }
    }
    let preset = |of: &str| match of {
        "architecture" => format!("preset {}", report.architecture),
        "instrumentation" => format!("preset {}", report.instrumentation),
        "scenario" => report.scenario.clone(),
        _ => "world".to_owned(),
    };
    html! {
        section id="configuration" {
            h2 { "Configuration" }
            p class="lead" { "What differs from its preset is " b { "bold" } "." }
            div class="columns" {
                @for (of, settings) in &groups {
                    div {
                        h3 { (of) " " small { (preset(of)) } }
                        dl class="settings" { @for setting in settings { (row(setting)) } }
                    }
                }
                div { h3 { "telemetry" } (telemetry(report)) }
                div { h3 { "versions" } (versions(&report.versions)) }
            }
        }
    }
}

fn row(setting: &Setting) -> Markup {
    let differs = setting.preset.as_ref().filter(|preset| **preset != setting.value);
    html! {
        dt { (setting.name) }
        dd {
            @match differs {
                Some(preset) => { b { (setting.value) } small { "preset: " (preset) } }
                None => { (setting.value) }
            }
        }
    }
}

fn telemetry(report: &Report) -> Markup {
    let telemetry = &report.telemetry;
    html! {
        dl class="settings" {
            dt { "spans ended" } dd { (words::count(telemetry.ended)) }
            dt { "exported" } dd { (words::count(telemetry.exported)) }
            dt { "found" } dd { (words::count(telemetry.found)) }
            @if let Some(messages) = &telemetry.messages {
                dt { "messages with a trace context" } dd { (words::count(messages.with_context)) " of " (words::count(messages.published)) }
            }
            @for lost in &telemetry.lost {
                dt { (lost.service.as_deref().unwrap_or("any service")) ", " (lost.why) }
                dd { (words::count(lost.spans)) " from " (words::duration(lost.window.from_s)) " to " (words::duration(lost.window.to_s)) }
            }
            @if telemetry.killed > 0 { dt { "gone with a killed process" } dd { (words::count(telemetry.killed)) } }
        }
    }
}

fn versions(versions: &BTreeMap<String, String>) -> Markup {
    html! { dl class="settings" { @for (name, version) in versions { dt { (name) } dd { (version) } } } }
}
