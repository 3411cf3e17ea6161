//! The version 1 side of an info dictionary (BEP 3, 47): `length` or `files`, and `pieces`.

use super::error::{MetainfoError, PathError};
use super::fields::{Fields, wrong_type};
use super::layout::{FileEntry, FileLayout};
use super::path;
use crate::bencode::Value;
use crate::limits::{MAX_FILES, MAX_PATH_DEPTH};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

/// The files of a version 1 or hybrid torrent, and its piece hashes, which fit them.
pub(super) fn read<'d>(info: Fields<'d>, piece_length: u32) -> Result<(FileLayout, &'d [u8]), MetainfoError> {
    let (pieces, position) = info.need_bytes("pieces")?;
    let layout = match info.find("files") {
        Some(files) if info.find("length").is_some() => {
            let fault = "stands beside a length, so it is unclear which is meant,";
            return Err(MetainfoError::invalid("file list", fault, files.position()));
        }
        Some(files) => FileLayout::new(list(files)?, false, piece_length, files.position())?,
        None => FileLayout::new(vec![single(info)?], true, piece_length, info.need("length")?.position())?,
    };
    let expected = layout.geometry().num_pieces();
    if u64::from(expected) * 20 != pieces.len() as u64 {
        let (pieces, found) = (u64::from(expected), pieces.len());
        return Err(MetainfoError::PieceCount { pieces, found, position });
    }
    Ok((layout, pieces))
}

fn single(info: Fields<'_>) -> Result<FileEntry, MetainfoError> {
    info.refuse_symlink()?;
    Ok(FileEntry::new(Vec::new(), info.length()?, false))
}

fn list(files: Value<'_>) -> Result<Vec<FileEntry>, MetainfoError> {
    let entries = files.as_list().ok_or_else(|| wrong_type(files, "files", "a list"))?;
    let count = entries.clone().count();
    if count > MAX_FILES {
        let what = "the number of files is";
        return Err(MetainfoError::limit(what, count as u64, MAX_FILES as u64, files.position()));
    }
    entries.map(|entry| file(Fields::new(entry, "file entry")?)).collect()
}

fn file(entry: Fields<'_>) -> Result<FileEntry, MetainfoError> {
    entry.refuse_symlink()?;
    let length = entry.length()?;
    let padding = entry.has_attr(b'p');
    let twin = entry.find("path.utf-8").filter(|path| path.as_list().is_some());
    if padding && twin.is_none() && entry.find("path").is_none() {
        return Ok(FileEntry::new(padding_path(length), length, true));
    }
    let path = match twin {
        Some(path) => elements(path)?,
        None => elements(entry.need("path")?)?,
    };
    let padding = padding || is_padding_path(&path);
    Ok(FileEntry::new(path, length, padding))
}

fn elements(path: Value<'_>) -> Result<Vec<Box<str>>, MetainfoError> {
    let elements = path.as_list().ok_or_else(|| wrong_type(path, "path", "a list"))?;
    let depth = elements.clone().count();
    if depth == 0 {
        return Err(PathError::Empty { position: path.position() }.into());
    }
    if depth > MAX_PATH_DEPTH {
        let what = "the number of a path's elements is";
        return Err(MetainfoError::limit(what, depth as u64, MAX_PATH_DEPTH as u64, path.position()));
    }
    elements
        .map(|element| {
            let raw = element.as_bytes().ok_or_else(|| wrong_type(element, "path", "a list of strings"))?;
            Ok(path::name(raw, element.position())?)
        })
        .collect()
}

/// The path that BEP 47 recommends for a padding file.
pub(super) fn padding_path(length: u64) -> Vec<Box<str>> {
    vec![".pad".into(), length.to_string().into()]
}

/// Whether a file without the attribute is one of padding, by the names that programs have used.
fn is_padding_path(path: &[Box<str>]) -> bool {
    match path {
        [directory, name] if &**directory == ".pad" => name.bytes().all(|byte| byte.is_ascii_digit()),
        _ => path.last().is_some_and(|name| name.starts_with("_____padding_file_")),
    }
}
