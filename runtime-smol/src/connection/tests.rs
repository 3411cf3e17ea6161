//! One connection as a task: what it reports, and what it does when told to.

use super::*;
use crate::desk::Report;
use smol::{Timer, future};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

/// A connection with its task on one side, a plain socket on the other, and all that was reported.
struct Fixture {
    executor: Executor<'static>,
    desk: Arc<Mutex<Desk>>,
    connection: Option<Connection>,
    other: TcpStream,
    reported: Vec<Input>,
}

const ID: ConnId = ConnId::accepted(7);

impl Fixture {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = Stream::accepted(listener.accept().unwrap().0).unwrap();
        let (executor, desk) = (Executor::new(), Arc::default());
        let connection = Connection::start(&executor, Arc::clone(&desk), ID, stream).unwrap();
        Self { executor, desk, connection: Some(connection), other, reported: Vec::new() }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().unwrap()
    }

    /// Lets tasks run as long as they have something to do without waiting.
    fn settle(&mut self) {
        while self.executor.try_tick() {}
        self.collect();
    }

    /// Lets tasks run until what they reported is enough.
    fn run_until(&mut self, enough: impl Fn(&[Input]) -> bool) {
        let deadline = async {
            Timer::after(Duration::from_secs(20)).await;
            panic!("not in time");
        };
        smol::block_on(future::or(
            async {
                while !enough(&self.reported) {
                    self.executor.tick().await;
                    self.collect();
                }
            },
            deadline,
        ));
    }

    fn collect(&mut self) {
        let reports = std::mem::take(&mut lock(&self.desk).reports);
        self.reported.extend(reports.into_iter().map(|report| match report {
            Report::Input(input) => input,
            Report::Accepted(..) => panic!("a connection accepts nothing"),
        }));
    }
}

fn received(reported: &[Input]) -> Vec<u8> {
    let data = reported.iter().filter_map(|input| match input {
        Input::Received { data, .. } => Some(&data[..]),
        _ => None,
    });
    data.collect::<Vec<_>>().concat()
}

fn sent(reported: &[Input]) -> usize {
    let sent = reported.iter().map(|input| match input {
        Input::Sent { bytes, .. } => *bytes,
        _ => 0,
    });
    sent.sum()
}

fn is_over(reported: &[Input]) -> bool {
    matches!(reported.last(), Some(Input::Closed { .. } | Input::ConnectFailed { .. }))
}

#[test]
fn what_is_queued_together_leaves_together() {
    let mut fixture = Fixture::new();
    for n in 0..50u8 {
        fixture.connection().send(Bytes::from(vec![n; 100]));
    }
    fixture.settle();
    assert_eq!(fixture.reported, [Input::Sent { conn: ID, bytes: 5_000 }]);
    let mut got = [0; 5_000];
    fixture.other.read_exact(&mut got).unwrap();
    assert!(got.chunks(100).enumerate().all(|(n, chunk)| chunk == [n as u8; 100]));
}

#[test]
fn what_arrives_is_reported_one_read_a_turn() {
    let mut fixture = Fixture::new();
    let all: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    fixture.other.write_all(&all).unwrap();
    fixture.executor.try_tick();
    fixture.collect();
    assert_eq!(fixture.reported.len(), 1);
    fixture.run_until(|reported| received(reported).len() == 400_000);
    assert!(received(&fixture.reported) == all);
}

#[test]
fn nothing_is_read_while_the_engine_does_not_want_it() {
    let mut fixture = Fixture::new();
    fixture.settle();
    fixture.connection().set_readable(false);
    fixture.other.write_all(b"too early").unwrap();
    fixture.settle();
    fixture.connection().send(Bytes::from_static(b"but this goes out"));
    fixture.run_until(|reported| sent(reported) == 17);
    assert_eq!(received(&fixture.reported), b"");
    fixture.connection().set_readable(true);
    fixture.run_until(|reported| received(reported) == b"too early");
}

#[test]
fn a_full_socket_takes_the_rest_when_there_is_room() {
    const ALL: usize = 64 << 20;
    let mut fixture = Fixture::new();
    fixture.connection().send(Bytes::from(vec![7; ALL]));
    fixture.settle();
    let first = sent(&fixture.reported);
    assert!(first < ALL);
    let mut other = fixture.other.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut got = vec![0; ALL];
        other.read_exact(&mut got).map(|()| got.iter().all(|byte| *byte == 7))
    });
    fixture.run_until(|reported| sent(reported) == ALL);
    assert!(reader.join().unwrap().unwrap());
}

#[test]
fn the_other_side_hangs_up_in_order_or_not() {
    let mut fixture = Fixture::new();
    fixture.other.write_all(b"bye").unwrap();
    fixture.other.shutdown(std::net::Shutdown::Both).unwrap();
    fixture.run_until(is_over);
    assert_eq!(received(&fixture.reported), b"bye");
    assert_eq!(fixture.reported.last(), Some(&Input::Closed { conn: ID, error: None }));

    let mut fixture = Fixture::new();
    fixture.connection().send(Bytes::from_static(b"unread, so that closing is a reset"));
    fixture.settle();
    let Fixture { other, .. } = &mut fixture;
    drop(std::mem::replace(
        other,
        TcpStream::connect(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()).unwrap(),
    ));
    fixture.run_until(is_over);
    assert_eq!(fixture.reported.last(), Some(&Input::Closed { conn: ID, error: Some(NetError::Reset) }));
}

#[test]
fn a_connection_that_is_dropped_says_nothing_more_and_is_closed() {
    let mut fixture = Fixture::new();
    fixture.settle();
    fixture.connection().send(Bytes::from_static(b"dropped unsent"));
    fixture.connection = None;
    fixture.settle();
    assert!(fixture.executor.is_empty());
    assert_eq!(fixture.reported, []);
    assert_eq!(fixture.other.read(&mut [0; 20]).unwrap(), 0);
}

#[test]
fn connecting_succeeds_or_fails() {
    let mut fixture = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let start = |fixture: &mut Fixture| {
        let stream = Stream::connect(at, None)?;
        fixture.connection = Some(Connection::start(&fixture.executor, fixture.desk.clone(), ID, stream)?);
        // What is queued while it connects leaves once it has.
        fixture.connection().send(Bytes::from_static(b"hello"));
        fixture.run_until(|reported| sent(reported) == 5 || is_over(reported));
        Ok::<(), NetError>(())
    };
    start(&mut fixture).unwrap();
    let (mut theirs, from) = listener.accept().unwrap();
    assert_eq!(fixture.reported[0], Input::Connected { conn: ID, local: from });
    let mut got = [0; 5];
    theirs.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");

    drop((listener, theirs));
    fixture.run_until(is_over);
    fixture.reported.clear();
    let failed = Input::ConnectFailed { conn: ID, error: NetError::Refused };
    match start(&mut fixture) {
        Ok(()) => assert_eq!(fixture.reported, [failed]),
        Err(error) => assert_eq!(error, NetError::Refused),
    }
}
