//! The loop around a session: events in, output out, until the torrent came to its end or was stopped.

use crate::checked::Checked;
use crate::driver::Job;
use crate::exit::{Exit, Failure};
use crate::output::{Subject, View};
use crate::report::Report;
use crate::signals;
use crate::text;
use peerless_core::{
    Event, Goal, Metainfo, PieceIndex, SeedPolicy, TorrentError, TorrentId, TorrentOptions, TorrentStatus,
};
use peerless_runtime::{RecordingState, Session};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A clean stop takes no longer than this; the engine has its own limit, which is shorter.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(3);

/// One torrent, from its start to its end.
pub(crate) struct Run {
    /// The torrent.
    pub(crate) metainfo: Arc<Metainfo>,
    /// Where its data stands, or is to stand.
    pub(crate) target: PathBuf,
    /// What to do with it.
    pub(crate) options: TorrentOptions,
    /// How to tell of it.
    pub(crate) view: View,
    /// The port to listen on that the user named.
    pub(crate) port: Option<u16>,
}

impl Job for Run {
    type Output = Report;

    fn run<S: Session>(mut self, mut session: S) -> Report {
        signals::stop_cleanly(session.waker());
        let (goal, seeding) = (self.options.goal, self.options.seeding);
        let subject = self.subject();
        self.view.begin(&subject);
        let added = session.add(Arc::clone(&self.metainfo), self.target.clone(), self.options);
        let mut watch = match added {
            Ok(torrent) => Watch::new(torrent, goal, self.view),
            Err(error) => {
                self.view.end(None);
                return Failure::from(error).into();
            }
        };
        if goal != Goal::Verify {
            watch.view.listening(session.listening(), self.port);
        }
        let failure = watch.follow(&mut session).err();
        if let Some(note) = session.recording().and_then(recording_note) {
            watch.view.note(&note);
        }
        signals::stop_at_once();
        let stays = seeding != SeedPolicy::Stop || goal == Goal::Seed;
        watch.report(&self.metainfo, &self.target, stays, failure)
    }
}

impl Run {
    fn subject(&self) -> Subject {
        let hash = self.metainfo.info_hash();
        Subject {
            command: match self.options.goal {
                Goal::Download => "get",
                Goal::Seed => "seed",
                Goal::Verify => "verify",
            },
            name: self.metainfo.name().to_owned(),
            info_hash: hash.v1.map_or_else(|| hash.wire().to_hex(), |h| h.to_hex()),
            total: self.metainfo.geometry().total(),
            target: self.target.display().to_string(),
        }
    }
}

/// What is known of a running torrent.
struct Watch {
    torrent: TorrentId,
    goal: Goal,
    view: View,
    started: Instant,
    status: Option<TorrentStatus>,
    completed: bool,
    /// From a verification: how many pieces match, and which do not.
    checked: Option<(u32, Vec<PieceIndex>)>,
    error: Option<TorrentError>,
    /// The signal that asked for the stop.
    signal: Option<Exit>,
    /// When the stop began.
    stopping: Option<Instant>,
}

impl Watch {
    fn new(torrent: TorrentId, goal: Goal, view: View) -> Self {
        Self {
            torrent,
            goal,
            view,
            started: Instant::now(),
            status: None,
            completed: false,
            checked: None,
            error: None,
            signal: None,
            stopping: None,
        }
    }

    /// Runs the session to its end.
    fn follow<S: Session>(&mut self, session: &mut S) -> Result<(), Failure> {
        let end = self.follow_events(session);
        // What was given away since the last look counts, too.
        self.look(session);
        end
    }

    fn follow_events<S: Session>(&mut self, session: &mut S) -> Result<(), Failure> {
        let tick = self.view.tick();
        let mut next = self.started + tick;
        loop {
            let event = session.wait(Some(next.saturating_duration_since(Instant::now())))?;
            if let Some(event) = &event {
                self.view.event(event);
                if self.take(session, event) {
                    return Ok(());
                }
            }
            if self.signal.is_none() && signals::seen().is_some() {
                self.signal = signals::seen();
                self.stop(session);
            }
            let now = Instant::now();
            if self.stopping.is_some_and(|since| now >= since + STOP_LIMIT) {
                return Ok(());
            }
            if now >= next {
                next = now + tick;
                self.show(session);
            }
        }
    }

    /// Takes in an event. Whether it was the last.
    fn take<S: Session>(&mut self, session: &mut S, event: &Event) -> bool {
        match event {
            Event::Completed { .. } => {
                self.completed = true;
                self.show(session);
            }
            Event::Checked { good, bad, .. } => {
                self.checked = Some((*good, bad.clone()));
                self.show(session);
            }
            Event::Failed { error, .. } => {
                self.error = Some(error.clone());
                self.show(session);
            }
            Event::Stopped { .. } => self.stop(session),
            Event::ShutDown => return true,
            _ => {}
        }
        false
    }

    fn stop<S: Session>(&mut self, session: &mut S) {
        if self.stopping.is_none() {
            self.stopping = Some(Instant::now());
            session.shutdown();
        }
    }

    /// Shows how the torrent stands.
    fn show<S: Session>(&mut self, session: &S) {
        self.look(session);
        if let Some(status) = &self.status {
            self.view.progress(self.started.elapsed(), status);
        }
    }

    fn look<S: Session>(&mut self, session: &S) {
        self.status = session.engine().torrent(session.now(), self.torrent).or_else(|| self.status.take());
    }

    /// Sums it up. `stays`: a download that is complete was to go on seeding.
    fn report(mut self, metainfo: &Metainfo, target: &Path, stays: bool, failure: Option<Failure>) -> Report {
        let checked = self.checked.take().map(|(good, bad)| Checked::new(metainfo, target, good, bad));
        let failure = failure.or_else(|| self.error.as_ref().map(Failure::from));
        let end = failure.or_else(|| self.verdict(checked.as_ref(), stays));
        let target = target.to_string_lossy();
        let success = || checked.as_ref().map_or_else(|| self.success(&target), |c| c.success(&target));
        self.view.end(end.is_none().then(success).as_deref());
        let mut report = end.map_or_else(Report::complete, Report::from);
        if let Some(status) = &self.status {
            report = report
                .with("bytes_have", status.bytes_have)
                .with("downloaded", status.downloaded)
                .with("uploaded", status.uploaded)
                .with("wasted", status.wasted)
                .with("corrupt", status.corrupt);
        }
        if let Some(checked) = &checked {
            report = checked.add_to(report);
        }
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
            .with("name", metainfo.name())
            .with("path", &*target)
            .with("bytes_total", metainfo.geometry().total())
            .with("elapsed_ms", elapsed)
    }

    /// Why the end is not a success, though nothing failed.
    fn verdict(&self, checked: Option<&Checked>, stays: bool) -> Option<Failure> {
        if let Some(failure) = checked.and_then(Checked::failure) {
            checked.into_iter().flat_map(Checked::lines).for_each(|line| self.view.note(&line));
            return Some(failure);
        }
        let reached = checked.is_some() || (self.completed && !stays);
        let signal = self.signal.filter(|_| !reached)?;
        let kept = match &self.status {
            Some(status) if self.goal == Goal::Download && !self.completed => {
                let share = text::percent(status.bytes_have, status.bytes_total);
                format!("{share} is verified and kept; run the same command again to go on")
            }
            _ => "nothing is lost".to_owned(),
        };
        Some(Failure::new(signal, format!("interrupted: stopped; {kept}")))
    }

    fn success(&self, target: &str) -> String {
        let Some(status) = self.status.as_ref().filter(|s| s.downloaded > 0) else {
            return format!("complete: {target}");
        };
        let elapsed = self.started.elapsed();
        let rate = u128::from(status.downloaded) * 1_000 / elapsed.as_millis().max(1);
        let rate = text::rate(u64::try_from(rate).unwrap_or(u64::MAX));
        let bytes = text::bytes(status.downloaded);
        format!("complete: {target} ({bytes} received in {}, {rate})", text::elapsed(elapsed))
    }
}

/// What a person has to know of a recording that is not whole.
fn recording_note(state: RecordingState) -> Option<String> {
    match state {
        RecordingState::Running | RecordingState::Ended => None,
        RecordingState::AtLimit => Some(
            "the recording reached its limit and holds only the beginning; see --record-limit".to_owned(),
        ),
        RecordingState::Failed(error) => {
            Some(format!("the recording holds only the beginning: the file cannot be written: {error}"))
        }
    }
}
