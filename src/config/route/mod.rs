//! The way to a server, from variables and settings. No file is read for it. A part that
//! is malformed is an error only for a request that needs it; a session leaves it out.

mod part;
mod proxy;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::settings::parse_bool;
use crate::env::variables::{self, setting};
use crate::env::{self, display_path};
use crate::error::Error;
use crate::finding::{Code, Finding, unset_command};
use crate::formats::json::WipedJson;
use crate::log::Log;
use crate::route::{Header, ProxyUrl, Route};
use crate::url::BaseUrl;
use crate::util::redact::clean;
use crate::util::secret::{Secret, WipedText};

use part::{Configured, Part, PartProblem};

/// Returns the value of a variable that is set and not empty.
pub(crate) type Variables<'a> = dyn Fn(&str) -> Option<WipedText> + 'a;

/// What the settings files say; the variable of each wins.
pub(crate) struct RouteSettings {
    pub http_proxy: Part<Option<Configured>>,
    pub https_proxy: Part<Option<Configured>>,
    pub insecure_disable_ssl: Part<Option<bool>>,
    /// A JSON object of header names and values.
    pub extra_headers: Part<Option<Configured>>,
    /// The base of relative CA file names; `None` for the process's directory.
    pub working_directory: Option<PathBuf>,
}

/// The way to a server. It may hold secrets, so it has no `Debug`.
pub(crate) struct ConfiguredRoute {
    pub proxy: Part<Option<ProxyUrl>>,
    /// Empty for the trust store of the system.
    pub ca: Vec<CaLocation>,
    pub tls_unchecked: Part<bool>,
    /// Sent with every request.
    pub headers: Part<Vec<Header>>,
    /// Sent with the requests of a login.
    pub username: Part<Option<Secret>>,
    pub user_email: Part<Option<Secret>>,
}

/// A file or directory of CA certificates, and the variable that names it.
pub(crate) struct CaLocation {
    pub variable: &'static str,
    pub path: PathBuf,
}

/// The way to a server by the configuration of this call. A server that only the
/// workspace names gets no extra headers, user name or e-mail address: they identify
/// the user, and headers can hold secrets of a gateway.
pub(crate) fn resolve(context: &Context, server: &Endpoint) -> ConfiguredRoute {
    let var = |name: &str| context.env.secret_text(name);
    let mut route = ConfiguredRoute::new(&var, settings(context), &server.url);
    if server.workspace_only {
        route.headers = Ok(Vec::new());
        route.username = Ok(None);
        route.user_email = Ok(None);
    }
    route
}

/// Whether certificates are not verified.
pub(crate) fn is_tls_unchecked(context: &Context) -> Part<bool> {
    let var = |name: &str| context.env.secret_text(name);
    tls_unchecked(&var, disabled_ssl(context))
}

fn settings(context: &Context) -> RouteSettings {
    let settings = context.settings();
    let extra_headers = settings.x_extra_http_headers();
    RouteSettings {
        http_proxy: Configured::setting(setting::HTTP_PROXY, settings.http_proxy()),
        https_proxy: Configured::setting(setting::HTTPS_PROXY, settings.https_proxy()),
        insecure_disable_ssl: disabled_ssl(context),
        extra_headers: Configured::setting(setting::EXTRA_HTTP_HEADERS, extra_headers),
        working_directory: context.options.working_directory.map(Path::to_path_buf),
    }
}

fn disabled_ssl(context: &Context) -> Part<Option<bool>> {
    let found = context.settings().insecure_disable_ssl()?;
    Ok(found.map(|found| *found.value))
}

impl ConfiguredRoute {
    pub(crate) fn new(
        var: &Variables<'_>,
        settings: RouteSettings,
        server: &BaseUrl,
    ) -> ConfiguredRoute {
        let extra = extra_headers(var, settings.extra_headers);
        let (for_proxy, headers) = match extra {
            Ok(headers) => {
                let (proxy, server): (Vec<_>, Vec<_>) =
                    headers.into_iter().partition(Header::is_for_proxy);
                (proxy.into_iter().next_back(), Ok(server))
            }
            Err(error) => (None, Err(error)),
        };
        let authorization = for_proxy.map(|header| header.value);
        let configured = match server.is_https() {
            true => settings.https_proxy,
            false => settings.http_proxy,
        };
        ConfiguredRoute {
            proxy: proxy::choose(var, configured, server, authorization.as_ref()),
            ca: ca_locations(var, settings.working_directory.as_deref()),
            tls_unchecked: tls_unchecked(var, settings.insecure_disable_ssl),
            headers,
            username: identity(var, variables::USERNAME),
            user_email: identity(var, variables::USER_EMAIL),
        }
    }

    /// The way for a session. Warns of each part that is malformed and left out.
    pub(crate) fn into_route(self, log: &Log) -> Route {
        let ca_dir = join(self.directories());
        let ca_file = self.file();
        let mut headers = usable(log, self.headers);
        for (name, value) in [
            ("X-Wandb-Username", usable(log, self.username)),
            ("X-Wandb-User-Email", usable(log, self.user_email)),
        ] {
            // An extra header replaces the library's own.
            if let Some(value) = value
                && !headers.iter().any(|header| header.has_name(name))
            {
                headers.extend(Header::new(name, value.as_bytes()));
            }
        }
        let proxy = usable(log, self.proxy);
        if let Some(proxy) = &proxy
            && proxy.authorization.is_some()
            && proxy.user_info.is_none()
        {
            log.warn(Finding::new(
                Code::ConnectionSetting,
                "The session does not carry the Proxy-Authorization header: only one of the \
                 scheme Basic fits into a proxy URL.",
            ));
        }
        Route {
            ca_file: ca_file.filter(|path| path.is_absolute()),
            ca_dir: usable(log, ca_dir).map(PathBuf::from),
            tls_unchecked: usable(log, self.tls_unchecked),
            proxy: proxy.as_ref().map(ProxyUrl::to_url),
            headers: headers.iter().map(Header::line).collect(),
        }
    }

    /// Logs what a request would fail of, and what weakens it.
    pub(crate) fn log_problems(&self, log: &Log) {
        let problems = [
            self.proxy.as_ref().err(),
            self.headers.as_ref().err(),
            self.username.as_ref().err(),
            self.user_email.as_ref().err(),
            self.tls_unchecked.as_ref().err(),
        ];
        for PartProblem { error, location } in problems.into_iter().flatten() {
            log.warn(location.finding(Code::ConnectionSetting, error.to_string()));
        }
        if matches!(self.tls_unchecked, Ok(true)) {
            return;
        }
        for CaLocation { variable, path } in &self.ca {
            if !path.exists() {
                let message = missing_file(variable, path);
                let unset = unset_command(variable);
                log.warn(Finding::new(Code::MissingCaFile, message).fixed_by(unset));
            }
        }
    }

    /// The CA file, whether it exists or not.
    fn file(&self) -> Option<PathBuf> {
        let file = self.ca.iter().find(|location| !location.is_directory())?;
        Some(env::absolute(file.path.clone()))
    }

    fn directories(&self) -> Vec<PathBuf> {
        let directories = self.ca.iter().filter(|location| location.is_directory());
        directories
            .map(|location| env::absolute(location.path.clone()))
            .filter(|path| path.is_absolute())
            .collect()
    }
}

/// A part of the way, or none where it is malformed.
fn usable<T: Default>(log: &Log, part: Part<T>) -> T {
    part.unwrap_or_else(|PartProblem { error, location }| {
        let message = error.and("The session leaves it out.").to_string();
        log.warn(location.finding(Code::ConnectionSetting, message));
        T::default()
    })
}

/// Several directories as one value, as in `PATH`.
fn join(directories: Vec<PathBuf>) -> Part<Option<OsString>> {
    const NAME: &str = variables::SSL_CERT_DIR;
    if directories.is_empty() {
        return Ok(None);
    }
    let joined = std::env::join_paths(directories).map_err(|_| {
        let message = format!("{NAME}: the path of a directory contains a separator");
        PartProblem::variable(NAME, message)
    })?;
    Ok(Some(joined))
}

/// The message for a CA file that does not exist.
pub(crate) fn missing_file(variable: &str, path: &Path) -> String {
    format!(
        "{variable}={}: the file does not exist, so no certificate can be verified; correct the \
         path, or unset {variable}",
        display_path(path)
    )
}

impl CaLocation {
    /// `REQUESTS_CA_BUNDLE` may name either; this looks.
    fn is_directory(&self) -> bool {
        match self.variable {
            variables::SSL_CERT_DIR => true,
            variables::REQUESTS_CA_BUNDLE => self.path.is_dir(),
            _ => false,
        }
    }
}

/// SSL_CERT_FILE and SSL_CERT_DIR, as Go and OpenSSL know them; else
/// REQUESTS_CA_BUNDLE, as Python's requests does.
fn ca_locations(var: &Variables<'_>, directory: Option<&Path>) -> Vec<CaLocation> {
    let location = |variable, path: &Path| CaLocation {
        variable,
        path: directory.map_or_else(|| path.to_path_buf(), |directory| directory.join(path)),
    };
    let mut locations = Vec::new();
    if let Some(file) = var(variables::SSL_CERT_FILE) {
        locations.push(location(variables::SSL_CERT_FILE, Path::new(&*file)));
    }
    if let Some(directories) = var(variables::SSL_CERT_DIR) {
        let paths = std::env::split_paths(&*directories);
        locations.extend(
            paths
                .filter(|path| !path.as_os_str().is_empty())
                .map(|path| location(variables::SSL_CERT_DIR, &path)),
        );
    }
    if locations.is_empty()
        && let Some(bundle) = var(variables::REQUESTS_CA_BUNDLE)
    {
        locations.push(location(variables::REQUESTS_CA_BUNDLE, Path::new(&*bundle)));
    }
    locations
}

fn tls_unchecked(var: &Variables<'_>, setting: Part<Option<bool>>) -> Part<bool> {
    const NAME: &str = variables::INSECURE_DISABLE_SSL;
    match var(NAME) {
        Some(value) => parse_bool(value.trim().as_bytes())
            .ok_or_else(|| PartProblem::variable(NAME, format!("{NAME} must be true or false"))),
        None => Ok(setting?.unwrap_or(false)),
    }
}

/// The value of a variable that is sent as a header.
fn identity(var: &Variables<'_>, name: &'static str) -> Part<Option<Secret>> {
    let Some(value) = var(name) else {
        return Ok(None);
    };
    let header = Header::new("X", value.as_bytes()).map_err(|_| {
        let message = format!(
            "{name} cannot be sent to the server: it contains control characters or characters \
             outside ASCII"
        );
        PartProblem::variable(name, message)
    })?;
    Ok(Some(header.value))
}

/// The extra headers, with the one for the proxy.
fn extra_headers(var: &Variables<'_>, setting: Part<Option<Configured>>) -> Part<Vec<Header>> {
    const NAMES: [&str; 2] = [
        variables::EXTRA_HTTP_HEADERS,
        variables::EXTRA_HTTP_HEADERS_OLD,
    ];
    let mut variables = NAMES.iter();
    let configured = match variables.find_map(|name| Configured::variable(var, name)) {
        Some(found) => Some(found),
        None => setting?,
    };
    let Some(configured) = configured else {
        return Ok(Vec::new());
    };
    parse_headers(&configured.name, &configured.text).map_err(|error| configured.problem(error))
}

fn parse_headers(source: &str, text: &str) -> Result<Vec<Header>, Error> {
    let json = WipedJson::parse(text.as_bytes());
    let Some(members) = json.as_ref().and_then(|json| json.0.as_object()) else {
        return Err(Error::Argument(format!(
            "{source} must be a JSON object of header values"
        )));
    };
    let mut headers = Vec::with_capacity(members.len());
    for (name, value) in members {
        let header = Header::new(name, value.as_str().unwrap_or("\0").as_bytes());
        let header = header.map_err(|what| {
            Error::Argument(format!(
                "{source}: the {what} of the header {:?} is not valid",
                clean(name)
            ))
        })?;
        if !header.is_reserved() {
            headers.push(header);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
