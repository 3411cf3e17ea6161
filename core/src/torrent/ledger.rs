//! The bound on what is fetched. A torrent that asks for much more than it wants is in error, and stops asking: other
//! clients fetched an 11 MB torrent for 20 GB, on a disk that failed.

use crate::geometry::BLOCK_LEN;

/// Bytes that may be asked for in vain even where no window ever was so large: what a peer holds that does not say.
const LEAST_WINDOW: u64 = 250 * BLOCK_LEN as u64;

/// What has become of every payload byte that a torrent received.
///
/// What nobody asked for counts against its sender, who is dropped for it, and not against the bound: otherwise any
/// peer could end any torrent.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Bytes that were missing at the start, or were lost since.
    wanted: u64,
    /// Bytes that were missing when they came.
    kept: u64,
    /// Bytes that were there already: of endgame, or late, when others had been asked.
    duplicate: u64,
    /// Bytes that nobody asked for.
    unasked: u64,
    /// Kept bytes of pieces that failed.
    corrupt: u64,
    /// Kept bytes that were thrown away because their sender did not end what it alone was to send.
    discarded: u64,
    /// The most bytes that were outstanding at once.
    window: u64,
}

/// A torrent fetched much more than it wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "limit: {fetched} bytes were asked for and sent where {wanted} were missing ({corrupt} more were corrupt); stopped so as not to waste what others give; check the disk and the network, and run the same command again to go on"
)]
pub struct Overfetched {
    /// Payload bytes that were asked for and came.
    pub fetched: u64,
    /// Bytes that were missing at the start, or were lost since.
    pub wanted: u64,
    /// Bytes in pieces that failed their hash, or whose only sender left before its end.
    pub corrupt: u64,
}

impl Ledger {
    /// So many bytes are to be fetched besides: at the start, or when a piece was lost.
    pub(super) const fn want(&mut self, bytes: u64) {
        self.wanted += bytes;
    }

    /// So many requests are outstanding.
    pub(super) fn asked(&mut self, requests: usize) {
        self.window = self.window.max(requests as u64 * u64::from(BLOCK_LEN));
    }

    /// Bytes came that were missing.
    pub(super) const fn keep(&mut self, bytes: usize) {
        self.kept += bytes as u64;
    }

    /// Bytes came that had been asked for, and were there already.
    pub(super) const fn duplicate(&mut self, bytes: usize) {
        self.duplicate += bytes as u64;
    }

    /// Bytes came that nobody had asked for.
    pub(super) const fn unasked(&mut self, bytes: usize) {
        self.unasked += bytes as u64;
    }

    /// A piece of so many bytes failed.
    pub(super) const fn corrupt(&mut self, bytes: u32) {
        self.corrupt += bytes as u64;
    }

    /// So many bytes were thrown away, over all.
    pub(super) const fn discarded(&mut self, bytes: u64) {
        self.discarded = bytes;
    }

    /// All bytes in pieces that failed.
    pub(super) const fn all_corrupt(&self) -> u64 {
        self.corrupt
    }

    /// All bytes that had been asked for and were there already.
    pub(super) const fn all_duplicate(&self) -> u64 {
        self.duplicate
    }

    /// All bytes that were of no use when they came, or for want of their rest.
    pub(super) const fn all_wasted(&self) -> u64 {
        self.duplicate + self.unasked + self.discarded
    }

    /// All bytes that came.
    pub(super) const fn total(&self) -> u64 {
        self.kept + self.duplicate + self.unasked
    }

    /// Whether the bound holds: no more than 1.1 times what was wanted, what was corrupt, and one window.
    pub(super) fn check(&self) -> Result<(), Overfetched> {
        let fetched = self.kept + self.duplicate;
        let corrupt = self.corrupt + self.discarded;
        let bound = self.wanted + self.wanted / 10 + corrupt + self.window.max(LEAST_WINDOW);
        if fetched <= bound { Ok(()) } else { Err(Overfetched { fetched, wanted: self.wanted, corrupt }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// 100 MiB are wanted, and all of them and ten more have come.
    fn at_the_bound() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.want(100 * MIB as u64);
        ledger.keep(100 * MIB);
        ledger.duplicate(10 * MIB + LEAST_WINDOW as usize);
        assert_eq!(ledger.check(), Ok(()));
        ledger
    }

    #[test]
    fn one_byte_beyond_the_bound_is_an_error() {
        for add in [Ledger::keep, Ledger::duplicate] {
            let mut ledger = at_the_bound();
            add(&mut ledger, 1);
            let (wanted, fetched) = (100 * MIB as u64, 110 * MIB as u64 + LEAST_WINDOW + 1);
            assert_eq!(ledger.check(), Err(Overfetched { fetched, wanted, corrupt: 0 }));
        }
    }

    #[test]
    fn corrupt_lost_and_discarded_bytes_may_be_fetched_again() {
        let mut ledger = at_the_bound();
        ledger.corrupt(MIB as u32);
        ledger.keep(MIB);
        assert_eq!(ledger.check(), Ok(()));
        ledger.discarded(MIB as u64);
        ledger.keep(MIB);
        assert_eq!(ledger.check(), Ok(()));
        ledger.want(MIB as u64);
        ledger.keep(MIB);
        assert_eq!(ledger.check(), Ok(()));
        ledger.keep(MIB);
        assert!(ledger.check().is_err());
    }

    #[test]
    fn a_whole_window_may_come_in_vain() {
        let mut ledger = at_the_bound();
        let window = 2 * LEAST_WINDOW;
        ledger.asked((window / u64::from(BLOCK_LEN)) as usize);
        ledger.asked(0);
        ledger.duplicate((window - LEAST_WINDOW) as usize);
        assert_eq!(ledger.check(), Ok(()));
        ledger.duplicate(1);
        assert!(ledger.check().is_err());
    }

    #[test]
    fn what_peers_send_unasked_ends_no_torrent() {
        let mut ledger = at_the_bound();
        ledger.unasked(1_000 * MIB);
        assert_eq!(ledger.check(), Ok(()));
        assert_eq!(ledger.all_wasted(), 1_010 * MIB as u64 + LEAST_WINDOW);
    }
}
