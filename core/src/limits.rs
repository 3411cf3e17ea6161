//! What somebody outside can make us read, keep or bear has its limit here, by name, with the reason. How long we
//! wait before we ask or try again stands with each schedule, but for what belongs to a limit.

use core::time::Duration;

/// Bytes of a .torrent file. The largest honest ones are a few MiB.
pub const MAX_TORRENT_FILE: usize = 32 << 20;
/// Nesting of lists and dictionaries in bencode.
pub const MAX_BENCODE_DEPTH: usize = 100;
/// Values in one bencoded document: a .torrent of 500,000 files stays below.
pub const MAX_BENCODE_TOKENS: usize = 3_000_000;
/// Pieces of one torrent.
pub const MAX_PIECES: u32 = 1 << 21;
/// Bytes of one piece.
pub const MAX_PIECE_LENGTH: u32 = 512 << 20;
/// Bytes of one torrent, and so of one file.
pub const MAX_TOTAL_LENGTH: u64 = (1 << 48) - 1;
/// Files of one torrent.
pub const MAX_FILES: usize = 500_000;
/// Elements of one path.
pub const MAX_PATH_DEPTH: usize = 100;
/// Bytes of one element of a path: with `.part.journal.new` behind it, the 255 that common file systems take.
pub const MAX_PATH_ELEMENT: usize = 238;
/// Bytes that the paths of a version 2 file tree may take in memory, once they are spelled out for each file.
pub const MAX_TREE_PATHS: u64 = 128 << 20;
/// Trackers of one torrent, over all tiers.
pub const MAX_TRACKERS: usize = 500;
/// Web seeds of one torrent.
pub const MAX_WEB_SEEDS: usize = 100;
/// Bytes of one URL.
pub const MAX_URL: usize = 4_096;

/// Bytes of a `piece` message's payload that we accept: one block.
pub const MAX_BLOCK_MESSAGE: u32 = 16 * 1024;
/// Bytes that a peer may request at once. Clients ask for 16 KiB; a few old ones for 128.
pub const MAX_REQUEST_LEN: u32 = 128 * 1024;
/// Bytes of an extended message (BEP 10).
pub const MAX_EXTENDED_MESSAGE: u32 = 1 << 20;
/// Bytes of an extension handshake (BEP 10).
pub const MAX_EXTENSION_HANDSHAKE: usize = 64 << 10;
/// Nesting and values of an extension handshake.
pub const MAX_EXTENSION_DEPTH: usize = 8;
/// See [`MAX_EXTENSION_DEPTH`].
pub const MAX_EXTENSION_TOKENS: usize = 2_000;
/// Values in a tracker's answer: room for a dictionary of 3 for each of thousands of peers.
pub const MAX_ANSWER_TOKENS: usize = 50_000;
/// Bytes of a message of a kind that we do not know: it is skipped.
pub const MAX_UNKNOWN_MESSAGE: u32 = 1 << 20;
/// Slices below this many bytes are copied together, so that no small slice pins a large buffer.
pub const MIN_SHARED_SLICE: usize = 4 << 10;

/// Requests that one peer may have waiting with us, which is also what we tell it (`reqq`, BEP 10): 32 MiB of blocks
/// fill a path of 1 Gbit/s and 200 ms. A waiting request takes a few dozen bytes.
pub const MAX_INCOMING_REQUESTS: usize = 2_000;
/// Requests while choked, or malformed ones, before a peer is dropped. What it could have had outstanding when we
/// choked it does not count.
pub const MAX_INVALID_REQUESTS: u32 = 300;
/// Bytes of pieces that may be partly downloaded at once, where the number of pieces does not say more: what many fast
/// peers have outstanding together has to fit into them.
pub const OPEN_BYTES: u32 = 64 << 20;
/// Payload bytes handed to the driver for one connection and not yet sent.
pub const MAX_UNSENT: usize = 256 << 10;
/// Requests that we keep outstanding with one peer.
pub const MAX_OUTSTANDING_REQUESTS: usize = 2_000;
/// Blocks of one peer that were given up and may still come: enough for a full window twice over.
pub const MAX_LATE_BLOCKS: usize = 4_000;
/// Blocks that nobody asked for before a peer is dropped. A few are honest: cancels cross with answers.
pub const MAX_UNWANTED_BLOCKS: u32 = 64;
/// Times in a row that a peer rejects what it is asked for while it lets us download, before it is dropped.
pub const MAX_REJECTIONS: u32 = 50;
/// A piece of which a peer rejected a block is not asked of it for at most so long, unless it says anew that it has it.
pub const REFUSAL: Duration = Duration::from_secs(5);
/// Rejected pieces of one peer that are remembered.
pub const MAX_REFUSED: usize = 64;
/// Rejects of what was not asked for, before a peer is dropped. Cancels cross with them, a window at a time.
pub const MAX_UNASKED_REJECTS: u32 = 10_000;
/// Bytes that may wait for a peer to read them: more than a full queue of blocks, and answers to all else.
pub const MAX_BACKLOG: usize = 4 * MAX_UNSENT;
/// Suggestions of one peer that are remembered (BEP 6); the oldest go first.
pub const MAX_SUGGESTED: usize = 16;
/// Pieces that one peer may allow us while it chokes us (BEP 6 has it name about ten).
pub const MAX_ALLOWED_FAST: usize = 64;
/// Connections that named pieces beyond the torrent before their address is banned.
pub const MAX_IMPOSSIBLE: u32 = 2;
/// Addresses of which such a fault is remembered.
pub const MAX_IMPOSSIBLE_REMEMBERED: usize = 1_000;

/// Time from a connection's start to the end of the handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a connection to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection on which nothing arrives for so long is dropped (BEP 3: keep-alives come every 2 minutes).
pub const PEER_SILENCE: Duration = Duration::from_secs(150);
/// We send a keep-alive after so long without a message of ours (BEP 3).
pub const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// Bytes of an HTTP response's head, and its lines.
pub const MAX_HTTP_HEAD: usize = 16 << 10;
/// See [`MAX_HTTP_HEAD`].
pub const MAX_HTTP_HEADERS: usize = 100;
/// Bytes of an HTTP response's body, before and after inflation.
pub const MAX_HTTP_BODY: usize = 1 << 20;
/// Members of a gzip body. Each costs the setting up of an inflater, however little it holds; an honest answer has
/// one.
pub const MAX_GZIP_MEMBERS: usize = 16;
/// Redirects followed for one request.
pub const MAX_REDIRECTS: u32 = 5;
/// Time for one whole exchange with a tracker, redirects included.
pub const TRACKER_TIMEOUT: Duration = Duration::from_secs(30);
/// Announces of one torrent at the same time. It may name hundreds of trackers.
pub const MAX_ASKING: usize = 16;
/// Addresses of a tracker's host that are tried in one announce, IPv4 and IPv6 in turn.
pub const MAX_TRACKER_ADDRESSES: usize = 4;
/// Bytes of the id that a tracker gives itself. A longer one is not repeated to it.
pub const MAX_TRACKER_ID: usize = 256;
/// Peers taken from one announce.
pub const MAX_ANNOUNCE_PEERS: usize = 200;
/// Characters shown of a text from outside.
pub const MAX_SHOWN_TEXT: usize = 200;

/// Connections beyond [`Config::max_peers`](crate::Config::max_peers) that are let in to shake hands: only then
/// does it show whether a place should be made for them. Fewer where there are few places.
pub const MAX_IN_THE_DOOR: usize = 4;
/// While all places are taken, the least useful peer may lose its own once in so long.
pub const EVICTION_PAUSE: Duration = Duration::from_secs(5);
/// Addresses remembered for one torrent.
pub const MAX_KNOWN_PEERS: usize = 3_000;
/// Addresses banned for one torrent at a time: the oldest ban lapses.
pub const MAX_BANS: usize = 10_000;
/// Addresses remembered as being ourselves.
pub const MAX_OWN_ADDRESSES: usize = 256;
/// Blocks of pieces that failed with blocks of several senders, for each torrent, whose digests are kept until it is
/// known who lied: 4 GiB of payload, 24 bytes for each 16 KiB.
pub const MAX_EVIDENCE: usize = 1 << 18;
/// Bytes of a journal that we are ready to read back.
pub const MAX_JOURNAL: u64 = 64 << 20;

/// Bytes of a recording: more are neither written nor read back.
pub const MAX_RECORDING: u64 = 16 << 30;
/// The least that a recording may be limited to, in bytes: its header fits, and the beginning of a session.
pub const MIN_RECORDING: u64 = 4 << 10;
/// Bytes of one entry of a recording: the largest journal or torrent fits.
pub const MAX_RECORDED_ENTRY: usize = (MAX_JOURNAL as usize) + (1 << 20);
/// Values of one list in a recording: the stamps of [`MAX_FILES`] files fit.
pub const MAX_RECORDED_LIST: usize = 1 << 20;
/// Things that one masked recording replaces: addresses, names, secrets.
pub const MAX_MASKED: usize = 1 << 20;
/// Bytes of one input that a recording may have left out: reads for peers and from sockets are far below.
pub const MAX_RECORDED_ZEROS: usize = 64 << 20;
