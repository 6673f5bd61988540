//! The documentation of the repository: its relative links lead to files that exist.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::root;

/// Every Markdown file below a folder, apart from build output and hidden folders.
fn markdown_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                markdown_files(&path, found);
            }
        } else if name.ends_with(".md") {
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
    let mut files = Vec::new();
    markdown_files(root(), &mut files);
    assert!(files.contains(&root().join("README.md")));
    let mut dead = Vec::new();
    let mut checked = 0;
    for file in &files {
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
