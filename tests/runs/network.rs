//! Behind a proxy with a password, at a server with a private CA, with extra headers: an
//! example goes the way of the login.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::examples::Example;
use crate::server::{Rules, Server};
use crate::stub::{Authority, Reply, Seen, Stub};
use crate::support::{Home, KEY_1, Run, tool};
use crate::{for_each, losses, trained};

/// A proxy that asks for a password and leads to the server, whatever host is named.
/// While `dead` is set it breaks every connection.
fn proxy(server: &Server, dead: &Arc<AtomicBool>) -> Stub {
    let (address, dead) = (server.stub.address, Arc::clone(dead));
    Stub::answering(None, move |seen: &Seen| {
        if dead.load(Ordering::SeqCst) {
            return Reply::Close;
        }
        // `user:pass word`
        let authorized = seen.header("proxy-authorization") == Some("Basic dXNlcjpwYXNzIHdvcmQ=");
        match authorized && seen.method == "CONNECT" {
            true => Reply::Tunnel(address),
            false => Reply::new(407, "").header("Proxy-Authenticate", "Basic realm=\"proxy\""),
        }
    })
}

/// A server that only the proxy reaches: its name does not exist.
struct Scene {
    server: Server,
    proxy: Stub,
    dead: Arc<AtomicBool>,
    home: Home,
}

impl Scene {
    fn new() -> Scene {
        let authority = Authority::new();
        let identity = authority.issue(&["wandb.test"]);
        let server = Server::with_tls(Rules::default(), Some(&identity));
        let (home, dead) = (Home::new(), Arc::default());
        home.write("ca.pem", authority.pem());
        let proxy = proxy(&server, &dead);
        Scene {
            server,
            proxy,
            dead,
            home,
        }
    }

    fn train(&self, example: &Example, arguments: &[&str]) -> Run {
        let port = self.proxy.address.port();
        let proxy = format!("http://user:pass%20word@127.0.0.1:{port}");
        let authority = self.home.base().join("ca.pem").display().to_string();
        let variables = [
            ("WANDB_BASE_URL", "https://wandb.test"),
            ("WANDB_API_KEY", KEY_1),
            ("WANDB_HTTPS_PROXY", &proxy),
            ("SSL_CERT_FILE", &authority),
            ("WANDB_X_EXTRA_HTTP_HEADERS", r#"{"X-Tenant": "seven"}"#),
        ];
        let mut training = example.training(&self.home, &variables, arguments);
        self.watch_curl(&mut training);
        let run = trained(example, &mut training);
        assert!(!run.stderr.contains("pass"), "{}", run.stderr);
        run
    }
}

impl Scene {
    /// Puts a script before curl that writes down its arguments, which other users see.
    fn watch_curl(&self, training: &mut Command) {
        let real = tool("curl").expect("curl is installed");
        let log = self.home.base().join("curl.log");
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{}'\nexec '{}' \"$@\"\n",
            log.display(),
            real.display()
        );
        let curl = self.home.write("bin/curl", script);
        fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).unwrap();
        let path = training.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.and_then(|(_, value)| value).unwrap_or_default();
        let mut folders: Vec<_> = std::env::split_paths(path).collect();
        folders.insert(0, self.home.base().join("bin"));
        training.env("PATH", std::env::join_paths(folders).unwrap());
    }
}

#[test]
fn an_example_goes_the_way_of_the_login() {
    for_each(|example| {
        let scene = Scene::new();
        let run = scene.train(example, &["20", "1"]);
        let (name, requests) = (example.name, scene.server.requests());
        assert_eq!(
            scene.server.run().history.len(),
            20,
            "{name}: {}",
            run.stderr
        );
        assert_eq!(scene.server.run().exit_code, Some(0), "{name}");
        let tenants = requests.iter().map(|seen| seen.header("x-tenant"));
        assert!(
            tenants.clone().all(|tenant| tenant == Some("seven")),
            "{name}"
        );
        // No secret is an argument of curl, which the shell and Julia run.
        let arguments = scene.home.text("curl.log").unwrap_or_default();
        let runs_curl = ["shell", "julia"].contains(&name);
        assert_eq!(!arguments.is_empty(), runs_curl, "{name}: {arguments}");
        for secret in [KEY_1, "Basic", "pass", "seven"] {
            assert!(!arguments.contains(secret), "{name}: {arguments}");
        }
        // Neither the key nor the extra header is for the proxy.
        for seen in scene.proxy.seen() {
            assert_eq!(seen.target, "wandb.test:443", "{name}");
            assert_eq!(seen.header("authorization"), None, "{name}");
            assert_eq!(seen.header("x-tenant"), None, "{name}");
        }
    });
}

#[test]
fn a_proxy_that_dies_does_not_end_the_training() {
    for_each(|example| {
        let scene = Scene::new();
        scene.dead.store(true, Ordering::SeqCst);
        let run = scene.train(example, &["40", "1"]);
        let name = example.name;
        assert_eq!(losses(&run).len(), 40, "{name}");
        let lines = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("wandb_run: "));
        let again = lines.filter(|line| line.contains("sent again"));
        assert_eq!(again.count(), 1, "{name}: {}", run.stderr);
        assert!(
            run.stderr.contains("not complete"),
            "{name}: {}",
            run.stderr
        );
    });
}
