//! What a story has to begin with: a directory, a torrent, and its data.

use peerless_core::Metainfo;
use peerless_tests::{Payload, Torrent, same_bytes};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Bytes of a piece in most stories: a few blocks.
pub(crate) const PIECE: u32 = 64 << 10;

/// A directory with a torrent and its complete data.
pub(crate) struct Stage {
    dir: TempDir,
    pub(crate) torrent: Torrent,
    pub(crate) metainfo: Arc<Metainfo>,
    /// Where the data is.
    pub(crate) source: PathBuf,
}

impl Stage {
    /// With a torrent of one file of so many pieces, the last of them short.
    pub(crate) fn file(pieces: u32) -> Self {
        Self::new(&Payload::file("file.bin", u64::from(pieces) * u64::from(PIECE) - 12_345, PIECE))
    }

    /// With a torrent of this content.
    pub(crate) fn new(payload: &Payload) -> Self {
        Self::with(payload, Torrent::new)
    }

    /// With a hybrid torrent of this content.
    pub(crate) fn hybrid(payload: &Payload) -> Self {
        Self::with(payload, Torrent::hybrid)
    }

    fn with(payload: &Payload, make: impl Fn(&Path, &Payload, &[&[&str]]) -> Torrent) -> Self {
        let dir = tempfile::Builder::new().prefix("peerless-").tempdir().unwrap();
        let torrent = make(dir.path(), payload, &[]);
        let metainfo = parse(&torrent);
        let source = payload.write(&dir.path().join("seed"));
        Self { dir, torrent, metainfo, source }
    }

    /// Gives the torrent these tiers of trackers. It stays the same torrent.
    pub(crate) fn track(&mut self, tiers: &[&[&str]]) {
        self.torrent = Torrent::new(self.dir.path(), &self.torrent.payload, tiers);
        self.metainfo = parse(&self.torrent);
    }

    /// Where a download is to stand.
    pub(crate) fn target(&self) -> PathBuf {
        self.target_in("out")
    }

    /// Where another one is to stand.
    pub(crate) fn target_in(&self, dir: &str) -> PathBuf {
        let dir = self.path(dir);
        std::fs::create_dir_all(&dir).unwrap();
        dir.join(self.torrent.payload.name())
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn pieces(&self) -> u32 {
        self.metainfo.geometry().num_pieces()
    }

    /// Fails unless the target is a faithful copy, with nothing left beside it.
    pub(crate) fn assert_copied(&self) {
        self.assert_copied_to(&self.target());
    }

    /// As [`assert_copied`](Self::assert_copied), for another target.
    pub(crate) fn assert_copied_to(&self, target: &Path) {
        assert_eq!(same_bytes(&self.source, target), Ok(()));
        let beside = std::fs::read_dir(target.parent().unwrap()).unwrap();
        let names: Vec<_> = beside.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names, [target], "something is left beside the target");
    }
}

fn parse(torrent: &Torrent) -> Arc<Metainfo> {
    Arc::new(Metainfo::parse(&std::fs::read(&torrent.path).unwrap()).unwrap())
}
