//! What the store knows of one torrent: where it stands, and what of it is not yet safe.

use super::contents::{Contents, DirIndex, Leaf, Tree};
use super::fault::{Fault, What};
use super::journal::Journal;
use crate::workers::lock;
use peerless_core::{DiskError, FileIndex, Place, TorrentId};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// The four places, for loops.
pub(super) const PLACES: [Place; 4] = [Place::Final, Place::Part, Place::Journal, Place::JournalNew];

/// Directories by the state of their entries.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Those with entries that might not survive a power cut.
    pub(super) unsynced: BTreeSet<What>,
    /// Those that were synced at least once: until then entries may be left of an earlier session.
    seen: BTreeSet<What>,
}

/// A registered torrent.
#[derive(Debug)]
pub(super) struct Torrent {
    pub(super) id: TorrentId,
    pub(super) tree: Tree,
    /// The directory in which the target stands; absolute.
    pub(super) base: PathBuf,
    /// The target's name there.
    name: OsString,
    /// What was created and might not survive a power cut.
    pub(super) entries: Mutex<Entries>,
    /// Held while those are synced, so that whoever finds none knows that it is done, not begun.
    pub(super) syncing_entries: Mutex<()>,
    /// Held while the journal is read or changes.
    pub(super) journal: Mutex<Journal>,
    /// The final rename has been tried: what is missing at [`Place::Part`] may be at [`Place::Final`].
    pub(super) publishing: AtomicBool,
    /// The final rename has been done.
    pub(super) published: AtomicBool,
}

impl Torrent {
    /// A torrent at an absolute `target` that has a name.
    pub(super) fn new(id: TorrentId, target: &Path, contents: Contents) -> Self {
        Self {
            id,
            tree: Tree::new(contents),
            base: target.parent().unwrap_or(target).to_owned(),
            name: target.file_name().unwrap_or_default().to_owned(),
            entries: Mutex::default(),
            syncing_entries: Mutex::default(),
            journal: Mutex::default(),
            publishing: AtomicBool::new(false),
            published: AtomicBool::new(false),
        }
    }

    /// The directory in which a file stands.
    pub(super) const fn dir_of(&self, place: Place, leaf: &Leaf) -> What {
        if self.tree.is_single() { What::Base } else { What::Dir(place, leaf.dir) }
    }

    /// The directory above one of the torrent's.
    pub(super) fn above(&self, place: Place, dir: DirIndex) -> What {
        self.tree.parent(dir).map_or(What::Base, |(parent, _)| What::Dir(place, parent))
    }

    /// Notes the directories of a file of the part that this session has not synced yet.
    pub(super) fn note_dirs(&self, leaf: &Leaf) {
        let mut entries = lock(&self.entries);
        let mut dir = self.dir_of(Place::Part, leaf);
        while entries.seen.insert(dir) {
            entries.unsynced.insert(dir);
            match dir {
                What::Dir(place, index) => dir = self.above(place, index),
                _ => return,
            }
        }
    }

    /// The name of a place in the base directory.
    pub(super) fn name_of(&self, place: Place) -> OsString {
        with_suffix(&self.name, place)
    }

    /// What stands at a place as a whole: the file, or the directory.
    pub(super) fn whole(&self, place: Place) -> What {
        match place {
            Place::Journal | Place::JournalNew => What::Journal(place),
            _ if self.tree.is_single() => What::File(place, FileIndex(0)),
            _ => What::Dir(place, DirIndex::ROOT),
        }
    }

    /// The four paths that are this torrent's.
    pub(super) fn paths(&self) -> [PathBuf; 4] {
        PLACES.map(|place| self.base.join(self.name_of(place)))
    }

    /// The path of something, for a person.
    pub(super) fn path(&self, what: What) -> PathBuf {
        match what {
            What::Base => self.base.clone(),
            What::Journal(place) => self.base.join(self.name_of(place)),
            What::Dir(place, dir) => {
                let mut names = Vec::new();
                let mut at = dir;
                while let Some((parent, name)) = self.tree.parent(at) {
                    names.push(name);
                    at = parent;
                }
                let mut path = self.base.join(self.name_of(place));
                path.extend(names.into_iter().rev());
                path
            }
            What::File(place, file) => match self.tree.files().get(file.as_usize()) {
                Some(leaf) if !self.tree.is_single() => {
                    self.path(What::Dir(place, leaf.dir)).join(&*leaf.name)
                }
                _ => self.base.join(self.name_of(place)),
            },
        }
    }

    /// What the core is told.
    pub(super) fn error(&self, action: &'static str, fault: Fault) -> DiskError {
        let path = self.path(fault.at).to_string_lossy().into();
        DiskError { action, path, kind: fault.kind }
    }
}

/// The name that something has at a place.
pub(super) fn with_suffix(name: &OsStr, place: Place) -> OsString {
    let mut name = name.to_owned();
    name.push(place.suffix());
    name
}
