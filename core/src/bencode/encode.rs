//! The encoder: values are written one after another, dictionaries come out sorted whatever their order.

use alloc::vec::Vec;
use core::fmt::Write;
use core::ops::Range;

/// Writes bencoded values one after another.
///
/// ```
/// use peerless_core::bencode::encode_dict;
///
/// let answer = encode_dict(|d| {
///     d.entry("peers").list(|l| {
///         l.bytes("here");
///         l.bytes("there");
///     });
///     d.entry("interval").int(1800);
/// });
/// assert_eq!(answer, b"d8:intervali1800e5:peersl4:here5:thereee");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    /// An encoder that has written nothing.
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// Writes an integer.
    pub fn int(&mut self, value: i64) {
        self.number(format_args!("i{value}e"));
    }

    /// Writes a string.
    pub fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.number(format_args!("{}:", bytes.len()));
        self.out.extend_from_slice(bytes);
    }

    /// Writes a value that is bencoded already.
    pub fn raw(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// Writes a list: `write` writes its values.
    pub fn list(&mut self, write: impl FnOnce(&mut Self)) {
        self.out.push(b'l');
        write(self);
        self.out.push(b'e');
    }

    /// Writes a dictionary: `write` makes its entries.
    pub fn dict(&mut self, write: impl FnOnce(&mut DictEncoder<'_>)) {
        self.out.push(b'd');
        let mut dict = DictEncoder { encoder: self, entries: Vec::new() };
        write(&mut dict);
        dict.sort();
        self.out.push(b'e');
    }

    /// All that was written.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn number(&mut self, number: core::fmt::Arguments<'_>) {
        // Writing to a `Vec` cannot fail.
        let _ = Bytes(&mut self.out).write_fmt(number);
    }
}

/// One dictionary as bytes.
pub fn encode_dict(write: impl FnOnce(&mut DictEncoder<'_>)) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.dict(write);
    encoder.finish()
}

/// Writes the entries of a dictionary, in any order; made by [`Encoder::dict`].
#[derive(Debug)]
pub struct DictEncoder<'e> {
    encoder: &'e mut Encoder,
    /// Of each entry, where its key's text stands in the output. An entry ends where the next begins.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    start: usize,
    key: Range<usize>,
}

impl DictEncoder<'_> {
    /// Begins an entry. Exactly one value must be written to what this returns, and no key may be used twice.
    pub fn entry(&mut self, key: impl AsRef<[u8]>) -> &mut Encoder {
        let key = key.as_ref();
        let start = self.encoder.out.len();
        self.encoder.bytes(key);
        let end = self.encoder.out.len();
        self.entries.push(Entry { start, key: end - key.len()..end });
        self.encoder
    }

    /// Puts the entries into the order of their keys, if they are not.
    fn sort(self) {
        let out = &mut self.encoder.out;
        let key = |entry: &Entry| out.get(entry.key.clone()).unwrap_or_default();
        if self.entries.is_sorted_by(|a, b| key(a) < key(b)) {
            return;
        }
        let ends = self.entries.iter().skip(1).map(|entry| entry.start).chain([out.len()]);
        let mut order: Vec<(&Entry, usize)> = self.entries.iter().zip(ends).collect();
        order.sort_by_key(|(entry, _)| key(entry));
        debug_assert!(order.is_sorted_by(|a, b| key(a.0) < key(b.0)), "a key was written twice");
        let sorted: Vec<u8> = order
            .iter()
            .flat_map(|(entry, end)| out.get(entry.start..*end).unwrap_or_default())
            .copied()
            .collect();
        let start = self.entries.first().map_or(out.len(), |entry| entry.start);
        out.truncate(start);
        out.extend_from_slice(&sorted);
    }
}

struct Bytes<'v>(&'v mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        self.0.extend_from_slice(s.as_bytes());
        Ok(())
    }
}
