//! How many descriptors the process may have, and how files and sockets share them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for everything else: standard streams, the driver's own, a name lookup, a library.
const SPARE: usize = 16;
/// More open files than this help nobody.
const MOST_FILES: usize = 1_024;
/// More descriptors than this are not asked for: some systems walk the table.
const MOST_DESCRIPTORS: u64 = 1 << 16;
/// Below these a download would not move at all; the system's refusals are handled where they occur.
const LEAST: usize = 4;

/// How the process's descriptors are shared out.
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

    /// Raises the process's own limit as far as the system lets it, and shares that out.
    pub fn claim() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let want = limit.maximum.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
        let mut have = limit.current.unwrap_or(MOST_DESCRIPTORS);
        if have < want
            && setrlimit(Resource::Nofile, Rlimit { current: Some(want), maximum: limit.maximum }).is_ok()
        {
            have = want;
        }
        Self::of(usize::try_from(have.min(MOST_DESCRIPTORS)).unwrap_or(usize::MAX))
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
    fn claiming_never_lowers_the_limit() {
        let before = getrlimit(Resource::Nofile).current;
        let share = Descriptors::claim();
        assert!(share.files >= LEAST);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) >= before.unwrap_or(u64::MAX));
    }
}
