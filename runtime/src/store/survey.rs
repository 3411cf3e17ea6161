//! Looks at what stands at a place, and changes nothing.

use super::contents::{DirIndex, Leaf};
use super::fault::{At, Fault, What};
use super::pool::Handle;
use super::site::{Site, element};
use peerless_core::{DiskErrorKind, FileIndex, FileStamp, Place, Survey};
use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::sync::Arc;

impl Site<'_> {
    /// What stands at a place.
    pub(super) fn survey(&self, place: Place) -> Result<Survey, Fault> {
        let what = self.torrent.whole(place);
        let base = match self.base(false) {
            Err(Fault { kind: DiskErrorKind::NotFound, .. }) => return Ok(Survey::Absent),
            other => other?,
        };
        let name = self.torrent.name_of(place);
        let own = match rustix::fs::statat(&base, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(Survey::Absent),
            other => other.at(what)?,
        };
        let is_link = file_type(&own) == FileType::Symlink;
        let stat = if is_link && self.may_be_link(what) {
            match rustix::fs::statat(&base, &name, AtFlags::empty()) {
                Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(Survey::WrongKind),
                other => other.at(what)?,
            }
        } else {
            own
        };
        match (what, file_type(&stat)) {
            (What::Dir(..), FileType::Directory) => self.survey_dir(place, is_link),
            (What::File(..) | What::Journal(_), FileType::RegularFile) => {
                Ok(Survey::Present(vec![Some(stamp(&stat))]))
            }
            _ => Ok(Survey::WrongKind),
        }
    }

    fn survey_dir(&self, place: Place, is_link: bool) -> Result<Survey, Fault> {
        let root = self.dir(place, DirIndex::ROOT, false)?;
        if is_empty(&root).at(What::Dir(place, DirIndex::ROOT))? {
            // The rename at the end would not go through a link: better said now.
            return Ok(if is_link { Survey::WrongKind } else { Survey::Absent });
        }
        let mut stamps = Vec::with_capacity(self.torrent.tree.files().len());
        // Files of one directory mostly stand together; so a missing one is looked for once.
        let mut last: Option<(DirIndex, Option<Arc<Handle>>)> = None;
        for (leaf, n) in self.torrent.tree.files().iter().zip(0..) {
            if leaf.padding {
                stamps.push(None);
                continue;
            }
            let dir = match last.take() {
                Some((index, dir)) if index == leaf.dir => dir,
                _ => self.dir_if_any(place, leaf.dir)?,
            };
            stamps.push(match &dir {
                Some(dir) => file_stamp(dir, leaf).at(What::File(place, FileIndex(n)))?,
                None => None,
            });
            last = Some((leaf.dir, dir));
        }
        Ok(Survey::Present(stamps))
    }

    /// A directory; `None` where it is missing or something else, so that its files are missing.
    fn dir_if_any(&self, place: Place, dir: DirIndex) -> Result<Option<Arc<Handle>>, Fault> {
        match self.dir(place, dir, false) {
            Ok(handle) => Ok(Some(handle)),
            Err(Fault {
                kind: DiskErrorKind::NotFound | DiskErrorKind::InTheWay | DiskErrorKind::Symlink,
                ..
            }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// A file's stamp; `None` where there is none, or something that is no file.
fn file_stamp(dir: &Handle, leaf: &Leaf) -> Result<Option<FileStamp>, Errno> {
    match rustix::fs::statat(dir, element(&leaf.name)?, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok((file_type(&stat) == FileType::RegularFile).then(|| stamp(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What the file system says of a file.
pub(super) fn stamp(stat: &Stat) -> FileStamp {
    let seconds = i128::from(stat.st_mtime);
    let nanos = seconds * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    FileStamp {
        len: u64::try_from(stat.st_size).unwrap_or(0),
        modified: i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }),
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Whether a directory has no entries.
fn is_empty(dir: impl AsFd) -> Result<bool, Errno> {
    for entry in Dir::read_from(dir)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}
