//! Checks that the library can work on the system that it is built for. The supported
//! systems are listed in docs/platforms.md.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    let target = Target {
        name: value("TARGET"),
        families: value("CARGO_CFG_TARGET_FAMILY"),
        system: value("CARGO_CFG_TARGET_OS"),
        processor: value("CARGO_CFG_TARGET_ARCH"),
        pointer_width: value("CARGO_CFG_TARGET_POINTER_WIDTH"),
    };
    match target.check() {
        Support::Yes => ExitCode::SUCCESS,
        Support::Untested => {
            println!(
                "cargo::warning=libwandb_login was never run on {}",
                target.name
            );
            ExitCode::SUCCESS
        }
        Support::No(reason) => {
            println!(
                "cargo::error=libwandb_login does not support the target {}: {reason}",
                target.name
            );
            ExitCode::FAILURE
        }
    }
}

/// A target as cargo describes it.
struct Target {
    name: String,
    families: String,
    system: String,
    processor: String,
    pointer_width: String,
}

enum Support {
    Yes,
    /// It may work: nothing in the code is against it.
    Untested,
    No(&'static str),
}

impl Target {
    fn check(&self) -> Support {
        let is_unix = self.families.split(',').any(|family| family == "unix");
        if !is_unix && self.system != "windows" {
            return Support::No("it needs Linux, macOS, Windows or another Unix system");
        }
        if self.pointer_width != "64" {
            return Support::No("it needs a 64-bit processor, such as x86-64 or arm64");
        }
        match (self.system.as_str(), self.processor.as_str()) {
            ("linux" | "macos", "x86_64" | "aarch64") | ("windows", "x86_64") => Support::Yes,
            _ => Support::Untested,
        }
    }
}
