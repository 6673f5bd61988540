//! JSON with secrets: wiped when dropped, and written without copies.

use std::fmt;
use std::io::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroize;

use crate::util::secret::WipedBytes;

/// The most levels of arrays and objects that are read. W&B's own JSON has seven. The
/// parser takes half a kilobyte of stack for each level, and a thread of the caller may
/// have only 64 KiB.
const MAX_LEVELS: usize = 64;

/// A JSON value whose strings are wiped when dropped.
pub(crate) struct WipedJson(pub Value);

impl WipedJson {
    /// `None` if the text is not JSON or nests deeper than [`MAX_LEVELS`].
    pub(crate) fn parse(text: &[u8]) -> Option<WipedJson> {
        let mut json = WipedJson(Value::Null);
        let mut parser = serde_json::Deserializer::from_slice(text);
        let slot = Slot {
            value: &mut json.0,
            levels: MAX_LEVELS,
        };
        let parsed = slot.deserialize(&mut parser);
        parsed.and_then(|()| parser.end()).ok()?;
        Some(json)
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

/// Wipes all strings in a value. Its depth is limited by [`MAX_LEVELS`].
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => {
            for (mut name, mut value) in std::mem::take(members) {
                name.zeroize();
                wipe(&mut value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The place of a value that is parsed. What was parsed before an error stays in the
/// value around it, and is wiped with that.
struct Slot<'a> {
    value: &'a mut Value,
    /// How many levels of arrays and objects the value may have.
    levels: usize,
}

impl Slot<'_> {
    /// How many levels the items of this array or object may have.
    fn inner_levels<E: Error>(&self) -> Result<usize, E> {
        let inner = self.levels.checked_sub(1);
        inner.ok_or_else(|| E::custom("nested too deeply"))
    }
}

/// The name by which `serde_json` passes on a number as it is written, where that is
/// not the shortest form.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.value = Value::Bool(value);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        *self.value = Value::from(number);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        *self.value = Value::from(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        *self.value = Value::from(number);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.value = Value::String(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let levels = self.inner_levels()?;
        *self.value = Value::Array(Vec::new());
        let Value::Array(items) = self.value else {
            return Ok(());
        };
        loop {
            let mut item = WipedJson(Value::Null);
            let slot = Slot {
                value: &mut item.0,
                levels,
            };
            if sequence.next_element_seed(slot)?.is_none() {
                return Ok(());
            }
            items.push(item.0.take());
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut next = map.next_key::<String>()?;
        if next.as_deref() == Some(NUMBER) {
            let digits = map.next_value::<String>()?;
            *self.value = Value::Number(digits.parse().map_err(A::Error::custom)?);
            return Ok(());
        }
        let levels = self.inner_levels()?;
        *self.value = Value::Object(Map::new());
        let Value::Object(members) = self.value else {
            return Ok(());
        };
        while let Some(name) = next {
            let member = members.entry(name).or_insert(Value::Null);
            // Of two members with one name, the last counts.
            drop(WipedJson(member.take()));
            let value = member;
            map.next_value_seed(Slot { value, levels })?;
            next = map.next_key()?;
        }
        Ok(())
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
    fn arrays_and_objects_nest_up_to_the_limit() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        for (text, read) in [
            (nested(MAX_LEVELS), true),
            (nested(MAX_LEVELS + 1), false),
            (nested(100_000), false),
            (
                "{\"a\":".repeat(MAX_LEVELS + 1) + "1" + &"}".repeat(MAX_LEVELS + 1),
                false,
            ),
            (format!("[\"{}\"]", "[{".repeat(1000)), true),
            (format!("[\"\\\"{}\"]", "[".repeat(1000)), true),
            (format!("[\"\\\\\", {}]", nested(MAX_LEVELS)), false),
            (
                format!("{}1.50{}", "[".repeat(MAX_LEVELS), "]".repeat(MAX_LEVELS)),
                true,
            ),
            (format!("[{}]", vec!["[]"; 1000].join(",")), true),
            ("]".repeat(100), false),
        ] {
            assert_eq!(
                WipedJson::parse(text.as_bytes()).is_some(),
                read,
                "{text:.80}"
            );
        }
    }

    #[test]
    fn wiping_reaches_every_string() {
        let mut json = WipedJson::parse(br#"{"a": ["s", {"b": "s"}], "c": "s"}"#).unwrap();
        wipe(&mut json.0);
        assert_eq!(json.0.to_string(), "{}");
        let mut json = WipedJson::parse(br#"["s", ["s"]]"#).unwrap();
        wipe(&mut json.0);
        assert_eq!(json.0.to_string(), r#"["",[""]]"#);
    }

    #[test]
    fn parsing_agrees_with_serde_json() {
        let texts = [
            r#"{"a": 1.50, "b": [true, null, -1e400], "c": {"d": "x\n\ud83d\ude00"}}"#,
            r#"{"a": 1, "a": {"b": 2}, "c": [[], {}]}"#,
            "18446744073709551616",
            "\"s\"",
            " null ",
            r#"{"a": "unfinished"#,
            r#"{"a": "s", "b": ["s", {"c": "s"}, }"#,
            r#"["s", "\ud800"]"#,
            r#"{"a": "s"} more"#,
            "",
            "01",
        ];
        for text in texts {
            let ours = WipedJson::parse(text.as_bytes());
            let theirs = serde_json::from_str::<Value>(text).ok();
            assert_eq!(ours.map(|json| json.0.clone()), theirs, "{text}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(WipedJson::parse(deep.as_bytes()).is_none());
    }
}
