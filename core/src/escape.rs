//! The one escaper: whatever came from outside passes through here before a terminal, a log or JSON shows it.
//!
//! Names in torrents, tracker texts and peers' client names may hold control sequences, line breaks, characters
//! that turn the writing direction, or ones that cannot be seen. Each of these is shown as a visible escape.

use alloc::string::String;
use core::fmt::{self, Write};

/// A text whose dangerous characters show as `\u{1b}`; made by [`escape`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_split(f, self.0, |f, c| write!(f, "{}", c.escape_unicode()))
    }
}

/// Bytes shown as text: UTF-8 where they are, `\xe9` where they are not; made by [`escape_bytes`].
#[derive(Clone, Copy, Debug)]
pub struct EscapedBytes<'a>(&'a [u8]);

impl fmt::Display for EscapedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            escape(chunk.valid()).fmt(f)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// JSON text that is safe to print; made by [`escape_json`].
#[derive(Clone, Copy, Debug)]
pub struct EscapedJson<'a>(&'a str);

impl fmt::Display for EscapedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_split(f, self.0, |f, c| {
            c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))
        })
    }
}

/// Shows `text` with every character escaped for which [`is_hidden`] holds. Nothing is allocated.
///
/// Everything else, the backslash included, stands for itself: the result is for eyes, not for decoding.
pub const fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// Shows bytes that should be text, as [`escape`] does; bytes that are not UTF-8 show as `\xe9`.
pub const fn escape_bytes(bytes: &[u8]) -> EscapedBytes<'_> {
    EscapedBytes(bytes)
}

/// Makes serialised JSON safe to print and keeps its meaning: hidden characters become `\u001b`.
///
/// JSON has such characters inside strings only, or, as line breaks and tabs, between tokens of text that was
/// laid out for people: give compact JSON.
pub const fn escape_json(json: &str) -> EscapedJson<'_> {
    EscapedJson(json)
}

/// [`escape`], cut to at most `max_chars` characters, of which the last is `…` where something was cut.
///
/// The cut never falls inside an escape. [`limits::MAX_SHOWN_TEXT`](crate::limits::MAX_SHOWN_TEXT) is the usual
/// length.
pub fn escape_line(text: &str, max_chars: usize) -> String {
    let mut line = Line::new(max_chars);
    text.chars().all(|c| line.push_char(c));
    line.text
}

/// [`escape_bytes`], cut as by [`escape_line`].
pub fn escape_bytes_line(bytes: &[u8], max_chars: usize) -> String {
    let mut line = Line::new(max_chars);
    bytes.utf8_chunks().all(|chunk| {
        chunk.valid().chars().all(|c| line.push_char(c))
            && chunk.invalid().iter().all(|byte| line.push(format_args!("\\x{byte:02x}")))
    });
    line.text
}

/// Whether a character cannot be seen, or changes how the text around it is seen: C0 and C1 controls, delete,
/// line and paragraph separators, direction marks, zero-width and filler characters, tags.
///
/// Variation selectors are not among them: emoji need them.
pub const fn is_hidden(c: char) -> bool {
    match c {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        c if c.is_ascii() => false,
        _ => is_line_separator(c) || is_invisible(c),
    }
}

/// The part of [`is_hidden`] that is not a control character and breaks no line.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// The line breaks that are not control characters.
const fn is_line_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Writes `text`, its hidden characters through `show`, and what lies between them in one piece.
fn write_split<W: Write>(
    out: &mut W,
    text: &str,
    mut show: impl FnMut(&mut W, char) -> fmt::Result,
) -> fmt::Result {
    for part in text.split_inclusive(is_hidden) {
        let mut chars = part.chars();
        match chars.next_back().filter(|&c| is_hidden(c)) {
            Some(last) => {
                out.write_str(chars.as_str())?;
                show(out, last)?;
            }
            None => out.write_str(part)?,
        }
    }
    Ok(())
}

/// A text that is being cut to a length.
struct Line {
    text: String,
    chars: usize,
    max_chars: usize,
    /// The longest beginning in bytes that leaves room for `…`.
    keep: usize,
}

impl Line {
    const fn new(max_chars: usize) -> Self {
        Self { text: String::new(), chars: 0, max_chars, keep: 0 }
    }

    fn push_char(&mut self, c: char) -> bool {
        if is_hidden(c) {
            self.push(format_args!("{}", c.escape_unicode()))
        } else {
            self.push(format_args!("{c}"))
        }
    }

    /// Adds what must not be cut in two. `false`: it did not fit, the line is finished.
    fn push(&mut self, unit: fmt::Arguments<'_>) -> bool {
        let before = self.text.len();
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(unit);
        self.chars += self.text.get(before..).map_or(0, |added| added.chars().count());
        if self.chars < self.max_chars {
            self.keep = self.text.len();
        }
        let fits = self.chars <= self.max_chars;
        if !fits {
            self.text.truncate(self.keep);
            self.text.extend((self.max_chars > 0).then_some('…'));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(
            escape("a\u{1b}[2Jb\r\n\u{9b}c\u{7f}").to_string(),
            "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}c\\u{7f}"
        );
        assert_eq!(
            escape("gpj.\u{202e}exe\u{2028}\u{200b}").to_string(),
            "gpj.\\u{202e}exe\\u{2028}\\u{200b}"
        );
    }

    #[test]
    fn honest_names_stay_as_they_are() {
        for name in ["debian-13.iso", "Größe & Maß", "日本語 (初回限定盤)", "❤\u{fe0f} שלום", "C:\\dir"]
        {
            assert_eq!(escape(name).to_string(), name);
        }
    }

    #[test]
    fn bytes_that_are_not_text_show_their_numbers() {
        assert_eq!(escape_bytes(b"caf\xe9 \xc3\xa9\x00").to_string(), "caf\\xe9 é\\u{0}");
    }

    #[test]
    fn json_keeps_its_meaning_and_loses_its_teeth() {
        let json = escape_json("{\"name\":\"\u{9b}é\u{202e}\u{e0041}\"}").to_string();
        assert_eq!(json, "{\"name\":\"\\u009bé\\u202e\\udb40\\udc41\"}");
    }

    #[test]
    fn a_long_line_ends_in_an_ellipsis_but_never_inside_an_escape() {
        assert_eq!(escape_line("abcdef", 6), "abcdef");
        assert_eq!(escape_line("abcdefg", 6), "abcde…");
        assert_eq!(escape_line("ab\u{1b}", 8), "ab\\u{1b}");
        assert_eq!(escape_line("ab\u{1b}", 7), "ab…");
        assert_eq!(escape_line("a\u{1b}cd", 7), "a…");
        assert_eq!(escape_line("a\u{1b}cd", 8), "a\\u{1b}…");
        assert_eq!(escape_line("abc", 0), "");
        assert_eq!(escape_bytes_line(b"a\xffb", 5), "a…");
        assert_eq!(escape_bytes_line(b"a\xffb", 6), "a\\xffb");
    }

    proptest! {
        #[test]
        fn nothing_hidden_gets_through(text in any::<String>(), bytes: Vec<u8>, max in 0usize..40) {
            prop_assert!(!escape(&text).to_string().contains(is_hidden));
            prop_assert!(!escape_bytes(&bytes).to_string().contains(is_hidden));
            prop_assert!(!escape_json(&text).to_string().contains(is_hidden));
            let line = escape_line(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(escape(&text).to_string().starts_with(line.strip_suffix('…').unwrap_or(&line)));
        }
    }
}
