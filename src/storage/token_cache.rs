//! The cache of access tokens: the credentials file, shared with the Python SDK.

use std::path::{Path, PathBuf};

use crate::config::context::Context;
use crate::config::endpoint::Endpoint;
use crate::config::paths::CREDENTIALS_LIMIT;
use crate::error::Result;
use crate::files;
use crate::formats::token_cache;
use crate::options::Flags;
use crate::server;
use crate::session::AccessToken;
use crate::storage::update::{Missing, Unsaved, update};

/// An access token for the identity token in a file: from the cache, else from
/// the server. A `fresh` one is never taken from the cache.
pub(crate) fn access_token(
    context: &Context,
    server: &Endpoint,
    file: &Path,
    fresh: bool,
) -> Result<AccessToken> {
    let access = match context.credentials_file()? {
        Some(path) => Cache::new(context, server, path).access_token(file, fresh)?,
        // Without a home there is no cache, as in a container with a random user.
        None => server::exchange(context, server, file)?,
    };
    Ok(AccessToken {
        token: access.token,
        expires_at: access.expires_at,
        identity_token_file: file.to_path_buf(),
    })
}

/// Removes the server's access token, and tells whether there was one.
pub(crate) fn forget(
    context: &Context,
    server: &Endpoint,
    path: &Path,
) -> std::result::Result<bool, Unsaved> {
    let cache = Cache::new(context, server, path.to_path_buf());
    let mut edit = |text: &[u8]| token_cache::forget(text, &cache.urls());
    let updated = update(context, path, CREDENTIALS_LIMIT, Missing::File, &mut edit)?;
    Ok(updated.changed)
}

/// The entry of one server in the file.
struct Cache<'c, 'a> {
    context: &'c Context<'a>,
    server: &'c Endpoint,
    path: PathBuf,
    /// The server's other address, where it has two.
    twin: Option<String>,
}

impl<'c, 'a> Cache<'c, 'a> {
    fn new(context: &'c Context<'a>, server: &'c Endpoint, path: PathBuf) -> Cache<'c, 'a> {
        let twin = server.url.alias_netloc();
        Cache {
            context,
            server,
            path,
            twin: twin.map(|netloc| format!("https://{netloc}")),
        }
    }

    /// The addresses under which the file may know the server.
    fn urls(&self) -> Vec<&str> {
        let own = self.server.url.as_str();
        [Some(own), self.twin.as_deref()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn look_up(&self, text: &[u8]) -> Option<token_cache::AccessToken> {
        token_cache::look_up(text, &self.urls(), self.context.unix_time())
    }

    fn read(&self) -> Option<token_cache::AccessToken> {
        match files::read(&self.path, CREDENTIALS_LIMIT) {
            Ok(text) => self.look_up(&text?.bytes),
            Err(problem) => {
                let shown = self.context.shown(&self.path);
                self.context.log.warn(&format!("{shown} {problem}"));
                None
            }
        }
    }

    fn access_token(&self, file: &Path, fresh: bool) -> Result<token_cache::AccessToken> {
        if !fresh && let Some(access) = self.read() {
            return Ok(access);
        }
        if self.context.options.flags.has(Flags::NO_SAVE) {
            return server::exchange(self.context, self.server, file);
        }
        self.exchange_under_lock(file, fresh)
    }

    /// Exchanges the identity token while the file is locked: of many processes
    /// that start together one asks the server, and the others find its answer.
    fn exchange_under_lock(&self, file: &Path, fresh: bool) -> Result<token_cache::AccessToken> {
        let exchange = || server::exchange(self.context, self.server, file);
        let mut outcome = None;
        let mut edit = |text: &[u8]| {
            if let Some(access) = self.look_up(text).filter(|_| !fresh) {
                outcome = Some(Ok(access));
                return None;
            }
            // The edit runs again where the file changed meanwhile.
            let access = outcome.get_or_insert_with(exchange).as_ref().ok()?;
            Some(token_cache::store(text, self.server.url.as_str(), access))
        };
        let missing = Missing::FoldersFirst;
        if let Err(why) = update(
            self.context,
            &self.path,
            CREDENTIALS_LIMIT,
            missing,
            &mut edit,
        ) {
            let log = &self.context.log;
            log.warn(&format!("The access token was not cached: {why}"));
        }
        outcome.unwrap_or_else(exchange)
    }
}
