//! How many descriptors the process may have, and how sessions, files and sockets share them.

use crate::error::SessionError;
use crate::store::Store;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sessions of this process that share its descriptors now.
static SESSIONS: AtomicUsize = AtomicUsize::new(0);

/// Descriptors kept for everything else: standard streams, the driver's own, a name lookup, a library.
const SPARE: usize = 16;
/// More open files than this help nobody.
const MOST_FILES: usize = 1_024;
/// More descriptors than this are not asked for: some systems walk the table.
const MOST_DESCRIPTORS: u64 = 1 << 16;
/// Below these a download would not move at all; the system's refusals are handled where they occur.
const LEAST: usize = 4;
/// A file and its directory.
const LEAST_FILES: usize = 2;

/// What a session opens at its beginning: the like of an epoll instance, a wake-up, listeners.
const TO_BEGIN: usize = 8;

/// One session's share in the process's descriptors, for as long as this value lives.
#[derive(Debug)]
pub struct Share {
    /// Descriptors that the whole process may have.
    limit: usize,
}

impl Share {
    /// Raises the process's own limit as far as the system lets it, and takes part in it.
    pub fn claim() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let want = limit.maximum.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
        let mut have = limit.current.unwrap_or(MOST_DESCRIPTORS);
        if have < want
            && setrlimit(Resource::Nofile, Rlimit { current: Some(want), maximum: limit.maximum }).is_ok()
        {
            have = want;
        }
        SESSIONS.fetch_add(1, Ordering::Relaxed);
        Self { limit: usize::try_from(have.min(MOST_DESCRIPTORS)).unwrap_or(usize::MAX) }
    }

    /// What falls to this session as things stand: less while there are others.
    pub fn descriptors(&self) -> Descriptors {
        Descriptors::of(self.limit).among(SESSIONS.load(Ordering::Relaxed))
    }
}

/// Makes sure that a session can open what it waits with: closes idle files of other sessions of this process if
/// need be. What a driver waits with may not fail in order.
///
/// # Errors
/// [`SessionError::TooFewDescriptors`] where there are not enough even so.
pub fn make_room() -> Result<(), SessionError> {
    if has_room() {
        return Ok(());
    }
    Store::close_idle();
    if has_room() { Ok(()) } else { Err(SessionError::TooFewDescriptors(TO_BEGIN)) }
}

fn has_room() -> bool {
    let held: Vec<_> = (0..TO_BEGIN).map_while(|_| std::fs::File::open("/").ok()).collect();
    held.len() == TO_BEGIN
}

impl Drop for Share {
    fn drop(&mut self) {
        SESSIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How descriptors are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Files and directories that may be open at once.
    pub files: usize,
    /// Sockets, listening ones and those to trackers included.
    pub sockets: usize,
}

impl Descriptors {
    /// The share of `limit` descriptors: a fifth for files, 16 spare, the rest for sockets.
    pub fn of(limit: usize) -> Self {
        let files = (limit / 5).clamp(LEAST, MOST_FILES);
        Self { files, sockets: limit.saturating_sub(SPARE + files).max(LEAST) }
    }

    /// The part of each of so many sessions. Each can still move, however many there are.
    pub fn among(self, sessions: usize) -> Self {
        let part = |whole: usize, least: usize| (whole / sessions.max(1)).max(least);
        Self { files: part(self.files, LEAST_FILES), sockets: part(self.sockets, LEAST) }
    }

    /// Connections to peers that fit: some sockets are left to listeners and trackers.
    pub fn peers(&self) -> usize {
        self.sockets - (self.sockets / 8).clamp(2, 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_descriptors_are_mostly_for_sockets() {
        let share = Descriptors::of(1_024);
        assert_eq!(share, Descriptors { files: 204, sockets: 804 });
        assert_eq!(share.peers(), 772);
    }

    #[test]
    fn thirty_two_descriptors_are_never_overspent() {
        let share = Descriptors::of(32);
        assert!(share.files + share.sockets + SPARE <= 32);
        assert!(share.files >= LEAST && share.peers() >= LEAST);
    }

    #[test]
    fn almost_none_still_leaves_something_to_work_with() {
        assert_eq!(Descriptors::of(0), Descriptors { files: LEAST, sockets: LEAST });
        assert_eq!(Descriptors::of(0).peers(), 2);
    }

    #[test]
    fn several_sessions_share_what_there_is() {
        let each = Descriptors::of(1_024).among(4);
        assert_eq!(each, Descriptors { files: 51, sockets: 201 });
        let each = Descriptors::of(32).among(2);
        assert!(2 * (each.files + each.sockets) + SPARE <= 32, "{each:?}");
        assert_eq!(Descriptors::of(32).among(100), Descriptors { files: LEAST_FILES, sockets: LEAST });
    }

    #[test]
    fn claiming_never_lowers_the_limit() {
        let before = getrlimit(Resource::Nofile).current;
        let share = Share::claim();
        assert!(share.descriptors().files >= LEAST_FILES);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) >= before.unwrap_or(u64::MAX));
    }
}
