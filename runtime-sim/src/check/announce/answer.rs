//! What trackers answer, as far as it binds the engine. Only an answer that is sound in every respect, or that cannot
//! be one, is certain to be understood as it was meant: with anything between the engine is given the benefit of the doubt.

use peerless_core::Duration;

/// Bytes of an answer that are looked at. A longer one is one of those between.
const LOOKED_AT: usize = 256 << 10;
/// The longest id that a tracker may give itself.
const MOST_ID: usize = 256;
/// How deep a sound answer goes: peers in a list in a dictionary.
const DEPTH: usize = 4;

/// The bytes of an answer.
#[derive(Debug, Default)]
pub(super) struct Reader {
    data: Vec<u8>,
    cut: bool,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The tracker has taken the announce in.
    Taken { interval: Duration, min_interval: Option<Duration>, tracker_id: Option<Vec<u8>> },
    /// It has not, and says when it may be asked again.
    Refused(Retry),
    /// It is to be asked elsewhere.
    Redirect(String),
    /// Nothing came.
    Nothing,
    /// Not a whole answer came, or one that cannot mean anything.
    Useless,
    /// Something else.
    Unclear,
}

/// See [`Answer::Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Unsaid,
    After(Duration),
    Never,
}

impl Reader {
    pub(super) fn push(&mut self, data: &[u8]) {
        let room = LOOKED_AT - self.data.len();
        self.cut |= data.len() > room;
        self.data.extend_from_slice(&data[..room.min(data.len())]);
    }

    /// The connection is closed: by the tracker, or by the engine.
    pub(super) fn end(self, by_tracker: bool) -> Answer {
        if self.data.is_empty() {
            return Answer::Nothing;
        }
        if self.cut {
            return Answer::Unclear;
        }
        read(&self.data, by_tracker).unwrap_or(Answer::Unclear)
    }
}

/// `None`: it is nothing that is certain.
fn read(data: &[u8], by_tracker: bool) -> Option<Answer> {
    let Some(end) = data.windows(4).position(|window| window == b"\r\n\r\n") else {
        return data.starts_with(b"HTTP/1.1 ").then_some(Answer::Useless);
    };
    let (head, body) = (str::from_utf8(&data[..end]).ok()?, &data[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let value = |name: &str| {
        let mut all = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        all.next().map(|(_, value)| value.trim())
    };
    if value("content-encoding").or_else(|| value("transfer-encoding")).is_some() {
        return None;
    }
    let whole = match value("content-length") {
        Some(length) => match length.parse::<usize>().ok()?.checked_sub(body.len())? {
            0 => true,
            _ => return Some(Answer::Useless),
        },
        None => by_tracker,
    };
    match (whole, status, value("location")) {
        (false, ..) => None,
        (_, "301" | "302" | "303" | "307" | "308", Some(to)) => Some(Answer::Redirect(to.to_owned())),
        (_, "200", _) if body.first() != Some(&b'd') => Some(Answer::Useless),
        (_, "200", _) => meaning(body),
        _ if status.starts_with(['4', '5']) => {
            let refusal = meaning(body).filter(|answer| matches!(answer, Answer::Refused(_)));
            Some(refusal.unwrap_or(Answer::Refused(Retry::Unsaid)))
        }
        _ => None,
    }
}

/// What a dictionary says that is sound (BEP 3, 23, 31).
fn meaning(mut body: &[u8]) -> Option<Answer> {
    let Value::Dict(dict) = value(&mut body, DEPTH).filter(|_| body.is_empty())? else { return None };
    let entry = |key: &str| dict.iter().find(|(other, _)| *other == key.as_bytes()).map(|(_, value)| value);
    if let Some(reason) = entry("failure reason") {
        let Value::Bytes(_) = reason else { return None };
        return Some(Answer::Refused(match entry("retry in") {
            None => Retry::Unsaid,
            Some(Value::Bytes(b"never")) => Retry::Never,
            Some(Value::Int(minutes @ 1..)) => Retry::After(seconds(minutes.saturating_mul(60))?),
            Some(_) => return None,
        }));
    }
    let peers = match entry("peers")? {
        Value::Bytes(compact) => compact.len() % 6 == 0,
        Value::List => true,
        _ => false,
    };
    let Value::Int(interval @ 1..) = entry("interval").filter(|_| peers)? else { return None };
    let min_interval = match entry("min interval") {
        Some(Value::Int(min @ 1..)) => Some(seconds(*min)?),
        None => None,
        Some(_) => return None,
    };
    let tracker_id = match entry("tracker id") {
        Some(Value::Bytes(id)) if id.len() <= MOST_ID => Some(id.to_vec()),
        None => None,
        Some(_) => return None,
    };
    Some(Answer::Taken { interval: seconds(*interval)?, min_interval, tracker_id })
}

fn seconds(count: i64) -> Option<Duration> {
    u64::try_from(count).ok().map(Duration::from_secs)
}

/// A value in bencode (BEP 3).
#[derive(Debug)]
enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    /// Of what, does not matter.
    List,
    Dict(Vec<(&'a [u8], Self)>),
}

/// Takes a value from the front of `data`; `None` where there is none that is sound.
fn value<'a>(data: &mut &'a [u8], depth: usize) -> Option<Value<'a>> {
    let deeper = depth.checked_sub(1)?;
    match data.first()? {
        b'i' => {
            *data = &data[1..];
            number(data, b'e').map(Value::Int)
        }
        b'l' => {
            *data = &data[1..];
            while !ends(data)? {
                value(data, deeper)?;
            }
            Some(Value::List)
        }
        b'd' => {
            *data = &data[1..];
            let mut dict: Vec<(&[u8], Value<'_>)> = Vec::new();
            while !ends(data)? {
                let key = bytes(data)?;
                if dict.last().is_some_and(|(last, _)| *last >= key) {
                    return None;
                }
                dict.push((key, value(data, deeper)?));
            }
            Some(Value::Dict(dict))
        }
        _ => bytes(data).map(Value::Bytes),
    }
}

/// Whether a list or a dictionary is over; then its end is taken.
fn ends(data: &mut &[u8]) -> Option<bool> {
    let over = *data.first()? == b'e';
    *data = &data[usize::from(over)..];
    Some(over)
}

fn bytes<'a>(data: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(number(data, b':')?).ok()?;
    let (bytes, rest) = data.split_at_checked(len)?;
    *data = rest;
    Some(bytes)
}

/// A number and the byte that ends it.
fn number(data: &mut &[u8], end: u8) -> Option<i64> {
    let len = data.iter().position(|byte| *byte == end)?;
    let digits = str::from_utf8(&data[..len]).ok()?;
    let number: i64 = digits.parse().ok()?;
    *data = &data[len + 1..];
    (number.to_string() == digits).then_some(number)
}
