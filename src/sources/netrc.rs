//! The provider for the netrc file.

use std::path::Path;

use super::configured::{parse_key, withheld};
use super::{Outcome, Provider};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::location::{SourceLocation, SourceName};
use crate::config::paths::{self, NETRC_LIMIT};
use crate::config::source_problem::SourceProblem;
use crate::env::display_path;
use crate::files;
use crate::finding::{Code, Finding, edit_command, logout_command, restrict_command};
use crate::formats::netrc::{self, Hit, Lookup, Match, Names, Shadowed, line_of};
use crate::key::ApiKey;
use crate::url::BaseUrl;

/// The entry for the server in the first netrc file that exists, and those that it
/// overrides.
pub(crate) fn query_with_shadowed(
    context: &Context,
    server: &Endpoint,
) -> (Outcome, Vec<ShadowedEntry>) {
    let Ok(paths) = paths::netrc(&context.env) else {
        // There is no home directory.
        return (Outcome::Absent(None), Vec::new());
    };
    if let Some(outcome) = query_file(context, server, &paths.first) {
        return outcome;
    }
    let second = paths.second();
    second
        .and_then(|second| query_file(context, server, &second))
        .unwrap_or_else(|| {
            let first = SourceName::File(paths.first);
            (Outcome::Absent(Some(first)), Vec::new())
        })
}

/// Queries one file; `None` if it does not exist.
fn query_file(
    context: &Context,
    server: &Endpoint,
    path: &Path,
) -> Option<(Outcome, Vec<ShadowedEntry>)> {
    match files::read(path, NETRC_LIMIT) {
        Ok(text) => {
            let text = text?;
            let found = netrc::look_up(&text.bytes, &server.netrc_names(), ApiKey::is_key);
            let shadowed = shadowed_entries(&text.bytes, &found, path);
            let outcome = query_text(context, server, &text, path, &found);
            Some((outcome, shadowed))
        }
        Err(problem) => {
            let name = SourceName::file(path);
            let remedy = match problem {
                files::ReadProblem::Denied => problem.remedy(),
                _ => "fix or remove it".to_owned(),
            };
            let message = format!("Failed to read netrc file: {name} {problem}; {remedy}");
            let problem = SourceProblem::unreadable(path, message);
            Some((Outcome::Unreadable(problem), Vec::new()))
        }
    }
}

fn query_text(
    context: &Context,
    server: &Endpoint,
    text: &files::Text,
    path: &Path,
    found: &Lookup,
) -> Outcome {
    for note in &found.notes {
        let location = SourceLocation::file_line(path, note.line);
        let message = format!("{location}: {}", note.text);
        context.log.warn(location.finding(Code::NetrcLine, message));
    }
    if context.log.is_buffered() {
        let details = file_details(text, found, path).into_iter();
        for detail in details.chain(duplicates(&text.bytes, found, path)) {
            context.log.detail(detail);
        }
        note_other_servers(context, server, &text.bytes, path);
    }
    let Some(hit) = &found.hit else {
        return no_entry(server, &text.bytes, path, found);
    };
    if context.log.is_buffered() {
        for (line, code, detail) in entry_details(server, &text.bytes, found, hit) {
            let location = SourceLocation::file_line(path, line);
            let message = format!("{location}: {detail}");
            context.log.detail(Finding::new(code, message));
        }
    }
    let location = SourceLocation::file_line(path, line_of(&text.bytes, hit.at));
    if !server.gets_netrc_key() {
        return Outcome::Withheld(withheld(context, server, location));
    }
    parse_key(context, server, Provider::Netrc, &hit.password, location)
}

/// Notes keys for servers that nothing configures, as after a move to another
/// server.
fn note_other_servers(context: &Context, server: &Endpoint, text: &[u8], path: &Path) {
    let others = netrc::other_servers(text, &server.netrc_names(), ApiKey::is_key);
    for other in &others {
        let location = SourceLocation::file_line(path, other.line);
        let machine = &other.machine;
        let why = match is_same_server(machine, server) {
            true => format!("not used: in netrc the server is {}", server.url.netloc()),
            false => "not the server in use".to_owned(),
        };
        let message = format!("{location}: holds a key for {machine}, which is {why}");
        let finding = match url_of_machine(machine) {
            Some(url) => Finding::new(Code::UnusedKey, message).fixed_by(logout_command(&url)),
            None => location.finding(Code::UnusedKey, message),
        };
        context.log.detail(finding);
    }
}

/// Whether a machine name that is not looked up is the server's by another spelling,
/// such as with the default port.
fn is_same_server(machine: &str, server: &Endpoint) -> bool {
    let scheme = if server.url.is_https() {
        "https"
    } else {
        "http"
    };
    let path = server.url.path();
    BaseUrl::parse(&format!("{scheme}://{machine}{path}"))
        .is_ok_and(|url| url.same_server(&server.url))
}

/// The URL of a server whose machine name in netrc is this one. Netrc knows no
/// scheme; any will do to remove the entry. `None` if no server has the name.
fn url_of_machine(machine: &str) -> Option<String> {
    let schemes = ["https", "http"].into_iter();
    let mut urls =
        schemes.filter_map(|scheme| BaseUrl::parse(&format!("{scheme}://{machine}")).ok());
    let url = urls.find(|url| url.netloc() == machine)?;
    Some(url.as_str().to_owned())
}

/// What a report says about the file.
fn file_details(text: &files::Text, found: &Lookup, path: &Path) -> Vec<Finding> {
    let mut details = Vec::new();
    let shown = display_path(path);
    let about = |code, detail: &str| Finding::new(code, format!("{shown} {detail}"));
    if text.access.others {
        let detail = format!("can be read by other users: {}", files::HOW_TO_RESTRICT);
        details.push(about(Code::ReadableByOthers, &detail).fixed_by(restrict_command(&shown)));
    }
    if let Some(stop) = &found.sdk_error {
        let detail = format!(
            "line {}: the Python SDK stops here and reads no entry ({})",
            stop.line, stop.message
        );
        let edit = edit_command(&shown, Some(stop.line));
        details.push(about(Code::SdkDiffers, &detail).fixed_by(edit));
    }
    if found.bom {
        details.push(about(Code::NetrcFile, "begins with a byte-order mark"));
    }
    if found.crlf {
        details.push(about(Code::NetrcFile, "has Windows line endings"));
    }
    details
}

/// What a report says about entries that a later one of the same machine overrides.
fn duplicates(text: &[u8], found: &Lookup, path: &Path) -> Vec<Finding> {
    let used = found.hit.as_ref().map(|hit| &hit.password);
    let duplicate = |entry: &Shadowed| {
        let location = SourceLocation::file_line(path, line_of(text, entry.at));
        let later = line_of(text, entry.by);
        let (code, key) = match entry.password(text).as_ref() == used {
            true => (Code::NetrcFile, "the same key"),
            false => (Code::NetrcLine, "a different key"),
        };
        let message = format!(
            "{location}: overridden by line {later}, a later entry for this server with {key}; \
             remove the wrong one"
        );
        location.finding(code, message)
    };
    let more = (found.more_shadowed > 0).then(|| {
        let message = format!(
            "{}: {} more entries for this server are overridden by a later one; remove them",
            display_path(path),
            found.more_shadowed
        );
        Finding::new(Code::NetrcFile, message)
    });
    found.shadowed.iter().map(duplicate).chain(more).collect()
}

/// An entry that a later one of the same machine overrides, for a report.
pub(crate) struct ShadowedEntry {
    pub location: SourceLocation,
    /// The key in masked form, if it has one.
    pub masked: Option<String>,
    /// The line of the later entry.
    pub by: usize,
}

/// The entries for the server that a later one overrides, the last one first.
fn shadowed_entries(text: &[u8], found: &Lookup, path: &Path) -> Vec<ShadowedEntry> {
    let entry = |entry: &Shadowed| ShadowedEntry {
        location: SourceLocation::file_line(path, line_of(text, entry.at)),
        masked: entry
            .password(text)
            .and_then(|password| ApiKey::parse(&password).ok())
            .map(|parsed| parsed.key.masked()),
        by: line_of(text, entry.by),
    };
    found.shadowed.iter().rev().map(entry).collect()
}

/// What a report says about the entry, each with its line.
fn entry_details(
    server: &Endpoint,
    text: &[u8],
    found: &Lookup,
    hit: &Hit,
) -> Vec<(usize, Code, String)> {
    let mut details = Vec::new();
    let line = line_of(text, hit.at);
    if hit.how != Match::Exact {
        let (machine, netloc) = (hit.machine(text), server.url.netloc());
        details.push((
            line,
            Code::NetrcFile,
            format!("the entry is for {machine}, not for {netloc}"),
        ));
    }
    details.extend(differing_bare_host(server, text, hit));
    if found.sdk_error.is_some() {
        return details;
    }
    match found.sdk_at.map(|at| line_of(text, at)) {
        Some(sdk_line) if sdk_line == line => {}
        Some(sdk_line) => {
            let detail = "the Python SDK would use this entry".into();
            details.push((sdk_line, Code::SdkDiffers, detail));
        }
        None => {
            let detail = "the Python SDK does not find this entry".into();
            details.push((line, Code::SdkDiffers, detail));
        }
    }
    details
}

/// Names an entry for the host without the port that holds another key: old SDKs
/// use that one.
fn differing_bare_host(server: &Endpoint, text: &[u8], hit: &Hit) -> Option<(usize, Code, String)> {
    let bare = bare_host_entry(server, text)?;
    if bare.password == hit.password || !ApiKey::is_key(&bare.password) {
        return None;
    }
    let (machine, netloc) = (bare.machine(text), server.url.netloc());
    Some((
        line_of(text, bare.at),
        Code::SdkDiffers,
        format!(
            "the entry for {machine} has a different key; the Python SDK 0.22 and older use it \
             for {netloc}"
        ),
    ))
}

/// The outcome for a file without an entry for the server.
fn no_entry(server: &Endpoint, text: &[u8], path: &Path, found: &Lookup) -> Outcome {
    let other_server = |at, message: String| {
        let location = SourceLocation::file_line(path, line_of(text, at));
        Outcome::OtherServer(SourceProblem::at(location, Code::UnusedKey, message))
    };
    if let Some(at) = found.default_at {
        let sdk = match found.sdk_at {
            Some(_) => "; the Python SDK would use it",
            None => "",
        };
        return other_server(
            at,
            format!("the default entry is for other machines and is never used{sdk}"),
        );
    }
    match bare_host_entry(server, text) {
        Some(hit) => other_server(
            hit.at,
            format!(
                "the entry for {} without a port is not used for {}; log in to that server",
                hit.machine(text),
                server.url.netloc()
            ),
        ),
        None => Outcome::Absent(Some(SourceName::file(path))),
    }
}

/// An entry for the server's host without the port, which may not be used.
fn bare_host_entry(server: &Endpoint, text: &[u8]) -> Option<Hit> {
    let names = Names::only(server.url.bare_host()?);
    netrc::look_up(text, &names, ApiKey::is_key).hit
}
