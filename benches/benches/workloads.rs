//! Criterion: each workload as a plain loop, as a tuned one, on one shard and on two, in one group.

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tina_benches::subjects::{Ready, SUBJECTS, machine, netlist};

fn workloads(criterion: &mut Criterion) {
    for subject in SUBJECTS.iter().filter(|subject| !subject.is_witness) {
        let (Some(cycles), Some(model)) = (subject.cycles, subject.model) else {
            continue;
        };
        let design = netlist(subject.netlist, subject.set);
        let mut group = criterion.benchmark_group(subject.title);
        group.throughput(Throughput::Elements(cycles));
        group.sample_size(10).warm_up_time(Duration::from_secs(1));
        group.bench_function("plain loop", |bencher| {
            time(bencher, || model.plain(cycles));
        });
        if model.tuned(cycles).is_some() {
            group.bench_function("tuned loop", |bencher| {
                time(bencher, || model.tuned(cycles).expect("asked before"));
            });
        }
        for shard_count in [1, 2] {
            group.bench_function(format!("{shard_count} shards"), |bencher| {
                time(bencher, || {
                    machine(&design, shard_count, Some(cycles)).expect("the host has memory")
                });
            });
        }
        group.finish();
    }
}

/// Times runs without their set-up.
fn time<'a>(bencher: &mut Bencher<'_>, mut setup: impl FnMut() -> Ready<'a>) {
    bencher.iter_custom(|runs| {
        let seconds = (0..runs).map(|_| setup()().expect("a workload runs to its end").seconds);
        Duration::from_secs_f64(seconds.sum())
    });
}

criterion_group!(benches, workloads);
criterion_main!(benches);
