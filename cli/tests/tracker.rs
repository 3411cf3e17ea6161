//! The tracker as clients meet it.

mod support;

use peerless_core::bencode::{Document, Limits};
use support::{Tracker, command, run};

const HASH: &str = "info_hash=%00%01%02%03%04%05%06%07%08%09%0a%0b%0c%0d%0e%0f%10%11%12%ff";

fn announce(tracker: &Tracker, port: u16, more: &str) -> Vec<u8> {
    tracker.ask(&format!("/announce?{HASH}&peer_id=-XX0001-{port:012}&port={port}{more}"))
}

fn number(body: &[u8], key: &str) -> i64 {
    let document = Document::decode(body, Limits::TRACKER).expect("bencode");
    document.root().get(key).and_then(|v| v.as_int()).expect(key)
}

fn text(body: &[u8], key: &str) -> Vec<u8> {
    let document = Document::decode(body, Limits::TRACKER).expect("bencode");
    document.root().get(key).and_then(|v| v.as_bytes()).expect(key).to_vec()
}

#[test]
fn two_clients_meet_and_part() {
    let tracker = Tracker::start();
    let first = announce(&tracker, 258, "&left=0&event=started&compact=1");
    assert_eq!(text(&first, "peers"), b"");
    assert_eq!((number(&first, "complete"), number(&first, "incomplete")), (1, 0));
    assert!(number(&first, "interval") >= number(&first, "min interval"));

    let second = announce(&tracker, 772, "&left=9&event=started");
    assert_eq!(text(&second, "peers"), [127, 0, 0, 1, 1, 2]);
    let done = announce(&tracker, 772, "&left=0&event=completed&numwant=0");
    assert_eq!((number(&done, "complete"), number(&done, "downloaded")), (2, 1));
    assert_eq!(text(&done, "peers"), b"");

    announce(&tracker, 258, "&left=0&event=stopped");
    let scrape = tracker.ask(&format!("/scrape?{HASH}"));
    assert!(String::from_utf8_lossy(&scrape).contains("8:completei1e10:downloadedi1e10:incompletei0e"));
}

#[test]
fn the_long_form_names_address_and_id() {
    let tracker = Tracker::start();
    announce(&tracker, 258, "&left=0");
    let body = announce(&tracker, 772, "&left=9&compact=0");
    let list = "5:peersld2:ip9:127.0.0.17:peer id20:-XX0001-0000000002584:porti258eee";
    assert!(String::from_utf8_lossy(&body).contains(list));
}

#[test]
fn a_wrong_announce_is_told_why_in_bencode() {
    let tracker = Tracker::start();
    let reason = |target: &str| String::from_utf8(text(&tracker.ask(target), "failure reason")).unwrap();
    assert_eq!(reason("/announce"), "port is missing");
    assert_eq!(
        reason("/announce?port=1&info_hash=abc&peer_id=-XX0001-000000000001"),
        "info_hash has 3 bytes instead of 20"
    );
    assert_eq!(reason("/scrape?info_hash=x"), "info_hash has 1 bytes instead of 20");
    assert!(tracker.ask("/favicon.ico").starts_with(b"nothing here"));
}

#[test]
fn a_port_that_is_taken_is_exit_code_8() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    run(std::path::Path::new("/"), &["tracker", "--listen", &addr]).fails(8, "cannot listen on 127.0.0.1");
}

#[test]
fn ctrl_c_ends_it_with_130() {
    use std::io::{BufRead, BufReader};
    let mut command = command(std::path::Path::new("/"), &["tracker", "--listen", "127.0.0.1:0"]);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
