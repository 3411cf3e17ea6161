//! A naive picker: a list of states, and every answer found by looking through all of it. What the real one chooses
//! must obey the policy as it is written down here.

use super::super::open_piece::MAX_REQUESTERS;
use super::super::solo::{MAX_OWNERS, SOLO_WAIT};
use super::*;
use core::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Free,
    Requested(Vec<ConnId>),
    Received(IpAddr),
    Stale,
    Written(IpAddr),
}

#[derive(Debug)]
pub(super) struct Trial {
    suspects: Vec<IpAddr>,
    before: Option<IpAddr>,
    owner: Option<IpAddr>,
    lost: u32,
    since: Instant,
    last_pick: Instant,
}

#[derive(Debug)]
pub(super) struct Piece {
    pub(super) have: bool,
    pub(super) cells: Vec<Cell>,
    pub(super) trial: Option<Trial>,
}

impl Piece {
    fn count(&self, what: impl Fn(&Cell) -> bool) -> usize {
        self.cells.iter().filter(|c| what(c)).count()
    }

    fn requested(&self) -> usize {
        self.count(|c| matches!(c, Cell::Requested(_)))
    }

    fn is_received(&self) -> bool {
        self.count(|c| matches!(c, Cell::Received(_) | Cell::Written(_))) == self.cells.len()
    }

    pub(super) fn is_written(&self) -> bool {
        self.count(|c| matches!(c, Cell::Written(_))) == self.cells.len()
    }

    fn is_open(&self) -> bool {
        !self.have && (self.trial.is_some() || self.count(|c| *c != Cell::Free) > 0)
    }

    fn is_closed(&self) -> bool {
        !self.have && !self.is_open()
    }

    fn works(&self, conn: ConnId) -> bool {
        self.count(|c| matches!(c, Cell::Requested(by) if by.contains(&conn))) > 0
    }

    fn senders(&self) -> BTreeSet<IpAddr> {
        let sender = |c: &Cell| match c {
            Cell::Received(addr) | Cell::Written(addr) => Some(*addr),
            _ => None,
        };
        self.cells.iter().filter_map(sender).collect()
    }

    fn clear(&mut self) {
        self.cells.fill(Cell::Free);
    }

    fn lose_owner(&mut self, now: Instant) {
        let Some(trial) = &mut self.trial else { return };
        trial.lost += u32::from(trial.owner.is_some());
        trial.before = trial.owner.take().or(trial.before);
        trial.since = now;
        self.go_on();
    }

    /// After the owner has changed: what it sent is void, unless the trial is over.
    fn go_on(&mut self) {
        if self.trial.as_ref().is_some_and(|trial| trial.lost >= MAX_OWNERS) {
            self.trial = None;
        } else {
            self.discard();
        }
    }

    fn discard(&mut self) {
        for cell in &mut self.cells {
            match cell {
                Cell::Received(_) => *cell = Cell::Stale,
                Cell::Written(_) => *cell = Cell::Free,
                _ => {}
            }
        }
    }

    /// Whether the peer may have its free blocks.
    fn suits(&self, piece: u32, peer: &PickFor<'_>) -> bool {
        if !may_give(piece, peer) {
            return false;
        }
        let Some(trial) = &self.trial else { return true };
        if trial.owner == Some(peer.addr) {
            return true;
        }
        let idle = self.requested() == 0 && peer.now.since(trial.last_pick) >= SOLO_WAIT;
        let waited = peer.now.since(trial.since) >= SOLO_WAIT;
        let doubted = trial.suspects.contains(&peer.addr) || trial.before == Some(peer.addr);
        (trial.owner.is_none() || idle) && (waited || !doubted)
    }
}

fn may_give(piece: u32, peer: &PickFor<'_>) -> bool {
    let piece = PieceIndex(piece);
    peer.has.has(piece) && peer.allowed.is_none_or(|a| a.contains(&piece)) && !peer.refused.contains(&piece)
}

/// The naive picker.
pub(super) struct Model {
    geometry: Geometry,
    max_open: usize,
    pub(super) pieces: Vec<Piece>,
    /// The pieces of each connected peer.
    pub(super) swarm: Vec<Option<Bitfield>>,
}

impl Model {
    pub(super) fn new(geometry: Geometry, max_open: usize, peers: usize) -> Self {
        let piece =
            |p| Piece { have: false, cells: vec![Cell::Free; geometry.blocks_in(p) as usize], trial: None };
        Self { geometry, max_open, pieces: geometry.pieces().map(piece).collect(), swarm: vec![None; peers] }
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, &Piece)> {
        (0..).zip(&self.pieces)
    }

    fn availability(&self, piece: u32) -> usize {
        self.swarm.iter().flatten().filter(|has| has.has(PieceIndex(piece))).count()
    }

    fn unfinished(&self) -> usize {
        self.pieces.iter().filter(|p| p.is_open() && !p.is_received()).count()
    }

    pub(super) fn requested_of(&self, conn: ConnId) -> usize {
        let mine = |c: &Cell| matches!(c, Cell::Requested(by) if by.contains(&conn));
        self.pieces.iter().map(|p| p.count(mine)).sum()
    }

    fn in_endgame(&self) -> bool {
        let waits =
            |(n, p): (u32, &Piece)| !p.have && self.availability(n) > 0 && p.cells.contains(&Cell::Free);
        self.pieces.iter().any(|p| !p.have) && !self.numbered().any(waits)
    }

    fn state(&self, block: BlockId) -> BlockState {
        let piece = &self.pieces[block.piece.as_usize()];
        match &piece.cells[block.block as usize] {
            _ if piece.have => BlockState::Have,
            Cell::Free => BlockState::Free,
            Cell::Requested(by) => BlockState::Requested(by.len()),
            Cell::Received(_) | Cell::Stale => BlockState::Received,
            Cell::Written(_) => BlockState::Written,
        }
    }

    /// The open pieces that have free blocks for the peer; `joining` counts those that only others work on.
    fn open_for(&self, peer: &PickFor<'_>, joining: bool) -> bool {
        self.numbered().any(|(n, p)| {
            let company = p.requested() == 0 || p.works(peer.conn);
            p.is_open() && p.cells.contains(&Cell::Free) && p.suits(n, peer) && (company || joining)
        })
    }

    fn closed_for(&self, peer: &PickFor<'_>) -> impl Iterator<Item = u32> {
        self.numbered().filter(|(n, p)| p.is_closed() && may_give(*n, peer)).map(|(n, _)| n)
    }

    fn abandoned(&self) -> Option<u32> {
        let rest = |c: &Cell| matches!(c, Cell::Free | Cell::Written(_));
        self.numbered()
            .filter(|(n, p)| p.is_open() && !p.is_written() && self.availability(*n) == 0)
            .filter(|(_, p)| p.count(rest) == p.cells.len())
            .min_by_key(|(n, p)| (p.trial.is_some(), p.count(|c| *c != Cell::Free), *n))
            .map(|(n, _)| n)
    }

    fn may_begin(&self, peer: &PickFor<'_>) -> bool {
        let open = self.unfinished();
        let room = open < self.max_open * 2 || self.abandoned().is_some();
        open < self.max_open || (self.requested_of(peer.conn) == 0 && room)
    }

    /// Requesters of the blocks that endgame could ask of the peer besides.
    fn doubles(&self, peer: &PickFor<'_>) -> impl Iterator<Item = usize> {
        let open = self.numbered().filter(|(n, p)| !p.have && p.trial.is_none() && may_give(*n, peer));
        open.flat_map(|(_, p)| &p.cells).filter_map(|c| match c {
            Cell::Requested(by) if by.len() < MAX_REQUESTERS && !by.contains(&peer.conn) => Some(by.len()),
            _ => None,
        })
    }

    /// Takes over what the real picker chose, and judges it by the policy.
    pub(super) fn picked(&mut self, peer: &PickFor<'_>, count: usize, out: &[BlockId]) {
        assert!(out.len() <= count);
        for block in out {
            self.picked_on_trial(peer, *block);
            match &self.pieces[block.piece.as_usize()].cells[block.block as usize] {
                Cell::Free => self.picked_free(peer, *block),
                Cell::Requested(by) => {
                    assert!(self.in_endgame() && !self.open_for(peer, true), "a free block comes first");
                    assert!(!by.contains(&peer.conn) && may_give(block.piece.get(), peer));
                    assert_eq!(self.doubles(peer).min(), Some(by.len()), "fewest requesters first");
                }
                other => panic!("{block:?} is {other:?}"),
            }
            let cell = &mut self.pieces[block.piece.as_usize()].cells[block.block as usize];
            match cell {
                Cell::Requested(by) => by.push(peer.conn),
                _ => *cell = Cell::Requested(vec![peer.conn]),
            }
        }
        if out.len() < count {
            assert!(!self.open_for(peer, true), "a free block was left");
            assert!(!self.may_begin(peer) || self.closed_for(peer).count() == 0, "a piece was left");
            assert!(!self.in_endgame() || self.doubles(peer).count() == 0, "endgame left something");
        }
    }

    fn picked_free(&mut self, peer: &PickFor<'_>, block: BlockId) {
        let n = block.piece.get();
        let piece = &self.pieces[block.piece.as_usize()];
        assert!(piece.suits(n, peer), "{block:?} is not for this peer");
        let lowest = piece.cells.iter().position(|c| *c == Cell::Free);
        assert_eq!(lowest, Some(block.block as usize), "ascending");
        if piece.is_closed() {
            self.picked_new(peer, n);
        } else if piece.requested() > 0 && !piece.works(peer.conn) {
            assert!(!self.open_for(peer, false), "its own and idle pieces come before those of others");
        }
    }

    /// Blocks of a piece on trial go to one address, and what another sent before is void.
    fn picked_on_trial(&mut self, peer: &PickFor<'_>, block: BlockId) {
        let piece = &mut self.pieces[block.piece.as_usize()];
        let suits = piece.suits(block.piece.get(), peer);
        let Some(trial) = &mut piece.trial else { return };
        assert!(suits && piece.cells.contains(&Cell::Free), "{block:?} is not for this peer");
        let changes = trial.owner != Some(peer.addr);
        trial.lost += u32::from(changes && trial.owner.is_some());
        (trial.owner, trial.last_pick) = (Some(peer.addr), peer.now);
        if changes {
            piece.go_on();
        }
    }

    fn picked_new(&mut self, peer: &PickFor<'_>, piece: u32) {
        assert!(self.may_begin(peer), "too many open pieces");
        let own_piece = (peer.fast || self.is_rarer(peer, piece)) && self.unfinished() < self.max_open;
        assert!(!self.open_for(peer, !own_piece), "open pieces come first");
        let candidates: Vec<u32> = self.closed_for(peer).collect();
        let random = self.pieces.iter().filter(|p| p.have).count() < 4 && self.unfinished() < 4;
        if !random || peer.allowed.is_some() || !peer.refused.is_empty() {
            let least = candidates.iter().map(|c| self.availability(*c)).min();
            assert_eq!(Some(self.availability(piece)), least, "rarest first");
        }
        let suggested = peer.suggested.iter().map(|s| s.get()).filter(|s| candidates.contains(s));
        if let Some(first) = suggested.min_by_key(|s| self.availability(*s))
            && self.availability(first) <= self.availability(piece)
        {
            assert_eq!(first, piece, "suggested");
        }
        if self.unfinished() >= self.max_open * 2 {
            let abandoned = self.abandoned().unwrap() as usize;
            self.pieces[abandoned].clear();
            self.pieces[abandoned].trial = None;
        }
    }

    /// Whether a closed piece is rarer than all open ones of which a block is free for the peer.
    fn is_rarer(&self, peer: &PickFor<'_>, closed: u32) -> bool {
        let offered = |(n, piece): (u32, &Piece)| {
            (!piece.have && !piece.is_closed() && piece.suits(n, peer) && piece.cells.contains(&Cell::Free))
                .then(|| self.availability(n))
        };
        let rarest = (0..).zip(&self.pieces).filter_map(offered).min();
        let past_the_first = self.pieces.iter().filter(|p| p.have).count() >= 4;
        past_the_first && rarest.is_some_and(|rarest| self.availability(closed) < rarest)
    }

    /// The connections to cancel at, or `None` for a block that is not wanted.
    pub(super) fn received(&mut self, conn: ConnId, from: IpAddr, block: BlockId) -> Option<Vec<ConnId>> {
        let full = self.unfinished() >= self.max_open;
        let piece = &mut self.pieces[block.piece.as_usize()];
        let foreign = piece.trial.as_ref().is_some_and(|t| t.owner != Some(from));
        if piece.have || foreign || (piece.is_closed() && full) {
            return None;
        }
        let cell = &mut piece.cells[block.block as usize];
        let mut others = match cell {
            Cell::Free => vec![],
            Cell::Requested(by) => by.clone(),
            _ => return None,
        };
        *cell = Cell::Received(from);
        others.retain(|c| *c != conn);
        Some(others)
    }

    pub(super) fn give_up(&mut self, conn: ConnId, block: BlockId, now: Instant) {
        let piece = &mut self.pieces[block.piece.as_usize()];
        let cell = &mut piece.cells[block.block as usize];
        let Cell::Requested(by) = cell else { return };
        if !by.contains(&conn) {
            return;
        }
        by.retain(|c| *c != conn);
        if by.is_empty() {
            *cell = Cell::Free;
        }
        if piece.requested() == 0 {
            piece.lose_owner(now);
        }
    }

    pub(super) fn written(&mut self, piece: PieceIndex, blocks: Range<u32>, good: bool) {
        for (n, cell) in (0..).zip(&mut self.pieces[piece.as_usize()].cells) {
            match cell {
                _ if !blocks.contains(&n) => {}
                Cell::Received(from) if good => *cell = Cell::Written(*from),
                Cell::Received(_) | Cell::Stale => *cell = Cell::Free,
                Cell::Written(_) if !good => *cell = Cell::Free,
                _ => {}
            }
        }
    }

    pub(super) fn failed(&mut self, now: Instant, piece: PieceIndex) -> Vec<Option<IpAddr>> {
        let piece = &mut self.pieces[piece.as_usize()];
        let blame = piece.cells.iter().map(|c| match c {
            Cell::Written(from) => Some(*from),
            _ => None,
        });
        let blame = blame.collect();
        let suspects: Vec<_> = piece.senders().into_iter().collect();
        piece.clear();
        if suspects.len() > 1 {
            piece.trial =
                Some(Trial { suspects, before: None, owner: None, lost: 0, since: now, last_pick: now });
        } else {
            piece.lose_owner(now);
        }
        blame
    }

    pub(super) fn set_have(&mut self, piece: PieceIndex, have: bool) {
        let piece = &mut self.pieces[piece.as_usize()];
        if piece.have != have {
            piece.have = have;
            piece.clear();
            piece.trial = None;
        }
    }

    /// Everything that can be asked of the real picker must have the naive answer.
    pub(super) fn compare(&self, real: &Picker) {
        real.check();
        let mut bytes = 0;
        for (n, piece) in self.numbered() {
            let index = PieceIndex(n);
            assert_eq!(real.have().has(index), piece.have);
            assert_eq!(real.is_received(index), piece.is_open() && piece.is_received());
            assert_eq!(real.is_written(index), piece.is_open() && piece.is_written());
            for block in 0..piece.cells.len() as u32 {
                let block = BlockId { piece: index, block };
                assert_eq!(real.block_state(block), self.state(block), "{block:?}");
                let here = matches!(piece.cells[block.block as usize], Cell::Received(_) | Cell::Written(_));
                bytes += if here { u64::from(self.geometry.block_len(block)) } else { 0 };
            }
            assert_eq!(real.senders(index).collect::<BTreeSet<_>>(), piece.senders());
        }
        let nobody_has = self.numbered().filter(|(n, p)| !p.have && self.availability(*n) == 0).count();
        assert_eq!(real.unavailable() as usize, nobody_has);
        assert_eq!(real.open_pieces(), self.pieces.iter().filter(|p| p.is_open()).count());
        assert_eq!(real.bytes_received_in_open(), bytes);
        assert_eq!(real.in_endgame(), self.in_endgame());
        for has in self.swarm.iter().flatten() {
            let wants = self.numbered().any(|(n, p)| !p.have && has.has(PieceIndex(n)));
            assert_eq!(real.wants_from(has), wants);
        }
    }
}
