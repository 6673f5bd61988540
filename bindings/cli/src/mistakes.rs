//! Checks for mistakes that would otherwise store a wrong key or print a key.

use std::ffi::OsString;

use wandb_login::mask_keys;

use crate::failure::Failure;

/// Every command and option has at most this length; every key is longer.
const LONGEST_NAME: usize = 20;

/// The similarity, from 0 to 1, from which a name is suggested.
const SIMILAR: f64 = 0.8;

/// Commands of other tools, and the command that does the same here.
const SYNONYMS: &[(&str, &str)] = &[
    ("whoami", "status"),
    ("list", "status"),
    ("show", "status"),
    ("auth", "login"),
];

/// A usage error. What looks like a key is masked in it.
pub(crate) fn usage(problem: &str, command: &str) -> Failure {
    let masked = mask_keys(problem);
    let note = match masked == problem {
        true => "",
        false => ". What looks like an API key is not shown; pass a key as KEY or with --key-stdin",
    };
    let command = match command {
        "" => String::new(),
        command => format!("{command} "),
    };
    Failure::Usage(format!("{masked}{note} (see wandb-login {command}--help)"))
}

/// Refuses the dashes that word processors and web pages put in place of hyphens.
pub(crate) fn check_dashes(words: &[OsString]) -> Result<(), Failure> {
    // Hyphen to horizontal bar, the minus sign, and the small and full-width forms.
    let is_dash = |c| {
        matches!(
            c,
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
        )
    };
    for word in words.iter().filter_map(|word| word.to_str()) {
        let name = word.trim_start_matches(|c| c == '-' || is_dash(c));
        let start = &word[..word.len() - name.len()];
        if start.contains(is_dash) {
            return Err(usage(
                &format!(
                    "'{word}' begins with a long dash or a similar character: type two hyphens, --{name}"
                ),
                "",
            ));
        }
    }
    Ok(())
}

/// Refuses a first word that is neither a command nor a KEY: a short word of
/// letters and hyphens is a mistyped command.
pub(crate) fn check_first_word(definition: &clap::Command, word: &str) -> Result<(), Failure> {
    let is_name = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    if word.is_empty() || word.len() > LONGEST_NAME || !word.bytes().all(is_name) {
        return Ok(());
    }
    let nearest = nearest(definition, word).unwrap_or_else(|| {
        let commands = definition.get_subcommands().map(clap::Command::get_name);
        commands.collect::<Vec<_>>().join(", ")
    });
    Err(usage(
        &format!("there is no command '{word}'; did you mean {nearest}?"),
        "",
    ))
}

/// The command or option whose name is most similar to a word.
fn nearest(definition: &clap::Command, word: &str) -> Option<String> {
    let word = word.to_lowercase();
    if let Some((_, name)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == word) {
        return Some((*name).to_string());
    }
    let commands = definition
        .get_subcommands()
        .map(|command| (command.get_name(), command.get_name().to_string()));
    let options = definition
        .get_arguments()
        .filter(|option| !option.is_hide_set())
        .filter_map(clap::Arg::get_long)
        .map(|name| (name, format!("--{name}")));
    commands
        .chain(options)
        .map(|(name, shown)| (strsim::jaro_winkler(name, &word), shown))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, shown)| shown)
}

/// Refuses a command after a KEY. Further keys are ignored, as by the SDK.
pub(crate) fn check_further_words(
    definition: &clap::Command,
    further: &[OsString],
) -> Result<(), Failure> {
    for word in further.iter().filter_map(|word| word.to_str()) {
        if definition.find_subcommand(word).is_some() {
            return Err(usage(
                &format!("the command '{word}' follows a KEY: run it separately"),
                "",
            ));
        }
    }
    Ok(())
}
