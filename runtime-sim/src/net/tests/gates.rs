//! Tests of firewalls and NATs: what gets in, and where the world sees those behind them.

use super::datagrams::Post;
use super::*;
use crate::units::minutes;
use crate::{Gate, Host};

/// A datagram that is to be sent: when, to where, and what.
type Letter = (Instant, SocketAddr, &'static str);

/// Sends what it is told to from port 70, answers nothing, notes what comes.
struct Scribe {
    letters: Rc<RefCell<Vec<Letter>>>,
    post: Post,
}

impl Actor for Scribe {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.wake_at(cx.now);
    }
    fn woken(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        let due: Vec<Letter> = self.letters.borrow_mut().extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, to, text) in due {
            assert!(cx.send_datagram(70, to, text.as_bytes()));
        }
        cx.wake_at(now + millis(10));
    }
    fn datagram(&mut self, cx: &mut Cx<'_>, from: SocketAddr, _: u16, data: Bytes) {
        self.post.borrow_mut().push((cx.now, from, data.to_vec()));
    }
}

/// Somebody who writes letters.
struct Person {
    host: HostId,
    letters: Rc<RefCell<Vec<Letter>>>,
    post: Post,
}

impl Person {
    fn new(sim: &mut Sim, host: Host) -> Self {
        let (letters, post) = (Rc::default(), Post::default());
        let scribe = Scribe { letters: Rc::clone(&letters), post: post.clone() };
        Self { host: sim.add_actor_on(host, scribe), letters, post }
    }

    fn write(&self, sim: &mut Sim, to: SocketAddr, text: &'static str) {
        self.letters.borrow_mut().push((sim.now(), to, text));
        sim.run_for(millis(100));
    }

    fn got(&self, text: &str) -> bool {
        self.post.borrow().iter().any(|(_, _, data)| data == text.as_bytes())
    }

    /// From where the last letter came.
    fn from(&self) -> SocketAddr {
        self.post.borrow().last().expect("a letter came").1
    }
}

fn port(sim: &Sim, person: &Person, port: u16) -> SocketAddr {
    SocketAddr::new(sim.addr(person.host).ip(), port)
}

/// Somebody behind a gate has written to a friend. Who gets a letter to where the friend saw it from: the friend,
/// the friend from another port, a stranger.
fn let_in(gate: Gate) -> [bool; 3] {
    let mut sim = Sim::new(1);
    let inside = Person::new(&mut sim, Host::new("inside").behind(gate));
    let friend = Person::new(&mut sim, Host::new("friend"));
    let stranger = Person::new(&mut sim, Host::new("stranger"));
    let to = port(&sim, &inside, 70);
    stranger.write(&mut sim, to, "too early");
    let to = port(&sim, &friend, 70);
    inside.write(&mut sim, to, "hello");
    let seen = friend.from();
    assert_eq!(seen.ip(), sim.addr(inside.host).ip());
    friend.write(&mut sim, seen, "friend");
    stranger.write(&mut sim, seen, "stranger");
    // The same machine from another port: as the engine of a program that is not the one written to.
    struct Other(SocketAddr);
    impl Actor for Other {
        fn start(&mut self, cx: &mut Cx<'_>) {
            assert!(cx.send_datagram(71, self.0, &b"other port"[..]));
        }
    }
    sim.replace_actor(friend.host, Other(seen));
    sim.run_for(secs(1));
    assert_eq!(inside.got("too early"), gate == Gate::Open);
    [inside.got("friend"), inside.got("other port"), inside.got("stranger")]
}

#[test]
fn each_gate_lets_in_what_it_should() {
    assert_eq!(let_in(Gate::Open), [true, true, true]);
    assert_eq!(let_in(Gate::FullCone), [true, true, true]);
    assert_eq!(let_in(Gate::AddressRestricted), [true, true, false]);
    assert_eq!(let_in(Gate::Symmetric), [true, false, false]);
    assert_eq!(let_in(Gate::Firewall), [true, false, false]);
}

#[test]
fn behind_a_symmetric_nat_everybody_sees_another_port() {
    let seen = |gate| {
        let mut sim = Sim::new(1);
        let inside = Person::new(&mut sim, Host::new("inside").behind(gate));
        let friends = ["a", "b"].map(|name| Person::new(&mut sim, Host::new(name)));
        friends.map(|friend| {
            let to = port(&sim, &friend, 70);
            inside.write(&mut sim, to, "hello");
            friend.from()
        })
    };
    let [a, b] = seen(Gate::Symmetric);
    assert!(a.ip() == b.ip() && a.port() != b.port(), "{a} {b}");
    let [a, b] = seen(Gate::FullCone);
    assert_eq!((a, a.port()), (b, 70));
}

/// Two behind gates are told of each other by a server, and write at the same time. Whether both get there.
fn meet(gate: Gate) -> [bool; 2] {
    let mut sim = Sim::new(1);
    let two = ["a", "b"].map(|name| Person::new(&mut sim, Host::new(name).behind(gate)));
    let server = Person::new(&mut sim, Host::new("server"));
    let to = port(&sim, &server, 70);
    let seen = [0, 1].map(|n| {
        two[n].write(&mut sim, to, "where am I?");
        server.from()
    });
    for _ in 0..3 {
        two[0].letters.borrow_mut().push((sim.now(), seen[1], "from a"));
        two[1].letters.borrow_mut().push((sim.now(), seen[0], "from b"));
        sim.run_for(secs(1));
    }
    [two[0].got("from b"), two[1].got("from a")]
}

#[test]
fn two_behind_nats_meet_unless_both_are_symmetric() {
    assert_eq!(meet(Gate::FullCone), [true; 2]);
    assert_eq!(meet(Gate::AddressRestricted), [true; 2]);
    assert_eq!(meet(Gate::Firewall), [true; 2]);
    assert_eq!(meet(Gate::Symmetric), [false; 2]);
}

#[test]
fn what_was_opened_closes_after_two_minutes_of_silence() {
    let mut sim = Sim::new(1);
    let inside = Person::new(&mut sim, Host::new("inside").behind(Gate::FullCone));
    let friend = Person::new(&mut sim, Host::new("friend"));
    let to = port(&sim, &friend, 70);
    inside.write(&mut sim, to, "hello");
    let seen = friend.from();
    sim.run_for(minutes(1));
    friend.write(&mut sim, seen, "after a minute");
    sim.run_for(minutes(2));
    friend.write(&mut sim, seen, "after three");
    assert!(inside.got("after a minute"));
    assert!(!inside.got("after three"), "what comes in keeps nothing open");
}

#[test]
fn a_port_that_is_forwarded_is_open_to_all() {
    let mut sim = Sim::new(1);
    let inside = Person::new(&mut sim, Host::new("inside").behind(Gate::Symmetric));
    let stranger = Person::new(&mut sim, Host::new("stranger"));
    sim.forward(inside.host, 70);
    let to = port(&sim, &inside, 70);
    stranger.write(&mut sim, to, "knock");
    assert!(inside.got("knock"));
    let to = port(&sim, &stranger, 70);
    inside.write(&mut sim, to, "who is there?");
    assert_eq!(stranger.from().port(), 70);
}

#[test]
fn those_behind_one_nat_speak_to_each_other_directly() {
    let mut sim = Sim::new(1);
    let home = sim.site(Gate::Symmetric);
    let two = ["a", "b"].map(|name| Person::new(&mut sim, Host::new(name).at(home)));
    let outside = Person::new(&mut sim, Host::new("outside"));
    assert_eq!(sim.addr(two[0].host).ip(), sim.addr(two[1].host).ip(), "the world sees one address");
    let near = SocketAddr::new(sim.addr_for(two[0].host, two[1].host).ip(), 70);
    two[0].write(&mut sim, near, "next door");
    outside.write(&mut sim, near, "from far away");
    assert!(two[1].got("next door") && !two[1].got("from far away"));
}

/// Whether a stream gets from one host to a port of the other, and whom that sees.
fn dial(from: Host, to: Host, forward: bool) -> (Saw, Option<IpAddr>) {
    struct Seer(Rc<RefCell<Option<IpAddr>>>);
    impl Actor for Seer {
        fn start(&mut self, cx: &mut Cx<'_>) {
            cx.listen(80);
        }
        fn accepted(&mut self, _: &mut Cx<'_>, _: End, remote: SocketAddr, _: u16) {
            *self.0.borrow_mut() = Some(remote.ip());
        }
    }
    let (mut sim, seen, saw) = (Sim::new(1), Rc::default(), Seen::default());
    let listener = sim.add_actor_on(to, Seer(Rc::clone(&seen)));
    if forward {
        sim.forward(listener, 80);
    }
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    let sender = sim.add_actor_on(from, Sender { to, bytes: 1, seen: saw.clone() });
    sim.run_for(minutes(2));
    let seen = *seen.borrow();
    assert!(seen.is_none_or(|seen| seen == sim.addr(sender).ip()));
    let saw = saw.borrow()[0].1.clone();
    (saw, seen)
}

#[test]
fn streams_get_out_of_every_gate_and_in_through_none() {
    let gates = [Gate::Firewall, Gate::FullCone, Gate::AddressRestricted, Gate::Symmetric];
    for gate in gates {
        let (open, closed) = (|| Host::new("open"), || Host::new("closed").behind(gate));
        assert_eq!(dial(closed(), open(), false).0, Saw::Connected, "out of {gate:?}");
        assert_eq!(dial(open(), closed(), false), (Saw::Failed(NetError::TimedOut), None), "into {gate:?}");
        assert_eq!(dial(open(), closed(), true).0, Saw::Connected, "forwarded by {gate:?}");
        assert_eq!(dial(closed(), closed(), false).0, Saw::Failed(NetError::TimedOut));
    }
}
