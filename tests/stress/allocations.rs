//! Allocations that fail: the process ends, or reports an error, and its files are
//! whole.

use std::fs;

use crate::preload::Preload;
use crate::rounds;
use crate::scenario::{Scenario, logins_and_logout, token_exchanges, token_server};
use crate::support::{Home, Run};

/// How many allocations a program makes.
fn count(allocator: &Preload, home: &Home, command: impl Fn(&[&str]) -> Run) -> usize {
    let path = home.base().join("count");
    let starter = allocator.starter(&[format!("ALLOCATOR_COUNT={}", path.display())]);
    let run = command(&starter.iter().map(String::as_str).collect::<Vec<_>>());
    let count = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", run.stderr));
    count.parse().expect("a number")
}

/// Makes allocations of a command fail, one in each run; returns how many, of all.
fn survives(allocator: &Preload, scenario: &Scenario<'_>) -> (usize, usize) {
    let home = scenario.home();
    let all = count(allocator, &home, |starter| {
        Run::ok(&mut scenario.command(&home, starter))
    });
    // What the parser of the command line allocates is of no interest; the long form
    // tries that, too.
    let home = Home::new();
    let parser = count(allocator, &home, |starter| {
        let mut command = home.command(starter[0]);
        command.args(&starter[1..]);
        Run::ok(command.args([crate::support::wandb_login_path(), "--version"]))
    });
    let (first, step) = if rounds() >= 50 {
        (1, 1)
    } else {
        (parser, 36 / rounds().clamp(1, 36))
    };
    let new = scenario.outcome();
    let mut tried = 0;
    for number in (first..=all).step_by(step) {
        let fault = format!("ALLOCATOR_FAIL={number}");
        let starter = allocator.starter(std::slice::from_ref(&fault));
        let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
        let survivor = scenario.survives(&starter, &fault, &new);
        survivor.is_reported(&fault);
        let code = survivor.run.code;
        // A signal ends it by the rule of Rust's allocator, or it reports the error; 4:
        // the server could not be asked.
        let reasons = ["memory allocation of", "out of memory"];
        let aborted = reasons
            .iter()
            .any(|reason| survivor.run.stderr.contains(reason));
        let known = code.is_none() && aborted || [Some(0), Some(1), Some(4)].contains(&code);
        assert!(known, "{fault}: {code:?} {}", survivor.run.stderr);
        tried += 1;
    }
    (tried, all)
}

#[test]
fn a_failed_allocation_leaves_whole_files() {
    let Some(allocator) = Preload::build("allocator") else {
        return;
    };
    let server = token_server();
    let logins = logins_and_logout();
    let exchanges = token_exchanges(&server.url("127.0.0.1"));
    let (mut tried, mut all) = (0, 0);
    for scenario in logins.iter().chain(&exchanges) {
        let (some, of) = survives(&allocator, scenario);
        assert!(some > 10 && of > some / 2, "{some} of {of}");
        tried += some;
        all += of;
    }
    eprintln!("{tried} of {all} allocations failed: 0 files damaged, 0 left over");
}
