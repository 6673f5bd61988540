//! The one sort of the library.

use std::cmp::Ordering;

/// The numbers under `count` in the order that `compare` gives them; equals stay as
/// they stood. It sorts the places of a list and not the list, so that one function
/// serves lists of every kind: each one that the standard library makes is 5 kB.
pub(crate) fn sorted_indices(
    count: usize,
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|&a, &b| compare(a, b));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_stay_as_they_stood() {
        let words: Vec<String> = (0..500).map(|n: u32| (n % 7).to_string()).collect();
        let places = sorted_indices(words.len(), &|a, b| words[a].cmp(&words[b]));
        let mut expected: Vec<usize> = (0..500).collect();
        expected.sort_by_key(|&place| &words[place]);
        assert_eq!(places, expected);
        assert!(sorted_indices(0, &|_, _| Ordering::Equal).is_empty());
    }
}
