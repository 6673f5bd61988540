//! Serializes a session as text, for the other ranks of a job.
//!
//! The first line names the format, the second one holds a checksum of the others.
//! Each of those is `name value`, in any order. In a value, `\` is written `\\` and a
//! line feed `\n`. Readers ignore unknown names, so that fields can be added, and
//! accept a text without a checksum.
//!
//! The checksum finds damage, which could turn the credential into one for another
//! server, or drop a restriction. It does not protect against forgery: a
//! program that can write the text can also compute the checksum.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::env::os_str;
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::route::{Header, ProxyUrl, Route};
use crate::session::AccessToken;
use crate::session::{Credential, Session, SessionData, Source, Viewer};
use crate::url::BaseUrl;
use crate::util::redact::clean;
use crate::util::secret::{Secret, WipedBytes};

const FORMAT: &[u8] = b"wandb-login-session 1\n";

/// What the line with the checksum begins with.
const CHECKSUM: &[u8] = b"checksum ";

/// The largest text that is read. Keys have at most 64 KiB.
const LIMIT: usize = 1 << 20;

impl Session {
    /// The session as text that [`Session::import`] reads. It contains the
    /// credential: treat it as a secret.
    pub fn export(&self) -> Secret {
        let lines = lines(self.data());
        let length =
            |value: &[u8]| value.len() + value.iter().filter(|b| b"\\\n".contains(b)).count();
        let size = lines
            .iter()
            .map(|(name, value)| name.len() + length(value) + 2)
            .sum::<usize>();
        let mut text = WipedBytes::new(Vec::with_capacity(size));
        for (name, value) in &lines {
            text.extend_from_slice(name.as_bytes());
            text.push(b' ');
            for &byte in value.iter() {
                match byte {
                    b'\\' => text.extend_from_slice(b"\\\\"),
                    b'\n' => text.extend_from_slice(b"\\n"),
                    _ => text.push(byte),
                }
            }
            text.push(b'\n');
        }
        let sum = checksum(&text);
        Secret::from_parts(&[FORMAT, CHECKSUM, sum.as_bytes(), b"\n", &text])
    }

    /// The session that [`Session::export`] wrote, checked as if it came from
    /// a stranger.
    ///
    /// # Errors
    /// [`Error::Argument`] says what is wrong with the text.
    pub fn import(text: &[u8]) -> Result<Session> {
        if text.len() > LIMIT {
            return Err(invalid("it is larger than 1 MiB"));
        }
        let mut rest = text
            .strip_prefix(FORMAT)
            .ok_or_else(|| invalid("the first line is not `wandb-login-session 1`"))?;
        if let Some(after) = rest.strip_prefix(CHECKSUM) {
            let end = after.iter().position(|&byte| byte == b'\n');
            let (sum, lines) = after.split_at(end.ok_or_else(|| invalid("it is truncated"))?);
            rest = &lines[1..];
            if sum != checksum(rest).as_bytes() {
                return Err(invalid("it was changed or truncated"));
            }
        }
        let mut fields = Fields::default();
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n');
            let (line, after) = rest.split_at(end.ok_or_else(|| invalid("it is truncated"))?);
            let space = line.iter().position(|&byte| byte == b' ');
            let (name, value) = line.split_at(space.ok_or_else(|| invalid("a line has no value"))?);
            fields.take(name, &unescape(&value[1..])?)?;
            rest = &after[1..];
        }
        fields.into_session()
    }
}

/// The FNV-1a hash in hexadecimal digits. It differs for texts that differ in one byte.
fn checksum(text: &[u8]) -> String {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let add = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", text.iter().fold(start, add))
}

/// The fields of a session, with their names in the text.
fn lines(data: &SessionData) -> Vec<(&'static str, Cow<'_, [u8]>)> {
    fn text(value: &str) -> Cow<'_, [u8]> {
        Cow::Borrowed(value.as_bytes())
    }
    let mut lines = vec![
        ("base_url", text(data.base_url.as_str())),
        ("app_url", text(&data.app_url)),
        ("source", text(data.source.name())),
        ("saved", text(if data.saved { "true" } else { "false" })),
    ];
    match &data.credential {
        Credential::Key(key) => lines.push(("api_key", Cow::Borrowed(key.as_bytes()))),
        Credential::Access {
            access,
            identity_token_file,
        } => {
            let file = identity_token_file.as_os_str().as_encoded_bytes();
            lines.push(("access_token", Cow::Borrowed(access.token.as_bytes())));
            let mut time = |name, seconds: i64| {
                lines.push((name, Cow::Owned(seconds.to_string().into())));
            };
            time("expires_at", access.expires_at);
            if let Some(issued_at) = access.issued_at {
                time("issued_at", issued_at);
            }
            lines.push(("identity_token_file", Cow::Borrowed(file)));
        }
    }
    if data.workspace_only {
        lines.push(("workspace_only", text("true")));
    }
    let mut optional = |name, value: &Option<String>| {
        if let Some(value) = value {
            lines.push((name, Cow::Owned(value.clone().into())));
        }
    };
    optional("source_name", &data.source_name);
    optional("configured_entity", &data.entity);
    if let Some(viewer) = &data.viewer {
        optional("username", &viewer.username);
        optional("email", &viewer.email);
        optional("entity", &viewer.entity);
        lines.push(("verified", text("true")));
        lines.extend(viewer.teams.iter().map(|team| ("team", text(team))));
    }
    lines.extend(route_lines(&data.route));
    lines
}

/// The fields of the way to the server.
fn route_lines(route: &Route) -> Vec<(&'static str, Cow<'_, [u8]>)> {
    fn path(path: &Path) -> Cow<'_, [u8]> {
        Cow::Borrowed(path.as_os_str().as_encoded_bytes())
    }
    fn secret(secret: &Secret) -> Cow<'_, [u8]> {
        Cow::Borrowed(secret.as_bytes())
    }
    let file = route.ca_file.iter().map(|file| ("ca_file", path(file)));
    let directory = route.ca_dir.iter().map(|dir| ("ca_dir", path(dir)));
    let unchecked = route.tls_unchecked.then_some(b"true");
    let unchecked = unchecked
        .into_iter()
        .map(|yes| ("tls_unchecked", Cow::Borrowed(&yes[..])));
    let proxy = route.proxy.iter().map(|proxy| ("proxy", secret(proxy)));
    let headers = route.headers.iter().map(|line| ("header", secret(line)));
    file.chain(directory)
        .chain(unchecked)
        .chain(proxy)
        .chain(headers)
        .collect()
}

/// The fields read so far.
#[derive(Default)]
struct Fields {
    base_url: Option<BaseUrl>,
    app_url: String,
    source: Option<Source>,
    saved: bool,
    api_key: Option<ApiKey>,
    access_token: Option<Secret>,
    expires_at: Option<i64>,
    issued_at: Option<i64>,
    identity_token_file: PathBuf,
    source_name: Option<String>,
    configured_entity: Option<String>,
    workspace_only: bool,
    verified: bool,
    viewer: Viewer,
    route: Route,
}

impl Fields {
    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let text = || -> Result<String> {
            let text =
                std::str::from_utf8(value).map_err(|_| invalid("it contains invalid UTF-8"))?;
            // The names are printed later.
            Ok(clean(text).into_owned())
        };
        let seconds = |problem| text()?.parse::<i64>().map_err(|_| invalid(problem));
        match name {
            b"base_url" => {
                let url = BaseUrl::parse(&text()?);
                self.base_url = Some(url.map_err(|problem| invalid(&problem.to_string()))?);
            }
            b"app_url" => self.app_url = text()?,
            b"source" => {
                let source = Source::from_name(value);
                self.source = Some(source.ok_or_else(|| invalid("unknown source"))?);
            }
            b"saved" => self.saved = value == b"true",
            b"api_key" => {
                let parsed = ApiKey::parse(value);
                self.api_key = Some(parsed.map_err(|problem| invalid(&problem.to_string()))?.key);
            }
            // A line break would inject another HTTP header.
            b"access_token" if value.is_empty() || !value.iter().all(u8::is_ascii_graphic) => {
                return Err(invalid("malformed access token"));
            }
            b"access_token" => self.access_token = Some(Secret::new(value)),
            b"expires_at" => self.expires_at = Some(seconds("expires_at is not a number")?),
            b"issued_at" => self.issued_at = Some(seconds("issued_at is not a number")?),
            b"identity_token_file" => {
                let path = os_str(value).ok_or_else(|| invalid("it contains invalid UTF-8"))?;
                self.identity_token_file = PathBuf::from(path);
            }
            b"source_name" => self.source_name = Some(text()?),
            b"configured_entity" => self.configured_entity = Some(text()?),
            b"workspace_only" => self.workspace_only = value == b"true",
            b"username" => self.viewer.username = Some(text()?),
            b"email" => self.viewer.email = Some(text()?),
            b"entity" => self.viewer.entity = Some(text()?),
            b"verified" => self.verified = value == b"true",
            b"team" => self.viewer.teams.push(text()?),
            _ => self.take_route(name, value)?,
        }
        Ok(())
    }

    fn take_route(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        // Relative names would mean files of the reader's working directory.
        let paths = |is_valid: fn(&OsStr) -> bool| {
            let path = os_str(value).filter(|path| is_valid(path));
            path.map(PathBuf::from)
                .ok_or_else(|| invalid("a path of CA certificates is not absolute"))
        };
        match name {
            b"ca_file" => {
                self.route.ca_file = Some(paths(|path| Path::new(path).is_absolute())?);
            }
            b"ca_dir" => {
                self.route.ca_dir = Some(paths(|list| {
                    std::env::split_paths(list).all(|path| path.is_absolute())
                })?);
            }
            b"tls_unchecked" => self.route.tls_unchecked = value == b"true",
            b"proxy" => {
                let url = std::str::from_utf8(value).ok();
                let proxy = url.and_then(|url| ProxyUrl::parse("proxy", url, None).ok());
                let proxy = proxy.ok_or_else(|| invalid("malformed proxy"))?;
                self.route.proxy = Some(proxy.to_url());
            }
            b"header" => {
                let header = Header::parse(value).ok_or_else(|| invalid("malformed header"))?;
                if !header.is_reserved() && !header.is_for_proxy() {
                    self.route.headers.push(header.line());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn into_session(mut self) -> Result<Session> {
        // A server that only a workspace names gets nothing that identifies the user.
        if self.workspace_only {
            self.route.headers.clear();
        }
        let credential = match (self.api_key, self.access_token, self.expires_at) {
            (Some(key), None, _) => Credential::Key(key),
            (None, Some(token), Some(expires_at)) => Credential::Access {
                access: AccessToken {
                    token,
                    expires_at,
                    issued_at: self.issued_at,
                },
                identity_token_file: self.identity_token_file,
            },
            _ => return Err(invalid("it must contain exactly one credential")),
        };
        Ok(Session::new(SessionData {
            base_url: self
                .base_url
                .ok_or_else(|| invalid("base_url is missing"))?,
            app_url: self.app_url,
            credential,
            source: self.source.ok_or_else(|| invalid("source is missing"))?,
            source_name: self.source_name,
            saved: self.saved,
            viewer: self.verified.then_some(self.viewer),
            entity: self.configured_entity,
            workspace_only: self.workspace_only,
            route: self.route,
        }))
    }
}

fn unescape(value: &[u8]) -> Result<WipedBytes> {
    let mut text = WipedBytes::new(Vec::with_capacity(value.len()));
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        text.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'\\') => b'\\',
                Some(b'n') => b'\n',
                _ => return Err(invalid("invalid escape sequence")),
            },
            0 => return Err(invalid("it contains a NUL")),
            byte => byte,
        });
    }
    Ok(text)
}

fn invalid(why: &str) -> Error {
    Error::Argument(format!("not an exported session: {why}"))
}

#[cfg(test)]
mod tests;
