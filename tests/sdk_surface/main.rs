//! Every member of the two documents that this library follows: W&B's page on
//! `wandb login` and the SDK's module `wandb_login`. One test for each row, in
//! the library and on the command line.

#[cfg(feature = "http")]
#[path = "../support/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

mod command_page;
mod modes;
mod module_page;

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::PathBuf;

use support::{Home, NETRC};
use wandb_login::{Flags, Level, Login, Options, Session};

const SERVER: &str = "http://127.0.0.1:8080";
const SETTINGS: &str = "home/.config/wandb/settings";
const WORKSPACE: &str = "cwd/wandb/settings";

/// What is around a call of the library: a home, variables, and the lines it logs.
struct Around {
    home: Home,
    cwd: PathBuf,
    environment: Vec<OsString>,
    lines: RefCell<Vec<(Level, String)>>,
}

impl Around {
    fn new(variables: &[(&str, &str)]) -> Around {
        let home = Home::new();
        let entries = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Around {
            cwd: home.cwd(),
            environment: entries.chain([home.entry()]).map(OsString::from).collect(),
            home,
            lines: RefCell::default(),
        }
    }

    /// Calls the library here.
    fn call<T>(&self, options: Options<'_>, call: impl FnOnce(&Options<'_>) -> T) -> T {
        let environment: Vec<_> = self.environment.iter().map(OsString::as_os_str).collect();
        let log = |level, line: &str| self.lines.borrow_mut().push((level, line.to_string()));
        call(
            &options
                .environment(&environment)
                .working_directory(&self.cwd)
                .log(&log),
        )
    }

    fn login(&self, options: Options<'_>) -> wandb_login::Result<Login> {
        self.call(options, wandb_login::login)
    }

    /// Logs in, and must come back with a session.
    fn session(&self, options: Options<'_>) -> Session {
        match self.login(options) {
            Ok(Login::Session(session)) => session,
            other => panic!("{other:?}"),
        }
    }

    fn log(&self) -> String {
        self.lines
            .borrow()
            .iter()
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    }

    fn store_in_netrc(&self, key: &str) {
        self.home.write(NETRC, entry(key));
    }
}

fn entry(key: &str) -> String {
    format!("machine 127.0.0.1:8080\n  login user\n  password {key}\n")
}

fn key_of(session: &Session) -> &str {
    std::str::from_utf8(session.api_key().expect("a key").as_bytes()).expect("ASCII")
}

fn no_prompt() -> Options<'static> {
    Options::new().flags(Flags::NO_PROMPT).host(SERVER)
}
