//! A situation: a few files, variables and arguments, and what the report says.
//! Each is one file under `tests/conformance/reports`, made to be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, Access, Home, KEY_1, KEY_2, KEY_3, KEY_4};

pub struct Situation {
    path: PathBuf,
    /// Everything up to what is expected.
    given: String,
    /// Sections that say what is expected.
    expected: BTreeMap<String, String>,
}

/// What a file of a situation is.
pub type Tree = Vec<(PathBuf, Access, Vec<u8>)>;

const EXPECTATIONS: [&str; 4] = ["text", "json", "c text", "c json"];

impl Situation {
    pub fn all() -> Vec<Situation> {
        let folder = support::root().join("tests/conformance/reports");
        let entries = fs::read_dir(folder).expect("the folder of situations");
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        paths.into_iter().map(Situation::read).collect()
    }

    fn read(path: PathBuf) -> Situation {
        let text = fs::read_to_string(&path).expect("a situation");
        let mut given = String::new();
        let mut expected = BTreeMap::new();
        let mut at: Option<String> = None;
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("=== ") {
                at = Some(name.trim_end().to_string())
                    .filter(|n| EXPECTATIONS.contains(&n.as_str()));
                if let Some(name) = &at {
                    expected.insert(name.clone(), String::new());
                    continue;
                }
            }
            match &at {
                Some(name) => expected.get_mut(name).expect("begun").push_str(line),
                None => given.push_str(line),
            }
        }
        Situation {
            path,
            given,
            expected,
        }
    }

    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    }

    /// The given sections: heading and body.
    fn sections(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.split("\n=== ").skip(1).map(|section| {
            let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
            (heading, body)
        })
    }

    /// Makes the files.
    pub fn set_up(&self) -> Home {
        let home = Home::new();
        for (heading, body) in self.sections() {
            let mut words = heading.split(' ');
            match words.next() {
                Some("file") => {
                    let path = words.next().expect("file PATH");
                    // The body of the last section but one ends with its line.
                    let body = if body.is_empty() {
                        String::new()
                    } else {
                        format!("{}\n", body.trim_end_matches('\n'))
                    };
                    let path = home.write(path, bytes(&body, &home));
                    if let Some(mode) = words.next() {
                        let mode = u32::from_str_radix(mode, 8).expect("file PATH MODE");
                        support::set_mode(&path, mode);
                    }
                }
                Some("directory") => {
                    let path = home.base().join(words.next().expect("directory PATH"));
                    fs::create_dir_all(path).expect("directory");
                }
                Some("environment" | "arguments") => {}
                other => panic!("{}: what is {other:?}?", self.path.display()),
            }
        }
        home
    }

    pub fn arguments(&self) -> Vec<String> {
        let of = self
            .sections()
            .filter(|(heading, _)| *heading == "arguments");
        of.flat_map(|(_, body)| body.split_whitespace().map(str::to_string))
            .collect()
    }

    /// Sets the variables of the situation.
    pub fn environment(&self, home: &Home, command: &mut Command) {
        for (_, body) in self
            .sections()
            .filter(|(heading, _)| *heading == "environment")
        {
            for line in body.lines().filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once('=').expect("NAME=value");
                let value = String::from_utf8(bytes(value, home)).expect("UTF-8");
                command.env(name, value);
            }
        }
    }

    pub fn expected(&self, section: &str) -> Option<&str> {
        self.expected.get(section).map(String::as_str)
    }

    /// Rewrites the file with the actual output.
    pub fn rewrite(&self, sections: &[(&str, &str)]) {
        let mut text = format!("{}\n", self.given.trim_end_matches('\n'));
        for (name, body) in sections {
            text += &format!("=== {name}\n{body}");
        }
        fs::write(&self.path, text).expect("write");
    }
}

/// What the placeholders of a situation stand for.
fn bytes(text: &str, home: &Home) -> Vec<u8> {
    let text = text
        .replace("{KEY1}", KEY_1)
        .replace("{KEY2}", KEY_2)
        .replace("{KEY3}", KEY_3)
        .replace("{KEY4}", KEY_4)
        .replace("{HOME}", &home.home().to_string_lossy())
        .replace("{CWD}", &home.cwd().to_string_lossy())
        .replace("{BOM}", "\u{feff}")
        .replace("{CR}", "\r")
        .replace("{ESC}", "\x1b");
    let mut bytes = Vec::new();
    for (index, part) in text.split("{FF}").enumerate() {
        if index > 0 {
            bytes.push(0xff);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The same the other way round, for what came out.
pub fn abstracted(text: &str, home: &Home) -> String {
    let text = support::replace_path(text, &home.home(), "{HOME}");
    support::replace_path(&text, &home.cwd(), "{CWD}")
}

/// Every file below a folder, with access and contents.
pub fn tree(folder: &Path) -> Tree {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let meta = fs::symlink_metadata(&path).expect("metadata");
            let contents = match meta.is_file() {
                true => fs::read(&path).unwrap_or_default(),
                false => Vec::new(),
            };
            if meta.is_dir() {
                folders.push(path.clone());
            }
            let access = support::access(&path);
            found.push((path, access, contents));
        }
    }
    found.sort();
    found
}
