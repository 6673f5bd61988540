//! The archive, unpacked by hand: it works from every folder.

use std::fs;

use crate::dist::{self, HOST};
use crate::machine::{Files, Machine, Stopwatch, command_logs_in, program_logs_in, words};
use crate::support::{Run, tool};

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
