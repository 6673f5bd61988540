//! `%(name)s` and `%%`: configparser's `BasicInterpolation`.

use super::{Diagnostics, Document, Fault, Opt, WipedBytes, lower};

/// Python's `MAX_INTERPOLATION_DEPTH`.
const MAX_DEPTH: usize = 10;

/// The work that one value may cost, in bytes written and options searched:
/// references can double the value at each level.
const BUDGET: usize = 1 << 20;

/// A piece of a value.
#[derive(Debug, PartialEq, Eq)]
enum Part<'v> {
    Text(&'v [u8]),
    /// `%%`
    Percent,
    /// A `%` that is neither; Python refuses it.
    Bare,
    /// The beginning of a `%(name)s` that has no end; Python refuses it.
    Unfinished,
    /// `%(name)s`, the name in lower case.
    Reference(std::borrow::Cow<'v, [u8]>),
}

/// The state of one expansion. Without `out` it only measures the size.
struct Run<'o> {
    out: Option<&'o mut Vec<u8>>,
    size: usize,
    budget: usize,
    bare: bool,
    unfinished: bool,
}

impl Document<'_> {
    /// The option's value with its references resolved.
    pub(super) fn interpolated(&self, option: &Opt) -> (WipedBytes, Option<Fault>) {
        let raw = self.raw(option);
        if !raw.contains(&b'%') {
            return (raw, None);
        }
        let mut run = Run::new(BUDGET);
        if self.expand(&raw, 1, &mut run).is_err() {
            return (raw, Some(Fault::Reference));
        }
        // Measured first, so that the buffer never grows and leaves copies.
        let mut text = WipedBytes::new(Vec::with_capacity(run.size));
        let mut run = Run {
            out: Some(&mut text),
            ..Run::new(BUDGET)
        };
        let expanded = self.expand(&raw, 1, &mut run);
        debug_assert!(expanded.is_ok(), "the first pass succeeded");
        let fault = run.bare.then_some(Fault::BarePercent);
        (text, fault)
    }

    /// Reports the options whose value Python cannot interpolate: it reads all
    /// of a section at once, and raises at the first.
    pub(super) fn report_interpolation(&self, diagnostics: &mut Diagnostics) {
        let mut found = 0;
        let mut budget = BUDGET;
        for option in self.visible() {
            let span = option.value.start..option.rest.end.max(option.value.end);
            if !self.text[span].contains(&b'%') {
                continue;
            }
            // The cost of looking for an overriding definition.
            budget = budget.saturating_sub(self.options.len());
            if self.overridden(option) {
                continue;
            }
            let mut run = Run::new(budget);
            let expanded = self.expand(&self.raw(option), 1, &mut run);
            budget = run.budget;
            let problem = match expanded {
                Err(()) => Some("unresolvable %(name)s"),
                Ok(()) if run.unfinished => Some(
                    "an unfinished %(name)s was taken literally; complete it, or write %% for %",
                ),
                Ok(()) => run.bare.then_some("a bare % was taken literally; write %%"),
            };
            if let Some(problem) = problem {
                diagnostics.reject(option.line, problem);
                found += 1;
            }
            if budget == 0 || found == super::MAX_NOTES {
                break;
            }
        }
    }

    /// Whether `[default]` has its own value for an option of `[DEFAULT]`.
    fn overridden(&self, option: &Opt) -> bool {
        self.find(&option.key)
            .is_some_and(|f| f.kind != option.kind)
    }

    /// Whether the option's value refers to `key` by name.
    pub(super) fn refers_to(&self, option: &Opt, key: &[u8]) -> bool {
        let raw = self.raw(option);
        parts(&raw).any(|part| matches!(part, Part::Reference(name) if *name == *key))
    }

    fn expand(&self, raw: &[u8], depth: usize, run: &mut Run) -> Result<(), ()> {
        if depth > MAX_DEPTH {
            return Err(());
        }
        for part in parts(raw) {
            match part {
                Part::Text(text) => run.emit(text)?,
                Part::Percent => run.emit(b"%")?,
                Part::Bare | Part::Unfinished => {
                    run.bare = true;
                    run.unfinished |= part == Part::Unfinished;
                    run.emit(b"%")?;
                }
                Part::Reference(name) => {
                    // Two passes over the options: for the value, and for a
                    // conflicting definition.
                    run.spend(2 * self.options.len())?;
                    let target = self.find(&name).ok_or(())?;
                    if self.conflict_of(&name).is_some() {
                        return Err(());
                    }
                    let value = self.raw(target);
                    run.spend(value.len())?;
                    self.expand(&value, depth + usize::from(value.contains(&b'%')), run)?;
                }
            }
        }
        Ok(())
    }
}

impl Run<'_> {
    fn new(budget: usize) -> Run<'static> {
        Run {
            out: None,
            size: 0,
            budget,
            bare: false,
            unfinished: false,
        }
    }

    fn emit(&mut self, text: &[u8]) -> Result<(), ()> {
        self.spend(text.len())?;
        self.size += text.len();
        if let Some(out) = &mut self.out {
            out.extend_from_slice(text);
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize) -> Result<(), ()> {
        let left = self.budget.checked_sub(cost);
        self.budget = left.unwrap_or(0);
        left.map(drop).ok_or(())
    }
}

fn parts(value: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let find = |byte: u8, from: usize| {
        let found = value[from..].iter().position(|b| *b == byte);
        found.map_or(value.len(), |at| from + at)
    };
    let mut at = 0;
    // The position of the next `)`. Searching for it at each `%(` would make
    // the run time quadratic.
    let mut close = 0;
    std::iter::from_fn(move || {
        let (part, end) = match &value[at..] {
            [] => return None,
            [b'%', b'%', ..] => (Part::Percent, at + 2),
            [b'%', b'(', ..] => {
                let name = at + 2;
                if close < name {
                    close = find(b')', name);
                }
                match close > name && value.get(close + 1) == Some(&b's') {
                    true => (Part::Reference(lower(&value[name..close])), close + 2),
                    false => (Part::Unfinished, at + 1),
                }
            }
            [b'%', ..] => (Part::Bare, at + 1),
            _ => {
                let end = find(b'%', at);
                (Part::Text(&value[at..end]), end)
            }
        };
        at = end;
        Some(part)
    })
}
