//! What goes wrong with hosts: they are killed, they lose power, they do so in the middle of something.

use super::{Due, Sim};
use crate::actor::Actor;
use crate::disk::Disk;
use crate::host::{Late, Program};
use crate::net::{Gate, HostId, Link, PartitionId, Path, SiteId};
use crate::struck::Struck;
use peerless_core::{Duration, Instant};
use std::fmt;

/// A step of the scenario that waits for an operation of a host's disk.
pub(crate) struct Trap {
    operation: u64,
    step: Box<dyn FnOnce(&mut Sim)>,
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trap").field("operation", &self.operation).finish_non_exhaustive()
    }
}

impl Sim {
    /// Kills a host's program, as `kill -9` does: its streams break at once. What the system has taken to write
    /// stays; what was asked for and had not begun never happens.
    pub fn kill(&mut self, host: HostId) {
        self.struck.add("kills", u64::from(self.is_on(host)));
        self.net.reset_all(self.now, host);
        self.machines[host.index()].disk.abandon(self.now);
        self.switch_off(host);
    }

    /// The power of a host fails: its streams are gone without a word, and so is what its disk had not been made
    /// to keep: everything after a random point of it, and before that point some. Nothing happens to a host that
    /// is off.
    pub fn cut_power(&mut self, host: HostId) {
        if !self.is_on(host) {
            return;
        }
        self.struck.add("power_cuts", 1);
        self.machines[host.index()].disk.cut(self.now);
        self.switch_off(host);
    }

    /// Another program takes the place of the one on an actor's host, and starts: the streams of the old one break.
    pub fn replace_actor(&mut self, host: HostId, actor: impl Actor) {
        self.kill(host);
        self.net.switch_on(host);
        self.machines[host.index()].program = Program::Actor(Box::new(actor));
        self.act(host, |actor, cx| actor.start(cx));
    }

    fn switch_off(&mut self, host: HostId) {
        self.net.switch_off(host);
        let traffic = self.traffic(host);
        let machine = &mut self.machines[host.index()];
        machine.program = Program::Off;
        machine.before = traffic;
        machine.sent = 0;
        machine.life += 1;
        machine.wake = None;
        machine.asleep = None;
        machine.ends.clear();
        machine.conns.clear();
        self.bring_news();
    }

    /// A host's disk, to break and mend it.
    pub fn disk(&mut self, host: HostId) -> &mut Disk {
        &mut self.machines[host.index()].disk
    }

    /// Plans a step for the middle of the `n`th operation of a host's disk, counted from its first start. A later
    /// plan replaces one that has not come to pass.
    pub fn at_disk_operation(&mut self, host: HostId, n: u64, step: impl FnOnce(&mut Self) + 'static) {
        self.machines[host.index()].trap = Some(Trap { operation: n, step: Box::new(step) });
    }

    /// An operation that began just now will end at `end`: if it is the one that was waited for, the step is taken
    /// at some moment of it.
    pub(super) fn spring(&mut self, host: HostId, end: Instant) {
        let machine = &mut self.machines[host.index()];
        if machine.trap.as_ref().is_some_and(|trap| trap.operation <= machine.disk.operations())
            && let Some(trap) = machine.trap.take()
        {
            let start = machine.disk.started();
            let at = start + machine.dice.time(end.since(start));
            self.queue.push(at, Due::Step(trap.step));
        }
    }
}

/// What has gone wrong so far.
impl Sim {
    /// A fault of the scenario's own has struck: it is counted under this word.
    pub fn strike(&mut self, what: &'static str) {
        self.struck.add(what, 1);
    }

    /// What has struck hosts and the network between them, and what the scenario counted.
    pub fn struck(&self) -> Struck {
        let mut struck = self.struck.clone();
        struck.merge(&self.net.struck);
        struck
    }
}

/// What is between hosts, and what goes wrong there.
impl Sim {
    /// A place with a local network, for hosts to be [at](crate::Host::at). Only there can they be reached by
    /// multicast.
    pub fn site(&mut self, gate: Gate) -> SiteId {
        self.net.add_site(gate)
    }

    /// The firewall or NAT before a host lets everything through that comes for this port of it, as one does that
    /// was set up so.
    pub fn forward(&mut self, host: HostId, port: u16) {
        self.net.routes().forward(host, port);
    }

    /// A host's link changes.
    pub fn set_link(&mut self, host: HostId, link: Link) {
        self.net.set_link(self.now, host, link);
    }

    /// The way between two hosts is not what their links say; `None`: it is again.
    pub fn set_path(&mut self, a: HostId, b: HostId, path: Option<Path>) {
        self.net.set_path(a, b, path);
    }

    /// Cuts some hosts off from others, until it is healed: nothing gets through, and nobody is told. Streams stand
    /// still, and go on some time after the end of it, unless a host gave up before.
    pub fn partition(&mut self, a: &[HostId], b: &[HostId]) -> PartitionId {
        self.net.part(a, b)
    }

    /// Cuts some hosts off from all others, those that are added later not included.
    pub fn isolate(&mut self, hosts: &[HostId]) -> PartitionId {
        let others: Vec<HostId> = self.hosts().filter(|host| !hosts.contains(host)).collect();
        self.partition(hosts, &others)
    }

    /// Ends a partition.
    pub fn heal(&mut self, partition: PartitionId) {
        self.net.heal(partition);
    }

    /// Suspends a host: it does nothing and answers nobody until it is resumed, while its clock goes on.
    pub fn suspend(&mut self, host: HostId) {
        if self.is_on(host) {
            self.struck.add("sleeps", 1);
            self.net.fall_asleep(host);
            self.machines[host.index()].asleep.get_or_insert_default();
        }
    }

    /// Resumes a host that was suspended.
    pub fn resume(&mut self, host: HostId) {
        let Some(late) = self.machines[host.index()].asleep.take() else { return };
        self.net.wake_up(self.now, host);
        self.watch.woke(self.clock(host), host);
        for late in late {
            match late {
                Late::Input(input) => self.input(host, *input),
                Late::News(news) => self.net.news.push_back(news),
                Late::Mail(mail) => self.net.mail.push_back(mail),
            }
        }
        self.machines[host.index()].wake = Some(self.now);
        self.wake(host);
        self.bring_news();
    }
}

/// What goes wrong with clocks.
impl Sim {
    /// From now on the clock of a host runs so many millionths faster than time does; slower, if negative.
    pub fn set_drift(&mut self, host: HostId, drift: i32) {
        self.machines[host.index()].clock.set_drift(self.now, drift);
        self.look_at_clock(host);
    }

    /// The clock of a host jumps forward, as that of a machine does that was suspended without knowing it.
    pub fn jump_clock(&mut self, host: HostId, by: Duration) {
        self.struck.add("clock_jumps", 1);
        self.machines[host.index()].clock.jump(by);
        self.watch.woke(self.clock(host), host);
        self.look_at_clock(host);
    }

    /// The time of day on a host is set, forward or back: its files are stamped with another time from now on.
    /// Engines measure time by another clock, and do not see it.
    pub fn set_time_of_day(&mut self, host: HostId, ahead_seconds: i64) {
        self.struck.add("times_of_day_set", 1);
        self.machines[host.index()].disk.set_time_of_day(ahead_seconds);
    }

    /// When the engine is to be woken is another time of the world now.
    fn look_at_clock(&mut self, host: HostId) {
        self.machines[host.index()].wake = None;
        self.drain(host);
    }
}
