//! What the integration tests share: a home of their own, the built library,
//! and the tools of other languages.
//!
//! Each test has its own home and working directory in a temporary folder, and
//! starts programs with an empty environment: nothing reaches the real home, and
//! tests run in parallel.

#![allow(unreachable_pub)] // several test binaries share this file
#![allow(dead_code)] // each test file uses its own part of this

pub mod logins;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;
pub mod svg;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub use platform::*;

/// Keys that look like nobody's.
pub const KEY_1: &str = "1111111111111111111111111111111111111111";
pub const KEY_2: &str = "2222222222222222222222222222222222222222";
pub const KEY_3: &str = "3333333333333333333333333333333333333333";
pub const KEY_4: &str = "4444444444444444444444444444444444444444";

/// A folder that is removed with all that is in it.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            // Always as long: what a program does with its path is counted.
            let name = format!("wandb-login-test-{:07}-{count:04}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                // Left by a process that had the same number and was killed.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => {
                    made.expect("a temporary folder can be made");
                    return TempDir(platform::resolved(&path));
                }
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A home directory and a working directory of a test's own.
pub struct Home {
    base: TempDir,
}

impl Home {
    pub fn new() -> Home {
        let base = TempDir::new();
        fs::create_dir(base.path().join("home")).expect("home");
        fs::create_dir(base.path().join("cwd")).expect("cwd");
        Home { base }
    }

    /// The folder that holds both, for anything else.
    pub fn base(&self) -> &Path {
        self.base.path()
    }

    pub fn home(&self) -> PathBuf {
        self.base.path().join("home")
    }

    pub fn cwd(&self) -> PathBuf {
        self.base.path().join("cwd")
    }

    /// The path of a file that is named from the folder that holds both
    /// (`home/.netrc`).
    pub fn path(&self, path: &str) -> PathBuf {
        self.base.path().join(path.split('/').collect::<PathBuf>())
    }

    /// Writes a file, readable for the user alone, and returns its path.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("parents");
        fs::write(&path, text).expect("write");
        restrict(&path);
        path
    }

    /// A file's bytes; `None` if there is none.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    /// The same as text.
    pub fn text(&self, path: &str) -> Option<String> {
        self.read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The variable of the home directory, as an entry of an environment.
    pub fn entry(&self) -> String {
        format!("{HOME}={}", self.home().display())
    }

    /// A program in this home: nothing of the test's own environment but what every
    /// program needs.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let own = |name| Some((name, std::env::var_os(name)?));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env(HOME, self.home())
            .envs(SYSTEM_VARIABLES.into_iter().filter_map(own))
            .current_dir(self.cwd())
            .stdin(Stdio::null());
        command
    }

    /// The command line of this project in this home.
    pub fn wandb_login(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(wandb_login_path());
        command.args(arguments);
        command
    }
}

/// What a program left.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Runs a program to its end.
    pub fn of(command: &mut Command) -> Run {
        Run::from(
            command
                .output()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    /// The same with something on standard input.
    pub fn with_input(command: &mut Command, input: impl AsRef<[u8]>) -> Run {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut pipe = child.stdin.take().expect("a pipe");
        // A program may end without having read it.
        let _ = pipe.write_all(input.as_ref());
        drop(pipe);
        Run::from(child.wait_with_output().expect("it ends"))
    }

    /// The same, and it must succeed.
    pub fn ok(command: &mut Command) -> Run {
        let run = Run::of(command);
        assert_eq!(
            run.code,
            Some(0),
            "{command:?}\n--- stdout\n{}\n--- stderr\n{}",
            run.stdout,
            run.stderr
        );
        run
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Makes a file read-only.
pub fn make_read_only(path: &Path) {
    let mut permissions = fs::metadata(path).expect("metadata").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions).expect("permissions");
}

/// The root of the repository.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors();
    folders
        .find(|folder| folder.join("tests/support").is_dir())
        .expect("each package of the workspace is below its root")
}

/// The code blocks of a Markdown page of the repository: language and text.
pub fn code_blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(page)).expect("a page");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| *line != "```");
            let code = code.map(|line| format!("{line}\n")).collect();
            blocks.push((language.to_owned(), code));
        }
    }
    blocks
}

/// The command line of this project; only the tests of its own package have it.
pub fn wandb_login_path() -> &'static str {
    match option_env!("CARGO_BIN_EXE_wandb-login") {
        Some(path) => path,
        None => panic!("only tests of bindings/cli have the command"),
    }
}

/// The shared library `libwandb_login.so` or the static one `libwandb_login.a`. `cargo
/// test` builds neither: it builds what tests are linked with.
pub fn built_library(file: &str) -> PathBuf {
    static ONCE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let folder = ONCE.get_or_init(|| {
        let target = root().join("target");
        let features = match cfg!(feature = "http") {
            true => &["--features", "http"][..],
            false => &[],
        };
        Run::ok(
            cargo("build")
                .args(["--package", "wandb-login-c", "--no-default-features"])
                .args(features)
                .arg("--target-dir")
                .arg(&target),
        );
        target.join("debug")
    });
    folder.join(file)
}

/// A command of cargo at the root of the repository. What cargo tells a test about its
/// package is removed: a build script would run again because of it.
pub fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args([subcommand, "--quiet"]);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
}

/// The static library with the `panic-test` feature.
pub fn static_panic_library() -> PathBuf {
    build_with_panic_test("staticlib").join("libwandb_login.a")
}

/// Builds the library with the `panic-test` feature, and returns the folder with it.
fn build_with_panic_test(crate_type: &str) -> PathBuf {
    let target = root().join("target/panic-test");
    fs::create_dir_all(&target).expect("a folder");
    // Test files run as processes of their own.
    let lock = fs::File::create(target.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    Run::ok(
        cargo("rustc")
            .args(["--package", "wandb-login-c", "--lib"])
            .args(["--crate-type", crate_type])
            .args(["--no-default-features", "--features", "panic-test"])
            .arg("--target-dir")
            .arg(&target),
    );
    target.join("debug")
}

/// What Open MPI needs to start more ranks than there are processors, as root and in
/// containers, where a process must not read the memory of another one.
pub const MPI_VARIABLES: [(&str, &str); 6] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
    ("OMPI_MCA_btl", "self,vader"),
    ("OMPI_MCA_btl_vader_single_copy_mechanism", "none"),
];

/// Whether a missing tool is a failure: in CI it is.
pub fn strict() -> bool {
    std::env::var_os("WANDB_LOGIN_TEST_STRICT").is_some_and(|value| value == "1")
}

/// Finds a program that a test needs. Where there is none the test says so
/// loudly and passes over; in strict mode it fails.
pub fn tool(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Says why a test is passed over; in strict mode that is a failure.
pub fn skip(why: &str) {
    assert!(!strict(), "{why}, and WANDB_LOGIN_TEST_STRICT=1");
    eprintln!("\n*** NOT TESTED: {why} ***\n");
}

/// The version of the SDK that the recorded behavior is that of.
pub const SDK: &str = "0.31.0";

/// A Python that has the current SDK: the one named by `WANDB_LOGIN_TEST_PYTHON`,
/// else that of a virtual environment.
pub fn sdk_python() -> Option<PathBuf> {
    static ONCE: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| match std::env::var_os("WANDB_LOGIN_TEST_PYTHON") {
        Some(python) => Some(PathBuf::from(python)),
        None => sdk_environment(SDK),
    })
    .clone()
}

/// A Python that has this version of the SDK.
pub fn sdk_python_of(version: &str) -> Option<PathBuf> {
    match version {
        SDK => sdk_python(),
        _ => sdk_environment(version),
    }
}

/// The Python of a virtual environment with this version of the SDK. It is created
/// once, in the folder of `.ci/tools` or under `target`.
fn sdk_environment(version: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("WANDB_LOGIN_TOOLS").map(PathBuf::from);
    let folder = tools.unwrap_or_else(|| root().join("target"));
    let environment = folder.join(format!("sdk-{version}"));
    let python = environment.join("bin/python");
    if has_sdk(&python, version) {
        return Some(python);
    }
    fs::create_dir_all(&folder).ok()?;
    let lock = fs::File::create(environment.with_extension("lock")).ok()?;
    lock.lock().ok()?;
    if !has_sdk(&python, version) {
        let _ = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment)
            .output();
        let _ = Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args([&format!("wandb=={version}"), "setuptools<81"]) // 0.16 imports it
            .output();
    }
    if has_sdk(&python, version) {
        return Some(python);
    }
    skip(&format!(
        "wandb {version} cannot be installed into a virtual environment"
    ));
    None
}

fn has_sdk(python: &Path, version: &str) -> bool {
    let probe = format!("import importlib.metadata as m; assert m.version('wandb') == '{version}'");
    let run = Command::new(python).args(["-c", &probe]).output();
    run.is_ok_and(|output| output.status.success())
}
