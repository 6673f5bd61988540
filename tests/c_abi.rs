//! Tests of the C ABI: C99 and C++ programs that use the shared library, and, and the exported symbols.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Home, KEY_1, Run, TempDir, root, tool};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// The tool that checks a program.
#[derive(Clone, Copy, PartialEq)]
enum Checker {
    Nothing,
    /// Reports leaks and invalid memory accesses, including those of the library.
    Valgrind,
    /// Only the program is compiled with the sanitizers, but they also report leaks
    /// of the library.
    Sanitizers,
}

/// A compiler and the language standard.
struct Compiler {
    path: PathBuf,
    standard: &'static str,
}

impl Compiler {
    /// `None`, with a message, if the compiler is not installed.
    fn find(name: &str, standard: &'static str) -> Option<Compiler> {
        Some(Compiler {
            path: tool(name)?,
            standard,
        })
    }

    fn c() -> Option<Compiler> {
        Compiler::find("gcc", "-std=c99")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args([self.standard, "-g"])
            .args(WARNINGS)
            .arg(format!("-I{}", root().join("include").display()));
        command
    }
}

/// A program of `tests/c`, linked with the library in a directory.
struct Program {
    path: PathBuf,
    library: PathBuf,
    checker: Checker,
    _folder: TempDir,
}

impl Program {
    fn build(compiler: &Compiler, source: &Path, library: &Path, checker: Checker) -> Program {
        let folder = TempDir::new();
        let path = folder.path().join("program");
        let mut command = compiler.command();
        if checker == Checker::Sanitizers {
            command.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        command
            .arg(source)
            .arg("-o")
            .arg(&path)
            .arg(format!("-L{}", library.display()))
            .args(["-lwandb_login", "-pthread", "-ldl", "-lm"]);
        Run::ok(&mut command);
        Program {
            path,
            library: library.to_path_buf(),
            checker,
            _folder: folder,
        }
    }

    /// Runs in `home`. `None` if the checker is not installed.
    fn command(&self, home: &Home) -> Option<Command> {
        let mut command = match self.checker {
            Checker::Valgrind => {
                let mut valgrind = home.command(tool("valgrind")?);
                valgrind
                    .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
                    .args(["--show-leak-kinds=all", "--errors-for-leak-kinds=all"])
                    .arg(&self.path);
                valgrind
            }
            Checker::Nothing | Checker::Sanitizers => home.command(&self.path),
        };
        command.env("LD_LIBRARY_PATH", &self.library);
        Some(command)
    }
}

fn source(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

/// A home directory with the workspace that some programs need.
fn home() -> Home {
    let home = Home::new();
    fs::create_dir_all(home.home().join("project/wandb")).expect("a workspace");
    home
}

/// Builds a program and runs it without a checker, and with each checker.
fn passes_with_all_checkers(compiler: &Compiler, name: &str, library: &Path) {
    for checker in [Checker::Nothing, Checker::Valgrind, Checker::Sanitizers] {
        let program = Program::build(compiler, &source(name), library, checker);
        if let Some(mut command) = program.command(&home()) {
            Run::ok(&mut command);
        }
    }
}

fn c_program_passes(name: &str) {
    if let Some(compiler) = Compiler::c() {
        passes_with_all_checkers(&compiler, name, support::library().path());
    }
}

#[test]
fn arguments() {
    c_program_passes("arguments.c");
}

#[test]
fn sessions() {
    c_program_passes("sessions.c");
}

#[test]
fn callbacks() {
    c_program_passes("callbacks.c");
}

#[test]
fn threads() {
    c_program_passes("threads.c");
}

/// As after a thousand calls, so after a million. The clock is read without a system call.
#[test]
fn a_million_calls_of_a_renewer_need_no_memory_and_no_system_call() {
    if let Some(compiler) = Compiler::find("gcc", "-std=gnu11") {
        let library = support::library();
        let source = source("long_run.c");
        let program = Program::build(&compiler, &source, library.path(), Checker::Nothing);
        Run::ok(&mut program.command(&home()).expect("no tool is needed"));
    }
}

#[test]
fn cplusplus() {
    let library = support::library();
    for standard in ["-std=c++14", "-std=c++17", "-std=c++20"] {
        if let Some(compiler) = Compiler::find("g++", standard) {
            let program = Program::build(
                &compiler,
                &source("login.cpp"),
                library.path(),
                Checker::Nothing,
            );
            Run::ok(&mut program.command(&home()).expect("no tool is needed"));
        }
    }
    if let Some(compiler) = Compiler::find("g++", "-std=c++11") {
        passes_with_all_checkers(&compiler, "login.cpp", library.path());
    }
}

#[test]
fn a_panic_returns_an_internal_error() {
    if let Some(compiler) = Compiler::c() {
        passes_with_all_checkers(&compiler, "panic.c", support::panic_library());
    }
}

/// The header compiles without other headers in all supported standards.
#[test]
fn the_header_compiles_alone() {
    let folder = TempDir::new();
    let main = "wandb_login_options options = WANDB_LOGIN_OPTIONS_INIT;\n\
                int main(int argc, char **argv) { return !argv[argc - 1] || options.flags; }\n";
    let text = format!("#include <wandb_login.h>\n#include <wandb_login.h>\n{main}");
    let (c, cpp) = (
        folder.path().join("alone.c"),
        folder.path().join("alone.cpp"),
    );
    fs::write(&c, &text).expect("write");
    fs::write(&cpp, &text).expect("write");
    let mut cases = Vec::new();
    for standard in ["-std=c99", "-std=c11", "-std=c17"] {
        cases.push(("gcc", "clang", standard, &c));
    }
    for standard in ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20"] {
        cases.push(("g++", "clang++", standard, &cpp));
    }
    for (gnu, clang, standard, source) in cases {
        let compilers = [Compiler::find(gnu, standard), installed(clang, standard)];
        for compiler in compilers.into_iter().flatten() {
            let object = folder.path().join("alone.o");
            Run::ok(
                compiler
                    .command()
                    .args(["-Wconversion", "-c"])
                    .arg(source)
                    .arg("-o")
                    .arg(object),
            );
        }
    }
}

/// An optional compiler: no message if it is not installed.
fn installed(name: &str, standard: &'static str) -> Option<Compiler> {
    let paths = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())?;
    Some(Compiler { path, standard })
}

#[test]
fn the_program_in_the_readme_works() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let block = readme
        .split("```c\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let program = fs::read_to_string(source("readme.c")).expect("readme.c");
    assert_eq!(
        block,
        Some(program.as_str()),
        "README.md shows tests/c/readme.c"
    );
    let posted = "POST https://api.wandb.ai/graphql, Authorization: Basic ..., loss";
    let found = format!("epoch 1: loss 1.00\n{posted} 1.00\nepoch 2: loss 0.50\n{posted} 0.50\n");
    // Without a key it trains too.
    let trained = "epoch 1: loss 1.00\nepoch 2: loss 0.50\n";
    let without = ("wandb_login: No API key", trained);
    check_program(&source("readme.c"), &found, without);
}

#[test]
fn the_program_in_the_header_works() {
    let header = fs::read_to_string(root().join("include/wandb_login.h")).expect("the header");
    let program: String = header
        .lines()
        .skip_while(|line| !line.ends_with("#include <stdio.h>"))
        .take_while(|line| !line.ends_with("-lwandb_login"))
        .map(|line| format!("{}\n", line.trim_start_matches(" *")))
        .collect();
    let folder = TempDir::new();
    let path = folder.path().join("example.c");
    fs::write(&path, program).expect("write");
    let found = "W&B API key is configured for https://api.wandb.ai.";
    check_program(&path, found, ("No API key", ""));
}

/// Runs a program with a key, and without one. Without one it succeeds too, and prints
/// `without`: a part of standard error, and standard output.
fn check_program(source: &Path, found: &str, without: (&str, &str)) {
    let Some(compiler) = Compiler::c() else {
        return;
    };
    let library = support::library();
    let program = Program::build(&compiler, source, library.path(), Checker::Valgrind);
    let home = home();
    let Some(mut command) = program.command(&home) else {
        return;
    };
    let run = Run::of(&mut command);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains(without.0), "{}", run.stderr);
    assert_eq!(run.stdout, without.1);
    home.write(
        "home/.netrc",
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    let run = Run::ok(&mut command);
    assert!(run.stdout.starts_with(found), "{}", run.stdout);
    assert!(!run.stdout.contains(KEY_1) && !run.stderr.contains(KEY_1));
}

/// The symbols of the ABI.
fn listed_symbols() -> BTreeSet<String> {
    let list = fs::read_to_string(source("symbols.txt")).expect("symbols.txt");
    list.lines().map(str::to_string).collect()
}

/// The symbols that `nm` lists.
fn exported(nm: &Path, options: &[&str], library: &Path) -> BTreeSet<String> {
    let run = Run::ok(
        Command::new(nm)
            .args(options)
            .arg("--defined-only")
            .arg(library),
    );
    let names = run
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    names
        .map(|name| name.split('@').next().unwrap_or(name).to_string())
        .collect()
}

/// Removing an exported symbol breaks programs.
#[test]
fn the_exported_symbols_are_those_of_symbols_txt() {
    let Some(nm) = tool("nm") else { return };
    let list = listed_symbols();
    let library = support::library();
    let shared = exported(&nm, &["-D"], &library.path().join("libwandb_login.so"));
    assert_eq!(shared, list);
    assert!(!shared.contains("wandb_login_test_panic"));

    let header = fs::read_to_string(root().join("include/wandb_login.h")).expect("the header");
    for name in &list {
        assert!(
            header.contains(&format!("{name}(")),
            "the header declares {name}"
        );
    }
}

/// The static library also exports symbols of Rust's standard library; the script
/// hides them, and the library still works.
#[test]
fn hide_static_leaves_only_the_symbols_of_the_abi() {
    let (Some(nm), Some(_), Some(compiler)) = (tool("nm"), tool("objcopy"), Compiler::c()) else {
        return;
    };
    let folder = TempDir::new();
    let hidden = folder.path().join("libwandb_login.a");
    Run::ok(
        Command::new(root().join("bindings/c/hide-static.sh"))
            .arg(support::built_library("libwandb_login.a"))
            .arg(&hidden),
    );
    let list = listed_symbols();
    assert_eq!(exported(&nm, &["-g"], &hidden), list);
    for name in ["arguments.c", "threads.c"] {
        let program = Program::build(&compiler, &source(name), folder.path(), Checker::Nothing);
        Run::ok(&mut program.command(&home()).expect("no tool is needed"));
    }
}

/// A static copy, two shared ones of other names, and one in a namespace of its own.
#[test]
fn copies_of_the_library_in_one_process_do_not_disturb_each_other() {
    let Some(compiler) = Compiler::find("gcc", "-std=gnu11") else {
        return;
    };
    let folder = TempDir::new();
    let archive = folder.path().join("libwandb_login.a");
    let built = support::built_library("libwandb_login.a");
    std::os::unix::fs::symlink(built, archive).expect("a link");
    let copies = ["one.so", "two.so", "three.so"].map(|name| folder.path().join(name));
    for copy in &copies {
        fs::copy(support::built_library("libwandb_login.so"), copy).expect("a copy");
    }
    let program = Program::build(
        &compiler,
        &source("copies.c"),
        folder.path(),
        Checker::Nothing,
    );
    let home = home();
    let mut command = program.command(&home).expect("no tool is needed");
    Run::ok(command.current_dir(home.home()).args(&copies));
}

/// A library with the functions of a header, which do nothing: C programs know the real
/// one by its header only, and its own debugging information is that of Rust.
fn library_of_header(folder: &TempDir, header: &Path) -> Option<PathBuf> {
    let text = Run::ok(Command::new(tool("gcc")?).args(["-E", "-P"]).arg(header)).stdout;
    let declarations = text.split_inclusive(';').filter(|declaration| {
        declaration.contains("wandb_") && declaration.contains('(') && !declaration.contains("(*")
    });
    let definitions: String = declarations
        .map(|declaration| declaration.replace(';', " { __builtin_trap(); }\n"))
        .collect();
    let file = folder.path().join("functions.c");
    let include = format!("#include \"{}\"\n", header.display());
    fs::write(&file, include + &definitions).expect("write");
    let library = folder.path().join("libwandb_login.so");
    let mut command = Command::new(tool("gcc")?);
    command.args([
        "-g",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libwandb_login.so.0",
        "-o",
    ]);
    Run::ok(command.arg(&library).arg(file));
    assert_eq!(exported(&tool("nm")?, &["-D"], &library), listed_symbols());
    Some(library)
}

/// The ABI as libabigail sees it, without paths and lines.
fn dump(folder: &TempDir, library: &Path, headers: &Path) -> Option<String> {
    let mut command = Command::new(tool("abidw")?);
    command
        .current_dir(folder.path())
        .args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"])
        .args(["--no-elf-needed", "--drop-private-types", "--headers-dir"])
        .arg(headers)
        .arg(library);
    Some(Run::ok(&mut command).stdout)
}

/// Programs that were compiled against a released version work with this one: nothing
/// was removed or changed. `WANDB_LOGIN_UPDATE_ABI=1` records the ABI of a new release.
#[test]
fn the_abi_of_each_release_is_kept() {
    let (folder, headers) = (TempDir::new(), root().join("include"));
    let Some(library) = library_of_header(&folder, &headers.join("wandb_login.h")) else {
        return;
    };
    let Some(now) = dump(&folder, &library, &headers) else {
        return;
    };
    let releases = root().join("tests/c/abi");
    if std::env::var_os("WANDB_LOGIN_UPDATE_ABI").is_some_and(|value| value == "1") {
        let name = format!("{}.abi", env!("CARGO_PKG_VERSION"));
        fs::write(releases.join(name), &now).expect("write");
    }
    let current = folder.path().join("now.abi");
    let compare = |release: &Path, now: &str| {
        fs::write(&current, now).expect("write");
        let abidiff = tool("abidiff").expect("it belongs to abidw");
        Run::of(Command::new(abidiff).arg(release).arg(&current))
    };
    let mut compared = 0;
    for release in fs::read_dir(releases).expect("a folder").flatten() {
        let release = release.path();
        let run = compare(&release, &now);
        let [only_additions, incompatible] = [4, 8];
        let code = run.code.expect("it ends");
        assert_eq!(code & !only_additions, 0, "{}", run.stdout);
        let changes = run
            .stdout
            .lines()
            .filter(|line| line.contains(" summary: "));
        for line in changes {
            assert!(line.contains(": 0 Removed, 0 Changed"), "{}", run.stdout);
        }
        // A removed function is noticed.
        let removed = now.replace("wandb_login_check", "wandb_login_chock");
        let code = compare(&release, &removed).code.expect("it ends");
        assert_ne!(code & incompatible, 0);
        compared += 1;
    }
    assert!(compared > 0);
}

/// Builds the second library of `tests/c/second.rs`.
fn second_library(folder: &TempDir) -> PathBuf {
    let library = folder.path().join("libsecond.a");
    let rustc = option_env!("RUSTC").unwrap_or("rustc");
    let mut command = Command::new(rustc);
    command.args([
        "--edition=2024",
        "--crate-type=staticlib",
        "-Cdebuginfo=0",
        "-o",
    ]);
    Run::ok(command.arg(&library).arg(source("second.rs")));
    library
}

/// Each of two Rust libraries catches its own panics, whatever linker and order.
#[test]
fn the_hidden_static_library_works_beside_another_rust_library() {
    let (Some(_), Some(compiler)) = (tool("objcopy"), Compiler::c()) else {
        return;
    };
    let folder = TempDir::new();
    let ours = folder.path().join("libours.a");
    Run::ok(
        Command::new(root().join("bindings/c/hide-static.sh"))
            .arg(support::static_panic_library())
            .arg(&ours),
    );
    let second = second_library(&folder);
    let program = folder.path().join("program");
    for linker in ["bfd", "gold", "lld"] {
        if tool(&format!("ld.{linker}")).is_none() {
            continue;
        }
        for pie in [["-fPIE", "-pie"], ["-fno-PIE", "-no-pie"]] {
            for libraries in [[&ours, &second], [&second, &ours]] {
                let mut command = compiler.command();
                command
                    .arg(format!("-fuse-ld={linker}"))
                    .args(pie)
                    .arg(source("second.c"))
                    .args(libraries)
                    .args(["-pthread", "-ldl", "-lm", "-lutil", "-lrt", "-o"])
                    .arg(&program);
                Run::ok(&mut command);
                Run::ok(&mut home().command(&program));
            }
        }
    }
}

/// A program that was linked with the path of the library records the soname, not the
/// path.
#[test]
fn programs_record_the_soname() {
    let (Some(readelf), Some(compiler)) = (tool("readelf"), Compiler::c()) else {
        return;
    };
    let library = support::library();
    let file = library.path().join("libwandb_login.so");
    let run = Run::ok(Command::new(&readelf).arg("-d").arg(&file));
    assert!(
        run.stdout.contains("Library soname: [libwandb_login.so.0]"),
        "{}",
        run.stdout
    );

    let program = library.path().join("by-path");
    Run::ok(
        compiler
            .command()
            .arg(source("readme.c"))
            .arg(&file)
            .arg("-o")
            .arg(&program),
    );
    let run = Run::ok(Command::new(&readelf).arg("-d").arg(&program));
    assert!(
        run.stdout.contains("Shared library: [libwandb_login.so.0]"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("target"), "{}", run.stdout);
}
