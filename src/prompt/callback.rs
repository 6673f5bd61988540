//! The prompt callback: the caller asks the user in place of the terminal.

use super::Answer;
use crate::error::{Error, Result};
use crate::options::{PromptAnswer, PromptFn, PromptRequest};

/// Asks the caller's prompt callback. `None`: it leaves the prompt to the terminal.
///
/// # Errors
/// [`Error::Prompt`] if it gives no key, or an answer that the request does not allow.
pub(super) fn prompt(
    callback: &PromptFn<'_>,
    request: &PromptRequest<'_>,
) -> Result<Option<Answer>> {
    let problem = match callback(request) {
        PromptAnswer::Key(key) => return Ok(Some(Answer::Key(key))),
        PromptAnswer::Terminal => return Ok(None),
        PromptAnswer::Offline if request.may_offline => return Ok(Some(Answer::Offline)),
        PromptAnswer::Anonymous if request.may_anonymous => return Ok(Some(Answer::Anonymous)),
        PromptAnswer::Offline => "chose offline, which was not on offer",
        PromptAnswer::Anonymous => "chose an anonymous account, which was not on offer",
        PromptAnswer::GiveUp => "gave no key",
    };
    Err(Error::Prompt(format!("the prompt callback {problem}")))
}
