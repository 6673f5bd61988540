//! The Markdown pages of the repository: links lead somewhere, lists are complete, and
//! the code of the READMEs works.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

#[path = "support/prefix.rs"]
mod prefix;
#[path = "docs/readmes.rs"]
mod readmes;
#[path = "support/stub.rs"]
mod stub;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::root;

/// Every file with an extension below a folder, apart from build output and
/// hidden folders.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}

/// The targets of the inline links and images of a Markdown text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

/// The anchors that GitHub gives to the headings of a Markdown text.
fn anchors(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn relative_links_lead_to_existing_files_and_headings() {
    let mut pages = Vec::new();
    files(root(), "md", &mut pages);
    assert!(pages.contains(&root().join("README.md")));
    let mut dead = Vec::new();
    let mut checked = 0;
    for file in &pages {
        let text = fs::read_to_string(file).expect("UTF-8");
        for link in links(&text).filter(|link| !link.contains("://")) {
            checked += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.with_file_name(path),
            };
            let has_anchor = || {
                let text = fs::read_to_string(&target).unwrap_or_default();
                anchors(&text).iter().any(|known| known == anchor)
            };
            if !target.exists() || !(anchor.is_empty() || has_anchor()) {
                dead.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(checked >= 20, "only {checked} links were found");
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn a_link_with_a_dead_anchor_is_noticed() {
    let text = "# Where the key comes from\n[a](#where-the-key-comes-from) ![b](x/y.svg)\n";
    let found: Vec<_> = links(text).collect();
    assert_eq!(found, ["#where-the-key-comes-from", "x/y.svg"]);
    assert_eq!(anchors(text), ["where-the-key-comes-from"]);
}

/// The lines of a Markdown text that GitHub and the tool of the site (Python-Markdown)
/// read differently, with the rule that they break.
fn ambiguous_lines(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let (mut is_code, mut is_list, mut previous) = (false, false, "");
    for (number, line) in (1..).zip(text.lines()) {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        let is_fence = words.starts_with("```");
        if is_fence || is_code {
            is_code ^= is_fence;
            previous = "";
            continue;
        }
        let (is_item, is_row) = (is_list_item(words), line.starts_with('|'));
        let follows_text = !(previous.is_empty() || previous.starts_with(['#', '<']));
        let mut check = |is_wrong: bool, rule| {
            if is_wrong {
                found.push((number, rule));
            }
        };
        check(
            is_item && indent % 4 != 0,
            "a nested list is indented by four spaces",
        );
        check(
            is_item && !is_list && follows_text
                || is_row && follows_text && !previous.starts_with('|'),
            "an empty line comes before a list or a table",
        );
        check(
            is_list && previous.is_empty() && !is_item && (1..4).contains(&indent),
            "a paragraph of a list is indented by four spaces",
        );
        check(
            is_row
                && line
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .any(|code| code.contains('|')),
            "code in a table has no bar",
        );
        is_list = is_item || is_list && (!previous.is_empty() || indent > 0 || line.is_empty());
        previous = line;
    }
    found
}

/// Whether a line begins a list item: `* text`, `- text`, `+ text`, `1. text`.
fn is_list_item(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match line.len() - digits.len() {
        0 => ["* ", "- ", "+ "].iter().any(|mark| line.starts_with(mark)),
        _ => digits.starts_with(". "),
    }
}

#[test]
fn every_page_is_read_by_github_and_by_the_site_in_the_same_way() {
    let mut pages = Vec::new();
    files(root(), "md", &mut pages);
    let mut wrong = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).expect("UTF-8");
        let lines = ambiguous_lines(&text).into_iter();
        wrong.extend(lines.map(|(line, rule)| format!("{}:{line}: {rule}", page.display())));
    }
    assert!(pages.len() > 20, "only {} pages", pages.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_that_are_read_differently_are_noticed() {
    for (text, line) in [
        ("* a\n  * b\n", 2),
        ("1. a\n   - b\n", 2),
        ("text:\n* a\n", 2),
        ("text\n| a |\n|---|\n", 2),
        ("* a\n\n  more of a\n", 3),
        ("| a |\n|---|\n| `b \\| c` |\n", 3),
        ("| `a | b` |\n|---|\n", 1),
    ] {
        let found: Vec<_> = ambiguous_lines(text).iter().map(|(at, _)| *at).collect();
        assert_eq!(found, [line], "{text}");
    }
    let good = "# t\n* a\n  more\n    * b\n* c\n\n    more\n\ntext - of\n\n| a \\| b | `c` |\n\
                |---|---|\n\n```sh\n  * a\n```\n1. a\n2. b\n";
    assert_eq!(ambiguous_lines(good), []);
}

/// The names that begin with a prefix, in a text.
fn names<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).map(move |(at, _)| {
        let rest = &text[at..];
        let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
        &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
    })
}

#[test]
fn every_switch_of_the_tests_is_documented() {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches"] {
        files(&root().join(folder), "rs", &mut sources);
    }
    let mut switches = BTreeSet::new();
    for source in sources {
        let text = fs::read_to_string(source).expect("UTF-8");
        for prefix in ["WANDB_LOGIN_TEST_", "WANDB_LOGIN_UPDATE_"] {
            switches.extend(
                names(&text, prefix)
                    .filter(|name| *name != prefix)
                    .map(str::to_owned),
            );
        }
    }
    let missing: Vec<_> = switches
        .iter()
        .filter(|name| !page.contains(&format!("`{name}")))
        .collect();
    assert!(switches.contains("WANDB_LOGIN_TEST_STRICT"), "{switches:?}");
    assert!(missing.is_empty(), "not in CONTRIBUTING.md: {missing:?}");
}
