//! Requests to a stub server on the loopback. Variables are passed in, so those
//! of the process have no effect.

#[path = "../../../tests/support/stub.rs"]
mod stub;

mod conformance;
mod failures;
mod proxies;
mod requests;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::api;
use super::settings::Transport;
use super::wait::Wait;
use crate::config::route::{ConfiguredRoute, RouteSettings};
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::options::Attempts;
use crate::session::{Credential, Viewer};
use crate::url::BaseUrl;

const KEY: &str = "1111111111111111111111111111111111111111";
/// base64 of `api:` and the key.
const BASIC: &str = "Basic YXBpOjExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";

type Variables<'a> = BTreeMap<&'a str, String>;

fn variables<'a, const N: usize>(list: [(&'a str, &str); N]) -> Variables<'a> {
    list.into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

fn transport(url: &str, variables: &Variables) -> Result<Transport> {
    if cfg!(not(feature = "ring")) {
        // As a program does. It can be installed once; each test tries.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let var = |name: &str| variables.get(name).cloned().map(Into::into);
    let server = BaseUrl::parse(url).unwrap();
    let route = ConfiguredRoute::new(&var, RouteSettings::default(), &server);
    Ok(Transport::new(route)?.0)
}

/// A time limit that no test reaches.
fn patient() -> Wait<'static> {
    wait(Duration::from_secs(20))
}

fn wait(time: Duration) -> Wait<'static> {
    Wait {
        deadline: Instant::now() + time,
        attempts: Attempts::UntilDeadline,
        cancel: &|| false,
    }
}

fn key(text: &str) -> Credential {
    Credential::Key(ApiKey::parse(text.as_bytes()).unwrap().key)
}

/// Verifies the key with a server.
fn verify(url: &str, variables: &Variables, wait: &Wait) -> Result<Viewer> {
    api::viewer(
        url,
        key(KEY).authorization(),
        &"the API key",
        &transport(url, variables)?,
        wait,
    )
}

/// Verifies the key with a server that must fail; no message may contain the key.
fn problem(url: &str, variables: &Variables, wait: &Wait) -> Error {
    let error = verify(url, variables, wait).expect_err("the login must fail");
    let text = error.to_string();
    assert!(!text.contains(KEY) && !text.contains(&BASIC[6..]), "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
    error
}

/// A directory that is removed after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("wandb-login-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
