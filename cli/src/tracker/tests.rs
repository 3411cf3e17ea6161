//! The tracker with sockets.

use super::Server;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn a_running_tracker_answers_and_stops_when_dropped() {
    let server = Server::start(([127, 0, 0, 1], 0).into(), Box::new(|_| {})).unwrap();
    let url = server.announce_url();
    let addr = url.strip_prefix("http://").unwrap().strip_suffix("/announce").unwrap();
    let ask = |text: &str| {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let query = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=7&left=0";
    let announce = ask(&format!("GET /announce?{query} HTTP/1.1\r\n\r\n"));
    assert!(announce.starts_with("HTTP/1.1 200 OK\r\n"), "{announce}");
    assert!(announce.ends_with("5:peers0:e"), "{announce}");
    assert!(
        ask("GET /announce?port=1 HTTP/1.0\r\n\r\n").ends_with("d14:failure reason20:info_hash is missinge")
    );
    assert!(ask("GET /scrape HTTP/1.1\r\n\r\n").contains("8:completei1e"));
    assert!(ask("GET /etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    let long = format!("GET /{} HTTP/1.1", "a".repeat(8 << 10));
    assert!(ask(&long).starts_with("HTTP/1.1 431"));
    drop(server);
    assert!(TcpStream::connect(addr).is_err());
}
