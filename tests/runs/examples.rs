//! The training programs of `examples/`, built once for all tests.
//!
//! Each takes the same arguments, `EPOCHS INTERVAL RATE`: the number of epochs, of 0.1 s
//! each; the seconds between two uploads; and the learning rate. It logs `loss` and
//! `learning_rate` once an epoch, says on standard output `epoch N: loss X`, and ends
//! with 0, or with 1 if the user has stopped the run on its page.
//!
//! To add a language, write a function that returns a [`Program`], or `None` if a tool
//! is missing, and add it to [`examples`].

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{self, Home, Run, root, tool};

/// How an example is started: its words, and variables that it needs.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) words: Vec<OsString>,
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Program {
    fn of(path: PathBuf) -> Program {
        Program {
            words: vec![path.into()],
            variables: Vec::new(),
        }
    }
}

pub(crate) struct Example {
    pub(crate) name: &'static str,
    program: Program,
}

impl Example {
    /// A training in a home of its own, with these variables.
    pub(crate) fn training(
        &self,
        home: &Home,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Command {
        let mut words = self.program.words.iter();
        let mut command = home.command(words.next().expect("a program"));
        command
            .args(words)
            .args(arguments)
            .env("TMPDIR", home.base());
        for (name, value) in &self.program.variables {
            command.env(name, value);
        }
        command.envs(variables.iter().copied());
        command
    }
}

/// Builds an example in a folder of its own; `None` if a tool is missing.
type Builder = fn(&Path) -> Option<Program>;

/// The examples whose tools are installed.
pub(crate) fn examples() -> &'static [Example] {
    static ONCE: OnceLock<Vec<Example>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let builders: [(&'static str, Builder); 7] = [
            ("c", c),
            ("cpp", cpp),
            ("fortran", fortran),
            ("go", go),
            ("julia", julia),
            ("mpi", mpi),
            ("shell", shell),
        ];
        let folder = folder();
        let build = |(name, builder): (&'static str, Builder)| {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).expect("a folder");
            let program = builder(&folder)?;
            Some(Example { name, program })
        };
        builders.into_iter().filter_map(build).collect()
    })
}

/// Where the programs stay, in `target` like other build output. It has the library.
fn folder() -> &'static Path {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    ONCE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs");
        library(&folder);
        folder
    })
}

/// The program `edges.c`.
pub(crate) fn edges() -> Option<PathBuf> {
    const CHECKED: &str = "-fsanitize=thread";
    let folder = folder().join("edges");
    fs::create_dir_all(&folder).expect("a folder");
    let (object, program) = (wandb_run(&folder, &[CHECKED])?, folder.join("edges"));
    let wraps = "-Wl,--wrap=snprintf,--wrap=strtod";
    let flags = ["-std=c11", "-Wpedantic", CHECKED, wraps];
    let source = Path::new("tests/runs/edges.c");
    compile(&tool("cc")?, &flags, &[source, &object], &program);
    Some(program)
}

/// Puts the shared library into `lib`, for linkers and loaders.
fn library(folder: &Path) {
    let library = support::library();
    let target = folder.join("lib");
    fs::create_dir_all(&target).expect("a folder");
    for name in ["libwandb_login.so", "libwandb_login.so.0"] {
        let built = fs::canonicalize(library.path().join(name)).expect("the library");
        let link = target.join(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(built, link).expect("a link");
    }
}

/// The folder of [`library`], beside the folder of an example.
fn library_folder(folder: &Path) -> PathBuf {
    folder.with_file_name("lib")
}

/// Compiles and links: the language follows from the compiler and the names of the inputs.
fn compile(compiler: &Path, flags: &[&str], inputs: &[&Path], output: &Path) {
    let library = library_folder(output.parent().expect("a folder"));
    let mut command = Command::new(compiler);
    command
        .args(["-g", "-O1", "-Wall", "-Wextra", "-Werror"])
        .args(flags);
    for folder in [
        "include",
        "bindings/cpp/include",
        "bindings/mpi",
        "examples/c",
    ] {
        command.arg("-I").arg(root().join(folder));
    }
    command.args(inputs.iter().map(|input| root().join(input)));
    command.arg("-o").arg(output);
    if !flags.contains(&"-c") {
        command
            .arg("-L")
            .arg(&library)
            .args(["-lwandb_login", "-lcurl", "-lm", "-pthread"])
            .arg(format!("-Wl,-rpath,{}", library.display()));
    }
    Run::ok(&mut command);
}

/// Compiles the part that a C program copies.
fn wandb_run(folder: &Path, flags: &[&str]) -> Option<PathBuf> {
    let object = folder.join("wandb_run.o");
    let flags = [&["-c", "-std=c11", "-Wpedantic"], flags].concat();
    let source = Path::new("examples/c/wandb_run.c");
    compile(&tool("cc")?, &flags, &[source], &object);
    Some(object)
}

/// Under the address sanitizer: no test leaks memory or reads what is freed.
fn c(folder: &Path) -> Option<Program> {
    const CHECKED: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];
    let (object, program) = (wandb_run(folder, &CHECKED)?, folder.join("train"));
    let flags = [&["-std=c11", "-Wpedantic"], &CHECKED[..]].concat();
    let source = Path::new("examples/c/train.c");
    compile(&tool("cc")?, &flags, &[source, &object], &program);
    Some(Program::of(program))
}

/// Under the thread sanitizer: the training and the sender share nothing without a lock.
fn cpp(folder: &Path) -> Option<Program> {
    const CHECKED: &str = "-fsanitize=thread";
    let (object, program) = (wandb_run(folder, &[CHECKED])?, folder.join("train"));
    let flags = ["-std=c++17", "-Wpedantic", CHECKED];
    let source = Path::new("examples/cpp/train.cpp");
    compile(&tool("c++")?, &flags, &[source, &object], &program);
    let mut program = Program::of(program);
    program
        .variables
        .push(("TSAN_OPTIONS", "halt_on_error=1".into()));
    Some(program)
}

fn fortran(folder: &Path) -> Option<Program> {
    let (object, program) = (wandb_run(folder, &[])?, folder.join("train"));
    let modules = format!("-J{}", folder.display());
    let flags = ["-std=f2008", &modules];
    let [module, source] =
        ["wandb_run", "train"].map(|name| format!("examples/fortran/{name}.f90"));
    let inputs = [Path::new(&module), Path::new(&source), &object];
    compile(&tool("gfortran")?, &flags, &inputs, &program);
    Some(Program::of(program))
}

/// Three ranks.
fn mpi(folder: &Path) -> Option<Program> {
    let mpirun = tool("mpirun")?;
    let (object, program) = (wandb_run(folder, &[])?, folder.join("train"));
    let sources = ["examples/mpi/train.c", "bindings/mpi/wandb_login_mpi.c"];
    let inputs = [Path::new(sources[0]), Path::new(sources[1]), &object];
    let flags = ["-std=c11", "-Wpedantic"];
    compile(&tool("mpicc")?, &flags, &inputs, &program);
    let variables = support::MPI_VARIABLES.map(|(name, value)| (name, value.into()));
    Some(Program {
        words: vec![mpirun.into(), "-np".into(), "3".into(), program.into()],
        variables: variables.into(),
    })
}

fn shell(_: &Path) -> Option<Program> {
    tool("curl")?;
    let command = Path::new(support::wandb_login_path());
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&folders).collect();
    folders.insert(0, command.parent().expect("a folder").to_owned());
    let path = std::env::join_paths(folders).expect("a path");
    let script = root().join("examples/shell/train.sh");
    Some(Program {
        words: vec![tool("sh")?.into(), script.into()],
        variables: vec![("PATH", path)],
    })
}

/// With the race detector, which ends a program with 66.
fn go(folder: &Path) -> Option<Program> {
    let (go, library) = (tool("go")?, library_folder(folder));
    tool("cc")?;
    let program = folder.join("train");
    let (include, build) = (root().join("include"), root().join("target/go"));
    let libraries = format!("-L{0} -lwandb_login -Wl,-rpath,{0}", library.display());
    Run::ok(
        Home::new()
            .command(&go)
            .args(["build", "-race", "-o"])
            .arg(&program)
            .arg("./train")
            .current_dir(root().join("examples/go"))
            .env("GOCACHE", build.join("cache"))
            .env("GOPATH", build.join("path"))
            .env("GOENV", "off")
            .env("GOFLAGS", "-buildvcs=false")
            .env("GOPROXY", "off")
            .env("GOTOOLCHAIN", "local")
            .env("PKG_CONFIG", "true")
            .env("CGO_CFLAGS", format!("-I{}", include.display()))
            .env("CGO_LDFLAGS", libraries),
    );
    Some(Program::of(program))
}

/// Hardly optimized: compiling takes longer than the training.
fn julia(folder: &Path) -> Option<Program> {
    let julia = crate::julia::julia()?;
    tool("curl")?;
    let library = library_folder(folder).join("libwandb_login.so");
    let _ = fs::remove_dir_all(folder);
    crate::julia::install(folder);
    let mut words: Vec<OsString> = vec![julia.into(), "-O0".into()];
    words.extend(crate::julia::arguments(folder).map(OsString::from));
    let mut variables: Vec<(&str, OsString)> = vec![("WANDB_LOGIN_LIBRARY", library.into())];
    variables.extend(crate::julia::variables(folder).map(|(name, path)| (name, path.into())));
    // Precompiles the package.
    let home = Home::new();
    let mut precompile = home.command(&words[0]);
    precompile
        .args(&words[1..])
        .args(["-e", "using WandbLogin"]);
    Run::ok(precompile.envs(variables.iter().cloned()));
    words.push(root().join("examples/julia/train.jl").into());
    Some(Program { words, variables })
}
