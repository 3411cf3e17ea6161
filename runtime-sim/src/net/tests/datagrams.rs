//! Tests of datagrams: what is lost, doubled, overtaken, too long; and of groups on a local network.

use super::*;
use crate::units::minutes;
use crate::{Gate, Host};

/// Datagrams that came: when, from where, and what was in them.
pub(super) type Post = Rc<RefCell<Vec<(Instant, SocketAddr, Vec<u8>)>>>;

/// Takes datagrams at port 70, and notes them.
struct Box70(Post);

impl Actor for Box70 {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.join(GROUP);
    }
    fn datagram(&mut self, cx: &mut Cx<'_>, from: SocketAddr, port: u16, data: Bytes) {
        assert_eq!(port, 70);
        self.0.borrow_mut().push((cx.now, from, data.to_vec()));
    }
}

/// Sends so many datagrams of this size, numbered, one each millisecond.
struct Writer {
    to: SocketAddr,
    count: u16,
    size: usize,
    done: u16,
}

impl Actor for Writer {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.woken(cx);
    }
    fn woken(&mut self, cx: &mut Cx<'_>) {
        let mut data = vec![0; self.size.max(2)];
        data[..2].copy_from_slice(&self.done.to_be_bytes());
        assert!(cx.send_datagram(70, self.to, data));
        self.done += 1;
        if self.done < self.count {
            cx.wake_at(cx.now + millis(1));
        }
    }
}

const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 192, 152, 143)), 70);

fn numbers(post: &Post) -> Vec<u16> {
    post.borrow().iter().map(|(_, _, data)| u16::from_be_bytes([data[0], data[1]])).collect()
}

/// What comes of 1,000 datagrams over this link.
fn sent_over(line: Link, size: usize) -> Vec<u16> {
    let (mut sim, post) = (Sim::new(3), Post::default());
    let there = sim.add_actor("there", Link::default(), Box70(post.clone()));
    let to = SocketAddr::new(sim.addr(there).ip(), 70);
    sim.add_actor("here", line, Writer { to, count: 1_000, size, done: 0 });
    sim.run_for(minutes(1));
    numbers(&post)
}

#[test]
fn on_a_good_line_every_datagram_comes_once_and_in_order() {
    assert!(sent_over(Link::default(), 500).into_iter().eq(0..1_000));
}

#[test]
fn some_are_lost_on_a_lossy_line() {
    let came = sent_over(Link::default().loss_permille(100), 500);
    assert!((860..940).contains(&came.len()), "{} of 1000", came.len());
    assert!(came.is_sorted());
}

#[test]
fn some_come_twice() {
    let came = sent_over(Link::default().duplicate_permille(100), 500);
    assert!((1_060..1_140).contains(&came.len()), "{} of 1000", came.len());
}

#[test]
fn jitter_has_them_overtake_one_another() {
    let came = sent_over(Link::default().jitter(millis(20)), 500);
    assert_eq!(came.len(), 1_000);
    assert!(!came.is_sorted());
}

#[test]
fn a_line_that_is_too_slow_drops_what_it_cannot_hold() {
    let came = sent_over(Link::symmetric(Rate(100_000)), 1_000);
    assert!((300..500).contains(&came.len()), "{} of 1000", came.len());
}

#[test]
fn what_is_too_long_does_not_leave_or_does_not_arrive() {
    struct Long(SocketAddr, Rc<RefCell<Vec<bool>>>);
    impl Actor for Long {
        fn start(&mut self, cx: &mut Cx<'_>) {
            for size in [1_000, 1_400, 1_472, 1_473] {
                let left = cx.send_datagram(70, self.0, vec![0; size]);
                self.1.borrow_mut().push(left);
            }
            let nowhere = SocketAddr::new("2001:db8::1".parse().unwrap(), 70);
            self.1.borrow_mut().push(cx.send_datagram(70, nowhere, vec![0; 9]));
        }
    }
    let (mut sim, post, left) = (Sim::new(3), Post::default(), Rc::default());
    let there = sim.add_actor("there", Link::default().mtu(1_400), Box70(post.clone()));
    let to = SocketAddr::new(sim.addr(there).ip(), 70);
    sim.add_actor_on(Host::new("here").only_v4(), Long(to, Rc::clone(&left)));
    sim.run_for(secs(1));
    assert_eq!(*left.borrow(), [true, true, true, false, false]);
    let came: Vec<usize> = post.borrow().iter().map(|(_, _, data)| data.len()).collect();
    assert_eq!(came, [1_000, 1_400]);
}

#[test]
fn datagrams_and_streams_share_a_line() {
    let (mut sim, post, there, here) = (Sim::new(3), Post::default(), Seen::default(), Seen::default());
    let to = sim.add_actor("box", Link::default(), Box70(post.clone()));
    let listener = sim.add_actor("listener", Link::default(), Listener(there.clone()));
    struct Both(SocketAddr, SocketAddr, Seen);
    impl Actor for Both {
        fn start(&mut self, cx: &mut Cx<'_>) {
            cx.connect(self.0);
        }
        fn connected(&mut self, cx: &mut Cx<'_>, end: End) {
            cx.send(end, vec![0; 2_000_000]);
            (0..100).for_each(|_| assert!(cx.send_datagram(70, self.1, vec![0; 1_400])));
            self.2.borrow_mut().push((cx.now, Saw::Connected));
        }
    }
    let addr = |host, port| SocketAddr::new(sim.addr(host).ip(), port);
    let (stream, mail) = (addr(listener, 80), addr(to, 70));
    sim.add_actor("here", link(mbit(8), mbit(8)), Both(stream, mail, here));
    sim.run_for(secs(1));
    let (mail, bytes) = (post.borrow().len() * 1_400, total(&there));
    assert!(
        mail > 100_000 && bytes > 500_000,
        "{mail} bytes of datagrams and {bytes} of streams in a second"
    );
    sim.run_for(secs(4));
    assert_eq!((post.borrow().len(), total(&there)), (100, 2_000_000));
}

#[test]
fn a_group_is_heard_on_its_own_network_and_nowhere_else() {
    let mut sim = Sim::new(3);
    let [home, office] = [sim.site(Gate::AddressRestricted), sim.site(Gate::Open)];
    let posts: Vec<Post> = (0..4).map(|_| Post::default()).collect();
    let mut add = |n: usize, host: Host| sim.add_actor_on(host, Box70(posts[n].clone()));
    let first = add(0, Host::new("first").at(home));
    add(1, Host::new("second").at(home));
    add(2, Host::new("office").at(office));
    add(3, Host::new("alone"));
    let writer = Writer { to: GROUP, count: 1, size: 5, done: 0 };
    let here = sim.add_actor_on(Host::new("here").at(home), writer);
    sim.run_for(secs(1));
    assert_eq!(posts.iter().map(|post| post.borrow().len()).collect::<Vec<_>>(), [1, 1, 0, 0]);
    let (at, from, _) = posts[0].borrow()[0].clone();
    assert!(at < Instant::from_millis(1), "it is near: {at}");
    assert_eq!(from, SocketAddr::new(sim.addr_for(first, here).ip(), 70), "and seen at its own address");
}
