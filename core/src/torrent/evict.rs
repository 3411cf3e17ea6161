//! Whose place is given up when all are taken (`max_peers`) and somebody waits for one.

use super::Torrent;
use crate::context::Context;
use crate::error::{DisconnectReason, EvictReason};
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::{Duration, Instant};
use core::cmp::Reverse;

/// Nobody goes before this: it takes time to be unchoked and to be asked.
const YOUNG: Duration = Duration::from_secs(60);
/// Neither side wanted anything for so long.
const IDLE: Duration = Duration::from_secs(60);
/// Nothing of what was asked for came for so long, nor ever before.
const SNUBBED: Duration = Duration::from_secs(60);
/// No block went either way for so long.
const FRUITLESS: Duration = Duration::from_secs(300);

/// How useless a connection is: the greatest goes first. Equally useless ones are compared by what we could
/// still get from them, and by how long nothing came of it.
pub(crate) type Rank = (EvictReason, Reverse<u32>, Duration, ConnId);

/// What the judgement needs to know of a connection.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// How long it has been open.
    age: Duration,
    /// How long neither side has wanted anything; `None` while one does.
    idle: Option<Duration>,
    /// How long no block has gone either way.
    quiet: Duration,
    /// It did not send what was asked for, and nothing since.
    snubbed: bool,
    /// It has sent a block at some time.
    gave: bool,
    /// Something may come of it now: it has just been unchoked, or let us ask, or is in the line of a seed.
    promising: bool,
}

impl Torrent {
    /// The connection that is of least use, if one is so useless that it may go.
    pub(crate) fn least_useful(&self, now: Instant) -> Option<Rank> {
        let seeding = self.completed.is_some();
        let rank = |peer: &Peer| {
            let facts = facts(now, seeding, peer);
            Some((judge(&facts)?, Reverse(peer.missing_here), facts.quiet, peer.conn))
        };
        self.peers.values().filter_map(|peer| rank(peer)).max()
    }

    /// Gives up a connection for the sake of another.
    pub(crate) fn evict(&mut self, cx: &mut Context, conn: ConnId, reason: EvictReason) {
        self.drop_peer(cx, conn, DisconnectReason::MadeRoom(reason));
    }
}

fn facts(now: Instant, seeding: bool, peer: &Peer) -> Facts {
    let last_block = [peer.down.last(), peer.up.last()].into_iter().flatten().fold(peer.connected, Ord::max);
    let snubbed = peer.window.is_snubbed();
    let asked = !peer.requests.is_empty() && !snubbed;
    let unchoked = !peer.choked && now.since(peer.unchoked_at) < IDLE;
    // A seed's slots go in turns; but who had one and took nothing need not wait for another. While we
    // download slots have to be earned, and waiting for one is no merit.
    let in_line = seeding && peer.interested && peer.choked && peer.unchoked_at <= last_block;
    Facts {
        age: now.since(peer.connected),
        idle: (!peer.interested && !peer.interesting).then(|| now.since(peer.last_interest)),
        quiet: now.since(last_block),
        snubbed,
        gave: peer.down.total() > 0,
        promising: asked || unchoked || in_line,
    }
}

/// Why a connection may be given up; `None`: it may not.
fn judge(facts: &Facts) -> Option<EvictReason> {
    if facts.age < YOUNG {
        None
    } else if facts.idle.is_some_and(|idle| idle >= IDLE) {
        Some(EvictReason::Idle)
    } else if facts.snubbed && !facts.gave && facts.quiet >= SNUBBED {
        Some(EvictReason::Snubbed)
    } else if facts.quiet >= FRUITLESS && !facts.promising {
        Some(EvictReason::Fruitless)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Connected for an hour, and blocks go to and fro.
    const USEFUL: Facts =
        Facts { age: secs(3_600), idle: None, quiet: secs(0), snubbed: false, gave: true, promising: false };

    #[test]
    fn who_wants_nothing_and_has_nothing_goes_after_a_minute() {
        let since = |time| judge(&Facts { idle: Some(time), ..USEFUL });
        assert_eq!(since(secs(59)), None);
        assert_eq!(since(secs(60)), Some(EvictReason::Idle));
    }

    #[test]
    fn who_snubs_goes_unless_it_ever_gave() {
        let snubbed = Facts { snubbed: true, gave: false, quiet: secs(60), ..USEFUL };
        assert_eq!(judge(&snubbed), Some(EvictReason::Snubbed));
        assert_eq!(judge(&Facts { quiet: secs(59), ..snubbed }), None, "it may be downloading from us");
        assert_eq!(judge(&Facts { gave: true, ..snubbed }), None);
    }

    #[test]
    fn who_exchanges_nothing_goes_after_five_minutes_unless_it_is_promising() {
        let fruitless = Facts { quiet: secs(300), ..USEFUL };
        assert_eq!(judge(&Facts { quiet: secs(299), ..USEFUL }), None);
        assert_eq!(judge(&fruitless), Some(EvictReason::Fruitless));
        assert_eq!(judge(&Facts { promising: true, ..fruitless }), None);
    }

    #[test]
    fn the_idle_go_before_the_snubbing_and_those_before_the_fruitless() {
        assert!(EvictReason::Idle > EvictReason::Snubbed);
        assert!(EvictReason::Snubbed > EvictReason::Fruitless);
    }

    proptest! {
        #[test]
        fn neither_a_young_one_nor_one_with_blocks_under_way_goes(
            age in 0u64..10_000,
            quiet in 0u64..10_000,
            snubbed: bool,
            gave: bool,
            promising: bool,
        ) {
            let facts = Facts {
                age: secs(age),
                idle: None,
                quiet: secs(quiet.min(age)),
                snubbed,
                gave,
                promising,
            };
            if age < 60 || quiet < 60 {
                prop_assert_eq!(judge(&facts), None);
            }
        }
    }
}
