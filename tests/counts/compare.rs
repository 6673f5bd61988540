//! Which differences between two sets of counts matter.

use std::collections::{BTreeMap, BTreeSet};

/// The counts of one work, by name.
pub type Counts = BTreeMap<String, f64>;

/// The number of calls of one system call begins with this.
pub const CALLS: &str = "calls of ";
pub const LOOKUPS: &str = "path look-ups";

/// Of all counts that are not exact.
const TOLERANCE: f64 = 0.02;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Each difference.
    Everything,
    /// Exact system calls and path look-ups; the others within the tolerance.
    Tolerance,
    /// Exact system calls and path look-ups only: the others depend on the tools.
    CallsOnly,
}

impl Rule {
    fn accepts(self, name: &str, recorded: f64, measured: f64) -> bool {
        let is_exact = name.starts_with(CALLS) || name == LOOKUPS;
        recorded == measured
            || match self {
                Rule::Everything => false,
                Rule::Tolerance if is_exact => false,
                Rule::Tolerance => (measured - recorded).abs() <= TOLERANCE * recorded.abs(),
                Rule::CallsOnly => !is_exact,
            }
    }
}

/// A line for each count that differs, downwards too: a lower count that is not recorded
/// could rise again unnoticed. A count that one side does not have is 0.
pub fn differences(
    recorded: &BTreeMap<String, Counts>,
    measured: &BTreeMap<String, Counts>,
    rule: Rule,
) -> Vec<String> {
    let mut lines = Vec::new();
    let none = Counts::new();
    for work in union(recorded, measured) {
        let sides = [recorded, measured].map(|side| side.get(work).unwrap_or(&none));
        for name in union(sides[0], sides[1]) {
            let [before, now] = sides.map(|side| side.get(name).copied().unwrap_or(0.0));
            if !rule.accepts(name, before, now) {
                lines.push(format!(
                    "{work}: {name}: {before} -> {now}{}",
                    percent(before, now)
                ));
            }
        }
    }
    lines
}

fn union<'a, V>(
    one: &'a BTreeMap<String, V>,
    other: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a String> {
    one.keys().chain(other.keys()).collect()
}

fn percent(before: f64, now: f64) -> String {
    match before == 0.0 {
        true => String::new(),
        false => format!(" ({:+.1} %)", (now - before) / before * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(counts: &[(&str, f64)]) -> BTreeMap<String, Counts> {
        let counts = counts.iter().map(|&(name, value)| (name.to_owned(), value));
        BTreeMap::from([("work".to_owned(), counts.collect())])
    }

    const RECORDED: [(&str, f64); 4] = [
        ("instructions", 1000.0),
        ("allocations", 5.0),
        ("path look-ups", 4.0),
        ("calls of openat", 3.0),
    ];

    /// The differences after one count is changed or added.
    fn after(name: &str, value: f64, rule: Rule) -> Vec<String> {
        let mut measured = one(&RECORDED);
        for counts in measured.values_mut() {
            counts.insert(name.to_owned(), value);
        }
        differences(&one(&RECORDED), &measured, rule)
    }

    #[test]
    fn equal_counts_do_not_differ() {
        assert!(after("instructions", 1000.0, Rule::Everything).is_empty());
    }

    #[test]
    fn instructions_may_differ_by_two_percent() {
        for (value, is_accepted) in [
            (980.0, true),
            (1020.0, true),
            (979.0, false),
            (1021.0, false),
        ] {
            let found = after("instructions", value, Rule::Tolerance);
            assert_eq!(found.is_empty(), is_accepted, "{found:?}");
        }
        let found = after("instructions", 1021.0, Rule::Tolerance);
        assert_eq!(found, ["work: instructions: 1000 -> 1021 (+2.1 %)"]);
        assert_eq!(after("allocations", 6.0, Rule::Tolerance).len(), 1);
    }

    #[test]
    fn calls_and_lookups_are_exact() {
        for rule in [Rule::Tolerance, Rule::CallsOnly] {
            for (name, value) in [
                ("path look-ups", 5.0),
                ("path look-ups", 3.0),
                ("calls of openat", 3.1),
                ("calls of statx", 1.0),
            ] {
                assert_eq!(after(name, value, rule).len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn with_other_tools_only_calls_and_lookups_count() {
        assert!(after("instructions", 2000.0, Rule::CallsOnly).is_empty());
        assert!(after("bytes allocated", 2000.0, Rule::CallsOnly).is_empty());
    }

    #[test]
    fn a_work_that_is_missing_on_one_side_is_a_difference() {
        for (recorded, measured) in [(one(&RECORDED), one(&[])), (one(&[]), one(&RECORDED))] {
            assert_eq!(differences(&recorded, &measured, Rule::Tolerance).len(), 4);
        }
        let found = differences(&one(&RECORDED), &BTreeMap::new(), Rule::Tolerance);
        assert_eq!(found.len(), 4);
    }
}
