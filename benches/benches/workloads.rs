//! Criterion: each workload as a plain loop, on one shard and on two, in one group.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tina_benches::subjects::{CYCLES, SUBJECTS};

fn workloads(criterion: &mut Criterion) {
    for subject in &SUBJECTS {
        let mut group = criterion.benchmark_group(subject.name);
        group.throughput(Throughput::Elements(CYCLES));
        group.sample_size(10).warm_up_time(Duration::from_secs(1));
        group.bench_function("plain loop", |bencher| {
            bencher.iter_batched(|| subject.plain(), |run| run(), BatchSize::PerIteration);
        });
        for shard_count in [1, 2] {
            group.bench_function(format!("{shard_count} shards"), |bencher| {
                let setup = || subject.machine(shard_count);
                bencher.iter_batched(setup, |run| run(), BatchSize::PerIteration);
            });
        }
        group.finish();
    }
}

criterion_group!(benches, workloads);
criterion_main!(benches);
