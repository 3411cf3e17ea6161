//! One line out of whatever a tracker sent for people to read: plain text, a web page, or noise.

use crate::limits::MAX_SHOWN_TEXT;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

/// Bytes that are looked at for a line: what is of use stands at the beginning.
const LOOKED_AT: usize = 16 << 10;

/// A text as one line of at most [`MAX_SHOWN_TEXT`] characters. Not yet escaped.
pub(super) fn one_line(text: &[u8]) -> Box<str> {
    let text = String::from_utf8_lossy(text.get(..LOOKED_AT).unwrap_or(text));
    join_words(text.split_whitespace())
}

/// The line of a body that tells a person most: a page's title or its text, otherwise the text itself. `None`
/// where there is no text.
pub(super) fn useful_line(body: &[u8]) -> Option<Box<str>> {
    let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
    let line = if is_web_page(&text) {
        title(&text).or_else(|| non_empty(join_words(without_tags(&text).split_whitespace())))
    } else {
        non_empty(join_words(text.split_whitespace()))
    };
    line.map(|line| if line.contains('&') { without_entities(&line) } else { line })
}

/// Whether a body is a web page rather than text.
pub(super) fn is_web_page(text: &str) -> bool {
    let start = text.trim_start();
    let tags = ["<!doctype", "<html", "<head", "<title", "<body", "<h1"];
    tags.into_iter().any(|tag| begins_with(start, tag)) || find(text, "</html>").is_some()
}

fn title(page: &str) -> Option<Box<str>> {
    let (_, behind) = page.split_at_checked(find(page, "<title")?)?;
    let (_, text) = behind.split_once('>')?;
    let (text, _) = text.split_at_checked(find(text, "</title")?)?;
    non_empty(join_words(text.split_whitespace()))
}

/// The text between tags, without scripts and style sheets.
fn without_tags(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        out.push(' ');
        let hidden = ["script", "style"].into_iter().find(|name| begins_with(tag, name));
        let end = hidden.and_then(|name| find(tag.get(1..)?, name)).map_or(0, |at| at + 1);
        rest = tag.get(end..).and_then(|t| t.split_once('>')).map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

/// Turns the character references that error pages use back into characters.
fn without_entities(line: &str) -> Box<str> {
    const ENTITIES: [(&str, &str); 6] =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let mut line = Cow::Borrowed(line);
    for (name, character) in ENTITIES {
        if line.contains(name) {
            line = line.replace(name, character).into();
        }
    }
    line.into()
}

fn begins_with(text: &str, what: &str) -> bool {
    text.as_bytes().get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what.as_bytes()))
}

/// Where `what` stands in `text`, in upper or lower case.
fn find(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|w| w.eq_ignore_ascii_case(what.as_bytes()))
}

fn non_empty(line: Box<str>) -> Option<Box<str>> {
    (!line.is_empty()).then_some(line)
}

/// The words with one space between them, cut at [`MAX_SHOWN_TEXT`] characters.
fn join_words<'a>(words: impl Iterator<Item = &'a str>) -> Box<str> {
    let mut line = String::new();
    let mut chars = 0;
    for word in words {
        let space = if chars == 0 { "" } else { " " };
        for c in space.chars().chain(word.chars()) {
            if chars == MAX_SHOWN_TEXT - 1 {
                line.push('…');
                return line.into();
            }
            line.push(c);
            chars += 1;
        }
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> Option<Box<str>> {
        useful_line(body.as_bytes())
    }

    #[test]
    fn the_line_that_tells_most_is_found() {
        assert_eq!(line("\n  Unregistered\r\n torrent \n").as_deref(), Some("Unregistered torrent"));
        let nginx = "<html>\r\n<head><TITLE>403 Forbidden</TITLE></head><body>nginx</body></html>";
        assert_eq!(line(nginx).as_deref(), Some("403 Forbidden"));
        let untitled =
            "<!DOCTYPE html><style>p{}</style><p>No &lt;passkey&gt;</p><script>1<2</script><b>given";
        assert_eq!(line(untitled).as_deref(), Some("No <passkey> given"));
        assert_eq!(line(" \n"), None);
        assert_eq!(line("<html></html>"), None);
        assert_eq!(line("a < b & c").as_deref(), Some("a < b & c"), "no web page");
    }

    #[test]
    fn a_long_text_is_cut() {
        let cut = line(&"ü ".repeat(9_000)).unwrap();
        assert_eq!(cut.chars().count(), MAX_SHOWN_TEXT);
        assert!(cut.ends_with('…'));
        assert_eq!(&*one_line(b"caf\xe9\x1b[0m\n"), "caf\u{fffd}\u{1b}[0m", "the escaper does the rest");
    }

    #[test]
    fn a_page_that_never_ends_a_tag_is_no_trouble() {
        for page in
            ["<html", "<html><script", "<html><script>alert(", "<title>x", "<html><", "<html><style/style"]
        {
            let _ = line(page);
        }
    }
}
