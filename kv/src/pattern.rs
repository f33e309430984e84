//! Patterns of keys, as `KEYS` and `SCAN MATCH` take them: `*`, `?`, `[a-c]`, `[^a]` and `\` before what is
//! meant as it stands.

/// Whether a pattern describes all of a text. Takes no memory, and at most the product of both lengths.
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on if what follows the last star does not fit: one byte further on.
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, from));
            at += 1;
            continue;
        }
        match (text.get(from), one(&pattern[at..], text.get(from).copied())) {
            (None, _) if at == pattern.len() => return true,
            (Some(_), Some(length)) => {
                at += length;
                from += 1;
            }
            _ => {
                let Some((after, start)) = star.filter(|&(_, start)| start < text.len()) else {
                    return false;
                };
                star = Some((after, start + 1));
                (at, from) = (after, start + 1);
            }
        }
    }
}

/// Bytes of the pattern that describe this one byte, if they do.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<usize> {
    let byte = byte?;
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'\\', meant, ..] => (*meant == byte).then_some(2),
        [b'[', class @ ..] => {
            let (length, is_in) = one_of(class, byte);
            is_in.then_some(1 + length)
        }
        [meant, ..] => (*meant == byte).then_some(1),
    }
}

/// How long a class is behind its bracket, and whether the byte is in it. One that is not closed ends with
/// the pattern.
fn one_of(class: &[u8], byte: u8) -> (usize, bool) {
    let is_inverse = class.first() == Some(&b'^');
    let mut at = usize::from(is_inverse);
    let mut is_in = false;
    loop {
        match &class[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', meant, ..] => {
                is_in |= *meant == byte;
                at += 2;
            }
            [low, b'-', high, ..] if *high != b']' => {
                is_in |= (*low.min(high)..=*low.max(high)).contains(&byte);
                at += 3;
            }
            [meant, ..] => {
                is_in |= *meant == byte;
                at += 1;
            }
        }
    }
    (at, is_in != is_inverse)
}

#[cfg(test)]
mod tests {
    use super::matches;
    use proptest::prelude::*;

    #[test]
    fn patterns_describe_what_they_say() {
        for (pattern, yes, no) in [
            ("", vec![""], vec!["a"]),
            ("*", vec!["", "a", "ab"], vec![]),
            ("a*b*c", vec!["abc", "aXbYbZc"], vec!["abcd", "ac", "acb"]),
            ("h?llo", vec!["hello", "hallo"], vec!["hllo", "heello"]),
            ("h[ae]llo", vec!["hello", "hallo"], vec!["hillo"]),
            ("h[^e]llo", vec!["hallo"], vec!["hello", "hllo"]),
            ("k[0-9]", vec!["k0", "k9"], vec!["ka", "k10"]),
            ("k[9-0]", vec!["k5"], vec!["k"]),
            (r"a\*", vec!["a*"], vec!["ab"]),
            (r"[\]]", vec!["]"], vec![r"\"]),
            ("[a", vec!["a"], vec!["b", "[a"]),
        ] {
            for text in yes {
                assert!(
                    matches(pattern.as_bytes(), text.as_bytes()),
                    "{pattern} {text}"
                );
            }
            for text in no {
                assert!(
                    !matches(pattern.as_bytes(), text.as_bytes()),
                    "{pattern} {text}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn no_pattern_runs_out_of_its_text(pattern in "[a*?\\[\\]^\\\\-]{0,12}", text in "[a\\[*-]{0,12}") {
            let itself = matches(pattern.as_bytes(), text.as_bytes());
            prop_assert!(itself || !pattern.is_empty() || !text.is_empty());
            let stars = "*".repeat(3);
            prop_assert!(matches(stars.as_bytes(), text.as_bytes()));
        }
    }
}
