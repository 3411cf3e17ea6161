//! The bytes that an engine sends to a tracker as a request, and the parameters in it. Like the reader of what peers
//! are told, it shares nothing with the code that it judges.

use super::AnnounceBreach as Breach;

/// Servers take a request line of 8 KiB, and few take more.
const MOST: usize = 8 << 10;
/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// Reads one request.
#[derive(Debug, Default)]
pub(super) struct Reader {
    head: Vec<u8>,
    whole: bool,
}

/// A request: what is asked for, of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) host: String,
    pub(super) authorization: Option<String>,
}

impl Reader {
    /// Takes in bytes; the request, once it is whole. Nothing may stand behind it.
    pub(super) fn next(&mut self, data: &[u8]) -> Result<Option<Request>, Breach> {
        if self.whole {
            return Err(Breach::Behind(data.len()));
        }
        self.head.extend_from_slice(data);
        let end = self.head.windows(END.len()).position(|window| window == END);
        if self.head.len() > MOST {
            return Err(Breach::TooLong(self.head.len()));
        }
        let Some(end) = end else { return Ok(None) };
        self.whole = true;
        let head = std::mem::take(&mut self.head);
        match head.len() - end - END.len() {
            0 => parse(&head[..end]).map(Some),
            behind => Err(Breach::Behind(behind)),
        }
    }
}

fn parse(head: &[u8]) -> Result<Request, Breach> {
    let sound = |line: &str| line.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let head = str::from_utf8(head).ok().filter(|head| head.split("\r\n").all(sound));
    let head = head.ok_or(Breach::Http("it has bytes that no line may have"))?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some("GET"), Some(target), Some("HTTP/1.1"), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(Breach::Http("its first line is not GET, a target and HTTP/1.1"));
    };
    check_target(target)?;
    let mut seen: Vec<(String, String)> = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Breach::Http("a line is no header"))?;
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(Breach::Http("the name of a header is malformed"));
        }
        let name = name.to_ascii_lowercase();
        if seen.iter().any(|(other, _)| *other == name) {
            return Err(Breach::Http("it has a header twice"));
        }
        if ["content-length", "transfer-encoding"].contains(&&*name) {
            return Err(Breach::Http("it announces a body"));
        }
        seen.push((name, value.trim().to_owned()));
    }
    let value = |name: &str| seen.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    let host = value("host").ok_or(Breach::Http("it has no Host"))?;
    Ok(Request { target: target.to_owned(), host, authorization: value("authorization") })
}

/// A path and a query of nothing but what stands for itself or is escaped (RFC 3986).
fn check_target(target: &str) -> Result<(), Breach> {
    if !target.starts_with('/') {
        return Err(Breach::Http("its target is no path"));
    }
    if target.bytes().any(|b| b"\"#<>\\^`{|}".contains(&b)) {
        return Err(Breach::Http("its target has a character that no URL may have"));
    }
    let escapes = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if !target.split('%').skip(1).all(escapes) {
        return Err(Breach::Http("its target has a % that escapes nothing"));
    }
    Ok(())
}

/// What an announce tells besides numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Regular,
    Started,
    Completed,
    Stopped,
}

/// The parameters of an announce (BEP 3, 7, 23).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) info_hash: [u8; 20],
    pub(super) peer_id: [u8; 20],
    pub(super) port: u16,
    pub(super) uploaded: u64,
    pub(super) downloaded: u64,
    pub(super) left: u64,
    pub(super) numwant: u32,
    pub(super) key: u32,
    pub(super) event: Event,
    pub(super) tracker_id: Option<Vec<u8>>,
}

const NAMES: [&str; 11] = [
    "info_hash",
    "peer_id",
    "port",
    "uploaded",
    "downloaded",
    "left",
    "compact",
    "numwant",
    "key",
    "event",
    "trackerid",
];

impl Params {
    /// Reads the part of a query that is ours: that of the tracker's own URL stands before it.
    pub(super) fn parse(query: &str) -> Result<Self, Breach> {
        let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let at = NAMES.iter().position(|known| *known == name);
            let at = at.ok_or_else(|| Breach::UnknownParameter(name.to_owned()))?;
            if values[at].replace(value).is_some() {
                return Err(Breach::Parameter { name: NAMES[at], what: "there twice" });
            }
        }
        let value = |name: &'static str| {
            let at = NAMES.iter().position(|known| *known == name)?;
            values[at].map(|value| Value { name, value })
        };
        let due = |name| value(name).ok_or(Breach::Parameter { name, what: "missing" });
        if due("compact")?.value != "1" {
            return Err(Breach::Parameter { name: "compact", what: "not 1 (BEP 23)" });
        }
        let event = match value("event").map(|event| event.value) {
            None => Event::Regular,
            Some("started") => Event::Started,
            Some("completed") => Event::Completed,
            Some("stopped") => Event::Stopped,
            Some(_) => return Err(Breach::Parameter { name: "event", what: "none of BEP 3" }),
        };
        let port = due("port")?;
        Ok(Self {
            info_hash: due("info_hash")?.id()?,
            peer_id: due("peer_id")?.id()?,
            port: u16::try_from(port.number()?).ok().filter(|p| *p > 0).ok_or_else(|| port.is("no port"))?,
            uploaded: due("uploaded")?.number()?,
            downloaded: due("downloaded")?.number()?,
            left: due("left")?.number()?,
            numwant: u32::try_from(due("numwant")?.number()?).unwrap_or(u32::MAX),
            key: due("key")?.key()?,
            event,
            tracker_id: value("trackerid").map(|id| id.bytes()).transpose()?,
        })
    }
}

/// A parameter.
#[derive(Clone, Copy)]
struct Value<'a> {
    name: &'static str,
    value: &'a str,
}

impl Value<'_> {
    const fn is(&self, what: &'static str) -> Breach {
        Breach::Parameter { name: self.name, what }
    }

    /// In base ten, as BEP 3 has it: no sign, and no 0 in front.
    fn number(&self) -> Result<u64, Breach> {
        let canonical = self.value.bytes().all(|b| b.is_ascii_digit())
            && (self.value == "0" || !self.value.starts_with('0'));
        self.value.parse().ok().filter(|_| canonical).ok_or_else(|| self.is("no number in base ten"))
    }

    /// 32 bits, as BEP 7 wants them at least: eight hexadecimal digits.
    fn key(&self) -> Result<u32, Breach> {
        let digits = self.value.len() == 8 && self.value.bytes().all(|b| b.is_ascii_hexdigit());
        let key = u32::from_str_radix(self.value, 16).ok().filter(|_| digits);
        key.ok_or_else(|| self.is("not eight hexadecimal digits"))
    }

    /// Escaped bytes, of which only letters, digits and `-_.~` stand for themselves.
    fn bytes(&self) -> Result<Vec<u8>, Breach> {
        let mut parts = self.value.split('%');
        let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            let (digits, rest) = part.split_at_checked(2).ok_or_else(|| self.is("not escaped"))?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| self.is("not escaped"))?);
            out.extend_from_slice(rest.as_bytes());
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b);
        if self.value.bytes().all(plain) { Ok(out) } else { Err(self.is("not escaped")) }
    }

    fn id(&self) -> Result<[u8; 20], Breach> {
        self.bytes()?.try_into().map_err(|_| self.is("not of 20 bytes"))
    }
}
