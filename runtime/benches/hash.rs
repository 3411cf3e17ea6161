//! How fast SHA-1 is by the number of streams hashed at once, against the `sha1` crate.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use peerless_core::Sha1State;
use peerless_runtime::hash_together;
use std::hint::black_box;

fn lanes(c: &mut Criterion) {
    for len in [256 << 10, 1 << 20] {
        let data: Vec<Vec<u8>> =
            (0..16).map(|lane| (0..len).map(|n: usize| (n * n + lane) as u8).collect()).collect();
        let mut group = c.benchmark_group(format!("sha1/{}KiB", len >> 10));
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function("sha1 crate", |b| {
            b.iter(|| {
                let mut state = Sha1State::new();
                state.update(black_box(&data[0]));
                state.finish()
            });
        });
        for lanes in [1, 2, 3, 4, 8, 16] {
            group.throughput(Throughput::Bytes((lanes * len) as u64));
            group.bench_with_input(BenchmarkId::new("lanes", lanes), &lanes, |b, &lanes| {
                b.iter(|| {
                    let mut states = [Sha1State::new(); 16];
                    hash_together(
                        states.iter_mut().zip(black_box(&data)).take(lanes).map(|(s, d)| (s, [&d[..]])),
                    );
                    states
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, lanes);
criterion_main!(benches);
