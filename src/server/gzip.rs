//! Decompresses gzip (RFC 1952). The whole body is written straight into a buffer
//! of its final size, so that no intermediate copy is left on the heap.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress as inflate, inflate_flags};

use super::error::RequestError;
use crate::util::secret::WipedBytes;

/// The decompressed body. More than one gzip member is an error, and so is a text
/// that is longer than `limit`.
pub(super) fn decompress(body: &[u8], limit: usize) -> Result<WipedBytes, RequestError> {
    let (deflated, size) = split(body).ok_or(RequestError::CorruptGzip)?;
    if size > limit {
        return Err(RequestError::TooLarge);
    }
    let mut text = WipedBytes::new(vec![0; size]);
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let outcome = inflate(&mut DecompressorOxide::new(), deflated, &mut text, 0, flags);
    match outcome == (TINFLStatus::Done, deflated.len(), size) {
        true => Ok(text),
        false => Err(RequestError::CorruptGzip),
    }
}

/// The deflated data, and the size of its text from the trailer.
fn split(body: &[u8]) -> Option<(&[u8], usize)> {
    let (&[0x1f, 0x8b, 8, flags, _, _, _, _, _, _], rest) = body.split_first_chunk()? else {
        return None;
    };
    let (mut rest, trailer) = rest.split_last_chunk::<8>()?;
    if flags & 4 != 0 {
        let (size, extra) = rest.split_first_chunk()?;
        rest = extra.get(usize::from(u16::from_le_bytes(*size))..)?;
    }
    // The file name and the comment, each with a NUL at its end.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    let size = u32::from_le_bytes(*trailer.last_chunk()?);
    Some((rest, usize::try_from(size).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::BODY_LIMIT;

    /// `hello`, as `printf hello | gzip -n` writes it.
    const HELLO: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";

    #[test]
    fn optional_header_fields_are_skipped() {
        let with = |flags: u8, fields: &[u8]| {
            [&HELLO[..3], &[flags], &HELLO[4..10], fields, &HELLO[10..]].concat()
        };
        for body in [
            HELLO.to_vec(),
            with(4, b"\x02\0ab"),
            with(8, b"name\0"),
            with(16, b"\0"),
            with(2, b"hc"),
            with(31, b"\x01\0xname\0comment\0hc"),
        ] {
            let text = decompress(&body, BODY_LIMIT).ok().unwrap();
            assert_eq!(&text[..], b"hello");
        }
    }

    #[test]
    fn corrupt_input_is_an_error() {
        for end in 0..HELLO.len() {
            assert!(
                decompress(&HELLO[..end], BODY_LIMIT).is_err(),
                "{end} bytes"
            );
        }
        let twice = [HELLO, HELLO].concat();
        assert!(matches!(
            decompress(&twice, BODY_LIMIT),
            Err(RequestError::CorruptGzip)
        ));
        let mut long = HELLO.to_vec();
        *long.last_mut().unwrap() = 1;
        assert!(matches!(
            decompress(&long, BODY_LIMIT),
            Err(RequestError::TooLarge)
        ));
    }
}
