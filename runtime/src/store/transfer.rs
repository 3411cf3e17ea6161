//! Moves payload: writes runs of blocks, and reads them back.

use super::buffers::Pages;
use super::durable::sync_data;
use super::fault::{At, Fault, What};
use super::pool::Handle;
use super::site::Site;
use super::survey::stamp;
use bytes::Bytes;
use peerless_core::{Allocation, DiskErrorKind, Extent, FileIndex, FileStamp, Place};
use rustix::io::Errno;
use std::io::IoSlice;
use std::os::fd::AsFd;
use std::sync::Arc;

/// Slices that one call writes; systems allow 1,024.
const SLICES: usize = 512;
/// The stamp of padding, which is no file.
const NO_STAMP: FileStamp = FileStamp { len: 0, modified: 0 };

/// Memory that a worker uses again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    pages: Pages,
}

impl Scratch {
    /// Room for that many bytes. What is in it is of no meaning.
    pub(super) fn room(&mut self, len: usize) -> &mut [u8] {
        if self.pages.len() < len {
            self.pages = Pages::new(len);
        }
        &mut self.pages.bytes_mut()[..len]
    }
}

impl Site<'_> {
    /// Writes `data` to the part file.
    pub(super) fn write(
        &self,
        extents: &[Extent],
        data: &[Bytes],
        allocation: Allocation,
    ) -> Result<(), Fault> {
        self.write_into(Place::Part, extents, data, |file| self.file_to_write(file, allocation))
    }

    /// Writes `data` over what stands at the final place, and syncs it. Gives the stamps of the files afterwards.
    pub(super) fn mend(&self, extents: &[Extent], data: &[Bytes]) -> Result<Vec<FileStamp>, Fault> {
        self.write_into(Place::Final, extents, data, |file| self.file_to_mend(file))?;
        let sync = |extent: &Extent| {
            let what = What::File(Place::Final, extent.file);
            let file = self.file_to_mend(extent.file)?;
            sync_data(&file).at(what)?;
            Ok(stamp(&rustix::fs::fstat(&file).at(what)?))
        };
        let stamps = extents.iter().map(|extent| if extent.padding { Ok(NO_STAMP) } else { sync(extent) });
        stamps.collect()
    }

    fn write_into(
        &self,
        place: Place,
        extents: &[Extent],
        data: &[Bytes],
        open: impl Fn(FileIndex) -> Result<Arc<Handle>, Fault>,
    ) -> Result<(), Fault> {
        let mut cursor = Cursor { data, at: 0 };
        for extent in extents {
            let what = What::File(place, extent.file);
            let file = if extent.padding { None } else { Some(open(extent.file)?) };
            let mut offset = extent.offset;
            let mut left = extent.len;
            while left > 0 {
                let mut run = cursor.take(left);
                let len: u64 = run.iter().map(|s| s.len() as u64).sum();
                if len == 0 {
                    return Err(Fault::bug(what, "less data than extents"));
                }
                if let Some(file) = &file {
                    write_all(file, &mut run, offset).at(what)?;
                }
                offset = offset.saturating_add(len);
                left -= len;
            }
        }
        if !cursor.take(1).is_empty() {
            return Err(Fault::bug(self.torrent.whole(place), "more data than extents"));
        }
        Ok(())
    }

    /// Reads `extents` whole into one buffer. With it come the stamps of
    /// the files, taken after reading: what was read is of that stamp or an earlier one.
    pub(super) fn read(&self, place: Place, extents: &[Extent]) -> Result<(Bytes, Vec<FileStamp>), Fault> {
        self.read_with(place, extents, |extent| self.open_to_read(place, extent), pread)
    }

    /// As [`read`](Self::read), with files and bytes from where they are given.
    pub(super) fn read_with(
        &self,
        place: Place,
        extents: &[Extent],
        open: impl Fn(&Extent) -> Result<Arc<Handle>, Fault>,
        read: Pread,
    ) -> Result<(Bytes, Vec<FileStamp>), Fault> {
        let total = extents.iter().try_fold(0u64, |sum, e| sum.checked_add(e.len));
        let total = total.and_then(|sum| usize::try_from(sum).ok());
        let total = total.ok_or_else(|| Fault::new(self.torrent.whole(place), DiskErrorKind::TooLarge))?;
        let mut buffer = self.buffers.take(total);
        let mut rest = buffer.as_mut();
        let mut stamps = vec![NO_STAMP; extents.len()];
        for (extent, stamp_of) in extents.iter().zip(&mut stamps) {
            let len = at_most(extent.len, rest.len());
            let (into, after) = rest.split_at_mut(len);
            rest = after;
            if extent.padding {
                into.fill(0);
            } else {
                let (file, what) = (open(extent)?, What::File(place, extent.file));
                read_exact(&file, into, extent.offset, what, read)?;
                *stamp_of = stamp(&rustix::fs::fstat(&file).at(what)?);
            }
        }
        Ok((Bytes::from_owner(buffer), stamps))
    }

    pub(super) fn open_to_read(&self, place: Place, extent: &Extent) -> Result<Arc<Handle>, Fault> {
        let file = self.file_to_read(place, extent.file).map_err(|fault| match fault.kind {
            DiskErrorKind::NotFound => Fault::new(What::File(place, extent.file), DiskErrorKind::Short),
            _ => fault,
        })?;
        file.learn_wait();
        Ok(file)
    }
}

pub(super) fn at_most(len: u64, limit: usize) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX).min(limit)
}

/// A way to read from a position in a file, as far as one call goes.
pub(super) type Pread = fn(&Handle, &mut [u8], u64) -> Result<usize, Errno>;

/// The way that waits for the disk.
pub(super) fn pread(file: &Handle, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
    rustix::io::pread(file, into, offset)
}

pub(super) fn read_exact(
    file: &Handle,
    mut into: &mut [u8],
    mut offset: u64,
    what: What,
    read: Pread,
) -> Result<(), Fault> {
    while !into.is_empty() {
        let len = rustix::io::retry_on_intr(|| read(file, into, offset)).at(what)?;
        if len == 0 {
            return Err(Fault::new(what, DiskErrorKind::Short));
        }
        into = &mut into[len..];
        offset = offset.saturating_add(len as u64);
    }
    Ok(())
}

/// Writes all slices, one after the other, from `offset` on.
pub(super) fn write_all(
    file: impl AsFd,
    mut slices: &mut [IoSlice<'_>],
    mut offset: u64,
) -> Result<(), Errno> {
    while !slices.is_empty() {
        let len = rustix::io::retry_on_intr(|| rustix::io::pwritev(&file, slices, offset))?;
        if len == 0 {
            return Err(Errno::IO);
        }
        offset = offset.saturating_add(len as u64);
        IoSlice::advance_slices(&mut slices, len);
    }
    Ok(())
}

/// Where the next byte of a list of slices is.
struct Cursor<'a> {
    data: &'a [Bytes],
    /// Bytes of the first slice that are done.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next bytes: at most `limit`, and no more than is good to write at once. Empty at the end.
    fn take(&mut self, limit: u64) -> Vec<IoSlice<'a>> {
        let mut left = at_most(limit, usize::MAX);
        let mut out = Vec::new();
        while let Some((first, rest)) = self.data.split_first() {
            let slice = first.get(self.at..).unwrap_or_default();
            if slice.is_empty() {
                self.data = rest;
                self.at = 0;
                continue;
            }
            if left == 0 || out.len() == SLICES {
                break;
            }
            let now = &slice[..slice.len().min(left)];
            self.at += now.len();
            left -= now.len();
            out.push(IoSlice::new(now));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_gives_every_byte_once(
            slices in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20),
            limits in proptest::collection::vec(1u64..70, 200),
        ) {
            let data: Vec<Bytes> = slices.iter().cloned().map(Bytes::from).collect();
            let mut cursor = Cursor { data: &data, at: 0 };
            let mut seen = Vec::new();
            for limit in limits {
                let run: Vec<u8> = cursor.take(limit).iter().flat_map(|s| s.to_vec()).collect();
                prop_assert!(run.len() as u64 <= limit);
                seen.extend(run);
            }
            let all = slices.concat();
            prop_assert_eq!(&seen[..], &all[..seen.len()]);
            prop_assert!(seen.len() == all.len() || seen.len() >= 200);
        }
    }
}
