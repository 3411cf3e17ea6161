//! When a tracker may be asked.

use super::*;

#[test]
fn a_tracker_is_not_asked_too_soon() {
    let too_soon = |ago, least| {
        let [ago, least] = [ago, least].map(Duration::from_secs);
        Err(Broken::TooSoon { ago, least })
    };
    for (answer, least) in [
        ("d8:intervali1800e12:min intervali300e5:peers0:e", 300),
        ("d8:intervali1800e5:peers0:e", 120),
        ("d8:intervali60e5:peers0:e", 60),
        ("d8:intervali60e12:min intervali300e5:peers0:e", 300),
        ("d8:intervali1e12:min intervali1e5:peers0:e", 15),
        ("d8:intervali9999999999e12:min intervali9999999999e5:peers0:e", 86_400),
    ] {
        let mut client = Client::new();
        client.asks(&client.query(), answer).unwrap();
        client.after(least - 1);
        assert_eq!(client.tells(&client.regular()).1, too_soon(least - 1, least), "{answer}");
        let mut client = Client::new();
        client.asks(&client.query(), answer).unwrap();
        client.after(least);
        client.asks(&client.regular(), answer).unwrap();
    }
    // One that says nothing of use, neither.
    let mut client = Client::new();
    client.asks(&client.query(), "").unwrap();
    client.after(14);
    assert_eq!(client.tells(&client.query()).1, too_soon(14, 15));
    let mut client = Client::started();
    let completed = client.completes();
    client.asks(&completed, "").unwrap();
    client.after(1);
    assert_eq!(client.tells(&completed).1, too_soon(1, 15));
    // Nobody waits at a closing door.
    let mut client = Client::started();
    let completed = client.completes();
    client.asks(&completed, "").unwrap();
    client.asks(&completed.with("numwant", 0), "").unwrap();
}

#[test]
fn one_that_refuses_says_when_it_is_to_be_asked() {
    let mut client = Client::new();
    client.asks(&client.query(), "d14:failure reason2:no8:retry ini2ee").unwrap();
    client.after(119);
    let [ago, least] = [119, 120].map(Duration::from_secs);
    assert_eq!(client.asks(&client.query(), ""), Err(Broken::TooSoon { ago, least }));
    let mut client = Client::started();
    client.asks(&client.regular(), "d14:failure reason2:no8:retry in5:nevere").unwrap();
    client.after(1_000_000);
    assert_eq!(client.asks(&client.regular(), ""), Err(Broken::AfterNever));
    let stopped = client.query().with("event", "stopped").with("numwant", 0);
    assert_eq!(client.asks(&stopped, ""), Err(Broken::AfterNever));
}

#[test]
fn who_has_peers_enough_waits_for_the_interval() {
    for (peers, wait) in [(29, 120), (30, 120), (30, 59)] {
        let mut client = Client::new();
        client.asks(&client.query(), TAKEN).unwrap();
        client.after(120 - wait);
        meet(&mut client, peers);
        client.after(wait);
        let needs_none = Broken::NeedsNoPeers { left: Duration::from_secs(1_680), peers: 30 };
        let result = if (peers, wait) == (30, 120) { Err(needs_none) } else { Ok(()) };
        assert_eq!(client.tells(&client.regular()).1, result, "{peers} for {wait} s");
    }
    let mut client = Client::new();
    meet(&mut client, 100);
    client.asks(&client.query(), TAKEN).unwrap();
    client.after(1_800);
    client.tells(&client.regular()).1.unwrap();
}
