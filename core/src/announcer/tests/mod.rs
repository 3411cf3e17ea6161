//! Stories of the schedule on virtual time, against trackers that answer, refuse, and say nothing.

mod events;

use super::*;
use crate::limits::TRACKER_TIMEOUT;
use crate::tracker::{RetryIn, UrlError};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;
use rand_chacha::rand_core::SeedableRng;

/// What a tracker does with an announce.
#[derive(Clone, Debug)]
enum Reply {
    /// Answers after so many seconds.
    Answer(u64, AnnounceResponse),
    /// Fails after so many seconds.
    Fail(u64, TrackerError),
}

const SECOND: Duration = Duration::from_secs(1);

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn answer(interval: u64, peers: usize) -> AnnounceResponse {
    AnnounceResponse {
        interval: (interval > 0).then(|| Duration::from_secs(interval)),
        peers: vec!["192.0.2.1:6881".parse().unwrap(); peers],
        ..AnnounceResponse::default()
    }
}

fn good() -> Reply {
    Reply::Answer(0, answer(1_800, 5))
}

fn empty() -> Reply {
    Reply::Answer(0, answer(1_800, 0))
}

fn down() -> Reply {
    Reply::Fail(0, TrackerError::Connect(crate::NetError::Refused))
}

fn silent() -> Reply {
    Reply::Fail(30, TrackerError::TimedOut(TRACKER_TIMEOUT))
}

/// A torrent's announcer and the trackers' side, in one thread on virtual time.
struct World {
    announcer: Announcer,
    now: Instant,
    script: fn(&str, usize) -> Reply,
    /// Announces in progress: when they end, and how.
    running: Vec<(Instant, TrackerKey, Reply)>,
    /// What was asked: second, tracker, event.
    log: Vec<(u64, String, AnnounceEvent)>,
}

impl World {
    /// Starts a torrent whose trackers are named by letters, tiers separated by spaces; `script` says what the
    /// n-th announce to a tracker meets.
    fn new(tiers: &str, script: fn(&str, usize) -> Reply) -> Self {
        let tier = |letters: &str| letters.chars().map(|c| format!("http://{c}/").into()).collect();
        let tiers: Vec<_> = tiers.split_whitespace().map(tier).collect();
        let announcer = Announcer::new(&tiers, ChaCha8Rng::from_seed([7; 32]));
        Self { announcer, now: Instant::ZERO, script, running: vec![], log: vec![] }
    }

    fn started(tiers: &str, script: fn(&str, usize) -> Reply) -> Self {
        let mut world = Self::new(tiers, script);
        world.announcer.start(Instant::ZERO);
        world
    }

    /// Goes on until `end`; never more than one step without time passing for each announce.
    fn run(&mut self, end: Instant) -> &mut Self {
        loop {
            while let Some(due) = self.announcer.poll(self.now) {
                self.ask(due);
            }
            let wake = self.announcer.next_deadline();
            assert!(wake.is_none_or(|wake| wake > self.now), "a busy loop at {}: {wake:?}", self.now);
            let ends = self.running.iter().map(|(end, ..)| *end).chain(wake).min();
            let Some(next) = ends.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let over = self.running.extract_if(.., |(end, ..)| *end <= self.now).collect::<Vec<_>>();
            for (_, key, reply) in over {
                match reply {
                    Reply::Answer(_, response) => self.announcer.answered(self.now, key, &response),
                    Reply::Fail(_, error) => self.announcer.failed(self.now, key, &error),
                }
            }
        }
        self.now = end;
        self
    }

    fn ask(&mut self, due: Due) {
        assert!(self.running.iter().all(|(_, key, _)| *key != due.tracker), "asked twice at once");
        let name = String::from(due.url.trim_matches(['h', 't', 'p', ':', '/']));
        let before = self.log.iter().filter(|(_, n, _)| *n == name).count();
        let reply = (self.script)(&name, before);
        let (Reply::Answer(secs, _) | Reply::Fail(secs, _)) = &reply;
        let end = self.now + (SECOND * u32::try_from(*secs).unwrap()).min(due.timeout);
        // An answer takes a moment, or the world would stand still.
        self.running.push((end + Duration::from_millis(1), due.tracker, reply));
        self.log.push((self.now.as_micros() / 1_000_000, name, due.event));
    }

    /// Stops; the driver drops what is in progress.
    fn stop(&mut self) {
        self.announcer.stop();
        self.running.clear();
    }

    /// Who was asked when.
    fn asked(&self) -> Vec<(u64, &str)> {
        self.log.iter().map(|(secs, name, _)| (*secs, name.as_str())).collect()
    }

    fn events(&self) -> Vec<(&str, AnnounceEvent)> {
        self.log.iter().map(|(_, name, event)| (name.as_str(), *event)).collect()
    }

    fn times(&self, name: &str) -> Vec<u64> {
        self.log.iter().filter(|(_, n, _)| n == name).map(|(secs, ..)| *secs).collect()
    }

    fn states(&self) -> Vec<(&str, TrackerState<'_>)> {
        self.announcer.status().map(|s| (s.url, s.state)).collect()
    }
}

use AnnounceEvent::{Completed, None as Regular, Started, Stopped};

#[test]
fn a_tracker_that_works_is_asked_at_its_interval() {
    let mut world = World::started("a", |_, _| good());
    world.run(at(4_000));
    assert_eq!(world.asked(), [(0, "a"), (1_800, "a"), (3_600, "a")]);
    assert_eq!(world.events(), [("a", Started), ("a", Regular), ("a", Regular)]);
}

#[test]
fn a_tracker_that_gives_peers_leaves_the_other_tiers_alone() {
    let mut world = World::started("ab c d", |_, _| good());
    world.run(at(1_000));
    assert_eq!(world.log.len(), 1);
    assert_eq!(world.states().iter().filter(|(_, state)| *state == TrackerState::Idle).count(), 3);
}

#[test]
fn the_next_of_a_tier_is_asked_at_once_when_one_fails() {
    let mut world = World::started("abc d", |name, _| if name == "d" { good() } else { down() });
    world.run(at(1));
    assert_eq!(world.log.iter().map(|(secs, ..)| *secs).max(), Some(0));
    assert_eq!(world.log.len(), 4, "{:?}", world.log);
    assert_eq!(world.log[3].1, "d", "the next tier after all of the first");
}

#[test]
fn a_silent_tracker_does_not_delay_the_next_tier_beyond_5_seconds() {
    let mut world = World::started("a b c", |name, _| if name == "c" { good() } else { silent() });
    world.run(at(29));
    assert_eq!(world.asked(), [(0, "a"), (5, "b"), (10, "c")]);
    let a = world.states()[0].1.clone();
    assert_eq!(a, TrackerState::Asking, "it keeps its chance");
}

#[test]
fn a_silent_tracker_does_not_delay_the_next_of_its_tier_either() {
    let mut world = World::started("ab", |_, _| silent());
    world.run(at(29));
    assert_eq!(world.log.iter().map(|(secs, ..)| *secs).collect::<Vec<_>>(), [0, 5]);
}

#[test]
fn a_tracker_without_peers_opens_the_next_tier_after_5_seconds() {
    let mut world = World::started("a b c", |name, _| if name == "b" { good() } else { empty() });
    world.run(at(100));
    assert_eq!(world.asked(), [(0, "a"), (5, "b")]);
}

#[test]
fn a_late_answer_with_peers_stops_the_search() {
    let mut world = World::started("a b c", |name, _| match name {
        "a" => Reply::Answer(7, answer(1_800, 3)),
        _ => silent(),
    });
    world.run(at(29));
    assert_eq!(world.asked(), [(0, "a"), (5, "b")]);
}

#[test]
fn a_failing_tracker_is_tried_less_and_less() {
    let mut world = World::started("a", |_, _| down());
    world.run(at(4 * 3_600));
    let times = world.times("a");
    let waits: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();
    for (wait, base) in waits.iter().zip([15, 30, 60, 120, 240, 480, 960, 1_800, 1_800]) {
        assert!((base * 3 / 4..=base + 1).contains(wait) && *wait >= 15, "{waits:?}");
    }
    let last = *waits.last().unwrap();
    assert!((1_350..=1_801).contains(&last), "it levels off, and never gives up: {waits:?}");
    assert_ne!(waits[6] * 15, waits[0] * 960, "some of it is chance");
}

#[test]
fn a_tracker_that_comes_back_starts_with_a_clean_slate() {
    let mut world = World::started("a", |_, n| if n == 3 { Reply::Answer(0, answer(60, 1)) } else { down() });
    world.run(at(400));
    let times = world.times("a");
    let waits: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(waits[3], 60, "{waits:?}");
    assert!((15..=16).contains(&waits[4]), "{waits:?}");
    let events: Vec<_> = world.events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(events[..5], [Started, Started, Started, Started, Regular], "started until it is heard");
}

#[test]
fn a_tracker_that_works_moves_to_the_front_of_its_tier() {
    let mut world = World::started("abcd", |name, n| match (name, n) {
        ("c", 0 | 2) => good(),
        _ => down(),
    });
    world.run(at(10));
    assert_eq!(world.states()[0].0, "http://c/");
    let asked = world.log.len();
    world.run(at(1_790));
    assert_eq!(world.log.len(), asked, "the others rest while it works");
    world.run(at(1_810));
    assert_eq!(world.log[asked].1, "c", "it is asked first when its interval is over");
    assert!(world.log.len() > asked + 1, "and the others take over when it fails");
}

#[test]
fn the_order_within_a_tier_is_by_chance_and_by_seed() {
    let order = |seed| {
        let urls: Vec<Box<str>> = "abcdefgh".chars().map(|c| format!("http://{c}/").into()).collect();
        let announcer = Announcer::new(&[urls], ChaCha8Rng::from_seed([seed; 32]));
        announcer.status().map(|s| String::from(s.url)).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let mut sorted = order(3);
    sorted.sort();
    assert_eq!(sorted.len(), 8);
    assert_eq!(sorted.first().map(String::as_str), Some("http://a/"));
}

#[test]
fn an_interval_of_nothing_is_no_busy_loop() {
    for interval in [0, 1] {
        let script = if interval == 0 {
            |_: &str, _| Reply::Answer(0, answer(0, 1))
        } else {
            |_: &str, _| Reply::Answer(0, AnnounceResponse { min_interval: Some(SECOND), ..answer(1, 1) })
        };
        let mut world = World::started("a", script);
        for minute in 1..=60 {
            world.announcer.need_peers();
            world.run(at(minute * 60));
        }
        let times = world.times("a");
        assert!(times.windows(2).all(|w| w[1] - w[0] >= 15), "{times:?}");
        assert!(times.len() > 1);
    }
}

#[test]
fn an_endless_interval_is_no_silence_for_ever() {
    let mut world = World::started("a", |_, _| {
        let min_interval = Some(Duration::from_secs(i64::MAX as u64));
        Reply::Answer(0, AnnounceResponse { min_interval, ..answer(i64::MAX as u64, 1) })
    });
    world.run(at(30 * 3_600));
    assert_eq!(world.times("a"), [0, 24 * 3_600]);
}

#[test]
fn peers_that_ran_out_are_asked_for_as_early_as_the_tracker_allows() {
    let mut world = World::started("a", |_, _| {
        Reply::Answer(0, AnnounceResponse { min_interval: Some(SECOND * 300), ..answer(1_800, 1) })
    });
    world.run(at(10));
    world.announcer.need_peers();
    world.announcer.need_peers();
    world.run(at(299));
    assert_eq!(world.times("a"), [0]);
    world.run(at(1_000));
    assert_eq!(world.times("a"), [0, 300], "once, and then at the interval again");
    world.announcer.need_peers();
    world.run(at(1_001));
    assert_eq!(world.times("a"), [0, 300, 1_000], "the minimum is over: at once");
}

#[test]
fn peers_that_ran_out_open_the_next_tier() {
    let mut world = World::started("a b", |_, _| good());
    world.run(at(100));
    world.announcer.need_peers();
    world.run(at(101));
    assert_eq!(world.asked(), [(0, "a"), (100, "b")]);
}

#[test]
fn a_seed_that_nobody_finds_tells_the_next_tier_and_hurries_nobody() {
    let mut world = World::started("a b", |_, _| good());
    world.run(at(10));
    world.announcer.completed();
    world.run(at(100));
    world.announcer.need_peers();
    world.run(at(200));
    assert_eq!(world.times("b"), [100]);
    assert_eq!(world.times("a").len(), 2, "started, completed");
}

#[test]
fn never_is_never_and_minutes_are_minutes() {
    fn refused(retry_in: RetryIn) -> Reply {
        Reply::Fail(0, TrackerError::Refused { text: "no".into(), retry_in: Some(retry_in) })
    }
    let mut never = World::started("a", |_, _| refused(RetryIn::Never));
    never.run(at(100_000));
    assert_eq!(never.times("a"), [0]);
    assert_eq!(never.announcer.counts(), TrackerCounts { failed: 1, ..TrackerCounts::default() });
    let mut minutes = World::started("a", |_, _| refused(RetryIn::After(SECOND * 600)));
    minutes.run(at(1_500));
    assert_eq!(minutes.times("a"), [0, 600, 1_200]);
    let mut no_time = World::started("a", |_, _| refused(RetryIn::After(Duration::ZERO)));
    no_time.run(at(40));
    assert_eq!(no_time.times("a"), [0, 15, 30]);
    let mut ages = World::started("a", |_, _| refused(RetryIn::After(Duration::MAX)));
    ages.run(at(25 * 3_600));
    assert_eq!(ages.times("a"), [0, 24 * 3_600]);
}

#[test]
fn trackers_of_other_kinds_are_kept_and_passed_over() {
    let urls = |list: &[&str]| list.iter().map(|url| Box::from(*url)).collect::<Vec<Box<str>>>();
    let tiers = [urls(&["udp://a:80", "wss://b"]), urls(&["http://c/", "nonsense"])];
    let mut announcer = Announcer::new(&tiers, ChaCha8Rng::from_seed([1; 32]));
    announcer.start(Instant::ZERO);
    assert_eq!(announcer.poll(Instant::ZERO).map(|due| due.url), Some("http://c/".into()), "no time is lost");
    assert_eq!(announcer.poll(Instant::ZERO), None);
    let reason = |url: &str| announcer.status().find(|s| s.url == url).unwrap().state;
    assert_eq!(reason("udp://a:80"), TrackerState::Unusable(&UrlError::Scheme("udp".into())));
    assert!(matches!(reason("nonsense"), TrackerState::Unusable(UrlError::Malformed(_))));
}

#[test]
fn a_tracker_counts_once_and_hundreds_are_cut() {
    let world = World::started("ab ac b", |_, _| down());
    assert_eq!(world.announcer.status().map(|s| s.tier).collect::<Vec<_>>(), [0, 0, 1]);
    let many: Vec<Box<str>> = (0..1_000).map(|n| format!("http://{n}/").into()).collect();
    let announcer = Announcer::new(&[many], ChaCha8Rng::from_seed([1; 32]));
    assert_eq!(announcer.status().count(), MAX_TRACKERS);
}

#[test]
fn hundreds_of_silent_trackers_are_not_asked_all_at_once() {
    let mut world = World::new("", |_, _| silent());
    let tiers: Vec<Vec<Box<str>>> = (0..400).map(|n| vec![format!("http://{n}.example/").into()]).collect();
    world.announcer = Announcer::new(&tiers, ChaCha8Rng::from_seed([1; 32]));
    world.announcer.start(Instant::ZERO);
    for second in 1..4_000 {
        world.run(at(second));
        assert!(world.running.len() <= MAX_ASKING);
    }
}

#[test]
fn the_trackers_own_id_is_given_back() {
    let mut world = World::started("a", |_, _| {
        Reply::Answer(0, AnnounceResponse { tracker_id: Some(b"id".as_slice().into()), ..answer(60, 1) })
    });
    world.run(at(30));
    assert_eq!(world.announcer.poll(at(70)).unwrap().tracker_id.as_deref(), Some(&b"id"[..]));
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let mut announcer = World::started("a", |_, _| good()).announcer;
    let due = announcer.poll(Instant::ZERO).unwrap();
    assert_eq!(due.timeout, TRACKER_TIMEOUT);
    announcer.failed(at(1), due.tracker, &TrackerError::Incomplete);
    announcer.answered(at(2), due.tracker, &answer(60, 1));
    announcer.answered(at(2), TrackerKey(99), &answer(60, 1));
    announcer.failed(at(2), TrackerKey(99), &TrackerError::Incomplete);
    assert!(matches!(announcer.counts(), TrackerCounts { asking: 0, working: 0, failed: 1, retry: Some(_) }));
}

/// Something that can happen to a schedule.
#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Answer(usize, u64, usize),
    Fail(usize, bool),
    Completed,
    NeedPeers,
    Stop,
    Start,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0u64..4_000).prop_map(Op::Wait),
        5 => (0usize..8, any::<u64>(), 0usize..2).prop_map(|(at, interval, peers)| Op::Answer(at, interval, peers)),
        4 => (0usize..8, any::<bool>()).prop_map(|(at, never)| Op::Fail(at, never)),
        1 => Just(Op::Completed),
        2 => Just(Op::NeedPeers),
        1 => Just(Op::Stop),
        1 => Just(Op::Start),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_nobody_is_asked_too_often(ops in prop::collection::vec(op(), 0..120)) {
        let mut announcer = World::new("abc de f", |_, _| good()).announcer;
        let mut now = Instant::ZERO;
        let mut running: Vec<Due> = vec![];
        let mut stopped = false;
        // Of each tracker: when it was last asked, since the last start.
        let mut last: [Option<Instant>; 6] = [None; 6];
        for op in ops {
            match op {
                Op::Wait(secs) => now = now + SECOND * u32::try_from(secs).unwrap(),
                Op::Answer(at, interval, peers) if at < running.len() => {
                    announcer.answered(now, running.swap_remove(at).tracker, &answer(interval, peers));
                }
                Op::Fail(at, never) if at < running.len() => {
                    let retry_in = never.then_some(RetryIn::Never);
                    let error = TrackerError::Refused { text: "no".into(), retry_in };
                    announcer.failed(now, running.swap_remove(at).tracker, &error);
                }
                Op::Answer(..) | Op::Fail(..) => {}
                Op::Completed => announcer.completed(),
                Op::NeedPeers => announcer.need_peers(),
                Op::Stop => {
                    announcer.stop();
                    if !core::mem::replace(&mut stopped, true) {
                        running.clear();
                    }
                }
                Op::Start => {
                    announcer.start(now);
                    stopped = false;
                    running.clear();
                    last = [None; 6];
                }
            }
            while let Some(due) = announcer.poll(now) {
                let slot = &mut last[due.tracker.0 as usize];
                if matches!(due.event, Started | Regular) {
                    prop_assert!(slot.is_none_or(|then| now.since(then) >= SECOND * 15), "{due:?} at {now}");
                }
                *slot = Some(now);
                prop_assert!(running.iter().all(|r| r.tracker != due.tracker));
                running.push(due);
            }
            prop_assert!(announcer.next_deadline().is_none_or(|wake| wake > now));
            prop_assert_eq!(announcer.counts().asking as usize, running.len());
        }
    }
}
