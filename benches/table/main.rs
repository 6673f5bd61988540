//! `cargo bench`: measures the library against the least that the work needs and
//! against what people would use instead, and prints one table.
//!
//! Both sides of a row are measured in one run, by turns. The library is built
//! as it is shipped; the C programs in `c/` are built with the system's compiler.
//! What a row needs and this machine lacks, the row says.
//!
//! With `WANDB_LOGIN_UPDATE_BENCH=1` the table in the README and the chart
//! `benches/table.svg` are written anew.

mod built;
mod draw;
mod measure;
mod row;
mod rows;
#[path = "../../tests/support/stub.rs"]
mod stub;
#[path = "../../tests/support/mod.rs"]
mod support;

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
