//! Each row of `DIFFERENCES.md` names tests, and they are there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_difference_is_shown_by_a_test() {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        sources(&support::root().join(folder), &mut files);
    }
    let code: String = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    let is_test = |name: &str| {
        let situation = format!("tests/conformance/reports/{name}.txt");
        code.contains(&format!("#[test]\nfn {name}()"))
            || code.contains(&format!("#[test]\n    fn {name}()"))
            || support::root().join(situation).is_file()
    };
    let page = fs::read_to_string(support::root().join("DIFFERENCES.md")).expect("the page");
    let rows: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        let names: Vec<_> = cells[4].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(is_test(name), "no test is called {name}");
        }
    }
}
