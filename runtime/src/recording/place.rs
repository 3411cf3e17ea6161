//! Where a recording may stand: nothing that is somebody's gives way to it, and no torrent writes to its file.

use crate::error::SessionError;
use crate::net::net_error;
use crate::settings::Recording;
use crate::store::{absolute, places, resolve};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Links that lead from one name to the next, at most.
const MAX_LINKS: usize = 40;

impl Recording {
    /// Refuses a torrent's target where the torrent's files, or its journal, would stand at the recording's path, around
    /// it or inside it. A session refuses such a torrent; who asks before the session is opened finds nothing changed.
    ///
    /// # Errors
    /// [`SessionError::RecordingInTarget`], and what is wrong with a target that is none.
    pub fn keep_out_of(&self, target: &Path) -> Result<(), SessionError> {
        let absolute = absolute(target)?;
        let recording = follow(&self.path)?;
        // Where the target is a link to what is there already, that is meant, too.
        let behind = absolute.canonicalize().ok();
        let overlaps = |place: &PathBuf| {
            recording.starts_with(place) || place.starts_with(&recording) || is_same(place, &recording)
        };
        if places(&absolute).iter().chain(&behind).any(overlaps) {
            let text = |path: &Path| path.to_string_lossy().into();
            return Err(SessionError::RecordingInTarget { path: text(&self.path), target: text(target) });
        }
        Ok(())
    }
}

/// Opens the file of a recording, empty and for its owner only. A recording that is there gives way, and so does an empty
/// file; nothing else does.
///
/// # Errors
/// [`SessionError::RecordingInTheWay`] where something else stands there, or another session records to it;
/// [`SessionError::RecordingUnusable`] where it cannot be written.
pub fn open_recording(path: &Path) -> Result<File, SessionError> {
    let (mut file, _) = lock_file(path)?;
    let empty = || -> io::Result<()> {
        // It holds addresses and passkeys. An older one may be anybody's to read.
        if file.metadata()?.mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        file.set_len(0)
    };
    empty().and_then(|()| file.rewind()).map_err(|error| unusable(path, &error))?;
    Ok(file)
}

/// Finds out whether [`open_recording`] would open it now, and leaves everything as it is.
///
/// # Errors
/// As there.
pub fn check_recording(path: &Path) -> Result<(), SessionError> {
    let (_file, is_new) = lock_file(path)?;
    if is_new {
        std::fs::remove_file(path).map_err(|error| unusable(path, &error))?;
    }
    Ok(())
}

/// Opens the file and takes its lock, if it may become a recording; with whether it was not there before.
fn lock_file(path: &Path) -> Result<(File, bool), SessionError> {
    let in_the_way = || SessionError::RecordingInTheWay(path.to_string_lossy().into());
    let unusable = |error: io::Error| unusable(path, &error);
    let mut options = OpenOptions::new();
    // A pipe is not waited for.
    let flags = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed();
    options.read(true).write(true).mode(0o600).custom_flags(flags);
    let new = options.clone().create_new(true).open(path);
    let is_new = new.is_ok();
    let file = match new {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => options.create(true).truncate(false).open(path),
        other => other,
    };
    let mut file = match file {
        Err(e) if e.kind() == ErrorKind::IsADirectory => return Err(in_the_way()),
        other => other.map_err(unusable)?,
    };
    if !file.metadata().map_err(unusable)?.is_file() {
        return Err(in_the_way());
    }
    // Of two sessions that record to one file the second gives way.
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| in_the_way())?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(16).read_to_end(&mut start).map_err(unusable)?;
    if !start.is_empty() && !peerless_core::record::is_recording(&start) {
        return Err(in_the_way());
    }
    Ok((file, is_new))
}

fn unusable(path: &Path, error: &io::Error) -> SessionError {
    SessionError::RecordingUnusable { path: path.to_string_lossy().into(), error: net_error(error) }
}

/// Where opening a path leads: the last name may be a link, also to what is not there yet.
fn follow(path: &Path) -> Result<PathBuf, SessionError> {
    let mut path = std::path::absolute(path).map_err(|e| SessionError::NoCurrentDirectory(net_error(&e)))?;
    for _ in 0..MAX_LINKS {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { break };
        let real = resolve(parent).join(name);
        let Ok(to) = std::fs::read_link(&real) else { return Ok(real) };
        path = real.with_file_name(to);
    }
    Ok(resolve(&path))
}

/// Whether two names are of one file: by a hard link, or where upper and lower case are the same.
fn is_same(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    id(a).is_some_and(|a| Some(a) == id(b))
}
