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
        command.args(words).args(arguments);
        for (name, value) in &self.program.variables {
            command.env(name, value);
        }
        command.envs(variables.iter().copied());
        command
    }
}

/// The examples whose tools are installed.
pub(crate) fn examples() -> &'static [Example] {
    static ONCE: OnceLock<Vec<Example>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let builders: [(&'static str, fn(&Path) -> Option<Program>); 1] = [("c", c)];
        // The programs stay in `target`, like other build output.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs");
        library(&folder);
        let build = |(name, builder): (&'static str, fn(&Path) -> Option<Program>)| {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).expect("a folder");
            let program = builder(&folder)?;
            Some(Example { name, program })
        };
        builders.into_iter().filter_map(build).collect()
    })
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

/// Compiles C and C++ sources of `examples`, with every warning an error.
fn compile(compiler: &Path, standard: &str, flags: &[&str], sources: &[&str], program: &Path) {
    let library = library_folder(program.parent().expect("a folder"));
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(["-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(flags);
    for folder in [
        "include",
        "bindings/cpp/include",
        "bindings/mpi",
        "examples/c",
    ] {
        command.arg("-I").arg(root().join(folder));
    }
    command
        .args(sources.iter().map(|source| root().join(source)))
        .arg("-o")
        .arg(program)
        .arg("-L")
        .arg(&library)
        .args(["-lwandb_login", "-lcurl", "-lm", "-pthread"])
        .arg(format!("-Wl,-rpath,{}", library.display()));
    Run::ok(&mut command);
}

/// Under the address sanitizer: no test leaks memory or reads what is freed.
fn c(folder: &Path) -> Option<Program> {
    let program = folder.join("train");
    let sources = ["examples/c/train.c", "examples/c/wandb_run.c"];
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];
    compile(&tool("cc")?, "c11", &flags, &sources, &program);
    Some(Program::of(program))
}
