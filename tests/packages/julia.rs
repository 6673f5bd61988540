//! The Julia package of a release, whose library Pkg downloads as an artifact. The artifact
//! comes from `target/dist` by a file URL.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::dist::{self, HOST, VERSION};
use crate::julia_program as program;
use crate::machine::{Files, Machine, Stopwatch};
use crate::support::{KEY_1, Run, code_blocks};

/// A machine with Julia, an empty depot, and the unpacked package.
struct Julia {
    machine: Machine,
    julia: PathBuf,
}

/// Loads the package and prints where its library is, or the error of the first call.
const FIND: &str = r#"
using WandbLogin, Libdl
try
    WandbLogin.is_apikey_configured()
    println("loaded ", Libdl.dlpath(WandbLogin.HANDLE[]))
catch problem
    println("error: ", sprint(showerror, problem))
end
"#;

impl Julia {
    fn new() -> Option<Julia> {
        let package = dist::file(&format!("wandb-login-{VERSION}-julia.tar.gz"))?;
        dist::file(&artifact())?;
        let julia = program::julia()?;
        let machine = Machine::new();
        program::depot(machine.folder());
        let mut tar = machine.command("tar");
        Run::ok(tar.arg("-xzf").arg(package).arg("-C").arg(machine.folder()));
        Some(Julia { machine, julia })
    }

    /// Changes Artifacts.toml.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.machine.at("WandbLogin/Artifacts.toml");
        let text = fs::read_to_string(&file).expect("Artifacts.toml");
        let changed = change(text.clone());
        assert_ne!(changed, text);
        fs::write(file, changed).expect("write");
    }

    /// Downloads the artifacts from a folder.
    fn download_from(&self, folder: PathBuf) {
        self.edit(|text| {
            let lines = text.lines().map(|line| match line.rsplit_once('/') {
                Some((_, name)) if line.contains("url = ") => {
                    format!("    url = \"file://{}/{name}", folder.display())
                }
                _ => line.to_owned(),
            });
            lines.map(|line| line + "\n").collect()
        });
    }

    fn run(&self, script: &str) -> Run {
        let mut command = self.command();
        Run::of(command.args(["--startup-file=no", "-e", script]))
    }

    /// Julia without a variable that names the library, and without a package server.
    fn command(&self) -> Command {
        let mut command = self.machine.command(&self.julia);
        command
            .env("JULIA_DEPOT_PATH", self.machine.at("depot"))
            .env("JULIA_PROJECT", self.machine.at("project"))
            .env("JULIA_PKG_SERVER", "")
            .current_dir(self.machine.folder());
        command
    }

    /// Adds the package to the project without its artifact.
    fn add_without_artifact(&self) {
        // Julia finds no package in a project folder that does not exist yet.
        let run = self.run(&readme(2));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let artifacts = self.machine.at("depot/artifacts");
        assert!(!artifacts.exists(), "it was installed already");
    }
}

/// A block of the package's README.md.
fn readme(block: usize) -> String {
    code_blocks("bindings/julia/README.md").swap_remove(block).1
}

/// The artifact for this machine.
fn artifact() -> String {
    format!("wandb-login-{VERSION}-julia-{HOST}.tar.gz")
}

#[test]
fn the_julia_package_brings_its_library() {
    let Some(julia) = Julia::new() else { return };
    julia.download_from(dist::folder());
    fs::create_dir(julia.machine.at("project")).expect("a folder");
    let watch = Stopwatch::start("Julia package");
    let script = format!(
        "{}
         println(\"installed \", isdir(\"depot/artifacts\"))
         using WandbLogin
         println(\"key \", login(api_key = \"{KEY_1}\").api_key)",
        readme(2),
    );
    let run = julia.run(&script);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    watch.logged_in();
    assert!(run.stdout.contains("installed true"), "{}", run.stdout);
    assert!(
        run.stdout.contains(&format!("key {KEY_1}")),
        "{}",
        run.stdout
    );

    // Julia calculates the same hash for the folder: Artifacts.toml contains the right one.
    let check = r#"
        using Libdl, Pkg
        folder = dirname(dirname(Libdl.dlpath(WandbLogin.HANDLE[])))
        println(basename(folder) == bytes2hex(Pkg.GitTools.tree_hash(folder)), " ", folder)
    "#;
    let run = julia.run(&format!("{FIND}{check}"));
    let folder = julia.machine.at("depot/artifacts");
    let expected = format!("true {}", folder.display());
    assert!(run.stdout.contains(&expected), "{}", run.stdout);

    let run = julia.run("using Pkg; Pkg.rm(\"WandbLogin\")");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    fs::remove_dir_all(julia.machine.at("WandbLogin")).expect("it is removed");
    let run = julia.run("using Dates, Pkg; Pkg.gc(collect_delay = Day(0))");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    Files::of(&folder, |_| false)
        .assert_equal(&Files::of(&julia.machine.folder().join("cwd"), |_| false));
}

/// The library is downloaded at the first use, if Pkg has not done so before.
#[test]
fn a_damaged_julia_artifact_is_not_used() {
    let Some(julia) = Julia::new() else { return };
    julia.download_from(julia.machine.at("files"));
    let mut bytes = fs::read(dist::folder().join(artifact())).expect("the artifact");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::create_dir(julia.machine.at("files")).expect("a folder");
    let file = julia.machine.at("files").join(artifact());
    fs::write(&file, bytes).expect("write");
    julia.add_without_artifact();
    let run = julia.run(FIND);
    assert!(run.stdout.contains("error: "), "{}", run.stdout);
    let problem = "Unable to automatically install 'libwandb_login' from";
    assert!(run.stdout.contains(problem), "{}", run.stdout);
    assert!(run.stderr.contains("Hash Mismatch"), "{}", run.stderr);

    fs::copy(dist::folder().join(artifact()), &file).expect("a copy");
    let run = julia.run(FIND);
    let folder = julia.machine.at("depot/artifacts");
    let loaded = format!("loaded {}", folder.display());
    assert!(
        run.stdout.contains(&loaded),
        "{}\n{}",
        run.stdout,
        run.stderr
    );
}

/// Overrides.toml of the depot replaces the artifact by an installation of the machine.
#[test]
fn a_julia_package_without_a_library_for_the_processor_says_so() {
    let Some(julia) = Julia::new() else { return };
    let Some(prefix) = dist::file(&dist::archive_name(HOST)) else {
        return;
    };
    let mut original = String::new();
    julia.edit(|text| {
        original = text;
        original
            .replace("arch = \"x86_64\"", "arch = \"i686\"")
            .replace("arch = \"aarch64\"", "arch = \"i686\"")
    });
    julia.add_without_artifact();
    let run = julia.run(FIND);
    let problem = "Artifacts.toml has no library for this system";
    assert!(
        run.stdout.contains("error: ") && run.stdout.contains(problem),
        "{}",
        run.stdout
    );

    julia.edit(|_| original);
    let overrides = readme(3).replace("/opt/wandb", &prefix.display().to_string());
    fs::create_dir_all(julia.machine.at("depot/artifacts")).expect("a folder");
    fs::write(
        julia.machine.at("depot/artifacts/Overrides.toml"),
        overrides,
    )
    .expect("write");
    let run = julia.run(FIND);
    let loaded = format!("loaded {}", prefix.display());
    assert!(
        run.stdout.contains(&loaded),
        "{}\n{}",
        run.stdout,
        run.stderr
    );
}
