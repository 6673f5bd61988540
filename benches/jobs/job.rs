//! A job of many processes that log in, against a home whose look-ups take time and a server
//! on this machine. It is run twice: cold, without a cached access token and with no file of
//! the library or the home in memory, and warm, after that.

#![allow(unreachable_pub)] // the benchmark and the test `mpi` share this file
#![allow(dead_code)] // each uses its own part of this

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, MPI_VARIABLES, Run, TempDir, root};

/// How the processes get their sessions.
#[derive(Clone, Copy)]
pub enum Way<'a> {
    /// Each looks for itself.
    Alone,
    /// One logs in; the others get its exported session over a pipe.
    Pipe,
    /// Rank 0 of an MPI job logs in; the others get its session from `wandb_login_mpi`.
    Mpi,
    /// Each looks for itself, with the SDK of this Python.
    Sdk(&'a Path),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An API key in netrc.
    Key,
    /// An identity token in a file, which is exchanged for an access token.
    IdentityToken,
}

/// What one run of a job came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// From the start of the job until its last process has a session.
    pub ns: f64,
    /// The longest time that a process of the job spent in the call.
    pub own_ns: f64,
    /// Calls of all processes that resolve a path in the home.
    pub lookups: u64,
    /// Requests that verify a credential.
    pub verified: usize,
    /// Requests that exchange an identity token.
    pub exchanged: usize,
    /// All requests: the SDK also sends metrics.
    pub requests: usize,
    /// What rank 0 sends over MPI, or all pipes carry.
    pub bytes: f64,
}

/// The programs of the jobs.
pub struct Programs {
    folder: TempDir,
    library: PathBuf,
    has_mpi: bool,
}

impl Programs {
    /// Compiles them against the library in a folder.
    pub fn new(library: &Path) -> Programs {
        let programs = Programs {
            folder: TempDir::new(),
            library: library.to_owned(),
            has_mpi: ["mpicc", "mpirun"]
                .iter()
                .all(|name| crate::support::tool(name).is_some()),
        };
        programs.compile(
            "cc",
            "slow_home.so",
            &["slow_home.c"],
            &["-fPIC", "-shared", "-ldl"],
        );
        programs.compile("cc", "start", &["start.c"], &[]);
        let search = format!("-Wl,-rpath,{}", library.display());
        let linked = [
            "-L",
            library.to_str().expect("UTF-8"),
            &search,
            "-lwandb_login",
        ];
        programs.compile("cc", "member", &["member.c"], &linked);
        if programs.has_mpi {
            let helper = "../../../bindings/mpi/wandb_login_mpi.c";
            programs.compile("mpicc", "rank", &["rank.c", helper], &linked);
        }
        programs
    }

    /// Whether jobs can be started with MPI.
    pub fn has_mpi(&self) -> bool {
        self.has_mpi
    }

    fn compile(&self, compiler: &str, name: &str, sources: &[&str], options: &[&str]) {
        let mut command = Command::new(compiler);
        command
            .args(["-O2", "-std=c11", "-D_GNU_SOURCE"])
            .args(["-Wall", "-Wextra", "-Werror"])
            .arg("-I")
            .arg(root().join("include"))
            .arg("-I")
            .arg(root().join("bindings/mpi"))
            .arg("-o")
            .arg(self.path(name))
            .args(sources)
            .args(options)
            .current_dir(root().join("benches/jobs/c"));
        Run::ok(&mut command);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Forgets the pages of the files that the job reads first; the SDK's own files stay.
    fn forget_pages(&self, home: &Home) {
        let mut files = vec![self.library.join("libwandb_login.so"), self.path("member")];
        files.extend(["home/.netrc", "home/identity-token"].map(|file| home.path(file)));
        for file in files.iter().filter(|file| file.exists()) {
            Run::ok(Command::new("sync").arg(file));
            let input = format!("if={}", file.display());
            Run::ok(Command::new("dd").args([&input, "iflag=nocache", "count=0", "status=none"]));
        }
    }
}

/// A home with a credential, and the server that it is for.
pub struct Scene<'a> {
    programs: &'a Programs,
    /// The home and the working directory, whose look-ups are slow and counted.
    home: Home,
    /// For the programs that start the job.
    elsewhere: Home,
    server: Stub,
    /// How long each look-up takes.
    delay: Duration,
}

impl<'a> Scene<'a> {
    pub fn new(programs: &'a Programs, credential: Credential, delay: Duration) -> Scene<'a> {
        let grant = r#"{"access_token": "an-access-token", "expires_in": 3600}"#;
        let server = Stub::answering(None, move |seen| match seen.target == EXCHANGE {
            true => Reply::new(200, grant),
            false => Reply::viewer(),
        });
        let home = Home::new();
        match credential {
            Credential::Key => {
                let machine = server.address;
                let netrc = format!("machine {machine}\n  login user\n  password {KEY_1}\n");
                home.write("home/.netrc", netrc);
            }
            Credential::IdentityToken => {
                home.write("home/identity-token", "eyJh.eyJz.c2ln\n");
            }
        }
        let elsewhere = Home::new();
        elsewhere.write("count", [0; 8]);
        Scene {
            programs,
            home,
            elsewhere,
            server,
            delay,
        }
    }

    /// The variables of the processes.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let home = self.home.home();
        let mut variables = vec![
            ("HOME", home.display().to_string()),
            ("WANDB_BASE_URL", self.server.url("127.0.0.1")),
        ];
        let token = home.join("identity-token");
        if token.exists() {
            variables.push(("WANDB_IDENTITY_TOKEN_FILE", token.display().to_string()));
        }
        variables
    }

    /// The variables that make the home slow.
    fn slow_home(&self) -> [(&'static str, String); 4] {
        [
            (
                "LD_PRELOAD",
                self.programs.path("slow_home.so").display().to_string(),
            ),
            ("SLOW_HOME", self.home.base().display().to_string()),
            ("SLOW_HOME_NS", self.delay.as_nanos().to_string()),
            (
                "SLOW_HOME_COUNT",
                self.elsewhere.path("count").display().to_string(),
            ),
        ]
    }

    /// A single process of the kind that the job has, by its program.
    pub fn member(&self) -> Command {
        let mut command = self.home.command(self.programs.path("member"));
        command.envs(self.variables()).envs(self.slow_home());
        command
    }

    fn command(&self, way: Way, count: usize) -> Command {
        let number = count.to_string();
        let mut command = match way {
            Way::Mpi => self.elsewhere.command(self.programs.path("start")),
            _ => self.home.command(self.programs.path("start")),
        };
        let member = self.programs.path("member");
        match way {
            Way::Alone => command.arg(&number).arg(member),
            Way::Pipe => command.args([&number, "share"]).arg(member),
            Way::Sdk(python) => command
                .arg(&number)
                .arg(python)
                .arg("-B")
                .arg(root().join("benches/jobs/sdk.py")),
            Way::Mpi => command
                .args(["1", "mpirun", "-np", &number])
                .arg(self.programs.path("rank"))
                .arg(self.home.cwd())
                .args(
                    self.variables()
                        .iter()
                        .map(|(name, value)| format!("{name}={value}")),
                )
                .env("TMPDIR", self.elsewhere.base())
                .envs(MPI_VARIABLES),
        };
        if !matches!(way, Way::Mpi) {
            command.envs(self.variables());
        }
        command.env("WANDB_SILENT", "true").envs(self.slow_home());
        command
    }

    /// How many look-ups there were so far.
    pub fn lookups(&self) -> u64 {
        let bytes = self.elsewhere.read("count").expect("the counter");
        u64::from_ne_bytes(bytes.try_into().expect("one number"))
    }

    /// Runs a job once.
    pub fn run(&self, way: Way, count: usize) -> Figures {
        let (looked_up, asked) = (self.lookups(), self.server.seen().len());
        let run = Run::ok(&mut self.command(way, count));
        let words = run.stdout.split_whitespace();
        let numbers: Vec<f64> = words.map(|word| word.parse().expect("a number")).collect();
        let [ns, own_ns, bytes] = numbers[..] else {
            panic!("not three numbers: {}", run.stdout);
        };
        let seen = self.server.seen().split_off(asked);
        let sent_to = |target| seen.iter().filter(|seen| seen.target == target).count();
        Figures {
            ns,
            own_ns,
            lookups: self.lookups() - looked_up,
            verified: sent_to(VERIFY),
            exchanged: sent_to(EXCHANGE),
            requests: seen.len(),
            bytes,
        }
    }

    /// Runs a job cold, and again.
    pub fn cold_and_warm(&self, way: Way, count: usize) -> [Figures; 2] {
        let cache = self.home.path("home/.config");
        if cache.exists() {
            fs::remove_dir_all(cache).expect("the cached token");
        }
        self.programs.forget_pages(&self.home);
        [self.run(way, count), self.run(way, count)]
    }
}

/// The path of the server's token exchange.
const EXCHANGE: &str = "/oidc/token";

/// The path of the request that verifies a credential.
const VERIFY: &str = "/graphql";
