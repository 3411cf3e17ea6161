//! How a scripted peer comes by connections: it dials, dials again, and announces itself.

use super::ScriptedPeer;
use crate::actor::Cx;
use crate::net::End;
use peerless_core::Duration;
use std::net::SocketAddr;

/// Between two attempts to reach somebody.
const REDIAL: Duration = Duration::from_secs(10);
/// Between two announces.
const ANNOUNCE: Duration = Duration::from_secs(60);

impl ScriptedPeer {
    pub(super) fn dial(&mut self, cx: &mut Cx<'_>, addr: SocketAddr) {
        let end = cx.connect(addr);
        self.dialling.insert(end, addr);
    }

    pub(super) fn redial_later(&mut self, cx: &mut Cx<'_>, end: End) {
        if let Some(addr) = self.dialling.remove(&end) {
            let at = cx.now + REDIAL;
            self.redials.entry(at).or_default().push(addr);
            cx.wake_at(at);
        }
    }

    pub(super) fn announce(&mut self, cx: &mut Cx<'_>) {
        let Some(tracker) = self.tracker.filter(|_| cx.now >= self.next_announce) else { return };
        self.next_announce = cx.now + ANNOUNCE;
        cx.wake_at(self.next_announce);
        self.announcing = Some(cx.connect(tracker));
    }

    pub(super) fn announce_text(&self, cx: &Cx<'_>) -> String {
        let hash = self.torrent.metainfo.info_hash().wire();
        let hash: String = hash.0.iter().map(|byte| format!("%{byte:02x}")).collect();
        let id = String::from_utf8_lossy(&self.peer_id(cx).0).into_owned();
        let (port, left) = (cx.addr().port(), u32::from(!self.has.is_full()));
        format!("GET /announce?info_hash={hash}&peer_id={id}&port={port}&left={left} HTTP/1.1\r\n\r\n")
    }

    pub(super) fn drop_talk(&mut self, cx: &mut Cx<'_>, end: End) {
        self.talks.remove(&end);
        self.redial_later(cx, end);
        self.fetch_everywhere(cx);
    }
}
