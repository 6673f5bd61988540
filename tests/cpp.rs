//! Tests of the C++ header. `cmake.rs` tests the CMake package.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

mod support;

#[path = "support/prefix.rs"]
mod prefix;
#[path = "support/stub.rs"]
mod stub;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prefix::prefix;
use stub::{Authority, Identity, Reply, Stub};
use support::{Home, KEY_1, Run, TempDir, library, root, tool};

/// `Basic`, and the base64 encoding of `api:` and [`KEY_1`].
const AUTHORIZATION: &str = "Basic YXBpOjExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";

const CPP17: &str = "-std=c++17";
const WITHOUT_EXCEPTIONS: [&str; 3] = [CPP17, "-fno-exceptions", "-fno-rtti"];

/// The C++ compiler with the include directories; `None`, with a message, if it is not
/// installed.
fn compiler(options: &[&str]) -> Option<Command> {
    let mut command = Command::new(tool("g++")?);
    command
        .args(["-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(options)
        .arg(format!("-I{}", root().join("include").display()))
        .arg(format!(
            "-I{}",
            root().join("bindings/cpp/include").display()
        ));
    Some(command)
}

fn source(name: &str) -> PathBuf {
    root().join("tests/cpp").join(name)
}

/// Compiles lines after an include of the header.
fn compile(folder: &TempDir, options: &[&str], lines: &str) -> Option<Run> {
    let file = folder.path().join("lines.cpp");
    fs::write(&file, format!("#include <wandb_login.hpp>\n{lines}\n")).expect("write");
    Some(Run::of(compiler(options)?.arg("-fsyntax-only").arg(file)))
}

#[test]
fn the_header_compiles_after_the_macros_of_windows_h() {
    let folder = TempDir::new();
    let file = folder.path().join("macros.cpp");
    // The standard headers come first: they do not compile with these macros.
    let text = "#include <bits/stdc++.h>\n\
        #define min(a, b) (((a) < (b)) ? (a) : (b))\n\
        #define max(a, b) (((a) > (b)) ? (a) : (b))\n\
        #define interface struct\n\
        #define small char\n\
        #define near\n\
        #define far\n\
        #define IN\n\
        #define OUT\n\
        #define ERROR 0\n\
        #include <wandb_login.hpp>\n\
        int main() { return wandb::try_login() ? 0 : 1; }\n";
    fs::write(&file, text).expect("write");
    let Some(mut compiler) = compiler(&[CPP17]) else {
        return;
    };
    let run = Run::of(compiler.arg("-fsyntax-only").arg(file));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn the_header_compiles_in_each_standard() {
    let folder = TempDir::new();
    let twice =
        "#include <wandb_login_curl.hpp>\nint main() { return wandb::try_login() ? 0 : 1; }";
    for standard in [CPP17, "-std=c++20", "-std=c++23"] {
        for exceptions in ["-fexceptions", "-fno-exceptions"] {
            let strict = [
                standard,
                exceptions,
                "-Wshadow",
                "-Wconversion",
                "-Wold-style-cast",
            ];
            let Some(run) = compile(&folder, &strict, twice) else {
                return;
            };
            assert_eq!(
                run.code,
                Some(0),
                "{standard} {exceptions}:\n{}",
                run.stderr
            );
        }
    }
    let designated =
        "auto session = wandb::login({.verify = true, .anonymous = wandb::anonymous::allow});";
    let Some(run) = compile(&folder, &["-std=c++20"], designated) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn printing_a_secret_does_not_compile() {
    let folder = TempDir::new();
    let program = |statement: &str| {
        let begin =
            "#include <iostream>\nvoid f(const wandb::secret &key, wandb::session &session) {";
        compile(
            &folder,
            &[CPP17],
            &format!("{begin} (void)key; (void)session; {statement} }}"),
        )
    };
    let Some(meant) = program("std::cout << key.reveal() << session.base_url();") else {
        return;
    };
    assert_eq!(meant.code, Some(0), "{}", meant.stderr);
    for (statement, why) in [
        ("std::cout << key;", "deleted"),
        ("std::cerr << *session.api_key();", "deleted"),
        ("std::string text = key;", "conversion"),
        (
            "std::string text(session.authorization());",
            "no matching function",
        ),
        ("wandb::session copy = session;", "deleted"),
    ] {
        let run = program(statement).expect("the compiler is there");
        assert_ne!(run.code, Some(0), "{statement} compiles");
        assert!(run.stderr.contains(why), "{statement}:\n{}", run.stderr);
    }
}

/// Compiles and links sources of `tests/cpp`, each with its options.
fn link(folder: &TempDir, library: &Path, sources: &[(&str, &[&str])]) -> Option<PathBuf> {
    let program = folder.path().join("program");
    let mut linking = compiler(&[CPP17, "-pthread"])?;
    for (name, options) in sources {
        let object = folder.path().join(name).with_extension("o");
        Run::ok(
            compiler(options)?
                .arg("-c")
                .arg(source(name))
                .arg("-o")
                .arg(&object),
        );
        linking.arg(object);
    }
    linking.arg(format!("-L{}", library.display()));
    Run::ok(linking.args(["-lwandb_login", "-o"]).arg(&program));
    Some(program)
}

/// Answers that repeat the key, and that control the terminal.
fn hostile_answers() -> [Reply; 5] {
    let evil = "x\\u001b[2J\\u0000\\r\\nwandb: done\\u009b";
    let errors = format!(r#"{{"errors": [{{"message": "{evil}{KEY_1}"}}]}}"#);
    let bytes = [b"\xff\x1b[2J\0", KEY_1.as_bytes()].concat();
    [
        Reply::new(200, stub::VIEWER.replace("usr", evil)),
        Reply::new(400, errors),
        Reply::new(401, bytes),
        Reply::new(302, "").header("Location", &format!("https://other.example/{KEY_1}")),
        Reply::new(200, r#"{"data":"#.repeat(120)),
    ]
}

#[test]
fn a_program_gets_every_status_and_does_not_leak() {
    let (folder, library) = (TempDir::new(), library());
    let units: &[(&str, &[&str])] = &[
        ("login.cpp", &[CPP17]),
        ("second_unit.cpp", &["-std=c++20"]),
        ("without_exceptions.cpp", &WITHOUT_EXCEPTIONS),
    ];
    let Some(program) = link(&folder, library.path(), units) else {
        return;
    };
    let servers = [
        Stub::http([Reply::viewer()]),
        Stub::http([Reply::new(401, "no")]),
        Stub::http([Reply::new(302, "").header("Location", "http://127.0.0.1/elsewhere")]),
        Stub::http([Reply::Hang]),
        Stub::http([Reply::new(407, "")]),
        Stub::https(
            &Identity::self_signed(&["127.0.0.1"], false),
            [Reply::viewer()],
        ),
        Stub::http([Reply::new(
            200,
            r#"{"access_token": "token-of-the-server", "expires_in": 3600}"#,
        )]),
        Stub::http(hostile_answers()),
    ];
    let run = |mut command: Command, home: &Home| {
        let all = home.base().join("all");
        fs::create_dir(&all).expect("a folder");
        command.env("LD_LIBRARY_PATH", library.path()).arg(all);
        command.args(servers.iter().map(|server| server.url("127.0.0.1")));
        let run = Run::ok(&mut command);
        assert_eq!(run.stdout, "all C++ tests passed\n", "{}", run.stderr);
    };
    let home = Home::new();
    run(home.command(&program), &home);

    let Some(valgrind) = tool("valgrind") else {
        return;
    };
    let home = Home::new();
    let mut command = home.command(valgrind);
    command
        .args([
            "--quiet",
            "--error-exitcode=9",
            "--leak-check=full",
            "--fair-sched=yes",
        ])
        .arg("--errors-for-leak-kinds=definite,indirect")
        .arg(&program);
    run(command, &home);
}

/// The program of `tests/cpp/curl.cpp`, in an environment that leads curl elsewhere.
struct CurlClient {
    program: PathBuf,
    library: TempDir,
    /// A proxy that must not be used.
    elsewhere: Stub,
    home: Home,
    _folder: TempDir,
}

impl CurlClient {
    fn new() -> Option<CurlClient> {
        let (folder, library) = (TempDir::new(), library());
        let program = folder.path().join("curl");
        let mut linking = compiler(&[CPP17, "-Wold-style-cast"])?;
        linking
            .arg(source("curl.cpp"))
            .arg(format!("-L{}", library.path().display()))
            .args(["-lwandb_login", "-lcurl", "-o"])
            .arg(&program);
        Run::ok(&mut linking);
        Some(CurlClient {
            program,
            library,
            elsewhere: Stub::http([Reply::new(200, "")]),
            home: Home::new(),
            _folder: folder,
        })
    }

    /// Sends one request for each group of variables. `no_proxy` misleads too.
    fn run(&self, no_proxy: &str, groups: &[&[(&str, &str)]]) -> Vec<String> {
        let mut command = self.home.command(&self.program);
        let elsewhere = self.elsewhere.url("127.0.0.1");
        for name in [
            "http_proxy",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env(name, &elsewhere);
        }
        command
            .env("LD_LIBRARY_PATH", self.library.path())
            .env("no_proxy", no_proxy)
            .env("SSL_CERT_FILE", "/nonexistent/ca.pem")
            .env("CURL_CA_BUNDLE", "/nonexistent/ca.pem");
        for group in groups {
            command.arg(format!("WANDB_API_KEY={KEY_1}"));
            command.args(group.iter().map(|(name, value)| format!("{name}={value}")));
            command.arg("--");
        }
        let run = Run::ok(&mut command);
        assert_eq!(self.elsewhere.connections(), 0, "curl went another way");
        run.stdout.lines().map(str::to_owned).collect()
    }
}

const HEADERS: &str =
    r#"{"X-Gateway": "secret", "X-Empty": "", "Proxy-Authorization": "Basic eDp5"}"#;

#[test]
fn a_curl_handle_reaches_the_server_as_the_session_says() {
    let Some(client) = CurlClient::new() else {
        return;
    };
    let authority = Authority::new();
    let ca = client
        .home
        .write("ca.pem", authority.pem())
        .display()
        .to_string();
    let server = Stub::https(&authority.issue(&["wb.example.test"]), [Reply::viewer()]);
    let tunnel = Stub::http([Reply::Tunnel(server.address)]);
    let plain = Stub::http([Reply::viewer()]);
    let own_proxy = format!("http://us%40er:p%3Ass@{}", tunnel.address);
    let address = tunnel.address.to_string();
    let plain_proxy = plain.url("127.0.0.1");
    let https = ("WANDB_BASE_URL", "https://wb.example.test");
    let outcomes = client.run(
        "*",
        &[
            &[
                https,
                ("HTTPS_PROXY", &own_proxy),
                ("SSL_CERT_FILE", &ca),
                ("WANDB_USERNAME", "me"),
            ],
            &[
                https,
                ("HTTPS_PROXY", &address),
                ("SSL_CERT_FILE", &ca),
                ("WANDB_X_EXTRA_HTTP_HEADERS", HEADERS),
            ],
            // Without the authority, nothing of the session before is left.
            &[https, ("HTTPS_PROXY", &address)],
            &[
                ("WANDB_BASE_URL", "http://wb.example.test/w"),
                ("HTTP_PROXY", &plain_proxy),
            ],
            &[
                https,
                ("HTTPS_PROXY", &address),
                ("WANDB_INSECURE_DISABLE_SSL", "true"),
            ],
        ],
    );
    assert_eq!(outcomes, ["0 200", "0 200", "60 0", "0 200", "0 200"]);

    let seen = tunnel.seen();
    let authorizations: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("proxy-authorization"))
        .collect();
    // base64 of `us@er:p:ss` and of `x:y`
    assert_eq!(
        authorizations,
        [
            Some("Basic dXNAZXI6cDpzcw=="),
            Some("Basic eDp5"),
            None,
            None
        ]
    );
    for seen in &seen {
        assert_eq!(
            (&*seen.method, &*seen.target),
            ("CONNECT", "wb.example.test:443")
        );
        assert_eq!(seen.header("authorization"), None);
        assert_eq!(seen.header("x-gateway"), None);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for seen in &seen {
        assert_eq!(seen.header("authorization"), Some(AUTHORIZATION));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.header("proxy-authorization"), None);
    }
    assert_eq!(seen[0].header("x-wandb-username"), Some("me"));
    assert_eq!(seen[1].header("x-gateway"), Some("secret"));
    assert_eq!(seen[1].header("x-empty"), Some(""));
    assert_eq!(
        (
            seen[2].header("x-gateway"),
            seen[2].header("x-wandb-username")
        ),
        (None, None)
    );
    assert_eq!(plain.seen()[0].target, "http://wb.example.test/w/graphql");
}

#[test]
fn a_curl_handle_goes_directly_where_the_session_has_no_proxy() {
    let Some(client) = CurlClient::new() else {
        return;
    };
    let to = "http://wb.example.test/elsewhere";
    let server = Stub::http([Reply::new(302, "").header("Location", to)]);
    let url = server.url("127.0.0.1");
    let shared = client.elsewhere.url("127.0.0.1");
    let server_url = ("WANDB_BASE_URL", &*url);
    let outcomes = client.run("", &[&[server_url], &[server_url, ("http_proxy", &shared)]]);
    // The redirect is not followed.
    assert_eq!(outcomes, ["0 302", "0 302"]);
    let targets: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    assert_eq!(targets, ["/graphql", "/graphql"]);
}

#[test]
fn the_try_functions_work_without_exceptions() {
    let (folder, library) = (TempDir::new(), library());
    let options = [&WITHOUT_EXCEPTIONS[..], &["-DALONE"]].concat();
    let unit: &[(&str, &[&str])] = &[("without_exceptions.cpp", &options)];
    let Some(program) = link(&folder, library.path(), unit) else {
        return;
    };
    let home = Home::new();
    Run::ok(
        home.command(&program)
            .env("LD_LIBRARY_PATH", library.path()),
    );
    // Without the library the loader does not start the program.
    let run = Run::of(&mut home.command(&program));
    assert_ne!(run.code, Some(0));
    let message = "libwandb_login.so.0: cannot open shared object file";
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn a_panic_of_the_library_throws_an_internal_error() {
    let folder = TempDir::new();
    let library = support::panic_library();
    let Some(program) = link(&folder, library, &[("panic.cpp", &[CPP17])]) else {
        return;
    };
    let home = Home::new();
    let run = Run::ok(home.command(program).env("LD_LIBRARY_PATH", library));
    assert_eq!(run.stdout, "the program continues\n", "{}", run.stderr);
}

#[test]
fn a_header_of_another_version_is_reported() {
    let (folder, library) = (TempDir::new(), library());
    let main = folder.path().join("main.cpp");
    let text = "#include <cstdio>\n#include <wandb_login.hpp>\nint main() { try { wandb::login(); } \
                catch (const wandb::unsupported_error &error) { std::puts(error.what()); return 3; } }";
    fs::write(&main, text).expect("write");
    let header = fs::read_to_string(root().join("include/wandb_login.h")).expect("the header");
    let number = "#define WANDB_LOGIN_VERSION_NUMBER 200\n";
    assert!(
        header.contains(number),
        "the header's version number has changed: change this test"
    );

    let with_number = |other: u32| {
        let changed = format!("#define WANDB_LOGIN_VERSION_NUMBER {other}\n");
        let changed = header
            .replace(number, &changed)
            .replace("\"0.2.0\"", "\"of another day\"");
        fs::write(folder.path().join("wandb_login.h"), changed).expect("write");
        let program = folder.path().join("program");
        let mut command = Command::new(tool("g++")?);
        command
            .args([CPP17, "-o"])
            .arg(&program)
            .arg(&main)
            .arg(format!("-I{}", folder.path().display()))
            .arg(format!(
                "-I{}",
                root().join("bindings/cpp/include").display()
            ))
            .arg(format!("-L{}", library.path().display()))
            .arg("-lwandb_login");
        let compiled = Run::of(&mut command);
        if compiled.code != Some(0) {
            return Some(compiled);
        }
        let home = Home::new();
        let mut command = home.command(program);
        command
            .env("LD_LIBRARY_PATH", library.path())
            .env("WANDB_API_KEY", KEY_1);
        Some(Run::of(&mut command))
    };
    let Some(newer) = with_number(300) else {
        return;
    };
    assert_eq!(newer.code, Some(3));
    let message = "this program was compiled against wandb_login of another day, but libwandb_login 0.2.0 is loaded\n";
    assert_eq!(newer.stdout, message);
    // A library that is newer than the header works.
    assert_eq!(with_number(199).map(|run| run.code), Some(Some(0)));
    // The compiler reports another major version.
    let other_abi = with_number(10000).expect("the compiler is there");
    assert!(
        other_abi.stderr.contains("are of different versions"),
        "{}",
        other_abi.stderr
    );
}

/// A viewer and an access token, with a member of as many levels.
fn nested(levels: usize) -> Reply {
    let deep = "[".repeat(levels - 1) + &"]".repeat(levels - 1);
    let viewer = stub::VIEWER.trim_end_matches('}');
    let token = r#""access_token": "token-of-the-server", "expires_in": 3600"#;
    Reply::new(200, format!("{viewer}}}}}}}, {token}, \"deep\": {deep}}}"))
}

/// The stack of a function depends on the optimization, so this needs the release
/// library.
#[test]
fn a_stack_of_64_kib_is_enough_for_every_function() {
    let (Some(prefix), Some(gcc)) = (prefix(), tool("gcc")) else {
        return;
    };
    let source = root().join("tests/c/small_stack.c");
    let text = fs::read_to_string(&source).expect("small_stack.c");
    let symbols = fs::read_to_string(root().join("tests/c/symbols.txt")).expect("symbols.txt");
    for name in symbols.lines() {
        assert!(text.contains(&format!("{name}(")), "{name} is not called");
    }
    let home = Home::new();
    let program = home.base().join("small_stack");
    Run::ok(
        Command::new(gcc)
            .args([
                "-std=c99",
                "-g",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
            ])
            .arg(format!("-I{}", prefix.join("include").display()))
            .arg(&source)
            .arg(format!("-L{}", prefix.join("lib").display()))
            .args(["-lwandb_login", "-pthread", "-o"])
            .arg(&program),
    );
    let identity = Identity::self_signed(&["127.0.0.1"], false);
    let ca = home.write("ca.pem", identity.pem());
    let plain = Stub::http([nested(60)]);
    let tls = Stub::https(&identity, [nested(60)]);
    let deeper = Stub::http([nested(120), nested(100_000)]);
    Run::ok(
        home.command(&program)
            .arg(plain.url("127.0.0.1"))
            .arg(tls.url("127.0.0.1"))
            .arg(ca)
            .arg(deeper.url("127.0.0.1"))
            .env("LD_LIBRARY_PATH", prefix.join("lib")),
    );
    assert!(plain.seen().len() > 5 && tls.seen().len() > 5 && deeper.seen().len() == 2);
}
