//! Accepted connections that have not yet said which torrent they want: few, and not for long.

use crate::context::{ConnOwner, Context};
use crate::ids::{ConnId, Sha1Hash};
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_IN_THE_DOOR};
use crate::peer_list::holder;
use crate::timers::TimerKey;
use crate::wire::{Handshake, HandshakeDecoder};
use alloc::collections::BTreeMap;
use bytes::Bytes;
use core::net::SocketAddr;

/// Connections without a torrent.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    waiting: BTreeMap<ConnId, Stranger>,
}

#[derive(Debug)]
struct Stranger {
    remote: SocketAddr,
    decoder: HandshakeDecoder,
}

/// A connection that has named a torrent.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) info_hash: Sha1Hash,
    pub(super) remote: SocketAddr,
    /// What has been read so far; done with where `whole` is there.
    pub(super) decoder: HandshakeDecoder,
    /// The handshake, where it is already whole, and what followed it.
    pub(super) whole: Option<(Handshake, Bytes)>,
}

impl Strangers {
    /// A peer connected. Beyond the limits the oldest stranger has to go.
    pub(super) fn accepted(&mut self, cx: &mut Context, conn: ConnId, remote: SocketAddr) {
        cx.adopt(conn, ConnOwner::Stranger);
        self.make_way(cx, remote);
        let door = (cx.config.max_peers / 16).clamp(1, MAX_IN_THE_DOOR);
        let full = cx.peer_conns > cx.config.max_peers.saturating_add(door);
        if full || self.waiting.len() >= cx.config.max_half_open {
            let oldest = self.waiting.pop_first().map_or(conn, |(oldest, _)| oldest);
            cx.close(oldest);
            if oldest == conn {
                return;
            }
        }
        cx.timers.set(TimerKey::Conn(conn), cx.now + HANDSHAKE_TIMEOUT);
        self.waiting.insert(conn, Stranger { remote, decoder: HandshakeDecoder::new() });
    }

    /// An address that has too many strangers loses its oldest.
    fn make_way(&mut self, cx: &mut Context, remote: SocketAddr) {
        let Some(address) = holder(remote.ip()) else { return };
        let mut same = self.waiting.iter().filter(|(_, s)| holder(s.remote.ip()) == Some(address));
        if let Some(oldest) = same.next().map(|(conn, _)| *conn)
            && same.count() + 1 >= cx.config.max_per_address
        {
            self.waiting.remove(&oldest);
            cx.close(oldest);
        }
    }

    /// A stranger sent something. Gives it away as soon as it has named a torrent.
    pub(super) fn received(&mut self, cx: &mut Context, conn: ConnId, data: Bytes) -> Option<Named> {
        let stranger = self.waiting.get_mut(&conn)?;
        match stranger.decoder.push(data) {
            Err(_) => {
                self.waiting.remove(&conn);
                cx.close(conn);
                None
            }
            Ok(whole) => {
                let info_hash = stranger.decoder.info_hash()?;
                let Stranger { remote, decoder } = self.waiting.remove(&conn)?;
                Some(Named { info_hash, remote, decoder, whole })
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A stranger did not complete the handshake in time.
    pub(super) fn timed_out(&mut self, cx: &mut Context, conn: ConnId) {
        if self.waiting.remove(&conn).is_some() {
            cx.close(conn);
        }
    }

    /// A stranger closed the connection.
    pub(super) fn gone(&mut self, conn: ConnId) {
        self.waiting.remove(&conn);
    }

    /// Whether a connection is one of theirs.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.waiting.contains_key(&conn)
    }

    /// Closes all of them.
    pub(super) fn close_all(&mut self, cx: &mut Context) {
        while let Some((conn, _)) = self.waiting.pop_first() {
            cx.close(conn);
        }
    }
}
