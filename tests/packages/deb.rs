//! The Debian packages: installed into Debian 11 by dpkg, and compared with their archives.

use std::fs;
use std::path::{Path, PathBuf};

use crate::debian_11::Debian11;
use crate::dist::{self, HOST, VERSION};
use crate::machine::{Files, Machine, Stopwatch, command_logs_in, program_logs_in};
use crate::support::{Run, tool};

const NAMES: [&str; 3] = ["libwandb-login0", "libwandb-login-dev", "wandb-login"];

/// Debian's names of a target: of its packages, and of its folder in `/usr/lib`.
fn architecture(target: &str) -> (&'static str, &'static str) {
    match target {
        "aarch64-unknown-linux-gnu" => ("arm64", "aarch64-linux-gnu"),
        _ => ("amd64", "x86_64-linux-gnu"),
    }
}

/// The packages of a target.
fn packages(target: &str) -> Option<Vec<PathBuf>> {
    let architecture = architecture(target).0;
    let file = |name| dist::file(&format!("{name}_{VERSION}-1_{architecture}.deb"));
    NAMES.into_iter().map(file).collect()
}

/// Tells dpkg which C library the root has: its packages are unpacked, not installed.
fn register_libc(debian: &Debian11) {
    let (architecture, folder) = architecture(HOST);
    let libraries = fs::read_dir(debian.root().join("lib").join(folder)).expect("libraries");
    let names = libraries.map(|entry| entry.expect("a file").file_name());
    let version = names
        .filter_map(|name| {
            let name = name.to_string_lossy().into_owned();
            let version = name.strip_prefix("libc-")?.strip_suffix(".so")?;
            Some(version.to_owned())
        })
        .next()
        .expect("Debian 11 has the C library libc-VERSION.so");
    let entry = format!(
        "Package: libc6\nStatus: install ok installed\nArchitecture: {architecture}\n\
         Multi-Arch: same\nMaintainer: Debian\nVersion: {version}\nDescription: C library\n\n"
    );
    let database = debian.root().join("var/lib/dpkg");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(database.join(folder)).expect("a folder");
    }
    fs::write(database.join("status"), entry).expect("the database of dpkg");
}

/// What dpkg itself keeps.
fn is_of_dpkg(path: &Path) -> bool {
    ["var/lib/dpkg", "var/log"]
        .iter()
        .any(|own| path.starts_with(own))
}

#[test]
fn dpkg_installs_and_removes_the_packages() {
    let (Some(packages), Some(debian)) = (packages(HOST), Debian11::new()) else {
        return;
    };
    register_libc(&debian);
    let before = Files::of(debian.root(), is_of_dpkg);
    let watch = Stopwatch::start("deb");
    let dpkg = || {
        let mut dpkg = debian.outside("dpkg");
        dpkg.arg(format!("--root={}", debian.root().display()));
        dpkg
    };
    Run::ok(dpkg().arg("--install").args(&packages));
    let program = debian.compile_login(&["-lwandb_login"]);
    program_logs_in(&mut debian.command(program));
    watch.logged_in();
    command_logs_in(|| debian.command("wandb-login"));

    debian.remove(&["tmp/program", "root/.netrc"]);
    Run::ok(dpkg().arg("--purge").args(NAMES));
    Files::of(debian.root(), is_of_dpkg).assert_equal(&before);
}

/// A root that is empty but for the database of dpkg.
struct EmptyRoot {
    machine: Machine,
}

impl EmptyRoot {
    /// `installed`: the names and versions of the packages that the database lists.
    fn new(installed: &[(&str, &str)]) -> EmptyRoot {
        let machine = Machine::new();
        let database = machine.at("root/var/lib/dpkg");
        for folder in ["info", "updates", "triggers"] {
            fs::create_dir_all(database.join(folder)).expect("a folder");
        }
        let architecture = architecture(HOST).0;
        let entry = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\n\
                 Multi-Arch: same\nMaintainer: Debian\nVersion: {version}\nDescription: test\n\n"
            )
        };
        let entries: String = installed.iter().map(entry).collect();
        fs::write(database.join("status"), entries).expect("the database of dpkg");
        EmptyRoot { machine }
    }

    /// What dpkg says when it refuses to install a package.
    fn refuses(&self, options: &[&str], package: &Path) -> String {
        let root = self.machine.at("root");
        let mut dpkg = self.machine.command("dpkg");
        dpkg.arg(format!("--root={}", root.display())).args(options);
        let run = Run::of(dpkg.arg("--install").arg(package));
        assert_ne!(run.code, Some(0), "{}", run.stdout);
        run.stderr
    }
}

#[test]
fn a_damaged_package_is_not_installed() {
    let Some(packages) = packages(HOST) else {
        return;
    };
    let root = EmptyRoot::new(&[]);
    let copy = root.machine.at("damaged.deb");
    dist::damaged(&packages[0], &copy);
    let said = root.refuses(&["--force-depends"], &copy);
    assert!(said.contains("corrupt"), "{said}");
    let library = format!("root/usr/lib/{}/libwandb_login.so.0", architecture(HOST).1);
    assert!(!root.machine.at(&library).exists());
}

#[test]
fn a_package_that_does_not_fit_the_machine_is_not_installed() {
    let Some(own) = packages(HOST) else { return };
    let old = EmptyRoot::new(&[("libc6", "2.13-38")]);
    for package in [&own[0], &own[2]] {
        let said = old.refuses(&[], package);
        assert!(said.contains("depends on libc6 (>= 2.17)"), "{said}");
    }
    let other = EmptyRoot::new(&[("libc6", "2.36-9"), (NAMES[0], "0.0.9-1")]);
    let said = other.refuses(&[], &own[1]);
    let dependency = format!("depends on {} (= {VERSION}-1)", NAMES[0]);
    assert!(said.contains(&dependency), "{said}");
    let foreign = match HOST {
        "aarch64-unknown-linux-gnu" => "x86_64-unknown-linux-gnu",
        _ => "aarch64-unknown-linux-gnu",
    };
    let Some(foreign) = packages(foreign) else {
        return;
    };
    let said = other.refuses(&[], &foreign[2]);
    assert!(said.contains("does not match system"), "{said}");
}

#[test]
fn lintian_finds_no_problem_but_those_that_are_explained() {
    let (Some(packages), Some(lintian)) = (packages(HOST), tool("lintian")) else {
        return;
    };
    let machine = Machine::new();
    let mut command = machine.command(lintian);
    command.args(["--allow-root", "--fail-on", "error,warning"]);
    Run::ok(command.args(packages));
}

/// Where the packages have a file of the archive; `None` for one that they do not have.
fn place(file: &Path, folder: &str) -> Option<PathBuf> {
    let text = file.to_str().expect("UTF-8");
    let Some((first, rest)) = text.split_once('/') else {
        return None; // CMakeLists.txt, for FetchContent
    };
    Some(PathBuf::from(match (first, rest) {
        ("lib", _) => format!("usr/lib/{folder}/{rest}"),
        ("share", rest) if rest.starts_with("doc/") => return None,
        ("share", rest) if rest.starts_with("man/") => format!("usr/share/{rest}.gz"),
        ("share", rest) => {
            let rest = rest.replace("zsh/site-functions", "zsh/vendor-completions");
            format!("usr/share/{rest}")
        }
        _ => format!("usr/{text}"),
    }))
}

#[test]
fn the_packages_have_the_files_of_the_archive() {
    for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let (Some(packages), Some(archive)) =
            (packages(target), dist::file(&dist::archive_name(target)))
        else {
            continue;
        };
        let machine = Machine::new();
        for package in packages {
            let mut dpkg = machine.command("dpkg-deb");
            Run::ok(dpkg.arg("-x").arg(package).arg(machine.at("root")));
        }
        let (_, folder) = architecture(target);
        for file in Files::of(&archive, |_| false).regular(&archive) {
            let Some(place) = place(&file, folder) else {
                continue;
            };
            let there = machine.at("root").join(&place);
            assert!(
                there.exists(),
                "no package for {target} has {}",
                place.display()
            );
            // Pages are compressed. The files for CMake and pkg-config name Debian's folder.
            let text = place.to_string_lossy();
            if text.ends_with(".gz") || text.ends_with(".pc") || text.contains("/cmake/") {
                continue;
            }
            let packed = fs::read(&there).expect("a file");
            let original = fs::read(archive.join(&file)).expect("a file");
            assert!(
                packed == original,
                "{text} differs from the archive for {target}"
            );
        }
    }
}
