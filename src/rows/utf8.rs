//! Where a stream of blocks is not UTF-8.

use super::scan;

/// Checks blocks one after another; a character may straddle two blocks.
#[derive(Debug, Default, Clone)]
pub struct Utf8Check {
    /// The first bytes of a character whose rest is in the next block.
    begun: Vec<u8>,
}

impl Utf8Check {
    /// Checks the next block, which begins at byte `base` of the stream, and
    /// adds the offset of each byte with which an invalid sequence begins to
    /// `bad`, in rising order.
    pub fn check(&mut self, block: &[u8], base: u64, bad: &mut Vec<u64>) {
        let mut from = 0;
        if !self.begun.is_empty() {
            from = self.check_begun(block, base, bad);
        }
        // The valid case first: it is several times faster than the one that
        // can say where.
        let (whole, begun) = block.split_at(block.len() - begun(&block[from..]));
        if scan::is_utf8(&whole[from..]) {
            self.begun.extend_from_slice(begun);
            return;
        }
        while from < block.len() {
            let Err(error) = simdutf8::compat::from_utf8(&block[from..]) else {
                return;
            };
            let at = from + error.valid_up_to();
            let Some(length) = error.error_len() else {
                self.begun.extend_from_slice(&block[at..]);
                return;
            };
            bad.push(base + at as u64);
            from = at + length;
        }
    }

    /// The stream has ended at byte `end`: a character that was begun never
    /// comes to its end.
    pub fn finish(&mut self, end: u64, bad: &mut Vec<u64>) {
        if !self.begun.is_empty() {
            bad.push(end - self.begun.len() as u64);
            self.begun.clear();
        }
    }

    /// Takes bytes until the character that was begun is whole or invalid;
    /// returns how many bytes of `block` that were.
    fn check_begun(&mut self, block: &[u8], base: u64, bad: &mut Vec<u64>) -> usize {
        let before = self.begun.len();
        let start = base - before as u64;
        for (taken, byte) in block.iter().enumerate() {
            self.begun.push(*byte);
            match std::str::from_utf8(&self.begun) {
                Ok(_) => {
                    self.begun.clear();
                    return taken + 1;
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => {
                    // The byte just taken is not part of the broken character;
                    // it is looked at afresh.
                    bad.push(start);
                    self.begun.clear();
                    return taken;
                }
            }
        }
        block.len()
    }
}

/// How many bytes at the end begin a character and do not end it.
fn begun(bytes: &[u8]) -> usize {
    let last = &bytes[bytes.len().saturating_sub(3)..];
    if last.last().is_none_or(u8::is_ascii) {
        return 0;
    }
    let lead = last.iter().rposition(|&byte| byte >= 0xC0);
    let begun = &last[lead.unwrap_or(last.len())..];
    match std::str::from_utf8(begun) {
        Err(error) if error.error_len().is_none() => begun.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the standard library says of the whole text at once.
    fn oracle(text: &[u8]) -> Vec<u64> {
        let mut bad = Vec::new();
        let mut from = 0;
        while let Err(error) = std::str::from_utf8(&text[from..]) {
            let at = from + error.valid_up_to();
            bad.push(at as u64);
            let Some(length) = error.error_len() else {
                break;
            };
            from = at + length;
        }
        bad
    }

    proptest! {
        #[test]
        fn blocks_of_any_size_find_what_the_whole_text_holds(
            pieces in prop::collection::vec(prop_oneof![
                "[a-zé€😀]{0,4}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..3),
                Just(vec![0xF0, 0x9F, 0x98]), Just(vec![0xE2, 0x82]), Just(vec![0xED, 0xA0, 0x80]),
            ], 0..12),
            size in 1usize..9,
        ) {
            let text = pieces.concat();
            let (mut check, mut bad, mut base) = (Utf8Check::default(), Vec::new(), 0);
            for block in text.chunks(size) {
                check.check(block, base, &mut bad);
                base += block.len() as u64;
            }
            check.finish(base, &mut bad);
            prop_assert_eq!(bad, oracle(&text));
        }

        /// Long enough for all ways of checking, whole or with a byte that is
        /// another.
        #[test]
        fn long_texts_are_judged_as_the_standard_library_does(
            text in prop_oneof!["\\PC{400,700}", "[a-z]{0,600}\\PC[a-zé]{0,600}\\PC{0,3}"],
            at in any::<prop::sample::Index>(),
            other in prop::option::of(prop_oneof![any::<u8>(), 0x80u8.., prop::sample::select(
                vec![0xC0u8, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0x8F, 0x90, 0x9F, 0xA0],
            )]),
        ) {
            let mut bytes = text.into_bytes();
            if let Some(other) = other {
                let at = at.index(bytes.len().max(1));
                bytes[at..].iter_mut().take(1).for_each(|byte| *byte = other);
            }
            prop_assert_eq!(scan::is_utf8(&bytes), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
