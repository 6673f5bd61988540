//! The JSON form of a report: the derived structs give the members and their
//! order, the formatter one line for each source and each warning.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, Formatter};

use super::{Report, Row, State};
use crate::finding::{Finding, Severity};
use crate::util::redact::for_message;

#[derive(Serialize)]
pub(super) struct ReportJson<'a> {
    configured: bool,
    host: HostJson<'a>,
    winner: Option<&'static str>,
    sources: Vec<RowJson<'a>>,
    rank: Option<RankJson>,
    warnings: Vec<&'a str>,
    user: Option<UserJson<'a>>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct HostJson<'a> {
    url: Option<&'a str>,
    source: &'static str,
    source_name: Option<&'a str>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    source: &'static str,
    source_name: Option<&'a str>,
    state: State,
    key: Option<&'a str>,
    problem: Option<&'a str>,
    line: Option<usize>,
}

#[derive(Serialize)]
struct RankJson {
    index: u64,
    size: u64,
    variable: &'static str,
}

#[derive(Serialize)]
struct UserJson<'a> {
    username: Option<&'a str>,
    email: Option<&'a str>,
    entity: Option<&'a str>,
    teams: &'a [String],
}

#[derive(Serialize)]
struct FindingJson<'a> {
    severity: Severity,
    code: &'static str,
    message: &'a str,
    command: Option<&'a str>,
}

impl ReportJson<'_> {
    pub(super) fn of(report: &Report) -> ReportJson<'_> {
        ReportJson {
            configured: report.is_configured(),
            host: HostJson {
                url: report.host.url.as_deref(),
                source: report.host.origin.name(),
                source_name: report.host.name.as_deref(),
            },
            winner: report.winner.map(|index| report.rows[index].source.name()),
            sources: report.rows.iter().map(RowJson::of).collect(),
            rank: report.job.as_ref().map(|job| RankJson {
                index: job.rank.index,
                size: job.rank.size,
                variable: job.rank.variable,
            }),
            warnings: report.lines().collect(),
            user: report.user.as_ref().map(|session| UserJson {
                username: session.username(),
                email: session.email(),
                entity: session.entity(),
                teams: session.teams(),
            }),
            findings: report.findings().into_iter().map(FindingJson::of).collect(),
        }
    }
}

impl RowJson<'_> {
    fn of(row: &Row) -> RowJson<'_> {
        RowJson {
            source: row.source.name(),
            source_name: row.name.as_deref(),
            state: row.state,
            key: row.key.as_deref(),
            problem: row.problem.as_deref(),
            line: row.line,
        }
    }
}

impl FindingJson<'_> {
    fn of((severity, finding): (Severity, &Finding)) -> FindingJson<'_> {
        FindingJson {
            severity,
            code: finding.code.as_str(),
            message: &finding.message,
            command: finding.command.as_deref(),
        }
    }
}

/// The report as one JSON object.
pub(super) fn to_string(report: &ReportJson<'_>) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Lines::default());
    // Writing to memory does not fail, and no map has a key that is no string.
    let _ = report.serialize(&mut serializer);
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_default()
}

/// Breaks lines between the members of the report and between the elements of
/// its arrays, and nowhere else. Every string is made safe to print here, as a whole:
/// what masks a key looks at the characters around it.
#[derive(Default)]
struct Lines {
    /// The string that is being written, without escapes.
    string: String,
    depth: usize,
    /// Whether the array that is being written has an element.
    has_elements: bool,
}

/// The depth of the report's members, and of the elements of its arrays.
const MEMBERS: usize = 1;
const ELEMENTS: usize = 2;

fn new_line(out: &mut (impl Write + ?Sized), depth: usize) -> io::Result<()> {
    write!(out, "\n{:1$}", "", 2 * depth)
}

impl Formatter for Lines {
    fn begin_string<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.string.clear();
        out.write_all(b"\"")
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        _: &mut W,
        text: &str,
    ) -> io::Result<()> {
        self.string.push_str(text);
        Ok(())
    }

    fn write_char_escape<W: Write + ?Sized>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.string.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            // Everything else that JSON escapes is a control character.
            _ => '\0',
        });
        Ok(())
    }

    fn end_string<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        let text = for_message(&self.string).replace('\\', r"\\");
        out.write_all(text.replace('"', "\\\"").as_bytes())?;
        out.write_all(b"\"")
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth == MEMBERS {
            new_line(out, 0)?;
        }
        self.depth -= 1;
        out.write_all(b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        match (self.depth, first) {
            (MEMBERS, true) => new_line(out, MEMBERS),
            (MEMBERS, false) => out.write_all(b",").and_then(|()| new_line(out, MEMBERS)),
            (_, true) => Ok(()),
            (_, false) => out.write_all(b", "),
        }
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"[")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.has_elements = true;
        match self.depth {
            ELEMENTS => new_line(out, ELEMENTS),
            _ => Ok(()),
        }
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if std::mem::take(&mut self.has_elements) && self.depth == MEMBERS {
            new_line(out, MEMBERS)?;
        }
        out.write_all(b"]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_made_safe_as_a_whole() {
        let word = "abcdefghij0123456789";
        for text in [
            "",
            "a\"b\\c/d\n\u{1b}\u{7f}é",
            &format!("https://host.example\\{word}\\x"),
            &format!("{word}\\x \"{word}\" {word}"),
            &format!("C:\\{word}\\x and {word}"),
        ] {
            let mut json = Vec::new();
            let mut serializer = Serializer::with_formatter(&mut json, Lines::default());
            text.serialize(&mut serializer).unwrap();
            let read: String = serde_json::from_slice(&json).unwrap();
            assert_eq!(read, for_message(text), "{text:?}");
        }
    }
}
