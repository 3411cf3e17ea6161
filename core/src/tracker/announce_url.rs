//! Announce URLs: which of them we can use, and how they are shown.

use super::UrlError;
use crate::limits::{MAX_SHOWN_TEXT, MAX_URL};
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use url::Url;

/// Whether a tracker of this URL can be asked: `http` or `https`, with a host.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    parse(url).map(drop)
}

/// An announce URL as a person may see it: without user, password and query, and with path elements that look
/// like a passkey (20 letters and digits or more) replaced by `…`. The host is in punycode.
///
/// ```
/// use peerless_core::tracker::shown_url;
/// assert_eq!(shown_url("http://me:pw@bücher.example/announce?passkey=1"), "http://xn--bcher-kva.example/announce");
/// ```
pub fn shown_url(url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return shown_text(url) };
    if !parsed.has_host() {
        return shown_text(url);
    }
    let port = parsed.port().map(|p| format!(":{p}")).unwrap_or_default();
    let mut out = format!("{}://{}{port}", parsed.scheme(), parsed.host_str().unwrap_or_default());
    for element in parsed.path().split('/').skip(1) {
        let secret = element.len() >= 20 && element.bytes().all(|b| b.is_ascii_alphanumeric());
        out.push('/');
        out.push_str(if secret { "…" } else { element });
    }
    cut(&out)
}

/// Parses an announce URL and checks that it can be used.
pub(super) fn parse(url: &str) -> Result<Url, UrlError> {
    if url.len() > MAX_URL {
        return Err(UrlError::TooLong);
    }
    check(Url::parse(url).map_err(|e| UrlError::Malformed(e.to_string().into()))?)
}

/// Checks that a parsed URL is one that we can use.
pub(super) fn check(url: Url) -> Result<Url, UrlError> {
    let malformed = |text: &str| Err(UrlError::Malformed(text.into()));
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme(cut(url.scheme()).into()));
    }
    if url.as_str().len() > MAX_URL {
        return Err(UrlError::TooLong);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return malformed("no host");
    }
    match url.port() {
        Some(0) => malformed("port 0"),
        _ => Ok(url),
    }
}

/// What can safely be shown of a text that is no URL.
fn shown_text(url: &str) -> String {
    let text = url.split(['?', '#']).next().unwrap_or_default();
    cut(text.rsplit('@').next().unwrap_or_default())
}

fn cut(text: &str) -> String {
    text.char_indices().nth(MAX_SHOWN_TEXT).map_or(text, |(at, _)| text.get(..at).unwrap_or(text)).to_owned()
}

/// `user:password` of a URL, for the `Authorization` header.
pub(super) fn credentials(url: &Url) -> Option<Box<[u8]>> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut out = percent_decoded(url.username());
    out.push(b':');
    out.extend(percent_decoded(url.password().unwrap_or_default()));
    Some(out.into())
}

fn percent_decoded(text: &str) -> alloc::vec::Vec<u8> {
    let mut out = alloc::vec::Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        (rest, _) = match escaped {
            Some((high, low)) => (rest.get(3..).unwrap_or_default(), out.push(high << 4 | low)),
            None => (behind, out.push(*first)),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let shown = [
            ("HTTP://Tracker.Example:80/announce?passkey=s#x", "http://tracker.example/announce"),
            ("https://u:p@t.example:444/a/b?x", "https://t.example:444/a/b"),
            ("http://t.example/0123456789abcdef0123/announce", "http://t.example/…/announce"),
            ("http://[::1]:6969/announce", "http://[::1]:6969/announce"),
            ("udp://t.example:80", "udp://t.example:80"),
            ("http://u:p@bad host/announce?x", "bad host/announce"),
            ("not a url?x", "not a url"),
        ];
        for (url, expected) in shown {
            assert_eq!(shown_url(url), expected);
        }
        assert_eq!(shown_url(&"ü".repeat(9_000)).chars().count(), MAX_SHOWN_TEXT);
    }

    #[test]
    fn a_url_that_cannot_be_used_is_told_why() {
        for good in
            ["http://t/", "https://t.example", " HTTP://1.2.3.4:1/announce ", "http://bücher.example/a"]
        {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        assert_eq!(check_url("udp://t.example:80"), Err(UrlError::Scheme("udp".into())));
        assert_eq!(check_url("file:///etc/passwd"), Err(UrlError::Scheme("file".into())));
        for bad in ["", "announce", "http://", "http://a b/", "http://t:99999/", "http://t:0/"] {
            assert!(matches!(check_url(bad), Err(UrlError::Malformed(_))), "{bad}: {:?}", check_url(bad));
        }
        assert_eq!(check_url(&"x".repeat(5_000)), Err(UrlError::TooLong));
    }

    #[test]
    fn credentials_are_decoded() {
        let url = Url::parse("http://a%40b:c%3ad%zz@t/").unwrap();
        assert_eq!(credentials(&url).as_deref(), Some(&b"a@b:c:d%zz"[..]));
        assert_eq!(credentials(&Url::parse("http://t/").unwrap()), None);
    }
}
