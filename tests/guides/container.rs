//! A container-like root from the YAML of a page: its variables, its secret at its
//! place, its user, and a root file system that cannot be written.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support;

/// What the YAML says about the container.
#[derive(Default)]
pub struct Container {
    pub variables: Vec<(String, String)>,
    /// Where the secret is mounted, and the name of its file.
    pub secret: Option<(String, String)>,
    pub user: u64,
}

impl Container {
    /// Reads a Job of Kubernetes or a Compose file; `None` for other YAML.
    pub fn of(yaml: &Value) -> Option<Container> {
        match (&yaml["kind"], &yaml["services"]) {
            (Value::String(kind), _) if kind == "Job" => Container::of_job(yaml),
            (_, Value::Object(_)) => Container::of_compose(yaml),
            _ => None,
        }
    }

    fn of_job(yaml: &Value) -> Option<Container> {
        let pod = &yaml["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let variables = container["env"].as_array()?.iter();
        let variables: Vec<_> = variables
            .filter_map(|it| Some((text(&it["name"])?, text(&it["value"])?)))
            .collect();
        let mount = &container["volumeMounts"][0];
        let volume = &pod["volumes"][0];
        assert_eq!(mount["name"], volume["name"], "the volume is mounted");
        let folder = text(&mount["mountPath"])?;
        let named = variables
            .iter()
            .find_map(|(_, value)| value.strip_prefix(&format!("{folder}/")));
        let file = named.expect("a variable names the secret").to_owned();
        Some(Container {
            secret: Some((folder, file)),
            user: pod["securityContext"]["runAsUser"].as_u64()?,
            variables,
        })
    }

    fn of_compose(yaml: &Value) -> Option<Container> {
        let service = yaml["services"].as_object()?.values().next()?;
        let variables = service["environment"].as_object()?.iter();
        let secret = text(&service["secrets"][0])?;
        assert!(yaml["secrets"][&secret]["file"].is_string());
        Some(Container {
            variables: variables
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
            secret: Some(("/run/secrets".into(), secret)),
            user: 0,
        })
    }

    /// The definition of a shell function `in_container COMMAND`. The secret's file
    /// is reached as Kubernetes makes it: a link to `..data`, a link to a folder.
    pub fn function(&self, key: &Path) -> String {
        let (folder, file) = self.secret.as_ref().expect("a secret");
        let variables: String = self
            .variables
            .iter()
            .map(|(name, value)| format!(" '{name}={value}'"))
            .collect();
        let (user, key, command) = (self.user, key.display(), support::wandb_login_path());
        format!(
            r#"in_container() {{ unshare --mount bash -ec '
    root=$(mktemp --directory)
    mount --types tmpfs none "$root"
    mkdir --parents "$root"/usr "$root"/bin2 "$root"/dev "$root{folder}/..1"
    mount --bind /usr "$root/usr"
    touch "$root/bin2/wandb-login" "$root/dev/null"
    mount --bind {command} "$root/bin2/wandb-login"
    mount --bind /dev/null "$root/dev/null"
    for folder in bin lib lib64; do ln --symbolic usr/$folder "$root/$folder"; done
    cp {key} "$root{folder}/..1/{file}"
    chown --recursive {user} "$root{folder}"
    chmod 440 "$root{folder}/..1/{file}"
    ln --symbolic ..1 "$root{folder}/..data"
    ln --symbolic ..data/{file} "$root{folder}/{file}"
    mount --options remount,ro "$root"
    exec chroot --userspec={user}:{user} "$root" /usr/bin/env --ignore-environment \
        PATH=/bin2:/usr/bin{variables} bash -c "$0"' "$1"; }}
"#
        )
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whether this process may make a container-like root.
pub fn is_possible() -> bool {
    let probe = Command::new("unshare")
        .args(["--mount", "mount", "--types", "tmpfs", "none", "/mnt"])
        .output();
    probe.is_ok_and(|run| run.status.success())
}
