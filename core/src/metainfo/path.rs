//! The one maker of names on the disk. Whatever a torrent calls a file, only what comes out of here is created.
//! The rule is in the documentation of [`Metainfo`](super::Metainfo); what clashes is refused here, too.

use super::error::{NameFault, PathError};
use super::fields::decode_text;
use super::layout::FileEntry;
use crate::escape::{escape_bytes_line, escape_line, is_hidden};
use crate::hash::sha1;
use crate::limits::{MAX_PATH_ELEMENT, MAX_SHOWN_TEXT};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// The longest extension, dot included, that survives where a name is cut.
const MAX_KEPT_EXTENSION: usize = 16;

/// The name on the disk for one path element of a torrent. `position` is where it stands in the file.
pub(super) fn name(raw: &[u8], position: usize) -> Result<Box<str>, PathError> {
    safe_name(raw).map_err(|fault| {
        let name = escape_bytes_line(raw, MAX_SHOWN_TEXT).into();
        PathError::Name { name, fault, position }
    })
}

fn safe_name(raw: &[u8]) -> Result<Box<str>, NameFault> {
    let mut name = String::from(decode_text(raw));
    if name.contains(char::is_control) {
        return Err(NameFault::Control);
    }
    if name.contains(['/', '\\']) {
        return Err(NameFault::Separator);
    }
    name.retain(|c| !is_hidden(c));
    match name.as_str() {
        "" => return Err(NameFault::Empty),
        "." | ".." => return Err(NameFault::Dots),
        _ => {}
    }
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    if name.ends_with(['.', ' ']) {
        name.push('_');
    }
    Ok(shortened(name).into())
}

/// Whether Windows would take the name for a device, whatever its extension, or for a drive.
fn is_reserved(name: &str) -> bool {
    if let [letter, b':', ..] = name.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return true;
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    if ["con", "prn", "aux", "nul", "conin$", "conout$"]
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
    {
        return true;
    }
    let mut chars = stem.chars();
    let numbered = matches!(chars.next_back(), Some('1'..='9' | '¹' | '²' | '³'));
    numbered && ["com", "lpt"].iter().any(|port| chars.as_str().eq_ignore_ascii_case(port))
}

fn shortened(name: String) -> String {
    if name.len() <= MAX_PATH_ELEMENT {
        return name;
    }
    let extension = name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default();
    let extension = if extension.len() <= MAX_KEPT_EXTENSION { extension } else { "" };
    let mark = format!("~{}", sha1(name.as_bytes()).to_hex().get(..8).unwrap_or_default());
    let room = MAX_PATH_ELEMENT - mark.len() - extension.len();
    let stem = (0..=room).rev().find_map(|end| name.get(..end)).unwrap_or_default();
    format!("{stem}{mark}{extension}")
}

/// Refuses two files of which, on some file system, one would overwrite the other or be its directory.
///
/// Padding files never reach the disk and may be called what they like. The work is that of sorting all paths.
pub(super) fn refuse_clashes(files: &[FileEntry]) -> Result<(), PathError> {
    let mut folded = String::new();
    let mut keys: Vec<(Range<usize>, usize)> = Vec::with_capacity(files.len());
    for (number, file) in files.iter().filter(|file| !file.padding).enumerate() {
        let start = folded.len();
        for (depth, element) in file.path.iter().enumerate() {
            // Below every character of a name, so that a directory sorts just before what is in it.
            folded.extend((depth > 0).then_some('\0'));
            fold(element, &mut folded);
        }
        keys.push((start..folded.len(), number));
    }
    let text = |key: &(Range<usize>, usize)| folded.as_bytes().get(key.0.clone()).unwrap_or_default();
    keys.sort_unstable_by(|a, b| text(a).cmp(text(b)).then(a.1.cmp(&b.1)));
    let clash = keys.iter().zip(keys.iter().skip(1)).find(|(a, b)| {
        text(b).strip_prefix(text(a)).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"\0"))
    });
    let Some((a, b)) = clash else { return Ok(()) };
    let path = files.iter().filter(|file| !file.padding).nth(a.1).map(|file| file.path.join("/"));
    let path = escape_line(&path.unwrap_or_default(), MAX_SHOWN_TEXT).into();
    let (first, second) = (a.1.min(b.1) + 1, a.1.max(b.1) + 1);
    Err(if text(a) == text(b) {
        PathError::Clash { path, first, second }
    } else {
        PathError::FileAsDirectory { path, first, second }
    })
}

/// Adds what is the same for all spellings that a file system may take for one: case folded, composed (NFC).
fn fold(element: &str, to: &mut String) {
    if element.is_ascii() {
        to.extend(element.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        // By way of capitals, so that ß, ſ and final ς fold as Unicode wants.
        to.extend(element.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc());
    }
}
