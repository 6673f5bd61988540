//! JSON that holds secrets: wiped when it goes, written without copies.

use std::io::{self, Write};

use serde_json::Value;
use zeroize::Zeroize;

use crate::util::secret::WipedBytes;

/// A JSON value whose texts are wiped before their memory is given back.
pub(crate) struct WipedJson(pub Value);

impl WipedJson {
    pub fn parse(text: &[u8]) -> Option<WipedJson> {
        serde_json::from_slice(text).ok().map(WipedJson)
    }

    /// Two spaces of indentation, keys sorted, no newline at the end: the form
    /// of Go's `MarshalIndent`, which the SDK writes.
    pub fn to_pretty(&self) -> WipedBytes {
        // Written twice, so that the buffer has its final size at once.
        let mut size = Count(0);
        let counted = serde_json::to_writer_pretty(&mut size, &self.0);
        let mut text = WipedBytes::new(Vec::with_capacity(size.0));
        let written = serde_json::to_writer_pretty(&mut *text, &self.0);
        // Texts and numbers that were read can be written, and memory is no
        // writer that fails.
        debug_assert!(counted.is_ok() && written.is_ok());
        text
    }
}

impl Drop for WipedJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes the texts of a value. The parser limits how deep a value is.
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
    fn written_in_the_form_of_the_sdk_without_growing() {
        let json = WipedJson::parse(br#"{"b": {"y": 1, "x": "2"}, "a": []}"#).unwrap();
        let text = json.to_pretty();
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            "{\n  \"a\": [],\n  \"b\": {\n    \"x\": \"2\",\n    \"y\": 1\n  }\n}"
        );
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn wiping_reaches_every_text() {
        let mut json = WipedJson::parse(br#"{"a": ["s", {"b": "s"}], "c": "s"}"#).unwrap();
        wipe(&mut json.0);
        assert_eq!(json.0.to_string(), r#"{"a":["",{"b":""}],"c":""}"#);
    }
}
