//! Requests as HTTP, and the parameters in them.

use super::*;

#[test]
fn a_request_is_one_of_http() {
    let query = Client::new().query().text();
    let good = get("/announce", &query);
    let says = |bytes: &str| Client::new().says(bytes);
    assert_eq!(says(&good), Ok(()));
    let bad = |bytes: String| matches!(says(&bytes), Err(Broken::Http(_)));
    for (from, to) in [
        ("GET", "POST"),
        ("GET ", "GET  "),
        ("HTTP/1.1", "HTTP/1.0"),
        (" /announce", " announce"),
        ("/announce", "/ann%ounce"),
        ("/announce", "/ann<ounce"),
        ("\r\nHost: 10.0.0.9", ""),
        ("Host", "Host: 10.0.0.9\r\nHost"),
        ("Connection: close", "Connection close"),
        ("Connection: close", "Con nection: close"),
        ("Connection: close", "Connection: cl\u{f6}se"),
        ("Connection: close", "Connection: cl\nose"),
        ("Connection: close", "Content-Length: 3"),
    ] {
        assert!(bad(good.replacen(from, to, 1)), "{to:?}: {:?}", says(&good.replacen(from, to, 1)));
    }
    let long = get("/announce", &format!("{query}&trackerid={}", "a".repeat(8_192)));
    assert_eq!(says(&long), Err(Broken::TooLong(long.len())));
    let more = format!("{good}GET ");
    assert_eq!(says(&more), Err(Broken::Behind(4)));
    // In parts, and then more.
    let mut client = Client::new();
    let (conn, result) = client.says_to(TRACKER, &good[..20]);
    result.unwrap();
    client.sends(conn, &good.as_bytes()[20..]).unwrap();
    assert_eq!(broken(client.sends(conn, b"x")), Err(Broken::Behind(1)));
}

#[test]
fn it_goes_to_a_tracker_of_the_torrent() {
    let mut client = Client::new();
    let query = client.query().text();
    let elsewhere = Err(Broken::NotItsTracker(format!("10.0.0.9/scrape?{query}")));
    assert_eq!(client.says(&get("/scrape", &query)), elsewhere);
    let other = get("/announce", &query).replace("10.0.0.9", "10.0.0.8");
    assert!(matches!(client.says(&other), Err(Broken::NotItsTracker(_))));
    let result = broken(client.says_to("10.0.0.8:80", &get("/announce", &query)).1);
    let to = "10.0.0.8:80".parse().unwrap();
    assert_eq!(result, Err(Broken::WrongAddress { to, host: "10.0.0.9".into() }));
    let hash = "%00".repeat(20);
    assert_eq!(client.tells(&client.query().with("info_hash", hash)).1, Err(Broken::InfoHash));
    let authorized =
        get("/announce", &query).replace("Connection", "Authorization: Basic YTpi\r\nConnection");
    assert_eq!(client.says(&authorized), Err(Broken::Authorization));
}

#[test]
fn what_its_url_says_stays_as_it_is() {
    let url = "http://a:b@10.0.0.9/announce?passkey=1&x";
    let query = Client::new().query().text();
    let request = |path: &str| {
        get(path, "").replace("? ", " ").replace("Connection", "Authorization: Basic YTpi\r\nConnection")
    };
    let good = request(&format!("/announce?passkey=1&x&{query}"));
    assert_eq!(Client::of(&[url]).says(&good), Ok(()));
    // Of two trackers it is the one that is named in full.
    assert_eq!(Client::of(&["http://10.0.0.9/announce", url]).says(&good), Ok(()));
    let without = Client::of(&[url]).says(&good.replace("Authorization: Basic YTpi\r\n", ""));
    assert_eq!(without, Err(Broken::Authorization));
    let changed = Client::of(&[url]).says(&request(&format!("/announce?passkey=2&x&{query}")));
    assert!(matches!(changed, Err(Broken::NotItsTracker(_))));
}

#[test]
fn every_parameter_is_there_once_and_sound() {
    let query = Client::new().query();
    let tells = |query: Query| Client::new().tells(&query).1;
    for name in
        ["info_hash", "peer_id", "port", "uploaded", "downloaded", "left", "compact", "numwant", "key"]
    {
        let result = tells(query.clone().without(name));
        assert_eq!(result, Err(Broken::Parameter { name, what: "missing" }));
    }
    for (name, value) in [
        ("info_hash", "%00%01"),
        ("info_hash", "a+b"),
        ("info_hash", "%0"),
        ("peer_id", "-XX0000-aaaaaaaaaaaaa"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "+6881"),
        ("uploaded", ""),
        ("uploaded", "-1"),
        ("downloaded", "00"),
        ("left", "18446744073709551616"),
        ("compact", "0"),
        ("key", "c0ffee"),
        ("key", "+0c0ffee"),
        ("event", "empty"),
        ("event", "paused"),
        ("trackerid", "a!"),
    ] {
        match tells(query.clone().with(name, value)) {
            Err(Broken::Parameter { name: told, .. }) => assert_eq!(told, name),
            // It is found before, as what the target may not hold.
            Err(Broken::Http(_)) => assert!(value.contains('%'), "{name}={value}"),
            other => panic!("{name}={value}: {other:?}"),
        }
    }
    let mut twice = query.clone();
    twice.0.push(("left", "7".into()));
    assert_eq!(tells(twice), Err(Broken::Parameter { name: "left", what: "there twice" }));
    assert_eq!(tells(query.clone().with("ip", "10.0.0.1")), Err(Broken::UnknownParameter("ip".into())));
    assert_eq!(tells(query.clone().with("port", 6_882)), Err(Broken::Port { told: 6_882, port: 6_881 }));
    assert_eq!(tells(query.with("numwant", 201)), Err(Broken::Numwant(201)));
}
