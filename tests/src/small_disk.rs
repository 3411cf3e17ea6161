//! A disk that is full soon: a file system in memory, of a given size.

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::ffi::CString;
use std::path::{Path, PathBuf};

/// A mounted disk. Unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount(path: PathBuf, bytes: u64) -> Self {
        let mounted = mount("tmpfs", &path, "tmpfs", MountFlags::NOATIME, Some(size(bytes).as_c_str()));
        mounted.unwrap_or_else(|e| panic!("cannot mount {}: {e}", path.display()));
        Self { path }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it another size.
    ///
    /// # Panics
    /// When the system does not allow it.
    pub fn resize(&self, bytes: u64) {
        mount_remount(&self.path, MountFlags::NOATIME, size(bytes).as_c_str()).expect("remount");
    }

    /// From now on nothing on it can be changed.
    ///
    /// # Panics
    /// When the system does not allow it.
    pub fn make_read_only(&self) {
        mount_remount(&self.path, MountFlags::RDONLY, c"").expect("remount");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has it open keeps it as long; its namespace ends with the test in any case.
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}

fn size(bytes: u64) -> CString {
    CString::new(format!("size={bytes}")).expect("no zero byte")
}
