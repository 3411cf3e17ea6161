//! Places for connections to peers (`max_peers`): who gets the next one, and who gives one up when all are taken.

use super::Engine;
use crate::error::DisconnectReason;
use crate::ids::TorrentId;
use crate::limits::EVICTION_PAUSE;
use crate::timers::TimerKey;
use core::net::SocketAddr;

impl Engine {
    /// Deals out free places, one at a time, to whichever torrent that could dial somebody has fewest
    /// connections: a large swarm is not to keep a small one from its only peer.
    pub(super) fn deal_places(&mut self) {
        while self.cx.has_room() {
            let waiting = self.cx.dial_waiting.iter();
            let neediest = waiting.map(|id| (self.torrents.get(id).map(|t| t.connections()), *id)).min();
            let Some((_, id)) = neediest else { return };
            let Some(torrent) = self.torrents.get_mut(&id) else {
                self.cx.dial_waiting.remove(&id);
                continue;
            };
            if !torrent.dial_next(&mut self.cx) {
                self.cx.dial_waiting.remove(&id);
                // Somebody may be there to dial later.
                torrent.dial(&mut self.cx);
            }
        }
        if self.cx.is_full() && !self.cx.dial_waiting.is_empty() {
            let at = self.cx.evict_after.max(self.cx.now);
            self.cx.timers.no_later_than(TimerKey::Room, at);
        }
    }

    /// Whether a peer at this address may have a place with a torrent. If need be one is made.
    pub(super) fn welcome(&mut self, torrent: TorrentId, remote: SocketAddr) -> Result<(), DisconnectReason> {
        let wanted = self.torrents.get(&torrent).map(|torrent| torrent.welcomes(remote));
        wanted.unwrap_or(Err(DisconnectReason::UnknownTorrent))?;
        // Strangers have no place yet: some of them stand in the door.
        let taken = self.cx.peer_conns - self.strangers.len();
        if taken > self.cx.config.max_peers && !self.make_room() {
            return Err(DisconnectReason::NoRoom);
        }
        Ok(())
    }

    /// It is time to look whether somebody can make room for those who wait.
    pub(super) fn room_wanted(&mut self) {
        if self.cx.is_full() && !self.cx.dial_waiting.is_empty() {
            self.make_room();
        }
    }

    /// The least useful of all connections is given up, if it is useless enough: looked for once in
    /// [`EVICTION_PAUSE`] at most. Says whether one was.
    pub(super) fn make_room(&mut self) -> bool {
        let now = self.cx.now;
        if now < self.cx.evict_after {
            return false;
        }
        self.cx.evict_after = now + EVICTION_PAUSE;
        let worst =
            |(id, torrent): (&TorrentId, &crate::torrent::Torrent)| Some((torrent.least_useful(now)?, *id));
        let Some(((reason, _, _, conn), id)) = self.torrents.iter().filter_map(worst).max() else {
            return false;
        };
        let Some(torrent) = self.torrents.get_mut(&id) else { return false };
        torrent.evict(&mut self.cx, conn, reason);
        true
    }
}
