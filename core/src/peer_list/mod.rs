//! The addresses known for one torrent: whom to dial next, whom to leave alone and for how long.

mod address;
mod back_off;
mod held;
#[cfg(test)]
mod tests;
mod turns;

use crate::announcer::TrackerKey;
use crate::limits;
use crate::time::{Duration, Instant};
pub(crate) use address::holder;
use address::{canonical, is_dialable};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use held::Held;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;
use turns::Turns;

/// Who told us of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The user named it: never forgotten, and dialled before all others.
    User,
    /// A tracker.
    Tracker,
}

const SOURCES: [Source; 2] = [Source::User, Source::Tracker];

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It served; try again after a few seconds.
    Useful,
    /// Replaced by a better one, or no peer of this torrent; try again after ten minutes.
    Useless,
    /// Both sides have everything; try again after ten minutes, or [once we do not](PeerList::want_seeds).
    Complete,
    /// No connection, no handshake, or nothing after it; try again after ten seconds, doubling. Who does not
    /// even shake hands is forgotten in the end.
    Failed,
    /// It broke the protocol; try again after five minutes, doubling.
    Misbehaved,
    /// We could not even begin, for want of a descriptor or a port; try again after a second.
    Untried,
}

/// The addresses of one torrent.
///
/// An address is ready, waiting, or in use. Every operation takes logarithmic time (moving an address from
/// waiting to ready is paid for by the connection whose end made it wait).
#[derive(Debug)]
pub(crate) struct PeerList {
    rng: ChaCha8Rng,
    peers: BTreeMap<SocketAddr, Known>,
    /// Dialable now, the best first.
    ready: BTreeSet<Rank>,
    /// Dialable later, the soonest first.
    waiting: BTreeSet<(Instant, SocketAddr)>,
    /// Ready and waiting ones, by source: the last of a set is the first to be forgotten.
    idle: [BTreeSet<Rank>; SOURCES.len()],
    /// How many are known from each source, those in use included.
    counts: [usize; SOURCES.len()],
    banned: BTreeSet<IpAddr>,
    /// The banned ones in the order of their bans.
    ban_order: VecDeque<IpAddr>,
    own: BTreeSet<SocketAddr>,
    held: Held,
    turns: Turns,
    /// Connections in a row that came to nothing, since somebody new was named.
    in_vain: u32,
}

/// After so many connections in a row that came to nothing, those that are known count for little.
const MANY_IN_VAIN: u32 = 10;
/// How long an address is left alone whose connections are as many as one may have.
const CROWDED: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Known {
    source: Source,
    state: State,
    /// Failures to connect or to shake hands, in a row.
    failures: u32,
    /// Connections in a row that came to a handshake and to nothing more.
    fruitless: u32,
    /// It was left because both sides had everything.
    complete: bool,
    /// Breaches of the protocol, ever.
    offences: u32,
    /// The connection in use came to a handshake.
    shook_hands: bool,
    /// Some connection came to a handshake: somebody is there, or was.
    answered: bool,
    /// Its last connection served.
    proven: bool,
    /// See [`Turns`].
    turn: u64,
    /// Random, so that a swarm does not dial one and the same peer, and drawn anew for each round.
    order: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Waiting(Instant),
    InUse,
}

/// Where an address stands among the others; the least is dialled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Not named by the user.
    stranger: bool,
    /// Nobody ever answered there who then kept to the protocol. However many addresses are made up, they come later than
    /// those where somebody is.
    doubtful: bool,
    demerits: u32,
    unproven: bool,
    turn: u64,
    order: u64,
    addr: SocketAddr,
}

impl PeerList {
    /// An empty list that draws its random order from `rng`. No address holds more connections than
    /// `max_per_address`.
    pub(crate) fn new(rng: ChaCha8Rng, max_per_address: usize) -> Self {
        Self {
            rng,
            peers: BTreeMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            idle: [const { BTreeSet::new() }; SOURCES.len()],
            counts: [0; SOURCES.len()],
            banned: BTreeSet::new(),
            ban_order: VecDeque::new(),
            own: BTreeSet::new(),
            held: Held::new(max_per_address),
            turns: Turns::default(),
            in_vain: 0,
        }
    }

    /// Takes in what a tracker names. Of several trackers each has its share of those that are dialled.
    pub(crate) fn add_all(&mut self, now: Instant, tracker: TrackerKey, addrs: &[SocketAddr]) {
        let mut addrs = addrs.to_vec();
        for last in (1..addrs.len()).rev() {
            let other = self.rng.next_u64() % (last as u64 + 1);
            addrs.swap(last, other as usize);
        }
        for addr in addrs {
            if self.add(now, addr, Source::Tracker) {
                let turn = self.turns.of(tracker);
                self.change(addr, |known| known.turn = turn);
            }
        }
    }

    /// Takes an address in. Whether it is new.
    ///
    /// Refused are addresses that cannot be dialled, our own, and banned ones. At
    /// [`limits::MAX_KNOWN_PEERS`] the worst address of the source that holds most gives way, so that no
    /// source can crowd out the others. A known address that the user now names is ready at once.
    pub(crate) fn add(&mut self, now: Instant, addr: SocketAddr, source: Source) -> bool {
        self.promote(now);
        let addr = canonical(addr);
        if !is_dialable(addr) || self.own.contains(&addr) || self.banned.contains(&addr.ip()) {
            return false;
        }
        if self.peers.contains_key(&addr) {
            if source == Source::User {
                self.prefer(addr);
            }
            return false;
        }
        if self.peers.len() >= limits::MAX_KNOWN_PEERS && !self.evict() {
            return false;
        }
        let order = self.rng.next_u64();
        let turn = self.turns.next();
        self.insert(addr, Known { turn, order, ..Known::new(source) });
        self.in_vain = 0;
        true
    }

    /// The best address to dial, which then is in use until [`ended`](Self::ended). Those named by the user
    /// come first, then those that answered before, then those with fewer failures, then those that served before; then
    /// each tracker's in turn, at random. Those whose address holds enough connections come later.
    pub(crate) fn next(&mut self, now: Instant) -> Option<SocketAddr> {
        let addr = self.best(now)?;
        if let Some(known) = self.peers.get(&addr) {
            self.turns.reached(known.turn);
        }
        self.set_state(addr, State::InUse);
        Some(addr)
    }

    /// When a waiting address becomes dialable: `None` if one is ready now or none waits. It can lie in the
    /// past, until [`next`](Self::next) is called; [`has_ready`](Self::has_ready) tells.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if !self.ready.is_empty() {
            return None;
        }
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Whether [`next`](Self::next) would return an address.
    pub(crate) fn has_ready(&mut self, now: Instant) -> bool {
        self.best(now).is_some()
    }

    /// Whether one address after the other came to nothing: those that are left are most likely no better, be there ever so
    /// many.
    pub(crate) const fn is_barren(&self) -> bool {
        self.in_vain >= MANY_IN_VAIN
    }

    /// The best address to dial. Ones that may not be dialled now are made to wait on the way.
    fn best(&mut self, now: Instant) -> Option<SocketAddr> {
        self.promote(now);
        loop {
            let addr = self.ready.first()?.addr;
            if !self.held.is_full(addr.ip()) {
                return Some(addr);
            }
            self.set_state(addr, State::Waiting(now + CROWDED));
        }
    }

    /// Whether an address may have another connection.
    pub(crate) fn has_place_for(&self, ip: IpAddr) -> bool {
        !self.held.is_full(ip)
    }

    /// A connection with an address was begun, by us or by it.
    pub(crate) fn take_place(&mut self, ip: IpAddr) {
        self.held.take(ip);
    }

    /// A connection with an address has ended.
    pub(crate) fn give_place(&mut self, ip: IpAddr) {
        self.held.give(ip);
    }

    /// Panics where connections were not counted as they are.
    pub(crate) fn check(&self, connections: impl Iterator<Item = IpAddr>) {
        assert!(self.held.agrees(connections), "connections are not counted as they are: {:?}", self.held);
    }

    /// The handshake is done: failures are forgiven, and the address is in use. Also right for a peer that
    /// connected to us and whose listening address was just added, so that it is not dialled meanwhile.
    pub(crate) fn connected(&mut self, addr: SocketAddr) {
        let addr = canonical(addr);
        self.set_state(addr, State::InUse);
        self.in_vain = 0;
        if let Some(known) = self.peers.get_mut(&addr) {
            known.failures = 0;
            known.shook_hands = true;
            known.answered = true;
        }
    }

    /// The connection ended: the address waits as long as the outcome deserves, or is forgotten.
    pub(crate) fn ended(&mut self, now: Instant, addr: SocketAddr, outcome: Outcome) {
        let addr = canonical(addr);
        match outcome {
            Outcome::Failed | Outcome::Misbehaved => self.in_vain = self.in_vain.saturating_add(1),
            Outcome::Useful | Outcome::Complete => self.in_vain = 0,
            Outcome::Useless | Outcome::Untried => {}
        }
        let Some(mut known) = self.remove(addr) else { return };
        let Some(rest) = back_off::after(&mut known, outcome) else { return };
        (known.turn, known.order) = (self.turns.next(), self.rng.next_u64());
        // Up to a quarter more, so that two peers that lost each other do not dial at the same moment.
        let spread = u64::try_from(rest.as_micros() / 4).unwrap_or(u64::MAX).max(1);
        let at = now + rest + Duration::from_micros(self.rng.next_u64() % spread);
        known.state = State::Waiting(at);
        self.insert(addr, known);
    }

    /// We no longer have everything: those that were left as they did need not wait.
    pub(crate) fn want_seeds(&mut self) {
        let seeds = self.waiting.iter().map(|(_, addr)| *addr);
        let seeds: Vec<_> = seeds.filter(|addr| self.peers.get(addr).is_some_and(|p| p.complete)).collect();
        for addr in seeds {
            self.set_state(addr, State::Ready);
        }
    }

    /// Never to dial any port of `ip` again. Whether it was not banned before.
    ///
    /// At [`limits::MAX_BANS`] the oldest ban lapses.
    pub(crate) fn ban(&mut self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if !self.banned.insert(ip) {
            return false;
        }
        self.ban_order.push_back(ip);
        if self.ban_order.len() > limits::MAX_BANS
            && let Some(oldest) = self.ban_order.pop_front()
        {
            self.banned.remove(&oldest);
        }
        let (first, last) = ports_of(ip);
        let addrs: Vec<_> = self.peers.range(first..=last).map(|(addr, _)| *addr).collect();
        for addr in addrs {
            self.remove(addr);
        }
        true
    }

    /// Whether `ip` is banned.
    pub(crate) fn is_banned(&self, ip: IpAddr) -> bool {
        self.banned.contains(&ip.to_canonical())
    }

    /// `addr` was found to be ourselves: never dial it again.
    pub(crate) fn set_own(&mut self, addr: SocketAddr) {
        let addr = canonical(addr);
        self.remove(addr);
        // A tracker could name us by every address of 127.0.0.0/8.
        if self.own.len() < limits::MAX_OWN_ADDRESSES {
            self.own.insert(addr);
        }
    }

    /// How many addresses are known, in use or not.
    pub(crate) fn known(&self) -> u32 {
        u32::try_from(self.peers.len()).unwrap_or(u32::MAX)
    }

    /// How many addresses wait for their time. Takes time by how many came due since the last
    /// [`next`](Self::next).
    pub(crate) fn backing_off(&self, now: Instant) -> u32 {
        let due = self.waiting.iter().take_while(|(at, _)| *at <= now).count();
        u32::try_from(self.waiting.len() - due).unwrap_or(u32::MAX)
    }

    /// Moves those whose time has come from waiting to ready.
    fn promote(&mut self, now: Instant) {
        while let Some((at, addr)) = self.waiting.first().copied()
            && at <= now
        {
            self.set_state(addr, State::Ready);
        }
    }

    /// The user named a known address: it is theirs from now on, and need not wait.
    fn prefer(&mut self, addr: SocketAddr) {
        let Some(mut known) = self.remove(addr) else { return };
        known.source = Source::User;
        if known.state != State::InUse {
            known.state = State::Ready;
        }
        self.insert(addr, known);
    }

    /// Forgets the worst idle address of the source that holds most. The user's are never forgotten.
    fn evict(&mut self) -> bool {
        let most = SOURCES
            .into_iter()
            .filter(|source| *source != Source::User && !self.idle[*source as usize].is_empty())
            .max_by_key(|source| self.counts[*source as usize]);
        let Some(worst) = most.and_then(|source| self.idle[source as usize].last().copied()) else {
            return false;
        };
        self.remove(worst.addr).is_some()
    }

    fn set_state(&mut self, addr: SocketAddr, state: State) {
        self.change(addr, |known| known.state = state);
    }

    fn change(&mut self, addr: SocketAddr, change: impl FnOnce(&mut Known)) {
        if let Some(mut known) = self.remove(addr) {
            change(&mut known);
            self.insert(addr, known);
        }
    }

    /// The only way in: every index agrees with `peers`.
    fn insert(&mut self, addr: SocketAddr, known: Known) {
        let rank = known.rank(addr);
        match known.state {
            State::Ready => drop(self.ready.insert(rank)),
            State::Waiting(at) => drop(self.waiting.insert((at, addr))),
            State::InUse => {}
        }
        if known.state != State::InUse {
            self.idle[known.source as usize].insert(rank);
        }
        self.counts[known.source as usize] += 1;
        self.peers.insert(addr, known);
    }

    /// The only way out.
    fn remove(&mut self, addr: SocketAddr) -> Option<Known> {
        let known = self.peers.remove(&addr)?;
        let rank = known.rank(addr);
        match known.state {
            State::Ready => drop(self.ready.remove(&rank)),
            State::Waiting(at) => drop(self.waiting.remove(&(at, addr))),
            State::InUse => {}
        }
        self.idle[known.source as usize].remove(&rank);
        self.counts[known.source as usize] -= 1;
        Some(known)
    }
}

impl Known {
    const fn new(source: Source) -> Self {
        Self {
            source,
            state: State::Ready,
            failures: 0,
            fruitless: 0,
            complete: false,
            offences: 0,
            shook_hands: false,
            answered: false,
            proven: false,
            turn: 0,
            order: 0,
        }
    }

    fn rank(&self, addr: SocketAddr) -> Rank {
        Rank {
            stranger: self.source != Source::User,
            doubtful: !self.answered || self.offences > 0,
            demerits: self.failures.saturating_add(self.fruitless).saturating_add(self.offences),
            unproven: !self.proven,
            turn: self.turn,
            order: self.order,
            addr,
        }
    }
}

/// The least and the greatest address of `ip` in their order.
fn ports_of(ip: IpAddr) -> (SocketAddr, SocketAddr) {
    match ip {
        IpAddr::V4(v4) => (SocketAddrV4::new(v4, 0).into(), SocketAddrV4::new(v4, u16::MAX).into()),
        IpAddr::V6(v6) => (
            SocketAddrV6::new(v6, 0, 0, 0).into(),
            SocketAddrV6::new(v6, u16::MAX, u32::MAX, u32::MAX).into(),
        ),
    }
}
