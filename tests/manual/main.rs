//! The manual pages in `docs/man` and the completions in `docs/completions`: those of
//! the command are made from its definition, the page of the C API from
//! `include/wandb_login.h`. After a change of either, write them with
//! `WANDB_LOGIN_UPDATE_MAN=1 cargo test -p wandb-login-cli --test manual`.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

#[allow(dead_code)] // the pages need the definition only
#[path = "../../bindings/cli/src/arguments.rs"]
mod arguments;
mod c_api;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap_mangen::Man;
use roff::{Roff, bold, roman};
use support::{Home, Run, root};
use wandb_login::{Name, SETTINGS, VARIABLES};

#[test]
fn manual_pages_are_fresh() {
    let mut pages = command_pages();
    let header = fs::read_to_string(root().join("include/wandb_login.h")).expect("the header");
    pages.insert("wandb_login.3".into(), c_api::page(&header));

    compare("docs/man", &pages);
}

/// The completions that are installed with the command. Committed, because a command that
/// was built for another machine cannot be asked for them.
#[test]
fn completions_are_fresh() {
    let home = Home::new();
    let scripts = [
        ("bash", "wandb-login"),
        ("zsh", "_wandb-login"),
        ("fish", "wandb-login.fish"),
    ]
    .map(|(shell, name)| {
        let run = Run::ok(&mut home.wandb_login(&["completions", shell]));
        (name.to_owned(), run.stdout)
    });
    compare("docs/completions", &BTreeMap::from(scripts));
}

/// Compares the committed files of a folder with the generated ones, or writes those.
fn compare(folder: &str, generated: &BTreeMap<String, String>) {
    let path = root().join(folder);
    if std::env::var_os("WANDB_LOGIN_UPDATE_MAN").is_some() {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        for (name, text) in generated {
            fs::write(path.join(name), text).expect("a page");
        }
    }
    let committed = read_folder(&path);
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(generated));
    for (name, text) in generated {
        assert!(
            committed[name] == *text,
            "{folder}/{name} is out of date: run this test with WANDB_LOGIN_UPDATE_MAN=1"
        );
    }
}

/// The pages have no mistakes of syntax, and show what a user looks for.
#[test]
fn manual_pages_are_readable() {
    let Some(man) = support::tool("man") else {
        return;
    };
    for (name, expected) in [
        (
            "wandb-login.1",
            &[
                "--key-stdin",
                "WANDB_API_KEY_FILE",
                "130 interrupted",
                "wandb_login(3)",
            ][..],
        ),
        (
            "wandb-login-env.1",
            &["--format", "eval \"$(wandb-login env)\""],
        ),
        (
            "wandb_login.3",
            &[
                "wandb_login_status wandb_login(const",
                "WANDB_LOGIN_STATUS_ERR_TLS",
                "wandb-login(1)",
            ],
        ),
    ] {
        let run = Run::ok(
            std::process::Command::new(&man)
                .env("MANWIDTH", "200")
                .env("LC_ALL", "C.UTF-8")
                .args(["--warnings", "--local-file"])
                .arg(root().join("docs/man").join(name)),
        );
        assert_eq!(run.stderr, "", "{name}");
        for text in expected {
            assert!(
                run.stdout.contains(text),
                "{name} lacks {text}:\n{}",
                run.stdout
            );
        }
    }
}

/// Every word that the command accepts is in the page of the command.
#[test]
fn manual_pages_name_every_option_alias_and_value() {
    let mut definition = arguments::definition();
    definition.build();
    let mut aliases = 0;
    for command in std::iter::once(&definition).chain(definition.get_subcommands()) {
        let page = command_page(command).replace("\\-", "-");
        let page = page.replace("\\fB", "").replace("\\fR", "");
        for option in command
            .get_arguments()
            .filter(|option| !option.is_hide_set())
        {
            let mut words: Vec<String> = option
                .get_long_and_visible_aliases()
                .into_iter()
                .flatten()
                .map(|name| format!("--{name}"))
                .collect();
            aliases += words.len().saturating_sub(1);
            if option.get_action().takes_values() {
                let values = option.get_possible_values();
                words.extend(values.iter().map(|value| value.get_name().to_owned()));
            }
            for word in words {
                assert!(
                    page.contains(&word),
                    "{} lacks {word}:\n{page}",
                    command.get_name()
                );
            }
        }
    }
    assert!(aliases > 0, "no option has an alias");
}

fn read_folder(folder: &Path) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            (
                name.into_owned(),
                fs::read_to_string(&path).expect("a page"),
            )
        })
        .collect()
}

/// One page for the program, and one for each command.
fn command_pages() -> BTreeMap<String, String> {
    let mut definition = arguments::definition();
    definition.build();
    let mut pages: BTreeMap<_, _> = std::iter::once(&definition)
        .chain(definition.get_subcommands())
        .map(|command| {
            let name = command.get_display_name().unwrap_or(command.get_name());
            (format!("{name}.1"), command_page(command))
        })
        .collect();
    let main = pages.get_mut("wandb-login.1").expect("the main page");
    main.push_str(&reference());
    pages
}

/// An option whose help names its aliases, which clap_mangen leaves out.
fn with_aliases(option: clap::Arg) -> clap::Arg {
    let aliases = option.get_visible_aliases().unwrap_or_default();
    if aliases.is_empty() {
        return option;
    }
    let names: Vec<_> = aliases.iter().map(|name| format!("--{name}")).collect();
    let help = option.get_help().expect("each option has help");
    let help = format!("{help} (also: {})", names.join(", "));
    option.help(help)
}

fn command_page(command: &clap::Command) -> String {
    let man = Man::new(command.clone().mut_args(with_aliases))
        .source(format!("wandb-login {}", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    let sections = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for render in sections {
        render(&man, &mut page).expect("memory");
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page).expect("memory");
    }
    let mut more = Roff::new();
    more.control("SH", ["NOTES"]).control("nf", []);
    for line in command
        .get_after_help()
        .expect("examples")
        .to_string()
        .lines()
    {
        more.text([roman(line)]);
    }
    more.control("fi", []);
    String::from_utf8(page).expect("UTF-8") + &more.to_roff()
}

/// What the definition of the command does not say.
fn reference() -> String {
    let mut page = Roff::new();
    page.control("SH", ["ENVIRONMENT"]);
    push_names(&mut page, VARIABLES);
    page.control("SH", ["SETTINGS"]);
    page.text([roman("Keys of the [default] section of a settings file:")]);
    push_names(&mut page, SETTINGS);
    page.control("SH", ["FILES"]);
    for (path, meaning) in [
        ("~/.netrc", "The stored keys, one for each server."),
        ("~/.config/wandb/settings", "The system settings file."),
        (
            "wandb/settings",
            "The workspace settings file, in the working directory.",
        ),
        (
            "~/.config/wandb/credentials.json",
            "The cache of access tokens.",
        ),
    ] {
        page.control("TP", [])
            .text([bold(path)])
            .text([roman(meaning)]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("wandb_login"),
        roman("(3), "),
        bold("netrc"),
        roman("(5)"),
    ]);
    page.to_roff()
}

fn push_names(page: &mut Roff, names: &[Name]) {
    for Name { name, meaning } in names {
        page.control("TP", [])
            .text([bold(*name)])
            .text([roman(meaning.replace('`', ""))]);
    }
}
