//! The manual page of the C API, from the comments and declarations of the header.

use roff::{Inline, Roff, bold, roman};

/// A piece of the header.
enum Piece {
    /// `/* Title ---- */`
    Title(String),
    /// A comment without its frame of asterisks.
    Comment(Vec<String>),
    /// Lines of C.
    Code(Vec<String>),
}

pub(crate) fn page(header: &str) -> String {
    let mut page = Roff::new();
    let source = format!("libwandb_login {}", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["wandb_login", "3", "", &source]);
    page.control("SH", ["NAME"]);
    page.text([roman(
        "wandb_login - log in to Weights & Biases from C and C++",
    )]);
    page.control("SH", ["SYNOPSIS"]);
    let synopsis = ["#include <wandb_login.h>", "", "cc example.c -lwandb_login"];
    push_code(&mut page, &synopsis.map(String::from));
    page.control("SH", ["DESCRIPTION"]);
    let mut comment = Vec::new();
    for piece in pieces(header) {
        match piece {
            Piece::Title(title) => {
                page.control("SH", [title.to_uppercase().as_str()]);
            }
            // The first one stands alone; each other belongs to the code behind it.
            Piece::Comment(lines) if page.to_roff().ends_with("DESCRIPTION\n") => {
                push_comment(&mut page, &lines);
            }
            Piece::Comment(lines) => comment = lines,
            Piece::Code(lines) => {
                page.control("PP", []);
                push_code(&mut page, &lines);
                page.control("RS", ["4"]);
                push_comment(&mut page, &std::mem::take(&mut comment));
                page.control("RE", []);
            }
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("wandb-login"),
        roman("(1), "),
        bold("netrc"),
        roman("(5)"),
    ]);
    page.render()
}

/// Takes the header apart. What every header has (guards, includes, `extern`)
/// is left out.
fn pieces(header: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = header.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_suffix("- */") {
            let title = title.trim_start_matches("/* ").trim_end_matches(['-', ' ']);
            pieces.push(Piece::Title(title.into()));
        } else if line.starts_with("/*") {
            let mut comment = vec![line];
            while !comment[comment.len() - 1].ends_with("*/") {
                comment.push(lines.next().expect("the end of the comment"));
            }
            pieces.push(Piece::Comment(unframed(&comment)));
        } else if !line.is_empty() {
            let mut code = vec![line.to_string()];
            while let Some(line) = lines.next_if(|line| !line.is_empty() && !line.starts_with("/*"))
            {
                code.push(line.to_string());
            }
            if is_declaration(&code[0]) {
                pieces.push(Piece::Code(code));
            }
        }
    }
    pieces
}

fn is_declaration(line: &str) -> bool {
    let frame = ["#include", "#if", "#endif", "extern", "}"];
    line != "#define WANDB_LOGIN_H" && !frame.iter().any(|start| line.starts_with(start))
}

fn unframed(comment: &[&str]) -> Vec<String> {
    let lines = match comment {
        ["/**" | "/*", lines @ .., " */"] => lines,
        lines => lines,
    };
    lines
        .iter()
        .map(|line| {
            let line = line.strip_suffix("*/").unwrap_or(line);
            let line = line.trim_start_matches(' ').trim_start_matches(['/', '*']);
            line.strip_prefix(' ')
                .unwrap_or(line)
                .trim_end()
                .to_string()
        })
        .filter(|line| !line.starts_with("SPDX-"))
        .collect()
}

/// Lines of C as they are.
fn push_code(page: &mut Roff, lines: &[String]) {
    page.control("nf", []);
    for line in lines {
        page.text([bold(line.as_str())]);
    }
    page.control("fi", []);
}

/// Paragraphs, lists of parameters, and examples, which are indented.
fn push_comment(page: &mut Roff, lines: &[String]) {
    let mut in_example = false;
    for line in lines {
        let is_example = line.starts_with("    ") || (in_example && line.is_empty());
        if is_example != in_example {
            page.control(if is_example { "nf" } else { "fi" }, []);
            in_example = is_example;
        }
        match line
            .strip_prefix('\\')
            .and_then(|line| line.split_once(' '))
        {
            _ if is_example => {
                page.text([roman(line.as_str())]);
            }
            Some(("param", line)) => {
                let (name, meaning) = line.split_once(' ').unwrap_or((line, ""));
                page.control("TP", [])
                    .text([bold(name)])
                    .text(inlines(meaning));
            }
            Some((_, meaning)) => {
                page.control("TP", [])
                    .text([bold("Returns")])
                    .text(inlines(meaning));
            }
            None if line.is_empty() => {
                page.control("PP", []);
            }
            None => {
                page.text(inlines(line.trim_start()));
            }
        }
    }
    if in_example {
        page.control("fi", []);
    }
}

/// Text with names in backticks, which become bold.
fn inlines(text: &str) -> Vec<Inline> {
    text.split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 { bold(part) } else { roman(part) })
        .collect()
}
