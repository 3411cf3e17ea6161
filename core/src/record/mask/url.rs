//! URLs of trackers and web seeds: whom they lead to stays, what is secret in them does not.

use super::Mask;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;
use url::{Host, Url};

/// Letters of an element of a path that is no secret: `announce`, `announce.php`.
const MAX_PLAIN: usize = 12;

impl Mask {
    /// Keeps the scheme, the host's name and the port. Of the path it keeps what looks like a word.
    pub(super) fn url(&mut self, url: &str) -> String {
        let Ok(parsed) = Url::parse(url) else { return self.reference(url) };
        let host = match parsed.host() {
            None => return self.word(url),
            Some(Host::Domain(name)) => name.to_string(),
            Some(Host::Ipv4(ip)) => self.ip(ip.into()).to_string(),
            Some(Host::Ipv6(ip)) => match self.ip(ip.into()) {
                IpAddr::V6(ip) => format!("[{ip}]"),
                IpAddr::V4(ip) => ip.to_string(),
            },
        };
        let port = parsed.port().map_or_else(String::new, |port| format!(":{port}"));
        let mut out = format!("{}://{host}{port}{}", parsed.scheme(), self.path(parsed.path()));
        let user = (!parsed.username().is_empty() || parsed.password().is_some())
            .then(|| format!("{}:{}", parsed.username(), parsed.password().unwrap_or_default()));
        for (n, secret) in [parsed.query(), user.as_deref()].into_iter().flatten().enumerate() {
            out.push(if n == 0 { '?' } else { '&' });
            out.push_str(&self.word(secret));
        }
        out
    }

    /// What stands in a redirect without scheme and host.
    fn reference(&mut self, text: &str) -> String {
        match text.split_once('?') {
            None => self.path(text),
            Some((path, query)) => format!("{}?{}", self.path(path), self.word(query)),
        }
    }

    fn path(&mut self, path: &str) -> String {
        let is_plain = |element: &str| {
            let plain = |b: u8| b.is_ascii_lowercase() || matches!(b, b'.' | b'-' | b'_');
            element.len() <= MAX_PLAIN && element.bytes().all(plain)
        };
        let mut out = String::new();
        for (n, element) in path.split('/').enumerate() {
            if n > 0 {
                out.push('/');
            }
            if is_plain(element) {
                out.push_str(element);
            } else {
                out.push_str(&self.word(element));
            }
        }
        out
    }
}
