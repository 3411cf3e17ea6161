//! What a verification found: the pieces that do not match, and the files that cannot be right.

use crate::exit::{Exit, Failure};
use crate::report::Report;
use crate::text;
use peerless_core::{Metainfo, PieceIndex};
use std::collections::BTreeSet;
use std::path::Path;

/// Files that are listed by name, of each kind.
const MAX_LISTED: usize = 20;

/// The end of a verification.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    good: u32,
    total: u32,
    bad: Vec<PieceIndex>,
    /// Files that are missing or have another size. Pieces do not show a file that is empty or too long.
    misfits: BTreeSet<String>,
    /// The other files that bad pieces touch.
    suspects: BTreeSet<String>,
}

impl Checked {
    /// Completes what the engine found by a look at the files below `target`.
    pub(crate) fn new(metainfo: &Metainfo, target: &Path, good: u32, bad: Vec<PieceIndex>) -> Self {
        let (layout, geometry) = (metainfo.layout(), metainfo.geometry());
        let name = |elements: &[Box<str>]| crate::show::path(metainfo, elements);
        let fits = |elements: &[Box<str>], length: u64| {
            let path = elements.iter().fold(target.to_owned(), |path, element| path.join(&**element));
            std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == length)
        };
        let files = layout.files().iter().filter(|f| !f.padding && !fits(&f.path, f.length));
        let misfits: BTreeSet<String> = files.map(|f| name(&f.path)).collect();
        let extents = bad.iter().flat_map(|&piece| layout.extents(geometry.piece_range(piece)));
        let touched = extents.filter(|e| !e.padding).filter_map(|e| layout.files().get(e.file.as_usize()));
        let suspects = touched.map(|f| name(&f.path)).filter(|name| !misfits.contains(name)).collect();
        Self { good, total: geometry.num_pieces(), bad, misfits, suspects }
    }

    /// Why the data is not the torrent's, if it is not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let (good, total) = (self.good, self.total);
        let text = if good < total {
            format!("path: the data does not match the torrent ({good} of {total} pieces do)")
        } else if self.misfits.is_empty() {
            return None;
        } else {
            let files = text::count(self.misfits.len() as u64, "file");
            format!("path: the data does not match the torrent: {files} missing or of another size")
        };
        Some(Failure::new(Exit::Mismatch, text))
    }

    /// Lines that name the files in question.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = list("missing or of another size", &self.misfits);
        lines.extend(list("in a piece that does not match", &self.suspects));
        lines
    }

    /// A success in one sentence.
    pub(crate) fn success(&self, target: &str) -> String {
        format!("{target} matches the torrent ({})", text::count(self.good.into(), "piece"))
    }

    /// Adds what was found to the `result` line.
    pub(crate) fn add_to(&self, report: Report) -> Report {
        let pieces: Vec<u32> = self.bad.iter().map(|piece| piece.get()).collect();
        let files: Vec<&str> = self.misfits.union(&self.suspects).map(String::as_str).collect();
        report
            .with("good", self.good)
            .with("num_pieces", self.total)
            .with("bad_pieces", pieces)
            .with("bad_files", files)
    }
}

fn list(what: &str, files: &BTreeSet<String>) -> Vec<String> {
    let mut lines: Vec<String> = files.iter().take(MAX_LISTED).map(|f| format!("{what}: {f}")).collect();
    if files.len() > MAX_LISTED {
        lines.push(format!("{what}: {} more", files.len() - MAX_LISTED));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::metainfo::Builder;

    fn album(dir: &Path, files: &[(&str, usize)]) -> Metainfo {
        for (name, len) in files {
            std::fs::write(dir.join(name), vec![7; *len]).unwrap();
        }
        let entries = files.iter().map(|(name, len)| (vec![(*name).to_owned()], *len as u64)).collect();
        let total: usize = files.iter().map(|f| f.1).sum();
        let pieces = vec![0; total.div_ceil(16_384) * 20];
        Metainfo::parse(&Builder::directory("album", entries, 16_384).pieces(pieces).build().unwrap())
            .unwrap()
    }

    #[test]
    fn a_file_that_no_piece_shows_is_found_by_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let metainfo = album(dir.path(), &[("a", 20_000), ("empty", 0)]);
        let check = || Checked::new(&metainfo, dir.path(), 2, Vec::new());
        assert_eq!(check().failure(), None);
        std::fs::write(dir.path().join("a"), vec![7; 20_001]).unwrap();
        assert_eq!(check().lines(), ["missing or of another size: a"]);
        std::fs::remove_file(dir.path().join("empty")).unwrap();
        assert_eq!(check().failure().unwrap().exit.code(), 10);
        assert_eq!(check().lines().len(), 2);
    }

    #[test]
    fn every_file_of_a_bad_piece_is_a_suspect() {
        let dir = tempfile::tempdir().unwrap();
        let metainfo = album(dir.path(), &[("a", 16_000), ("b", 10), ("c", 20_000)]);
        let checked = Checked::new(&metainfo, dir.path(), 2, vec![PieceIndex::new(0)]);
        assert!(checked.failure().unwrap().message.contains("2 of 3 pieces"));
        assert_eq!(checked.lines().len(), 3);
        assert_eq!(checked.lines()[0], "in a piece that does not match: a");
    }
}
