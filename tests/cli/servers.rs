//! Whose key goes to which server. A strange working directory must not
//! redirect the user's key.

use std::net::TcpListener;

use crate::support::{Home, KEY_1, KEY_2, KEY_3, NETRC, Run};

const SYSTEM: &str = "home/.config/wandb/settings";
const WORKSPACE: &str = "cwd/wandb/settings";
const SECRET: &str = "home/secret";

struct Case {
    about: &'static str,
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    host: Option<&'static str>,
    /// The key and the server that it goes to, or what the error says.
    expected: Result<(&'static str, &'static str), &'static str>,
}

const fn case(
    about: &'static str,
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    host: Option<&'static str>,
    expected: Result<(&'static str, &'static str), &'static str>,
) -> Case {
    Case {
        about,
        files,
        variables,
        host,
        expected,
    }
}

const A: &str = "https://a.example";
const B: &str = "https://b.example";
const CLOUD: &str = "https://api.wandb.ai";
const FORGE: &str = "https://api.forge.coreweave.com";
const AT_A: &str = "[default]\nbase_url = https://a.example\n";
const AT_B: &str = "[default]\nbase_url = https://b.example\n";
const AT_FORGE: &str = "[default]\nbase_url = https://api.forge.coreweave.com\n";
const KEY_AT_A: &str = "[default]\nbase_url = https://a.example\napi_key = {2}\n";
const KEY_AT_CLOUD: &str = "[default]\nbase_url = https://api.wandb.ai\napi_key = {2}\n";
const KEY: &str = "[default]\napi_key = {2}\n";
const NETRC_A: &str = "machine a.example login user password {3}\n";
const NETRC_CLOUD: &str = "machine api.wandb.ai login user password {3}\n";
const NETRC_FORGE: &str = "machine api.forge.coreweave.com login user password {3}\n";
const VARIABLE: (&str, &str) = ("WANDB_API_KEY", "{1}");
const WITHHELD: &str = "that server is configured only in";
const NONE: &str = "No API key configured for";

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("a variable's key goes to the default server", &[], &[VARIABLE], None, Ok((KEY_1, CLOUD))),
    case("… to the server of a variable", &[], &[VARIABLE, ("WANDB_BASE_URL", A)], None, Ok((KEY_1, A))),
    case("… of the system settings", &[(SYSTEM, AT_A)], &[VARIABLE], None, Ok((KEY_1, A))),
    case("… of the host option", &[(SYSTEM, AT_A)], &[VARIABLE], Some(B), Ok((KEY_1, B))),
    case("… not to one that only the workspace names", &[(WORKSPACE, AT_A)], &[VARIABLE], None, Err(WITHHELD)),
    case("… nor if the system settings name another", &[(WORKSPACE, AT_A), (SYSTEM, AT_B)], &[VARIABLE], None, Err(WITHHELD)),
    case("… but if they name the same", &[(WORKSPACE, AT_A), (SYSTEM, AT_A)], &[VARIABLE], None, Ok((KEY_1, A))),
    case("… or the variable overrides both", &[(WORKSPACE, AT_A)], &[VARIABLE, ("WANDB_BASE_URL", B)], None, Ok((KEY_1, B))),
    case("… or says the same", &[(WORKSPACE, AT_A)], &[VARIABLE, ("WANDB_BASE_URL", A)], None, Ok((KEY_1, A))),
    case("… or the host option does", &[(WORKSPACE, AT_A)], &[VARIABLE], Some(A), Ok((KEY_1, A))),
    case("… or it is the default server by its other name", &[(WORKSPACE, AT_FORGE)], &[VARIABLE], None, Ok((KEY_1, FORGE))),
    case("a mounted key is kept from the workspace's server", &[(WORKSPACE, AT_A), (SECRET, "{1}\n")], &[("WANDB_API_KEY_FILE", "../home/secret")], None, Err(WITHHELD)),
    case("… and goes to the user's own", &[(SYSTEM, AT_A), (SECRET, "{1}\n")], &[("WANDB_API_KEY_FILE", "../home/secret")], None, Ok((KEY_1, A))),
    case("an identity token is kept from the workspace's server", &[(WORKSPACE, AT_A), (SECRET, "a.b.c")], &[("WANDB_IDENTITY_TOKEN_FILE", "../home/secret")], None, Err(WITHHELD)),
    case("netrc's key for the workspace's server goes there", &[(WORKSPACE, AT_A), (NETRC, NETRC_A)], &[], None, Ok((KEY_3, A))),
    case("netrc's key for another server does not", &[(WORKSPACE, AT_B), (NETRC, NETRC_A)], &[], None, Err(NONE)),
    case("netrc's key for the cloud does not", &[(WORKSPACE, AT_B), (NETRC, NETRC_CLOUD)], &[], None, Err(NONE)),
    case("a kept key is no reason to go on", &[(WORKSPACE, AT_A), (NETRC, NETRC_A)], &[VARIABLE], None, Err(WITHHELD)),
    case("a system key without server goes to the default one", &[(SYSTEM, KEY)], &[], None, Ok((KEY_2, CLOUD))),
    case("… to a variable's", &[(SYSTEM, KEY)], &[("WANDB_BASE_URL", A)], None, Ok((KEY_2, A))),
    case("… not to the workspace's", &[(SYSTEM, KEY), (WORKSPACE, AT_A)], &[], None, Err(WITHHELD)),
    case("… not to the host option's", &[(SYSTEM, KEY)], &[], Some(A), Err(NONE)),
    case("a system key with a server goes there", &[(SYSTEM, KEY_AT_A)], &[], None, Ok((KEY_2, A))),
    case("… also if the host option names it", &[(SYSTEM, KEY_AT_A)], &[], Some("https://A.example:443/"), Ok((KEY_2, A))),
    case("… not to a variable's", &[(SYSTEM, KEY_AT_A)], &[("WANDB_BASE_URL", B)], None, Err(NONE)),
    case("… not to the workspace's", &[(SYSTEM, KEY_AT_A), (WORKSPACE, AT_B)], &[], None, Err(NONE)),
    case("… but if the workspace names the same", &[(SYSTEM, KEY_AT_A), (WORKSPACE, AT_A)], &[], None, Ok((KEY_2, A))),
    case("a workspace key goes to the workspace's server", &[(WORKSPACE, KEY_AT_A)], &[], None, Ok((KEY_2, A))),
    case("… not to a variable's", &[(WORKSPACE, KEY_AT_A)], &[("WANDB_BASE_URL", B)], None, Err(NONE)),
    case("… without one to the system's", &[(WORKSPACE, KEY), (SYSTEM, AT_A)], &[], None, Ok((KEY_2, A))),
    case("… not to the host option's", &[(WORKSPACE, KEY)], &[], Some(A), Err(NONE)),
    case("both names of the cloud are one in settings", &[(SYSTEM, KEY_AT_CLOUD)], &[], Some(FORGE), Ok((KEY_2, FORGE))),
    case("… in netrc, from the old to the new", &[(NETRC, NETRC_CLOUD)], &[], Some(FORGE), Ok((KEY_3, FORGE))),
    case("… and from the new to the old", &[(NETRC, NETRC_FORGE)], &[], Some(CLOUD), Ok((KEY_3, CLOUD))),
    case("… and by default", &[(NETRC, NETRC_FORGE)], &[], None, Ok((KEY_3, CLOUD))),
    case("… and behind the app's address", &[(NETRC, NETRC_CLOUD)], &[], Some("https://forge.coreweave.com/api/wandb"), Ok((KEY_3, FORGE))),
    case("… but not the staging ones", &[(NETRC, NETRC_CLOUD)], &[], Some("https://api.qa.wandb.ai"), Err(NONE)),
    case("the cloud over plain http is refused", &[(NETRC, NETRC_CLOUD)], &[VARIABLE], Some("http://api.wandb.ai"), Err("https://api.wandb.ai")),
    case("user information in the option", &[], &[VARIABLE], Some("https://me:hush@a.example"), Err("user name or password")),
    case("… in the variable", &[], &[VARIABLE, ("WANDB_BASE_URL", "https://me:hush@a.example")], None, Err("user name or password")),
    case("… in the settings", &[(SYSTEM, "[default]\nbase_url = https://me:hush@a.example\n")], &[VARIABLE], None, Err("user name or password")),
    case("… even in a workspace that a variable overrides not", &[(WORKSPACE, "[default]\nbase_url = https://me:hush@a.example\n")], &[VARIABLE], None, Err("user name or password")),
    case("a server that looks like the cloud is another", &[(NETRC, NETRC_CLOUD)], &[], Some("https://api.wandb.ai.example"), Err(NONE)),
    case("a path makes another server for a settings key", &[(SYSTEM, KEY_AT_A)], &[], Some("https://a.example/wandb"), Err(NONE)),
    case("a doubtful server is no server", &[(SYSTEM, "[default]\nbase_url = https://a.example\nbase_url = https://b.example\n")], &[VARIABLE], None, Err("base_url")),
];

fn filled(text: &str) -> String {
    text.replace("{1}", KEY_1)
        .replace("{2}", KEY_2)
        .replace("{3}", KEY_3)
}

#[test]
fn keys_are_bound_to_their_servers() {
    for case in CASES {
        let home = Home::new();
        for (path, text) in case.files {
            home.write(path, filled(text));
        }
        let mut command = home.wandb_login(&["env", "--format", "plain"]);
        command.args(case.host.iter().flat_map(|host| ["--host", host]));
        command.envs(
            case.variables
                .iter()
                .map(|(name, value)| (name, filled(value))),
        );
        let run = Run::of(&mut command);
        assert!(
            !run.stderr.contains("hush"),
            "{}: {}",
            case.about,
            run.stderr
        );
        match case.expected {
            Ok((key, server)) => {
                assert_eq!(run.code, Some(0), "{}: {}", case.about, run.stderr);
                let lines = [
                    format!("WANDB_API_KEY={key}"),
                    format!("WANDB_BASE_URL={server}"),
                ];
                assert!(
                    lines
                        .iter()
                        .all(|line| run.stdout.lines().any(|l| l == line)),
                    "{}: {}",
                    case.about,
                    run.stdout
                );
            }
            Err(says) => {
                assert_eq!(
                    (run.code, run.stdout.as_str()),
                    (Some(1), ""),
                    "{}",
                    case.about
                );
                assert!(run.stderr.contains(says), "{}: {}", case.about, run.stderr);
            }
        }
    }
}

/// The error says how to use the key after all.
#[test]
fn a_withheld_key_names_the_remedies() {
    let home = Home::new();
    let workspace = home.write(WORKSPACE, AT_A);
    let run = Run::of(home.wandb_login(&[]).env("WANDB_API_KEY", KEY_1));
    let expected = format!(
        "wandb: ERROR refusing to send the credential from WANDB_API_KEY to https://a.example: \
         that server is configured only in {}; \
         set WANDB_BASE_URL, use --host, or set base_url in {}\n",
        workspace.display(),
        home.path("home/.config/wandb/settings").display()
    );
    assert_eq!((run.code, run.stderr), (Some(1), expected));
    // An explicit key goes where its owner sends it, and is told where.
    let run = Run::ok(&mut home.wandb_login(&[KEY_1]));
    assert!(
        run.stderr
            .contains(&format!("server from {}", workspace.display())),
        "{}",
        run.stderr
    );
}

#[test]
fn silence_does_not_hide_what_puts_a_key_at_risk() {
    let home = Home::new();
    let workspace = [
        "[default]",
        "api_key = {2}",
        "http_proxy = http://strange.example:1",
        "https_proxy = http://strange.example:1",
        "insecure_disable_ssl = true",
        "x_extra_http_headers = {\"a\": \"b\"}",
        "credentials_file = /tmp/strange",
        "app_url_override = https://strange.example",
        "relogin = true",
        "force = true",
    ];
    home.write(WORKSPACE, filled(&workspace.join("\n")));
    home.write(NETRC, filled(NETRC_CLOUD));
    let run = Run::ok(home.wandb_login(&[]).env("WANDB_SILENT", "true"));
    for line in &workspace[2..] {
        let name = line.split(' ').next().expect("a name");
        assert!(
            run.stderr.contains(&format!("`{name}` was ignored")),
            "{name}: {}",
            run.stderr
        );
    }
    assert!(run.stderr.contains("overrides your own"), "{}", run.stderr);
    assert!(
        run.stderr
            .lines()
            .all(|line| line.starts_with("wandb: WARNING ")),
        "{}",
        run.stderr
    );
    assert_eq!(
        run.stderr.lines().count(),
        workspace.len() - 2 + 1,
        "{}",
        run.stderr
    );

    let plain = Run::ok(
        home.wandb_login(&["--host", "http://a.example", KEY_1])
            .env("WANDB_SILENT", "true"),
    );
    assert!(
        plain.stderr.contains("http://a.example uses plain http"),
        "{}",
        plain.stderr
    );
    let loopback = Run::ok(
        home.wandb_login(&["--host", "http://127.0.0.1:9", KEY_1])
            .env("WANDB_SILENT", "true"),
    );
    assert!(
        !loopback.stderr.contains("plain http"),
        "{}",
        loopback.stderr
    );
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("no waiting");
    let address = listener.local_addr().expect("an address");
    (listener, format!("http://{address}"))
}

/// A proxy that the working directory names gets no request.
#[test]
fn the_working_directory_names_no_proxy() {
    for (path, asked) in [(WORKSPACE, false), (SYSTEM, cfg!(feature = "http"))] {
        let home = Home::new();
        let (proxy, url) = listener();
        home.write(path, format!("[default]\nhttp_proxy = {url}\n"));
        let mut command = home.wandb_login(&["--verify", "--host", "http://wandb.invalid", KEY_1]);
        let run = Run::of(command.env("WANDB_HTTP_TIMEOUT", "1"));
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert_eq!(proxy.accept().is_ok(), asked, "{path}: {}", run.stderr);
    }
}

#[test]
fn no_request_is_sent_that_was_not_asked_for() {
    let home = Home::new();
    let (server, url) = listener();
    for arguments in [
        &["login", KEY_1][..],
        &["login"],
        &["status"],
        &["token"],
        &["env"],
        &["logout"],
    ] {
        Run::ok(home.wandb_login(arguments).env("WANDB_BASE_URL", &url));
    }
    assert!(server.accept().is_err());
}

#[test]
fn a_key_given_to_a_server_of_the_working_directory_is_a_warning() {
    for (settings, warns) in [
        ("[default]\nbase_url = https://a.example\n", true),
        ("[default]\nentity = team\n", false),
    ] {
        let home = Home::new();
        home.write(WORKSPACE, settings);
        let run = Run::ok(&mut home.wandb_login(&["--quiet", "--no-save", KEY_1]));
        let said = run
            .stderr
            .contains("WARNING only the working directory names https://a.example, in ");
        assert_eq!(said, warns, "{}", run.stderr);
    }
}
