//! What the pages with measurements share: tables, where it was measured, and the marks
//! between which a page is rewritten.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Run, root};

/// A Markdown table whose columns are aligned in the text, too.
pub fn markdown(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
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
pub fn setting() -> String {
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

/// Rewrites a page of the repository between the comments `MARK:begin` and `MARK:end`.
pub fn replace_between_marks(page: &str, mark: &str, text: &str) {
    let [begin, end] = [
        format!("<!-- {mark}:begin -->\n"),
        format!("<!-- {mark}:end -->"),
    ];
    let path = root().join(page);
    let old = fs::read_to_string(&path).expect(page);
    let (before, rest) = old.split_once(&begin).expect("the first mark");
    let (_, after) = rest.split_once(&end).expect("the second mark");
    fs::write(path, format!("{before}{begin}{text}{end}{after}")).expect(page);
}
