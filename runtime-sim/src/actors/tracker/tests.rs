//! Stories of swarms with rude trackers.

use super::*;
use crate::units::{hours, kib, minutes, secs};
use crate::{Host, HostId, Link, Sim};
use peerless_core::{Event, TrackerNews};

/// A seed and a leecher that know each other only through these trackers, one tier each.
fn swarm(seed: u64, trackers: Vec<HttpTracker>) -> (Sim, HostId) {
    let mut sim = Sim::new(seed);
    let hosts: Vec<_> =
        trackers.into_iter().map(|t| sim.add_actor("tracker", Link::unlimited(), t)).collect();
    let urls: Vec<_> = hosts.into_iter().map(|host| HttpTracker::url(sim.addr(host))).collect();
    let torrent = sim.torrent(kib(512), 64 << 10, &urls).unwrap();
    sim.add(Host::new("seed").seeds(&torrent));
    let leecher = sim.add(Host::new("leecher").downloads(&torrent));
    (sim, leecher)
}

fn always(manner: TrackerManner) -> HttpTracker {
    HttpTracker::new(1).from(secs(0), manner)
}

fn news(sim: &Sim, host: HostId) -> impl Iterator<Item = &TrackerNews> {
    sim.story(host).iter().filter_map(|(_, event)| match event {
        Event::Tracker { news, .. } => Some(news),
        _ => None,
    })
}

/// Every manner in which no peer can be had of a tracker.
fn useless() -> Vec<TrackerManner> {
    use TrackerManner::*;
    vec![
        Silent,
        Reset,
        Late(minutes(2)),
        Trickling(secs(10)),
        Half,
        Refusing("unregistered torrent"),
        Failing(500),
        Failing(404),
        Noise,
        WebPage,
        WrongTypes,
        Unfinished,
        Endless,
        Redirecting,
    ]
}

#[test]
fn a_useless_tracker_keeps_nobody_from_the_other() {
    for manner in useless() {
        let (mut sim, leecher) = swarm(1, vec![always(manner.clone()), HttpTracker::new(1)]);
        let run = sim.run_until(minutes(3), |sim| sim.downloads_left() == 0);
        assert_eq!(run, Ok(()), "{manner:?}");
        // What is wrong with it is told, even where that takes until it runs out of time.
        sim.run_for(minutes(1));
        let told = news(&sim, leecher).any(|n| matches!(n, TrackerNews::Failed { .. }));
        assert!(told, "{manner:?}: {:?}", news(&sim, leecher).collect::<Vec<_>>());
    }
}

#[test]
fn a_tracker_that_comes_to_its_senses_is_asked_again() {
    for manner in useless() {
        let (mut sim, _) = swarm(2, vec![always(manner.clone()).from(minutes(5), TrackerManner::Civil)]);
        let run = sim.run_until(minutes(30), |sim| sim.downloads_left() == 0);
        assert_eq!(run, Ok(()), "{manner:?}");
        assert!(sim.now() >= Instant::ZERO + minutes(5), "{manner:?}: complete at {}", sim.now());
    }
}

#[test]
fn an_absurd_interval_is_not_obeyed() {
    for (asked, least, most) in [(hours(24 * 365), minutes(30), hours(24)), (secs(1), minutes(1), minutes(2))]
    {
        let (mut sim, leecher) = swarm(3, vec![always(TrackerManner::Interval(asked))]);
        sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
        let waits: Vec<_> = news(&sim, leecher)
            .filter_map(|n| if let TrackerNews::Answered { next, .. } = n { Some(*next) } else { None })
            .collect();
        assert!(!waits.is_empty());
        assert!(waits.iter().all(|wait| (least..=most).contains(wait)), "asked for {asked:?}: {waits:?}");
    }
}

#[test]
fn a_change_of_interval_is_obeyed_at_the_next_answer() {
    let tracker =
        always(TrackerManner::Interval(minutes(5))).from(minutes(4), TrackerManner::Interval(minutes(40)));
    let (mut sim, leecher) = swarm(4, vec![tracker]);
    sim.run_for(hours(2));
    let asked: Vec<_> = sim
        .story(leecher)
        .iter()
        .filter(|(_, e)| matches!(e, Event::Tracker { news: TrackerNews::Answered { .. }, .. }))
        .map(|(at, _)| at.as_micros() / 1_000_000)
        .collect();
    // Started, completed, and then regularly: after 5 minutes, and after 40 each.
    let regular: Vec<_> = asked.iter().copied().filter(|at| *at > 60).collect();
    assert!((2..=4).contains(&regular.len()), "{asked:?}");
    assert!(regular.windows(2).all(|w| w[1] - w[0] >= 39 * 60), "{asked:?}");
}

#[test]
fn peers_that_do_not_exist_hold_up_nobody() {
    // The seed is content with the first tracker, until it has tried everybody whom that one named.
    let (mut sim, leecher) = swarm(5, vec![always(TrackerManner::Phantoms(200)), HttpTracker::new(1)]);
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.status(leecher).unwrap().known_peers > 150, "{:?}", sim.status(leecher));
}
