//! What a torrent consists of, as far as files are concerned.

use peerless_core::Metainfo;

/// The files of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Whether the target is the one file itself, not a directory.
    pub single: bool,
    /// All files in the order of the torrent, padding files included.
    pub files: Vec<StoredFile>,
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Safe path elements below the target; empty for the file of a single-file torrent.
    pub path: Vec<Box<str>>,
    /// Bytes.
    pub length: u64,
    /// A padding file (BEP 47): never on the disk.
    pub padding: bool,
}

impl Contents {
    /// The files of a torrent.
    pub fn of(metainfo: &Metainfo) -> Self {
        let files = metainfo.layout().files().iter();
        Self {
            single: metainfo.is_single_file(),
            files: files
                .map(|f| StoredFile { path: f.path.clone(), length: f.length, padding: f.padding })
                .collect(),
        }
    }
}
