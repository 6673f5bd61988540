//! The cache of access tokens: the credentials file, shared with the Python SDK.

use std::path::{Path, PathBuf};

use super::update::{Missing, Unsaved, update};
use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::CREDENTIALS_LIMIT;
use crate::env;
use crate::error::Result;
use crate::files;
use crate::formats::token_cache::{self, AccessToken};
use crate::options::Flags;
use crate::server;
use crate::util::secret::WipedBytes;

/// Whether a cached access token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Use the cached token if there is one.
    Cached,
    /// Always get a new token from the server.
    Renew,
}

/// The access token for the identity token in a file, from the cache or from
/// the server.
pub(crate) fn access_token(
    context: &Context,
    server: &Endpoint,
    identity_token_file: &Path,
    lookup: Lookup,
) -> Result<AccessToken> {
    match context.credentials_file()? {
        Some(path) => Cache::new(context, server, path).access_token(identity_token_file, lookup),
        // No home directory and so no cache, as in a container with a random user.
        None => server::exchange(context, server, identity_token_file),
    }
}

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

    fn access_token(&self, identity_token_file: &Path, lookup: Lookup) -> Result<AccessToken> {
        if lookup == Lookup::Cached
            && let Some(access) = self.read()
        {
            return Ok(access);
        }
        if self.context.options.flags.has(Flags::NO_SAVE) {
            return server::exchange(self.context, self.server, identity_token_file);
        }
        self.exchange_under_lock(identity_token_file, lookup)
    }

    fn read(&self) -> Option<AccessToken> {
        match files::read(&self.path, CREDENTIALS_LIMIT) {
            Ok(text) => self.look_up(&text?.bytes),
            Err(problem) => {
                let shown = self.context.display_path(&self.path);
                self.context.log.warn(&format!("{shown} {problem}"));
                None
            }
        }
    }

    fn look_up(&self, text: &[u8]) -> Option<AccessToken> {
        token_cache::look_up(text, &self.urls(), env::unix_time())
    }

    /// Exchanges the identity token while the file is locked: of many processes
    /// that start together, one asks the server and the others read its result.
    fn exchange_under_lock(
        &self,
        identity_token_file: &Path,
        lookup: Lookup,
    ) -> Result<AccessToken> {
        let exchange = || server::exchange(self.context, self.server, identity_token_file);
        let mut outcome = None;
        let mut edit = |text: &[u8]| {
            if lookup == Lookup::Cached
                && let Some(access) = self.look_up(text)
            {
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
            log.warn(&format!("The access token was not cached: {why}"));
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
