//! The life of a torrent: start, network, completion, seeding, failure, and a clean stop.

use super::{Job, Torrent};
use crate::config::{Goal, PeerAddr, SeedPolicy};
use crate::context::Context;
use crate::disk::{DiskTask, Place};
use crate::error::{DisconnectReason, TorrentError};
use crate::event::{Event, Phase};
use crate::ids::ConnId;
use crate::peer_list::Source;
use crate::time::{Duration, Instant};
use crate::timers::TorrentTimer;
use alloc::vec::Vec;

impl Torrent {
    /// Begins: with the disk, not with the network.
    pub(crate) fn start(&mut self, cx: &mut Context) {
        self.enter(cx, Phase::Checking);
        if let Some(timeout) = self.options.timeout {
            self.set_timer(cx, TorrentTimer::Timeout, cx.now + timeout);
        }
        self.begin_resume(cx);
    }

    pub(super) fn enter(&mut self, cx: &mut Context, phase: Phase) {
        self.phase = phase;
        cx.out.tell(Event::Phase { torrent: self.id, phase });
    }

    /// Something on the disk has come to its end: whoever waits for quiet may go on.
    pub(super) fn after_disk(&mut self, cx: &mut Context) {
        if self.is_networking() {
            self.check_trouble_over(cx);
        }
        match self.phase {
            Phase::Finishing => self.finish_more(cx),
            Phase::Stopping => self.stop_more(cx),
            _ => {}
        }
    }

    /// Begins to look for peers.
    pub(super) fn begin_network(&mut self, cx: &mut Context) {
        self.stats.progress = cx.now;
        self.ledger.want(self.bytes_left());
        if let Some(patience) = self.options.stall_timeout {
            self.set_timer(cx, TorrentTimer::Stall, cx.now + patience);
        }
        for peer in core::mem::take(&mut self.options.peers) {
            match peer {
                PeerAddr::Addr(addr) => {
                    self.list.add(cx.now, addr, Source::User);
                }
                PeerAddr::Host(host, port) => {
                    self.look_up(cx, host, port);
                }
            }
        }
        self.announcer.start(cx.now);
        self.run_announces(cx);
        self.dial(cx);
    }

    /// Everything is verified and stands in its place.
    pub(super) fn complete(&mut self, cx: &mut Context) {
        let was_networking = self.is_networking();
        self.completed = Some(cx.now);
        cx.out.tell(Event::Completed { torrent: self.id });
        if self.phase == Phase::Stopping {
            return;
        }
        self.announcer.completed();
        if self.options.goal == Goal::Download && self.options.seeding == SeedPolicy::Stop {
            self.stop(cx);
            return;
        }
        self.enter(cx, Phase::Seeding);
        self.leave_other_seeds(cx);
        if was_networking {
            self.run_announces(cx);
        } else {
            self.begin_network(cx);
        }
        self.check_seed_goal(cx);
    }

    /// Whether enough was given; if not, when to look again.
    pub(super) fn check_seed_goal(&mut self, cx: &mut Context) {
        let (Phase::Seeding, Some(since)) = (self.phase, self.completed) else { return };
        let SeedPolicy::Until { ratio_permille, time } = self.options.seeding else { return };
        let given = u128::from(self.stats.up.total()) * 1_000;
        let enough =
            ratio_permille.is_some_and(|r| given >= u128::from(r) * u128::from(self.geometry.total()));
        if enough || time.is_some_and(|time| cx.now.since(since) >= time) {
            self.stop(cx);
            return;
        }
        let in_a_second = cx.now + Duration::from_secs(1);
        let next = match (ratio_permille, time) {
            (Some(_), Some(time)) => in_a_second.min(since + time),
            (Some(_), None) => in_a_second,
            (None, Some(time)) => since + time,
            (None, None) => return,
        };
        self.set_timer(cx, TorrentTimer::SeedGoal, next);
    }

    /// Whether the user's patience has come to its end.
    pub(super) fn check_patience(&mut self, cx: &mut Context) {
        if self.completed.is_some() || self.failure.is_some() {
            return;
        }
        if let Some(limit) = self.options.timeout
            && cx.now.since(self.started) >= limit
        {
            self.fail(cx, TorrentError::TimedOut(limit));
            return;
        }
        if let Some(limit) = self.options.stall_timeout {
            if self.phase == Phase::Downloading && cx.now.since(self.stats.progress) >= limit {
                self.fail(cx, TorrentError::Stalled(limit));
                return;
            }
            let next: Instant = self.stats.progress.max(self.started) + limit;
            self.set_timer(cx, TorrentTimer::Stall, next.max(cx.now + Duration::from_millis(100)));
        }
    }

    /// The torrent cannot go on.
    pub(super) fn fail(&mut self, cx: &mut Context, error: TorrentError) {
        if self.failure.is_some() || matches!(self.phase, Phase::Stopping | Phase::Stopped) {
            return;
        }
        self.failure = Some(error.clone());
        cx.out.tell(Event::Failed { torrent: self.id, error });
        self.stop(cx);
    }

    /// Ends it cleanly: what is verified is synced and recorded, and trackers are told.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        if matches!(self.phase, Phase::Stopping | Phase::Stopped) {
            return;
        }
        let was_networking = self.is_networking();
        let has_records = self.phase == Phase::Downloading || self.phase == Phase::Finishing;
        self.enter(cx, Phase::Stopping);
        cx.dial_waiting.remove(&self.id);
        self.set_timer(cx, TorrentTimer::Stop, cx.now + cx.config.stop_timeout);
        self.leave_everyone(cx);
        self.resume = None;
        self.trouble = None;
        self.keep_complete_runs(cx);
        if has_records && self.place == Place::Part {
            self.closing = Closing::Syncing;
            self.sync_records(cx);
        }
        if was_networking {
            self.end_exchanges(cx);
            self.announcer.stop();
            self.run_announces(cx);
        }
        self.stop_more(cx);
    }

    fn leave_everyone(&mut self, cx: &mut Context) {
        let all: Vec<ConnId> = self.peers.keys().chain(self.opening.keys()).copied().collect();
        for conn in all {
            self.drop_peer(cx, conn, DisconnectReason::TorrentStopped);
        }
    }

    /// Writes what completes a piece; blocks of other pieces would not be trusted by the next run. After a failure
    /// nothing more is written.
    fn keep_complete_runs(&mut self, cx: &mut Context) {
        for piece in self.gather.pending() {
            if self.picker.is_received(piece) && self.failure.is_none() {
                self.write_runs(cx, piece, super::gather::Flush::All);
            }
        }
        let dropped = self.gather.drop_blocks();
        self.give_memory(cx, dropped);
    }

    /// Takes the next step towards the end if nothing stands in its way any more.
    pub(super) fn stop_more(&mut self, cx: &mut Context) {
        let busy =
            self.data_jobs > 0 || self.upload_reads > 0 || self.records.is_busy() || self.finish.has_job();
        if self.phase != Phase::Stopping || busy {
            return;
        }
        if self.closing == Closing::Syncing {
            self.sync_records(cx);
            if self.records.is_busy() {
                return;
            }
            self.closing = Closing::Recorded;
            if self.place == Place::Part {
                self.close_records(cx);
                return self.stop_more(cx);
            }
        }
        if self.announcer.is_stopped() || self.announcing.is_empty() {
            self.stop_now(cx);
        }
    }

    /// The last word of the journal; or no journal at all, where it would say nothing.
    fn close_records(&mut self, cx: &mut Context) {
        if self.picker.have().is_empty() && self.records.is_unused() {
            self.drop_journal(cx);
        } else {
            self.records.close();
            self.append_records(cx);
        }
    }

    pub(super) fn drop_journal(&mut self, cx: &mut Context) {
        self.data_jobs += 1;
        cx.disk(self.id, DiskTask::DeleteJournal, Job::DropJournal);
    }

    /// Ends it now, whatever is still under way.
    pub(super) fn stop_now(&mut self, cx: &mut Context) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.end_exchanges(cx);
        cx.cancel_all(self.id);
        cx.stopped.push(self.id);
        self.give_memory(cx, self.in_flight);
        cx.timers.clear_torrent(self.id);
        self.enter(cx, Phase::Stopped);
        cx.out.tell(Event::Stopped { torrent: self.id });
    }
}

/// How far the records of a torrent that is being stopped are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Closing {
    /// There is nothing to record.
    #[default]
    Nothing,
    /// Verified pieces are being synced and recorded.
    Syncing,
    /// The last word is written, or on its way.
    Recorded,
}
