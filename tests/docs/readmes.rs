//! Every code block of every README is compiled and run, whole. What surrounds a
//! fragment is here: `main`, the imports, the project.
//!
//! Each block runs in a copy of the reader's folder. `cargo` is replaced there by a
//! script that copies what the tests have built, because it would build everything
//! again. Addresses of installed files are replaced by those of the test. The shell lines
//! with `wandb-login` are tested in `tests/cli/readme.rs`, which has the command. The Rust
//! block is a documentation test of the crate.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::prefix;
use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, Run, built_library, code_blocks, root, tool};

/// The READMEs with the languages of their code blocks. A new block needs a test.
const READMES: [(&str, &[&str]); 8] = [
    (
        "README.md",
        &[
            "sh",
            "c",
            "sh",
            "sh",
            "cpp",
            "go",
            "julia",
            "c",
            "toml",
            "rust,no_run",
        ],
    ),
    (
        CPP,
        &[
            "cmake", "cpp", "sh", "cmake", "sh", "cmake", "cmake", "cpp", "cmake", "sh",
        ],
    ),
    // tests/packages runs the lines that use a release.
    (
        "bindings/go/README.md",
        &["go", "sh", "sh", "sh", "", "sh", "go"],
    ),
    (
        "bindings/julia/README.md",
        &["julia", "julia", "julia", "toml", "julia"],
    ),
    ("bindings/mpi/README.md", &["c", "sh"]),
    ("examples/README.md", &["c", "sh"]),
    // tests/release and tests/packages run the commands.
    ("release/README.md", &["console", "console"]),
    ("release/wheel/README.md", &["sh"]),
];

const CPP: &str = "bindings/cpp/README.md";

fn block(page: &str, at: usize) -> String {
    code_blocks(page).swap_remove(at).1
}

#[test]
fn every_block_of_every_readme_has_a_test() {
    for (page, languages) in READMES {
        let found: Vec<_> = code_blocks(page)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(found, languages, "{page}");
    }
    let mut pages = Vec::new();
    crate::files(root(), "md", &mut pages);
    for page in pages.iter().filter(|page| page.ends_with("README.md")) {
        let page = page.strip_prefix(root()).expect("a page of the repository");
        let is_listed = |(name, _): &(&str, _)| Path::new(name) == page;
        let has_code = !code_blocks(&page.display().to_string()).is_empty();
        assert!(
            !has_code || READMES.iter().any(is_listed),
            "{}",
            page.display()
        );
    }
}

/// The folder of a reader, with the repository in it, a key, and the built libraries in
/// `target/release`.
struct Reader {
    home: Home,
}

impl Reader {
    fn new() -> Reader {
        let home = Home::new();
        let login = format!("login user password {KEY_1}");
        home.write("home/.netrc", format!("machine api.wandb.ai {login}\n"));
        fs::create_dir_all(home.cwd().join("target/release")).expect("a folder");
        for name in ["include", "bindings", "tests", "Cargo.toml"] {
            symlink(root().join(name), home.cwd().join(name)).expect("a link");
        }
        let reader = Reader { home };
        reader.script(
            "cargo",
            &format!(
                "echo \"cargo $*\" >>\"$HOME/cargo.log\"\n\
                 case $1 in rustc) cp {}.* target/release/ ;; esac\n",
                built_library("libwandb_login").display()
            ),
        );
        reader
    }

    /// Puts a program before those of the system.
    fn script(&self, name: &str, text: &str) {
        let path = self
            .home
            .write(&format!("bin/{name}"), format!("#!/bin/sh -eu\n{text}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.home.command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.home.base().join("bin").display().to_string();
        command
            .env("PATH", format!("{bin}:{path}"))
            .env("LD_LIBRARY_PATH", self.installed().join("lib"))
            .env("PKG_CONFIG_PATH", self.installed().join("lib/pkgconfig"));
        command
    }

    /// A shell command with the lines of a block.
    fn shell(&self, block: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-eu", "-c", block]);
        command
    }

    /// The folder that `install.sh` installs into, with the library, the files for MPI and
    /// a pkg-config file.
    fn installed(&self) -> PathBuf {
        let prefix = self.home.home().join(".local");
        if prefix.exists() {
            return prefix;
        }
        let mpi = "share/wandb_login/mpi/wandb_login_mpi.c";
        let files = [
            ("include/wandb_login.h", "include/wandb_login.h"),
            (
                "bindings/mpi/wandb_login_mpi.h",
                "include/wandb_login_mpi.h",
            ),
            ("bindings/mpi/wandb_login_mpi.c", mpi),
        ];
        let library = built_library("libwandb_login.so");
        let libraries = ["lib/libwandb_login.so", "lib/libwandb_login.so.0"];
        let files = files.map(|(from, to)| (root().join(from), to));
        let libraries = libraries.map(|to| (library.clone(), to));
        for (from, to) in files.into_iter().chain(libraries) {
            let to = prefix.join(to);
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            symlink(from, to).expect("a link");
        }
        let text = "prefix=${pcfiledir}/../..\nName: wandb_login\nDescription: for the tests\n\
                    Version: 0\nCflags: -I${prefix}/include\nLibs: -L${prefix}/lib -lwandb_login\n";
        fs::create_dir(prefix.join("lib/pkgconfig")).expect("a folder");
        fs::write(prefix.join("lib/pkgconfig/wandb_login.pc"), text).expect("write");
        prefix
    }

    /// Compiles a source in the reader's folder with the flags of pkg-config.
    fn compile(&self, compiler: &str, source: &str, flags: &str) -> PathBuf {
        let program = self.home.cwd().join("program");
        let flags = format!(
            "{flags} $(pkg-config --cflags --libs wandb_login) -I{0}/bindings/cpp/include -I{0}/bindings/mpi",
            root().display()
        );
        Run::ok(&mut self.shell(&format!(
            "{compiler} {source} -Wall -Wextra -Werror {flags} -o program"
        )));
        program
    }
}

/// A C or C++ program around the statements of a block; its includes come first.
fn program(before: &str, block: &str, after: &str) -> String {
    let (includes, statements): (Vec<&str>, Vec<&str>) =
        block.lines().partition(|line| line.starts_with("#include"));
    format!(
        "{}\n{before}\n{}\n{after}\n",
        includes.join("\n"),
        statements.join("\n")
    )
}

#[test]
fn the_first_lines_of_the_readme_are_commands_of_cargo() {
    let reader = Reader::new();
    Run::ok(&mut reader.shell(&block("README.md", 0)));
    let log = reader.home.text("home/cargo.log");
    assert_eq!(log.as_deref(), Some("cargo run --release\ncargo test\n"));
}

#[test]
fn the_c_program_of_the_readme_is_built_as_it_says() {
    let Some(_) = tool("cc") else { return };
    let reader = Reader::new();
    assert_eq!(
        block("README.md", 1),
        fs::read_to_string(root().join("tests/c/readme.c")).expect("readme.c")
    );
    let mut command = reader.shell(&block("README.md", 2));
    let run = Run::ok(command.env_remove("LD_LIBRARY_PATH"));
    let line = "POST https://api.wandb.ai/graphql, Authorization: Basic ..., loss 0.50\n";
    assert!(run.stdout.ends_with(line), "{}", run.stdout);
}

#[test]
fn the_lines_for_cargo_name_the_crate_and_a_feature_of_it() {
    let lines: Vec<_> = block("README.md", 8).lines().map(str::to_owned).collect();
    let expected = "wandb-login = { path = \"libwandb_login\", features = [\"ring\"] }";
    assert_eq!(lines, ["[dependencies]", expected]);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("\nname = \"wandb-login\"\n"));
    assert!(manifest.contains("\nring = ["));
}

#[test]
fn the_cpp_lines_of_a_run_work() {
    let Some(_) = tool("g++") else { return };
    let reader = Reader::new();
    let main = "#include \"wandb_run.hpp\"\nint main() {\nwandb::run_options options{};\n\
                double loss = 0.5, rate = 0.1;";
    let text = program(main, &block("README.md", 4), "return run ? 1 : 0; }");
    reader.home.write("cwd/main.cpp", text);
    let examples = root().join("examples");
    Run::ok(&mut reader.shell(&format!(
        "cc -c {0}/c/wandb_run.c $(pkg-config --cflags wandb_login)",
        examples.display()
    )));
    let flags = format!(
        "wandb_run.o -I{0}/c -I{0}/cpp -lcurl -pthread -lm",
        examples.display()
    );
    let mut run = reader.command(reader.compile("g++ -std=c++17", "main.cpp", &flags));
    // Without a network: the run is empty.
    Run::ok(run.env("WANDB_MODE", "offline"));
}

#[test]
fn the_lines_of_the_examples_work() {
    let Some(_) = tool("cc") else { return };
    let reader = Reader::new();
    let folder = reader.home.cwd().join("examples/c");
    fs::create_dir_all(&folder).expect("a folder");
    for name in ["train.c", "wandb_run.c", "wandb_run.h"] {
        fs::copy(root().join("examples/c").join(name), folder.join(name)).expect("a copy");
    }
    // Without a network: the training goes on.
    let mut shell = reader.shell(&block("examples/README.md", 1));
    let run = Run::ok(shell.env("WANDB_MODE", "offline"));
    assert!(run.stdout.contains("epoch 99: "), "{}", run.stdout);

    let text = program(
        "int main(void) {\ndouble loss = 0.5, rate = 0.1;",
        &block("examples/README.md", 0),
        "return 0; }",
    );
    reader.home.write("cwd/main.c", text);
    let flags = "examples/c/wandb_run.c -Iexamples/c -lcurl -pthread -lm";
    let mut run = reader.command(reader.compile("cc", "main.c", flags));
    Run::ok(run.env("WANDB_MODE", "offline"));
}

/// The folder of a reader without Rust, with an unpacked archive of a release.
fn reader_with_archive() -> Option<(Reader, String)> {
    let (reader, name) = (Reader::new(), block(CPP, 0));
    let name = name.split('"').nth(1).expect("the archive's address");
    let name = name
        .strip_prefix("${CMAKE_SOURCE_DIR}/")
        .expect("a file beside the project");
    let name = name.strip_suffix(".tar.gz").expect("an archive").to_owned();
    let folder = reader.home.cwd().join(&name);
    Run::ok(
        Command::new("cp")
            .arg("-a")
            .arg(prefix::prefix()?)
            .arg(&folder),
    );
    let file = root().join("bindings/cpp/cmake/archive/CMakeLists.txt");
    fs::copy(file, folder.join("CMakeLists.txt")).expect("a copy");
    Some((reader, name))
}

/// Builds the project and runs the program as the page says.
fn builds_and_logs_in(reader: &Reader, project: &str) {
    reader.home.write("cwd/CMakeLists.txt", project);
    reader.home.write("cwd/train.cpp", block(CPP, 1));
    let run = Run::ok(&mut reader.shell(&block(CPP, 2)));
    let posted = "epoch 2: loss 0.5\nPOST https://api.wandb.ai/graphql, Authorization: Basic ..., loss 0.5\n";
    assert!(run.stdout.ends_with(posted), "{}", run.stdout);
    trains_without_wandb(reader.shell("./build/train"), "epoch 2: loss 0.5");
    fs::remove_dir_all(reader.home.cwd().join("build")).expect("the build folder");
}

/// The program of a page trains to its end offline, and without a key.
fn trains_without_wandb(mut program: Command, last: &str) {
    let without = [("WANDB_MODE", "offline"), ("NETRC", "/dev/null")];
    for (name, value) in without {
        let run = Run::ok(program.env(name, value));
        let is_last = run.stdout.ends_with(&format!("{last}\n"));
        assert!(is_last, "{name}: {}{}", run.stdout, run.stderr);
        assert!(!run.stderr.is_empty(), "{name}: no reason");
        program.env_remove(name);
    }
}

/// The page's project with other lines in place of those that fetch the library.
fn project_with(lines: &str) -> String {
    let project = block(CPP, 0);
    let start = project
        .find("FetchContent_Declare")
        .expect("the declaration");
    let end = project.find("add_executable").expect("the program");
    format!("{}{lines}\n{}", &project[..start], &project[end..])
}

#[test]
fn the_cmake_project_uses_a_release_in_each_way() {
    let (Some(_), Some((reader, name))) = (tool("cmake"), reader_with_archive()) else {
        return;
    };
    Run::ok(&mut reader.shell(&format!("tar -czf {name}.tar.gz {name}")));
    let sum = Run::ok(&mut reader.shell(&format!("sha256sum {name}.tar.gz"))).stdout;
    let sum = sum.split(' ').next().expect("a checksum");
    builds_and_logs_in(&reader, &block(CPP, 0).replace(&"0".repeat(64), sum));
    for line in block(CPP, 3).lines() {
        let here = format!("set(CMAKE_PREFIX_PATH ${{CMAKE_SOURCE_DIR}}/{name})\n");
        builds_and_logs_in(&reader, &project_with(&format!("{here}{line}")));
    }
    let find = "find_package(wandb_login CONFIG REQUIRED)";
    assert!(block(CPP, 3).contains(find));
    an_installed_program_runs(&reader, &name, &project_with(find));
}

/// The page's two ways to install a program. An installed one has no path to the library
/// of its build folder.
fn an_installed_program_runs(reader: &Reader, name: &str, project: &str) {
    let line = "target_link_libraries(train PRIVATE wandb_login::wandb_login)\n";
    assert!(project.contains(line));
    let of_static = project.replace(line, &block(CPP, 5));
    let path = format!("set(CMAKE_INSTALL_RPATH \"${{CMAKE_SOURCE_DIR}}/{name}/lib\")\n");
    let of_shared = project.replace("add_executable", &format!("{path}add_executable"));
    for project in [of_static, of_shared + "install(TARGETS train)\n"] {
        reader.home.write("cwd/CMakeLists.txt", project);
        let build = block(CPP, 4) + "cmake --build build\ncmake --install build --prefix away\n";
        Run::ok(&mut reader.shell(&format!("{build}rm -r build")));
        let mut program = reader.shell("./away/bin/train");
        Run::ok(program.env_remove("LD_LIBRARY_PATH"));
    }
}

/// A reader with Rust. `cmake` uses the folder in which other tests have built the library,
/// and the source where cargo knows it.
fn reader_with_cargo() -> Option<Reader> {
    prefix::prefix()?;
    let (reader, cmake) = (Reader::new(), tool("cmake")?);
    let variables: String = prefix::CARGO_VARIABLES
        .iter()
        .map(|(name, value)| format!("export {name}={value}\n"))
        .collect();
    let text = format!(
        "export HOME='{home}'\n{variables}\
         if [ \"$1 ${{2:-}}\" = '-S bindings/cpp' ]; then shift 2; set -- -S '{root}/bindings/cpp' \"$@\"; fi\n\
         if [ \"$1\" = -S ]; then set -- \"$@\" '-DWANDB_LOGIN_CARGO_TARGET_DIR={folder}'; fi\n\
         exec {cmake} \"$@\"\n",
        home = std::env::var("HOME").unwrap_or_default(),
        root = root().display(),
        folder = prefix::cargo_folder().display(),
        cmake = cmake.display()
    );
    reader.script("cmake", &text);
    // cargo is the real one here.
    fs::remove_file(reader.home.base().join("bin/cargo")).expect("the script");
    Some(reader)
}

#[test]
fn the_cmake_project_builds_the_source() {
    let Some(reader) = reader_with_cargo() else {
        return;
    };
    symlink(root(), reader.home.cwd().join("libwandb_login")).expect("a link");
    builds_and_logs_in(&reader, &project_with(&block(CPP, 6)));
}

#[test]
fn the_program_for_curl_sends_a_request() {
    let Some(_) = tool("g++") else { return };
    let reader = Reader::new();
    reader.home.write("cwd/main.cpp", block(CPP, 7));
    let program = reader.compile("g++ -std=c++17", "main.cpp", "-lcurl");
    let server = Stub::http([Reply::viewer()]);
    let login = format!("machine {} login user password {KEY_1}\n", server.address);
    reader.home.write("home/.netrc", login);
    let mut train = reader.command(program);
    Run::ok(train.env("WANDB_BASE_URL", server.url("127.0.0.1")));
    trains_without_wandb(train, "train here, with and without W&B");
    let seen = server.seen();
    assert_eq!((seen.len(), &*seen[0].target), (1, "/graphql"));
    assert!(seen[0].header("authorization").is_some());
}

/// `tests/cmake` builds a project for Windows that has these lines.
#[test]
fn the_lines_for_windows_are_those_of_a_tested_project() {
    let project = fs::read_to_string(root().join("tests/cmake-project/CMakeLists.txt"));
    let project = project.expect("a project").replace("c_shared", "train");
    for line in block(CPP, 8).lines() {
        assert!(project.contains(line), "{line}");
    }
}

#[test]
fn the_installation_with_cmake_works() {
    let Some(reader) = reader_with_cargo() else {
        return;
    };
    let prefix = reader.home.base().join("usr-local");
    let text = block(CPP, 9).replace("/usr/local", &prefix.display().to_string());
    let (install, remove) = text.split_once("xargs").expect("two commands");
    Run::ok(&mut reader.shell(install));
    assert!(prefix.join("include/wandb_login_curl.hpp").exists());
    Run::ok(&mut reader.shell(&format!("xargs{remove}")));
    assert!(!prefix.join("include/wandb_login_curl.hpp").exists());
}

#[test]
fn the_lines_for_mpi_work() {
    let (Some(_), Some(_)) = (tool("mpicc"), tool("mpirun")) else {
        return;
    };
    let reader = Reader::new();
    let main = "#include <stdio.h>\nint main(int argc, char **argv) {\nMPI_Init(&argc, &argv);";
    let end = "printf(\"status %d\\n\", (int)status);\nMPI_Finalize();\nreturn 0; }";
    let whole = block("bindings/mpi/README.md", 0);
    let short = format!(
        "#include <wandb_login_mpi.h>\n{}wandb_login_session_free(session);\n",
        block("README.md", 7)
    );
    for fragment in [whole, short] {
        reader
            .home
            .write("cwd/train.c", program(main, &fragment, end));
        // The lines need no variable of the reader.
        let mut shell = reader.shell(&block("bindings/mpi/README.md", 1));
        Run::ok(shell.env_remove("PKG_CONFIG_PATH"));
        let mut mpirun = reader.command("mpirun");
        mpirun
            .env_remove("LD_LIBRARY_PATH")
            .env("TMPDIR", reader.home.base())
            .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
            .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
            .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
            .env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
        mpirun.args(["-np", "2", "./train"]);
        let ended = |run: &Run, status| run.stdout.matches(status).count();
        let run = Run::ok(&mut mpirun);
        assert_eq!(ended(&run, "status 0\n"), 2, "{}{}", run.stdout, run.stderr);
        let run = Run::ok(mpirun.env("WANDB_MODE", "offline"));
        assert_eq!(ended(&run, "status 1\n"), 2, "{}{}", run.stdout, run.stderr);
    }
}

/// A Go program of the blocks of both pages.
fn go_program() -> String {
    let imports = "import (\n\"context\"\n\"errors\"\n\"fmt\"\n\"net/http\"\n\"os\"\n\n\
                   \"libwandb-login.invalid/wandb\"\n)\n";
    format!(
        "package main\n\n{imports}\n\
         func first(ctx context.Context) error {{\nvar client *http.Client\n{}\n_ = client\nreturn nil\n}}\n\n\
         func second(ctx context.Context) error {{\n{}\n_ = client\nreturn nil\n}}\n\n\
         func kind(err error) {{\n{}}}\n\n\
         func main() {{\nctx := context.Background()\nerr := errors.Join(first(ctx), second(ctx))\n\
         kind(err)\nfmt.Println(err)\nif err != nil {{\nos.Exit(1)\n}}\n}}\n",
        block("README.md", 5),
        block("bindings/go/README.md", 0),
        block("bindings/go/README.md", 6),
    )
}

#[test]
fn the_lines_for_go_work() {
    let (Some(_), Some(_)) = (tool("go"), tool("cc")) else {
        return;
    };
    let reader = Reader::new();
    let target = root().join("target/go");
    let go = |block: &str| {
        let mut command = reader.shell(block);
        command
            .env("GOCACHE", target.join("cache"))
            .env("GOPATH", target.join("path"))
            .env("GOENV", "off")
            // Compiles the tests of the package and runs none.
            .env("GOFLAGS", "-buildvcs=false -run=^$")
            .env("GOPROXY", "off")
            .env("GOTOOLCHAIN", "local");
        Run::ok(&mut command)
    };
    let copy = reader.home.cwd().join("third_party/libwandb_login");
    fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
    symlink(root(), copy).expect("a link");
    let module = format!(
        "module train\n\ngo 1.24\n\n{}",
        block("bindings/go/README.md", 4)
    );
    reader.home.write("cwd/go.mod", module);
    reader.home.write("cwd/main.go", go_program());
    let build = block("bindings/go/README.md", 3);
    let installed = reader.installed().display().to_string();
    go(&build.replace("/opt/wandb", &installed));
    let mut program = reader.command(reader.home.cwd().join("train"));
    let run = Run::ok(&mut program);
    assert!(
        run.stdout.contains("epoch 2: loss 0.50\n"),
        "{}",
        run.stdout
    );
    trains_without_wandb(program, "epoch 2: loss 0.50\n<nil>");
    go(&block("bindings/go/README.md", 5));
}

#[test]
fn the_lines_for_julia_work() {
    let Some(julia) = tool("julia") else { return };
    let reader = Reader::new();
    let page = "bindings/julia/README.md";
    // In the order of a reader: install from the source tree, then the other blocks.
    let script = [
        block(page, 4),
        block(page, 0),
        block(page, 1),
        block("README.md", 6),
        "print(session.base_url)\n".to_owned(),
    ]
    .concat();
    let script = reader.home.write("cwd/lines.jl", script);
    let training = reader.home.write("cwd/training.jl", block(page, 0));
    // Pkg needs a registry; an empty one prevents network access.
    let registry = "name = \"Empty\"\nuuid = \"23338594-aafe-5451-b93e-139f81909106\"\n\
                    repo = \"\"\n\n[packages]\n";
    reader
        .home
        .write("depot/registries/Empty/Registry.toml", registry);
    let library = reader.installed().join("lib/libwandb_login.so");
    let command = |script: &Path| {
        let mut command = reader.command(&julia);
        command
            .env("JULIA_DEPOT_PATH", reader.home.base().join("depot"))
            .env("JULIA_PROJECT", reader.home.base().join("project"))
            .env("WANDB_LOGIN_LIBRARY", &library)
            .arg("--startup-file=no")
            .arg(script);
        command
    };
    let run = Run::ok(&mut command(&script));
    let last = "epoch 2: loss 0.5\nhttps://api.wandb.ai";
    assert!(run.stdout.ends_with(last), "{}{}", run.stdout, run.stderr);
    trains_without_wandb(command(&training), "epoch 2: loss 0.5");
}
