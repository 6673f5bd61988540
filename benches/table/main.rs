//! `cargo bench`: measures the library against a minimal C program that does the
//! same work and against common alternatives, and prints one table.
//!
//! Both sides of a row are measured alternately in one run. The library is built
//! with the release profile, the C programs in `c/` with the system's compiler.
//! A row that needs a missing tool names the tool.
//!
//! With `WANDB_LOGIN_UPDATE_BENCH=1` the tables in `BENCHMARKS.md` and `README.md`
//! and the chart `benches/table.svg` are rewritten.

#![allow(unreachable_pub)] // a program, whose modules export to each other

mod built;
mod chart;
mod draw;
mod measure;
mod page;
mod row;
mod rows;
#[path = "../../tests/support/stub.rs"]
mod stub;
#[path = "../../tests/support/mod.rs"]
mod support;
mod work;

use built::Built;
use rows::Bench;

fn main() {
    // `cargo test --benches` starts this too: it has nothing to test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let update = std::env::var_os("WANDB_LOGIN_UPDATE_BENCH").is_some_and(|value| value == "1");
    let rows = Bench::new(Built::new()).rows();
    println!("{}", draw::table(&rows));
    if update {
        draw::update(&rows);
    }
}
