//! One side of a stream has no more to send, and the other goes on.

use super::*;

/// Sends so many bytes, shuts its half at once, and notes what comes.
struct Asker {
    to: SocketAddr,
    bytes: usize,
    /// It says that it has no more to send before the stream is open.
    early: bool,
    left: usize,
    seen: Seen,
}

impl Actor for Asker {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let end = cx.connect(self.to);
        if self.early {
            cx.shut(end);
        }
    }
    fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
        self.seen.borrow_mut().push((cx.now, Saw::Connected));
        cx.send(end, vec![1; self.bytes]);
        cx.shut(end);
        cx.send(end, "this is too late");
    }
    fn received(&mut self, cx: &mut Cx<'_>, _: End, data: Bytes) {
        self.seen.borrow_mut().push((cx.now, Saw::Bytes(data.len())));
    }
    fn sent(&mut self, _: &mut Cx<'_>, _: End, bytes: usize) {
        self.left += bytes;
    }
    fn closed(&mut self, cx: &mut Cx<'_>, _: End, error: Option<NetError>) {
        self.seen.borrow_mut().push((cx.now, Saw::Closed(error)));
    }
}

/// Answers with so many bytes when the other side has sent all, and ends it.
struct Answerer {
    bytes: usize,
    seen: Seen,
}

impl Actor for Answerer {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.listen(80);
    }
    fn received(&mut self, cx: &mut Cx<'_>, _: End, data: Bytes) {
        self.seen.borrow_mut().push((cx.now, Saw::Bytes(data.len())));
    }
    fn ended(&mut self, cx: &mut Cx<'_>, end: End) {
        self.seen.borrow_mut().push((cx.now, Saw::Ended));
        cx.send(end, vec![2; self.bytes]);
        cx.shut(end);
    }
    fn closed(&mut self, cx: &mut Cx<'_>, _: End, error: Option<NetError>) {
        self.seen.borrow_mut().push((cx.now, Saw::Closed(error)));
    }
}

fn asker(to: SocketAddr, bytes: usize, seen: &Seen) -> Asker {
    Asker { to, bytes, early: false, left: 0, seen: seen.clone() }
}

fn last(seen: &Seen) -> Saw {
    seen.borrow().last().unwrap().1.clone()
}

#[test]
fn who_has_shut_its_half_behind_much_still_gets_the_answer() {
    // The question is many parcels, and more than the window.
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let line = link(mbit(8), mbit(8)).window(kib(64) as usize);
    let answerer = sim.add_actor("answerer", line, Answerer { bytes: 300_000, seen: there.clone() });
    let to = SocketAddr::new(sim.addr(answerer).ip(), 80);
    let sender = sim.add_actor("asker", line, asker(to, 500_000, &here));
    sim.run_for(secs(10));
    assert_eq!(total(&there), 500_000, "all of it, and nothing that was sent too late");
    let told = there.borrow().iter().position(|(_, saw)| *saw == Saw::Ended).expect("it is told");
    let after = there.borrow()[told + 1..].iter().map(|(_, saw)| saw.clone()).collect::<Vec<_>>();
    assert_eq!(after, [Saw::Closed(None)], "the end came last, and with the answer the stream is over");
    assert_eq!(total(&here), 300_000);
    assert_eq!(last(&here), Saw::Closed(None));
    assert_eq!(sim.actor::<Asker>(sender).unwrap().left, 500_000, "it is told of all that left");
}

#[test]
fn a_half_that_was_shut_before_the_stream_was_open_ends_it_then() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let line = link(mbit(8), mbit(8));
    let answerer = sim.add_actor("answerer", line, Answerer { bytes: 1_000, seen: there.clone() });
    let to = SocketAddr::new(sim.addr(answerer).ip(), 80);
    sim.add_actor("asker", line, Asker { early: true, ..asker(to, 500, &here) });
    sim.run_for(secs(5));
    assert_eq!(there.borrow()[0].1, Saw::Ended, "nothing was sent");
    assert_eq!((total(&here), last(&here)), (1_000, Saw::Closed(None)));
}

#[test]
fn who_does_not_care_for_halves_closes_with_the_other_side() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let line = link(mbit(8), mbit(8));
    let listener = sim.add_actor("listener", line, Listener(there.clone()));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.add_actor("asker", line, asker(to, 50_000, &here));
    sim.run_for(secs(5));
    assert_eq!((total(&there), last(&there)), (50_000, Saw::Closed(None)));
    assert_eq!(last(&here), Saw::Closed(None));
}
