//! A tracker that follows a script: it gives prepared answers, byte for byte, and remembers what it was asked.

use crate::deadline::Deadline;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A running tracker. It lives until its test ends.
#[derive(Debug)]
pub struct ScriptTracker {
    addr: SocketAddrV4,
    heard: Arc<Heard>,
}

/// What the tracker does when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Sends these bytes, then closes.
    Raw(Vec<u8>),
    /// Sends these bytes one by one, with so much time between.
    Slowly(Vec<u8>, Duration),
    /// Sends these bytes and keeps the connection open.
    RawThenSilence(Vec<u8>),
}

/// One announce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announce {
    /// The request's path, without the query.
    pub path: String,
    /// The query, as it was sent.
    pub query: String,
    /// The parameters, unescaped. One that was sent twice fails the test.
    pub params: BTreeMap<String, Vec<u8>>,
    /// The header lines of the request.
    pub headers: Vec<String>,
}

#[derive(Debug, Default)]
struct Heard {
    answers: Mutex<Vec<Answer>>,
    announces: Mutex<Vec<Announce>>,
    changed: Condvar,
}

impl ScriptTracker {
    /// Starts a tracker at `addr` (with port 0 at any port): the n-th announce gets the n-th answer, and all further ones the last.
    ///
    /// # Panics
    /// When there is no answer, or the address is taken.
    pub fn start(addr: SocketAddrV4, answers: Vec<Answer>) -> Self {
        assert!(!answers.is_empty(), "a script needs an answer");
        let listener = TcpListener::bind(addr).unwrap_or_else(|e| panic!("cannot listen at {addr}: {e}"));
        let addr = SocketAddrV4::new(*addr.ip(), listener.local_addr().expect("bound").port());
        let heard = Arc::new(Heard { answers: Mutex::new(answers), ..Heard::default() });
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let ears = Arc::clone(&ears);
                std::thread::spawn(move || serve(stream, &ears));
            }
        });
        Self { addr, heard }
    }

    /// Its announce URL.
    pub fn url(&self) -> String {
        format!("http://{}/announce", self.addr)
    }

    /// Forgets what it was asked, and follows another script from now on.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn begin_again(&self, answers: Vec<Answer>) {
        assert!(!answers.is_empty(), "a script needs an answer");
        self.heard.announces.lock().unwrap().clear();
        *self.heard.answers.lock().unwrap() = answers;
    }

    /// What it was asked so far.
    pub fn announces(&self) -> Vec<Announce> {
        self.heard.announces.lock().unwrap().clone()
    }

    /// Waits for the first announce, among those so far and to come, for which `is_it` holds.
    ///
    /// # Panics
    /// When the deadline passes before; `what` tells the reader what was hoped for.
    pub fn wait_for(&self, what: &str, deadline: Deadline, is_it: impl Fn(&Announce) -> bool) -> Announce {
        let mut announces = self.heard.announces.lock().unwrap();
        loop {
            if let Some(found) = announces.iter().find(|a| is_it(a)) {
                return found.clone();
            }
            assert!(!deadline.passed(), "no {what} in time; the tracker was asked {announces:#?}");
            announces = self.heard.changed.wait_timeout(announces, deadline.left()).unwrap().0;
        }
    }
}

impl Announce {
    /// A parameter as text, empty where it was not sent.
    pub fn text(&self, name: &str) -> String {
        self.params.get(name).map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.lines().map(str::to_owned);
        let first = lines.next().unwrap_or_default();
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut params = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let twice = params.insert(key.to_owned(), unescape(value));
            assert_eq!(twice, None, "{key} was sent twice");
        }
        Self { path: path.into(), query: query.into(), params, headers: lines.collect() }
    }
}

fn serve(mut stream: TcpStream, heard: &Heard) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let announce = Announce::parse(&String::from_utf8_lossy(&head));
    let nth = {
        let mut announces = heard.announces.lock().unwrap();
        announces.push(announce);
        heard.changed.notify_all();
        announces.len() - 1
    };
    let answer = {
        let answers = heard.answers.lock().unwrap();
        answers[nth.min(answers.len() - 1)].clone()
    };
    // That the client has gone by now is its own affair.
    let _ = match &answer {
        Answer::Raw(bytes) => stream.write_all(bytes),
        Answer::Slowly(bytes, pause) => bytes.iter().try_for_each(|byte| {
            std::thread::sleep(*pause);
            stream.write_all(&[*byte])
        }),
        Answer::RawThenSilence(bytes) => stream.write_all(bytes).and_then(|()| {
            // Until the client closes.
            stream.read(&mut byte).map(drop)
        }),
    };
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let hex = more.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let byte = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or_else(|| panic!("{text:?} is not escaped right")));
        rest = &more[2..];
    }
    out
}

/// A bencoded answer (BEP 3) in which `peers` is what is given, with an interval of half an hour.
pub fn with_peers(peers: &[u8]) -> Vec<u8> {
    [b"d8:intervali1800e5:peers".as_slice(), peers, b"e"].concat()
}

/// Peers in the compact form (BEP 23, BEP 7), as a bencoded string. All of one address family.
pub fn compact(peers: &[SocketAddr]) -> Vec<u8> {
    let mut out = Vec::new();
    for peer in peers {
        match peer.ip() {
            std::net::IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
            std::net::IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        }
        out.extend_from_slice(&peer.port().to_be_bytes());
    }
    [format!("{}:", out.len()).as_bytes(), &out].concat()
}

/// Peers as a list of dictionaries (BEP 3).
pub fn dictionaries(peers: &[SocketAddr]) -> Vec<u8> {
    let mut out = b"l".to_vec();
    for peer in peers {
        let ip = peer.ip().to_string();
        let entry = format!("d2:ip{}:{ip}7:peer id20:-XX0001-abcdefghijkl4:porti{}ee", ip.len(), peer.port());
        out.extend_from_slice(entry.as_bytes());
    }
    out.push(b'e');
    out
}

/// An HTTP answer with any status line, headers (each ending in CR LF) and body; its length is told.
pub fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An HTTP answer in chunks of seven bytes.
pub fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(7) {
        out.extend_from_slice(format!("{:x};note=1\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

/// An HTTP answer whose body the program `gzip` has compressed.
///
/// # Panics
/// When there is no such program.
pub fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip");
    let mut child = gzip.arg("-9").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run gzip");
    child.stdin.take().unwrap().write_all(body).expect("feed gzip");
    let small = child.wait_with_output().expect("hear from gzip").stdout;
    http("200 OK", "Content-Encoding: gzip\r\n", &small)
}
