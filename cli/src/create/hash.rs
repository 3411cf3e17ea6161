//! The hashes of all pieces: two threads, each with one buffer, whatever the length of a piece.

use super::walk::SourceFile;
use crate::exit::{Exit, Failure};
use crate::output::Meter;
use peerless_core::{Geometry, PieceIndex, Sha1Hash, Sha1State};
use peerless_runtime::{hash_lanes, hash_together};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

/// Threads that hash.
const THREADS: u32 = 2;
/// Bytes that a thread reads at once, those of all its pieces together.
const BUFFER: usize = 1 << 20;

/// Hashes every piece of the files, laid end to end.
pub(super) fn hash(
    files: &[SourceFile],
    geometry: Geometry,
    meter: &mut Meter,
) -> Result<Vec<Sha1Hash>, Failure> {
    let mut hashes = vec![Sha1Hash([0; 20]); geometry.num_pieces() as usize];
    let starts = starts(files);
    let next = AtomicU32::new(0);
    let (results, done) = mpsc::sync_channel(64);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (results, starts, next) = (results.clone(), &starts, &next);
            scope.spawn(move || {
                let mut buffer = vec![0; BUFFER];
                let mut open = None;
                while let Some(pieces) = next_pieces(next, geometry) {
                    let reader =
                        |piece: &PieceIndex| Reader::new(files, starts, geometry.piece_range(*piece));
                    let hashed = digest(pieces.iter().map(reader).collect(), &mut buffer, &mut open);
                    // Nobody listens any more: the other thread found something wrong.
                    if results.send(hashed.map(|hashes| (pieces, hashes))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        for result in done {
            let (pieces, digests) = result?;
            for (piece, digest) in pieces.into_iter().zip(digests) {
                hashes[piece.as_usize()] = digest;
                meter.advance(geometry.piece_len(piece).into());
            }
        }
        Ok::<(), Failure>(())
    })?;
    files.iter().try_for_each(unchanged)?;
    Ok(hashes)
}

/// The pieces that a thread is to hash together: towards the end fewer, so that the others have some, too.
fn next_pieces(next: &AtomicU32, geometry: Geometry) -> Option<Vec<PieceIndex>> {
    let share = |from: u32| (geometry.num_pieces() - from).div_ceil(THREADS).min(hash_lanes() as u32);
    let taken = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |from| Some(from + share(from)));
    let from = taken.unwrap_or_else(|from| from);
    let pieces: Vec<_> = (from..from + share(from)).filter_map(|piece| geometry.piece(piece)).collect();
    (!pieces.is_empty()).then_some(pieces)
}

/// The digest of all that each of them reads.
fn digest(mut readers: Vec<Reader>, buffer: &mut [u8], open: &mut Open) -> Result<Vec<Sha1Hash>, Failure> {
    let mut states = vec![Sha1State::new(); readers.len()];
    let room = buffer.len() / readers.len().max(1);
    loop {
        let chunks = buffer.chunks_exact_mut(room).zip(&mut readers);
        let chunks =
            chunks.map(|(room, reader)| reader.read(room, open)).collect::<Result<Vec<&[u8]>, _>>()?;
        if chunks.iter().all(|chunk| chunk.is_empty()) {
            return Ok(states.into_iter().map(Sha1State::finish).collect());
        }
        hash_together(states.iter_mut().zip(chunks).map(|(state, chunk)| (state, [chunk])));
    }
}

/// Where each file begins in the torrent.
fn starts(files: &[SourceFile]) -> Vec<u64> {
    let mut at = 0;
    let mut start = |file: &SourceFile| {
        let begin = at;
        at += file.length;
        begin
    };
    files.iter().map(&mut start).collect()
}

/// A file that was written while it was read would make a torrent that nobody can complete.
fn unchanged(file: &SourceFile) -> Result<(), Failure> {
    let meta = fs::metadata(&file.path).map_err(|error| Failure::io("read", &file.path, &error))?;
    if meta.len() == file.length && meta.modified().ok() == file.modified {
        return Ok(());
    }
    Err(changed(file))
}

fn changed(file: &SourceFile) -> Failure {
    Failure::new(Exit::Storage, format!("disk: {} changed while it was read", file.path.display()))
}

/// The file that a thread read last, by its number: the next piece most likely goes on in it.
type Open = Option<(usize, File)>;

/// Reads a part of the torrent.
struct Reader<'a> {
    files: &'a [SourceFile],
    starts: &'a [u64],
    /// What is still to be read, and the file that it begins in.
    range: Range<u64>,
    index: usize,
}

impl<'a> Reader<'a> {
    fn new(files: &'a [SourceFile], starts: &'a [u64], range: Range<u64>) -> Self {
        let index = starts.partition_point(|&start| start <= range.start).saturating_sub(1);
        Self { files, starts, range, index }
    }

    /// What comes next: as much as there is room for, but at the end.
    fn read<'b>(&mut self, room: &'b mut [u8], open: &mut Open) -> Result<&'b [u8], Failure> {
        let mut filled = 0;
        while filled < room.len() && !self.range.is_empty() {
            // Both tables cover the torrent, of which the range is a part.
            let (source, begin) = (&self.files[self.index], self.starts[self.index]);
            let left = (begin + source.length).min(self.range.end) - self.range.start;
            if left == 0 {
                self.index += 1;
                continue;
            }
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(room.len() - filled);
            let n = self.read_from(open, self.range.start - begin, &mut room[filled..filled + want])?;
            filled += n;
            self.range.start += n as u64;
        }
        Ok(&room[..filled])
    }

    fn read_from(&self, open: &mut Open, offset: u64, into: &mut [u8]) -> Result<usize, Failure> {
        let source = &self.files[self.index];
        let file = match open {
            Some((index, file)) if *index == self.index => file,
            _ => {
                let failed = |error| Failure::io("open", &source.path, &error);
                &mut open.insert((self.index, File::open(&source.path).map_err(failed)?)).1
            }
        };
        loop {
            match file.read_at(into, offset) {
                Ok(0) => return Err(changed(source)),
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::io("read", &source.path, &error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::walk;
    use super::*;
    use peerless_core::sha1;

    #[test]
    fn pieces_cross_files_and_empty_ones_do_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        let lengths = [0, 1, 20_000, 0, 0, 40_000, 16_384, 3, 0];
        let mut all = Vec::new();
        for (n, length) in lengths.into_iter().enumerate() {
            let data: Vec<u8> = (0..length).map(|i: usize| (i * 31 + n * 7) as u8).collect();
            fs::write(dir.path().join(n.to_string()), &data).unwrap();
            all.extend(data);
        }
        let files = walk(dir.path()).unwrap();
        let geometry = Geometry::new(all.len() as u64, 16_384).unwrap();
        let hashes = hash(&files, geometry, &mut Meter::silent()).unwrap();
        let expected: Vec<_> = all.chunks(16_384).map(sha1).collect();
        assert_eq!(hashes, expected);
    }

    #[test]
    fn a_file_that_shrinks_or_is_written_meanwhile_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, [1; 50_000]).unwrap();
        let files = walk(&path).unwrap();
        let geometry = Geometry::new(50_000, 16_384).unwrap();
        fs::write(&path, [1; 40_000]).unwrap();
        assert!(hash(&files, geometry, &mut Meter::silent()).unwrap_err().message.contains("changed"));
        fs::write(&path, [2; 60_000]).unwrap();
        assert!(hash(&files, geometry, &mut Meter::silent()).unwrap_err().message.contains("changed"));
    }
}
