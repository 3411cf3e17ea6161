//! Reading a .torrent of many files and pieces, beside what two crates of the field take for its bencoding alone.
//!
//! `cargo bench -p peerless-core --bench metainfo`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerless_core::metainfo::{Builder, Metainfo};
use peerless_core::{bencode, sha1};

const FILES: u64 = 2_000;
const LENGTH: u64 = 1 << 20;
const PIECE: u32 = 256 << 10;

fn parse(c: &mut Criterion) {
    let torrent = torrent();
    let mut group = c.benchmark_group("metainfo");
    group.throughput(Throughput::Bytes(torrent.len() as u64));
    group.bench_function("Metainfo::parse", |b| b.iter(|| Metainfo::parse(&torrent).expect("it is ours")));
    group.bench_function("Document::decode", |b| {
        b.iter(|| {
            bencode::Document::decode(&torrent, bencode::Limits::TORRENT).map(drop).expect("it is ours");
        });
    });
    group.bench_function("bt_bencode", |b| {
        b.iter(|| bt_bencode::from_slice::<bt_bencode::Value>(&torrent).expect("it is ours"));
    });
    group.bench_function("serde_bencode", |b| {
        b.iter(|| serde_bencode::from_bytes::<serde_bencode::value::Value>(&torrent).expect("it is ours"));
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);

fn torrent() -> Vec<u8> {
    let path = |n| vec![format!("folder {}", n % 50), format!("file {n}")];
    let files = (0..FILES).map(|n| (path(n), LENGTH)).collect();
    let pieces = (FILES * LENGTH).div_ceil(PIECE.into());
    let hashes: Vec<u8> = (0..pieces).flat_map(|n| sha1(&n.to_be_bytes()).0).collect();
    Builder::directory("many", files, PIECE).pieces(hashes).build().expect("it is a torrent")
}
