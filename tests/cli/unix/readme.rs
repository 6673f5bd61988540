//! The shell lines of README.md, run as they stand. The real server is a stub, which a
//! proxy leads to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::stub::{Authority, Reply, Stub};
use crate::support::{self, Home, KEY_1, NETRC, Run};

#[test]
fn the_shell_lines_of_the_readme_work() {
    let Some(_) = support::tool("curl") else {
        return;
    };
    let (_, lines) = support::code_blocks("README.md").swap_remove(3);
    assert!(lines.contains("wandb-login --verify"), "{lines}");
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_1}\n"),
    );
    // The command is there already.
    let cargo = home.write("bin/cargo", "#!/bin/sh\necho \"cargo $*\"\n");
    fs::set_permissions(cargo, fs::Permissions::from_mode(0o755)).expect("mode");
    let command = Path::new(support::wandb_login_path()).parent();
    let path = [
        home.path("bin").display().to_string(),
        command.expect("a folder").display().to_string(),
        std::env::var("PATH").unwrap_or_default(),
    ]
    .join(":");
    let authority = Authority::new();
    let server = Stub::https(&authority.issue(&["api.wandb.ai"]), [Reply::viewer()]);
    let proxy = Stub::http([Reply::Tunnel(server.address)]);
    let mut shell = home.command("sh");
    shell
        .env("PATH", path)
        .env("https_proxy", proxy.url("127.0.0.1"))
        .env("SSL_CERT_FILE", home.write("ca.pem", authority.pem()))
        .args(["-eu", "-c", &lines]);
    let run = Run::ok(&mut shell);
    assert!(run.stdout.contains("cargo install --path bindings/cli\n"));
    assert!(run.stdout.contains(&format!("{KEY_1}\n")), "{}", run.stdout);
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "{}", run.stderr); // --verify and curl
    for request in seen {
        let body = String::from_utf8_lossy(&request.body);
        assert_eq!(request.method, "POST");
        assert!(body.contains("viewer"), "{body}");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(
            request
                .header("authorization")
                .is_some_and(|value| value.starts_with("Basic "))
        );
    }
    assert_eq!(home.text(NETRC).as_deref(), Some(""));
}
