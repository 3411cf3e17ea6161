//! A decoded document: a flat table of tokens, each with its span in the input, and views into it.

use super::decode::parse_int;
use alloc::vec::Vec;

/// A decoded document. It borrows the input and owns only a table of where each value stands in it.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    input: &'a [u8],
    /// The root first; every list and dictionary is followed by what is in it. Never empty.
    tokens: Vec<Token>,
}

/// One value of a document: a cheap view that can be copied.
///
/// Asking a value for what it is not gives `None`.
#[derive(Clone, Copy, Debug)]
pub struct Value<'d> {
    input: &'d [u8],
    tokens: &'d [Token],
    token: Token,
    index: usize,
}

/// A value or a key, by its place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Where it begins.
    pub(super) start: u32,
    /// Just after its last byte.
    pub(super) end: u32,
    /// Lists and dictionaries: the number of the first token after all that is inside. Strings: where the
    /// text begins.
    pub(super) link: u32,
    pub(super) kind: Kind,
    /// Whether it is written in the one way that BEP 3 allows, leaving aside what is inside.
    pub(super) canonical: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Bytes,
    List,
    Dict,
}

impl<'a> Document<'a> {
    pub(super) const fn new(input: &'a [u8], tokens: Vec<Token>) -> Self {
        Self { input, tokens }
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        self.value(0).expect("the decoder makes no document without a value")
    }

    fn value(&self, index: usize) -> Option<Value<'_>> {
        Value::at(self.input, &self.tokens, index)
    }
}

impl<'d> Value<'d> {
    fn at(input: &'d [u8], tokens: &'d [Token], index: usize) -> Option<Self> {
        tokens.get(index).map(|&token| Self { input, tokens, token, index })
    }

    /// The number of an integer.
    pub fn as_int(self) -> Option<i64> {
        let digits = self.raw().strip_prefix(b"i")?.strip_suffix(b"e")?;
        match digits.strip_prefix(b"-") {
            Some(digits) => parse_int(digits, true),
            None => parse_int(digits, false),
        }
    }

    /// The bytes of a string.
    pub fn as_bytes(self) -> Option<&'d [u8]> {
        (self.token.kind == Kind::Bytes).then(|| self.token.body(self.input))
    }

    /// The bytes of a string that is UTF-8.
    pub fn as_str(self) -> Option<&'d str> {
        self.as_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// The values of a list, in order.
    pub fn as_list(self) -> Option<ListIter<'d>> {
        (self.token.kind == Kind::List).then(|| ListIter(self.inside()))
    }

    /// The keys and values of a dictionary, in the order of the input.
    pub fn as_dict(self) -> Option<DictIter<'d>> {
        (self.token.kind == Kind::Dict).then(|| DictIter(self.inside()))
    }

    /// The value of a key, in time linear in the number of keys; `None` too where this is no dictionary.
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<Self> {
        self.as_dict()?.find(|(k, _)| *k == key.as_ref()).map(|(_, value)| value)
    }

    /// The bytes of the input that are this value, from its first to its last.
    pub fn raw(self) -> &'d [u8] {
        self.input.get(self.token.start as usize..self.token.end as usize).unwrap_or_default()
    }

    /// Where the value begins, in bytes from the start of the input.
    pub const fn position(self) -> usize {
        self.token.start as usize
    }

    /// The position of the first thing in this value that BEP 3 wants written otherwise: a dictionary whose
    /// keys are not sorted, a number with zeros before it, `-0`.
    pub fn non_canonical(self) -> Option<usize> {
        let within = self.tokens.get(self.index..self.token.next(self.index)).unwrap_or_default();
        within.iter().find(|token| !token.canonical).map(|token| token.start as usize)
    }

    const fn inside(self) -> Cursor<'d> {
        Cursor {
            input: self.input,
            tokens: self.tokens,
            next: self.index + 1,
            end: self.token.next(self.index),
        }
    }
}

impl Token {
    /// The number of the token after this one, number `index`, and all that is inside it.
    pub(super) const fn next(self, index: usize) -> usize {
        match self.kind {
            Kind::Int | Kind::Bytes => index + 1,
            Kind::List | Kind::Dict => self.link as usize,
        }
    }

    /// The text of a string.
    pub(super) fn body(self, input: &[u8]) -> &[u8] {
        input.get(self.link as usize..self.end as usize).unwrap_or_default()
    }
}

/// Walks over the direct children of a list or dictionary, keys included.
#[derive(Clone, Copy, Debug)]
struct Cursor<'d> {
    input: &'d [u8],
    tokens: &'d [Token],
    next: usize,
    end: usize,
}

impl<'d> Iterator for Cursor<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        if self.next >= self.end {
            return None;
        }
        let value = Value::at(self.input, self.tokens, self.next)?;
        self.next = value.token.next(self.next);
        Some(value)
    }
}

/// The values of a list; made by [`Value::as_list`].
#[derive(Clone, Debug)]
pub struct ListIter<'d>(Cursor<'d>);

impl<'d> Iterator for ListIter<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        self.0.next()
    }
}

/// The keys and values of a dictionary; made by [`Value::as_dict`].
#[derive(Clone, Debug)]
pub struct DictIter<'d>(Cursor<'d>);

impl<'d> Iterator for DictIter<'d> {
    type Item = (&'d [u8], Value<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.next()?;
        let value = self.0.next()?;
        Some((key.token.body(key.input), value))
    }
}
