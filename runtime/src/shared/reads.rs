//! What peers asked for: read one after the other by the driver's own thread, where that waits for no disk.

use super::Shared;
use peerless_core::{Input, JobId};

/// How often a driver may [`read`](Shared::read) in one round of its loop: for a millisecond or two.
pub const MAX_SERVED: usize = 16;

impl Shared {
    pub(super) fn cancel(&mut self, job: JobId) {
        match self.reads.iter().position(|(waiting, _)| *waiting == job) {
            Some(at) => drop(self.reads.remove(at)),
            None => self.workers.cancel(job),
        }
    }

    /// Whether there is something for [`read`](Self::read) to do.
    pub fn has_reads(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Reads the next thing that a peer asked for and hands it to the engine, if it is in memory. To be sent before the
    /// next is read: so it is still in the processor's cache. What is not in memory a worker reads. Says whether there
    /// was anything.
    pub fn read(&mut self) -> bool {
        let Some((job, op)) = self.reads.pop_front() else { return false };
        match self.store.read_resident(&op) {
            Some(outcome) => self.handle(Input::DiskDone { job, result: Ok(outcome) }),
            None => self.workers.disk(job, *op),
        }
        true
    }
}
