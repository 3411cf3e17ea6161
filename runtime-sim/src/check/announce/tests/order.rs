//! What may be told after what.

use super::*;

#[test]
fn it_is_the_same_peer_all_the_time() {
    let mut client = Client::started();
    let other = client.regular().with("peer_id", ID.to_uppercase());
    assert_eq!(client.asks(&other, TAKEN), Err(Broken::PeerId));
    client.after(10_000);
    assert_eq!(client.asks(&client.regular().with("key", "00c0ffef"), TAKEN), Err(Broken::Key));

    let peer_id = PeerId(*b"-XX0000-bbbbbbbbbbbb");
    let features = Features::OURS;
    let handshake = Handshake { info_hash: client.hash, peer_id, features }.encode();
    let conn = client.opens("10.0.0.2:6881");
    client.watched.connected(client.now, conn);
    assert_eq!(client.sends(conn, &handshake), Err(Breach::PeerId));
}

#[test]
fn what_the_tracker_called_itself_is_given_back() {
    let named = "d8:intervali60e5:peers0:10:tracker id3:a%be";
    let mut client = Client::new();
    let given = client.query().with("trackerid", "x");
    assert_eq!(client.tells(&given).1, Err(Broken::TrackerId), "it has none");
    let mut client = Client::new();
    client.asks(&client.query(), named).unwrap();
    client.after(60);
    let (query, known) = (client.regular(), client.regular().with("trackerid", "a%25b"));
    client.asks(&known, TAKEN).unwrap();
    client.after(1_800);
    client.asks(&known, TAKEN).unwrap();
    client.after(1_800);
    assert_eq!(client.tells(&query).1, Err(Broken::TrackerId));
}

#[test]
fn started_comes_first_and_until_it_is_heard() {
    let mut client = Client::new();
    assert_eq!(client.tells(&client.regular()).1, Err(Broken::NotStarted));
    for useless in ["", "<html>", "d14:failure reason2:noe", "d8:intervali1800e5:peers6:abce"] {
        let mut client = Client::new();
        client.asks(&client.query(), useless).unwrap();
        client.after(15);
        client.asks(&client.query(), TAKEN).unwrap();
        client.after(1_800);
        assert_eq!(client.tells(&client.query()).1, Err(Broken::StartedTwice));
    }
    let mut refused = Client::new();
    refused.asks(&refused.query(), "d14:failure reason2:noe").unwrap();
    refused.after(15);
    assert_eq!(refused.tells(&refused.regular()).1, Err(Broken::NotStarted));
    // Of this nobody can say what it means.
    let mut odd = Client::new();
    odd.asks(&odd.query(), "d8:intervali1800e5:peersi7ee").unwrap();
    odd.after(15);
    odd.asks(&odd.regular(), TAKEN).unwrap();
}

#[test]
fn completed_is_told_once_and_when_it_is_so() {
    let mut client = Client::started();
    let early = client.query().with("event", "completed");
    assert_eq!(client.asks(&early, ""), Err(Broken::CompletedEarly(TOTAL)));
    client.after(15);
    let completed = client.completes();
    client.asks(&completed, "").unwrap();
    client.after(15);
    client.asks(&completed, TAKEN).unwrap();
    client.after(1_800);
    assert_eq!(client.tells(&completed).1, Err(Broken::CompletedTwice));

    let mut seed = Client::new();
    let completed = seed.completes();
    seed.asks(&completed.clone().with("event", "started"), TAKEN).unwrap();
    assert_eq!(seed.tells(&completed).1, Err(Broken::CompletedFromStart));
}

#[test]
fn stopped_is_the_last_word() {
    let mut client = Client::started();
    let stopped = client.query().with("event", "stopped").with("numwant", 0);
    client.asks(&stopped, "").unwrap();
    client.after(10_000);
    assert_eq!(client.asks(&stopped, ""), Err(Broken::AfterStopped));
    assert_eq!(client.asks(&client.query(), ""), Err(Broken::AfterStopped));
    // It is taken on again.
    client.watched.tells(&Told::Stopped { torrent: TorrentId(0) });
    client.asks(&client.query(), TAKEN).unwrap();
    let wants = client.query().with("event", "stopped");
    assert_eq!(client.tells(&wants).1, Err(Broken::Numwant(50)));
}

#[test]
fn one_question_at_a_time() {
    let mut client = Client::new();
    client.tells(&client.query()).1.unwrap();
    client.after(100);
    assert_eq!(client.tells(&client.query()).1, Err(Broken::TwoAtOnce));
}
