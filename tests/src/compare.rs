//! Whether two files, or two trees of files, are the same byte for byte.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The first difference between two files or trees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Only one side has it.
    #[error("{0} is missing")]
    Missing(PathBuf),
    /// The lengths differ.
    #[error("{path} has {len} bytes, not {expected}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: u64,
        /// What it should be.
        expected: u64,
    },
    /// The contents differ.
    #[error("{path} differs within 64 KiB of byte {offset}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Where to look.
        offset: u64,
    },
}

/// Compares `copy` with `original`: two files, or two directories with all that is below them. Neither may have
/// a file that the other lacks.
///
/// # Errors
/// The first [`Difference`].
pub fn same_bytes(original: &Path, copy: &Path) -> Result<(), Difference> {
    compare(original, copy, |_| true)
}

/// As [`same_bytes`], but empty files may be missing on either side: some clients do not make them.
///
/// # Errors
/// The first [`Difference`].
pub fn same_bytes_but_empty_files(original: &Path, copy: &Path) -> Result<(), Difference> {
    compare(original, copy, |path| path.metadata().is_ok_and(|about| about.len() > 0))
}

fn compare(original: &Path, copy: &Path, counts: fn(&Path) -> bool) -> Result<(), Difference> {
    if original.is_file() {
        return same_file(original, copy);
    }
    let (ours, theirs) = (files_below(original, counts), files_below(copy, counts));
    if let Some(missing) = ours.difference(&theirs).next() {
        return Err(Difference::Missing(copy.join(missing)));
    }
    if let Some(extra) = theirs.difference(&ours).next() {
        return Err(Difference::Missing(original.join(extra)));
    }
    ours.iter().try_for_each(|path| same_file(&original.join(path), &copy.join(path)))
}

fn files_below(root: &Path, counts: fn(&Path) -> bool) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.unwrap_or_else(|e| panic!("{}: {e}", dir.display())).path();
            if path.is_dir() {
                open.push(path);
            } else if counts(&path) {
                found.insert(path.strip_prefix(root).expect("found below it").to_owned());
            }
        }
    }
    found
}

fn same_file(original: &Path, copy: &Path) -> Result<(), Difference> {
    let missing = |path: &Path| Difference::Missing(path.to_owned());
    let mut ours = File::open(original).map_err(|_| missing(original))?;
    let mut theirs = File::open(copy).map_err(|_| missing(copy))?;
    let (expected, len) = (ours.metadata().unwrap().len(), theirs.metadata().unwrap().len());
    if len != expected {
        return Err(Difference::Length { path: copy.to_owned(), len, expected });
    }
    let (mut a, mut b) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut offset = 0;
    while offset < len {
        let n = (len - offset).min(64 << 10) as usize;
        ours.read_exact(&mut a[..n]).unwrap();
        theirs.read_exact(&mut b[..n]).unwrap();
        if a[..n] != b[..n] {
            return Err(Difference::Content { path: copy.to_owned(), offset });
        }
        offset += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;

    #[test]
    fn one_wrong_bit_or_file_too_many_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let payload = Payload::tree("tree", 20, 16 << 10);
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let (a, b) = (payload.write(&a), payload.write(&b));
        assert_eq!(same_bytes(&a, &b), Ok(()));

        let (path, len) = payload.files().iter().max_by_key(|(_, len)| len).unwrap();
        let mut bytes = std::fs::read(b.join(path)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(b.join(path), &bytes).unwrap();
        let offset = (len - 1) >> 16 << 16;
        assert_eq!(same_bytes(&a, &b), Err(Difference::Content { path: b.join(path), offset }));

        payload.write(dir.path().join("b").as_path());
        std::fs::write(b.join("one too many"), b"").unwrap();
        assert_eq!(same_bytes(&a, &b), Err(Difference::Missing(a.join("one too many"))));
        assert_eq!(same_bytes(&b, &a), Err(Difference::Missing(a.join("one too many"))));
        assert_eq!(same_bytes_but_empty_files(&a, &b), Ok(()));
    }
}
