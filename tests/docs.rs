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
