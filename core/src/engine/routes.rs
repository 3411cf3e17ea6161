//! What happened, brought to whom it concerns: a torrent, or the strangers that have named none yet.

use super::Engine;
use crate::action::Action;
use crate::context::{ConnOwner, Context};
use crate::ids::{ConnId, JobId};
use crate::input::NetError;
use crate::time::Duration;
use crate::timers::TimerKey;
use crate::torrent::{Job, Torrent};
use bytes::Bytes;

/// No connection is accepted for so long after the system had no descriptor for one.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// The owner of a connection, if that is a torrent's peer or tracker.
    fn owner(&mut self, conn: ConnId) -> Option<(ConnOwner, &mut Torrent, &mut Context)> {
        let owner = self.cx.owner(conn)?;
        let (ConnOwner::Peer(torrent) | ConnOwner::Tracker(torrent, _)) = owner else { return None };
        Some((owner, self.torrents.get_mut(&torrent)?, &mut self.cx))
    }

    pub(super) fn job_done(&mut self, job: JobId) -> Option<(&mut Torrent, &mut Context, Job)> {
        let (torrent, job) = self.cx.job_done(job)?;
        Some((self.torrents.get_mut(&torrent)?, &mut self.cx, job))
    }

    pub(super) fn connected(&mut self, conn: ConnId) {
        self.cx.note_success();
        match self.owner(conn) {
            Some((ConnOwner::Tracker(_, tracker), torrent, cx)) => {
                torrent.tracker_connected(cx, tracker);
            }
            Some((_, torrent, cx)) => torrent.connected(cx, conn),
            None => {}
        }
    }

    pub(super) fn connect_failed(&mut self, conn: ConnId, error: NetError) {
        let owner = self.cx.owner(conn);
        self.cx.note_failure(&error);
        match owner {
            Some(ConnOwner::Tracker(torrent, tracker)) => {
                self.cx.forget(conn);
                if let Some(torrent) = self.torrents.get_mut(&torrent) {
                    torrent.tracker_connect_failed(&mut self.cx, tracker, error);
                }
            }
            Some(ConnOwner::Peer(torrent)) => {
                self.cx.forget(conn);
                if let Some(torrent) = self.torrents.get_mut(&torrent) {
                    torrent.connect_failed(&mut self.cx, conn, error);
                }
            }
            Some(ConnOwner::Stranger) | None => {}
        }
    }

    pub(super) fn accept_failed(&mut self, error: &NetError) {
        if matches!(error, NetError::TooManyFiles) {
            self.cx.out.act(Action::SetAccepting { accepting: false });
            let later = self.cx.now + ACCEPT_PAUSE;
            self.cx.timers.set(TimerKey::Accept, later);
        }
    }

    pub(super) fn received(&mut self, conn: ConnId, data: Bytes) {
        match self.owner(conn) {
            Some((ConnOwner::Tracker(_, tracker), torrent, cx)) => {
                torrent.tracker_received(cx, tracker, &data);
            }
            Some((_, torrent, cx)) => torrent.received(cx, conn, data),
            None => self.stranger_received(conn, data),
        }
    }

    /// An accepted connection sent something: once it has named a torrent, it is that torrent's.
    fn stranger_received(&mut self, conn: ConnId, data: Bytes) {
        let Some(named) = self.strangers.received(&mut self.cx, conn, data) else { return };
        let Some(id) = self.by_hash.get(&named.info_hash).copied() else {
            self.cx.close(conn);
            return;
        };
        let welcome = self.welcome(id, named.remote);
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        if let Err(reason) = welcome {
            torrent.turn_away(&mut self.cx, conn, named.remote, reason);
            return;
        }
        torrent.accept(&mut self.cx, conn, named.remote, named.decoder);
        if let Some((handshake, rest)) = named.whole {
            torrent.handshake_done(&mut self.cx, conn, &handshake, rest);
        }
    }

    pub(super) fn sent(&mut self, conn: ConnId, bytes: usize) {
        if let Some((ConnOwner::Peer(_), torrent, cx)) = self.owner(conn) {
            torrent.sent(cx, conn, bytes);
        }
    }

    pub(super) fn closed(&mut self, conn: ConnId, error: Option<NetError>) {
        let owner = self.cx.owner(conn);
        self.cx.forget(conn);
        match owner {
            Some(ConnOwner::Tracker(torrent, tracker)) => {
                if let Some(torrent) = self.torrents.get_mut(&torrent) {
                    torrent.tracker_closed(&mut self.cx, tracker, error);
                }
            }
            Some(ConnOwner::Peer(torrent)) => {
                if let Some(torrent) = self.torrents.get_mut(&torrent) {
                    torrent.closed(&mut self.cx, conn, error);
                }
            }
            Some(ConnOwner::Stranger) => self.strangers.gone(conn),
            None => {}
        }
    }

    pub(super) fn run_timers(&mut self) {
        while let Some(key) = self.cx.timers.pop(self.cx.now) {
            match key {
                TimerKey::Conn(conn) => match self.owner(conn) {
                    Some((_, torrent, cx)) => torrent.conn_timer(cx, conn),
                    None => self.strangers.timed_out(&mut self.cx, conn),
                },
                TimerKey::Torrent(id, timer) => {
                    if let Some(torrent) = self.torrents.get_mut(&id) {
                        torrent.timer(&mut self.cx, timer);
                    }
                }
                TimerKey::Accept => self.cx.out.act(Action::SetAccepting { accepting: true }),
                TimerKey::Room => self.room_wanted(),
            }
        }
    }
}
