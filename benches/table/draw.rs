//! The table as Markdown, and the chart of its times as SVG.

use std::fs;

use crate::measure::Pair;
use crate::page::{markdown, replace_between_marks, setting};
use crate::row::{Figures, HEAD, Row, Unit, show};
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
    let chart = root().join("benches/table.svg");
    fs::write(chart, draw(rows)).expect("the chart is written");
    replace_between_marks("BENCHMARKS.md", MARK, &table(rows));
    replace_between_marks("README.md", MARK, &summary(rows));
}

/// Two bars for each row that compares times, on a logarithmic scale.
fn draw(rows: &[Row]) -> String {
    const LEFT: f64 = 20.0;
    const DECADE: f64 = 95.0;
    const ROW: f64 = 58.0;
    const TOP: f64 = 40.0;
    // From 1 µs to 10 s.
    let width = LEFT + 7.0 * DECADE + 120.0;
    let length = |ns: f64| ((ns / 1e3).log10() * DECADE).max(2.0);
    let timed: Vec<(&str, &Row, Pair)> = titles(rows)
        .filter_map(|(title, row)| match row.figures {
            Figures::Both(pair) if row.unit == Unit::Time => Some((title, row, pair)),
            _ => None,
        })
        .collect();
    let height = TOP + ROW * timed.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for decade in 0..=7 {
        let x = LEFT + f64::from(decade) * DECADE;
        let label = show(1e3 * 10f64.powi(decade), Unit::Time)
            .replace(".00", "")
            .replace(".0", "");
        svg += &format!(
            "<path d=\"M{x:.0} 28V{:.0}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.0}\" y=\"20\" text-anchor=\"middle\" fill=\"#555\">{label}</text>\n",
            height - 16.0
        );
    }
    for (number, (title, row, pair)) in timed.iter().enumerate() {
        let y = TOP + ROW * number as f64;
        svg += &format!(
            "<text x=\"{LEFT}\" y=\"{:.0}\">{}</text>\n",
            y + 10.0,
            escape(title)
        );
        let bars = [
            (pair.ours, "this library", "#2a7f62", 16.0),
            (pair.theirs, row.against, "#c9c9c9", 31.0),
        ];
        for (ns, who, colour, down) in bars {
            svg += &format!(
                "<rect x=\"{LEFT}\" y=\"{:.0}\" width=\"{:.0}\" height=\"12\" fill=\"{colour}\"/>\
                 <text x=\"{:.0}\" y=\"{:.0}\" font-size=\"10\" fill=\"#333\">{} {}</text>\n",
                y + down,
                length(ns),
                LEFT + length(ns) + 4.0,
                y + down + 10.0,
                show(ns, Unit::Time),
                escape(who),
            );
        }
    }
    svg + "</svg>\n"
}

/// Rows with their full titles: a row that begins with a dash continues the
/// work above it.
fn titles(rows: &[Row]) -> impl Iterator<Item = (&str, &Row)> {
    let mut work = "";
    rows.iter().map(move |row| {
        if !row.work.starts_with('–') {
            work = &row.work;
        }
        (work, row)
    })
}

fn escape(text: &str) -> String {
    text.replace('`', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
}
