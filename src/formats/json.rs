//! JSON with secrets: wiped when dropped, and written without copies.

use std::io::{self, Write};

use serde_json::Value;
use zeroize::Zeroize;

use crate::util::secret::WipedBytes;

/// A JSON value whose strings are wiped when dropped.
pub(crate) struct WipedJson(pub Value);

impl WipedJson {
    pub(crate) fn parse(text: &[u8]) -> Option<WipedJson> {
        serde_json::from_slice(text).ok().map(WipedJson)
    }

    /// The value as the SDK writes it, with Go's `MarshalIndent`: two spaces of
    /// indentation, sorted keys, no newline at the end.
    pub(crate) fn to_pretty(&self) -> WipedBytes {
        // The first pass counts, so that the buffer has its final size.
        let mut size = Count(0);
        let counted = serde_json::to_writer_pretty(&mut size, &self.0);
        let mut text = WipedBytes::new(Vec::with_capacity(size.0));
        let written = serde_json::to_writer_pretty(&mut *text, &self.0);
        // A parsed value can be serialized, and writing to memory cannot fail.
        debug_assert!(counted.is_ok() && written.is_ok());
        text
    }
}

impl Drop for WipedJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes all strings in a value. The parser limits the recursion depth.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Counts what is written to it.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_has_the_sdks_format_and_its_buffer_does_not_grow() {
        let json = WipedJson::parse(br#"{"b": {"y": 1, "x": "2"}, "a": []}"#).unwrap();
        let text = json.to_pretty();
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            "{\n  \"a\": [],\n  \"b\": {\n    \"x\": \"2\",\n    \"y\": 1\n  }\n}"
        );
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn wiping_reaches_every_string() {
        let mut json = WipedJson::parse(br#"{"a": ["s", {"b": "s"}], "c": "s"}"#).unwrap();
        wipe(&mut json.0);
        assert_eq!(json.0.to_string(), r#"{"a":["",{"b":""}],"c":""}"#);
    }
}
