//! A login without verification sends nothing; and what a build without HTTP
//! can and cannot do.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::stub::{Reply, Stub};
use crate::support::{self, Home, KEY_2, NETRC, Run};
use crate::{CANARY, entry, wandb_login};

const URL: &str = "http://127.0.0.1:9";
const CREDENTIALS: &str = "home/.config/wandb/credentials.json";

/// An identity token.
const IDENTITY: &str = "eyJh.eyJz.c2ln";

/// The system calls that open or use a network connection.
const NETWORK: &str = "trace=%network,connect,socket,socketpair,sendto,sendmsg,bind";

#[test]
fn an_unverified_login_makes_no_network_call_at_all() {
    let Some(strace) = support::tool("strace") else {
        return;
    };
    let home = Home::new();
    let trace = home.path("trace");
    let probe = Run::of(
        home.command(&strace)
            .args(["-f", "-e", NETWORK, "-o"])
            .arg(&trace)
            .arg("true"),
    );
    if probe.code != Some(0) {
        support::skip("strace may not trace here");
        return;
    }
    for arguments in [
        &[CANARY][..],
        &["--host", URL, KEY_2],
        &[],
        &["--relogin", "--no-prompt"],
        &["status"],
        &["token"],
        &["env"],
        &["logout"],
    ] {
        let plain = wandb_login(&home, &[], arguments);
        let mut traced = home.command(&strace);
        traced
            .args(["-f", "-e", NETWORK, "-o"])
            .arg(&trace)
            .arg(plain.get_program())
            .args(plain.get_args())
            .env("WANDB_BASE_URL", URL);
        let run = Run::of(&mut traced);
        let calls = fs::read_to_string(&trace).expect("a trace");
        assert!(
            calls.contains("+++ exited with"),
            "{arguments:?} was traced: {calls}"
        );
        let calls: Vec<&str> = calls.lines().filter(|line| line.contains('(')).collect();
        assert!(calls.is_empty(), "{arguments:?}: {calls:?}");
        let refused = arguments == ["--relogin", "--no-prompt"];
        assert_eq!(
            run.code,
            Some(i32::from(refused)),
            "{arguments:?}: {}",
            run.stderr
        );
    }

    // The trace shows a login that is verified.
    let mut traced = home.command(&strace);
    traced
        .args(["-f", "-e", NETWORK, "-o"])
        .arg(&trace)
        .arg(crate::support::wandb_login_path())
        .args(["--verify", KEY_2])
        .env("WANDB_BASE_URL", URL);
    assert_eq!(Run::of(&mut traced).code, Some(4));
    let calls = fs::read_to_string(&trace).expect("a trace");
    assert!(calls.contains("connect("), "{calls}");
}

/// The command line without HTTP, built once beside the usual one.
fn without_http() -> PathBuf {
    let target = support::root().join("target/no-http");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(support::root())
        .args(["build", "--quiet", "--package", "wandb-login-cli"])
        .arg("--no-default-features")
        .arg("--target-dir")
        .arg(&target)
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    target.join("debug/wandb-login")
}

#[test]
fn a_build_without_http_refuses_what_needs_the_server() {
    let program = without_http();
    let home = Home::new();
    let token = home.write("token", "eyJh.eyJz.c2ln").display().to_string();
    let run = |variable: Option<(&str, &str)>, arguments: &[&str]| {
        let mut command = home.command(&program);
        command
            .args(arguments)
            .env("WANDB_BASE_URL", URL)
            .envs(variable);
        let run = Run::of(&mut command);
        assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
        run
    };
    for (variable, arguments) in [
        (None, &["--verify", CANARY][..]),
        (None, &["--anonymous", "must"]),
        (Some(("WANDB_IDENTITY_TOKEN_FILE", token.as_str())), &[]),
    ] {
        let run = run(variable, arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(
            run.stderr.contains("has no HTTP"),
            "{arguments:?}: {}",
            run.stderr
        );
    }
    assert_eq!(home.text(NETRC), None, "and nothing was stored");
    // What needs no server works.
    assert_eq!(run(None, &[CANARY]).code, Some(0));
    assert_eq!(home.text(NETRC), Some(entry(URL, CANARY)));
}

#[test]
fn a_build_without_http_uses_and_forgets_a_cached_access_token() {
    let program = without_http();
    let home = Home::new();
    let token = home.write("token", "eyJh.eyJz.c2ln").display().to_string();
    let cache = format!(
        r#"{{"credentials": {{"{URL}": {{"access_token": "{CANARY}", "expires_at": "2099-01-01 00:00:00"}}}}}}"#
    );
    home.write(CREDENTIALS, &cache);
    let run = |arguments: &[&str]| {
        let mut command = home.command(&program);
        command
            .args(arguments)
            .env("WANDB_BASE_URL", URL)
            .env("WANDB_IDENTITY_TOKEN_FILE", &token);
        let run = Run::of(&mut command);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
        run
    };
    assert_eq!(run(&["token"]).stdout, format!("{CANARY}\n"));
    assert!(home.text(CREDENTIALS).expect("the cache").contains(CANARY));

    let logout = run(&["logout"]);
    assert!(
        logout.stderr.contains("Removed the access token for"),
        "{}",
        logout.stderr
    );
    assert!(!home.text(CREDENTIALS).expect("the cache").contains(CANARY));
}

/// A server that gives access tokens, and a home with an identity token for it.
struct Federation {
    server: Stub,
    home: Home,
}

impl Federation {
    fn new() -> Federation {
        let body = format!("{{\"access_token\":\"{CANARY}\",\"expires_in\":3600}}");
        let home = Home::new();
        home.write("token", IDENTITY);
        Federation {
            server: Stub::answering(None, move |request| match request.target.as_str() {
                "/oidc/token" => Reply::new(200, body.as_str()),
                _ => Reply::viewer(),
            }),
            home,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let file = self.home.base().join("token").display().to_string();
        let url = self.server.url("127.0.0.1");
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &file),
        ];
        wandb_login(&self.home, &variables, arguments)
    }
}

/// The mode says that nothing is sent. Only a command that is for the server goes to it.
#[test]
fn while_offline_or_disabled_no_access_token_is_fetched() {
    for mode in ["offline", "dryrun", "disabled"] {
        for arguments in [&["token"][..], &["token", "--json"], &["header"]] {
            let place = Federation::new();
            let run = Run::of(place.command(arguments).env("WANDB_MODE", mode));
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (Some(4), ""),
                "{arguments:?}"
            );
            let why = "W&B is offline or disabled by WANDB_MODE";
            assert!(run.stderr.contains(why), "{}", run.stderr);
            assert_eq!(place.server.connections(), 0, "{mode} {arguments:?}");
            assert_eq!(place.home.text(CREDENTIALS), None);
            // A cached one is used.
            Run::ok(&mut place.command(&["token"]));
            let run = Run::ok(place.command(arguments).env("WANDB_MODE", mode));
            assert!(run.stdout.contains(CANARY), "{}", run.stderr);
            assert_eq!(place.server.connections(), 1, "{mode} {arguments:?}");
        }
        // It cannot be renewed.
        let place = Federation::new();
        Run::ok(&mut place.command(&["token"]));
        let arguments = ["token", "--min-ttl", "86400"];
        let run = Run::of(place.command(&arguments).env("WANDB_MODE", mode));
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(4), ""),
            "{}",
            run.stderr
        );
        assert_eq!(place.server.connections(), 1, "{mode}");
    }
}

#[test]
fn while_offline_what_is_for_the_server_goes_to_it() {
    for (mode, arguments, connects) in [
        ("offline", &["login"][..], true),
        ("dryrun", &["login"], true),
        ("disabled", &["login"], false),
        ("disabled", &["login", "--verify"], false),
        ("offline", &["login", "--verify"], true),
        ("offline", &["status", "--verify"], true),
        ("disabled", &["status", "--verify"], true),
        ("offline", &["status"], false),
        ("online", &["header"], true),
        ("run", &["token"], true),
    ] {
        let place = Federation::new();
        let run = Run::ok(place.command(arguments).env("WANDB_MODE", mode));
        let connected = place.server.connections() > 0;
        assert_eq!(connected, connects, "{mode} {arguments:?}: {}", run.stderr);
    }
}

/// The child process exchanges the identity token, so `env` needs no access token.
#[test]
fn env_contacts_no_server() {
    for mode in ["online", "offline", "disabled"] {
        let place = Federation::new();
        let run = Run::ok(place.command(&["env"]).env("WANDB_MODE", mode));
        let file = place.home.base().join("token");
        let line = format!("export WANDB_IDENTITY_TOKEN_FILE='{}'\n", file.display());
        assert!(run.stdout.contains(&line), "{}", run.stdout);
        assert_eq!(place.server.connections(), 0, "{mode}");
    }
}

/// A mode that cannot be read could be any of them.
#[test]
fn a_malformed_mode_stops_only_what_needs_an_access_token() {
    let place = Federation::new();
    let run = Run::of(place.command(&["header"]).env("WANDB_MODE", "offlin"));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("WANDB_MODE is 'offlin'"),
        "{}",
        run.stderr
    );
    assert_eq!(place.server.connections(), 0);
    let variables = [("WANDB_API_KEY", KEY_2), ("WANDB_MODE", "offlin")];
    let run = Run::ok(&mut wandb_login(&place.home, &variables, &["token"]));
    assert_eq!(run.stdout, format!("{KEY_2}\n"));
}

/// The setting counts as the variable does.
#[test]
fn the_mode_of_a_settings_file_counts_too() {
    let place = Federation::new();
    let settings = place
        .home
        .write("home/.config/wandb/settings", "[default]\nmode = offline\n");
    let run = Run::of(&mut place.command(&["token"]));
    assert_eq!(run.code, Some(4));
    let by = format!("disabled by {} line 2", settings.display());
    assert!(run.stderr.contains(&by), "{}", run.stderr);
    assert_eq!(place.server.connections(), 0);
}
