//! The renewer: one exchange for each token that ends, the old token while it is
//! valid, and another credential after the server has refused one.

use std::thread::sleep;
use std::time::Duration;

use wandb_login::{Error, Options, Renewer, RenewerOptions, Session};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, KEY_2};
use crate::{entries, login};

/// Tokens of this life are renewed when a fifth of it is left.
const LIFE: u64 = 5;
const DUE: Duration = Duration::from_millis(1000 * LIFE * 4 / 5 + 200);
const END: Duration = Duration::from_millis(1000 * LIFE + 1200);

fn grants(token: &str) -> Reply {
    let body = format!("{{\"access_token\":\"{token}\",\"expires_in\":{LIFE}}}");
    Reply::new(200, body)
}

/// A home with an identity token, a server, and the first session there.
struct Scene {
    home: Home,
    server: Stub,
    url: String,
    file: String,
}

impl Scene {
    fn new(script: impl Into<Vec<Reply>>) -> Scene {
        let (home, server) = (Home::new(), Stub::http(script));
        let file = home.write("token", "eyJh.eyJz.c2ln\n");
        Scene {
            url: server.url("127.0.0.1"),
            file: file.display().to_string(),
            home,
            server,
        }
    }

    fn variables(&self) -> [(&str, &str); 2] {
        [
            ("WANDB_BASE_URL", &self.url),
            ("WANDB_IDENTITY_TOKEN_FILE", &self.file),
        ]
    }

    fn session(&self) -> Session {
        login(&self.home, &self.variables(), Options::default()).unwrap()
    }

    fn renewer(&self, session: &Session) -> Renewer {
        let mut options = RenewerOptions::default();
        options.environment = Some(entries(&self.home, &self.variables()));
        options.working_directory = Some(self.home.cwd());
        Renewer::new(session, options)
    }

    fn exchanges(&self) -> usize {
        let seen = self.server.seen();
        seen.iter().filter(|r| r.target == "/oidc/token").count()
    }
}

fn token(session: &Session) -> String {
    String::from_utf8_lossy(session.authorization().as_bytes()).into_owned()
}

#[test]
fn a_token_is_renewed_before_it_ends_with_one_exchange_for_all_threads() {
    let scene = Scene::new([grants("first"), grants("second"), grants("third")]);
    let session = scene.session();
    let renewer = scene.renewer(&session);
    assert_eq!(token(&renewer.get().unwrap()), "Bearer first");
    assert_eq!(scene.exchanges(), 1);

    sleep(DUE);
    std::thread::scope(|threads| {
        for _ in 0..64 {
            let renewer = renewer.clone();
            // A thread gets the old token or the new one, and neither has ended.
            threads.spawn(move || {
                let token = token(&renewer.get().unwrap());
                assert!(["Bearer first", "Bearer second"].contains(&token.as_str()));
            });
        }
    });
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 2);
}

#[test]
fn two_processes_share_one_exchange_through_the_cache() {
    let scene = Scene::new([grants("first"), grants("second"), grants("third")]);
    let session = scene.session();
    let (one, other) = (scene.renewer(&session), scene.renewer(&session));
    sleep(DUE);
    assert_eq!(token(&one.get().unwrap()), "Bearer second");
    assert_eq!(token(&other.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 2);
}

#[test]
fn a_failure_before_the_end_is_no_error_and_is_not_repeated_at_once() {
    let failure = Reply::new(503, "{}");
    let scene = Scene::new([grants("first"), failure, grants("second")]);
    let renewer = scene.renewer(&scene.session());
    sleep(DUE);
    for _ in 0..100 {
        assert_eq!(token(&renewer.get().unwrap()), "Bearer first");
    }
    assert_eq!(scene.exchanges(), 2, "one attempt, then a pause");
    sleep(Duration::from_millis(1100));
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
}

#[test]
fn after_the_end_a_failure_is_an_error_until_the_server_answers() {
    let refusal = Reply::new(400, r#"{"error":"invalid_grant"}"#);
    let scene = Scene::new([grants("first"), refusal, grants("second")]);
    let renewer = scene.renewer(&scene.session());
    sleep(END);
    assert!(renewer.get().is_err());
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
}

#[test]
fn an_ended_token_whose_identity_file_is_gone_is_an_error_that_names_the_file() {
    let scene = Scene::new([grants("first")]);
    let renewer = scene.renewer(&scene.session());
    std::fs::remove_file(scene.home.base().join("token")).unwrap();
    sleep(END);
    let error = renewer.get().unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
}

#[test]
fn a_refused_token_is_replaced_at_once() {
    let scene = Scene::new([grants("first"), grants("second"), grants("third")]);
    let session = scene.session();
    let renewer = scene.renewer(&session);
    renewer.refused(&session);
    let second = renewer.get().unwrap();
    assert_eq!(token(&second), "Bearer second");
    // A late report about the old token has no effect.
    renewer.refused(&session);
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 2);
}

#[test]
fn a_refused_key_is_replaced_by_another_configured_key_or_rejected() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let netrc = |key: &str| {
        let netloc = url.trim_start_matches("http://");
        format!("machine {netloc}\n  login user\n  password {key}\n")
    };
    home.write("home/.netrc", netrc(KEY_1));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let session = login(&home, &variables, Options::default()).unwrap();
    let mut options = RenewerOptions::default();
    options.environment = Some(entries(&home, &variables));
    options.working_directory = Some(home.cwd());
    let renewer = Renewer::new(&session, options);
    assert_eq!(
        renewer.get().unwrap().authorization(),
        session.authorization()
    );

    renewer.refused(&session);
    assert!(matches!(renewer.get(), Err(Error::Rejected(_))));
    home.write("home/.netrc", netrc(KEY_2));
    sleep(Duration::from_millis(1100));
    let renewed = renewer.get().unwrap();
    assert_eq!(renewed.api_key().unwrap().as_bytes(), KEY_2.as_bytes());
    assert_eq!(server.connections(), 0, "a key needs no request");
}
