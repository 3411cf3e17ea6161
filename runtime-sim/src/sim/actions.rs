//! What engines ask for: each action is carried out on the host's disk, on the network, or in the names.

use super::{Due, Sim};
use crate::actor::local_for;
use crate::check::Moment;
use crate::net::HostId;
use peerless_core::record::Recorded;
use peerless_core::{Action, Input, Instant};

impl Sim {
    /// Does what an engine asks for, and plans when to wake it.
    pub(super) fn drain(&mut self, host: HostId) {
        let now = self.now;
        while let Some(action) = self.machines[host.index()].engine_mut().and_then(Recorded::poll_action) {
            self.digest.action(now, host, &action);
            self.perform(host, action);
        }
        let machine = &mut self.machines[host.index()];
        while let Some(event) = machine.engine_mut().and_then(Recorded::poll_event) {
            self.digest.event(now, host, &event);
            machine.end_recording(&event);
            self.watch.tells(host, &event);
            self.downloads_left -= usize::from(machine.note(now, event));
        }
        machine.keep_recording();
        let Some(engine) = machine.engine() else { return };
        let at = Moment { now, clock: machine.clock.at(now) };
        self.watch.settled(at, host, engine, &machine.spec.config);
        let Some(at) = engine.poll_timeout() else { return };
        let at = machine.clock.when(at);
        if machine.wake.is_none_or(|planned| at < planned) {
            machine.wake = Some(at);
            self.queue.push(at.max(now), Due::Wake(host, machine.life));
        }
    }

    fn perform(&mut self, host: HostId, action: Action) {
        let machine = &mut self.machines[host.index()];
        let at = Moment { now: self.now, clock: machine.clock.at(self.now) };
        match action {
            Action::Connect { conn, remote, .. } => {
                let local = local_for(&machine.addrs, remote);
                let end = self.net.connect(self.now, host, local, remote);
                machine.bind(conn, end);
                self.watch.opens(at.clock, host, conn, remote);
            }
            Action::Send { conn, data } => {
                machine.sent += data.len() as u64;
                self.watch.sends(at, host, conn, &machine.disk, &data);
                if let Some(end) = machine.ends.get(&conn) {
                    self.net.send(self.now, *end, data);
                }
            }
            Action::SetReadable { conn, readable } => {
                if let Some(end) = machine.ends.get(&conn) {
                    self.net.set_readable(self.now, *end, readable);
                }
            }
            Action::Close { conn } => {
                self.watch.closes(at.clock, host, conn);
                if let Some(end) = machine.unbind(conn) {
                    self.net.close(self.now, end, None);
                }
            }
            Action::SetAccepting { accepting } => self.net.set_accepting(self.now, host, accepting),
            Action::Resolve { job, host: name } => {
                let (time, result) = self.dns.look_up(&name, &machine.addrs);
                self.answer(host, self.now + time, Input::Resolved { job, result });
            }
            Action::Disk { job, op } => {
                let write = self.watch.write(host, &op);
                let (at, result) = machine.disk.begin(self.now, *op);
                if let Some(write) = write {
                    self.watch.writes(host, write, at);
                }
                if machine.trap.is_some() {
                    self.spring(host, at);
                }
                self.answer(host, at, Input::DiskDone { job, result });
            }
            Action::Cancel { .. } => {}
        }
    }

    fn answer(&mut self, host: HostId, at: Instant, input: Input) {
        let life = self.machines[host.index()].life;
        self.queue.push(at, Due::Input(host, life, Box::new(input)));
    }
}
