//! The headers and the CMake package for Windows, compiled on Linux. `tests/platforms` runs
//! programs there.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{OLDEST, SYSTEM, Tools, dist, text};
use crate::support::{Run, TempDir, root, tool};

fn includes() -> [String; 2] {
    ["include", "bindings/cpp/include"].map(|folder| format!("-I{}", root().join(folder).display()))
}

/// Microsoft's own headers are not here; those of the compiler are enough for the C header.
#[test]
fn the_c_header_compiles_by_the_rules_of_microsoft() {
    let Some(clang) = tool("clang") else { return };
    let folder = TempDir::new();
    for name in ["header.c", "header.cpp"] {
        let file = folder.path().join(name);
        fs::write(&file, "#include <wandb_login.h>\n").expect("write");
        let mut command = Command::new(&clang);
        command.args([
            "--target=x86_64-pc-windows-msvc",
            "-ffreestanding",
            "-fsyntax-only",
        ]);
        command.args([
            "-fms-compatibility",
            "-fms-extensions",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
        ]);
        Run::ok(command.arg("-Werror").args(includes()).arg(file));
    }
}

#[test]
fn the_cpp_header_compiles_after_windows_h() {
    let Some(compiler) = tool("x86_64-w64-mingw32-g++") else {
        return;
    };
    let folder = TempDir::new();
    let file = folder.path().join("header.cpp");
    let text = "#include <windows.h>\n#include <wandb_login.hpp>\n\
                int main() { return wandb::try_login() ? 0 : 1; }\n";
    fs::write(&file, text).expect("write");
    for standard in ["-std=c++17", "-std=c++20"] {
        let mut command = Command::new(&compiler);
        command.args([
            standard,
            "-fsyntax-only",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ]);
        Run::ok(command.args(includes()).arg(&file));
    }
}

/// The DLLs that a program loads.
fn imports(program: &Path) -> Vec<String> {
    let objdump = tool("x86_64-w64-mingw32-objdump").expect("the compiler brings it");
    let run = Run::ok(Command::new(objdump).arg("-p").arg(program));
    let names = run
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    names.map(str::to_owned).collect()
}

#[test]
fn a_project_for_windows_links_the_dll_or_the_static_library() {
    let name = dist::archive_name("x86_64-pc-windows-gnu");
    let Some(release) = dist::file(&name) else {
        return;
    };
    let folder = TempDir::new();
    let source = root().join("tests/cmake-project");
    let toolchain = text(&source.join("mingw.cmake"));
    let compilers = ["x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-g++"];
    for (name, tools) in [
        (
            "makefiles",
            Tools {
                compilers,
                ..OLDEST
            },
        ),
        (
            "ninja",
            Tools {
                compilers,
                ..SYSTEM
            },
        ),
    ] {
        let build = folder.path().join(name);
        let variables = [
            ("CMAKE_TOOLCHAIN_FILE", &*toolchain),
            ("CMAKE_PREFIX_PATH", &*text(&release)),
        ];
        let Some(run) = tools.configure(&source, &build, &variables) else {
            return;
        };
        assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
        tools.build(&build);
        assert!(
            build.join("wandb_login.dll").exists(),
            "the DLL is beside the program"
        );
        for language in ["c", "cpp"] {
            for kind in ["shared", "static", "wandb_login"] {
                let imported = imports(&build.join(format!("{language}_{kind}.exe")));
                let dll = imported.iter().any(|name| name == "wandb_login.dll");
                assert_eq!(dll, kind != "static", "{language} {kind}: {imported:?}");
            }
        }
    }
}
