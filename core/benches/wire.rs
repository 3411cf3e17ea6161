//! Reading a stream of blocks as it comes from a socket: in whole buffers, and in the segments of a slow path.
//!
//! `cargo bench -p peerless-core --bench wire`.

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use peerless_core::BLOCK_LEN;
use peerless_core::wire::{Decoder, Features, Message, piece_header};

const BLOCKS: u32 = 256;

fn decode(c: &mut Criterion) {
    let stream = stream();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    for segment in [1_448, 16 << 10, 256 << 10] {
        group.bench_function(BenchmarkId::new("blocks", format!("{segment} bytes at a time")), |b| {
            b.iter(|| assert_eq!(read(&stream, segment), BLOCKS));
        });
    }
    let haves = haves();
    group.throughput(Throughput::Elements(BLOCKS.into()));
    group.bench_function("haves", |b| b.iter(|| assert_eq!(read(&haves, 1_448), BLOCKS)));
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);

/// Blocks as a seed sends them.
fn stream() -> Bytes {
    let block = vec![7; BLOCK_LEN as usize];
    let mut out = BytesMut::new();
    for n in 0..BLOCKS {
        out.extend_from_slice(&piece_header(n / 64, n % 64 * BLOCK_LEN, BLOCK_LEN));
        out.extend_from_slice(&block);
    }
    out.freeze()
}

fn haves() -> Bytes {
    let mut out = BytesMut::new();
    (0..BLOCKS).for_each(|n| Message::Have(n).encode(&mut out));
    out.freeze()
}

/// How many messages there are.
fn read(stream: &Bytes, segment: usize) -> u32 {
    let mut decoder = Decoder::new(BLOCKS, Features::OURS);
    let mut messages = 0;
    for begin in (0..stream.len()).step_by(segment) {
        decoder.push(stream.slice(begin..stream.len().min(begin + segment)));
        while decoder.next().expect("nothing is wrong with it").is_some() {
            messages += 1;
        }
    }
    messages
}
