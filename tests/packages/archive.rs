//! The archive, unpacked by hand and by CMake: it works from every folder.

use std::fs;

use crate::dist::{self, HOST};
use crate::machine::{Files, Machine, Stopwatch, command_logs_in, program_logs_in, words};
use crate::support::{Run, root, tool};

#[test]
fn the_archive_works_and_works_again_from_another_folder() {
    let file = format!("{}.tar.gz", dist::archive_name(HOST));
    let (Some(archive), Some(_), Some(_)) = (dist::file(&file), tool("cc"), tool("pkg-config"))
    else {
        return;
    };
    let machine = Machine::new();
    let before = Files::of(machine.folder(), |_| false);
    let watch = Stopwatch::start("archive");
    let prefix = machine.at(&dist::archive_name(HOST));
    let mut tar = machine.command("tar");
    Run::ok(tar.arg("-xzf").arg(archive).arg("-C").arg(machine.folder()));
    let libs = machine.pkg_config(&prefix, &["--cflags", "--libs"]);
    let program = machine.compile_login(&words(&libs));
    program_logs_in(
        machine
            .command(&program)
            .env("LD_LIBRARY_PATH", prefix.join("lib")),
    );
    watch.logged_in();

    let moved = machine.at("moved/there");
    fs::create_dir(machine.at("moved")).expect("a folder");
    fs::rename(&prefix, &moved).expect("the folder is moved");
    let libs = machine.pkg_config(&moved, &["--cflags", "--libs"]);
    let rpath = format!("-Wl,-rpath,{}", moved.join("lib").display());
    let mut options = words(&libs);
    options.push(&rpath);
    let program = machine.compile_login(&options);
    program_logs_in(&mut machine.command(&program));
    command_logs_in(|| machine.command(moved.join("bin/wandb-login")));

    for path in ["moved", "program", "home/.netrc"] {
        let path = machine.at(path);
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        removed.expect("it is removed");
    }
    Files::of(machine.folder(), |_| false).assert_equal(&before);
}

#[test]
fn a_program_links_the_static_library_of_the_archive() {
    let (Some(prefix), Some(_), Some(_)) = (
        dist::file(&dist::archive_name(HOST)),
        tool("cc"),
        tool("pkg-config"),
    ) else {
        return;
    };
    let machine = Machine::new();
    let libs = machine.pkg_config(&prefix, &["--cflags", "--libs", "--static"]);
    let library = prefix.join("lib/libwandb_login.a").display().to_string();
    let libs = libs.replace("-lwandb_login", &library);
    let program = machine.compile_login(&words(&libs));
    // The shared library is in no folder that the loader searches.
    program_logs_in(&mut machine.command(program));
}

/// The checksum of a file in `SHA256SUMS`.
fn listed_checksum(name: &str) -> Option<String> {
    let sums = fs::read_to_string(dist::file("SHA256SUMS")?).expect("SHA256SUMS");
    let line = sums
        .lines()
        .find_map(|line| line.split_once("  ").filter(|parts| parts.1 == name));
    line.map(|(sum, _)| sum.to_owned())
}

/// `tests/cmake` shows the other ways to use the archive in CMake.
#[test]
fn fetchcontent_of_the_archive_logs_in() {
    let file = format!("{}.tar.gz", dist::archive_name(HOST));
    let (Some(archive), Some(_), Some(_)) = (dist::file(&file), tool("cmake"), tool("cc")) else {
        return;
    };
    let sum = listed_checksum(&file).expect("SHA256SUMS lists the archive");
    let project = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(program LANGUAGES C)\n\
         include(FetchContent)\nFetchContent_Declare(wandb_login URL \"file://{}\" URL_HASH SHA256={sum})\n\
         FetchContent_MakeAvailable(wandb_login)\nadd_executable(program login.c)\n\
         target_link_libraries(program PRIVATE wandb_login::wandb_login)\n",
        archive.display()
    );
    let machine = Machine::new();
    fs::create_dir(machine.at("project")).expect("a folder");
    fs::write(machine.at("project/CMakeLists.txt"), project).expect("write");
    let source = root().join("tests/packages/login.c");
    fs::copy(source, machine.at("project/login.c")).expect("a copy");
    let watch = Stopwatch::start("CMake FetchContent");
    let build = machine.at("build");
    let mut configure = machine.command("cmake");
    Run::ok(
        configure
            .arg("-S")
            .arg(machine.at("project"))
            .arg("-B")
            .arg(&build),
    );
    Run::ok(machine.command("cmake").arg("--build").arg(&build));
    program_logs_in(&mut machine.command(build.join("program")));
    watch.logged_in();
}

#[test]
fn sha256sums_lists_every_file() {
    let Some(_) = dist::file("SHA256SUMS") else {
        return;
    };
    let machine = Machine::new();
    let mut check = machine.command("sha256sum");
    check.args(["--quiet", "--strict", "--check", "SHA256SUMS"]);
    Run::ok(check.current_dir(dist::folder()));
    let mut names = 0;
    for entry in fs::read_dir(dist::folder()).expect("the files") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_file() && name != "SHA256SUMS" {
            assert!(listed_checksum(&name).is_some(), "{name} is not listed");
            names += 1;
        }
    }
    assert!(names > 10, "{names} files");
}
