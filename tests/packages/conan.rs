//! The Conan recipe: `conan create` with its test package, from an archive in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dist::{self, HOST, VERSION};
use crate::machine::{Files, Machine, Stopwatch};
use crate::support::{Run, tool};

/// Conan with a home of its own, and the recipe.
struct Conan {
    machine: Machine,
    program: PathBuf,
}

impl Conan {
    /// A recipe whose archives are in the folder `archives`.
    fn new(archives: &Path) -> Option<Conan> {
        let recipe = dist::file(&format!("wandb-login-{VERSION}-conan.tar.gz"))?;
        let program = dist::packaging_tool("conan")?;
        tool("cmake")?;
        let machine = Machine::new();
        let conan = Conan { machine, program };
        let mut tar = conan.machine.command("tar");
        tar.arg("-xzf").arg(recipe).arg("--strip-components=1");
        fs::create_dir(conan.recipe()).expect("a folder");
        Run::ok(tar.arg("-C").arg(conan.recipe()));
        let data = conan.recipe().join("conandata.yml");
        let lines = fs::read_to_string(&data).expect("conandata.yml");
        fs::write(&data, at(&lines, archives)).expect("conandata.yml");
        Run::ok(conan.command().args(["profile", "detect"]));
        Some(conan)
    }

    fn recipe(&self) -> PathBuf {
        self.machine.at("recipe")
    }

    fn command(&self) -> Command {
        let mut command = self.machine.command(&self.program);
        command.env("CONAN_HOME", self.machine.at("conan"));
        command
    }

    /// `conan create`, which builds and runs the test package.
    fn create(&self, options: &[&str]) -> Command {
        let mut command = self.command();
        command.args(["create", "--no-remote"]).arg(self.recipe());
        command.args(options);
        command
    }
}

/// `conandata.yml` with all archives in a folder of this machine.
fn at(data: &str, folder: &Path) -> String {
    let line = |line: &str| match line.split_once("url: ") {
        Some((before, url)) => {
            let name = url.rsplit('/').next().expect("an address");
            format!("{before}url: file://{}/{name}\n", folder.display())
        }
        None => format!("{line}\n"),
    };
    data.lines().map(line).collect()
}

#[test]
fn conan_creates_tests_and_removes_the_package() {
    let Some(conan) = Conan::new(&dist::folder()) else {
        return;
    };
    let packages = conan.machine.at("conan/p");
    Run::ok(conan.command().args(["list", "*"])); // creates the cache
    for folder in ["b", "t"] {
        fs::create_dir_all(packages.join(folder)).expect("a folder that Conan keeps");
    }
    let before = Files::of(&packages, |_| false);
    let watch = Stopwatch::start("Conan");
    for shared in ["True", "False"] {
        let run = Run::ok(&mut conan.create(&["-o", &format!("&:shared={shared}")]));
        let output = run.stdout + &run.stderr;
        let line = format!("libwandb_login {VERSION}: ");
        assert!(output.contains(&line), "shared={shared}:\n{output}");
    }
    watch.logged_in();
    Run::ok(conan.command().args(["remove", "wandb_login", "--confirm"]));
    Files::of(&packages, |_| false).assert_equal(&before);
}

#[test]
fn conan_refuses_a_damaged_archive_an_unknown_platform_and_another_version() {
    let name = format!("{}.tar.gz", dist::archive_name(HOST));
    let Some(archive) = dist::file(&name) else {
        return;
    };
    let machine = Machine::new();
    dist::damaged(&archive, &machine.at(&name));
    let Some(conan) = Conan::new(machine.folder()) else {
        return;
    };
    let run = Run::of(&mut conan.create(&["--test-folder="]));
    assert_ne!(run.code, Some(0));
    let reason = format!("sha256 hash failed for '{name}' file");
    assert!(run.stderr.contains(&reason), "{}", run.stderr);

    let run = Run::of(&mut conan.create(&["--test-folder=", "-s", "arch=riscv64"]));
    assert_ne!(run.code, Some(0));
    let reason = format!("wandb_login {VERSION} has no files for Linux-riscv64-glibc, only for");
    assert!(run.stderr.contains(&reason), "{}", run.stderr);

    let run = Run::of(&mut conan.create(&["--test-folder=", "--version=0.0.9"]));
    assert_ne!(run.code, Some(0));
    let reason = format!("this recipe has the files of wandb_login {VERSION}, not of 0.0.9");
    assert!(run.stderr.contains(&reason), "{}", run.stderr);
}
