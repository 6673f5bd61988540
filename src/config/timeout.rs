//! Time limits in seconds, as settings, variables and the command line give them.

use std::time::Duration;

use crate::options::Timeout;

impl Timeout {
    /// Parses seconds by the rules of the Python SDK (pydantic's `float`): white
    /// space around the number and single `_` between digits are allowed. Zero
    /// and negative numbers mean at once; infinity and numbers too large for a
    /// [`Duration`] mean never. `nan` and anything else is `None`.
    pub fn parse_seconds(text: &str) -> Option<Timeout> {
        let text = text.trim();
        if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
            return None;
        }
        let seconds: f64 = text.replace('_', "").parse().ok()?;
        if seconds.is_nan() {
            return None;
        }
        Some(match Duration::try_from_secs_f64(seconds.max(0.0)) {
            Ok(duration) => Timeout::After(duration),
            Err(_) => Timeout::Never,
        })
    }

    /// The limit, unless there is none.
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Timeout::After(duration) => Some(duration),
            Timeout::Configured | Timeout::Never => None,
        }
    }
}
