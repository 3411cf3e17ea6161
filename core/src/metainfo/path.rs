//! The one maker of names on the disk. Whatever a torrent calls a file, only what comes out of here is created.
//! The rule is in the documentation of [`Metainfo`](super::Metainfo); what clashes is refused in `clash.rs`.

use super::error::{NameFault, PathError};
use super::fields::decode_text;
use crate::escape::{escape_bytes_line, is_hidden};
use crate::hash::sha1;
use crate::limits::{MAX_PATH_ELEMENT, MAX_SHOWN_TEXT};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

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
