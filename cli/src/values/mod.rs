//! What stands behind an option: times, ratios, sizes and addresses, from text to checked value.

#[cfg(test)]
mod tests;

use peerless_core::{PeerAddr, limits};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest time that an option takes: ten years. More is a slip of the keyboard.
const MAX_SECONDS: u64 = 10 * 365 * 86_400;
/// The shortest piece that `create` makes: one block.
const MIN_PIECE_LENGTH: u64 = 16 << 10;

/// What a recording may be limited to, in bytes.
const RECORDING: RangeInclusive<u64> = limits::MIN_RECORDING..=limits::MAX_RECORDING;

/// A time: `90`, `30s`, `5m`, `1h30m`, `2d`. Plain numbers are seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "not a time; write 90, 30s, 5m, 1h30m or 2d".to_owned();
    let mut rest = text.trim();
    let mut total = 0u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "" if number.len() == text.trim().len() => 1,
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(seconds).and_then(|s| s.checked_add(total));
        total = part.filter(|&s| s <= MAX_SECONDS).ok_or("a time of more than ten years")?;
        rest = tail;
    }
    Ok(Duration::from_secs(total))
}

/// A point in time as a recording counts it: seconds with decimals (`12`, `12.5`), or a [`duration`].
pub(crate) fn moment(text: &str) -> Result<Duration, String> {
    let Some((whole, fraction)) = text.trim().trim_end_matches('s').split_once('.') else {
        return duration(text);
    };
    let is_number = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let has_digits = !(whole.is_empty() && fraction.is_empty());
    if !has_digits || !is_number(whole) || fraction.len() > 6 || !is_number(fraction) {
        return Err("not a time; write 90, 12.5, 5m or 1h30m".to_owned());
    }
    let micros = format!("{fraction:0<6}").parse().map_err(|_| "not a time".to_owned())?;
    let whole = if whole.is_empty() { Duration::ZERO } else { duration(whole)? };
    Ok(whole + Duration::from_micros(micros))
}

/// A time that is not zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than zero".to_owned()),
        time => Ok(time),
    }
}

/// A ratio as a decimal number (`2`, `1.5`), in thousandths.
pub(crate) fn ratio(text: &str) -> Result<u64, String> {
    let wrong = || "not a ratio; write 1, 1.5 or 0.25".to_owned();
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return Err(wrong());
    }
    if fraction.len() > 3 {
        return Err("at most three decimals".to_owned());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let thousandths: u64 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
    if whole > 1_000_000 {
        return Err("a ratio of more than a million".to_owned());
    }
    Ok(whole * 1_000 + thousandths)
}

/// A size in bytes: `65536`, `256K`, `256KiB`, `1M`, `1MiB`. Units are powers of 1,024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; write 65536, 256K or 1M".to_owned();
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A size that is not zero.
pub(crate) fn positive_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("must be at least 1".to_owned()),
        bytes => Ok(bytes),
    }
}

/// How long a recording may become.
pub(crate) fn recording_limit(text: &str) -> Result<u64, String> {
    let fits = size(text).map(|bytes| Some(bytes).filter(|b| RECORDING.contains(b)))?;
    let (least, most) = (RECORDING.start() >> 10, RECORDING.end() >> 30);
    fits.ok_or_else(|| format!("must be from {least}K to {most}G"))
}

/// The length of a piece: a power of two from 16 KiB.
pub(crate) fn piece_length(text: &str) -> Result<u32, String> {
    let bytes = size(text)?;
    let fits = u32::try_from(bytes).ok().filter(|&b| b <= limits::MAX_PIECE_LENGTH);
    match fits {
        Some(length) if length.is_power_of_two() && bytes >= MIN_PIECE_LENGTH => Ok(length),
        _ => Err(format!("must be a power of two from 16K to {}M", limits::MAX_PIECE_LENGTH >> 20)),
    }
}

/// A port to listen on; 0: any.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

/// How many peers.
pub(crate) fn max_peers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    number.ok_or_else(|| "must be a number from 1 to 10000".to_owned())
}

/// A tracker's URL: of a kind that some client can use, and without a character that breaks a line.
pub(crate) fn announce_url(text: &str) -> Result<String, String> {
    let is_known =
        ["http://", "https://", "udp://"].iter().any(|s| text.len() > s.len() && text.starts_with(s));
    if !is_known {
        return Err("must begin with http://, https:// or udp://".to_owned());
    }
    if text.len() > limits::MAX_URL {
        return Err(format!("longer than {} bytes", limits::MAX_URL));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("must be ASCII without spaces (names beyond ASCII in punycode, xn--…)".to_owned());
    }
    Ok(text.to_owned())
}

/// A peer: `HOST:PORT`, `1.2.3.4:6881` or `[2001:db8::1]:6881`.
pub(crate) fn peer(text: &str) -> Result<PeerAddr, String> {
    let (host, port) = text.rsplit_once(':').ok_or("no port; write HOST:PORT or [IPv6]:PORT")?;
    let port: u16 = port.parse().ok().filter(|&p| p != 0).ok_or("the port must be 1 to 65535")?;
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let ip = inner.parse().map_err(|_| "not an IPv6 address between [ and ]".to_owned())?;
        return Ok(PeerAddr::Addr((IpAddr::V6(ip), port).into()));
    }
    if host.contains(':') {
        return Err("an IPv6 address stands in brackets: [2001:db8::1]:6881".to_owned());
    }
    if let Ok(ip) = host.parse() {
        return Ok(PeerAddr::Addr((IpAddr::V4(ip), port).into()));
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 || !name.split('.').all(label) {
        return Err("not a host name (names beyond ASCII are written in punycode, xn--…)".to_owned());
    }
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err("not an IPv4 address".to_owned());
    }
    Ok(PeerAddr::Host(host.into(), port))
}
