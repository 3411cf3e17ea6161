//! Who is told that the torrent started, completed and stopped, and when.

use super::*;

#[test]
fn completed_is_told_once_and_at_once_to_those_who_know_us() {
    let mut world = World::started("a b c", |name, _| if name == "a" { empty() } else { good() });
    world.run(at(10));
    world.announcer.completed();
    world.announcer.completed();
    world.run(at(20));
    assert_eq!(world.events()[2..], [("a", Completed), ("b", Completed)]);
    world.run(at(2_000));
    assert_eq!(world.events().iter().filter(|(_, event)| *event == Completed).count(), 2);
}

#[test]
fn completed_is_told_again_until_it_is_heard() {
    let mut world = World::started("a", |_, n| if n == 1 { down() } else { good() });
    world.run(at(10));
    world.announcer.completed();
    world.run(at(100));
    assert_eq!(world.events(), [("a", Started), ("a", Completed), ("a", Completed)]);
}

#[test]
fn a_completion_while_started_is_on_its_way_is_told_afterwards() {
    let mut world = World::started("a", |_, _| Reply::Answer(3, answer(1_800, 1)));
    world.run(at(1));
    world.announcer.completed();
    world.run(at(10));
    assert_eq!(world.events(), [("a", Started), ("a", Completed)]);

    let mut world = World::started("a", |_, n| if n == 0 { silent() } else { good() });
    world.run(at(1));
    world.announcer.completed();
    world.run(at(100));
    assert_eq!(world.events(), [("a", Started), ("a", Started)], "it never knew us as one that downloads");
}

#[test]
fn a_torrent_that_was_complete_from_the_start_tells_no_completion() {
    let mut world = World::new("a b", |_, _| empty());
    world.announcer.completed();
    world.announcer.start(Instant::ZERO);
    world.announcer.completed();
    world.run(at(100));
    assert_eq!(world.events(), [("a", Started)], "nor does a seed look for peers in the next tier");
}

#[test]
fn stopped_is_told_once_to_those_who_know_us() {
    let mut world = World::started("a b c d", |name, _| match name {
        "a" => empty(),
        "b" => down(),
        "c" => silent(),
        _ => good(),
    });
    world.run(at(14));
    assert!(!world.announcer.is_stopped());
    world.stop();
    assert!(!world.announcer.is_stopped(), "they have yet to hear it");
    let before = world.log.len();
    world.run(at(20));
    assert_eq!(world.events()[before..], [("a", Stopped), ("d", Stopped)]);
    assert!(world.announcer.is_stopped());
    world.stop();
    world.run(at(10_000));
    assert_eq!(world.log.len(), before + 2);
    assert_eq!(world.announcer.next_deadline(), None);
}

#[test]
fn a_tracker_that_does_not_hear_stopped_holds_nobody_up() {
    let mut world = World::started("a", |_, n| if n == 0 { good() } else { silent() });
    world.run(at(10));
    world.stop();
    world.run(at(13));
    assert!(world.announcer.is_stopped(), "two seconds are all it gets");
}

#[test]
fn a_tracker_that_wants_to_hear_nothing_any_more_hears_nothing_of_the_stop() {
    fn never() -> Reply {
        Reply::Fail(0, TrackerError::Refused { text: "no".into(), retry_in: Some(RetryIn::Never) })
    }
    let mut world = World::started("a", |_, n| if n == 0 { good() } else { never() });
    world.run(at(2_000));
    world.announcer.completed();
    world.stop();
    world.run(at(3_000));
    assert_eq!(world.events(), [("a", Started), ("a", Regular)]);
    assert!(world.announcer.is_stopped());
}

#[test]
fn completed_comes_before_stopped() {
    let mut world = World::started("a", |_, _| good());
    world.run(at(10));
    world.announcer.completed();
    world.stop();
    world.run(at(20));
    assert_eq!(world.events(), [("a", Started), ("a", Completed), ("a", Stopped)]);
    assert!(world.announcer.is_stopped());

    let mut world = World::started("a", |_, n| if n == 1 { silent() } else { good() });
    world.run(at(10));
    world.announcer.completed();
    world.run(at(11));
    world.stop();
    world.run(at(20));
    let expected = [("a", Started), ("a", Completed), ("a", Completed), ("a", Stopped)];
    assert_eq!(world.events(), expected, "what was given up is told again");
}

#[test]
fn a_torrent_without_announces_stops_at_once() {
    let mut world = World::new("", |_, _| good());
    world.announcer.start(Instant::ZERO);
    world.run(at(1));
    world.stop();
    assert!(world.announcer.is_stopped());
    let mut unheard = World::started("a", |_, _| silent());
    unheard.run(at(1));
    unheard.stop();
    assert!(unheard.announcer.is_stopped(), "nobody knows us");
}

#[test]
fn a_torrent_that_starts_again_is_a_new_one() {
    let mut world = World::started("a", |_, _| good());
    world.run(at(10));
    world.stop();
    world.run(at(20));
    world.announcer.start(at(20));
    world.run(at(30));
    assert_eq!(world.events(), [("a", Started), ("a", Stopped), ("a", Started)]);
}
