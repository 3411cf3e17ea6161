//! Tells each step of a replay in words.

use super::replay::Told;
use super::scanner::{Begin, Scanner};
use crate::action::Action;
use crate::command::Command;
use crate::disk::{DiskOp, DiskOutcome, DiskTask, Survey};
use crate::event::{Event, TrackerNews};
use crate::ids::ConnId;
use crate::input::Input;
use crate::wire::name_of;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Tells what goes on, one sentence for each [`Told`]. To name the messages of peers it has to be told all of a
/// replay from its start.
///
/// Texts from outside are in it as they came: pass it through [`escape`](crate::escape) before a terminal shows it.
#[derive(Debug, Default)]
pub struct Explainer {
    received: BTreeMap<ConnId, Scanner>,
    sent: BTreeMap<ConnId, Scanner>,
}

impl Explainer {
    /// The sentence.
    pub fn explain(&mut self, told: Told<'_>) -> String {
        match told {
            Told::Step { number, at } => format!("step {number} at {at}"),
            Told::Input(input) => self.input(input),
            Told::Command(command) => command_words(command),
            Told::Action(action) => self.action(action),
            Told::Event(event) => event_words(event),
        }
    }

    fn input(&mut self, input: &Input) -> String {
        match input {
            Input::Listening { local } => format!("listening on {local}"),
            Input::Connected { conn, local } => format!("connection {} is open, from {local}", conn.get()),
            Input::ConnectFailed { conn, error } => {
                self.forget(*conn);
                format!("connection {} cannot be opened: {error}", conn.get())
            }
            Input::Accepted { conn, remote } => format!("{remote} connects as connection {}", conn.get()),
            Input::AcceptFailed { error } => format!("a connection cannot be accepted: {error}"),
            Input::Received { conn, data } => {
                format!(
                    "{} on connection {}{}",
                    bytes(data.len()),
                    conn.get(),
                    stream(&mut self.received, *conn, data)
                )
            }
            Input::Sent { conn, bytes: n } => format!("{} left on connection {}", bytes(*n), conn.get()),
            Input::Closed { conn, error } => {
                self.forget(*conn);
                match error {
                    None => format!("connection {} is closed by the other side", conn.get()),
                    Some(error) => format!("connection {} broke: {error}", conn.get()),
                }
            }
            Input::Resolved { job, result: Ok(found) } => {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                format!("the lookup {} found {}", job.get(), found.join(", "))
            }
            Input::Resolved { job, result: Err(error) } => {
                format!("the lookup {} failed: {error}", job.get())
            }
            Input::DiskDone { job, result: Ok(outcome) } => {
                format!("the disk job {} is done: {}", job.get(), outcome_words(outcome))
            }
            Input::DiskDone { job, result: Err(error) } => {
                format!("the disk job {} failed: {error}", job.get())
            }
            Input::Timeout => "time has passed".to_string(),
        }
    }

    fn action(&mut self, action: &Action) -> String {
        match action {
            Action::Connect { conn, remote, tls } => {
                let tls = tls.as_ref().map_or_else(String::new, |name| format!(" with TLS as {name}"));
                format!("open connection {} to {remote}{tls}", conn.get())
            }
            Action::Send { conn, data } => {
                let what = stream(&mut self.sent, *conn, data);
                format!("send {} on connection {}{what}", bytes(data.len()), conn.get())
            }
            Action::SetReadable { conn, readable: false } => {
                format!("stop reading connection {}", conn.get())
            }
            Action::SetReadable { conn, readable: true } => {
                format!("go on reading connection {}", conn.get())
            }
            Action::Close { conn } => {
                self.forget(*conn);
                format!("close connection {}", conn.get())
            }
            Action::SetAccepting { accepting: false } => "stop accepting connections".to_string(),
            Action::SetAccepting { accepting: true } => "go on accepting connections".to_string(),
            Action::Resolve { job, host } => format!("look up {host} (job {})", job.get()),
            Action::Disk { job, op } => format!("{} (disk job {})", task_words(op), job.get()),
            Action::Cancel { job } => format!("cancel job {}", job.get()),
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.received.remove(&conn);
        self.sent.remove(&conn);
    }
}

/// The messages that begin in these bytes.
fn stream(streams: &mut BTreeMap<ConnId, Scanner>, conn: ConnId, data: &[u8]) -> String {
    let mut messages: Vec<(&str, usize)> = Vec::new();
    streams.entry(conn).or_insert_with(Scanner::new).beginnings(data, |begin| {
        let name = match begin {
            Begin::Handshake => "handshake",
            Begin::KeepAlive => "keep-alive",
            Begin::Message(id) => name_of(id),
        };
        match messages.last_mut() {
            Some((last, n)) if *last == name => *n += 1,
            _ => messages.push((name, 1)),
        }
    });
    let names = messages.iter().map(|(name, n)| match n {
        1 => (*name).to_string(),
        _ => format!("{name} x{n}"),
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

fn bytes(n: usize) -> String {
    format!("{n} byte{}", if n == 1 { "" } else { "s" })
}

fn command_words(command: &Command) -> String {
    match command {
        Command::AddTorrent { metainfo, options } => {
            let hash = metainfo.info_hash().wire();
            format!("the application adds the torrent {} ({hash}) to {:?}", metainfo.name(), options.goal)
        }
        Command::AddPeer { torrent, peer } => {
            format!("the application names {peer} for torrent {}", torrent.0)
        }
        Command::StopTorrent { torrent } => format!("the application stops torrent {}", torrent.0),
        Command::RemoveTorrent { torrent } => format!("the application removes torrent {}", torrent.0),
        Command::Shutdown => "the application shuts down".to_string(),
    }
}

fn task_words(op: &DiskOp) -> String {
    let verb = op.task.verb();
    let torrent = op.torrent.0;
    match &op.task {
        DiskTask::Survey { place } => format!("{verb} the {place:?} of torrent {torrent}"),
        DiskTask::Write { extents, .. }
        | DiskTask::Digest { extents, .. }
        | DiskTask::Read { extents, .. }
        | DiskTask::Mend { extents, .. } => {
            let len: u64 = extents.iter().map(|extent| extent.len).sum();
            format!("{verb} {len} bytes of torrent {torrent}")
        }
        DiskTask::Sync { files } => format!("{verb} {} files of torrent {torrent}", files.len()),
        _ => format!("{verb} of torrent {torrent}"),
    }
}

fn outcome_words(outcome: &DiskOutcome) -> String {
    match outcome {
        DiskOutcome::Survey(Survey::Absent) => "nothing is there".to_string(),
        DiskOutcome::Survey(Survey::Present(stamps)) => {
            let there = stamps.iter().flatten().count();
            format!("{there} of {} files are there", stamps.len())
        }
        DiskOutcome::Survey(Survey::WrongKind) => "something of another kind is there".to_string(),
        DiskOutcome::Write(Some(state)) => format!("written, {} bytes of the piece hashed", state.len()),
        DiskOutcome::Write(None) => "written".to_string(),
        DiskOutcome::Digest(digest) => format!("{} bytes of the piece hashed", digest.len()),
        DiskOutcome::Read { data, .. } => format!("{} read", bytes(data.len())),
        DiskOutcome::Mend { .. } => "repaired".to_string(),
        DiskOutcome::Sync(stamps) => format!("{} files synced", stamps.len()),
        DiskOutcome::LoadJournal(None) => "there is no journal".to_string(),
        DiskOutcome::LoadJournal(Some(data)) => format!("a journal of {}", bytes(data.len())),
        DiskOutcome::StoreJournal | DiskOutcome::AppendJournal => "the journal is written".to_string(),
        DiskOutcome::FillUp => "every file is there".to_string(),
        DiskOutcome::Publish => "renamed".to_string(),
        DiskOutcome::DeleteJournal => "the journal is gone".to_string(),
    }
}

fn event_words(event: &Event) -> String {
    match event {
        Event::Phase { phase, .. } => format!("phase: {phase:?}"),
        Event::Resumed { summary, .. } => {
            format!("{} pieces are here, {} of them hashed", summary.have, summary.hashed)
        }
        Event::PieceVerified { piece, .. } => format!("piece {piece} is verified"),
        Event::PieceFailed { piece, culprit: Some(ip), .. } => {
            format!("piece {piece} from {ip} does not match its hash")
        }
        Event::PieceFailed { piece, culprit: None, .. } => {
            format!("piece {piece} from several peers does not match its hash")
        }
        Event::Completed { .. } => "complete".to_string(),
        Event::Checked { good, total, .. } => format!("{good} of {total} pieces match"),
        Event::Failed { error, .. } => format!("failed: {error}"),
        Event::Stopped { .. } => "stopped".to_string(),
        Event::PeerConnected { conn, remote, .. } => {
            format!("{remote} is a peer (connection {})", conn.get())
        }
        Event::PeerDisconnected { conn, remote, reason, .. } => {
            format!("{remote} is gone (connection {}): {reason}", conn.get())
        }
        Event::PeerLookupFailed { host, error, .. } => format!("the peer {host} has no address: {error}"),
        Event::PeerBanned { addr, reason, .. } => format!("{addr} is banned: {reason}"),
        Event::Tracker { url, news, .. } => match news {
            TrackerNews::Answered { peers, next } => {
                format!("{url}: {peers} peers, next announce in {} s", next.as_secs())
            }
            TrackerNews::Warning { text } => format!("{url}: warns: {text}"),
            TrackerNews::Slow { waited } => format!("{url}: no answer for {} s", waited.as_secs()),
            TrackerNews::CutShort { leftover } => {
                format!("{url}: a list of peers that ends with {} of an address", bytes(*leftover))
            }
            TrackerNews::Failed { error, .. } => format!("{url}: {error}"),
        },
        Event::PieceLost { piece, error: Some(error), .. } => format!("piece {piece} is lost: {error}"),
        Event::PieceLost { piece, error: None, .. } => format!("piece {piece} is not what it was"),
        Event::DiskTrouble { error, .. } => error.to_string(),
        Event::DiskRecovered { .. } => "the disk works again".to_string(),
        Event::ShutDown => "shut down".to_string(),
    }
}
