//! The programs of another project, which finds the library in each way.

use std::path::Path;
use std::process::Command;

use super::{NEWEST, OLDEST, Release, SYSTEM, Tools, text, unwrapped};
use crate::prefix::{cargo_folder, prefix};
use crate::support::{Home, KEY_1, MPI_VARIABLES, Run, TempDir, root, tool};

const PROGRAMS: [&str; 6] = [
    "c_shared",
    "c_static",
    "c_wandb_login",
    "cpp_shared",
    "cpp_static",
    "cpp_wandb_login",
];

/// Runs the programs. `default` is the kind of library that `wandb_login::wandb_login`
/// should be.
fn run_programs(folder: &Path, default: &str) {
    let home = Home::new();
    for program in PROGRAMS {
        let mut command = home.command(folder.join(program));
        command.env("WANDB_API_KEY", KEY_1);
        assert_eq!(
            Run::ok(&mut command).stdout,
            "WANDB_API_KEY https://api.wandb.ai\n",
            "{program}"
        );
        let (_, kind) = program.split_once('_').expect("a kind");
        let kind = if kind == "wandb_login" { default } else { kind };
        let expected = (kind == "shared").then_some("libwandb_login.so.0");
        let libraries = needed(&folder.join(program));
        let library = libraries.iter().find(|name| name.contains("wandb"));
        assert_eq!(library.map(String::as_str), expected, "{program}");
    }
}

/// The libraries that a program loads.
pub(crate) fn needed(program: &Path) -> Vec<String> {
    let readelf = tool("readelf").expect("the compiler brings it");
    let run = Run::ok(Command::new(readelf).arg("-dW").arg(program));
    let lines = run.stdout.lines().filter(|line| line.contains("(NEEDED)"));
    let names = lines.filter_map(|line| line.split(['[', ']']).nth(1));
    names.map(str::to_owned).collect()
}

/// Builds and runs the project. `message` is what CMake says about the library. Returns the
/// build folder.
fn downstream(
    tools: &Tools,
    default: &str,
    message: &str,
    variables: &[(&str, &str)],
) -> Option<TempDir> {
    let folder = TempDir::new();
    let build = folder.path().join("a folder"); // with a space in its name
    let mut variables = variables.to_vec();
    if default == "static" {
        variables.push(("BUILD_SHARED_LIBS", "OFF")); // else not a word of it
    }
    let run = tools.configure(&root().join("tests/cmake-project"), &build, &variables)?;
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.stderr, "", "{}", run.stdout);
    let lines: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("-- libwandb_login"))
        .collect();
    assert!(lines.len() == 1 && lines[0].contains(message), "{lines:?}");
    tools.build(&build);
    run_programs(&build, default);
    Some(folder)
}

#[test]
fn the_installed_package_is_found() {
    let Some(prefix) = prefix() else { return };
    let prefix = text(prefix);
    let message = format!("prebuilt in {prefix}");
    let variables = [("CMAKE_PREFIX_PATH", &*prefix), ("WITH_MPI", "ON")];
    let Some(made) = downstream(&OLDEST, "shared", &message, &variables) else {
        return;
    };
    let Some(mpirun) = tool("mpirun") else { return };
    let home = Home::new();
    let mut command = home.command(mpirun);
    command
        .envs(MPI_VARIABLES)
        .env("TMPDIR", home.base())
        .env("WANDB_API_KEY", KEY_1);
    let run = Run::ok(
        command
            .args(["-n", "2"])
            .arg(made.path().join("a folder/mpi")),
    );
    assert_eq!(run.stdout, "https://api.wandb.ai\n".repeat(2));
}

#[test]
fn a_moved_release_is_found() {
    let Some(release) = Release::new() else {
        return;
    };
    let prefix = text(&release.path());
    let message = format!("prebuilt in {prefix}");
    downstream(
        &NEWEST,
        "static",
        &message,
        &[("CMAKE_PREFIX_PATH", &prefix)],
    );
}

#[test]
fn another_major_or_a_newer_version_is_not_found() {
    let Some(prefix) = prefix() else { return };
    let folder = TempDir::new();
    for wanted in ["0.99", "1.0"] {
        let variables = [("CMAKE_PREFIX_PATH", &*text(prefix)), ("WANTED", wanted)];
        let source = root().join("tests/cmake-project");
        let Some(run) = SYSTEM.configure(&source, folder.path(), &variables) else {
            return;
        };
        assert_ne!(run.code, Some(0), "{wanted}");
        let version = format!("version: {}", super::VERSION);
        assert!(run.stderr.contains(&version), "{}", run.stderr);
    }
}

/// FetchContent in projects that call `find_package` for the same package.
#[test]
fn find_package_takes_the_archive_that_was_fetched() {
    let Some(release) = Release::new() else {
        return;
    };
    let (archive, sum) = release.pack();
    for (tools, option) in [
        (SYSTEM, "OVERRIDE_FIND_PACKAGE"),
        (SYSTEM, "FIND_PACKAGE_ARGS"),
        (NEWEST, "OVERRIDE_FIND_PACKAGE"),
    ] {
        let folder = TempDir::new();
        let variables = [
            ("FROM", "archive"),
            ("FIND_PACKAGE", option),
            ("LIBWANDB_LOGIN", &*text(&archive)),
            ("SHA256", &*sum),
        ];
        let source = root().join("tests/cmake-project");
        let Some(run) = tools.configure(&source, folder.path(), &variables) else {
            return;
        };
        assert_eq!(run.code, Some(0), "{option}: {}", run.stderr);
        let message = "-- libwandb_login";
        assert_eq!(run.stdout.matches(message).count(), 1, "{}", run.stdout);
    }
}

#[test]
fn a_release_is_a_folder_of_the_project() {
    let Some(release) = Release::new() else {
        return;
    };
    let folder = text(&release.path());
    let message = format!("prebuilt in {folder}");
    let variables = [("FROM", "subdirectory"), ("LIBWANDB_LOGIN", &*folder)];
    downstream(&SYSTEM, "shared", &message, &variables);
}

#[test]
fn fetchcontent_unpacks_a_release() {
    let Some(release) = Release::new() else {
        return;
    };
    let (archive, sum) = release.pack();
    let archive = text(&archive);
    let variables = [
        ("FROM", "archive"),
        ("LIBWANDB_LOGIN", &*archive),
        ("SHA256", &*sum),
    ];
    downstream(&OLDEST, "static", "_deps/wandb_login-src", &variables);
}

#[test]
fn the_source_uses_a_prebuilt_library() {
    let Some(release) = Release::new() else {
        return;
    };
    let prefix = text(&release.path());
    let source = text(&root().join("bindings/cpp"));
    let variables = [
        ("FROM", "subdirectory"),
        ("LIBWANDB_LOGIN", &*source),
        ("WANDB_LOGIN_PREBUILT", &*prefix),
    ];
    let message = format!("prebuilt in {prefix} (WANDB_LOGIN_PREBUILT)");
    downstream(&NEWEST, "shared", &message, &variables);
}

/// Builds the library as a part of another project.
fn cargo_builds_it(tools: &Tools, default: &str, variables: &[(&str, &str)]) {
    if prefix().is_none() {
        return;
    }
    let cargo = text(&cargo_folder());
    let variables = [variables, &[("WANDB_LOGIN_CARGO_TARGET_DIR", &*cargo)]].concat();
    let Some(folder) = downstream(tools, default, "built by cargo", &variables) else {
        return;
    };
    // Nothing changed, so nothing is linked again.
    let made = folder.path().join("a folder");
    let again = tools.build(&made);
    assert!(!again.stdout.contains("Linking"), "{}", again.stdout);
    // The library is not installed with the project that contains it.
    let installed = folder.path().join("installed");
    let cmake = super::cmake(tools.cmake).expect("it has built the project");
    let mut install = Command::new(cmake);
    install.arg("--install").arg(&made);
    Run::ok(install.arg("--prefix").arg(&installed));
    assert!(installed.join("bin/cpp_shared").exists());
    assert!(!installed.join("include").exists() && !installed.join("lib").exists());
}

#[test]
fn cargo_builds_it_in_a_folder_of_the_project() {
    let source = text(&root().join("bindings/cpp"));
    let variables = [("FROM", "subdirectory"), ("LIBWANDB_LOGIN", &*source)];
    cargo_builds_it(&NEWEST, "shared", &variables);
}

#[test]
fn cargo_builds_it_for_fetchcontent() {
    let source = text(root());
    // CMake 3.16 does not know SOURCE_SUBDIR, which came with 3.18.
    let variables = [
        ("FROM", "source"),
        ("LIBWANDB_LOGIN", &*source),
        ("SOURCE_SUBDIR", "bindings/cpp"),
    ];
    cargo_builds_it(&SYSTEM, "static", &variables);
}

/// The example is a target of CMake. `tests/runs` shows what it sends.
#[test]
fn the_example_is_built_by_cmake_and_trains() {
    if prefix().is_none() {
        return;
    }
    let folder = TempDir::new();
    let cargo = text(&cargo_folder());
    let variables = [
        ("WANDB_LOGIN_EXAMPLES", "ON"),
        ("WANDB_LOGIN_INSTALL", "OFF"),
        ("WANDB_LOGIN_CARGO_TARGET_DIR", &*cargo),
    ];
    let source = root().join("bindings/cpp");
    let Some(run) = SYSTEM.configure(&source, folder.path(), &variables) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{}", unwrapped(&run.stderr));
    SYSTEM.build(folder.path());
    let (train, home) = (folder.path().join("examples/train"), Home::new());
    let run = Run::ok(home.command(&train).arg("20").env("WANDB_MODE", "offline"));
    let lines = run.stdout.lines();
    let losses = lines.filter_map(|line| line.split_once("loss "));
    let losses: Vec<f64> = losses
        .map(|(_, loss)| loss.parse().expect("a number"))
        .collect();
    assert_eq!(losses.len(), 20, "{}", run.stdout);
    assert!(losses[19] < losses[0] / 2.0, "{}", run.stdout);
}
