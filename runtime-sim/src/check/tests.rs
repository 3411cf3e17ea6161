//! Each rule of the wire, kept and broken.

use super::Moment;
use super::announce::{AnnounceBreach, Dialled};
use super::breach::Breach;
use super::proof::Known;
use super::reader::*;
use super::watched::Me;
use super::wire::{Around, Wire};
use crate::disk::{Disk, DiskSpeed};
use crate::payload::Torrent;
use bytes::{Bytes, BytesMut};
use peerless_core::wire::{BlockRange, ExtensionHandshake, Features, Handshake, Message, piece_header};
use peerless_core::{Duration, Instant, PeerId, PieceIndex, Sha1Hash, TorrentId};

const ALL: Features = Features { fast: true, extended: true };
const PLAIN: Features = Features { fast: false, extended: false };

/// An engine that has the first two of five pieces, and a peer of it that has all.
struct Talk {
    wire: Wire,
    me: Me,
    torrents: Vec<Known>,
    disk: Disk,
    hash: Sha1Hash,
    now: Instant,
    serial: u64,
}

impl Talk {
    fn silent(accepted: bool) -> Self {
        let torrent = Torrent::new(1, "t", 5 * 32_768, 32_768, &[]).unwrap();
        let mut disk = Disk::new(DiskSpeed::default(), crate::Dice::new(1, "disk"));
        disk.register(TorrentId(0), &torrent);
        disk.fill_part(TorrentId(0), [0, 1].map(PieceIndex::new), Instant::ZERO);
        let hash = torrent.metainfo.info_hash().wire();
        let torrents = vec![Known::new(TorrentId(0), &torrent)];
        let dialled = || Dialled { remote: "10.0.0.2:6881".parse().unwrap(), serial: 1, counts: Vec::new() };
        let wire = Wire::new(Instant::ZERO, (!accepted).then(dialled));
        Self { wire, me: Me::default(), torrents, disk, hash, now: Instant::ZERO, serial: 1 }
    }

    /// Both have shaken hands.
    fn greeted(theirs: Features) -> Self {
        let mut talk = Self::silent(false);
        talk.wire.connected(Instant::ZERO);
        let (ours, theirs) = (talk.handshake(ALL), talk.handshake(theirs));
        talk.says_bytes(&ours).unwrap();
        talk.hears_bytes(&theirs);
        talk
    }

    /// The peer has everything and lets us download; we are interested.
    fn begun(theirs: Features) -> Self {
        let mut talk = Self::greeted(theirs);
        talk.says(Message::Bitfield(Bytes::from_static(&[0b1100_0000]))).unwrap();
        talk.says(Message::Interested).unwrap();
        talk.hears(Message::Bitfield(Bytes::from_static(&[0b1111_1000])));
        talk.hears(Message::Unchoke);
        talk
    }

    fn handshake(&self, features: Features) -> Vec<u8> {
        let peer_id = PeerId(*b"-XX0000-aaaaaaaaaaaa");
        Handshake { info_hash: self.hash, peer_id, features }.encode().to_vec()
    }

    fn around(&mut self) -> (&mut Wire, Around<'_>) {
        let Self { wire, me, torrents, disk, now, serial, .. } = self;
        (wire, Around { at: Moment { now: *now, clock: *now }, serial: *serial, me, torrents, disk })
    }

    fn says_bytes(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        let (wire, mut around) = self.around();
        wire.sent(&mut around, bytes)
    }

    fn says(&mut self, message: Message) -> Result<(), Breach> {
        self.says_bytes(&encode(&message))
    }

    /// The engine reads bytes, with an input of their own.
    fn hears_bytes(&mut self, bytes: &[u8]) {
        self.serial += 1;
        let (wire, mut around) = self.around();
        wire.received(&mut around, bytes).unwrap();
        self.serial += 1;
    }

    fn hears(&mut self, message: Message) {
        self.hears_bytes(&encode(&message));
    }

    fn after(&mut self, secs: u64) {
        self.now = self.now + Duration::from_secs(secs);
    }
}

fn encode(message: &Message) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out
}

const fn range(index: u32, begin: u32, len: u32) -> BlockRange {
    BlockRange { index, begin, len }
}

const BLOCK: BlockRange = range(3, 16_384, 16_384);
/// What the peer may have of us.
const OURS: BlockRange = range(1, 0, 16_384);

fn piece(range: BlockRange) -> Vec<u8> {
    let mut out = piece_header(range.index, range.begin, range.len).to_vec();
    out.resize(out.len() + range.len as usize, 0);
    out
}

#[test]
fn an_ordinary_conversation_breaks_no_rule() {
    for features in [ALL, PLAIN] {
        let mut talk = Talk::begun(features);
        talk.says(Message::Request(BLOCK)).unwrap();
        talk.hears_bytes(&piece(BLOCK));
        talk.says(Message::Request(BLOCK)).unwrap();
        talk.says(Message::Cancel(BLOCK)).unwrap();
        talk.says(Message::Request(BLOCK)).unwrap();
        talk.hears(Message::Interested);
        talk.says(Message::Unchoke).unwrap();
        talk.hears(Message::Request(OURS));
        talk.says_bytes(&piece(OURS)).unwrap();
        talk.after(119);
        talk.says(Message::KeepAlive).unwrap();
        talk.says(Message::NotInterested).unwrap();
        talk.says(Message::Choke).unwrap();
    }
}

#[test]
fn the_handshake_comes_first_and_when_it_is_due() {
    let mut unopened = Talk::silent(false);
    let handshake = unopened.handshake(ALL);
    assert_eq!(unopened.says_bytes(&handshake), Err(Breach::NoConnection(68)));

    let mut accepted = Talk::silent(true);
    assert_eq!(accepted.says_bytes(&handshake), Err(Breach::HandshakeTooEarly));
    accepted.hears_bytes(&handshake[..47]);
    assert_eq!(accepted.says_bytes(&handshake), Err(Breach::HandshakeTooEarly));
    accepted.hears_bytes(&handshake[47..48]);
    accepted.says_bytes(&handshake).unwrap();
    assert_eq!(accepted.says(Message::HaveNone), Err(Breach::BeforeHandshake(HAVE_NONE)));

    let mut wrong = Talk::silent(false);
    wrong.wire.connected(Instant::ZERO);
    wrong.hash = Sha1Hash([7; 20]);
    let handshake = wrong.handshake(ALL);
    assert_eq!(wrong.says_bytes(&handshake), Err(Breach::Handshake));
}

#[test]
fn a_second_handshake_is_no_message() {
    let mut talk = Talk::begun(ALL);
    let again = talk.handshake(ALL);
    assert_eq!(talk.says_bytes(&again), Err(Breach::Length { id: b'T', len: 0x1342_6974 }));
}

#[test]
fn what_it_has_is_said_first_and_once() {
    let mut talk = Talk::greeted(ALL);
    assert_eq!(talk.says(Message::Interested), Err(Breach::NotIntroduced(INTERESTED)));
    let mut talk = Talk::greeted(PLAIN);
    talk.says(Message::Interested).unwrap();
    let bits = Message::Bitfield(Bytes::from_static(&[0b1100_0000]));
    assert_eq!(talk.says(bits.clone()), Err(Breach::OutOfPlace(BITFIELD)));
    let mut talk = Talk::begun(ALL);
    assert_eq!(talk.says(bits), Err(Breach::OutOfPlace(BITFIELD)));
    assert_eq!(talk.says(Message::HaveNone), Err(Breach::OutOfPlace(HAVE_NONE)));
}

#[test]
fn a_bitfield_has_the_right_form() {
    let mut talk = Talk::greeted(ALL);
    let long = Message::Bitfield(Bytes::from_static(&[0b1100_0000, 0]));
    assert_eq!(talk.says(long), Err(Breach::Length { id: BITFIELD, len: 3 }));
    let mut talk = Talk::greeted(ALL);
    let spare = Message::Bitfield(Bytes::from_static(&[0b1100_0001]));
    assert_eq!(talk.says(spare), Err(Breach::SpareBits));
}

#[test]
fn nothing_is_said_that_was_not_agreed_on() {
    for message in [Message::HaveAll, Message::HaveNone, Message::Reject(BLOCK), Message::AllowedFast(1)] {
        let mut talk = Talk::greeted(PLAIN);
        assert!(matches!(talk.says(message), Err(Breach::NotAgreed(_))));
    }
    let mut talk = Talk::greeted(PLAIN);
    let payload = ExtensionHandshake::default().encode();
    assert_eq!(talk.says(Message::Extended { id: 0, payload }), Err(Breach::NotAgreed(EXTENDED)));
    let mut talk = Talk::begun(ALL);
    assert_eq!(talk.says(Message::Port(6_881)), Err(Breach::Kind(PORT)));
    assert_eq!(talk.says_bytes(&[0, 0, 0, 1, 99]), Err(Breach::Kind(99)));
}

#[test]
fn extended_messages_are_those_that_the_other_side_takes() {
    let mut talk = Talk::begun(ALL);
    let message = |id, payload: &'static [u8]| Message::Extended { id, payload: Bytes::from_static(payload) };
    talk.says(message(0, b"d1:mdee")).unwrap();
    assert!(matches!(talk.says(message(0, b"le")), Err(Breach::ExtensionHandshake(_))));
    assert_eq!(talk.says(message(3, b"de")), Err(Breach::ExtendedKind(3)));
    talk.hears(message(0, b"d1:md6:ut_pexi3eee"));
    talk.says(message(3, b"de")).unwrap();
}

#[test]
fn only_what_is_on_the_disk_is_had() {
    let has = |bits: &'static [u8]| Talk::greeted(ALL).says(Message::Bitfield(Bytes::from_static(bits)));
    assert_eq!(has(&[0b1110_0000]), Err(Breach::NotOnDisk { id: BITFIELD, index: 2 }));
    let all = Talk::greeted(ALL).says(Message::HaveAll);
    assert_eq!(all, Err(Breach::NotOnDisk { id: HAVE_ALL, index: 2 }));
    let mut talk = Talk::begun(ALL);
    assert_eq!(talk.says(Message::Have(2)), Err(Breach::NotOnDisk { id: HAVE, index: 2 }));
    talk.disk.fill_part(TorrentId(0), [PieceIndex::new(4)], Instant::ZERO);
    talk.says(Message::Have(4)).unwrap();
    assert_eq!(talk.says(Message::Have(4)), Err(Breach::HaveTwice(4)));
    assert_eq!(talk.says(Message::Have(0)), Err(Breach::HaveTwice(0)), "the bitfield said so");
    talk.wire.lost(1, PieceIndex::new(4));
    assert_eq!(talk.says(Message::Have(4)), Err(Breach::HaveTwice(4)), "another torrent lost it");
    talk.wire.lost(0, PieceIndex::new(4));
    talk.says(Message::Have(4)).unwrap();
    assert_eq!(talk.says(Message::Have(5)), Err(Breach::NoSuchPiece { id: HAVE, index: 5, total: 5 }));
}

#[test]
fn a_piece_is_not_had_while_it_is_being_written() {
    let mut talk = Talk::begun(ALL);
    talk.disk.fill_part(TorrentId(0), [PieceIndex::new(4)], Instant::ZERO);
    talk.torrents[0].writes(4..=4, Instant::from_secs(3));
    talk.after(2);
    assert_eq!(talk.says(Message::Have(4)), Err(Breach::NotOnDisk { id: HAVE, index: 4 }));
    let mut talk = Talk::begun(ALL);
    talk.disk.fill_part(TorrentId(0), [PieceIndex::new(4)], Instant::ZERO);
    talk.torrents[0].writes(4..=4, Instant::from_secs(3));
    talk.after(3);
    talk.says(Message::Have(4)).unwrap();
}

#[test]
fn requests_wait_for_an_unchoke() {
    let mut talk = Talk::begun(ALL);
    talk.hears(Message::Choke);
    assert_eq!(talk.says(Message::Request(BLOCK)), Err(Breach::RequestChoked(BLOCK)));
    talk.hears(Message::AllowedFast(3));
    talk.says(Message::Request(BLOCK)).unwrap();
}

#[test]
fn a_request_may_cross_with_a_choke() {
    for features in [ALL, PLAIN] {
        let mut talk = Talk::begun(features);
        // With the input in which the choke came.
        let choke = encode(&Message::Choke);
        let (wire, mut around) = talk.around();
        wire.received(&mut around, &choke).unwrap();
        talk.says(Message::Request(BLOCK)).unwrap();
        talk.serial += 1;
        assert!(talk.says(Message::Request(range(4, 0, 1))).is_err());
    }
}

#[test]
fn what_is_requested_after_a_choke_and_an_unchoke_is_known() {
    for features in [ALL, PLAIN] {
        let mut talk = Talk::begun(features);
        let both = [encode(&Message::Choke), encode(&Message::Unchoke)].concat();
        let (wire, mut around) = talk.around();
        wire.received(&mut around, &both).unwrap();
        talk.says(Message::Request(BLOCK)).unwrap();
        talk.serial += 1;
        talk.says(Message::Cancel(BLOCK)).unwrap();
    }
}

#[test]
fn requests_are_sound() {
    let mut talk = Talk::begun(ALL);
    for bad in [
        range(3, 0, 0),
        range(3, 0, 16_385),
        range(3, 32_768, 1),
        range(3, 20_000, 16_384),
        range(5, 0, 1),
        range(u32::MAX, u32::MAX, 16_384),
    ] {
        assert_eq!(talk.says(Message::Request(bad)), Err(Breach::RequestBounds(bad)));
    }
    talk.says(Message::Request(BLOCK)).unwrap();
    assert_eq!(talk.says(Message::Request(BLOCK)), Err(Breach::RequestTwice(BLOCK)));
    talk.says(Message::NotInterested).unwrap();
    let other = range(3, 0, 16_384);
    assert_eq!(talk.says(Message::Request(other)), Err(Breach::RequestWithoutInterest(other)));

    let mut talk = Talk::greeted(ALL);
    talk.says(Message::HaveNone).unwrap();
    talk.says(Message::Interested).unwrap();
    talk.hears(Message::Bitfield(Bytes::from_static(&[0b1110_1000])));
    talk.hears(Message::Unchoke);
    assert_eq!(talk.says(Message::Request(BLOCK)), Err(Breach::RequestNotHad(BLOCK)));
    talk.hears(Message::Have(3));
    talk.says(Message::Request(BLOCK)).unwrap();
}

#[test]
fn no_more_is_requested_than_the_peer_takes() {
    let mut talk = Talk::begun(ALL);
    talk.hears(Message::Extended { id: 0, payload: Bytes::from_static(b"d4:reqqi2ee") });
    talk.says(Message::Request(range(3, 0, 1))).unwrap();
    talk.says(Message::Request(range(3, 1, 1))).unwrap();
    talk.says(Message::Cancel(range(3, 0, 1))).unwrap();
    talk.says(Message::Request(range(3, 2, 1))).unwrap();
    assert_eq!(talk.says(Message::Request(range(3, 3, 1))), Err(Breach::TooManyRequests(3, 2)));
}

#[test]
fn only_what_was_requested_is_cancelled() {
    let mut talk = Talk::begun(ALL);
    assert_eq!(talk.says(Message::Cancel(BLOCK)), Err(Breach::CancelUnasked(BLOCK)));
    talk.says(Message::Request(BLOCK)).unwrap();
    talk.hears(Message::Reject(BLOCK));
    assert_eq!(talk.says(Message::Cancel(BLOCK)), Err(Breach::CancelUnasked(BLOCK)));
}

#[test]
fn a_choke_without_the_fast_extension_drops_all_requests() {
    let mut talk = Talk::begun(PLAIN);
    talk.says(Message::Request(BLOCK)).unwrap();
    talk.hears(Message::Choke);
    talk.hears(Message::Unchoke);
    talk.says(Message::Request(BLOCK)).unwrap();
    let mut talk = Talk::begun(ALL);
    talk.says(Message::Request(BLOCK)).unwrap();
    talk.hears(Message::Choke);
    talk.hears(Message::Unchoke);
    assert_eq!(talk.says(Message::Request(BLOCK)), Err(Breach::RequestTwice(BLOCK)));
}

#[test]
fn each_request_is_answered_once() {
    let mut talk = Talk::begun(ALL);
    talk.says(Message::Unchoke).unwrap();
    assert_eq!(talk.says_bytes(&piece(OURS)), Err(Breach::PieceUnasked(OURS)));
    talk.hears(Message::Request(OURS));
    let part = range(OURS.index, 0, 100);
    assert_eq!(talk.says_bytes(&piece(part)), Err(Breach::PieceUnasked(part)));
    talk.says_bytes(&piece(OURS)).unwrap();
    assert_eq!(talk.says_bytes(&piece(OURS)), Err(Breach::PieceUnasked(OURS)));
    assert_eq!(talk.says(Message::Reject(OURS)), Err(Breach::RejectUnasked(OURS)));
    talk.hears(Message::Request(OURS));
    talk.hears(Message::Request(OURS));
    talk.says(Message::Reject(OURS)).unwrap();
    talk.says_bytes(&piece(OURS)).unwrap();
    let not_had = range(2, 0, 16_384);
    talk.hears(Message::Request(not_had));
    assert_eq!(talk.says_bytes(&piece(not_had)), Err(Breach::NotOnDisk { id: PIECE, index: 2 }));
}

#[test]
fn a_choke_ends_what_was_requested() {
    let mut talk = Talk::begun(PLAIN);
    talk.says(Message::Unchoke).unwrap();
    talk.hears(Message::Request(OURS));
    talk.says(Message::Choke).unwrap();
    assert_eq!(talk.says_bytes(&piece(OURS)), Err(Breach::PieceUnasked(OURS)), "the choke has dropped it");

    let mut talk = Talk::begun(ALL);
    talk.says(Message::Unchoke).unwrap();
    talk.hears(Message::Request(OURS));
    talk.after(1);
    talk.says(Message::Choke).unwrap();
    talk.after(60);
    talk.says(Message::KeepAlive).unwrap();
    talk.after(61);
    let ago = Duration::from_secs(121);
    assert_eq!(talk.says(Message::Unchoke), Err(Breach::Unanswered { range: OURS, ago }));
}

#[test]
fn a_cancelled_block_may_cross_but_not_come_for_ever() {
    for (secs, result) in
        [(5, Ok(())), (121, Err(Breach::PieceCancelled { range: OURS, ago: Duration::from_secs(121) }))]
    {
        let mut talk = Talk::begun(PLAIN);
        talk.says(Message::Unchoke).unwrap();
        talk.hears(Message::Request(OURS));
        talk.hears(Message::Cancel(OURS));
        talk.after(secs / 2);
        talk.says(Message::KeepAlive).unwrap();
        talk.after(secs - secs / 2);
        assert_eq!(talk.says_bytes(&piece(OURS)), result);
    }
}

#[test]
fn nothing_is_said_twice_and_nobody_is_silent_for_long() {
    let mut talk = Talk::begun(ALL);
    assert_eq!(talk.says(Message::Choke), Err(Breach::Repeated(CHOKE)));
    assert_eq!(talk.says(Message::Interested), Err(Breach::Repeated(INTERESTED)));
    talk.after(121);
    assert_eq!(talk.says(Message::KeepAlive), Err(Breach::Silent(Duration::from_secs(121))));
}

#[test]
fn what_the_other_side_says_may_be_anything() {
    let mut talk = Talk::begun(ALL);
    talk.hears_bytes(&[0x7f; 100]);
    talk.hears_bytes(&[0; 100]);
    talk.says(Message::Request(BLOCK)).unwrap();
    let mut talk = Talk::silent(true);
    talk.hears_bytes(&[9; 200]);
    talk.hears_bytes(&[9; 200]);
}

#[test]
fn every_engine_of_a_simulation_is_listened_to() {
    use crate::units::kib;
    use crate::{Host, Sim};
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(kib(500), 64 << 10, &[]).unwrap();
    let seed = sim.add(Host::new("seed").seeds(&torrent));
    let leecher = sim.add(Host::new("leecher").downloads(&torrent));
    sim.run_for(Duration::from_secs(1));
    // It has lost everything, and does not know.
    sim.disk(seed).lose(TorrentId(0));
    sim.set_checks(crate::Checks::default().keep());
    sim.introduce(leecher, seed);
    sim.run_for(Duration::from_secs(1));
    let told: Vec<_> = sim.violations().iter().map(|v| (v.host.as_str(), &v.breach)).collect();
    assert_eq!(told, [("seed", &Breach::NotOnDisk { id: HAVE_ALL, index: 0 })]);
    assert!(sim.violations()[0].to_string().contains("seed 1"), "{}", sim.violations()[0]);
}

#[test]
fn every_engine_of_a_simulation_is_listened_to_by_its_tracker_too() {
    use crate::units::{kib, minutes};
    use crate::{Host, HttpTracker, Link, Sim};
    let mut sim = Sim::new(1);
    sim.set_checks(crate::Checks::default().keep());
    let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::new(1));
    let torrent = sim.torrent(kib(500), 64 << 10, &[HttpTracker::url(sim.addr(tracker))]).unwrap();
    let seed = sim.add(Host::new("seed").seeds(&torrent));
    sim.run_until(minutes(1), |sim| sim.status(seed).is_some_and(|s| s.have == s.pieces)).unwrap();
    // It has lost everything before it gets to say that it has it.
    sim.disk(seed).lose(TorrentId(0));
    sim.run_for(Duration::from_secs(10));
    let told: Vec<_> = sim.violations().iter().map(|v| v.breach.clone()).collect();
    let total = kib(500);
    let left = AnnounceBreach::Count { what: "left", told: 0, least: total, most: total };
    assert!(matches!(&told[..], [Breach::Announce(broken)] if *broken == left), "{told:?}");
}
