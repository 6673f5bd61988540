//! An HTTP header that a user configured.

use crate::util::secret::Secret;

/// A header with a valid name and value. The value may be a secret.
#[derive(Clone)]
pub(crate) struct Header {
    pub name: String,
    pub value: Secret,
}

impl Header {
    /// The error is what is not valid: the name or the value.
    pub(crate) fn new(name: &str, value: &[u8]) -> Result<Header, &'static str> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("name");
        }
        // CR and LF, which would start another header, are refused here.
        if !value
            .iter()
            .all(|&byte| byte == b'\t' || matches!(byte, b' '..=b'~'))
        {
            return Err("value");
        }
        Ok(Header {
            name: name.to_owned(),
            value: Secret::new(value),
        })
    }

    /// Parses `Name: value`.
    pub(crate) fn parse(line: &[u8]) -> Option<Header> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        let value = line[colon + 1..].strip_prefix(b" ")?;
        Header::new(name, value).ok()
    }

    /// `Name: value`.
    pub(crate) fn line(&self) -> Secret {
        Secret::from_parts(&[self.name.as_bytes(), b": ", self.value.as_bytes()])
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether the header is for the proxy, not for the server.
    pub(crate) fn is_for_proxy(&self) -> bool {
        self.has_name("proxy-authorization")
    }

    /// Whether the login or the HTTP client sets this header.
    pub(crate) fn is_reserved(&self) -> bool {
        const NAMES: [&str; 7] = [
            "authorization",
            "host",
            "content-length",
            "transfer-encoding",
            "trailer",
            "expect",
            "connection",
        ];
        NAMES.iter().any(|name| self.has_name(name))
    }
}

/// The characters of a header's name, by RFC 9110.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_line_is_parsed_as_it_was_written() {
        for (name, value) in [("X-A", "b"), ("x-a", ""), ("X", " a: b "), ("X!", "\tb")] {
            let header = Header::new(name, value.as_bytes()).ok().unwrap();
            let again = Header::parse(header.line().as_bytes()).unwrap();
            assert_eq!(again.name, name);
            assert_eq!(again.value.as_bytes(), value.as_bytes());
        }
        for line in [
            "",
            "X-A",
            "X-A:b",
            ": b",
            "X A: b",
            "X-A: b\r\nX: c",
            "Ü: b",
            "X: ü",
        ] {
            assert!(Header::parse(line.as_bytes()).is_none(), "{line:?}");
        }
    }
}
