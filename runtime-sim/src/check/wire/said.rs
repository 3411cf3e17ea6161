//! The rules of what an engine says: what each message may say, and when.

use super::{Around, Wire};
use crate::check::breach::Breach;
use crate::check::proof::Known;
use crate::check::reader::*;
use crate::disk::Disk;
use peerless_core::wire::{BlockRange, ExtensionHandshake, Features};
use peerless_core::{BLOCK_LEN, Bitfield, Duration, Geometry, Instant, PieceIndex};

/// So long after a cancel, or a choke, a block may still come: it was being read.
const CROSSING: Duration = Duration::from_secs(120);

impl Wire {
    /// The engine has said this.
    pub(super) fn say(&mut self, around: &mut Around<'_>, head: &Head) -> Result<(), Breach> {
        let id = head.id;
        let agreed = self.agreed().ok_or(Breach::BeforeHandshake(id))?;
        let (now, serial) = (around.at.now, around.serial);
        let known = self.torrent.and_then(|n| around.torrents.get_mut(n)).ok_or(Breach::Handshake)?;
        let geometry = known.geometry;
        if !matches!(id, CHOKE..=CANCEL | SUGGEST..=ALLOWED_FAST | EXTENDED) {
            return Err(Breach::Kind(id));
        }
        if !fits(head, geometry.num_pieces()) {
            return Err(Breach::Length { id, len: head.len });
        }
        if matches!(id, SUGGEST..=ALLOWED_FAST) && !agreed.fast || id == EXTENDED && !agreed.extended {
            return Err(Breach::NotAgreed(id));
        }
        let first = !std::mem::replace(&mut self.introduced, true);
        let introduces = matches!(id, BITFIELD | HAVE_ALL | HAVE_NONE);
        if introduces && !first {
            return Err(Breach::OutOfPlace(id));
        }
        if first && agreed.fast && !introduces {
            return Err(Breach::NotIntroduced(id));
        }
        let range = BlockRange { index: head.numbers[0], begin: head.numbers[1], len: head.numbers[2] };
        match id {
            CHOKE | UNCHOKE => self.say_choke(id, now, agreed),
            INTERESTED | NOT_INTERESTED => self.say_interest(id),
            HAVE => self.say_have(known, around.disk, now, range.index),
            BITFIELD | HAVE_ALL => self.say_all(id, known, around.disk, now),
            REQUEST => self.say_request(range, geometry, agreed, serial),
            PIECE => {
                let range = BlockRange { len: head.block_len(), ..range };
                self.say_piece(known, around.disk, now, range)
            }
            CANCEL => self.say_cancel(range, agreed),
            REJECT => self.heard.answer(&range).map(|_| ()).ok_or(Breach::RejectUnasked(range)),
            SUGGEST | ALLOWED_FAST => {
                check_piece(id, geometry, range.index)?;
                known.prove(around.disk, now, range.index).ok_or(Breach::NotOnDisk { id, index: range.index })
            }
            EXTENDED => self.say_extended(range.index),
            _ => Ok(()),
        }
    }

    fn say_choke(&mut self, id: u8, now: Instant, agreed: Features) -> Result<(), Breach> {
        let choke = id == CHOKE;
        if self.choking == choke {
            return Err(Breach::Repeated(id));
        }
        self.choking = choke;
        if choke {
            self.choked_at = now;
            if !agreed.fast {
                self.heard.claims.clear();
            }
            return Ok(());
        }
        let since = now.since(self.choked_at);
        let left = self.heard.claims.iter().find(|(_, claim)| claim.at < self.choked_at);
        match left {
            Some((range, _)) if since > CROSSING => Err(Breach::Unanswered { range: *range, ago: since }),
            _ => Ok(()),
        }
    }

    fn say_interest(&mut self, id: u8) -> Result<(), Breach> {
        let interested = id == INTERESTED;
        if self.interested == interested {
            return Err(Breach::Repeated(id));
        }
        self.interested = interested;
        Ok(())
    }

    fn say_have(&mut self, known: &mut Known, disk: &Disk, now: Instant, index: u32) -> Result<(), Breach> {
        check_piece(HAVE, known.geometry, index)?;
        if !self.told.insert(PieceIndex::new(index)) {
            return Err(Breach::HaveTwice(index));
        }
        known.prove(disk, now, index).ok_or(Breach::NotOnDisk { id: HAVE, index })
    }

    fn say_all(&mut self, id: u8, known: &mut Known, disk: &Disk, now: Instant) -> Result<(), Breach> {
        let pieces = known.geometry.num_pieces();
        if id == HAVE_ALL {
            self.told = Bitfield::full(pieces);
        } else {
            let body = self.reader.take_body();
            let bits = Bitfield::from_wire(pieces, &body);
            let bits = bits.ok_or(Breach::Length { id, len: body.len() as u32 + 1 })?;
            if bits.to_wire()[..] != body {
                return Err(Breach::SpareBits);
            }
            self.told = bits;
        }
        for piece in self.told.minus(&known.proved.clone()) {
            let index = piece.get();
            known.prove(disk, now, index).ok_or(Breach::NotOnDisk { id, index })?;
        }
        Ok(())
    }

    fn say_request(
        &mut self,
        range: BlockRange,
        geometry: Geometry,
        agreed: Features,
        serial: u64,
    ) -> Result<(), Breach> {
        let heard = &self.heard;
        if range.len == 0 || range.len > BLOCK_LEN || !geometry.contains(range.index, range.begin, range.len)
        {
            return Err(Breach::RequestBounds(range));
        }
        if !heard.has.has(PieceIndex::new(range.index)) {
            return Err(Breach::RequestNotHad(range));
        }
        let crosses = heard.choked_in == serial;
        if heard.choking && !crosses && !heard.allowed.contains(&range.index) {
            return Err(Breach::RequestChoked(range));
        }
        if !self.interested {
            return Err(Breach::RequestWithoutInterest(range));
        }
        if heard.choking && !agreed.fast {
            // It crosses with the choke, which drops it.
            return Ok(());
        }
        let request = self.requests.entry(range).or_default();
        if std::mem::replace(&mut request.outstanding, true) {
            // Between a choke and an unchoke that came at once the first was given up.
            return if crosses { Ok(()) } else { Err(Breach::RequestTwice(range)) };
        }
        self.outstanding += 1;
        match heard.reqq {
            Some((reqq, said)) if said != serial && self.outstanding > reqq as usize => {
                Err(Breach::TooManyRequests(self.outstanding, reqq))
            }
            _ => Ok(()),
        }
    }

    fn say_cancel(&mut self, range: BlockRange, agreed: Features) -> Result<(), Breach> {
        let request = self.requests.get_mut(&range).filter(|request| request.outstanding);
        let Some(request) = request else { return Err(Breach::CancelUnasked(range)) };
        request.outstanding = false;
        self.outstanding -= 1;
        // Without the fast extension nothing says whether an answer will come.
        request.cancelled = if agreed.fast { request.cancelled + 1 } else { 1 };
        Ok(())
    }

    fn say_piece(
        &mut self,
        known: &mut Known,
        disk: &Disk,
        now: Instant,
        range: BlockRange,
    ) -> Result<(), Breach> {
        let claim = self.heard.answer(&range).ok_or(Breach::PieceUnasked(range))?;
        if let Some(cancelled) = claim.cancelled
            && now.since(cancelled) > CROSSING
        {
            return Err(Breach::PieceCancelled { range, ago: now.since(cancelled) });
        }
        check_piece(PIECE, known.geometry, range.index)?;
        known.tally.went(u64::from(range.len));
        known.prove(disk, now, range.index).ok_or(Breach::NotOnDisk { id: PIECE, index: range.index })
    }

    fn say_extended(&mut self, kind: u32) -> Result<(), Breach> {
        let body = self.reader.take_body();
        if kind == u32::from(ExtensionHandshake::ID) {
            return ExtensionHandshake::parse(&body).map(|_| ()).map_err(Breach::ExtensionHandshake);
        }
        let named = u8::try_from(kind).is_ok_and(|kind| self.heard.kinds.contains(&kind));
        if named { Ok(()) } else { Err(Breach::ExtendedKind(kind)) }
    }
}

fn check_piece(id: u8, geometry: Geometry, index: u32) -> Result<(), Breach> {
    let total = geometry.num_pieces();
    geometry.piece(index).map(|_| ()).ok_or(Breach::NoSuchPiece { id, index, total })
}
