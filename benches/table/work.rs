//! The works that are measured: programs, and the homes that they run in.

use std::process::Command;

use crate::built::Built;
use crate::stub::{Authority, Reply, Stub};
use crate::support::{Home, KEY_1};

/// How many entries a large netrc has.
pub const MANY: usize = 10_000;

/// A home with both settings files and a netrc of as many entries, of which the
/// middle one is W&B's.
pub fn home(entries: usize) -> Home {
    let home = Home::new();
    let settings = "[default]\nentity = my-team\nproject = my-project\n";
    home.write("home/.config/wandb/settings", settings);
    home.write("cwd/wandb/settings", settings);
    let mut netrc = String::new();
    for entry in 0..entries {
        let name = match entry == entries / 2 {
            true => "api.wandb.ai".to_owned(),
            false => format!("host-{entry}.example.com"),
        };
        let key = key(entry);
        netrc += &format!("machine {name}\n  login user\n  password {key}\n");
    }
    home.write("home/.netrc", netrc);
    home
}

/// A key as W&B makes them, hexadecimal and each another: how long it takes to search
/// for a word depends on what else is there.
fn key(number: usize) -> String {
    let mut state = number as u64;
    let digit = |_| {
        // Knuth's constants of a linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b"0123456789abcdef"[(state >> 60) as usize])
    };
    (0..40).map(digit).collect()
}

/// A home whose netrc has a key for a server on this machine, which answers over TLS.
pub struct TlsServer {
    pub home: Home,
    pub stub: Stub,
    pub url: String,
    /// The path of the certificate of its authority.
    pub pem: String,
}

impl TlsServer {
    pub fn new() -> TlsServer {
        let authority = Authority::new();
        let stub = Stub::https(&authority.issue(&["localhost"]), [Reply::viewer()]);
        let home = Home::new();
        home.write(
            "home/.netrc",
            format!("machine localhost\n  login user\n  password {KEY_1}\n"),
        );
        let pem = home.write("ca.pem", authority.pem());
        TlsServer {
            url: stub.url("localhost"),
            pem: pem.to_str().expect("UTF-8").to_owned(),
            home,
            stub,
        }
    }

    /// The program, told where the server is and which authority to trust.
    pub fn named_to(&self, mut command: Command) -> Command {
        command
            .env("WANDB_BASE_URL", &self.url)
            .env("SSL_CERT_FILE", &self.pem)
            .env("REQUESTS_CA_BUNDLE", &self.pem);
        command
    }
}

impl Built {
    pub fn program(&self, home: &Home, name: &str, arguments: &[&str]) -> Command {
        let mut command = home.command(self.path(name));
        command.args(arguments);
        command
    }

    /// Asks as often as given whether a key is configured, with a key in the environment.
    pub fn check_variable(&self, home: &Home, times: usize, names_server: bool) -> Command {
        let mut command = self.program(home, "check", &[&times.to_string()]);
        command.env("WANDB_API_KEY", KEY_1);
        if names_server {
            command.env("WANDB_BASE_URL", "https://api.wandb.ai");
        }
        command
    }
}
