//! Breaks text into lines that fit the terminal.

/// Splits a text between words. The first line has at most `first` columns, the
/// others `width`. A longer word, such as a URL, is not broken: the user can
/// copy it in one piece.
pub(super) fn wrap(text: &str, first: usize, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut end, mut room) = (0, 0, first);
    for word in text.split_inclusive(' ') {
        let with_word = text[start..end + word.len()].trim_end_matches(' ');
        if start < end && columns(with_word) > room {
            lines.push(text[start..end].trim_end_matches(' '));
            (start, room) = (end, width);
        }
        end += word.len();
    }
    lines.push(&text[start..]);
    lines
}

/// The columns that a text covers: East Asian characters cover two.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(c >= '\u{1100}')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_no_word_is_lost_or_broken() {
        let cases: &[(&str, usize, usize, &[&str])] = &[
            ("", 10, 10, &[""]),
            ("one two", 7, 7, &["one two"]),
            ("one two", 6, 6, &["one", "two"]),
            ("one two three", 4, 9, &["one", "two three"]),
            ("a prompt: ", 9, 9, &["a prompt: "]),
            ("a prompt: ", 8, 8, &["a", "prompt: "]),
            (
                "see https://a.example/b now",
                8,
                8,
                &["see", "https://a.example/b", "now"],
            ),
            ("https://a.example/b", 5, 5, &["https://a.example/b"]),
            ("one  two", 4, 4, &["one", "two"]),
            ("   ", 1, 1, &["   "]),
            ("a b c", 0, 0, &["a", "b", "c"]),
            (
                "\u{4e2d}\u{6587} \u{4e2d}",
                6,
                6,
                &["\u{4e2d}\u{6587}", "\u{4e2d}"],
            ),
        ];
        for (text, first, width, lines) in cases {
            assert_eq!(wrap(text, *first, *width), *lines, "{text:?}");
        }
    }

    #[test]
    fn every_width_keeps_the_words_and_their_order() {
        let text = "Create a new API key at: https://app.example/authorize?ref=models and go on ";
        let words: Vec<_> = text.split_whitespace().collect();
        let longest = words.iter().map(|word| word.len()).max().unwrap_or(0);
        for width in 0..100 {
            let lines = wrap(text, width, width);
            let kept: Vec<_> = lines
                .iter()
                .flat_map(|line| line.split_whitespace())
                .collect();
            assert_eq!(kept, words, "{width}");
            let fits = |line: &&str| line.trim_end().len() <= width.max(longest);
            assert!(lines.iter().all(fits), "{width}: {lines:?}");
        }
    }
}
