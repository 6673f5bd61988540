//! The pages of `docs`: their blocks run, and print what the pages show. YAML is
//! parsed, and the variables and files that it names are tried in a container-like
//! root. The pictures are drawn. `WANDB_LOGIN_UPDATE_GUIDES=1 cargo test -p wandb-login-cli --test guides`
//! writes what was printed.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells
#![allow(unreachable_pub)] // a program, whose modules export to each other

#[allow(dead_code)] // the tests need the definition only
#[path = "../../bindings/cli/src/arguments.rs"]
mod arguments;
mod blocks;
#[path = "../../benches/table/chart.rs"]
mod chart;
mod container;
mod names;
mod picture;
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use blocks::{Block, blocks};
use container::Container;
use serde_json::Value;
use stub::{Authority, Reply, Stub};
use support::{Home, Run, TempDir};

/// The key of the pages.
const KEY: &str = "0123456789abcdef0123456789abcdef01234567";

/// An unsigned identity token.
const IDENTITY: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0cmFpbiJ9.c2lnbmF0dXJl";

/// Separates the output of two commands.
const MARK: char = '\u{1e}';

/// Stands for programs that are not on every machine. `docker` and `srun` run the
/// command line with exactly the variables that the real ones would pass on.
const SHIMS: [(&str, &str); 4] = [
    (
        "srun",
        r#"#!/bin/bash
tasks=1 exported=ALL
while [[ $1 == --* ]]; do
    case $1 in
    --ntasks=*) tasks=${1#*=} ;;
    --ntasks-per-node=*) ;;
    --export=*) exported=${1#*=} ;;
    *) exit 64 ;;
    esac
    shift
done
start=(env)
if [[ $exported != ALL ]]; then
    start+=(--ignore-environment)
    for name in ${exported//,/ }; do start+=("$name=${!name}"); done
fi
for ((rank = 0; rank < tasks; rank++)); do
    "${start[@]}" SLURM_PROCID=$rank SLURM_STEP_NUM_TASKS=$tasks "$@"
done
"#,
    ),
    (
        "salloc",
        "#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec \"$@\"\n",
    ),
    (
        "docker",
        r#"#!/bin/bash
variables=()
[[ $1 == run ]] && shift
while [[ $1 == --* ]]; do
    case $1 in
    --env) [[ $2 == *=* ]] && variables+=("$2") || variables+=("$2=${!2}") ;;
    --user) [[ $2 == "$(id -u):$(id -g)" ]] ;;
    --env-file) while IFS= read -r line; do variables+=("$line"); done <"$2" ;;
    --mount) source=${2#*source=} && variables+=("NETRC=${source%%,*}") ;;
    *) exit 64 ;;
    esac
    shift 2
done
exec env --ignore-environment "${variables[@]}" PATH="$PATH" wandb-login token >/dev/null
"#,
    ),
    (
        "kubectl",
        r#"#!/bin/bash
[[ "$1 $2 $3 $4" == 'create secret generic wandb' && -s ${5#*=*=} ]]
"#,
    ),
];

/// Whether the pages and pictures are written, and not compared.
fn is_update() -> bool {
    std::env::var_os("WANDB_LOGIN_UPDATE_GUIDES").is_some_and(|value| value == "1")
}

/// Every page of `docs`.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(support::root().join("docs")).expect("docs");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.sort();
    pages
}

#[test]
fn the_blocks_of_every_page_do_what_they_show() {
    for tool in ["bash", "cc", "jq", "strace", "unshare"] {
        if support::tool(tool).is_none() {
            return;
        }
    }
    if !container::is_possible() {
        return support::skip("this user may not mount");
    }
    let mut wrong = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let actual = Page::new(&text).run();
        if actual == text {
            continue;
        }
        if is_update() {
            fs::write(&path, actual).expect("the page is written");
        } else {
            wrong.push(format!(
                "{}\n{}",
                path.display(),
                differences(&text, &actual)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines of C in a page are the body of a function.
#[test]
fn the_lines_of_c_compile() {
    let Some(compiler) = support::tool("cc") else {
        return;
    };
    let home = Home::new();
    let mut checked = 0;
    for path in pages() {
        let text = fs::read_to_string(&path).expect("UTF-8");
        for block in blocks(&text).iter().filter(|block| block.language() == "c") {
            let source = format!(
                "#include <stdio.h>\n#include <stdlib.h>\n#include <wandb_login.h>\n\
                 int body(wandb_login_status status) {{ (void)status; {{\n{}}} return 0; }}\n",
                block.text
            );
            let file = home.write("cwd/body.c", source);
            let mut command = home.command(&compiler);
            command.args(["-std=c99", "-Wall", "-Wextra", "-Werror"]);
            command.args(["-Wno-unused-variable", "-fsyntax-only", "-I"]);
            command.arg(support::root().join("include")).arg(file);
            Run::ok(&mut command);
            checked += 1;
        }
    }
    assert!(checked >= 3, "only {checked} blocks of C");
}

/// The lines that are not in both texts.
fn differences(old: &str, new: &str) -> String {
    let missing = old
        .lines()
        .filter(|line| !new.lines().any(|it| it == *line));
    let added = new
        .lines()
        .filter(|line| !old.lines().any(|it| it == *line));
    let lines = missing
        .map(|line| format!("- {line}"))
        .chain(added.map(|line| format!("+ {line}")));
    lines.collect::<Vec<_>>().join("\n")
}

/// A page and its blocks.
struct Page<'t> {
    text: &'t str,
    blocks: Vec<Block>,
}

impl<'t> Page<'t> {
    fn new(text: &'t str) -> Page<'t> {
        Page {
            text,
            blocks: blocks(text),
        }
    }

    /// Runs the blocks, and gives the page with what they printed.
    fn run(&self) -> String {
        if self.blocks.is_empty() {
            return self.text.to_owned();
        }
        let place = Place::new();
        let mut run = self
            .blocks
            .iter()
            .filter(|block| block.language() == "console" || block.is_script());
        if run.any(|block| block.text.contains("/train")) {
            let program = train().expect("a C compiler");
            std::os::unix::fs::symlink(program, place.home.cwd().join("train")).expect("a link");
        }
        let script = self.script(&place);
        let run = place.run(&script);
        let mut outputs = run.split(MARK).skip(1);
        let mut lines: Vec<String> = Vec::new();
        let mut copied = 0;
        let source: Vec<&str> = self.text.lines().collect();
        for block in &self.blocks {
            lines.extend(
                source[copied..block.start]
                    .iter()
                    .map(|line| line.to_string()),
            );
            copied = block.start + block.text.lines().count();
            match block.language() {
                "console" => {
                    for command in block.commands() {
                        let output = outputs.next();
                        let output = output
                            .unwrap_or_else(|| panic!("{}: did not run:\n{run}", command.text));
                        let output = output.strip_prefix('\n').unwrap_or(output);
                        lines.extend(command.shown(output).lines().map(str::to_owned));
                    }
                }
                "sh" if block.is_script() => {
                    let ran = outputs.next().is_some();
                    assert!(ran, "{} did not run:\n{run}", block.text);
                    lines.extend(block.text.lines().map(str::to_owned));
                }
                "hidden" => lines.push(source[block.start].to_owned()),
                _ => lines.extend(block.text.lines().map(str::to_owned)),
            }
        }
        assert!(
            outputs.next() == Some("\n"),
            "the script ran to its end:\n{run}"
        );
        lines.extend(source[copied..].iter().map(|line| line.to_string()));
        lines.join("\n") + "\n"
    }

    /// One script for all blocks: what one exports, the next one has.
    fn script(&self, place: &Place) -> String {
        let mut script = String::from("exec 2>&1\n");
        for block in &self.blocks {
            match block.language() {
                "yaml" => {
                    let yaml = parse_yaml(&block.text);
                    if let Some(container) = yaml.as_ref().and_then(Container::of) {
                        script += &container.function(&place.home.cwd().join("key.txt"));
                    }
                }
                "console" => {
                    for command in block.commands() {
                        let text = &command.text;
                        script += &format!("echo {MARK}\n");
                        script += &match block.is_in_container() {
                            true => format!("in_container {}\n", quoted(text)),
                            false => format!("{text}\n"),
                        };
                    }
                }
                "hidden" => script += &block.text,
                "sh" if block.is_script() => {
                    script += &format!("echo {MARK}\nset -e\n{}set +e\n", block.text)
                }
                _ => {}
            }
        }
        script + &format!("echo {MARK}\n")
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// YAML as JSON; `None` where there is no parser.
fn parse_yaml(text: &str) -> Option<Value> {
    let python = support::sdk_python()?; // the SDK brings a YAML parser
    let mut command = Command::new(python);
    command.args([
        "-c",
        "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))",
    ]);
    let run = Run::with_input(&mut command, text);
    assert_eq!(run.code, Some(0), "{}\n{text}", run.stderr);
    Some(serde_json::from_str(&run.stdout).expect("JSON"))
}

/// The C program of README.md, built once with the shared library; `None`, said loudly,
/// where there is no C compiler.
fn train() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let compiler = support::tool("cc")?;
        let folder = support::library();
        let program = folder.path().join("train");
        Run::ok(
            Command::new(compiler)
                .arg(support::root().join("tests/c/readme.c"))
                .arg("-I")
                .arg(support::root().join("include"))
                .arg(folder.path().join("libwandb_login.so.0"))
                .arg(format!("-Wl,-rpath,{}", folder.path().display()))
                .arg("-o")
                .arg(&program),
        );
        Some((folder, program))
    });
    built.as_ref().map(|(_, program)| program.as_path())
}

/// A home, a server that answers under every name, and the stand-ins.
struct Place {
    home: Home,
    _server: Stub,
    proxy: Stub,
}

impl Place {
    fn new() -> Place {
        let home = Home::new();
        let authority = Authority::new();
        home.write("cwd/corp-ca.pem", authority.pem());
        home.write("cwd/key.txt", format!("{KEY}\n"));
        home.write("cwd/identity.jwt", IDENTITY);
        for (name, text) in SHIMS {
            let path = home.write(&format!("bin/{name}"), text);
            support::make_executable(&path);
        }
        let names = ["api.wandb.ai", "wandb.example.com"];
        let body = r#"{"access_token":"example-access-token","expires_in":3600}"#;
        let server = Stub::answering(Some(&authority.issue(&names)), move |request| match request
            .target
            .as_str()
        {
            "/oidc/token" => Reply::new(200, body),
            _ => Reply::viewer(),
        });
        let proxy = Stub::http([Reply::Tunnel(server.address)]);
        Place {
            home,
            _server: server,
            proxy,
        }
    }

    /// What a script prints, with the names that the pages use. Its standard input is what
    /// a reader types: the key.
    fn run(&self, script: &str) -> String {
        let bin = Path::new(support::wandb_login_path());
        let bin = bin.parent().expect("a folder").display();
        let path = std::env::var("PATH").expect("UTF-8");
        let shims = self.home.base().join("bin");
        let mut command = self.home.command("bash");
        command
            .env("PATH", format!("{}:{bin}:{path}", shims.display()))
            .env("HTTPS_PROXY", format!("http://{}", self.proxy.address))
            .env("SSL_CERT_FILE", self.home.cwd().join("corp-ca.pem"))
            .env("USER", format!("alice-{}", std::process::id()))
            .env("XDG_RUNTIME_DIR", self.home.base());
        command.arg(self.home.write("page.sh", script));
        let run = Run::with_input(&mut command, format!("{KEY}\n"));
        // The proxy of the test, which the reader does not have.
        let proxy = format!(
            "Proxy:        http://{} (HTTPS_PROXY)\n",
            self.proxy.address
        );
        run.stdout
            .replace(&proxy, "")
            .replace(&*self.home.cwd().to_string_lossy(), "/home/alice/project")
            .replace(&*self.home.home().to_string_lossy(), "/home/alice")
            .replace(&*self.home.base().to_string_lossy(), "/home")
    }
}

#[test]
fn every_status_and_every_finding_is_explained() {
    let page = fs::read_to_string(support::root().join("docs/errors.md")).expect("errors.md");
    let rows = |columns: usize| -> Vec<Vec<&str>> {
        let lines = page.lines().filter(|line| line.starts_with("| `"));
        lines
            .map(|line| line[1..line.len() - 1].split('|').map(str::trim).collect())
            .filter(|row: &Vec<&str>| row.len() == columns)
            .collect()
    };
    let header = support::root().join("include/wandb_login.h");
    let header = fs::read_to_string(header).expect("the header");
    let defined = header.lines().filter_map(|line| {
        let rest = line.strip_prefix("#define WANDB_LOGIN_STATUS_")?;
        let (name, number) = rest.split_once(' ')?;
        Some((
            format!("`{name}`"),
            number.trim_matches(['(', ')']).replace('-', "−"),
        ))
    });
    let statuses: Vec<_> = defined.collect();
    let explained: Vec<_> = rows(5)
        .iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    assert!(statuses.len() > 10);
    assert_eq!(explained, statuses);

    let codes = wandb_login::Code::ALL.iter().map(|code| {
        (
            format!("`{}`", code.as_str()),
            code.severity().as_str().to_owned(),
        )
    });
    let explained = rows(4);
    let explained = explained
        .iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned()));
    assert_eq!(explained.collect::<Vec<_>>(), codes.collect::<Vec<_>>());
}
