//! Hosts with an engine: how a scenario starts and reaches them, and what engines are told.

use super::Sim;
use crate::check::Moment;
use crate::dice::Dice;
use crate::host::{Machine, Program};
use crate::net::{End, HostId, Noticed};
use peerless_core::record::Recorded;
use peerless_core::{ConnId, Input, Instant, TorrentId};

impl Sim {
    /// Starts a host that is off, with what is on its disk.
    pub fn start(&mut self, host: HostId) {
        self.net.switch_on(host);
        let machine = &mut self.machines[host.index()];
        machine.started.get_or_insert(self.now);
        self.struck.add("restarts", u64::from(machine.life > 0));
        let seed = Dice::seed(self.seed, &format!("engine {} life {}", host.get(), machine.life));
        let torrents = machine.spec.torrents.iter().map(|task| &task.torrent);
        self.watch.started(host, &machine.spec.name, machine.spec.port, torrents);
        machine.recording.clear();
        let now = machine.clock.at(self.now);
        let mut engine = Recorded::new(machine.spec.config.clone(), seed, now, machine.spec.record);
        let local = machine.addr();
        engine.handle(now, Input::Listening { local });
        for task in &machine.spec.torrents {
            let options = task.options.clone();
            if engine.add_torrent(now, task.torrent.metainfo.clone(), options).is_err() {
                debug_assert!(false, "a scenario gives a host each torrent once");
            }
        }
        machine.program = Program::Engine(Box::new(engine));
        self.net.listen(host, local.port());
        self.drain(host);
    }

    /// Has a host's engine shut down in order.
    pub fn shut_down(&mut self, host: HostId) {
        self.with_engine(host, |engine, now| engine.shutdown(now));
    }

    /// Tells a host of another one that has its first torrent.
    pub fn introduce(&mut self, host: HostId, peer: HostId) {
        let addr = self.addr_for(host, peer);
        self.with_engine(host, |engine, now| engine.add_peer(now, TorrentId(0), addr));
    }

    /// Does something with a host's engine, unless the host is off, and then what the engine asks for. The time is
    /// that of the host's clock.
    pub fn with_engine<T>(&mut self, host: HostId, f: impl FnOnce(&mut Recorded, Instant) -> T) -> Option<T> {
        let now = self.clock(host);
        self.turn = Some(host);
        let result = self.machines[host.index()].engine_mut().map(|engine| f(engine, now));
        self.drain(host);
        result
    }

    /// Tells an engine what the network has brought.
    pub(super) fn tell_engine(&mut self, host: HostId, end: End, what: Noticed) {
        let machine = &mut self.machines[host.index()];
        if let Noticed::Accepted { remote, .. } = what {
            let conn = ConnId::accepted(machine.accepted);
            machine.accepted += 1;
            machine.bind(conn, end);
            return self.input(host, Input::Accepted { conn, remote });
        }
        let Some(conn) = machine.conns.get(&end).copied() else { return };
        match what {
            Noticed::Connected { local } => self.input(host, Input::Connected { conn, local }),
            Noticed::ConnectFailed(error) => {
                machine.unbind(conn);
                self.input(host, Input::ConnectFailed { conn, error });
            }
            Noticed::Received(slices) => {
                self.inputs += slices.len() as u64;
                slices.into_iter().for_each(|data| self.hand_in(host, Input::Received { conn, data }));
                self.drain(host);
            }
            Noticed::Sent(bytes) => self.input(host, Input::Sent { conn, bytes }),
            // As with the real drivers: for an engine there is no half of a stream.
            Noticed::Ended => {
                machine.unbind(conn);
                self.net.close(self.now, end, None);
                self.input(host, Input::Closed { conn, error: None });
            }
            Noticed::Closed(error) => {
                machine.unbind(conn);
                self.input(host, Input::Closed { conn, error });
            }
            Noticed::Accepted { .. } => {}
        }
    }

    /// Hands an engine an input and does what it asks for.
    pub(super) fn input(&mut self, host: HostId, input: Input) {
        self.inputs += 1;
        self.hand_in(host, input);
        self.drain(host);
    }

    fn hand_in(&mut self, host: HostId, input: Input) {
        self.turn = Some(host);
        let Machine { program: Program::Engine(engine), disk, clock, .. } = &mut self.machines[host.index()]
        else {
            return;
        };
        let at = Moment { now: self.now, clock: clock.at(self.now) };
        self.watch.input(at, host, disk, &input);
        engine.handle(at.clock, input);
    }
}
