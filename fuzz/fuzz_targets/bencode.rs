//! Bencode: every value stands inside the one around it, and is the same when read alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_core::bencode::{Document, Limits, Value};

/// Looks at a value and all that is in it. `end` is where the value around it ends.
fn walk(input: &[u8], value: Value<'_>, end: usize) {
    let (start, raw) = (value.position(), value.raw());
    assert!(start + raw.len() <= end);
    assert_eq!(&input[start..start + raw.len()], raw);
    let kinds = [
        value.as_int().is_some(),
        value.as_bytes().is_some(),
        value.as_list().is_some(),
        value.as_dict().is_some(),
    ];
    assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "a value is of one kind");
    let end = start + raw.len();
    value.as_list().into_iter().flatten().for_each(|inner| walk(input, inner, end));
    for (key, inner) in value.as_dict().into_iter().flatten() {
        assert_eq!(value.get(key).map(Value::position), Some(inner.position()));
        walk(input, inner, end);
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::decode(data, Limits::TORRENT) else { return };
    let root = document.root();
    walk(data, root, data.len());
    assert!(data[root.raw().len()..].trim_ascii().is_empty());
    let alone = Document::decode(root.raw(), Limits::TORRENT).expect("it was decoded before");
    assert_eq!(alone.root().non_canonical(), root.non_canonical());
});
