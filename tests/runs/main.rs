//! The training programs in `examples/` log runs to a stand-in for a W&B server, as
//! wandb-core, the uploader of the Python SDK, does.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(feature = "http")]

mod compare;
mod edges;
mod examples;
mod failures;
#[path = "../support/julia.rs"]
mod julia;
mod long;
mod network;
mod sdk;
mod server;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

use examples::{Example, examples};
use support::{Home, KEY_1, Run};

/// Calls a function for each example, all at the same time.
fn for_each(test: impl Fn(&Example) + Sync) {
    std::thread::scope(|threads| {
        let test = &test;
        let start = |example| threads.spawn(move || test(example));
        let running: Vec<_> = examples().iter().map(start).collect();
        for thread in running {
            if let Err(problem) = thread.join() {
                std::panic::resume_unwind(problem);
            }
        }
    });
}

/// Trains with the key of the server and these variables. The training ends well.
fn train(example: &Example, url: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let home = Home::new();
    let mut all = vec![
        ("WANDB_BASE_URL", url),
        ("WANDB_API_KEY", KEY_1),
        ("WANDB_PROJECT", "line"),
    ];
    all.extend(variables);
    trained(example, &mut example.training(&home, &all, arguments))
}

/// Runs a training to its end, which is good, and shows no key.
fn trained(example: &Example, command: &mut std::process::Command) -> Run {
    let run = Run::of(command);
    let name = example.name;
    assert_eq!(run.code, Some(0), "{name}: {}{}", run.stdout, run.stderr);
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(&KEY_1[..20]), "{name} shows the key: {text}");
        assert!(!text.contains("token-"), "{name} shows a token: {text}");
    }
    run
}

/// The losses that a training printed.
fn losses(run: &Run) -> Vec<f64> {
    let lines = run.stdout.lines().filter(|line| line.starts_with("epoch "));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect()
}
