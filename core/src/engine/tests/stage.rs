//! An engine on a stage, with peers that say what they are told to.

use super::*;
use crate::wire::{Decoder, Features, HANDSHAKE_LEN, Handshake, Message};
use bytes::{Bytes, BytesMut};
use core::net::{IpAddr, SocketAddr};

/// An engine that seeds ten pieces, or downloads them, and peers that say what they are told to.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) meta: Arc<Metainfo>,
    pub(super) peers: u64,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        let data = payload(10 * PIECE);
        let meta = torrent(&data);
        let mut world = World::new();
        world.seed_with(config, &meta, &data);
        Self { world, meta, peers: 0 }
    }

    /// An engine that has nothing yet.
    pub(super) fn leeching() -> Self {
        let meta = torrent(&payload(10 * PIECE));
        let mut world = World::new();
        let leecher = world.leecher(&meta, &[]);
        world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Downloading);
        Self { world, meta, peers: 0 }
    }

    /// Connects a peer that has shaken hands, with all extensions that we know.
    pub(super) fn connect(&mut self) -> ConnId {
        self.connect_from("10.7.7.7")
    }

    /// The same from this address.
    pub(super) fn connect_from(&mut self, ip: &str) -> ConnId {
        self.connect_with(ip, Features { fast: true, extended: true })
    }

    /// The same with these extensions.
    pub(super) fn connect_with(&mut self, ip: &str, features: Features) -> ConnId {
        let conn = self.knock_from(ip);
        let data = self.handshake(features).encode().to_vec().into();
        self.input(Input::Received { conn, data });
        conn
    }

    /// The handshake of the peer that knocked last.
    pub(super) fn handshake(&self, features: Features) -> Handshake {
        let mut peer_id = PeerId(*b"-XX0000-not-so-nice-");
        peer_id.0[16..].copy_from_slice(&(self.peers as u32).to_be_bytes());
        Handshake { info_hash: self.meta.info_hash().wire(), peer_id, features }
    }

    /// Connects, and says nothing.
    pub(super) fn knock_from(&mut self, ip: &str) -> ConnId {
        self.peers += 1;
        let conn = ConnId::accepted(1_000 + self.peers);
        let ip: IpAddr = ip.parse().unwrap();
        self.input(Input::Accepted { conn, remote: SocketAddr::new(ip, 50_000) });
        conn
    }

    pub(super) fn input(&mut self, input: Input) {
        let now = self.world.now;
        self.world.hosts[0].engine.handle(now, input);
        self.world.perform();
    }

    pub(super) fn say(&mut self, conn: ConnId, messages: &[Message]) {
        let mut data = BytesMut::new();
        messages.iter().for_each(|message| message.encode(&mut data));
        self.input(Input::Received { conn, data: data.freeze() });
    }

    /// What was said to a peer after the handshake.
    pub(super) fn said(&self, conn: ConnId) -> Vec<Message> {
        let mut decoder = Decoder::new(10, Features::OURS);
        let sent = self.world.hosts[0].actions.iter().filter_map(|action| match action {
            Action::Send { conn: to, data } if *to == conn => Some(&data[..]),
            _ => None,
        });
        decoder.push(Bytes::from(sent.collect::<Vec<_>>().concat()).slice(HANDSHAKE_LEN..));
        core::iter::from_fn(|| decoder.next().unwrap()).collect()
    }

    /// Connected peers.
    pub(super) fn peers(&self) -> Vec<ConnId> {
        let peers = self.world.hosts[0].engine.peers(self.world.now, TORRENT);
        peers.into_iter().map(|peer| peer.conn).collect()
    }

    /// Whether we closed a connection.
    pub(super) fn is_closed(&self, conn: ConnId) -> bool {
        self.world.hosts[0].actions.contains(&Action::Close { conn })
    }

    /// Why a connection ended; `None` while it has not.
    pub(super) fn reason(&self, conn: ConnId) -> Option<DisconnectReason> {
        self.world.hosts[0].events.iter().find_map(|event| match event {
            Event::PeerDisconnected { conn: ended, reason, .. } if *ended == conn => Some(reason.clone()),
            _ => None,
        })
    }

    pub(super) fn fault(&self, conn: ConnId) -> Option<PeerFault> {
        match self.reason(conn)? {
            DisconnectReason::Misbehaved(fault) => Some(fault),
            other => panic!("{other:?} is not a fault"),
        }
    }
}
