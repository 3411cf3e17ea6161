//! Hosts without an engine: what actors are told, and how a scenario reaches them.

use super::{Due, Sim};
use crate::actor::{Actor, Cx};
use crate::host::{Host, Program};
use crate::net::{End, HostId, Link, Noticed};
use std::any::Any;

impl Sim {
    /// Adds a host on which an actor runs, and starts it.
    pub fn add_actor(&mut self, name: impl Into<String>, link: Link, actor: impl Actor) -> HostId {
        self.add_actor_on(Host::new(name).link(link), actor)
    }

    /// Adds a host of this kind on which an actor runs in place of an engine, and starts it.
    pub fn add_actor_on(&mut self, host: Host, actor: impl Actor) -> HostId {
        let id = self.add_machine(host);
        self.machines[id.index()].program = Program::Actor(Box::new(actor));
        self.act(id, |actor, cx| actor.start(cx));
        id
    }

    /// Does something with the actor of a host; `None` where another program runs.
    pub fn with_actor<A: Actor, T>(
        &mut self,
        host: HostId,
        f: impl FnOnce(&mut A, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let mut result = None;
        self.act(host, |actor, cx| {
            let actor: &mut dyn Any = actor;
            result = actor.downcast_mut::<A>().map(|actor| f(actor, cx));
        });
        result
    }

    /// The actor of a host.
    pub fn actor<A: Actor>(&self, host: HostId) -> Option<&A> {
        let Program::Actor(actor) = &self.machines[host.index()].program else { return None };
        let actor: &dyn Any = &**actor;
        actor.downcast_ref()
    }

    pub(super) fn tell_actor(&mut self, host: HostId, end: End, what: Noticed) {
        self.act(host, |actor, cx| match what {
            Noticed::Connected { .. } => actor.connected(cx, end),
            Noticed::ConnectFailed(error) => actor.connect_failed(cx, end, error),
            Noticed::Accepted { remote, port } => actor.accepted(cx, end, remote, port),
            Noticed::Received(slices) => slices.into_iter().for_each(|data| actor.received(cx, end, data)),
            Noticed::Sent(bytes) => actor.sent(cx, end, bytes),
            Noticed::Ended => actor.ended(cx, end),
            Noticed::Closed(error) => actor.closed(cx, end, error),
        });
    }

    pub(super) fn act(&mut self, host: HostId, f: impl FnOnce(&mut dyn Actor, &mut Cx<'_>)) {
        let machine = &mut self.machines[host.index()];
        let Program::Actor(actor) = &mut machine.program else { return };
        let mut wakes = Vec::new();
        let mut cx = Cx {
            now: self.now,
            host,
            dice: &mut machine.dice,
            addrs: &machine.addrs,
            port: machine.spec.port,
            net: &mut self.net,
            wakes: &mut wakes,
        };
        f(&mut **actor, &mut cx);
        for at in wakes {
            self.queue.push(at.max(self.now), Due::Wake(host, machine.life));
        }
    }
}
