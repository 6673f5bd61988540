//! What is measured: the library as it is shipped, and the C programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{self, Run, TempDir, root};

/// The features of the library as it is shipped.
const HTTP: [&str; 2] = ["--features", "http"];

/// The compiled libraries and programs, in a folder of their own.
pub struct Built {
    folder: TempDir,
    /// How long the shared library took to build, if it was built from clean: where there
    /// was no `target/bench`.
    pub from_clean: Option<Duration>,
}

impl Built {
    /// Builds everything, from clean where no earlier run has left anything.
    pub fn new() -> Built {
        let target = root().join("target/bench");
        let clean = !target.exists();
        let built = Built::in_empty_folder();
        let start = Instant::now();
        built.shared_library(&target);
        let from_clean = clean.then(|| start.elapsed());
        built.library(&target, "cdylib", &[], "without_http.so");
        built.library(&target, "staticlib", &HTTP, "http.a");
        built.library(&target, "staticlib", &[], "without_http.a");
        built.programs_with_library();
        built.programs();
        Built {
            from_clean,
            ..built
        }
    }

    /// Builds the shared library and the programs that use it, from what an earlier release
    /// build has left in `target`.
    #[allow(dead_code)] // for the test `counts`
    pub fn shared() -> Built {
        let built = Built::in_empty_folder();
        built.shared_library(&root().join("target"));
        built.programs_with_library();
        built
    }

    fn in_empty_folder() -> Built {
        Built {
            folder: TempDir::new(),
            from_clean: None,
        }
    }

    /// With the name that programs look for, too.
    fn shared_library(&self, target: &Path) {
        self.library(target, "cdylib", &HTTP, "libwandb_login.so");
        let soname = self.path("libwandb_login.so.0");
        std::os::unix::fs::symlink("libwandb_login.so", soname).expect("a link");
    }

    /// As the README says to build it for use.
    fn library(&self, target: &Path, kind: &str, features: &[&str], name: &str) {
        let mut cargo = support::cargo("rustc");
        cargo
            .args(["--release", "--package", "wandb-login-c", "--lib"])
            .args(["--crate-type", kind, "--no-default-features"])
            .args(features)
            .arg("--target-dir")
            .arg(target);
        Run::ok(&mut cargo);
        let file = match kind {
            "cdylib" => "libwandb_login.so",
            _ => "libwandb_login.a",
        };
        fs::copy(target.join("release").join(file), self.path(name)).expect("cargo built it");
    }

    fn programs_with_library(&self) {
        let ours = [
            "-L.".to_owned(),
            format!("-Wl,-rpath,{}", self.folder.path().display()),
            "-lwandb_login".to_owned(),
            "-pthread".to_owned(),
        ];
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        for name in ["check", "store", "login", "renewer"] {
            self.compile(name, name, &ours);
        }
        self.compile("load", "load", &["-ldl"]);
        self.compile("empty.so", "empty", &["-shared", "-fPIC"]);
    }

    fn programs(&self) {
        for name in ["read", "replace", "launch", "scan"] {
            self.compile(name, name, &[]);
        }
        self.compile("nothing", "login", &["-DNOTHING"]);
        self.compile("clocks", "renewer", &["-DCLOCKS", "-pthread"]);
        self.compile("mutex", "renewer", &["-DMUTEX", "-pthread"]);
        let system = ["-lpthread", "-ldl", "-lm", "-lutil", "-lrt"];
        for library in ["http.a", "without_http.a"] {
            let mut options = vec!["-Wl,--gc-sections", "-s", library];
            options.extend(system);
            self.compile(&format!("static_{library}"), "login", &options);
        }
        self.compile("static_nothing", "login", &["-DNOTHING", "-s"]);
        if self.has_curl() {
            for name in ["post", "curl_netrc"] {
                self.compile(name, name, &["-lcurl"]);
            }
        }
    }

    fn compile(&self, name: &str, source: &str, options: &[&str]) {
        let source = source_folder().join(source).with_extension("c");
        let mut compiler = Command::new("cc");
        compiler
            .args([
                "-O2",
                "-std=c11",
                "-D_GNU_SOURCE",
                "-Wall",
                "-Wextra",
                "-Werror",
            ])
            .arg("-I")
            .arg(root().join("include"))
            .arg(source)
            .args(options)
            .arg("-o")
            .arg(name)
            .current_dir(self.folder.path());
        Run::ok(&mut compiler);
    }

    /// Whether programs can be built with libcurl.
    pub fn has_curl(&self) -> bool {
        let mut compiler = Command::new("cc");
        compiler.args(["-E", "-include", "curl/curl.h", "-x", "c", "/dev/null"]);
        Run::of(&mut compiler).code == Some(0)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn size(&self, name: &str) -> f64 {
        fs::metadata(self.path(name)).expect("it was built").len() as f64
    }
}

pub fn source_folder() -> PathBuf {
    root().join("benches/table/c")
}

/// How many crates the library is made of, itself included.
pub fn crates(features: &[&str]) -> f64 {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "tree",
            "--package",
            "wandb-login",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .arg("--no-default-features")
        .args(features)
        .current_dir(root());
    let tree = Run::ok(&mut cargo).stdout;
    let mut names: Vec<&str> = tree.lines().collect();
    names.sort_unstable();
    names.dedup();
    names.len() as f64
}
