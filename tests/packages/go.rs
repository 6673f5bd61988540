//! The Go module of a release, served from its file as by a module proxy.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dist::{self, VERSION};
use crate::machine::{Files, Machine, Stopwatch, program_logs_in};
use crate::support::{Run, code_blocks, root, skip, tool};

/// A machine with Go, and a proxy that serves the released module and `example.com/library`,
/// a module that depends on it.
struct Go {
    machine: Machine,
    program: PathBuf,
    module: String,
}

impl Go {
    fn new() -> Option<Go> {
        let file = dist::file(&format!("wandb-login-{VERSION}-go.zip"))?;
        let program = tool("go")?;
        let python = tool("python3")?;
        tool("cc")?;
        let machine = Machine::new();
        let unzip = ["-m", "zipfile", "-e"];
        let mut command = machine.command(&python);
        Run::ok(command.args(unzip).arg(file).arg(machine.at("proxy")));
        let module = module_path(&root().join("bindings/go/go.mod"));
        let go = Go {
            machine,
            program,
            module,
        };
        go.publish_library(&python);
        Some(go)
    }

    /// Go with an empty module cache. It has no network and no pkg-config.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.run(&self.program);
        command.args(arguments);
        command
    }

    /// A program with the environment of Go, in the folder of a Go program.
    fn run(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.machine.command(program);
        let proxy = self.machine.at("proxy");
        command
            .current_dir(self.machine.at("program"))
            // The compiled standard library, which is the same for all tests.
            .env("GOCACHE", root().join("target/go/cache"))
            .env("GOPATH", self.machine.at("gopath"))
            .env("GOENV", "off")
            .env("GOFLAGS", "-buildvcs=false -modcacherw")
            .env("GOPROXY", format!("file://{}", proxy.display()))
            .env("GONOSUMDB", "*")
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "1")
            .env("PKG_CONFIG", "/nonexistent/pkg-config");
        command
    }

    /// A source of `programs`, with the path of the released module.
    fn source(&self, name: &str) -> String {
        let file = root().join("tests/packages/programs").join(name);
        let text = fs::read_to_string(file).expect("a source");
        text.replace("MODULE", &self.module)
    }

    /// Adds the module `example.com/library` to the proxy.
    fn publish_library(&self, python: &Path) {
        let module = format!(
            "module example.com/library\n\ngo 1.24\n\nrequire {} v{VERSION}\n",
            self.module
        );
        let script = "import sys, zipfile\n\
                      with zipfile.ZipFile(sys.argv[1], 'w') as file:\n\
                      \x20   for name, text in zip(sys.argv[2::2], sys.argv[3::2]):\n\
                      \x20       file.writestr('example.com/library@v1.0.0/' + name, text)\n";
        let versions = self.machine.at("proxy/example.com/library/@v");
        fs::create_dir_all(&versions).expect("a folder");
        fs::write(versions.join("v1.0.0.info"), r#"{"Version":"v1.0.0"}"#).expect("info");
        fs::write(versions.join("v1.0.0.mod"), &module).expect("go.mod");
        let mut command = self.machine.command(python);
        command
            .args(["-c", script])
            .arg(versions.join("v1.0.0.zip"));
        let library = self.source("library.go");
        Run::ok(command.args(["go.mod", &module, "library.go", &library]));
    }

    /// Writes a program of `programs` as a module without dependencies.
    fn write_program(&self, name: &str) {
        let folder = self.machine.at("program");
        fs::create_dir_all(&folder).expect("a folder");
        let module = "module example.com/program\n\ngo 1.24\n";
        fs::write(folder.join("go.mod"), module).expect("go.mod");
        fs::write(folder.join("main.go"), self.source(name)).expect("main.go");
    }

    /// Writes a program that uses the library, and downloads both modules.
    fn get_library(&self) {
        self.write_program("uses_library.go");
        Run::ok(&mut self.command(&["get", "example.com/library@v1.0.0"]));
    }

    /// Builds the program with these arguments.
    fn build(&self, arguments: &[&str]) -> PathBuf {
        Run::ok(&mut self.command(&[&["build", "-o", "login"], arguments].concat()));
        self.machine.at("program/login")
    }

    /// The folder of the released module in the module cache.
    fn downloaded(&self) -> PathBuf {
        let name = format!("gopath/pkg/mod/{}@v{VERSION}", self.module);
        self.machine.at(&name)
    }

    /// The libraries that a program loads.
    fn needed(&self, program: &Path) -> String {
        Run::ok(self.machine.command("readelf").arg("-d").arg(program)).stdout
    }
}

/// The first line of go.mod.
fn module_path(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("go.mod");
    let path = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("module "));
    path.expect("it starts with the module path").to_owned()
}

#[test]
fn a_go_library_uses_the_module_with_a_c_compiler_alone() {
    let Some(go) = Go::new() else { return };
    // Go counts its calls in the home directory.
    let files = || Files::of(go.machine.folder(), |path| path.starts_with("home/.config"));
    let before = files();
    let watch = Stopwatch::start("Go module");
    go.get_library();
    let program = go.build(&[]);
    program_logs_in(&mut go.machine.command(&program));
    watch.logged_in();
    let needed = go.needed(&program);
    assert!(!needed.contains("wandb_login"), "{needed}");
    assert!(!needed.contains("libgcc_s"), "{needed}");
    let module = go.downloaded();
    let gofmt = go.program.with_file_name("gofmt");
    let unformatted = Run::ok(go.machine.command(gofmt).arg("-l").arg(&module)).stdout;
    assert_eq!(unformatted, "");
    Run::ok(&mut go.command(&["vet", &go.module]));

    // A static program has no loader.
    let program = go.build(&["-ldflags", "-extldflags -static"]);
    let needed = go.needed(&program);
    assert!(!needed.contains("NEEDED"), "{needed}");
    program_logs_in(&mut go.machine.command(&program));

    // `go mod vendor` copies the libraries.
    Run::ok(&mut go.command(&["mod", "vendor"]));
    Run::ok(&mut go.command(&["clean", "-modcache"]));
    let mut build = go.command(&["build", "-mod=vendor", "-o", "login"]);
    Run::ok(build.env("GOPROXY", "off"));
    program_logs_in(&mut go.machine.command(go.machine.at("program/login")));

    fs::remove_dir_all(go.machine.at("program")).expect("it is removed");
    let _ = fs::remove_dir_all(go.machine.at("gopath"));
    files().assert_equal(&before);
}

/// The tests of the package, with the released library.
#[test]
fn the_released_go_module_passes_the_tests_of_the_package() {
    let Some(go) = Go::new() else { return };
    go.get_library();
    Run::ok(&mut go.command(&["test", &go.module]));
}

/// The zig that `release/tools` installed for `release/make`, and its cache, which has
/// compiled musl already.
fn zig() -> Option<(PathBuf, PathBuf)> {
    let script = "import sys; sys.path.insert(0, sys.argv[1]); import toolchain\n\
                  print(toolchain.zig(), toolchain.TOOLS / 'zig-cache', sep='\\n')";
    let mut python = Command::new("python3");
    python
        .args(["-B", "-c", script])
        .arg(root().join("release"));
    let paths = Run::ok(&mut python).stdout;
    let mut paths = paths.lines().map(PathBuf::from);
    let (zig, cache) = (paths.next()?, paths.next()?);
    if !zig.is_file() {
        skip("zig is not installed: run `release/tools`");
        return None;
    }
    Some((zig, cache))
}

/// The lines of README.md for a release: from the file to a program, and to one without
/// shared libraries for musl.
#[test]
fn the_lines_of_the_go_readme_work_with_a_release() {
    let musl = dist::archive_name("x86_64-unknown-linux-musl");
    let (Some(go), Some(_), Some((zig, cache)), Some(_)) =
        (Go::new(), tool("unzip"), zig(), dist::file(&musl))
    else {
        return;
    };
    let folder = go.machine.at("program");
    go.write_program("login.go");
    let proxy = go.machine.at("goproxy").display().to_string();
    let run = |block: usize| {
        let text = code_blocks("bindings/go/README.md").swap_remove(block).1;
        let text = text.replace("/opt/goproxy", &proxy);
        let path =
            [go.program.parent(), zig.parent()].map(|folder| folder.expect("a folder").to_owned());
        let path = path.into_iter().chain(["/usr/bin".into(), "/bin".into()]);
        let mut shell = go.run("sh");
        shell
            .args(["-euc", &text])
            .env("PATH", std::env::join_paths(path).expect("no colons"))
            .env("GOPROXY", "off")
            .env("ZIG_GLOBAL_CACHE_DIR", &cache);
        Run::ok(&mut shell);
    };
    let name = format!("wandb-login-{VERSION}-go.zip");
    fs::copy(dist::folder().join(&name), folder.join(&name)).expect("a copy");
    let program = folder.join("program");
    run(1);
    program_logs_in(&mut go.machine.command(&program));
    run(2);
    let needed = go.needed(&program);
    assert!(!needed.contains("NEEDED"), "{needed}");
    program_logs_in(&mut go.machine.command(&program));
}

/// A file with a changed byte, and one with other contents under the same version.
#[test]
fn a_damaged_go_module_is_not_used() {
    let Some(go) = Go::new() else { return };
    go.get_library();
    let zip = format!("proxy/{}/@v/v{VERSION}.zip", go.module);
    let zip = go.machine.at(&zip);
    let good = fs::read(&zip).expect("the module");
    let build = || {
        Run::ok(&mut go.command(&["clean", "-modcache"]));
        let run = Run::of(&mut go.command(&["build"]));
        assert_ne!(run.code, Some(0));
        run.stderr
    };
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&zip, damaged).expect("write");
    let said = build();
    assert!(said.contains(&go.module) && said.contains("zip"), "{said}");

    fs::write(&zip, good).expect("write");
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'a').writestr(sys.argv[2], '')";
    let mut command = go.machine.command("python3");
    let added = format!("{}@v{VERSION}/added.txt", go.module);
    Run::ok(command.args(["-c", script]).arg(&zip).arg(added));
    let said = build();
    assert!(said.contains("checksum mismatch"), "{said}");
}

/// For a processor without a library, the package does not compile and says why.
#[test]
fn a_go_module_without_a_library_for_the_processor_does_not_compile() {
    let Some(go) = Go::new() else { return };
    go.get_library();
    let selected = |arch: &str, tags: &str| {
        let format = ["list", "-tags", tags, "-f", "{{.CgoFiles}}", &go.module];
        let mut command = go.command(&format);
        Run::ok(command.env("GOOS", "linux").env("GOARCH", arch)).stdout
    };
    let (unsupported, bundled) = ("link_unsupported.go", "link_bundled.go");
    assert!(selected("riscv64", "").contains(unsupported));
    assert!(!selected("amd64", "").contains(unsupported));
    let system = selected("riscv64", "wandb_login_system");
    assert!(
        !system.contains(unsupported) && !system.contains(bundled),
        "{system}"
    );
    assert!(system.contains("link_shared.go"), "{system}");
    let system = selected("amd64", "wandb_login_system wandb_login_static");
    assert!(
        system.contains("link_static.go") && !system.contains(bundled),
        "{system}"
    );

    let mut cgo = go.command(&["tool", "cgo", "-objdir"]);
    cgo.arg(go.machine.at("objects"));
    let run = Run::of(cgo.arg(unsupported).current_dir(go.downloaded()));
    let problem = "this Go module has no libwandb_login for this system and processor: \
                   install the library and build with -tags wandb_login_system";
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains(problem), "{}", run.stderr);
}
