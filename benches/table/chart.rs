//! The chart of the times in the table of BENCHMARKS.md, as SVG.

use crate::support::svg;

/// A row of the table that compares two times.
struct Times<'t> {
    work: &'t str,
    ours: (&'t str, f64),
    /// What it is compared with, and its time.
    theirs: (&'t str, &'t str, f64),
}

/// The rows of a Markdown table that compare two times. A row that begins with a dash is
/// another measurement of the work above it.
fn rows(table: &str) -> Vec<Times<'_>> {
    let mut work = "";
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, ours, against, theirs, ..] = cells[..] else {
            continue;
        };
        if !name.starts_with('–') {
            work = name;
        }
        if let (Some(ns), Some(others)) = (nanoseconds(ours), nanoseconds(theirs)) {
            rows.push(Times {
                work,
                ours: (ours, ns),
                theirs: (against, theirs, others),
            });
        }
    }
    rows
}

/// A time such as `11.3 µs`; `None` for other figures.
fn nanoseconds(cell: &str) -> Option<f64> {
    let (number, unit) = cell.split_once(' ')?;
    let factor = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// The decades of the logarithmic scale.
const SCALE: [&str; 8] = [
    "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s",
];
const LEFT: usize = 16;
const DECADE: usize = 56;
const TOP: usize = 36;
const ROW: usize = 72;
const WIDTH: usize = 2 * LEFT + DECADE * (SCALE.len() - 1);

/// Two bars for each row that compares times. The text is above its bar, so that the
/// picture can be read on a narrow screen.
pub fn chart(table: &str) -> String {
    let rows = rows(table);
    let height = TOP + ROW * rows.len() + 8;
    let mut svg = svg::begin(
        WIDTH,
        height,
        "Time of this library and of alternatives",
        &[
            (".grid", "stroke: #d0d7de", "stroke: #3d444d"),
            (".ours", "fill: #2a7f62", "fill: #3fb68b"),
            (".theirs", "fill: #afb8c1", "fill: #656c76"),
        ],
    );
    for (decade, label) in SCALE.iter().enumerate() {
        let x = LEFT + DECADE * decade;
        svg += &format!(
            "<path d=\"M{x} 24V{height}\" class=\"grid\"/>\
             <text x=\"{x}\" y=\"16\" text-anchor=\"middle\" class=\"soft\">{label}</text>\n"
        );
    }
    for (number, row) in rows.iter().enumerate() {
        let y = TOP + ROW * number;
        let title = escape(row.work);
        svg += &format!("<text x=\"{LEFT}\" y=\"{}\">{title}</text>\n", y + 12);
        svg += &bar("ours", y + 26, row.ours.1, row.ours.0, "this library");
        svg += &bar("theirs", y + 48, row.theirs.2, row.theirs.1, row.theirs.0);
    }
    svg + "</svg>\n"
}

/// A bar with its text above it; `y` is the base line of the text.
fn bar(class: &str, y: usize, ns: f64, time: &str, who: &str) -> String {
    let length = ((ns / 1e3).log10() * DECADE as f64).max(2.0);
    format!(
        "<text x=\"{LEFT}\" y=\"{y}\" class=\"soft\">{time} {}</text>\
         <rect x=\"{LEFT}\" y=\"{}\" width=\"{length:.0}\" height=\"7\" class=\"{class}\"/>\n",
        escape(who),
        y + 3,
    )
}

fn escape(text: &str) -> String {
    text.replace('`', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
}
