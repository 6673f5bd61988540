//! The names in the pages and the names in the code are the same: commands, options,
//! variables, settings, functions. The index leads to each page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use wandb_login::{SETTINGS, VARIABLES};

use crate::arguments;
use crate::blocks::blocks;
use crate::support::root;

type Names = BTreeSet<String>;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages that a user reads: name and text.
fn pages() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned()];
    names.extend(crate::pages().iter().map(|path| {
        let path = path.strip_prefix(root()).expect("a page of the repository");
        path.display().to_string()
    }));
    names
        .into_iter()
        .map(|name| (name.clone(), read(&name)))
        .collect()
}

/// The part of a page below a heading.
fn section<'t>(page: &'t str, heading: &str) -> &'t str {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect(heading);
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The rows of a table whose first cell is code: the code in each cell.
fn rows(section: &str) -> Vec<Vec<Vec<&str>>> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let line = line.trim_start_matches("| ").trim_end_matches(" |");
            line.split(" | ")
                .map(|cell| spans(cell).collect())
                .collect()
        })
        .collect()
}

/// The code spans of a line.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What a command accepts, as a user types it. Help and version are of every command.
fn accepted(command: &clap::Command) -> Names {
    let mut names = Names::new();
    for argument in command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
    {
        if ["help", "version"].contains(&argument.get_id().as_str()) {
            continue;
        }
        let long = argument.get_long_and_visible_aliases().unwrap_or_default();
        names.extend(long.iter().map(|name| format!("--{name}")));
        names.extend(argument.get_short().map(|name| format!("-{name}")));
        if argument.is_positional() {
            let value = argument.get_value_names().expect("a value");
            names.insert(value[0].to_string());
        }
    }
    names
}

fn definition() -> clap::Command {
    let mut definition = arguments::definition();
    definition.build();
    definition
}

fn texts(names: &[&str]) -> Names {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn every_command_and_option_is_documented_and_each_that_is_documented_exists() {
    let page = read("docs/options.md");
    let definition = definition();
    let commands: Names = definition
        .get_subcommands()
        .map(|it| it.get_name().to_owned())
        .collect();
    let documented = rows(section(&page, "Commands"));
    let documented = documented
        .iter()
        .flat_map(|row| texts(&row[0]))
        .collect::<Names>();
    assert_eq!(documented, commands);

    let mut documented: BTreeMap<String, Names> = BTreeMap::new();
    for row in rows(section(&page, "Options")) {
        for command in &row[1] {
            documented
                .entry((*command).to_owned())
                .or_default()
                .extend(texts(&row[0]));
        }
    }
    for command in definition.get_subcommands() {
        let name = command.get_name();
        assert_eq!(
            documented.remove(name).unwrap_or_default(),
            accepted(command),
            "{name}"
        );
    }
    assert!(documented.is_empty(), "no such command: {documented:?}");
}

/// The values are in the row of their option.
#[test]
fn every_value_of_an_option_is_documented_with_it() {
    let page = read("docs/options.md");
    let rows = rows(section(&page, "Options"));
    let mut checked = 0;
    for command in definition().get_subcommands() {
        for argument in command
            .get_arguments()
            .filter(|it| it.get_action().takes_values())
        {
            let name = match argument.get_long() {
                Some(long) => format!("--{long}"),
                None => argument.get_value_names().expect("a value")[0].to_string(),
            };
            let values = argument.get_possible_values();
            // `help` takes the name of each command.
            if values.is_empty() || name == "TOPIC" {
                continue;
            }
            let row = rows.iter().find(|row| row[0].contains(&name.as_str()));
            let row = row.unwrap_or_else(|| panic!("{name} has no row"));
            for value in values {
                assert!(
                    row[3].contains(&value.get_name()),
                    "{name} lacks {}",
                    value.get_name()
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "only {checked} values");
}

#[test]
fn every_option_of_c_is_documented_and_each_that_is_documented_exists() {
    let header = read("include/wandb_login.h");
    let (_, rest) = header
        .split_once("\nstruct wandb_login_options {\n")
        .expect("the options");
    let (members, _) = rest.split_once("\n};").expect("the end of the options");
    let name = |line: &str| {
        let name = line
            .trim_end_matches(';')
            .rsplit([' ', '*'])
            .next()
            .unwrap_or_default();
        name.to_owned()
    };
    let members = members.lines().filter(|line| line.ends_with(';'));
    let mut known: Names = members.map(name).collect();
    let (_, rest) = header
        .split_once("#define WANDB_LOGIN_STATUS_ERR_INTERNAL")
        .expect("statuses");
    let (flags, _) = rest
        .split_once("#define WANDB_LOGIN_ANONYMOUS_")
        .expect("modes");
    let flags = flags
        .lines()
        .filter_map(|line| line.strip_prefix("#define WANDB_LOGIN_"));
    known.extend(flags.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())));
    assert!(known.len() > 25, "{known:?}");

    let page = read("docs/options.md");
    let options = rows(section(&page, "Options"));
    let only_c = rows(section(&page, "Options that only programs have"));
    let of_options = options.iter().flat_map(|row| texts(&row[2]));
    let of_programs = only_c.iter().flat_map(|row| texts(&row[0]));
    assert_eq!(of_options.chain(of_programs).collect::<Names>(), known);
}

/// The words of each command line in a page that starts `wandb-login`.
fn command_lines(text: &str) -> Vec<Vec<&str>> {
    // A quote, a bracket or an operator of the shell ends it.
    let ends = ['|', ';', '&', ')', '>', '<', '"', '\'', '`', '#', '\n'];
    let starts = text.match_indices("wandb-login ");
    let before = |at: usize| text[..at].chars().next_back();
    starts
        .filter(|&(at, _)| before(at).is_none_or(|c| c == '`' || c == ' ' || c == '(' || c == '\n'))
        .map(|(at, name)| {
            let rest = &text[at + name.len()..];
            let line = &rest[..rest.find(ends).unwrap_or(rest.len())];
            line.split_whitespace().collect()
        })
        .collect()
}

/// The code of a page: blocks, and spans outside of them.
fn code(text: &str) -> (Vec<String>, Vec<String>) {
    let blocks: Vec<String> = blocks(text).into_iter().map(|block| block.text).collect();
    let mut inside = false;
    let mut inline = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            inline.extend(spans(line).map(str::to_owned));
        }
    }
    (blocks, inline)
}

#[test]
fn every_command_line_in_the_pages_is_one_that_the_command_accepts() {
    let definition = definition();
    let everywhere = texts(&["--help", "-h", "--version", "-V"]);
    let mut checked = 0;
    for (name, text) in pages() {
        let (blocks, inline) = code(&text);
        for snippet in blocks.iter().chain(&inline) {
            for words in command_lines(snippet) {
                let command = words
                    .iter()
                    .find_map(|word| definition.find_subcommand(word));
                let command = command.or_else(|| definition.find_subcommand("login"));
                let accepted = accepted(command.expect("login"));
                for word in words.iter().filter(|word| word.starts_with('-')) {
                    let option = word.split('=').next().unwrap_or(word);
                    let is_known = accepted.contains(option) || everywhere.contains(option);
                    assert!(is_known, "{name}: wandb-login {}", words.join(" "));
                    checked += 1;
                }
            }
        }
        // An option of another tool is written with the tool.
        let all: Names = definition.get_subcommands().flat_map(accepted).collect();
        for span in inline.iter().filter(|span| span.starts_with("--")) {
            let option = span.split([' ', '=']).next().unwrap_or(span);
            assert!(
                all.contains(option) || everywhere.contains(option),
                "{name}: `{span}`"
            );
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} options");
}

/// The words of a text that begin with a prefix.
fn words<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !is_part(c))
        .filter(move |word| word.starts_with(prefix))
}

#[test]
fn every_variable_and_function_in_the_pages_exists() {
    let sources = [
        "include/wandb_login.h",
        "bindings/mpi/wandb_login_mpi.h",
        "bindings/cpp/CMakeLists.txt",
        "bindings/cpp/cmake/cargo.cmake",
        "bindings/cpp/cmake/install.cmake",
        "bindings/cpp/include/wandb_login.hpp",
        "bindings/julia/src/library.jl",
        "CONTRIBUTING.md", // the switches of the tests
    ];
    let sources: String = sources.iter().map(|path| read(path)).collect();
    let mut known: Names = VARIABLES
        .iter()
        .map(|known| known.name.to_owned())
        .collect();
    for prefix in ["WANDB_", "wandb_"] {
        known.extend(words(&sources, prefix).map(str::to_owned));
    }
    // The libraries' file and packages, and a secret of the reader's.
    known.extend(texts(&["wandb_login", "wandb_api_key"]));
    let mut checked = 0;
    for (name, text) in pages() {
        for word in words(&text, "WANDB_").chain(words(&text, "wandb_")) {
            let is_prefix = word.ends_with('_') && known.iter().any(|it| it.starts_with(word));
            assert!(known.contains(word) || is_prefix, "{name}: {word}");
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} names");
}

#[test]
fn every_setting_in_an_example_exists() {
    let mut checked = 0;
    for (name, text) in pages() {
        for block in blocks(&text)
            .iter()
            .filter(|block| block.language() == "ini")
        {
            for (setting, _) in block.text.lines().filter_map(|line| line.split_once('=')) {
                let is_known = SETTINGS.iter().any(|known| known.name == setting.trim());
                assert!(is_known, "{name}: {setting}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 4, "only {checked} settings");
}

/// The index and the site have every page; the README leads to the index at once.
#[test]
fn the_index_leads_to_every_page() {
    let index = read("docs/README.md");
    let site = read("docs/site/mkdocs.yml");
    for (name, _) in pages() {
        let Some(page) = name
            .strip_prefix("docs/")
            .filter(|page| *page != "README.md")
        else {
            continue;
        };
        let is_linked =
            index.contains(&format!("({page})")) || index.contains(&format!("({page}#"));
        assert!(is_linked, "docs/README.md has no link to {page}");
        assert!(
            site.contains(&format!("- {name}\n")),
            "docs/site/mkdocs.yml lacks {name}"
        );
    }
    let index = index.to_lowercase();
    for situation in [
        "install",
        "log out for good",
        "the wrong key wins",
        "identity token",
        "proxy",
        "cmake",
    ] {
        let row = index
            .lines()
            .find(|line| line.starts_with('|') && line.contains(situation));
        assert!(
            row.is_some_and(|row| row.contains("](")),
            "no entry for {situation}"
        );
    }
    let readme = read("README.md");
    let first = readme.lines().take(30).collect::<Vec<_>>().join("\n");
    assert!(
        first.contains("](docs/README.md)"),
        "the first screen of README.md"
    );
}

#[test]
fn a_command_line_ends_at_an_operator() {
    let text =
        "$ wandb-login token --json | jq -r\n`my-wandb-login x`\neval \"$(wandb-login env)\"\n";
    assert_eq!(command_lines(text), [vec!["token", "--json"], vec!["env"]]);
}
