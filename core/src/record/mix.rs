//! A small, quick, portable hash: for telling runs apart, not against anybody who wants to deceive it.

use core::fmt::{self, Write as _};

/// A running hash of numbers, bytes and texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mix(u64);

impl Mix {
    pub(super) const fn new() -> Self {
        Self(0x5be0_cd19_137e_2179)
    }

    pub(super) const fn value(self) -> u64 {
        self.0
    }

    pub(super) const fn number(&mut self, n: u64) {
        let mixed = (self.0.rotate_left(23) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.number(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.number(word_of(rest));
        }
    }

    /// A value as `Debug` shows it.
    pub(super) fn debug(&mut self, value: &dyn fmt::Debug) {
        self.text(value, false);
    }

    /// Of a value as `Debug` shows it, the first word: which of its kinds it is.
    pub(super) fn kind(&mut self, value: &dyn fmt::Debug) {
        self.text(value, true);
    }

    fn text(&mut self, value: &dyn fmt::Debug, first_word: bool) {
        let mut text = Text { mix: self, word: [0; 8], len: 0, first_word };
        // Stops with an error behind the first word, and at nothing else.
        let _ = write!(text, "{value:?}");
        text.end();
    }
}

/// Eight bytes at a time, in whatever portions the text comes.
struct Text<'a> {
    mix: &'a mut Mix,
    word: [u8; 8],
    len: usize,
    first_word: bool,
}

impl Text<'_> {
    fn end(self) {
        self.mix.number(u64::from_le_bytes(self.word));
        self.mix.number(self.len as u64);
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.first_word && !byte.is_ascii_alphanumeric() {
                return Err(fmt::Error);
            }
            let at = self.len % 8;
            self.word[at] = byte;
            self.len += 1;
            if at == 7 {
                self.mix.number(u64::from_le_bytes(self.word));
                self.word = [0; 8];
            }
        }
        Ok(())
    }
}

/// Fewer than eight bytes, as a number.
fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(add: impl FnOnce(&mut Mix)) -> u64 {
        let mut mix = Mix::new();
        add(&mut mix);
        mix.value()
    }

    #[test]
    fn it_is_the_same_on_every_machine() {
        assert_eq!(of(|m| m.number(1)), 10429780099594361294);
        assert_eq!(of(|m| m.bytes(b"a recording of a session")), 3132164958544677365);
    }

    #[test]
    fn how_a_text_comes_does_not_matter_but_every_byte_of_it() {
        struct Cut(&'static [&'static str]);
        impl fmt::Debug for Cut {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|part| f.write_str(part))
            }
        }
        let whole = of(|m| m.debug(&Cut(&["Closed by the other side"])));
        assert_eq!(of(|m| m.debug(&Cut(&["Clo", "", "sed by the oth", "er side"]))), whole);
        assert_ne!(of(|m| m.debug(&Cut(&["Closed by the other sidf"]))), whole);
        assert_ne!(of(|m| m.debug(&Cut(&["Closed by the other side", "\0"]))), whole);
    }

    #[test]
    fn the_kind_is_the_first_word() {
        assert_eq!(of(|m| m.kind(&Some(1))), of(|m| m.kind(&Some("x"))));
        assert_ne!(of(|m| m.kind(&Some(1))), of(|m| m.kind(&None::<u8>)));
    }

    #[test]
    fn lengths_count() {
        assert_ne!(of(|m| m.bytes(b"a")), of(|m| m.bytes(b"a\0")));
        assert_ne!(of(|m| m.bytes(b"12345678")), of(|m| m.bytes(b"12345678\0")));
    }
}
