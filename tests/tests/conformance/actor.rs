//! Sessions on a stage: run in turn, in one thread, until something is so or the deadline has passed.

use crate::stage::Stage;
use crate::witness::Witness;
use peerless_core::{
    Event, Goal, Metainfo, PeerAddr, Phase, ResumeSummary, SeedPolicy, TorrentError, TorrentId,
    TorrentOptions, TorrentStatus,
};
use peerless_runtime::{Listen, Session, Settings};
use peerless_tests::Deadline;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long any act may take, in seconds. None needs a tenth of it; a busy machine may.
const ACT: u64 = 60;
/// The turn of one session, unless it wants another.
const TURN: Duration = Duration::from_millis(1);

/// A session and all that it has told.
pub(crate) struct Actor<S> {
    pub(crate) session: S,
    pub(crate) events: Vec<Event>,
    /// How long it waits in its turn.
    pub(crate) patience: Duration,
    torrent: Option<TorrentId>,
    /// After the session: it is to be over then.
    _witness: Option<Witness>,
}

/// Settings for a stage: only this machine can connect.
pub(crate) fn settings() -> Settings {
    Settings { listen: Some(Listen::loopback(0)), ..Settings::default() }
}

/// To download from these peers, and be done.
pub(crate) fn download_from(peers: &[SocketAddr]) -> TorrentOptions {
    TorrentOptions { peers: peers.iter().copied().map(PeerAddr::Addr).collect(), ..Default::default() }
}

/// To seed for ever.
pub(crate) fn seeding() -> TorrentOptions {
    TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() }
}

impl<S: Session> Actor<S> {
    pub(crate) fn new(mut settings: Settings) -> Self {
        let witness = Witness::of(&mut settings);
        let session = S::open(settings).unwrap();
        Self { session, events: Vec::new(), patience: TURN, torrent: None, _witness: witness }
    }

    /// A session that has this torrent.
    pub(crate) fn with(
        settings: Settings,
        metainfo: Arc<Metainfo>,
        target: PathBuf,
        options: TorrentOptions,
    ) -> Self {
        let mut actor = Self::new(settings);
        actor.add(metainfo, target, options);
        actor
    }

    /// Takes on a torrent. From now on it is the one that [`status`](Self::status) and [`stop`](Self::stop) mean.
    pub(crate) fn add(&mut self, metainfo: Arc<Metainfo>, target: PathBuf, options: TorrentOptions) {
        self.torrent = Some(self.session.add(metainfo, target, options).unwrap());
    }

    /// One that seeds the stage's source.
    pub(crate) fn seed(stage: &Stage) -> Self {
        Self::with(settings(), stage.metainfo.clone(), stage.source.clone(), seeding())
    }

    /// One that downloads to the stage's target from these peers.
    pub(crate) fn leecher(stage: &Stage, peers: &[SocketAddr]) -> Self {
        Self::with(settings(), stage.metainfo.clone(), stage.target(), download_from(peers))
    }

    /// Where it listens, on IPv4.
    pub(crate) fn addr(&self) -> SocketAddr {
        *self.session.listening().iter().find(|addr| addr.is_ipv4()).expect("a port on 127.0.0.1")
    }

    /// Lets it run for a turn.
    pub(crate) fn turn(&mut self) {
        while let Some(event) = self.session.wait(Some(self.patience)).unwrap() {
            self.events.push(event);
        }
    }

    /// Lets it run alone until its torrent has stopped, each wait as long as it may be.
    pub(crate) fn run_to_its_end(&mut self) {
        let deadline = Deadline::seconds(ACT);
        while !self.has_stopped() {
            let event = self.session.wait(Some(deadline.left())).unwrap();
            self.events.push(event.unwrap_or_else(|| panic!("no end in time: {:#?}", self.events)));
        }
    }

    pub(crate) fn has_told(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    /// Pieces verified and told so far.
    pub(crate) fn verified(&self) -> usize {
        self.count(|event| matches!(event, Event::PieceVerified { .. }))
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.has_told(|event| matches!(event, Event::Stopped { .. }))
    }

    pub(crate) fn has_completed(&self) -> bool {
        self.has_told(|event| matches!(event, Event::Completed { .. }))
    }

    pub(crate) fn is_seeding(&self) -> bool {
        self.has_told(|event| matches!(event, Event::Phase { phase: Phase::Seeding, .. }))
    }

    pub(crate) fn failure(&self) -> Option<&TorrentError> {
        self.events.iter().find_map(|event| match event {
            Event::Failed { error, .. } => Some(error),
            _ => None,
        })
    }

    pub(crate) fn resumed(&self) -> Option<ResumeSummary> {
        self.events.iter().find_map(|event| match event {
            Event::Resumed { summary, .. } => Some(*summary),
            _ => None,
        })
    }

    pub(crate) fn status(&self) -> Option<TorrentStatus> {
        self.session.engine().torrent(self.session.now(), self.torrent?)
    }

    pub(crate) fn torrent(&self) -> TorrentId {
        self.torrent.unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.session.stop_torrent(self.torrent());
    }
}

/// Gives each session its turn, again and again, until `done`.
///
/// # Panics
/// When that is not so in time, with what each session has told.
pub(crate) fn perform<S: Session>(
    actors: &mut [Actor<S>],
    what: &str,
    mut done: impl FnMut(&mut [Actor<S>]) -> bool,
) {
    let deadline = Deadline::seconds(ACT);
    while !done(actors) {
        if deadline.passed() {
            for (n, actor) in actors.iter().enumerate() {
                eprintln!("session {n}: {:?}\n{:#?}", actor.status(), actor.events);
            }
            panic!("not in time: {what}");
        }
        actors.iter_mut().for_each(Actor::turn);
    }
}

/// Shuts all of them down in an orderly way: the end of a torrent is its last event, the session's is the last
/// of all.
pub(crate) fn end<S: Session>(actors: &mut [Actor<S>]) {
    actors.iter_mut().for_each(|actor| actor.session.shutdown());
    perform(actors, "an orderly end", |all| {
        all.iter().all(|actor| actor.has_told(|e| *e == Event::ShutDown))
    });
    for actor in actors {
        assert_eq!(actor.events.last(), Some(&Event::ShutDown));
        for (n, event) in actor.events.iter().enumerate() {
            let Event::Stopped { torrent } = event else { continue };
            let later = actor.events[n + 1..].iter().find(|later| torrent_of(later) == Some(*torrent));
            assert_eq!(later, None, "told after the end of its torrent");
        }
    }
}

const fn torrent_of(event: &Event) -> Option<TorrentId> {
    match event {
        Event::Phase { torrent, .. }
        | Event::Resumed { torrent, .. }
        | Event::PieceVerified { torrent, .. }
        | Event::PieceFailed { torrent, .. }
        | Event::Completed { torrent }
        | Event::Checked { torrent, .. }
        | Event::Failed { torrent, .. }
        | Event::Stopped { torrent }
        | Event::PeerConnected { torrent, .. }
        | Event::PeerDisconnected { torrent, .. }
        | Event::PeerBanned { torrent, .. }
        | Event::PeerLookupFailed { torrent, .. }
        | Event::Tracker { torrent, .. }
        | Event::PieceLost { torrent, .. }
        | Event::DiskTrouble { torrent, .. }
        | Event::DiskRecovered { torrent } => Some(*torrent),
        Event::ShutDown => None,
    }
}
