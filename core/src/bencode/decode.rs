//! The decoder: one pass over the bytes with a stack of open lists and dictionaries.

use super::error::{Error, ErrorKind};
use super::value::{Document, Kind, Token};
use crate::limits;
use alloc::vec::Vec;

/// What a document may cost, and how strict its end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lists and dictionaries inside one another.
    pub depth: usize,
    /// Values in all, keys not counted.
    pub values: usize,
    /// Whether spaces and line breaks may follow the document, as after some hand-made .torrent files.
    pub trailing_whitespace: bool,
}

impl Limits {
    /// For .torrent files.
    pub const TORRENT: Self = Self {
        depth: limits::MAX_BENCODE_DEPTH,
        values: limits::MAX_BENCODE_TOKENS,
        trailing_whitespace: true,
    };

    /// For messages from peers (BEP 10).
    pub const MESSAGE: Self = Self {
        depth: limits::MAX_EXTENSION_DEPTH,
        values: limits::MAX_EXTENSION_TOKENS,
        trailing_whitespace: false,
    };

    /// For answers of trackers: some hold a dictionary for each peer, and whitespace at the end.
    pub const TRACKER: Self = Self {
        depth: limits::MAX_EXTENSION_DEPTH,
        values: limits::MAX_ANSWER_TOKENS,
        trailing_whitespace: true,
    };
}

impl<'a> Document<'a> {
    /// Decodes one document.
    ///
    /// Keys out of order, zeros before a number and `-0` are accepted, since real torrents have them; see
    /// [`Value::non_canonical`](super::Value::non_canonical). A key that occurs twice is not.
    pub fn decode(input: &'a [u8], limits: Limits) -> Result<Self, Error> {
        if u32::try_from(input.len()).is_err() {
            return Err(Error { kind: ErrorKind::TooLarge, position: 0 });
        }
        let mut decoder = Decoder { input, at: 0, limits, tokens: Vec::new(), values: 0, open: Vec::new() };
        decoder.document()?;
        decoder.check_end()?;
        Ok(Self::new(input, decoder.tokens))
    }
}

struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    limits: Limits,
    tokens: Vec<Token>,
    values: usize,
    open: Vec<Open>,
}

/// A list or dictionary whose end has not been seen.
struct Open {
    token: usize,
    /// For a dictionary: the token of its latest key.
    key: Option<usize>,
    /// For a dictionary: whether that key's value is still to come.
    value_due: bool,
    /// For a dictionary: whether its keys have come in ascending order.
    sorted: bool,
}

impl<'a> Decoder<'a> {
    fn document(&mut self) -> Result<(), Error> {
        loop {
            if self.expects_key() {
                self.key_or_end()?;
            } else {
                self.value_or_end()?;
            }
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| {
            !open.value_due && self.tokens.get(open.token).is_some_and(|token| token.kind == Kind::Dict)
        })
    }

    fn key_or_end(&mut self) -> Result<(), Error> {
        match self.peek()? {
            b'e' => self.close(),
            b'0'..=b'9' => {
                let token = self.string()?;
                self.order(token)
            }
            other => Err(self.fail(ErrorKind::NotAKey(other))),
        }
    }

    fn value_or_end(&mut self) -> Result<(), Error> {
        let first = self.peek()?;
        if first == b'e' {
            return self.end_instead_of_value();
        }
        if let Some(open) = self.open.last_mut() {
            open.value_due = false;
        }
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.fail(ErrorKind::TooManyValues(self.limits.values)));
        }
        match first {
            b'i' => self.integer(),
            b'0'..=b'9' => self.string().map(drop),
            b'l' => self.begin(Kind::List),
            b'd' => self.begin(Kind::Dict),
            other => Err(self.fail(ErrorKind::NotAValue(other))),
        }
    }

    fn end_instead_of_value(&mut self) -> Result<(), Error> {
        match self.open.last() {
            None => Err(self.fail(ErrorKind::NotAValue(b'e'))),
            Some(open) if open.value_due => Err(self.fail(ErrorKind::KeyWithoutValue)),
            Some(_) => self.close(),
        }
    }

    fn begin(&mut self, kind: Kind) -> Result<(), Error> {
        if self.open.len() >= self.limits.depth {
            return Err(self.fail(ErrorKind::TooDeep(self.limits.depth)));
        }
        self.open.push(Open { token: self.tokens.len(), key: None, value_due: false, sorted: true });
        self.tokens.push(Token { start: index(self.at), end: 0, link: 0, kind, canonical: true });
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.at += 1;
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (end, link) = (index(self.at), index(self.tokens.len()));
        if let Some(token) = self.tokens.get_mut(open.token) {
            *token = Token { end, link, canonical: open.sorted, ..*token };
        }
        if open.sorted { Ok(()) } else { self.find_duplicate(open.token) }
    }

    /// `i`, an optional minus, digits, `e`.
    fn integer(&mut self) -> Result<(), Error> {
        let start = self.at;
        let negative = self.input.get(start + 1) == Some(&b'-');
        self.at += 1 + usize::from(negative);
        let digits = self.digits();
        if self.at == self.input.len() {
            return Err(self.fail(ErrorKind::UnexpectedEnd));
        }
        if digits.is_empty() || self.peek()? != b'e' {
            return Err(self.fail(ErrorKind::InvalidInteger));
        }
        self.at += 1;
        if parse_int(digits, negative).is_none() {
            return Err(Error { kind: ErrorKind::IntegerOverflow, position: start });
        }
        let canonical = digits == b"0" && !negative || digits.first() != Some(&b'0');
        let (start, end) = (index(start), index(self.at));
        self.tokens.push(Token { start, end, link: 0, kind: Kind::Int, canonical });
        Ok(())
    }

    /// A length, a colon, so many bytes. Gives the token's number.
    fn string(&mut self) -> Result<usize, Error> {
        let start = self.at;
        let digits = self.digits();
        if self.peek()? != b':' {
            return Err(self.fail(ErrorKind::InvalidLength));
        }
        self.at += 1;
        let left = self.input.len() - self.at;
        let len =
            parse_int(digits, false).and_then(|len| usize::try_from(len).ok()).filter(|&len| len <= left);
        let Some(len) = len else {
            return Err(Error { kind: ErrorKind::StringTooLong { left }, position: start });
        };
        let body = self.at;
        self.at += len;
        self.tokens.push(Token {
            start: index(start),
            end: index(self.at),
            link: index(body),
            kind: Kind::Bytes,
            canonical: digits == b"0" || digits.first() != Some(&b'0'),
        });
        Ok(self.tokens.len() - 1)
    }

    /// Notes a dictionary's new key. Equal neighbours show at once; the rest waits for the end.
    fn order(&mut self, token: usize) -> Result<(), Error> {
        let Some(open) = self.open.last() else { return Ok(()) };
        let order = open.key.map(|last| self.text(last).cmp(self.text(token)));
        if order.is_some_and(core::cmp::Ordering::is_eq) {
            return Err(self.duplicate(token));
        }
        if let Some(open) = self.open.last_mut() {
            open.key = Some(token);
            open.value_due = true;
            open.sorted &= order.is_none_or(core::cmp::Ordering::is_lt);
        }
        Ok(())
    }

    /// Looks for equal keys in a dictionary that is not sorted, by sorting them.
    fn find_duplicate(&self, dict: usize) -> Result<(), Error> {
        let mut keys: Vec<u32> = Vec::new();
        let mut at = dict + 1;
        while at < self.tokens.len() {
            keys.push(index(at));
            at = self.tokens.get(at + 1).map_or(usize::MAX, |value| value.next(at + 1));
        }
        keys.sort_unstable_by_key(|&key| (self.text(key as usize), key));
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        let pair = pairs.find(|(a, b)| self.text(**a as usize) == self.text(**b as usize));
        pair.map_or(Ok(()), |(_, second)| Err(self.duplicate(*second as usize)))
    }

    fn duplicate(&self, key: usize) -> Error {
        let position = self.tokens.get(key).map_or(0, |token| token.start as usize);
        Error { kind: ErrorKind::DuplicateKey(self.text(key).into()), position }
    }

    fn check_end(&self) -> Result<(), Error> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        if rest.is_empty() || self.limits.trailing_whitespace && rest.trim_ascii().is_empty() {
            return Ok(());
        }
        Err(self.fail(ErrorKind::Trailing(rest.len())))
    }

    fn digits(&mut self) -> &'a [u8] {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn peek(&self) -> Result<u8, Error> {
        self.input.get(self.at).copied().ok_or_else(|| self.fail(ErrorKind::UnexpectedEnd))
    }

    fn text(&self, token: usize) -> &'a [u8] {
        self.tokens.get(token).map_or(&[], |token| token.body(self.input))
    }

    const fn fail(&self, kind: ErrorKind) -> Error {
        Error { kind, position: self.at }
    }
}

/// A position or token number: both fit, since the input's length does.
fn index(n: usize) -> u32 {
    u32::try_from(n)
        .expect("the input's length was checked to fit in 32 bits, and tokens are fewer than bytes")
}

/// The number that `digits` say, if it fits.
pub(super) fn parse_int(digits: &[u8], negative: bool) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, byte| {
        let digit = i64::from(byte - b'0');
        let value = value.checked_mul(10)?;
        if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
    })
}
