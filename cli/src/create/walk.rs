//! What goes into a torrent: every file below a path, in an order that does not depend on the file system.

use crate::exit::{Exit, Failure};
use peerless_core::limits;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file to put into a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its place in the torrent, below the name; empty where the torrent is this one file.
    pub(super) elements: Vec<String>,
    /// Bytes.
    pub(super) length: u64,
    /// When it was last written, to notice that it was written meanwhile.
    pub(super) modified: Option<SystemTime>,
}

/// Finds the files of the torrent to be made of `root`: itself, or all that is below it.
pub(super) fn walk(root: &Path) -> Result<Vec<SourceFile>, Failure> {
    let meta = fs::metadata(root).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Exit::SourceNotFound, format!("path: there is nothing at {}", root.display()))
        }
        _ => Failure::io("read", root, &error),
    })?;
    let files = if meta.is_dir() { walk_directory(root)? } else { vec![file(root, Vec::new(), &meta)?] };
    let total = files.iter().try_fold(0u64, |sum, f| sum.checked_add(f.length));
    match total {
        Some(0) => Err(unusable(format!("metainfo: there is not one byte to share at {}", root.display()))),
        Some(total) if total <= limits::MAX_TOTAL_LENGTH => Ok(files),
        _ => Err(unusable("limit: more bytes than a torrent can have".to_owned())),
    }
}

fn walk_directory(root: &Path) -> Result<Vec<SourceFile>, Failure> {
    let mut files = Vec::new();
    let mut pending = vec![(root.to_owned(), Vec::new())];
    while let Some((dir, elements)) = pending.pop() {
        if elements.len() > limits::MAX_PATH_DEPTH {
            return Err(unusable(format!("limit: {} lies too deep", dir.display())));
        }
        let entries = fs::read_dir(&dir).map_err(|error| Failure::io("read", &dir, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| Failure::io("read", &dir, &error))?.path();
            let meta = fs::symlink_metadata(&path).map_err(|error| Failure::io("read", &path, &error))?;
            let mut elements: Vec<String> = elements.clone();
            elements.push(name(&path)?);
            if meta.is_dir() {
                pending.push((path, elements));
                continue;
            }
            files.push(file(&path, elements, &meta)?);
            if files.len() > limits::MAX_FILES {
                let text = format!("limit: more than {} files", limits::MAX_FILES);
                return Err(unusable(text));
            }
        }
    }
    files.sort_by(|a, b| a.elements.cmp(&b.elements));
    Ok(files)
}

fn file(path: &Path, elements: Vec<String>, meta: &fs::Metadata) -> Result<SourceFile, Failure> {
    if meta.is_symlink() {
        let text = format!("unsupported: {} is a symbolic link; copy what it leads to", path.display());
        return Err(unusable(text));
    }
    if !meta.is_file() {
        return Err(unusable(format!("unsupported: {} is not a file", path.display())));
    }
    Ok(SourceFile { path: path.to_owned(), elements, length: meta.len(), modified: meta.modified().ok() })
}

/// The last element of a path, as text.
pub(super) fn name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| unusable(format!("path: the name of {} is not UTF-8; rename it", path.display())))
}

fn unusable(text: String) -> Failure {
    Failure::new(Exit::TorrentUnusable, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        walk(root).unwrap().iter().map(|f| f.elements.join("/")).collect()
    }

    #[test]
    fn files_come_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b/z", "b/a", "a", "c", "a.txt", "b.txt"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::create_dir(dir.path().join("empty")).unwrap();
        assert_eq!(names(dir.path()), ["a", "a.txt", "b/a", "b/z", "b.txt", "c"]);
    }

    #[test]
    fn a_single_file_has_no_path_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, "data").unwrap();
        let files = walk(&path).unwrap();
        assert_eq!((files.len(), files[0].length, files[0].elements.len()), (1, 4, 0));
    }

    #[test]
    fn links_sockets_and_nothing_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let exit = |path: &Path| walk(path).unwrap_err().exit.code();
        assert_eq!(exit(dir.path()), 3);
        assert_eq!(exit(&dir.path().join("missing")), 4);
        fs::write(dir.path().join("x"), "data").unwrap();
        std::os::unix::fs::symlink("x", dir.path().join("link")).unwrap();
        assert!(walk(dir.path()).unwrap_err().message.contains("symbolic link"));
        fs::remove_file(dir.path().join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        assert!(walk(dir.path()).unwrap_err().message.contains("is not a file"));
    }
}
