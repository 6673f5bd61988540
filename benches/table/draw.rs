//! The table as Markdown, and the chart of its times as SVG.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::measure::Pair;
use crate::row::{Figures, HEAD, Row, Unit, show};
use crate::support::{Run, root};

const BEGIN: &str = "<!-- bench:begin -->\n";
const END: &str = "<!-- bench:end -->";

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

/// A Markdown table whose columns are aligned in the text, too.
fn markdown(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut cells = vec![head.iter().map(|&title| title.to_owned()).collect()];
    cells.extend(rows);
    let width = |column: usize| {
        let lengths = cells
            .iter()
            .map(|row: &Vec<String>| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for (number, row) in cells.iter().enumerate() {
        for (cell, &width) in row.iter().zip(&widths) {
            text += &format!("| {cell:width$} ");
        }
        text += "|\n";
        if number == 0 {
            for &width in &widths {
                text += &format!("|{}", "-".repeat(width + 2));
            }
            text += "|\n";
        }
    }
    text
}

/// When and where it was measured.
fn setting() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let tool = |name: &str, arguments: &[&str]| {
        let run = Run::of(Command::new(name).args(arguments));
        run.stdout.lines().next().unwrap_or_default().to_owned()
    };
    let system = tool("uname", &["-sr"]);
    let disk = tool("stat", &["-f", "-c", "%T", "/tmp"]);
    let compiler = tool("rustc", &["--version"]);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "Measured on {} on {cores} cores of {processor}, {system}, {disk}, {compiler}; \
         load {load} at the end.",
        today()
    )
}

/// The date, by the count of days since the year 0 (Howard Hinnant's algorithm).
fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = now.map_or(0, |time| time.as_secs() / 86_400) + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// Writes the tables of BENCHMARKS.md and README.md, and the chart.
pub fn update(rows: &[Row]) {
    let chart = root().join("benches/table.svg");
    fs::write(chart, draw(rows)).expect("the chart is written");
    replace_between_marks("BENCHMARKS.md", &table(rows));
    replace_between_marks("README.md", &summary(rows));
}

fn replace_between_marks(name: &str, table: &str) {
    let path = root().join(name);
    let text = fs::read_to_string(&path).expect(name);
    let (before, rest) = text.split_once(BEGIN).expect("the first mark");
    let (_, after) = rest.split_once(END).expect("the second mark");
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).expect(name);
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
