//! "Did you mean ...?"

/// The candidate with the fewest changes to `word`, if that is few enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (changes, candidate) =
        candidates.into_iter().map(|candidate| (distance(word, candidate), candidate)).min()?;
    (changes <= word.chars().count().div_ceil(3).min(4)).then_some(candidate)
}

/// Insertions, deletions, substitutions (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let keys = ["imap.listen", "imap.tls_listen", "pop3.listen"];
        assert_eq!(nearest("imap.listn", keys), Some("imap.listen"));
        assert_eq!(nearest("completely.different", keys), None);
    }
}
