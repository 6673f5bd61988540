//! The prompt on a pseudo-terminal. The program that prompts is this test
//! executable, started again with the name of a scene.

mod flow;
mod leaving;
#[path = "../../../tests/support/pty.rs"]
mod pty;
mod scenes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::util::this_test;
use pty::Pty;

const KEY: &str = "1111111111222222222233333333334444444444";
const ASKED: &str = "Paste your API key and hit enter: ";

/// A program that prompts, on its own terminal.
struct Stage {
    pty: Pty,
    child: Child,
    dir: TempDir,
    /// The terminal's attributes before the program.
    before: Vec<u8>,
}

impl Stage {
    fn new(scene: &str, settings: &[(&str, &str)]) -> Stage {
        Stage::with(scene, settings, |_| {})
    }

    /// `prepare` may set up the terminal.
    fn prepared(scene: &str, settings: &[(&str, &str)], prepare: impl FnOnce(&Pty)) -> Stage {
        let (pty, dir) = (Pty::open(), TempDir::new());
        prepare(&pty);
        let mut command = program(scene, settings, dir.path());
        pty.attach(&mut command);
        Stage::start(pty, dir, command)
    }

    /// `adjust` may redirect streams of the program.
    fn with(scene: &str, settings: &[(&str, &str)], adjust: impl FnOnce(&mut Command)) -> Stage {
        let (pty, dir) = (Pty::open(), TempDir::new());
        let mut command = program(scene, settings, dir.path());
        pty.attach(&mut command);
        adjust(&mut command);
        Stage::start(pty, dir, command)
    }

    /// The program as a job of an interactive shell.
    fn under_dash(scene: &str, settings: &[(&str, &str)]) -> Stage {
        let (pty, dir) = (Pty::open(), TempDir::new());
        let job = program(scene, settings, dir.path());
        let mut shell = Command::new("dash");
        shell.arg("-i").env_clear().env("PS1", "dash> ");
        for (name, value) in job.get_envs() {
            shell.env(name, value.expect("a value"));
        }
        let words: Vec<_> = [job.get_program()]
            .into_iter()
            .chain(job.get_args())
            .collect();
        let words: Vec<_> = words.iter().map(|w| w.to_str().expect("a word")).collect();
        shell.env("RUN", format!("{} >\"$STDOUT\"", words.join(" ")));
        pty.attach(&mut shell);
        let mut stage = Stage::start(pty, dir, shell);
        stage.pty.expect("dash> ");
        stage
    }

    fn start(pty: Pty, dir: TempDir, mut command: Command) -> Stage {
        let before = pty.attributes();
        let child = command.spawn().expect("the program");
        Stage {
            pty,
            child,
            dir,
            before,
        }
    }

    /// Waits for the prompt for the key, which hides input.
    fn asked(&mut self) {
        self.pty.expect(ASKED);
        assert!(!self.pty.echoes());
        assert_ne!(self.pty.attributes(), self.before);
    }

    /// Waits for the end of the program, checks that it restored the terminal,
    /// and returns the outcome that it wrote.
    fn outcome(&mut self) -> String {
        let status = pty::wait(&mut self.child);
        assert!(status.success(), "{status}; {:?}", self.pty.seen());
        self.is_restored();
        self.read("outcome")
    }

    fn is_restored(&self) {
        assert_eq!(self.pty.attributes(), self.before);
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// Creates the file that the scene waits for.
    fn give_cue(&self) {
        std::fs::write(self.dir.path().join("cue"), "").expect("a file");
    }

    /// The process id that the scene wrote down.
    fn pid(&self, name: &str) -> u32 {
        let mut pid = None;
        pty::wait_until("the program has written a process id", || {
            pid = self.read(name).strip_suffix('\n').map(str::to_owned);
            pid.is_some()
        });
        pid.expect("a line").parse().expect("a number")
    }

    /// Waits until the shell says "Stopped" and the program has stopped: a script
    /// around the program may stop before it, and `fg` would then continue only the
    /// script.
    fn expect_stopped(&mut self) {
        self.pty.expect("Stopped");
        let path = format!("/proc/{}/stat", self.pid("pid"));
        pty::wait_until("the program has stopped", || {
            let stat = fs::read_to_string(&path).unwrap_or_default();
            let state = stat.rsplit(") ").next().unwrap_or_default();
            state.starts_with('T')
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(scene: &str, settings: &[(&str, &str)], dir: &Path) -> Command {
    let mut command = this_test::command(&[], "prompt::dialog::tests::scenes::program");
    command
        .env_clear()
        .env("SCENE", scene)
        .env("DIR", dir)
        .env("STDOUT", dir.join("stdout"))
        .envs(settings.iter().copied());
    command
}

/// A directory for one test.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> TempDir {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "wandb-login-prompt-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new directory");
        TempDir(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
