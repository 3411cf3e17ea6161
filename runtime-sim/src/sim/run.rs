//! Running a simulation: taking what is due, one thing after another, until something holds or time is up; and
//! bringing what the network has for hosts to whatever runs there.

use super::{Due, Sim};
use crate::host::{Late, Program};
use crate::net::{HostId, Mail};
use peerless_core::{Duration, Input, Instant};

impl Sim {
    /// Goes to the next thing that happens, unless that is after `end`. Whether anything happened.
    pub fn step(&mut self, end: Instant) -> bool {
        // What was done between steps may have brought news too.
        self.bring_news();
        match self.queue.next() {
            Some(at) if at <= end => {}
            _ => return false,
        }
        let Some((at, due)) = self.queue.pop() else { return false };
        self.now = self.now.max(at);
        match due {
            Due::Net(event) => self.net.handle(self.now, event),
            Due::Input(host, life, input) if self.machines[host.index()].life == life => {
                match &mut self.machines[host.index()].asleep {
                    Some(late) => late.push(Late::Input(input)),
                    None => self.input(host, *input),
                }
            }
            Due::Wake(host, life) if self.machines[host.index()].life == life => self.wake(host),
            Due::Step(step) => step(self),
            Due::Input(..) | Due::Wake(..) => {}
        }
        self.bring_news();
        true
    }

    /// Runs until `done` holds, which is looked at whenever something has happened.
    ///
    /// # Errors
    /// [`Unfinished`] when it does not within `limit` of virtual time, or nothing happens any more.
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<(), Unfinished> {
        let end = self.now + limit;
        while !done(self) {
            if !self.step(end) {
                return Err(Unfinished { seed: self.seed, now: self.now, hosts: self.unfinished() });
            }
        }
        Ok(())
    }

    /// Runs for a while, whatever happens.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    fn unfinished(&self) -> Vec<String> {
        let told = |host: HostId| {
            let status = self.status(host).filter(|s| s.have < s.pieces)?;
            let why: Vec<String> = status.why.iter().map(ToString::to_string).collect();
            Some(format!(
                "{}: {} of {} pieces, {} peers; {}",
                self.host_name(host),
                status.have,
                status.pieces,
                status.peers,
                why.join("; ")
            ))
        };
        self.hosts().filter_map(told).collect()
    }

    pub(super) fn wake(&mut self, host: HostId) {
        let now = self.clock(host);
        let machine = &mut self.machines[host.index()];
        if machine.asleep.is_some() {
            return;
        }
        match &machine.program {
            // Planned before an earlier one was, or before its clock was touched.
            Program::Engine(_) if machine.wake.is_none_or(|planned| planned > self.now) => {}
            Program::Engine(engine) => {
                let due = engine.poll_timeout().is_some_and(|at| at <= now);
                machine.wake = None;
                if due {
                    self.input(host, Input::Timeout);
                } else {
                    self.drain(host);
                }
            }
            Program::Actor(_) => self.act(host, |actor, cx| actor.woken(cx)),
            Program::Off => {}
        }
    }

    /// Tells hosts what the network has brought, until all is quiet.
    pub(super) fn bring_news(&mut self) {
        loop {
            if !self.net.planned.is_empty() {
                for (at, event) in self.net.planned.drain(..) {
                    self.queue.push(at, Due::Net(event));
                }
            }
            let Some(news) = self.net.news.pop_front() else {
                match self.net.mail.pop_front() {
                    Some(mail) => self.bring_mail(mail),
                    None => return,
                }
                continue;
            };
            if let Some(late) = &mut self.machines[news.host.index()].asleep {
                late.push(Late::News(news));
                continue;
            }
            match self.machines[news.host.index()].program {
                Program::Engine(_) => self.tell_engine(news.host, news.end, news.what),
                Program::Actor(_) => self.tell_actor(news.host, news.end, news.what),
                Program::Off => {}
            }
        }
    }

    /// Tells a host of a datagram.
    fn bring_mail(&mut self, mail: Mail) {
        match &mut self.machines[mail.host.index()].asleep {
            Some(late) => late.push(Late::Mail(mail)),
            None => self.act(mail.host, |actor, cx| actor.datagram(cx, mail.from, mail.port, mail.data)),
        }
    }
}

/// A simulation did not come to the end that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done at {now}; the seed is {seed}{}", .hosts.iter().map(|h| format!("\n  {h}")).collect::<String>())]
pub struct Unfinished {
    /// The seed that shows it again.
    pub seed: u64,
    /// The virtual time.
    pub now: Instant,
    /// Hosts that are not complete, and why.
    pub hosts: Vec<String>,
}
