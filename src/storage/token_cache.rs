//! The cache of access tokens: the credentials file, shared with the Python SDK.

use std::path::{Path, PathBuf};

use super::update::{Missing, Unsaved, update};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::CREDENTIALS_LIMIT;
use crate::env;
use crate::error::ExchangeError;
use crate::files;
use crate::finding::{Code, Finding};
use crate::formats::token_cache;
use crate::options::{Attempts, Flags};
use crate::server;
use crate::session::AccessToken;
use crate::util::secret::{Secret, WipedBytes};

/// Which access token a caller wants.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Any that is valid.
    Any,
    /// Another one than this, which is about to end or was refused. It may be in
    /// the cache: of many processes that renew at once, only one asks the server.
    OtherThan(&'a Secret),
}

impl Wanted<'_> {
    fn accepts(self, access: &AccessToken) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::OtherThan(held) => access.token != *held,
        }
    }
}

/// The access token for the identity token in a file, from the cache or from
/// the server.
pub(crate) fn access_token(
    context: &Context,
    server: &Endpoint,
    identity_token_file: &Path,
    wanted: Wanted,
    attempts: Attempts,
) -> Exchanged {
    // Without a home directory there is no cache, as in a container with a random user.
    let path = context.credentials_file()?;
    let cache = path.map(|path| Cache::new(context, server, path));
    let cached = cache.as_ref().and_then(Cache::read);
    if let Some(access) = cached.filter(|access| wanted.accepts(access)) {
        return Ok(access);
    }
    context.check_exchange(&server.url)?;
    let exchange = || server::exchange(context, server, identity_token_file, attempts);
    match cache.filter(|_| !context.options.flags.has(Flags::NO_SAVE)) {
        Some(cache) => cache.exchange_under_lock(wanted, &exchange),
        None => exchange(),
    }
}

/// The result of an exchange.
type Exchanged = std::result::Result<AccessToken, ExchangeError>;

/// Removes the access token of the server, and returns whether there was one.
pub(super) fn forget(context: &Context, server: &Endpoint) -> std::result::Result<bool, Unsaved> {
    let path = context.credentials_file().ok().flatten();
    let Some(path) = path.filter(|path| !files::is_missing(path)) else {
        return Ok(false);
    };
    let cache = Cache::new(context, server, path);
    let changed = cache.forget()?;
    if changed {
        let (url, shown) = (server.url.as_str(), context.display_path(&cache.path));
        context
            .log
            .info(&format!("Removed the access token for {url} from {shown}"));
    }
    Ok(changed)
}

/// Removes the access tokens of all servers, and returns whether there was one.
pub(super) fn forget_all(context: &Context) -> std::result::Result<bool, Unsaved> {
    let path = context.credentials_file().ok().flatten();
    let Some(path) = path.filter(|path| !files::is_missing(path)) else {
        return Ok(false);
    };
    let mut edit = |text: &[u8]| token_cache::forget_all(text);
    let updated = update(context, &path, CREDENTIALS_LIMIT, Missing::File, &mut edit)?;
    if updated.changed {
        let shown = context.display_path(&path);
        context
            .log
            .info(&format!("Removed all access tokens from {shown}"));
    }
    Ok(updated.changed)
}

/// The entry of one server in the credentials file.
struct Cache<'c, 'a> {
    context: &'c Context<'a>,
    server: &'c Endpoint,
    path: PathBuf,
    /// The second URL of a server that has two.
    alias: Option<String>,
}

impl<'c, 'a> Cache<'c, 'a> {
    fn new(context: &'c Context<'a>, server: &'c Endpoint, path: PathBuf) -> Cache<'c, 'a> {
        let alias = server.url.alias_netloc();
        Cache {
            context,
            server,
            path,
            alias: alias.map(|netloc| format!("https://{netloc}")),
        }
    }

    /// The URLs under which the file may have the server.
    fn urls(&self) -> Vec<&str> {
        let own = self.server.url.as_str();
        [Some(own), self.alias.as_deref()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn read(&self) -> Option<AccessToken> {
        match files::read(&self.path, CREDENTIALS_LIMIT) {
            Ok(text) => self.look_up(&text?.bytes),
            Err(problem) => {
                let shown = self.context.display_path(&self.path);
                let message = format!("{shown} {problem}");
                self.context
                    .log
                    .warn(Finding::new(Code::UnreadableFile, message));
                None
            }
        }
    }

    fn look_up(&self, text: &[u8]) -> Option<AccessToken> {
        token_cache::look_up(text, &self.urls(), env::unix_time())
    }

    /// Exchanges the identity token while the file is locked: of many processes
    /// that start together, one asks the server and the others read its result.
    fn exchange_under_lock(&self, wanted: Wanted, exchange: &dyn Fn() -> Exchanged) -> Exchanged {
        let mut outcome = None;
        let mut edit = |text: &[u8]| {
            let cached = self.look_up(text);
            if let Some(access) = cached.filter(|access| wanted.accepts(access)) {
                outcome = Some(Ok(access));
                return None;
            }
            // If the file changes meanwhile, `edit` runs again: keep the token.
            let access = outcome.get_or_insert_with(exchange).as_ref().ok()?;
            Some(token_cache::store(text, self.server.url.as_str(), access))
        };
        let updated = self.update(Missing::FoldersFirst, &mut edit);
        if let Err(why) = updated {
            let log = &self.context.log;
            log.warn(Finding::new(
                Code::NotSaved,
                format!("The access token was not cached: {why}"),
            ));
        }
        outcome.unwrap_or_else(exchange)
    }

    fn forget(&self) -> std::result::Result<bool, Unsaved> {
        let mut edit = |text: &[u8]| token_cache::forget(text, &self.urls());
        self.update(Missing::File, &mut edit)
    }

    /// Changes the file, and returns whether it was changed.
    fn update(
        &self,
        missing: Missing,
        edit: &mut dyn FnMut(&[u8]) -> Option<WipedBytes>,
    ) -> std::result::Result<bool, Unsaved> {
        let updated = update(self.context, &self.path, CREDENTIALS_LIMIT, missing, edit)?;
        Ok(updated.changed)
    }
}
