//! The limits of a call: deadline and cancellation.

use std::time::Instant;

use crate::options::Attempts;

/// When a call must end. `cancel` is polled on the calling thread, at least every
/// 100 ms.
pub(crate) struct Wait<'a> {
    pub deadline: Instant,
    pub attempts: Attempts,
    pub cancel: &'a dyn Fn() -> bool,
}
