//! Several versions of the SDK find what the library stores, and the reverse.
//! `WANDB_LOGIN_TEST_SDKS` names the versions.

use std::path::PathBuf;

use crate::support::{self, Home, KEY_1, KEY_2, Run};
use crate::{request, sdk};

/// The versions by default: the current one, and the last one that looks up the
/// host without its port.
const DEFAULT: [&str; 2] = [support::SDK, "0.22.3"];

/// The versions of `WANDB_LOGIN_TEST_SDKS=all`.
const ALL: [&str; 5] = [support::SDK, "0.28.2", "0.22.3", "0.19.11", "0.16.6"];

/// Servers without a port. None is ever contacted.
const WITHOUT_PORT: [&str; 3] = [
    "https://api.wandb.ai",
    "https://wandb.example.com",
    "https://wandb.example.com/sub/path",
];

/// Servers with a port.
const WITH_PORT: [&str; 4] = [
    "https://wandb.example.com:8443/sub/path",
    "http://wandb.example.com:8080",
    "http://127.0.0.1:8080",
    "http://localhost:9000/wandb",
];

struct Sdk {
    version: String,
    python: PathBuf,
}

impl Sdk {
    /// The versions that this run is for.
    fn versions() -> Vec<Sdk> {
        let named = std::env::var("WANDB_LOGIN_TEST_SDKS").unwrap_or_default();
        let versions: Vec<&str> = match named.trim() {
            "" => DEFAULT.to_vec(),
            "all" => ALL.to_vec(),
            names => names.split_whitespace().collect(),
        };
        versions
            .into_iter()
            .filter_map(|version| {
                Some(Sdk {
                    python: support::sdk_python_of(version)?,
                    version: version.to_string(),
                })
            })
            .collect()
    }

    /// Whether it looks up a server under its host and port.
    fn reads_ports(&self) -> bool {
        self.minor() >= 23
    }

    /// Whether it stores a key under the server's host and port.
    fn writes_ports(&self) -> bool {
        self.minor() >= 17
    }

    /// The `22` of 0.22.3.
    fn minor(&self) -> u32 {
        let minor = self.version.split('.').nth(1);
        let minor = minor.and_then(|minor| minor.parse().ok());
        minor.unwrap_or_else(|| panic!("{} is not a version of the SDK", self.version))
    }

    /// The key that it finds in each home, for the server of the settings there.
    fn find(&self, homes: &[&Home]) -> Vec<Option<String>> {
        let requests: Vec<_> = homes
            .iter()
            .map(|home| request(home, "lookup", &[]))
            .collect();
        sdk(&self.python, &requests)
            .iter()
            .map(|answer| {
                assert!(
                    ["found", "not found"].contains(&answer["ends"].as_str().unwrap_or_default()),
                    "{}: {answer}",
                    self.version
                );
                answer["key"].as_str().map(str::to_string)
            })
            .collect()
    }
}

/// Keys that every version finds. Those before 0.22 store none but the first.
fn keys() -> [String; 2] {
    [KEY_1.into(), "Ab_9".repeat(21) + "zz"]
}

fn log_in(home: &Home, server: &str, key: &str, options: &[&str]) {
    let mut login = home.wandb_login(&["login", "--host", server, "--key-stdin"]);
    let run = Run::with_input(login.args(options), key);
    assert_eq!(run.code, Some(0), "{server}: {}", run.stderr);
}

#[test]
fn every_sdk_finds_a_stored_key_by_host_or_by_the_bare_host() {
    let cases = [
        (WITHOUT_PORT.as_slice(), &[][..]),
        (&WITHOUT_PORT, &["--bare-host"]),
        (&WITH_PORT, &[]),
        (&WITH_PORT, &["--bare-host"]),
    ];
    let mut stored = Vec::new();
    for (servers, options) in cases {
        for (server, key) in servers
            .iter()
            .flat_map(|server| keys().map(|key| (server, key)))
        {
            let home = Home::new();
            log_in(&home, server, &key, options);
            let found_by_all = WITHOUT_PORT.contains(server) || !options.is_empty();
            stored.push((home, *server, key, found_by_all));
        }
    }
    let homes: Vec<_> = stored.iter().map(|(home, ..)| home).collect();
    for sdk in Sdk::versions() {
        for ((_, server, key, found_by_all), found) in stored.iter().zip(sdk.find(&homes)) {
            let expected = (*found_by_all || sdk.reads_ports()).then(|| key.clone());
            assert_eq!(found, expected, "SDK {}: {server}", sdk.version);
        }
    }
}

#[test]
fn every_sdk_finds_the_new_key_and_none_after_logout() {
    for sdk in Sdk::versions() {
        let homes = WITH_PORT.map(|_| Home::new());
        for (home, server) in homes.iter().zip(WITH_PORT) {
            log_in(home, server, KEY_1, &["--bare-host"]);
            // The entry of the bare host follows.
            log_in(home, server, KEY_2, &[]);
        }
        let homes_of = homes.each_ref();
        let found = sdk.find(&homes_of);
        assert_eq!(
            found,
            [(); 4].map(|()| Some(KEY_2.into())),
            "SDK {}",
            sdk.version
        );
        for (home, server) in homes.iter().zip(WITH_PORT) {
            Run::ok(&mut home.wandb_login(&["logout", "--host", server]));
            assert_eq!(home.text("home/.netrc").as_deref(), Some(""), "{server}");
        }
        assert_eq!(
            sdk.find(&homes_of),
            [const { None }; 4],
            "SDK {}",
            sdk.version
        );
    }
}

#[test]
fn what_every_sdk_stores_is_found() {
    for version in Sdk::versions() {
        let servers: Vec<_> = WITHOUT_PORT.into_iter().chain(WITH_PORT).collect();
        let homes: Vec<_> = servers.iter().map(|_| Home::new()).collect();
        let requests: Vec<_> = homes
            .iter()
            .zip(&servers)
            .map(|(home, server)| {
                request(home, "command line", &["login", "--host", server, KEY_1])
            })
            .collect();
        let answers = sdk(&version.python, &requests);
        for ((home, server), answer) in homes.iter().zip(servers).zip(answers) {
            let about = format!("SDK {}: {server}: {answer}", version.version);
            assert_eq!(answer["ends"], "exit 0", "{about}");
            let run = Run::of(&mut home.wandb_login(&["token", "--host", server]));
            // An entry without the port is not used over plain http.
            let is_plain = server.starts_with("http://wandb");
            if is_plain && !version.writes_ports() {
                assert_eq!(run.code, Some(1), "{about}");
                let status = Run::of(&mut home.wandb_login(&["status", "--host", server]));
                let reason = "without a port is not used";
                assert!(status.stdout.contains(reason), "{about}: {}", status.stdout);
            } else {
                assert_eq!(run.stdout.trim_end(), KEY_1, "{about}: {}", run.stderr);
            }
        }
    }
}
