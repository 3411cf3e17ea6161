//! How much of the time our line stands idle, as far as one torrent can see: when no peer waits for data that it has
//! asked for. In practice those who may download get less than we could give then, and others could have the rest.

use crate::ids::ConnId;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeSet;

/// The peers that wait for data, and the time in which nobody did.
#[derive(Debug, Default)]
pub(super) struct Uplink {
    waiting: BTreeSet<ConnId>,
    /// Since when nobody waits; `None` while somebody does, and before anybody did.
    idle_since: Option<Instant>,
    /// How long nobody waited since the last look, without the time from `idle_since` on.
    idle: Duration,
    looked: Instant,
}

impl Uplink {
    /// Whether a peer waits for data now.
    pub(super) fn note(&mut self, now: Instant, conn: ConnId, waits: bool) {
        if waits {
            if let Some(since) = self.idle_since.take() {
                self.idle += now.since(since);
            }
            self.waiting.insert(conn);
        } else if self.waiting.remove(&conn) && self.waiting.is_empty() {
            self.idle_since = Some(now);
        }
    }

    /// In how much of the time since the last look nobody waited, in thousandths; `None` before anybody ever did.
    pub(super) fn idle_permille(&mut self, now: Instant) -> Option<u32> {
        if self.idle_since.is_none() && self.waiting.is_empty() {
            self.looked = now;
            return None;
        }
        if let Some(since) = &mut self.idle_since {
            self.idle += now.since(*since);
            *since = now;
        }
        let lasted = now.since(self.looked).as_micros().max(1);
        self.looked = now;
        let idle = core::mem::take(&mut self.idle).as_micros() * 1_000 / lasted;
        Some(u32::try_from(idle).unwrap_or(1_000).min(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_secs(100);
    const A: ConnId = ConnId::outgoing(1);
    const B: ConnId = ConnId::outgoing(2);

    fn at(millis: u64) -> Instant {
        START + Duration::from_millis(millis)
    }

    #[test]
    fn the_line_is_idle_while_nobody_waits() {
        let mut uplink = Uplink::default();
        assert_eq!(uplink.idle_permille(START), None, "nobody has asked for anything yet");
        uplink.note(at(0), A, true);
        uplink.note(at(300), B, true);
        uplink.note(at(400), A, false);
        uplink.note(at(600), B, false);
        uplink.note(at(600), B, false);
        uplink.note(at(900), A, true);
        assert_eq!(uplink.idle_permille(at(1_000)), Some(300));
        assert_eq!(uplink.idle_permille(at(2_000)), Some(0));
    }

    #[test]
    fn idleness_goes_on_from_one_look_to_the_next() {
        let mut uplink = Uplink::default();
        uplink.idle_permille(START);
        uplink.note(at(0), A, true);
        uplink.note(at(750), A, false);
        assert_eq!(uplink.idle_permille(at(1_000)), Some(250));
        assert_eq!(uplink.idle_permille(at(1_500)), Some(1_000));
        uplink.note(at(2_000), A, true);
        assert_eq!(uplink.idle_permille(at(2_500)), Some(500));
    }
}
