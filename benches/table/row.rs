//! A row of the table: what it is about, both sides, and the goal.

use crate::measure::Pair;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Time,
    Bytes,
    Count,
    /// Bytes per second.
    Rate,
}

/// What the row must come to.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Our side at most this.
    AtMost(f64),
    /// Our side at most this many times theirs.
    Times(f64),
    /// Our side at most this much more than theirs.
    More(f64),
    /// None: the figure is stated.
    Stated,
}

#[derive(Debug, Clone, Copy)]
pub enum Figures {
    Both(Pair),
    Ours(f64),
    /// What is missing on this machine.
    Missing(&'static str),
}

#[derive(Debug, Clone)]
pub struct Row {
    pub work: String,
    pub against: &'static str,
    pub unit: Unit,
    pub goal: Goal,
    pub figures: Figures,
}

impl Row {
    /// Whether the goal is reached; `None` where there is none to reach.
    pub fn is_reached(&self) -> Option<bool> {
        Some(match (self.goal, self.figures) {
            (Goal::Stated, _) | (_, Figures::Missing(_)) => return None,
            (Goal::AtMost(most), Figures::Both(Pair { ours, .. }) | Figures::Ours(ours)) => {
                ours <= most
            }
            (Goal::Times(most), Figures::Both(pair)) => pair.ratio <= most,
            (Goal::More(most), Figures::Both(pair)) => pair.ours - pair.theirs <= most,
            (Goal::Times(_) | Goal::More(_), Figures::Ours(_)) => {
                unreachable!("{} needs two sides", self.work)
            }
        })
    }

    /// The columns of the table.
    pub fn cells(&self) -> [String; 7] {
        let show = |value| show(value, self.unit);
        let (ours, theirs, ratio) = match self.figures {
            Figures::Both(pair) => (show(pair.ours), show(pair.theirs), times(pair.ratio)),
            Figures::Ours(ours) => (show(ours), String::new(), String::new()),
            Figures::Missing(what) => (what.to_owned(), String::new(), String::new()),
        };
        let goal = match self.goal {
            Goal::AtMost(most) => format!("≤ {}", show(most)),
            Goal::Times(most) => format!("≤ {} ×", times(most)),
            Goal::More(most) => format!("≤ {} more", show(most)),
            Goal::Stated => "stated".to_owned(),
        };
        let reached = match self.is_reached() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        [
            self.work.clone(),
            ours,
            self.against.to_owned(),
            theirs,
            ratio,
            goal,
            reached.to_owned(),
        ]
    }
}

pub const HEAD: [&str; 7] = [
    "work",
    "this library",
    "compared with",
    "theirs",
    "ratio",
    "goal",
    "reached",
];

/// A ratio; a small one as a fraction.
fn times(ratio: f64) -> String {
    match ratio {
        r if r > 0.0 && r < 0.1 => format!("1/{:.0}", 1.0 / r),
        r => format!("{r:.2}"),
    }
}

/// A value in a unit that suits its size. Times are in nanoseconds.
pub fn show(value: f64, unit: Unit) -> String {
    let (steps, base): (&[&str], f64) = match unit {
        Unit::Time => (&["ns", "µs", "ms", "s"], 1000.0),
        Unit::Bytes => (&["B", "kB", "MB"], 1000.0),
        Unit::Rate => (&["B/s", "kB/s", "MB/s", "GB/s"], 1000.0),
        Unit::Count => {
            let value = value.round() as i64;
            return match value.abs() {
                0..10_000 => value.to_string(),
                10_000..1_000_000 => format!("{} k", value / 1000),
                _ => format!("{:.1} M", value as f64 / 1e6),
            };
        }
    };
    let mut value = value;
    let mut step = 0;
    while value.abs() >= base && step + 1 < steps.len() {
        value /= base;
        step += 1;
    }
    let digits = match value.abs() {
        v if v >= 100.0 || steps[step] == "B" => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {}", steps[step])
}
