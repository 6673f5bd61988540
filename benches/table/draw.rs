//! The table as Markdown.

use std::fs;

use crate::chart::chart;
use crate::page::{markdown, replace_between_marks, setting};
use crate::row::{HEAD, Row};
use crate::support::root;

/// What the marks around the tables are called.
const MARK: &str = "bench";

/// The works of the rows that README.md shows.
const SUMMARY: [&str; 5] = [
    "key look-up in a netrc of 3 entries and two settings files",
    "`wandb_login`, a new key stored in netrc",
    "a process that logs in from netrc",
    "`dlopen`",
    "a process that logs in, verified over TLS by a local server",
];

/// All rows, as BENCHMARKS.md shows them.
pub fn table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| row.cells().to_vec());
    format!("{}\n\n{}", setting(), markdown(&HEAD, cells))
}

/// A few rows, without their goals, as README.md shows them.
fn summary(rows: &[Row]) -> String {
    const COLUMNS: usize = 4;
    let chosen = rows
        .iter()
        .filter(|row| SUMMARY.contains(&row.work.as_str()));
    let cells = chosen.map(|row| row.cells()[..COLUMNS].to_vec());
    markdown(&HEAD[..COLUMNS], cells)
}

/// Writes the tables of BENCHMARKS.md and README.md, and the chart.
pub fn update(rows: &[Row]) {
    let table = table(rows);
    let path = root().join("benches/table.svg");
    fs::write(path, chart(&table)).expect("the chart is written");
    replace_between_marks("BENCHMARKS.md", MARK, &table);
    replace_between_marks("README.md", MARK, &summary(rows));
}
