//! The build script says clearly where the library cannot work. It is compiled and run
//! here as cargo does it for other targets.

#![cfg(unix)] // the other helpers of tests/support are for Unix

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::{Run, TempDir, root};

/// The compiled build script.
struct BuildScript {
    program: PathBuf,
    _folder: TempDir,
}

impl BuildScript {
    fn compile() -> BuildScript {
        let folder = TempDir::new();
        let program = folder.path().join("build-script");
        let mut rustc = Command::new(option_env!("RUSTC").unwrap_or("rustc"));
        rustc.args(["--edition=2024", "-o"]).arg(&program);
        Run::ok(rustc.arg(root().join("build.rs")));
        BuildScript {
            program,
            _folder: folder,
        }
    }

    /// Runs it for a target: its name, families, system, processor and pointer width.
    fn run(&self, [name, families, system, processor, width]: [&str; 5]) -> Run {
        Run::of(
            Command::new(&self.program)
                .env_clear()
                .env("TARGET", name)
                .env("CARGO_CFG_TARGET_FAMILY", families)
                .env("CARGO_CFG_TARGET_OS", system)
                .env("CARGO_CFG_TARGET_ARCH", processor)
                .env("CARGO_CFG_TARGET_POINTER_WIDTH", width),
        )
    }
}

#[test]
fn supported_targets_build_without_a_message() {
    let script = BuildScript::compile();
    for target in [
        ["x86_64-unknown-linux-gnu", "unix", "linux", "x86_64", "64"],
        [
            "aarch64-unknown-linux-musl",
            "unix",
            "linux",
            "aarch64",
            "64",
        ],
        ["aarch64-apple-darwin", "unix", "macos", "aarch64", "64"],
        [
            "x86_64-pc-windows-msvc",
            "windows",
            "windows",
            "x86_64",
            "64",
        ],
    ] {
        let run = script.run(target);
        assert_eq!(run.code, Some(0), "{target:?}");
        assert_eq!(
            run.stdout, "cargo::rerun-if-changed=build.rs\n",
            "{target:?}"
        );
    }
}

#[test]
fn targets_that_nobody_has_tried_build_with_a_warning() {
    let script = BuildScript::compile();
    for target in [
        [
            "riscv64gc-unknown-linux-gnu",
            "unix",
            "linux",
            "riscv64",
            "64",
        ],
        ["x86_64-unknown-freebsd", "unix", "freebsd", "x86_64", "64"],
        [
            "aarch64-pc-windows-msvc",
            "windows",
            "windows",
            "aarch64",
            "64",
        ],
    ] {
        let run = script.run(target);
        let warning = format!(
            "\ncargo::warning=libwandb_login was never run on {}\n",
            target[0]
        );
        assert_eq!(run.code, Some(0), "{target:?}");
        assert!(run.stdout.ends_with(&warning), "{}", run.stdout);
    }
}

#[test]
fn targets_where_the_library_cannot_work_are_an_error_with_the_reason() {
    let script = BuildScript::compile();
    let system = "it needs Linux, macOS, Windows or another Unix system";
    let processor = "it needs a 64-bit processor, such as x86-64 or arm64";
    for (target, reason) in [
        (["wasm32-wasip1", "wasm", "wasi", "wasm32", "32"], system),
        (
            ["wasm32-unknown-unknown", "wasm", "unknown", "wasm32", "32"],
            system,
        ),
        (["x86_64-unknown-uefi", "", "uefi", "x86_64", "64"], system),
        (
            [
                "wasm32-unknown-emscripten",
                "unix,wasm",
                "emscripten",
                "wasm32",
                "32",
            ],
            processor,
        ),
        (
            [
                "armv7-unknown-linux-gnueabihf",
                "unix",
                "linux",
                "arm",
                "32",
            ],
            processor,
        ),
        (
            ["i686-pc-windows-msvc", "windows", "windows", "x86", "32"],
            processor,
        ),
    ] {
        let run = script.run(target);
        let error = format!(
            "\ncargo::error=libwandb_login does not support the target {}: {reason}\n",
            target[0]
        );
        assert_eq!(run.code, Some(1), "{target:?}");
        assert!(run.stdout.ends_with(&error), "{}", run.stdout);
    }
}
