//! What is sent: the announce's parameters in the URL's query, and the head of the request.

use crate::http::Request;
use crate::tracker::{AnnounceEvent, AnnounceParams, announce_url};
use alloc::string::String;
use bytes::Bytes;
use core::fmt::Write;
use url::Url;

/// The request that announces `params` to the tracker at `url`.
pub(super) fn encode(url: &Url, params: &AnnounceParams) -> Bytes {
    let mut host = String::from(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        write(&mut host, format_args!(":{port}"));
    }
    let authorization = announce_url::credentials(url).map(|c| String::from("Basic ") + &base64(&c));
    let request = Request {
        target: &target(url, params),
        host: &host,
        user_agent: &params.user_agent,
        authorization: authorization.as_deref(),
    };
    request.encode()
}

/// Path and query. What the URL's own query holds stays as it is, and in front.
///
/// A redirect's URL that already holds an info hash is complete: the tracker copied our query into it.
pub(super) fn target(url: &Url, params: &AnnounceParams) -> String {
    let mut out = String::from(url.path());
    out.push('?');
    let query = url.query().unwrap_or_default();
    out.push_str(query);
    if query.split('&').any(|pair| pair.starts_with("info_hash=")) {
        return out;
    }
    if !query.is_empty() && !query.ends_with('&') {
        out.push('&');
    }
    append_params(&mut out, params);
    out
}

fn append_params(out: &mut String, params: &AnnounceParams) {
    out.push_str("info_hash=");
    escape(out, &params.info_hash.0);
    out.push_str("&peer_id=");
    escape(out, &params.peer_id.0);
    let AnnounceParams { port, uploaded, downloaded, left, numwant, key, .. } = params;
    write(
        out,
        format_args!(
            "&port={port}&uploaded={uploaded}&downloaded={downloaded}&left={left}&compact=1&numwant={numwant}&key={key:08x}"
        ),
    );
    match params.event {
        AnnounceEvent::None => {}
        AnnounceEvent::Started => out.push_str("&event=started"),
        AnnounceEvent::Completed => out.push_str("&event=completed"),
        AnnounceEvent::Stopped => out.push_str("&event=stopped"),
    }
    if let Some(id) = &params.tracker_id {
        out.push_str("&trackerid=");
        escape(out, id);
    }
}

/// Percent-encodes bytes: letters, digits and `-_.~` stand for themselves (RFC 3986).
fn escape(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*byte));
            }
            _ => write(out, format_args!("%{byte:02X}")),
        }
    }
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let three = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or_default()));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Writing to a `String` cannot fail.
fn write(out: &mut String, what: core::fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        let encoded = [b"".as_slice(), b"a", b"ab", b"abc", b"\xff\xff\xff\xff"].map(base64);
        assert_eq!(encoded, ["", "YQ==", "YWI=", "YWJj", "/////w=="]);
    }
}
