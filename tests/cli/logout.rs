//! Logging out: what is ours goes, under every name of the server, and not one
//! byte else; what still logs in is named.

use std::fs;

use serde_json::{Value, json};

use crate::program;
use crate::support::{self, Home, KEY_1, KEY_2, NETRC, Run};

fn corpus(file: &str, text: &str) -> Vec<(String, Vec<u8>, String)> {
    let path = support::root().join("tests/conformance").join(file);
    let cases: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("cases")).expect("JSON");
    let of = |case: &Value| {
        let bytes = match (case[text].as_str(), case["file_latin1"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(text)) => text.chars().map(|c| c as u8).collect(),
            (None, None) => panic!("{case} has no text"),
        };
        let name = format!("{file}: {}", case["name"].as_str().expect("a name"));
        (
            name,
            bytes,
            case["netloc"].as_str().expect("a server").to_string(),
        )
    };
    cases["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .map(of)
        .collect()
}

/// The shortest text that was cut out of `before` to give `after`, piece by
/// piece; `None` if anything was added or changed.
fn is_cut(before: &[u8], after: &[u8]) -> bool {
    let mut rest = before.iter();
    after.iter().all(|byte| rest.any(|other| other == byte))
}

/// Every shape of file that the look-up and the writer are tested with. What is
/// left is recorded in `netrc_logout.json`, made to be read.
#[test]
fn logout_leaves_the_rest_of_every_file_byte_for_byte() {
    let path = support::root().join("tests/conformance/netrc_logout.json");
    let update = std::env::var_os("WANDB_LOGIN_UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let mut recorded = Vec::new();
    for (name, before, netloc) in [
        corpus("netrc_write.json", "before"),
        corpus("netrc_read.json", "file"),
    ]
    .concat()
    {
        let home = Home::new();
        home.write(NETRC, &before);
        home.write("home/other", "");
        let host = format!("https://{netloc}");
        let run = Run::of(&mut home.wandb_login(&["logout", "--host", &host]));
        let after = home.read(NETRC).expect("netrc stays");
        if run.code != Some(0) {
            // A server that no login accepts, or a file that cannot be edited.
            assert_eq!(after, before, "{name}: {}", run.stderr);
        }
        assert!(is_cut(&before, &after), "{name}");
        assert_eq!(run.stdout, "", "{name}");
        let said = ["Removed the key", "Nothing was stored"].map(|said| run.stderr.contains(said));
        assert_eq!(
            said,
            [after != before, after == before && run.code == Some(0)],
            "{name}: {}",
            run.stderr
        );
        // Done once is done: a second logout finds nothing.
        if run.code == Some(0) {
            let again = Run::ok(&mut home.wandb_login(&["logout", "--host", &host]));
            assert!(
                again.stderr.contains("Nothing was stored"),
                "{name}: {}",
                again.stderr
            );
            assert_eq!(home.read(NETRC).expect("netrc stays"), after, "{name}");
        }
        let removed = after != before;
        let left: String = after.iter().map(|&byte| byte as char).collect();
        recorded.push(match removed {
            true => json!({"name": name, "left_latin1": left}),
            false => json!({"name": name, "left": "as it was", "code": run.code}),
        });
    }
    if update {
        let lines: Vec<_> = recorded.iter().map(Value::to_string).collect();
        let text = format!(
            "{{\n\"about\": \"What logout leaves of the files in netrc_write.json and netrc_read.json.\",\n\"cases\": [\n{}\n]}}\n",
            lines.join(",\n")
        );
        fs::write(&path, text).expect("write");
        return;
    }
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("recorded")).expect("JSON");
    for (case, expected) in recorded
        .iter()
        .zip(expected["cases"].as_array().expect("cases"))
    {
        assert_eq!(case, expected);
    }
    assert_eq!(
        recorded.len(),
        expected["cases"].as_array().map_or(0, Vec::len)
    );
}

#[test]
fn what_still_logs_in_is_named_with_the_way_to_clear_it() {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\nmachine api.forge.coreweave.com login user password {KEY_1}\n"),
    );
    let settings = home.write(
        "home/.config/wandb/settings",
        format!("[default]\napi_key = {KEY_2}\n"),
    );
    let run = Run::ok(home.wandb_login(&["logout"]).env("WANDB_API_KEY", KEY_2));
    assert_eq!(home.text(NETRC).as_deref(), Some(""));
    let expected = format!(
        "wandb: Removed the key for api.wandb.ai from {}\n\
         wandb: WARNING WANDB_API_KEY is set and still logs in to https://api.wandb.ai: unset it\n\
         wandb: WARNING api_key in {} line 2 still logs in to https://api.wandb.ai: remove it there\n",
        home.path(NETRC).display(),
        settings.display()
    );
    assert_eq!(run.stderr, expected);
    assert_eq!(
        home.text("home/.config/wandb/settings"),
        Some(format!("[default]\napi_key = {KEY_2}\n"))
    );
}

/// An entry for the host without its port may be another program's.
#[test]
fn an_entry_that_no_login_writes_stays_and_is_named() {
    let home = Home::new();
    let text = format!("machine corp.example login user password {KEY_1}\n");
    home.write(NETRC, &text);
    let run = Run::ok(&mut home.wandb_login(&["logout", "--host", "https://corp.example:8443"]));
    assert_eq!(home.text(NETRC), Some(text));
    assert!(
        run.stderr
            .contains("Nothing was stored for https://corp.example:8443"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("netrc line 1 still logs in"),
        "{}",
        run.stderr
    );
}

#[test]
fn nothing_stored_is_success_said_so_and_makes_no_file() {
    let home = Home::new();
    let run = Run::ok(&mut home.wandb_login(&["logout"]));
    assert_eq!(
        run.stderr,
        "wandb: Nothing was stored for https://api.wandb.ai.\n"
    );
    assert_eq!(fs::read_dir(home.home()).expect("home").count(), 0);
}

#[test]
fn the_record_of_an_anonymous_account_goes_too() {
    let home = Home::new();
    home.write(
        "home/.config/wandb/settings",
        "# mine\n[default]\nanonymous = true\nentity = us\n",
    );
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    Run::ok(&mut home.wandb_login(&["logout"]));
    assert_eq!(
        home.text("home/.config/wandb/settings").as_deref(),
        Some("# mine\n[default]\nentity = us\n")
    );
}

/// The library leaves it to rank 0, and says so; a human at a shell is no rank.
#[test]
fn other_ranks_remove_nothing() {
    if !program::is_built() {
        return;
    }
    let text = format!("machine api.wandb.ai login user password {KEY_1}\n");
    for (rank, stays) in [("1", true), ("0", false)] {
        let home = Home::new();
        home.write(NETRC, &text);
        let mut command = program::command(&home);
        command.env("RANK", rank).env("WORLD_SIZE", "2");
        let run = Run::ok(command.args(["forget", "--one-rank"]));
        assert_eq!(home.text(NETRC).as_deref() == Some(&text), stays);
        let said = run.stderr.contains(
            "Nothing was removed: only rank 0 removes credentials, and this is rank 1 of 2 (RANK).",
        );
        assert_eq!(said, stays, "{}", run.stderr);
    }
    let home = Home::new();
    home.write(NETRC, &text);
    Run::ok(
        home.wandb_login(&["logout"])
            .env("RANK", "1")
            .env("WORLD_SIZE", "2"),
    );
    assert_eq!(home.text(NETRC).as_deref(), Some(""));
}

#[test]
fn a_file_that_cannot_be_changed_is_an_error() {
    let home = Home::new();
    fs::create_dir(home.path(NETRC)).expect("directory");
    let run = Run::of(&mut home.wandb_login(&["logout"]));
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("netrc is a directory"),
        "{}",
        run.stderr
    );
}

/// Every server that a W&B client has stored a key for, in both netrc files, and every
/// access token. What is another tool's stays.
#[test]
fn logout_of_all_servers_leaves_what_is_not_ours() {
    let home = Home::new();
    let others = "# mine\nmachine git.example login alice password x\n\
                  machine short.example login user password short\n";
    let entry = |machine: &str, key: &str| format!("machine {machine} login user password {key}\n");
    home.write(
        "home/.netrc",
        format!(
            "{}{others}{}",
            entry("api.wandb.ai", KEY_1),
            entry("corp.example:8443", KEY_2)
        ),
    );
    home.write(
        "home/_netrc",
        format!("{others}{}", entry("Old.Example", KEY_1)),
    );
    let token = r#"{"access_token": "AT-1", "expires_at": "2099-01-01 00:00:00"}"#;
    let cache = format!(
        r#"{{"credentials": {{"https://a.example": {token}, "https://B.example/": {token}}}, "x": 1}}"#
    );
    home.write("home/.config/wandb/credentials.json", cache);
    let settings = home.write(
        "home/.config/wandb/settings",
        format!("[default]\nbase_url = https://c.example\napi_key = {KEY_2}\n"),
    );
    let status = Run::of(&mut home.wandb_login(&["status"])).stdout;
    let second = home.path("home/_netrc");
    let found = format!("{} is not read because", second.display());
    assert!(status.contains(&found), "{status}");
    assert!(status.contains("its key in line 4"), "{status}");

    // One server at a time says that there is a second file.
    let run = Run::ok(&mut home.wandb_login(&["logout", "--host", "https://api.wandb.ai"]));
    assert!(
        run.stderr.contains("wandb-login logout --all"),
        "{}",
        run.stderr
    );

    let all = |words: &[&str]| Run::of(home.wandb_login(&["logout"]).args(words));
    let run = all(&["--all"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert_eq!(home.text("home/.netrc").as_deref(), Some(others));
    assert_eq!(home.text("home/_netrc").as_deref(), Some(others));
    let cache = home
        .text("home/.config/wandb/credentials.json")
        .expect("it stays");
    let cache: Value = serde_json::from_str(&cache).expect("JSON");
    assert_eq!(cache, json!({"credentials": {}, "x": 1}));
    for said in [
        "corp.example:8443",
        "Old.Example",
        "Removed all access tokens",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    let left = format!("api_key in {} line 3 still logs in", settings.display());
    assert!(run.stderr.contains(&left), "{}", run.stderr);
    let run = all(&["--all"]);
    assert!(run.stderr.contains("Nothing was stored."), "{}", run.stderr);
    // A key of another server in the settings is named too.
    let mut command = home.wandb_login(&["logout", "--all"]);
    let run = Run::ok(command.env("WANDB_BASE_URL", "https://d.example"));
    assert!(run.stderr.contains(&left), "{}", run.stderr);
    assert_eq!(all(&["--all", "--host", "https://a.example"]).code, Some(2));
}
