//! Tests of the network: what two actors see of each other.

mod datagrams;
mod gates;
mod halves;
mod trouble;

use super::*;
use crate::actor::{Actor, Cx};
use crate::sim::Sim;
use crate::units::{Rate, kib, mbit, millis, secs};
use std::cell::RefCell;
use std::rc::Rc;

/// What an actor saw, and when.
type Seen = Rc<RefCell<Vec<(Instant, Saw)>>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Saw {
    Connected,
    Failed(NetError),
    Accepted,
    Bytes(usize),
    Ended,
    Closed(Option<NetError>),
}

/// Listens, and notes what it sees.
struct Listener(Seen);

impl Actor for Listener {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.listen(80);
    }
    fn accepted(&mut self, cx: &mut Cx<'_>, _: End, _: SocketAddr, _: u16) {
        self.0.borrow_mut().push((cx.now, Saw::Accepted));
    }
    fn received(&mut self, cx: &mut Cx<'_>, _: End, data: Bytes) {
        self.0.borrow_mut().push((cx.now, Saw::Bytes(data.len())));
    }
    fn closed(&mut self, cx: &mut Cx<'_>, _: End, error: Option<NetError>) {
        self.0.borrow_mut().push((cx.now, Saw::Closed(error)));
    }
}

/// Opens a stream, sends so many bytes, and ends it when they have left.
struct Sender {
    to: SocketAddr,
    bytes: usize,
    seen: Seen,
}

impl Actor for Sender {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.connect(self.to);
    }
    fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
        self.seen.borrow_mut().push((cx.now, Saw::Connected));
        cx.send(end, vec![1; self.bytes]);
    }
    fn connect_failed(&mut self, cx: &mut Cx<'_>, _: End, error: NetError) {
        self.seen.borrow_mut().push((cx.now, Saw::Failed(error)));
    }
    fn closed(&mut self, cx: &mut Cx<'_>, _: End, error: Option<NetError>) {
        self.seen.borrow_mut().push((cx.now, Saw::Closed(error)));
    }
}

fn link(up: Rate, down: Rate) -> Link {
    Link::rates(up, down).latency(millis(10))
}

fn total(seen: &Seen) -> usize {
    let bytes = |saw: &(Instant, Saw)| if let Saw::Bytes(n) = saw.1 { n } else { 0 };
    seen.borrow().iter().map(bytes).sum()
}

#[test]
fn bytes_take_the_time_that_the_links_need() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there.clone()));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.add_actor("sender", link(mbit(4), mbit(8)), Sender { to, bytes: 500_000, seen: here.clone() });
    sim.run_for(secs(5));
    assert_eq!(here.borrow()[0], (Instant::from_millis(40), Saw::Connected));
    assert_eq!(there.borrow()[0], (Instant::from_millis(20), Saw::Accepted));
    assert_eq!(total(&there), 500_000);
    // A round trip to open, half a million bytes at half a million a second, the way, and the last parcel once
    // more through the faster downlink.
    let last = there.borrow().last().unwrap().0;
    let last_parcel = Duration::from_micros((500_000 % 65_536 % 16_384) as u64);
    let at_least = Instant::from_millis(40 + 1_000 + 20);
    assert!((at_least..=at_least + last_parcel + millis(66)).contains(&last), "{last}");
}

#[test]
fn two_streams_share_a_link_evenly() {
    let (mut sim, first, second) = (Sim::new(1), Seen::default(), Seen::default());
    let wide = link(mbit(100), mbit(100));
    let one = sim.add_actor("one", wide, Listener(first.clone()));
    let two = sim.add_actor("two", wide, Listener(second.clone()));
    struct Both(Vec<SocketAddr>);
    impl Actor for Both {
        fn start(&mut self, cx: &mut Cx<'_>) {
            let to = self.0.clone();
            for to in to {
                cx.connect(to);
            }
        }
        fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
            (0..100).for_each(|_| cx.send(end, vec![1; 10_000]));
        }
    }
    let to = [one, two].map(|host| SocketAddr::new(sim.addr(host).ip(), 80)).to_vec();
    sim.add_actor("sender", link(mbit(8), mbit(8)), Both(to));
    sim.run_for(millis(1_040));
    let (a, b) = (total(&first), total(&second));
    assert!(a.abs_diff(b) <= 20_000, "{a} and {b}");
    assert!((950_000..=1_000_000).contains(&(a + b)), "{}", a + b);
}

#[test]
fn a_window_bounds_what_is_on_its_way() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let far = Link::unlimited().latency(millis(50)).window(kib(64) as usize);
    let listener = sim.add_actor("listener", far, Listener(there.clone()));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.add_actor("sender", far, Sender { to, bytes: 10 << 20, seen: here });
    sim.run_for(secs(2) + millis(201));
    // A window every round trip of 200 ms, from 300 ms on.
    let windows = total(&there) / kib(64) as usize;
    assert!((9..=11).contains(&windows), "{windows}");
}

#[test]
fn who_does_not_listen_refuses_and_who_is_off_is_silent() {
    let (mut sim, there, refused, silent) = (Sim::new(1), Seen::default(), Seen::default(), Seen::default());
    let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there));
    let ip = sim.addr(listener).ip();
    let sender = |port, seen: &Seen| Sender { to: SocketAddr::new(ip, port), bytes: 1, seen: seen.clone() };
    sim.add_actor("one", link(mbit(8), mbit(8)), sender(81, &refused));
    sim.run_for(secs(1));
    assert_eq!(*refused.borrow(), [(Instant::from_millis(40), Saw::Failed(NetError::Refused))]);
    sim.kill(listener);
    sim.add_actor("two", link(mbit(8), mbit(8)), sender(80, &silent));
    sim.run_for(secs(30));
    assert_eq!(*silent.borrow(), []);
    sim.run_for(secs(60));
    assert_eq!(silent.borrow()[0].1, Saw::Failed(NetError::TimedOut));
}

#[test]
fn a_lossy_line_is_slower_and_loses_nothing() {
    let run = |permille| {
        let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
        let lossy = link(mbit(80), mbit(80)).loss_permille(permille);
        let listener = sim.add_actor("listener", lossy, Listener(there.clone()));
        let to = SocketAddr::new(sim.addr(listener).ip(), 80);
        sim.add_actor("sender", lossy, Sender { to, bytes: 5_000_000, seen: here });
        sim.run_for(secs(60));
        assert_eq!(total(&there), 5_000_000);
        there.borrow().last().unwrap().0
    };
    assert!(run(200) > run(0));
}

#[test]
fn a_killed_host_resets_its_streams() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.add_actor("sender", link(mbit(8), mbit(8)), Sender { to, bytes: 10, seen: here.clone() });
    sim.run_for(secs(1));
    sim.kill(listener);
    sim.run_for(secs(1));
    assert_eq!(here.borrow().last().unwrap().1, Saw::Closed(Some(NetError::Reset)));
}
