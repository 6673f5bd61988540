//! All environment variables and settings that the library reads, with their
//! meaning. `wandb-login help environment` prints both lists;
//! `docs/configuration.md` explains them to users.

/// A name, and one sentence that says what it means.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// The name of the variable or the setting.
    pub name: &'static str,
    /// What it means, in Markdown.
    pub meaning: &'static str,
}

/// Defines each name as a constant, and the list of all of them.
macro_rules! names {
    ($list:ident: $($(#[doc = $meaning:literal])+ $constant:ident = $name:literal;)+) => {
        // Some are read on Windows or by the HTTP client only, and documented in every build.
        $(
            $(#[doc = $meaning])+
            #[cfg_attr(not(all(feature = "http", windows)), allow(dead_code))]
            pub(crate) const $constant: &str = $name;
        )+

        /// All names, in the order of the help.
        pub const $list: &[$crate::env::variables::Name] = &[$(
            $crate::env::variables::Name {
                name: $name,
                meaning: concat!($($meaning),+).trim_ascii(),
            }
        ),+];
    };
}

names! { VARIABLES:
    /// The API key.
    API_KEY = "WANDB_API_KEY";
    /// A file that holds only the API key: a Docker, Kubernetes or systemd secret.
    API_KEY_FILE = "WANDB_API_KEY_FILE";
    /// A file with an identity token (a JWT), exchanged for an access token.
    IDENTITY_TOKEN_FILE = "WANDB_IDENTITY_TOKEN_FILE";
    /// The cache of access tokens.
    CREDENTIALS_FILE = "WANDB_CREDENTIALS_FILE";
    /// The server.
    BASE_URL = "WANDB_BASE_URL";
    /// The web app of the server.
    APP_URL = "WANDB_APP_URL";
    /// The directory of the system settings file.
    CONFIG_DIR = "WANDB_CONFIG_DIR";
    /// Whether to log in at all: `online`, `offline`, `disabled` and others.
    MODE = "WANDB_MODE";
    /// No information lines and no terminal prompt.
    SILENT = "WANDB_SILENT";
    /// No information lines.
    QUIET = "WANDB_QUIET";
    /// Prompt for a key although one is configured.
    RELOGIN = "WANDB_RELOGIN";
    /// Offer neither "create an account" nor "offline" in the prompt.
    FORCE = "WANDB_FORCE";
    /// The default team.
    ENTITY = "WANDB_ENTITY";
    /// Seconds that the prompt may take.
    LOGIN_TIMEOUT = "WANDB_LOGIN_TIMEOUT";
    /// Seconds that the server may take.
    HTTP_TIMEOUT = "WANDB_HTTP_TIMEOUT";
    /// Sent to the server as `X-Wandb-Username`.
    USERNAME = "WANDB_USERNAME";
    /// Sent to the server as `X-Wandb-User-Email`.
    USER_EMAIL = "WANDB_USER_EMAIL";
    /// A JSON object of HTTP headers to add to each request.
    EXTRA_HTTP_HEADERS = "WANDB_X_EXTRA_HTTP_HEADERS";
    /// The SDK's other name for `WANDB_X_EXTRA_HTTP_HEADERS`, which wins over it.
    EXTRA_HTTP_HEADERS_OLD = "WANDB__EXTRA_HTTP_HEADERS";
    /// Do not verify the server's certificate.
    INSECURE_DISABLE_SSL = "WANDB_INSECURE_DISABLE_SSL";
    /// The proxy for `http` servers, used for the loopback too.
    WANDB_HTTP_PROXY = "WANDB_HTTP_PROXY";
    /// The proxy for `https` servers, used for the loopback too.
    WANDB_HTTPS_PROXY = "WANDB_HTTPS_PROXY";
    /// The proxy for `http` servers.
    HTTP_PROXY = "HTTP_PROXY";
    /// `HTTP_PROXY` in lower case.
    HTTP_PROXY_LOWER = "http_proxy";
    /// The proxy for `https` servers.
    HTTPS_PROXY = "HTTPS_PROXY";
    /// `HTTPS_PROXY` in lower case.
    HTTPS_PROXY_LOWER = "https_proxy";
    /// Servers that are reached without a proxy.
    NO_PROXY = "NO_PROXY";
    /// `NO_PROXY` in lower case.
    NO_PROXY_LOWER = "no_proxy";
    /// Set for CGI programs, where `HTTP_PROXY` comes from the request and is ignored.
    REQUEST_METHOD = "REQUEST_METHOD";
    /// A file of trust anchors in place of the system's.
    SSL_CERT_FILE = "SSL_CERT_FILE";
    /// Directories of trust anchors in place of the system's.
    SSL_CERT_DIR = "SSL_CERT_DIR";
    /// A file of trust anchors, used if neither `SSL_CERT_FILE` nor
    /// `SSL_CERT_DIR` is set.
    REQUESTS_CA_BUNDLE = "REQUESTS_CA_BUNDLE";
    /// The netrc file.
    NETRC = "NETRC";
    /// The home directory.
    HOME = "HOME";
    /// The home directory on Windows.
    USERPROFILE = "USERPROFILE";
    /// The drive of the home directory on Windows, if `USERPROFILE` is unset.
    HOMEDRIVE = "HOMEDRIVE";
    /// The home directory on its drive on Windows, if `USERPROFILE` is unset.
    HOMEPATH = "HOMEPATH";
    /// The name of the user on Windows, to resolve `~user`.
    WINDOWS_USER = "USERNAME";
    /// Any non-empty value: no colors.
    NO_COLOR = "NO_COLOR";
    /// `dumb`: a terminal without a hidden prompt.
    TERM = "TERM";
    /// Rank in a `torchrun` job.
    RANK = "RANK";
    /// Number of ranks of a `torchrun` job.
    WORLD_SIZE = "WORLD_SIZE";
    /// Rank in an Open MPI job.
    OMPI_RANK = "OMPI_COMM_WORLD_RANK";
    /// Number of ranks of an Open MPI job.
    OMPI_SIZE = "OMPI_COMM_WORLD_SIZE";
    /// Rank in an MPICH, Intel MPI or Cray job.
    PMI_RANK = "PMI_RANK";
    /// Number of ranks of an MPICH, Intel MPI or Cray job.
    PMI_SIZE = "PMI_SIZE";
    /// Rank in an MVAPICH2 job.
    MV2_RANK = "MV2_COMM_WORLD_RANK";
    /// Number of ranks of an MVAPICH2 job.
    MV2_SIZE = "MV2_COMM_WORLD_SIZE";
    /// Rank in a Slurm job step.
    SLURM_RANK = "SLURM_PROCID";
    /// Number of tasks of a Slurm job step.
    SLURM_SIZE = "SLURM_STEP_NUM_TASKS";
    /// Rank in a Flux job.
    FLUX_RANK = "FLUX_TASK_RANK";
    /// Number of ranks of a Flux job.
    FLUX_SIZE = "FLUX_JOB_SIZE";
    /// Rank in an IBM Spectrum LSF (`jsrun`) job.
    JSM_RANK = "JSM_NAMESPACE_RANK";
    /// Number of ranks of an IBM Spectrum LSF (`jsrun`) job.
    JSM_SIZE = "JSM_NAMESPACE_SIZE";
    /// Rank in a PMIx job, which publishes no size of its own.
    PMIX_RANK = "PMIX_RANK";
    /// Rank in a PALS job (Cray), which publishes no size of its own.
    PALS_RANK = "PALS_RANKID";
}

/// The keys of the settings files.
pub(crate) mod setting {
    names! { SETTINGS:
        /// The API key.
        API_KEY = "api_key";
        /// The server.
        BASE_URL = "base_url";
        /// Whether to log in at all.
        MODE = "mode";
        /// No information lines and no terminal prompt.
        SILENT = "silent";
        /// No information lines.
        QUIET = "quiet";
        /// The default team.
        ENTITY = "entity";
        /// Seconds that the prompt may take.
        LOGIN_TIMEOUT = "login_timeout";
        /// `true` after an anonymous login; written by the library.
        ANONYMOUS = "anonymous";
        /// Prompt for a key although one is configured. System file only.
        RELOGIN = "relogin";
        /// Offer neither "create an account" nor "offline". System file only.
        FORCE = "force";
        /// The web app of the server. System file only.
        APP_URL = "app_url_override";
        /// The cache of access tokens. System file only.
        CREDENTIALS_FILE = "credentials_file";
        /// Do not verify the server's certificate. System file only.
        INSECURE_DISABLE_SSL = "insecure_disable_ssl";
        /// The proxy for `http` servers. System file only.
        HTTP_PROXY = "http_proxy";
        /// The proxy for `https` servers. System file only.
        HTTPS_PROXY = "https_proxy";
        /// A JSON object of HTTP headers to add to each request. System file only.
        EXTRA_HTTP_HEADERS = "x_extra_http_headers";
        /// The SDK's other name for `x_extra_http_headers`.
        EXTRA_HTTP_HEADERS_OLD = "_extra_http_headers";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{VARIABLES, setting};

    const PAGE: &str = include_str!("../../docs/configuration.md");

    /// The names in the first column of the tables between two headings.
    fn documented(from: &str, to: &str) -> BTreeSet<&'static str> {
        let (_, section) = PAGE.split_once(from).expect(from);
        let (section, _) = section.split_once(to).expect(to);
        let rows = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let mut names = BTreeSet::new();
        for (name, rest) in rows {
            assert!(names.insert(name), "{name} is documented twice");
            let cells = rest.trim_end_matches(" |").split(" | ");
            assert!(
                cells.clone().count() == 6 && cells.clone().all(|cell| !cell.trim().is_empty()),
                "{name}: each of the seven columns is filled in"
            );
        }
        names
    }

    #[test]
    fn every_variable_is_documented_and_every_documented_variable_exists() {
        let known: BTreeSet<_> = VARIABLES.iter().map(|known| known.name).collect();
        let documented = documented("\n## Environment variables\n", "\n## Settings files\n");
        assert_eq!(
            documented, known,
            "docs/configuration.md, src/env/variables.rs"
        );
    }

    #[test]
    fn every_setting_is_documented_and_every_documented_setting_exists() {
        let known: BTreeSet<_> = setting::SETTINGS.iter().map(|known| known.name).collect();
        let documented = documented("\n## Settings files\n", "\n## Bindings\n");
        assert_eq!(
            documented, known,
            "docs/configuration.md, src/env/variables.rs"
        );
    }

    /// A variable and its setting name each other.
    #[test]
    fn the_tables_name_existing_counterparts() {
        let cell = |line: &'static str, column: usize| {
            let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
            cells.nth(column).expect("seven columns").trim_matches('`')
        };
        let (_, page) = PAGE
            .split_once("\n## Environment variables\n")
            .expect("the variables");
        let (variables, rest) = page
            .split_once("\n## Settings files\n")
            .expect("the settings");
        let (settings, _) = rest.split_once("\n## Bindings\n").expect("the bindings");
        let pairs = |text: &'static str, column: usize| -> BTreeSet<(&str, &str)> {
            text.lines()
                .filter(|line| line.starts_with("| `"))
                .map(|line| (cell(line, 0), cell(line, column)))
                .filter(|(_, other)| *other != "–")
                .collect()
        };
        let forward = pairs(variables, 4);
        let backward = pairs(settings, 5)
            .into_iter()
            .map(|(s, v)| (v, s))
            .collect();
        assert_eq!(
            forward, backward,
            "a variable and its setting name each other"
        );
    }
}
