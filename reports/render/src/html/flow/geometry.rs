//! Where everything stands in the drawing of the flow. Units are those of the drawing; it is scaled to the page.

use judge::{
    journey::HopKind,
    report::{Flow, FlowHop, FlowState},
};

/// How wide the drawing is.
pub(super) const WIDE: f64 = 1_000.0;
/// How wide all orders together are.
const FULL: f64 = 40.0;
/// The narrowest that what goes wrong is drawn.
const LEAST: f64 = 3.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 30.0;
/// How high a lane is.
const LANE: f64 = 128.0;
/// Names below the last lane stand in two rows, because its states are close: how far one is from the other.
const ROW: f64 = 36.0;
/// How much higher the last one is: room for those two rows.
const BELOW: f64 = 78.0;
const GAP: f64 = 8.0;
/// How far a line of text is from the next.
const LINE: f64 = 17.0;
/// About how wide a letter is.
const LETTER: f64 = 6.1;
/// How far news runs to the right on its way up, in parts of the way between two states.
const NEWS: f64 = 46.0;

/// The whole drawing.
pub(super) struct Plan<'a> {
    owners: Vec<&'a str>,
    /// Each state with the place of its bar and how high that is.
    pub(super) states: Vec<(&'a FlowState, f64, f64, f64)>,
    /// Each hop with its place.
    pub(super) bands: Vec<Band<'a>>,
    /// What goes wrong, left to right.
    pub(super) drops: Vec<Drop<'a>>,
}

/// A hop: from where to where, and how wide.
pub(super) struct Band<'a> {
    pub(super) hop: &'a FlowHop,
    from: (f64, f64),
    to: (f64, f64),
    wide: (f64, f64),
}

/// A curve from left to right that begins and ends level.
pub(super) struct Curve {
    from: (f64, f64),
    to: (f64, f64),
}

/// Where the name of a state stands, and to which side it grows.
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
}

/// Orders of one kind that went wrong at one hop.
pub(super) struct Drop<'a> {
    pub(super) hop: &'a FlowHop,
    pub(super) class: &'a str,
    pub(super) count: u64,
    pub(super) x: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) wide: f64,
    up: bool,
    row: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn of(flow: &'a Flow) -> Self {
        let mut plan = Self { owners: owners(flow), states: Vec::new(), bands: Vec::new(), drops: Vec::new() };
        let all = flow.states.first().map_or(1, |state| state.entered.max(1)) as f64;
        let wide = |orders: u64| (orders as f64 / all * FULL).max(if orders > 0 { 1.0 } else { 0.0 });
        let main = || flow.hops.iter().filter(|hop| !hop.beside);
        let unit = (WIDE - LEFT - RIGHT) / main().map(weight).sum::<f64>().max(1.0);
        let mut x = LEFT;
        for state in &flow.states {
            for hop in main().filter(|hop| leads_to(hop, state, flow)) {
                let to = x + weight(hop) * unit;
                plan.bands.push(Band {
                    hop,
                    from: (x, plan.lane(&hop.from)),
                    to: (to, plan.lane(&hop.to)),
                    wide: (wide(hop.entered), wide(hop.passed)),
                });
                x = to;
            }
            plan.states.push((state, x, plan.lane(&state.owner), wide(state.entered)));
        }
        plan.news(flow, wide);
        plan.drops = plan.dropped(all);
        plan
    }

    /// The news of a state in one line from the sender's lane to the receiver's, each of its hops a part of it.
    fn news(&mut self, flow: &'a Flow, wide: impl Fn(u64) -> f64) {
        let at: Vec<(&str, f64, f64)> = self.states.iter().map(|(state, x, ..)| (state.state.as_str(), *x, 0.0)).collect();
        for hop in flow.hops.iter().filter(|hop| hop.beside) {
            let Some((_, x, _)) = at.iter().find(|(state, ..)| *state == hop.state) else { continue };
            let (low, high) = (self.lane(&hop.from), self.lane(&hop.to));
            let (from, to) = match hop.hop.rsplit(' ').next() {
                Some("commit-send") => ((*x, low - FULL / 2.0), (x + 8.0, low - FULL / 2.0 - 8.0)),
                Some("transit") => ((x + 8.0, low - FULL / 2.0 - 8.0), (x + NEWS - 8.0, high)),
                _ => ((x + NEWS - 8.0, high), (x + NEWS, high)),
            };
            self.bands.push(Band { hop, from, to, wide: (wide(hop.entered), wide(hop.passed)) });
        }
    }

    /// What goes wrong falls out of the flow; what goes wrong with news rises, there is room above. Each label stands left of
    /// its line and below those further left, so that no line runs through a label.
    fn dropped(&self, all: f64) -> Vec<Drop<'a>> {
        let mut drops: Vec<Drop<'a>> = Vec::new();
        for band in &self.bands {
            let kinds = band.hop.bad.0.len() as f64;
            for (index, (class, count)) in band.hop.bad.0.iter().enumerate() {
                let part = (index as f64 + 1.0) / (kinds + 1.0);
                let (x, y, half) = band.at(part);
                let wide = (*count as f64 / all * FULL).max(LEAST);
                let up = band.hop.beside;
                let from = if up { y - 3.0 } else { y + half - 1.0 };
                drops.push(Drop { hop: band.hop, class, count: *count, x, from, to: 0.0, wide, up, row: 0 });
            }
        }
        drops.sort_by(|left, right| left.x.total_cmp(&right.x));
        for index in 0..drops.len() {
            let (before, rest) = drops.split_at_mut(index);
            let drop = &mut rest[0];
            let touching = before.iter().filter(|other| other.up == drop.up && other.x > drop.x - drop.length() - 8.0);
            drop.row = touching.map(|other| other.row + 1).max().unwrap_or(0);
            let row = drop.row as f64 * LINE;
            drop.to = if drop.up { 96.0 - row } else { self.bottom() + 18.0 + row };
        }
        drops
    }

    /// The lanes: name, top and bottom.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (&'a str, f64, f64)> + '_ {
        self.owners.iter().enumerate().map(|(index, owner)| {
            let top = index as f64 * (LANE + GAP);
            (*owner, top, if index + 1 == self.owners.len() { self.bottom() } else { top + LANE })
        })
    }

    /// The middle of a lane's flow: room for names above it.
    fn lane(&self, owner: &str) -> f64 {
        let index = self.owners.iter().position(|name| *name == owner).unwrap_or(0);
        index as f64 * (LANE + GAP) + 88.0
    }

    fn is_last(&self, owner: &str) -> bool {
        self.owners.last().is_some_and(|last| *last == owner)
    }

    fn bottom(&self) -> f64 {
        self.owners.len() as f64 * (LANE + GAP) - GAP + BELOW
    }

    pub(super) fn height(&self) -> f64 {
        let rows = self.drops.iter().filter(|drop| !drop.up).map(|drop| drop.row + 1).max();
        self.bottom() + rows.map_or(4.0, |rows| 14.0 + rows as f64 * LINE)
    }

    /// Where the name of a state stands: above its bar. Where news rises from it, below it, by turns higher and lower; beside such
    /// states it makes room to the left, for the flow goes up on the right.
    pub(super) fn label(&self, index: usize, x: f64, y: f64, high: f64) -> Label {
        let half = high.max(FULL) / 2.0;
        let tells = |state: &FlowState| self.bands.iter().any(|band| band.hop.beside && band.hop.state == state.state);
        let state = self.states[index].0;
        if tells(state) {
            let turn = self.states[..index].iter().filter(|(state, ..)| tells(state)).count() % 2;
            return Label { x, y: y + half + 20.0 + turn as f64 * ROW, anchor: "middle" };
        }
        let (x, anchor) = if self.is_last(&state.owner) { (x + 3.0, "end") } else { (x, "middle") };
        Label { x, y: y - half - 33.0, anchor }
    }
}

/// The owners, top to bottom: as the first message passes them.
fn owners(flow: &Flow) -> Vec<&str> {
    let mut owners: Vec<&str> = Vec::new();
    let ends = flow.hops.iter().flat_map(|hop| [hop.from.as_str(), hop.to.as_str()]);
    for owner in ends.chain(flow.states.iter().map(|state| state.owner.as_str())) {
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    owners
}

/// Whether a hop lies between a state and the one before it: news of the one before, or the way into this one.
fn leads_to(hop: &FlowHop, state: &FlowState, flow: &Flow) -> bool {
    let index = |name: &str| flow.states.iter().position(|state| state.state == name);
    let carries = !matches!(hop.kind, HopKind::Person) && !hop.hop.starts_with("pricing");
    index(&hop.state).map(|at| at + usize::from(carries)) == index(&state.state)
}

/// How much room a hop has, as a part of all.
fn weight(hop: &FlowHop) -> f64 {
    let crosses = hop.from != hop.to;
    match hop.kind {
        HopKind::Send if crosses => 54.0,
        HopKind::Send => 14.0,
        HopKind::Queue if crosses => 60.0,
        HopKind::Queue => 24.0,
        HopKind::Work if hop.hop.ends_with("process") => 12.0,
        HopKind::Work | HopKind::Settle => 40.0,
        HopKind::Person => 78.0,
    }
}

impl Band<'_> {
    /// A line along the band: -0.5 is its upper edge, 0.5 its lower one.
    pub(super) fn edge(&self, side: f64) -> Curve {
        Curve { from: (self.from.0, self.from.1 + side * self.wide.0), to: (self.to.0, self.to.1 + side * self.wide.1) }
    }

    /// A place on its middle line and half its width there; `part` runs from 0 to 1.
    fn at(&self, part: f64) -> (f64, f64, f64) {
        let between = |from: f64, to: f64, part: f64| from + (to - from) * part;
        // The curve's control points lie halfway: this is how it rises.
        let risen = part * part * (3.0 - 2.0 * part);
        let half = between(self.wide.0, self.wide.1, part) / 2.0;
        (between(self.from.0, self.to.0, part), between(self.from.1, self.to.1, risen), half)
    }
}

impl Curve {
    pub(super) fn forward(&self) -> String {
        path(self.from, self.to)
    }

    pub(super) fn backward(&self) -> String {
        path(self.to, self.from)
    }
}

fn path((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> String {
    let middle = f64::midpoint(x0, x1);
    format!("{x0:.1} {y0:.1} C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}")
}

impl Drop<'_> {
    /// Whether the orders leave the flow for good, or its records are wrong; else they only come late.
    pub(super) fn leaves(&self) -> bool {
        matches!(self.class, "lost" | "diverged" | "duplicated" | "parked")
    }

    /// The end of the hop's name.
    pub(super) fn segment(&self) -> &str {
        self.hop.hop.rsplit(' ').next().unwrap_or(&self.hop.hop)
    }

    fn length(&self) -> f64 {
        (self.count.to_string().len() + self.class.len() + self.segment().len() + 6) as f64 * LETTER
    }

    /// Near the left edge there is no room on the left.
    pub(super) fn anchor(&self) -> &'static str {
        if self.x < self.length() { "start" } else { "end" }
    }

    pub(super) fn label(&self) -> (f64, f64) {
        let x = if self.anchor() == "end" { self.x - 5.0 } else { self.x + 5.0 };
        (x, if self.up { self.to + 4.0 } else { self.to })
    }
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn the_way_runs_on_without_a_gap_from_the_first_state_to_the_last() {
        let report = judge(sample::broker_kill()).report;
        let plan = Plan::of(&report.flow);
        let way: Vec<&Band<'_>> = plan.bands.iter().filter(|band| !band.hop.beside).collect();
        for pair in way.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "{} begins where {} ends", pair[1].hop.hop, pair[0].hop.hop);
        }
        assert_eq!(way.first().map(|band| band.from.0), Some(LEFT));
        assert!(way.last().is_some_and(|band| (band.to.0 - (WIDE - RIGHT)).abs() < 0.01));
        assert_eq!(plan.owners, ["online shop", "CRM", "MES"]);
    }

    #[test]
    fn no_label_stands_on_another() {
        let report = judge(sample::broker_kill()).report;
        let mut flow = report.flow;
        for hop in &mut flow.hops {
            hop.bad = [("lost".to_owned(), 12), ("duplicated".to_owned(), 3)].into_iter().collect();
        }
        let plan = Plan::of(&flow);
        for (index, drop) in plan.drops.iter().enumerate() {
            let beside = |other: &Drop<'_>| other.up == drop.up && other.row == drop.row;
            for other in plan.drops[..index].iter().filter(|other| beside(other) && other.anchor() == "end") {
                assert!(other.x <= drop.x - drop.length(), "{} on {}", drop.hop.hop, other.hop.hop);
            }
        }
    }
}
