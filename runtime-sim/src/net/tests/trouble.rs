//! Tests of what goes wrong on the way: partitions, resets, hosts that sleep or lose power.

use super::*;
use crate::net::Path;
use crate::units::minutes;

/// A listener, and somebody who sends it so many bytes over a line of a megabyte a second.
fn talk(bytes: usize) -> (Sim, HostId, HostId, Seen, Seen) {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there.clone()));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    let sender = sim.add_actor("sender", link(mbit(8), mbit(8)), Sender { to, bytes, seen: here.clone() });
    (sim, listener, sender, there, here)
}

fn last(seen: &Seen) -> Option<Saw> {
    seen.borrow().last().map(|(_, saw)| saw.clone())
}

#[test]
fn a_stream_stands_still_during_a_partition_and_goes_on_after_it() {
    let (mut sim, listener, sender, there, here) = talk(2_000_000);
    sim.run_for(millis(500));
    let partition = sim.partition(&[listener], &[sender]);
    sim.run_for(secs(1));
    let before = total(&there);
    sim.run_for(secs(30));
    assert_eq!(total(&there), before, "nothing gets through");
    assert!((300_000..600_000).contains(&before), "{before}");
    sim.heal(partition);
    sim.run_for(secs(40));
    assert_eq!(total(&there), 2_000_000, "what was lost came again");
    assert_eq!(last(&here), Some(Saw::Connected), "and nobody was told");
}

#[test]
fn who_waits_for_too_long_takes_a_stream_for_dead() {
    let (mut sim, listener, sender, there, here) = talk(2_000_000);
    sim.run_for(millis(500));
    let partition = sim.partition(&[listener], &[sender]);
    sim.run_for(minutes(14));
    assert_eq!(last(&here), Some(Saw::Connected));
    sim.run_for(minutes(5));
    assert_eq!(last(&here), Some(Saw::Closed(Some(NetError::TimedOut))));
    assert!(matches!(last(&there), Some(Saw::Bytes(_))), "the other side has nothing to notice it by");
    sim.heal(partition);
}

#[test]
fn a_partition_stands_between_its_two_sides_only() {
    let (mut sim, listener, sender, there, _) = talk(100_000);
    let third = Seen::default();
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.partition(&[listener], &[sender]);
    sim.add_actor("third", Link::default(), Sender { to, bytes: 5_000, seen: third.clone() });
    sim.run_for(secs(5));
    assert_eq!((last(&third), total(&there)), (Some(Saw::Connected), 5_000));
}

#[test]
fn who_dials_through_a_partition_gets_there_if_it_heals_in_time() {
    let (mut sim, listener, sender, _, here) = talk(1_000);
    let partition = sim.isolate(&[listener]);
    sim.run_for(secs(20));
    assert!(here.borrow().is_empty());
    sim.heal(partition);
    sim.run_for(secs(15));
    assert_eq!(last(&here), Some(Saw::Connected));

    let (mut sim, listener, _, _, here) = talk(1_000);
    sim.isolate(&[listener]);
    sim.run_for(secs(59));
    assert!(here.borrow().is_empty());
    sim.run_for(secs(2));
    assert_eq!(last(&here), Some(Saw::Failed(NetError::TimedOut)));
    let _ = sender;
}

#[test]
fn a_long_way_between_two_hosts_is_long_for_them_alone() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    sim.set_path(listener, HostId(1), Some(Path::latency(millis(300))));
    for _ in 0..2 {
        sim.add_actor("sender", link(mbit(8), mbit(8)), Sender { to, bytes: 10, seen: here.clone() });
    }
    sim.run_for(secs(1));
    assert_eq!(here.borrow()[0].0, Instant::from_millis(40));
    assert_eq!(here.borrow()[1].0, Instant::from_millis(600));
}

#[test]
fn a_lossy_way_is_slower_than_a_clean_one() {
    let took = |path: Option<Path>| {
        let (mut sim, listener, sender, there, _) = talk(3_000_000);
        sim.set_path(sender, listener, path);
        sim.run_for(minutes(1));
        assert_eq!(total(&there), 3_000_000);
        there.borrow().last().unwrap().0
    };
    assert!(took(Some(Path::default().loss_permille(300))) > took(None));
}

#[test]
fn on_a_line_that_breaks_streams_they_break_for_both() {
    let mut lives = Vec::new();
    for seed in 0..60 {
        let (mut sim, there, here) = (Sim::new(seed), Seen::default(), Seen::default());
        let breaking = link(mbit(8), mbit(8)).reset_permille(200);
        let listener = sim.add_actor("listener", link(mbit(8), mbit(8)), Listener(there.clone()));
        let to = SocketAddr::new(sim.addr(listener).ip(), 80);
        sim.add_actor("sender", breaking, Sender { to, bytes: 1, seen: here.clone() });
        sim.run_for(minutes(2));
        let reset = Some(Saw::Closed(Some(NetError::Reset)));
        assert_eq!((last(&here), last(&there)), (reset.clone(), reset));
        lives.push(here.borrow().last().unwrap().0.as_micros() / 1_000_000);
    }
    let mean = lives.iter().sum::<u64>() / 60;
    assert!((3..8).contains(&mean), "broken after {mean} s, on average");
}

#[test]
fn a_line_may_begin_to_break_streams_that_are_open() {
    let (mut sim, listener, _, there, _) = talk(10);
    sim.run_for(secs(5));
    let link = sim.link(listener).reset_permille(500);
    sim.set_link(listener, link);
    sim.run_for(secs(30));
    assert_eq!(last(&there), Some(Saw::Closed(Some(NetError::Reset))));
}

#[test]
fn a_suspended_host_answers_nobody_and_takes_up_where_it_was() {
    let (mut sim, listener, _, there, here) = talk(2_000_000);
    sim.run_for(millis(500));
    sim.suspend(listener);
    let before = there.borrow().len();
    sim.run_for(secs(60));
    assert_eq!(there.borrow().len(), before);
    sim.resume(listener);
    sim.run_for(minutes(2));
    assert_eq!((total(&there), last(&here)), (2_000_000, Some(Saw::Connected)));
}

#[test]
fn a_suspended_host_sends_nothing() {
    let (mut sim, _, sender, there, _) = talk(2_000_000);
    sim.run_for(millis(500));
    sim.suspend(sender);
    sim.run_for(secs(1));
    let before = total(&there);
    sim.run_for(secs(60));
    assert_eq!(total(&there), before);
    sim.resume(sender);
    sim.run_for(secs(10));
    assert_eq!(total(&there), 2_000_000);
}

#[test]
fn a_host_that_lost_power_knows_nothing_of_its_streams_afterwards() {
    let (mut sim, listener, _, _, here) = talk(2_000_000);
    sim.run_for(millis(500));
    sim.cut_power(listener);
    sim.run_for(secs(5));
    assert_eq!(last(&here), Some(Saw::Connected), "nobody is told");
    sim.start(listener);
    sim.run_for(secs(20));
    assert_eq!(last(&here), Some(Saw::Closed(Some(NetError::Reset))));
}

#[test]
fn who_has_no_address_of_the_family_cannot_get_there() {
    let (mut sim, there, here) = (Sim::new(1), Seen::default(), Seen::default());
    let listener = sim.add_actor_on(crate::Host::new("listener").only_v6(), Listener(there.clone()));
    let to = SocketAddr::new(sim.addr(listener).ip(), 80);
    assert!(to.is_ipv6());
    let mut dial = |host| sim.add_actor_on(host, Sender { to, bytes: 7, seen: here.clone() });
    dial(crate::Host::new("old").only_v4());
    dial(crate::Host::new("both"));
    sim.run_for(secs(1));
    let unreachable = (Instant::ZERO, Saw::Failed(NetError::Unreachable));
    assert_eq!(*here.borrow(), [unreachable, (Instant::from_millis(40), Saw::Connected)]);
    assert_eq!(total(&there), 7);
}
