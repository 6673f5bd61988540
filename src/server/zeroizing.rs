//! Secrets in requests: header values and connection buffers that are wiped
//! after use.

use std::fmt;

use ureq::Error;
use ureq::http::HeaderValue;
use ureq::http::header::InvalidHeaderValue;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use zeroize::Zeroize;

use crate::util::secret::WipedBytes;

/// A header value that `Debug` hides and that is wiped with its last copy.
pub(super) fn wiped_header(value: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    let owner = WipedBytes::new(value.to_vec());
    let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from_owner(owner))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A connection whose buffers are wiped after each transfer.
pub(super) struct WipedTransport(pub Box<dyn Transport>);

impl WipedTransport {
    fn wipe_input(&mut self) {
        self.0.buffers().input_append_buf().zeroize();
    }
}

impl Transport for WipedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let sent = self.0.transmit_output(amount, timeout);
        self.0.buffers().output()[..amount].zeroize();
        // ureq copies a request's body through the free part of the input buffer.
        self.wipe_input();
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

impl Drop for WipedTransport {
    fn drop(&mut self) {
        let buffers = self.0.buffers();
        // Only the free part is accessible, so release everything first.
        buffers.input_consume(buffers.input().len());
        self.wipe_input();
    }
}

impl fmt::Debug for WipedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedTransport")
    }
}
