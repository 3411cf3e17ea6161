//! The other end of a connection: what it was sent, what it said, and what it may be asked for.

use crate::torrents::Torrent;
use bytes::{Bytes, BytesMut};
use peerless_core::wire::{
    BlockRange, Decoder, Features, HANDSHAKE_LEN, Handshake, HandshakeDecoder, Message, piece_header,
};
use peerless_core::{BLOCK_LEN, Bitfield, PeerId, PieceIndex};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// It says what the operations make it say.
    Scripted,
    /// A seed that answers everything, at once and rightly.
    Honest,
    Tracker,
}

/// A connection that the engine has opened, is opening, or was told of.
pub(crate) struct Remote {
    pub(crate) who: Who,
    pub(crate) addr: SocketAddr,
    /// The connection is open.
    pub(crate) open: bool,
    /// Bytes that the engine sent and that have not left.
    pub(crate) unsent: usize,
    /// What we said in our handshake, once we did.
    said: Option<Features>,
    handshake: HandshakeDecoder,
    /// The engine's handshake has come.
    heard_hello: bool,
    /// From its first message on.
    decoder: Option<Decoder>,
    /// Requests of the engine that are open.
    pub(crate) asked: Vec<BlockRange>,
    /// Pieces that we said we have.
    has: BTreeSet<u32>,
    choking: bool,
    allowed: BTreeSet<u32>,
    /// Nobody knows what we have said: the engine cannot be held to it.
    muddled: bool,
}

/// The address of a scripted peer.
pub(crate) fn scripted(n: u8) -> SocketAddr {
    ([10, 0, 0, n % 8], 6881).into()
}

/// The address of an honest seed.
pub(crate) fn honest(n: u8) -> SocketAddr {
    ([10, 0, 1, n % 4], 6881).into()
}

impl Remote {
    pub(crate) fn new(addr: SocketAddr, outgoing: bool) -> Self {
        let who = match addr.ip() {
            IpAddr::V4(ip) if ip.octets() == crate::torrents::TRACKER => Who::Tracker,
            IpAddr::V4(ip) if ip.octets()[2] == 1 => Who::Honest,
            _ => Who::Scripted,
        };
        Self {
            who,
            addr,
            open: !outgoing,
            unsent: 0,
            said: None,
            handshake: HandshakeDecoder::new(),
            heard_hello: false,
            decoder: None,
            asked: Vec::new(),
            has: BTreeSet::new(),
            choking: true,
            allowed: BTreeSet::new(),
            muddled: false,
        }
    }

    /// Whether we shook hands.
    pub(crate) fn is_introduced(&self) -> bool {
        self.said.is_some()
    }

    /// Our handshake. What we say afterwards counts as messages.
    pub(crate) fn hello(&mut self, torrent: &Torrent, features: Features, id: u8) -> Bytes {
        self.said = Some(features);
        let IpAddr::V4(ip) = self.addr.ip() else { panic!("all addresses are IPv4") };
        let mut peer_id = [id; 20];
        peer_id[..4].copy_from_slice(&ip.octets());
        let handshake =
            Handshake { info_hash: torrent.meta.info_hash().wire(), peer_id: PeerId(peer_id), features };
        Bytes::copy_from_slice(&handshake.encode())
    }

    /// A message of ours, as bytes; what it means for what we may be asked is noted.
    pub(crate) fn say(&mut self, torrent: &Torrent, message: &Message) -> Bytes {
        let pieces = torrent.meta.geometry().num_pieces();
        match message {
            Message::Choke => {
                self.choking = true;
                if !self.agreed().fast {
                    self.asked.clear();
                }
            }
            Message::Unchoke => self.choking = false,
            Message::Have(n) => drop(self.has.insert(*n)),
            Message::Bitfield(bits) => {
                let bit = |n: &u32| bits.get(*n as usize / 8).is_some_and(|byte| byte & 0x80 >> (n % 8) != 0);
                self.has.extend((0..pieces).filter(bit));
            }
            Message::HaveAll => self.has.extend(0..pieces),
            Message::AllowedFast(n) => drop(self.allowed.insert(*n)),
            Message::Reject(range) => self.asked.retain(|asked| asked != range),
            Message::Piece { index, begin, .. } => {
                self.asked.retain(|asked| (asked.index, asked.begin) != (*index, *begin));
            }
            _ => {}
        }
        let mut out = BytesMut::new();
        message.encode(&mut out);
        out.freeze()
    }

    /// The block of a request, right or wrong.
    pub(crate) fn block(torrent: &Torrent, range: BlockRange, right: bool) -> Bytes {
        let start =
            torrent.meta.geometry().piece_start(PieceIndex::new(range.index)) + u64::from(range.begin);
        let mut out = BytesMut::from(&piece_header(range.index, range.begin, range.len)[..]);
        out.extend_from_slice(&torrent.data[start as usize..][..range.len as usize]);
        if !right && let Some(last) = out.last_mut() {
            *last ^= 1;
        }
        out.freeze()
    }

    /// What both sides offered.
    fn agreed(&self) -> Features {
        let said = self.said.unwrap_or(Features { fast: false, extended: false });
        Features {
            fast: said.fast && Features::OURS.fast,
            extended: said.extended && Features::OURS.extended,
        }
    }

    /// The engine sent something. What it says must make sense; an honest seed's answers are returned.
    pub(crate) fn heard(&mut self, torrent: &Torrent, data: Bytes) -> Vec<Bytes> {
        self.unsent += data.len();
        if self.who == Who::Tracker || self.muddled {
            return Vec::new();
        }
        let mut answers = Vec::new();
        let mut rest = data;
        if !self.heard_hello {
            let pushed = self.handshake.push(rest).expect("the engine sends a right handshake");
            let Some((theirs, behind)) = pushed else { return answers };
            assert_eq!(theirs.info_hash, torrent.meta.info_hash().wire());
            self.heard_hello = true;
            if self.who == Who::Honest {
                answers.extend(self.offer_everything(torrent));
            }
            rest = behind;
        }
        if rest.is_empty() {
            return answers;
        }
        // Before we said what we can do, nothing of what may depend on it can have been sent.
        assert!(self.said.is_some(), "messages before our handshake");
        let pieces = torrent.meta.geometry().num_pieces();
        let mut decoder = self.decoder.take().unwrap_or_else(|| Decoder::new(pieces, self.agreed()));
        decoder.push(rest);
        while let Some(message) = decoder.next().expect("the engine sends right messages") {
            answers.extend(self.judge(torrent, message));
        }
        self.decoder = Some(decoder);
        answers
    }

    /// What an honest seed says first.
    fn offer_everything(&mut self, torrent: &Torrent) -> [Bytes; 2] {
        let everything = if self.agreed().fast {
            Message::HaveAll
        } else {
            Message::Bitfield(Bitfield::full(torrent.meta.geometry().num_pieces()).to_wire())
        };
        [self.say(torrent, &everything), self.say(torrent, &Message::Unchoke)]
    }

    fn judge(&mut self, torrent: &Torrent, message: Message) -> Option<Bytes> {
        let geometry = torrent.meta.geometry();
        match message {
            Message::Request(range) => {
                assert!(
                    geometry.block(range.index, range.begin, range.len).is_some(),
                    "{range:?} is no block"
                );
                assert!(self.has.contains(&range.index), "{range:?} of one who has it not");
                let allowed = !self.choking || self.allowed.contains(&range.index);
                assert!(allowed, "{range:?} while choked");
                assert!(!self.asked.contains(&range), "{range:?} twice");
                if self.who == Who::Honest {
                    return Some(Self::block(torrent, range, true));
                }
                self.asked.push(range);
            }
            // It may come all the same, and is answered with a reject or the block (BEP 6).
            Message::Cancel(range) => self.asked.retain(|asked| *asked != range),
            Message::Piece { index, begin, data } => {
                let len = u32::try_from(data.len()).expect("a block is not so long");
                let right = Self::block(torrent, BlockRange { index, begin, len }, true);
                assert!(len <= 8 * BLOCK_LEN && data.to_bytes() == right[13..], "we were sent a wrong block");
            }
            Message::Have(n) | Message::Suggest(n) | Message::AllowedFast(n) => {
                assert!(n < geometry.num_pieces(), "piece {n} does not exist");
            }
            _ => {}
        }
        None
    }

    /// From now on nobody knows what we say.
    pub(crate) const fn muddle(&mut self) {
        self.muddled = true;
    }

    /// The beginning of a handshake.
    pub(crate) fn half_a_hello(&mut self, torrent: &Torrent, len: u8) -> Bytes {
        self.muddle();
        let whole = self.hello(torrent, Features { fast: true, extended: true }, 0);
        whole.slice(..usize::from(len) % HANDSHAKE_LEN)
    }
}
