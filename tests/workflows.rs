//! The hosted workflows in `.github/workflows` are YAML, start only commands that exist,
//! and pin the actions of other people.

#![cfg(unix)] // modes

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use support::{Run, root};

/// Each workflow, by its file name; `None` where there is no parser of YAML.
fn workflows() -> Option<Map<String, Value>> {
    let python = support::sdk_python()?; // the SDK brings a YAML parser
    let script = "import glob, json, os, yaml\n\
                  print(json.dumps({os.path.basename(f): yaml.load(open(f), yaml.BaseLoader)\n\
                  for f in glob.glob('.github/workflows/*')}))";
    let mut command = Command::new(python);
    command.args(["-c", script]).current_dir(root());
    let run = Run::ok(command.stdin(Stdio::null()));
    Some(serde_json::from_str(&run.stdout).expect("JSON"))
}

/// The jobs of a workflow with their names.
fn jobs(workflow: &Value) -> &Map<String, Value> {
    workflow["jobs"].as_object().expect("jobs")
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().expect("steps")
}

/// What is wrong with a command of a workflow: it is one line, a command of cargo or rustup,
/// or a script of the repository that may be run.
fn problem(command: &str) -> Option<&'static str> {
    if command.contains(['\n', ';', '|', '&', '`']) || command.contains("$(") {
        return Some("has logic of its own: write a script");
    }
    let (is_run_by_bash, words) = match command.strip_prefix("bash ") {
        Some(rest) => (true, rest),
        None => (false, command),
    };
    let program = words.split(' ').next().unwrap_or_default();
    if ["cargo", "rustup"].contains(&program) {
        return None;
    }
    let Ok(metadata) = fs::metadata(root().join(program)) else {
        return Some("starts a script that does not exist");
    };
    match metadata.is_file() && (is_run_by_bash || metadata.permissions().mode() & 0o111 != 0) {
        true => None,
        false => Some("starts a file that is not executable"),
    }
}

#[test]
fn workflows_start_scripts_that_exist() {
    let Some(workflows) = workflows() else { return };
    let mut commands = 0;
    for (file, workflow) in &workflows {
        for (name, job) in jobs(workflow) {
            for command in steps(job).iter().filter_map(|step| step["run"].as_str()) {
                assert_eq!(problem(command), None, "{file}, {name}: {command}");
                commands += 1;
            }
        }
    }
    assert!(commands >= 8, "only {commands} commands were found");
    for (bad, why) in [
        (".ci/nothing", "does not exist"),
        ("Cargo.toml", "not executable"),
        ("cargo test && cargo bench", "logic"),
    ] {
        assert!(
            problem(bad).is_some_and(|problem| problem.contains(why)),
            "{bad}"
        );
    }
}

#[test]
fn every_part_of_ci_runs_on_a_hosted_machine() {
    let Some(workflows) = workflows() else { return };
    let script = fs::read_to_string(root().join(".ci/run")).expect(".ci/run");
    let parts = script
        .lines()
        .find_map(|line| line.strip_prefix("parts=(")?.strip_suffix(')'))
        .expect("the parts");
    let check = &workflows["check.yml"]["jobs"]["debian"];
    let started: Vec<_> = check["strategy"]["matrix"]["part"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|part| part.as_str().expect("a name"))
        .collect();
    assert_eq!(started.join(" "), parts);
}

#[test]
fn actions_are_pinned_and_may_read_only() {
    let Some(workflows) = workflows() else { return };
    for (file, workflow) in &workflows {
        assert_eq!(workflow["permissions"]["contents"], "read", "{file}");
        for (name, job) in jobs(workflow) {
            for action in steps(job).iter().filter_map(|step| step["uses"].as_str()) {
                let (owner, commit) = action.split_once('@').expect("a version");
                let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(
                    owner.starts_with("actions/") && is_commit,
                    "{file}, {name}: {action}"
                );
            }
        }
    }
}

/// The command as `cargo binstall` finds it: in the archives of `release/make`.
#[test]
fn the_addresses_for_binstall_are_those_of_the_archives() {
    let script = "import sys; sys.path.insert(0, 'release'); import project\n\
                  for t in project.TARGETS.values(): print(t.name, t.folder, t.archive.name)";
    let mut python = Command::new("python3");
    python.args(["-B", "-c", script]).current_dir(root());
    let archives = Run::ok(python.env_remove("WANDB_LOGIN_RELEASE_URL")).stdout;
    let metadata = support::cargo("metadata")
        .args(["--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let package = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .find(|package| package["name"] == "wandb-login-cli")
        .expect("the command");
    let binstall = &package["metadata"]["binstall"];
    let version = env!("CARGO_PKG_VERSION");
    // What cargo binstall looks for on a machine, and the target that a release has for it.
    let check = |machine: &str, target: &str, line: &str| {
        let filled = |name: &str| {
            let own = &binstall["overrides"][machine][name];
            let text = own.as_str().or(binstall[name].as_str()).expect("a text");
            text.replace("{ version }", version)
                .replace("{ target }", machine)
        };
        let words: Vec<_> = line.split(' ').collect();
        let [name, folder, archive] = words[..] else {
            panic!("{line}");
        };
        assert_eq!(name, target);
        let url = filled("pkg-url");
        assert!(url.ends_with(&format!("/v{version}/{archive}")), "{url}");
        let ending = filled("pkg-fmt").replace("tgz", "tar.gz");
        assert!(url.ends_with(&format!(".{ending}")), "{url}");
        let place = filled("bin-dir");
        assert_eq!(place, format!("{folder}/bin/{{ bin }}{{ binary-ext }}"));
    };
    for line in archives.lines() {
        let target = line.split(' ').next().expect("a target");
        check(target, target, line);
        if target == "x86_64-pc-windows-gnu" {
            check("x86_64-pc-windows-msvc", target, line);
        }
    }
    assert!(archives.lines().count() >= 5, "{archives}");
}
