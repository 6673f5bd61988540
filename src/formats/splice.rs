//! Edits of a text: each replaces a range, and everything between the ranges is
//! copied unchanged.

use std::ops::Range;

use crate::util::secret::WipedBytes;

/// A range of the old text, and the pieces that replace it.
pub(super) struct Splice<'a> {
    pub range: Range<usize>,
    pub with: Vec<&'a [u8]>,
}

impl<'a> Splice<'a> {
    pub(super) fn cut(range: Range<usize>) -> Splice<'a> {
        Splice {
            range,
            with: Vec::new(),
        }
    }

    pub(super) fn insert(at: usize, with: Vec<&'a [u8]>) -> Splice<'a> {
        Splice {
            range: at..at,
            with,
        }
    }
}

/// The new text, in a buffer of its final size from the start: the text may hold
/// secrets, and a buffer that grows leaves copies behind.
pub(super) fn apply(text: &[u8], mut splices: Vec<Splice>) -> WipedBytes {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let pieces = splices.iter().flat_map(|splice| &splice.with);
    let added: usize = pieces.map(|piece| piece.len()).sum();
    let mut new = WipedBytes::new(Vec::with_capacity(text.len() + added));
    let mut copied = 0;
    for Splice { range, with } in &splices {
        // Two removed neighbors both claim the white space between them.
        new.extend_from_slice(&text[copied..range.start.max(copied)]);
        for piece in with {
            new.extend_from_slice(piece);
        }
        copied = copied.max(range.end);
    }
    new.extend_from_slice(&text[copied..]);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splices_apply_in_the_order_of_their_ranges() {
        let splices = vec![
            Splice::cut(8..10),
            Splice::insert(3, vec![b"+", b"-"]),
            Splice {
                range: 0..2,
                with: vec![b"AB"],
            },
            // Overlaps the cut before it.
            Splice::cut(9..11),
        ];
        let new = apply(b"0123456789abc", splices);
        assert_eq!(*new, b"AB2+-34567bc");
        assert_eq!(*apply(b"0123", Vec::new()), b"0123");
    }

    #[test]
    fn the_buffer_does_not_grow() {
        let new = apply(b"key", vec![Splice::insert(3, vec![b" = ", b"value"])]);
        assert_eq!(new.capacity(), new.len());
    }
}
