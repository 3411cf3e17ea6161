//! The hashes of all pieces: two threads, each with one buffer, whatever the length of a piece.

use super::walk::SourceFile;
use crate::exit::{Exit, Failure};
use crate::output::Meter;
use peerless_core::{Geometry, Sha1Hash, Sha1State};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

/// Pieces that are hashed at once.
const THREADS: usize = 2;
/// Bytes that a thread reads at once.
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
            let results = results.clone();
            let mut hasher = Hasher::new(files, &starts);
            let next = &next;
            scope.spawn(move || {
                while let Some(piece) = geometry.piece(next.fetch_add(1, Ordering::Relaxed)) {
                    let hash = hasher.digest(geometry.piece_range(piece));
                    // Nobody listens any more: the other thread found something wrong.
                    if results.send(hash.map(|hash| (piece, hash))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        for result in done {
            let (piece, hash) = result?;
            hashes[piece.as_usize()] = hash;
            meter.advance(geometry.piece_len(piece).into());
        }
        Ok::<(), Failure>(())
    })?;
    files.iter().try_for_each(unchanged)?;
    Ok(hashes)
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

struct Hasher<'a> {
    files: &'a [SourceFile],
    starts: &'a [u64],
    buffer: Vec<u8>,
    /// The file that was read last: the next piece most likely goes on in it.
    open: Option<(usize, File)>,
}

impl<'a> Hasher<'a> {
    fn new(files: &'a [SourceFile], starts: &'a [u64]) -> Self {
        Self { files, starts, buffer: vec![0; BUFFER], open: None }
    }

    fn digest(&mut self, range: Range<u64>) -> Result<Sha1Hash, Failure> {
        let mut state = Sha1State::new();
        let mut index = self.starts.partition_point(|&start| start <= range.start).saturating_sub(1);
        let mut at = range.start;
        while at < range.end {
            // Both tables cover the torrent, of which the range is a part.
            let end = self.starts[index] + self.files[index].length;
            let stop = end.min(range.end);
            self.take(index, at - self.starts[index]..stop.max(at) - self.starts[index], &mut state)?;
            at = stop.max(at);
            index += 1;
        }
        Ok(state.finish())
    }

    fn take(&mut self, index: usize, range: Range<u64>, state: &mut Sha1State) -> Result<(), Failure> {
        let source = &self.files[index];
        let mut at = range.start;
        while at < range.end {
            let file = match &self.open {
                Some((open, file)) if *open == index => file,
                _ => {
                    let failed = |error| Failure::io("open", &source.path, &error);
                    &self.open.insert((index, File::open(&source.path).map_err(failed)?)).1
                }
            };
            let want = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(BUFFER);
            match file.read_at(&mut self.buffer[..want], at) {
                Ok(0) => return Err(changed(source)),
                Ok(n) => {
                    state.update(&self.buffer[..n]);
                    at += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::io("read", &source.path, &error)),
            }
        }
        Ok(())
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
