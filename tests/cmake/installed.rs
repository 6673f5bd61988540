//! The installed files: their places, how they are removed, and pkg-config.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::downstream::needed;
use super::{OLDEST, Release, SYSTEM, VERSION, cmake, text};
use crate::prefix::prefix;
use crate::support::{Home, KEY_1, Run, TempDir, root, tool};

/// The files below a folder, with the targets of symbolic links.
fn listing(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).expect("a folder").flatten() {
            let path = entry.path();
            let name = text(path.strip_prefix(folder).expect("below"));
            match fs::read_link(&path) {
                Ok(target) => drop(found.insert(format!("{name} -> {}", target.display()))),
                Err(_) if path.is_dir() => folders.push(path),
                Err(_) => drop(found.insert(name)),
            }
        }
    }
    found
}

/// What `cmake --install` puts below the prefix.
fn expected() -> BTreeSet<String> {
    let pages = fs::read_dir(root().join("docs/man")).expect("docs/man");
    let pages = pages.map(|entry| {
        let name = entry
            .expect("a page")
            .file_name()
            .into_string()
            .expect("a name");
        let section = name.rsplit('.').next().expect("a section");
        format!("share/man/man{section}/{name}")
    });
    [
        "bin/wandb-login",
        "include/wandb_login.h",
        "include/wandb_login.hpp",
        "include/wandb_login_curl.hpp",
        "include/wandb_login_mpi.h",
        "lib/cmake/wandb_login/wandb_login-check.cmake",
        "lib/cmake/wandb_login/wandb_login-config-version.cmake",
        "lib/cmake/wandb_login/wandb_login-config.cmake",
        "lib/cmake/wandb_login/wandb_login-platform.cmake",
        "lib/cmake/wandb_login/wandb_login-targets.cmake",
        "lib/libwandb_login.a",
        "lib/libwandb_login.so -> libwandb_login.so.0",
        &format!("lib/libwandb_login.so.0 -> libwandb_login.so.{VERSION}"),
        &format!("lib/libwandb_login.so.{VERSION}"),
        "lib/pkgconfig/wandb_login.pc",
        "share/bash-completion/completions/wandb-login",
        "share/doc/wandb_login/CHANGELOG.md",
        "share/doc/wandb_login/LICENSE-APACHE",
        "share/doc/wandb_login/LICENSE-MIT",
        "share/doc/wandb_login/README.md",
        "share/fish/vendor_completions.d/wandb-login.fish",
        "share/wandb_login/fortran/wandb_run.c",
        "share/wandb_login/fortran/wandb_run.f90",
        "share/wandb_login/fortran/wandb_run.h",
        "share/wandb_login/mpi/wandb_login_mpi.c",
        "share/zsh/site-functions/_wandb-login",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(pages)
    .collect()
}

#[test]
fn the_installed_files_have_the_usual_places() {
    let Some(prefix) = prefix() else { return };
    assert_eq!(listing(prefix), expected());
    // None of them names the folder it was built or installed in.
    for name in expected() {
        let Some(file) = name
            .split(" -> ")
            .next()
            .filter(|name| name.ends_with("cmake") || name.ends_with(".pc"))
        else {
            continue;
        };
        let text = fs::read_to_string(prefix.join(file)).expect("a file");
        assert!(!text.contains(&super::text(root())), "{file}:\n{text}");
    }
    let home = Home::new();
    let run = Run::ok(
        home.command(prefix.join("bin/wandb-login"))
            .arg("--version"),
    );
    assert!(run.stdout.contains(VERSION), "{}", run.stdout);
}

/// The source, configured to install the library of the prefix.
fn configured(folder: &Path) -> Option<()> {
    let variables = [
        ("WANDB_LOGIN_PREBUILT", &*text(prefix()?)),
        ("CMAKE_INSTALL_LIBDIR", "lib64"),
    ];
    let source = root().join("bindings/cpp");
    let run = OLDEST.configure(&source, folder, &variables)?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    Some(())
}

/// The listing with the library's folder of another system.
fn in_lib64(listing: BTreeSet<String>) -> BTreeSet<String> {
    let names = listing.into_iter();
    names
        .map(|name| match name.strip_prefix("lib/") {
            Some(rest) => format!("lib64/{rest}"),
            None => name,
        })
        .collect()
}

#[test]
fn the_manifest_lists_every_file() {
    let folder = TempDir::new();
    let build = folder.path().join("build");
    let Some(()) = configured(&build) else { return };
    // CMake 3.16 takes the folder, later versions also the prefix, from where it was started.
    for (version, prefix, destdir) in [
        (OLDEST.cmake, "relative/prefix", None),
        (SYSTEM.cmake, "relative/prefix", None),
        (OLDEST.cmake, "/usr", Some(folder.path().join("stage"))),
    ] {
        let mut install = Command::new(cmake(version).expect("it has configured the folder"));
        install
            .current_dir(folder.path())
            .arg("--install")
            .arg("build")
            .args(["--prefix", prefix]);
        let root = destdir
            .as_ref()
            .map_or(folder.path().join(prefix), |stage| {
                install.env("DESTDIR", stage);
                stage.join("usr")
            });
        Run::ok(&mut install);
        assert_eq!(listing(&root), in_lib64(expected()), "{prefix}");

        let manifest = fs::read_to_string(build.join("install_manifest.txt")).expect("a manifest");
        for line in manifest.lines() {
            let line = line.trim_start_matches('/');
            let stage = destdir.as_deref().unwrap_or(Path::new("/"));
            let path = if line.starts_with("relative") {
                folder.path().join(line)
            } else {
                stage.join(line)
            };
            fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        assert_eq!(listing(&root), BTreeSet::new(), "{prefix}");
    }
}

#[test]
fn each_file_is_in_one_component() {
    let folder = TempDir::new();
    let build = folder.path().join("build");
    let Some(()) = configured(&build) else { return };
    let mut all = BTreeSet::new();
    for (component, file) in [
        ("runtime", "lib64/libwandb_login.so.0"),
        (
            "development",
            "lib64/libwandb_login.so -> libwandb_login.so.0",
        ),
        ("command", "bin/wandb-login"),
        ("documentation", "share/doc/wandb_login/LICENSE-MIT"),
        ("archive", "CMakeLists.txt"),
    ] {
        let prefix = folder.path().join(component);
        let mut install = Command::new(cmake(OLDEST.cmake).expect("it has configured the folder"));
        install
            .arg("--install")
            .arg(&build)
            .arg("--prefix")
            .arg(&prefix);
        Run::ok(
            install
                .arg("--component")
                .arg(format!("wandb_login_{component}")),
        );
        let files = listing(&prefix);
        assert!(
            files.iter().any(|name| name.starts_with(file)),
            "{component}: {files:?}"
        );
        assert!(all.is_disjoint(&files), "{component}");
        all.extend(files);
    }
    let mut whole = in_lib64(expected());
    whole.insert("CMakeLists.txt".to_owned());
    assert_eq!(all, whole);
}

/// The native libraries that rustc lists for an empty static library, without those that
/// the compiler links itself.
fn native_static_libs() -> String {
    let folder = TempDir::new();
    let empty = folder.path().join("empty.rs");
    fs::write(&empty, "").expect("write");
    let rustc = option_env!("RUSTC").unwrap_or("rustc");
    let mut command = Command::new(rustc);
    command.args([
        "--crate-type=staticlib",
        "--print=native-static-libs",
        "--out-dir",
    ]);
    let run = Run::ok(command.arg(folder.path()).arg(empty));
    let mark = "native-static-libs: ";
    let line = run.stderr.lines().find_map(|line| line.split_once(mark));
    let list = line
        .expect("rustc lists the libraries")
        .1
        .split_whitespace();
    let ours: Vec<_> = list
        .filter(|name| !["-lgcc_s", "-lc"].contains(name))
        .collect();
    ours.join(" ")
}

/// Relocatable folders and absolute ones.
#[test]
fn pkg_config_names_folders_with_spaces() {
    let (Some(prefix), Some(pkg_config)) = (prefix(), tool("pkg-config")) else {
        return;
    };
    let folder = TempDir::new();
    for (index, libraries) in ["the libraries", "/the libraries"].into_iter().enumerate() {
        let at = folder.path().join(format!("a {index}"));
        let libraries = match libraries.strip_prefix('/') {
            Some(name) => text(&at.join(name)),
            None => libraries.to_owned(),
        };
        let build = at.join("build");
        let variables = [
            ("WANDB_LOGIN_PREBUILT", &*text(prefix)),
            ("CMAKE_INSTALL_PREFIX", &*text(&at)),
            ("CMAKE_INSTALL_LIBDIR", &*libraries),
            ("CMAKE_INSTALL_INCLUDEDIR", "the headers"),
        ];
        let configured = OLDEST.configure(&root().join("bindings/cpp"), &build, &variables);
        let Some(run) = configured else { return };
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let mut install = Command::new(cmake(OLDEST.cmake).expect("it has configured the folder"));
        Run::ok(install.arg("--install").arg(&build));
        let mut ask = Command::new(&pkg_config);
        ask.env("PKG_CONFIG_PATH", at.join("the libraries/pkgconfig"));
        let flags = Run::ok(ask.args(["--cflags", "--libs", "wandb_login"])).stdout;
        let words = Run::ok(Command::new("sh").args(["-c", &format!("printf '%s\\n' {flags}")]));
        let (folders, names): (Vec<_>, Vec<_>) = words
            .stdout
            .lines()
            .partition(|word| word.starts_with("-I/") || word.starts_with("-L/"));
        assert_eq!(names, ["-lwandb_login"], "{flags}");
        for (word, file) in folders.iter().zip(["wandb_login.h", "libwandb_login.so"]) {
            assert!(Path::new(&word[2..]).join(file).exists(), "{flags}");
        }
        assert_eq!(folders.len(), 2, "{flags}");
    }
}

#[test]
fn pkg_config_returns_working_flags() {
    let (Some(release), Some(pkg_config), Some(gcc)) =
        (Release::new(), tool("pkg-config"), tool("gcc"))
    else {
        return;
    };
    let path = text(&release.path());
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&pkg_config);
        command.env("PKG_CONFIG_PATH", format!("{path}/lib/pkgconfig"));
        let flags = Run::ok(command.args(arguments).arg("wandb_login")).stdout;
        flags.trim().replace("/lib/pkgconfig/../..", "")
    };
    let system = native_static_libs();
    assert_eq!(ask(&["--modversion"]), VERSION);
    assert_eq!(ask(&["--cflags"]), format!("-I{path}/include"));
    assert_eq!(ask(&["--libs"]), format!("-L{path}/lib -lwandb_login"));
    let of_static = ask(&["--static", "--libs"]);
    assert_eq!(of_static, format!("-L{path}/lib -lwandb_login {system}"));
    let of_static = of_static.replace("-lwandb_login", "-l:libwandb_login.a");

    let (folder, home) = (TempDir::new(), Home::new());
    let program = folder.path().join("program");
    for (libs, option, loaded) in [
        (
            &ask(&["--libs"]),
            &*format!("-Wl,-rpath,{path}/lib"),
            &["libwandb_login.so.0", "libc.so.6"][..],
        ),
        (&of_static, "-O", &["libc.so.6"]),
        (&of_static, "-static-libgcc", &["libc.so.6"]),
        (&of_static, "-static", &[]),
        (&of_static, "-static-pie", &[]),
    ] {
        let mut command = Command::new(&gcc);
        command
            .arg(root().join("tests/cmake-project/main.c"))
            .arg("-o")
            .arg(&program);
        command
            .args(ask(&["--cflags"]).split(' '))
            .args(libs.split(' '));
        Run::ok(command.args([option, "-Wl,--as-needed"]));
        let mut names = needed(&program);
        names.retain(|name| !name.starts_with("ld-linux") && name != "libm.so.6");
        if option == "-O" {
            // Of the library that cargo builds; that of a release brings its unwinder.
            names.retain(|name| name != "libgcc_s.so.1");
        }
        assert_eq!(names, loaded, "{option}");
        let run = Run::ok(home.command(&program).env("WANDB_API_KEY", KEY_1));
        assert_eq!(run.stdout, "WANDB_API_KEY https://api.wandb.ai\n");
    }
}

#[test]
fn meson_finds_both_libraries() {
    let (Some(release), Some(meson), Some(_)) = (Release::new(), tool("meson"), tool("ninja"))
    else {
        return;
    };
    let home = Home::new();
    let build = home.base().join("build");
    let mut setup = home.command(&meson);
    setup
        .arg("setup")
        .arg(&build)
        .arg(root().join("tests/cmake-project"));
    Run::ok(setup.env("PKG_CONFIG_PATH", release.path().join("lib/pkgconfig")));
    Run::ok(home.command(&meson).args(["compile", "-C"]).arg(&build));
    for (program, library) in [("shared", Some("libwandb_login.so.0")), ("static", None)] {
        let names = needed(&build.join(program));
        let name = names
            .iter()
            .find(|name| name.contains("wandb"))
            .map(String::as_str);
        assert_eq!(name, library, "{program}");
        let run = Run::ok(
            home.command(build.join(program))
                .env("WANDB_API_KEY", KEY_1),
        );
        assert_eq!(run.stdout, "WANDB_API_KEY https://api.wandb.ai\n");
    }
}
