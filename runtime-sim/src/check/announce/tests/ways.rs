//! Redirects, and names with several addresses.

use super::*;

#[test]
fn a_redirect_is_followed_with_the_same_announce() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: /moved?x=1\r\nContent-Length: 0\r\n\r\n";
    let follows = |path: &str, change: fn(Query) -> Query| {
        let mut client = Client::new();
        let (conn, result) = client.tells(&client.query());
        result.unwrap();
        client.hears(conn, moved);
        client.watched.closes(client.now, conn);
        // With the same input as that with which the first is closed.
        let again = client.opens(TRACKER);
        client.watched.serial += 1;
        client.watched.connected(client.now, again);
        let query = change(client.query()).text();
        let result = broken(client.sends(again, get(path, &query).replace("?x=1?", "?x=1&").as_bytes()));
        client.answered(again, TAKEN);
        client.after(1_800);
        let started = client.tells(&client.query()).1;
        (result, started)
    };
    let (result, started) = follows("/moved?x=1", |query| query);
    assert_eq!((result, started), (Ok(()), Err(Broken::StartedTwice)), "its answer counts for the tracker");
    let (result, _) = follows("/moved?x=1", |query| query.with("numwant", 51));
    assert_eq!(result, Err(Broken::RedirectChanged));
    let (result, _) = follows("/elsewhere", |query| query);
    assert!(matches!(result, Err(Broken::NotItsTracker(_))));
    // That is no redirect but the next announce.
    let (result, _) = follows("/announce", |query| query);
    assert!(matches!(result, Err(Broken::TooSoon { .. })), "{result:?}");
}

#[test]
fn redirects_without_end_are_not_followed() {
    let itself = "HTTP/1.1 302 Found\r\nLocation: /announce\r\nContent-Length: 0\r\n\r\n";
    let mut client = Client::new();
    let mut conn = client.opens(TRACKER);
    for n in 0..7 {
        client.watched.serial += 1;
        client.watched.connected(client.now, conn);
        let request = get("/announce", &client.query().text());
        let result = broken(client.sends(conn, request.as_bytes()));
        if n == 6 {
            assert!(matches!(result, Err(Broken::TooSoon { .. })), "{result:?}");
            return;
        }
        result.unwrap();
        client.watched.serial += 1;
        client.hears(conn, itself);
        client.watched.closes(client.now, conn);
        conn = client.opens(TRACKER);
    }
}

#[test]
fn a_name_may_have_several_addresses() {
    let again = |silent: bool| {
        let mut client = Client::of(&["http://tracker.example/announce"]);
        let request = get("/announce", &client.query().text()).replace("10.0.0.9", "tracker.example");
        let (conn, result) = client.says_to(TRACKER, &request);
        broken(result).unwrap();
        if !silent {
            client.hears(conn, "HTTP/1.1 200 OK\r\n");
        }
        client.watched.closed(client.now, conn);
        broken(client.says_to("10.0.0.10:80", &request).1)
    };
    assert_eq!(again(true), Ok(()));
    assert!(matches!(again(false), Err(Broken::TooSoon { .. })));
}
