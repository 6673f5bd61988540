//! `include/wandb_login.h` is what cbindgen makes of the sources, put in the
//! order in which a person reads it. `WANDB_LOGIN_UPDATE_HEADER=1 cargo test
//! --test header` writes it.

mod support;

use std::collections::BTreeSet;
use std::fs;

/// The sections of the header, each with its items: a name, or all names that
/// begin like `name*`.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "Version",
        &["WANDB_LOGIN_VERSION", "WANDB_LOGIN_VERSION_NUMBER"],
    ),
    (
        "Statuses, sources and sessions",
        &[
            "wandb_login_status",
            "WANDB_LOGIN_STATUS_*",
            "wandb_login_source",
            "WANDB_LOGIN_SOURCE_*",
            "wandb_login_session",
        ],
    ),
    (
        "Flags of the options",
        &[
            "WANDB_LOGIN_RELOGIN",
            "WANDB_LOGIN_FORCE",
            "WANDB_LOGIN_NO_PROMPT",
            "WANDB_LOGIN_VERIFY",
            "WANDB_LOGIN_NO_SAVE",
            "WANDB_LOGIN_SILENT",
            "WANDB_LOGIN_CLOUD",
            "WANDB_LOGIN_SDK_ORDER",
            "WANDB_LOGIN_ALL_RANKS",
        ],
    ),
    (
        "Anonymous accounts: `anonymous` of the options",
        &["WANDB_LOGIN_ANONYMOUS_*"],
    ),
    (
        "Callbacks of the options (rule 5)",
        &[
            "wandb_login_prompt_request",
            "wandb_login_prompt_fn",
            "WANDB_LOGIN_PROMPT_*",
            "wandb_login_log_fn",
            "WANDB_LOGIN_LOG_*",
            "wandb_login_backend_fn",
            "wandb_login_cancel_fn",
        ],
    ),
    (
        "Options",
        &[
            "wandb_login_options",
            "WANDB_LOGIN_OPTIONS_INIT",
            "wandb_login_options_init",
        ],
    ),
    (
        "Logging in and out",
        &[
            "wandb_login",
            "wandb_prompt_api_key",
            "wandb_is_apikey_configured",
            "wandb_login_check",
            "wandb_login_forget",
        ],
    ),
    (
        "Reading a session",
        &[
            "wandb_login_session_api_key",
            "wandb_login_session_authorization",
            "wandb_login_session_base_url",
            "wandb_login_session_app_url",
            "wandb_login_session_username",
            "wandb_login_session_email",
            "wandb_login_session_entity",
            "wandb_login_session_teams",
            "wandb_login_session_verified",
            "wandb_login_session_source",
            "wandb_login_session_source_name",
            "wandb_login_session_saved",
            "wandb_login_session_expires_at",
            "wandb_login_session_display",
            "wandb_login_session_environ",
        ],
    ),
    (
        "Owning, renewing and passing on a session",
        &[
            "wandb_login_session_free",
            "wandb_login_session_retain",
            "wandb_login_session_refresh",
            "wandb_login_session_export",
            "wandb_login_session_import",
        ],
    ),
    (
        "The report",
        &["WANDB_LOGIN_REPORT_*", "wandb_login_explain"],
    ),
    (
        "Texts and versions",
        &[
            "wandb_login_string_free",
            "wandb_login_status_string",
            "wandb_login_version",
            "wandb_login_version_number",
        ],
    ),
];

#[test]
fn the_committed_header_is_fresh() {
    let path = support::root().join("include/wandb_login.h");
    let fresh = arrange(&generate());
    assert!(fresh.is_ascii(), "every compiler reads ASCII");
    if std::env::var_os("WANDB_LOGIN_UPDATE_HEADER").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.with_file_name("")).expect("include/");
        fs::write(&path, &fresh).expect("the header can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let same = fresh
        .lines()
        .zip(committed.lines())
        .take_while(|(new, old)| new == old);
    assert!(
        fresh == committed,
        "include/wandb_login.h is stale, from line {} on; \
         `WANDB_LOGIN_UPDATE_HEADER=1 cargo test --test header` writes it anew",
        same.count() + 1,
    );
}

/// What cbindgen makes of the sources of the C ABI.
fn generate() -> String {
    let mut config = cbindgen::Config::from_file(support::root().join("cbindgen.toml"))
        .expect("cbindgen.toml is well-formed");
    let own = config.after_includes.take().expect("the macros");
    config.after_includes = Some(own.replace("@VERSION@", env!("CARGO_PKG_VERSION")));
    let bindings = cbindgen::Builder::new()
        .with_src(support::root().join("src/ffi/mod.rs"))
        .with_config(config)
        .generate()
        .expect("cbindgen reads src/ffi");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("UTF-8")
}

/// cbindgen writes constants, types and functions in an order of its own; a
/// reader wants what belongs together in one place.
fn arrange(generated: &str) -> String {
    let (top, rest) = generated
        .split_once("#include <stdint.h>\n")
        .expect("the includes end the top");
    let mut items: Vec<(&str, String)> = rest
        .split("\n\n")
        .map(|item| item.trim_matches('\n'))
        .filter(|item| !item.is_empty())
        .filter_map(|item| Some((name(item)?, tidy(item))))
        .collect();
    let names: BTreeSet<&str> = items.iter().map(|item| item.0).collect();
    assert_eq!(names.len(), items.len(), "each item is there once");
    let top = top.replace("\n\n\n", "\n\n");
    let mut header = format!("{top}#include <stdint.h>\n\n");
    header.push_str("#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for (title, patterns) in SECTIONS {
        let dashes = "-".repeat(76 - title.len());
        header.push_str(&format!("\n/* {title} {dashes} */\n\n"));
        let mut section: Vec<String> = Vec::new();
        for pattern in *patterns {
            let found = match pattern.strip_suffix('*') {
                Some(start) => items
                    .extract_if(.., |item| item.0.starts_with(start))
                    .collect(),
                None => items
                    .extract_if(.., |item| item.0 == *pattern)
                    .collect::<Vec<_>>(),
            };
            assert!(!found.is_empty(), "the header has no {pattern}");
            section.extend(found.into_iter().map(|item| item.1));
        }
        for (at, item) in section.iter().enumerate() {
            // The numbers of one list stand together.
            let is_number = |item: &String| item.contains("\n#define") && !item.ends_with('}');
            if at > 0 && !(is_number(item) && is_number(&section[at - 1])) {
                header.push('\n');
            }
            header.push_str(item);
            header.push('\n');
        }
    }
    let left: Vec<&str> = items.iter().map(|item| item.0).collect();
    assert!(
        left.is_empty(),
        "give a section in tests/header.rs to {left:?}"
    );
    header.push_str(
        "\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* WANDB_LOGIN_H */\n",
    );
    header
}

/// What an item declares; `None` for the lines around the declarations.
fn name(item: &str) -> Option<&str> {
    let code = match item.starts_with("/**") {
        true => item.split_once("*/\n").expect("a comment ends").1,
        false => item,
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(macro_name) = code.strip_prefix("#define ") {
        return macro_name.split(|c| !is_word(c)).next();
    }
    if code.starts_with('#') || code.starts_with('}') {
        return None;
    }
    let end = if let Some((_, pointer)) = code.split_once("(*") {
        return pointer.split(')').next();
    } else if code.starts_with("typedef") {
        code.rfind(';')
    } else {
        code.find('(')
    };
    code[..end.expect("a declaration")]
        .rsplit(|c| !is_word(c))
        .next()
}

/// An item in the header's own style.
fn tidy(item: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in item.lines() {
        // A comment of one line takes one line.
        if line.trim() == "*/" && lines.len() >= 2 {
            let (text, open) = (lines.len() - 1, lines.len() - 2);
            let one = format!(
                "{} {} */",
                lines[open],
                lines[text].trim().trim_start_matches("* ")
            );
            if lines[open].trim() == "/**" && one.len() <= 84 {
                lines.truncate(open);
                lines.push(one);
                continue;
            }
        }
        let mut line = line.to_string();
        let is_comment = line.trim_start().starts_with('*') || line.contains("/*");
        if !is_comment && !line.starts_with("typedef struct") {
            line = line.replace("struct wandb_login", "wandb_login");
        }
        // A negative number is one operand.
        if let Some((define, number)) = line
            .split_once(" -")
            .filter(|_| line.starts_with("#define"))
        {
            line = format!("{define} (-{number})");
        }
        lines.push(line);
    }
    lines.join("\n")
}
