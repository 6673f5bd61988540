//! The counts of `benches/counts.json`: instructions, system calls by name, path look-ups,
//! allocations and their bytes, for the works of the benchmark, and the size of the shared
//! library. Unlike times they are the same on a busy machine, so a test compares them.
//!
//! With `WANDB_LOGIN_UPDATE_COUNTS=1` the file is rewritten, and the differences are printed.

#![allow(unreachable_pub)] // a program, whose modules export to each other
#![allow(dead_code)]
// the benchmark uses the rest of its modules
// Calls and instructions are those of one system and processor.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]

#[path = "../../benches/table/built.rs"]
mod built;
mod compare;
mod count;
#[path = "../../benches/table/measure.rs"]
mod measure;
mod record;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../benches/table/work.rs"]
mod work;

use std::io::{self, Write};

use compare::{Rule, differences};
use record::Record;

/// Standard error itself: the test runner hides what a test that passes prints.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "\n{text}");
}

#[test]
fn the_counts_are_the_recorded_ones() {
    let update = std::env::var_os("WANDB_LOGIN_UPDATE_COUNTS").is_some_and(|value| value == "1");
    if !update && !support::strict() {
        support::skip(
            "the counts of benches/counts.json: they take a release build and a minute; set \
             WANDB_LOGIN_TEST_STRICT=1",
        );
        return;
    }
    if ["strace", "valgrind", "readelf"]
        .into_iter()
        .any(|name| support::tool(name).is_none())
    {
        return;
    }
    let measured = Record::of_this_machine(count::all());
    let recorded = Record::read();
    if update {
        let changed = differences(&recorded.counts, &measured.counts, Rule::Everything);
        tell(&format!(
            "benches/counts.json is written. Differences:\n{}",
            changed.join("\n")
        ));
        measured.write();
        return;
    }
    let rule = match recorded.tools == measured.tools {
        true => Rule::Tolerance,
        false => {
            tell(&format!(
                "*** NOT COMPARED: instructions, allocations and bytes. benches/counts.json is of \
                 {:?}, and this machine has {:?}. System calls and path look-ups are compared. ***",
                recorded.tools, measured.tools
            ));
            Rule::CallsOnly
        }
    };
    let wrong = differences(&recorded.counts, &measured.counts, rule);
    assert!(
        wrong.is_empty(),
        "these counts differ from benches/counts.json:\n{}\nIf that is intended, run \
         `WANDB_LOGIN_UPDATE_COUNTS=1 cargo test --workspace --test counts`.",
        wrong.join("\n")
    );
}
