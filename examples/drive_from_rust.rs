//! A machine driven from Rust: no netlist, no command line.
//!
//! An `Assembly` puts instances and wires together, `Machine::boot` places them on shards with an
//! arena each, `run` may be called again and again, and `results` answers in between.
#![forbid(unsafe_code)]

use std::sync::Arc;
use tina_engine::{EpochRecord, HostOptions, Limits, Machine, Observer, Placement};
use tina_modules::flow::{Arbiter, ArbiterParams, Sink, SinkParams, Source, SourceParams};
use tina_modules::{Assembly, AssemblyError, WireShape, catalogue};

/// Sees the end of every epoch, with the digest of everything that happened up to then.
#[derive(Default)]
struct Digests(Vec<u64>);

impl Observer for Digests {
    fn epoch(&mut self, record: EpochRecord) {
        self.0.push(record.digest);
    }
}

fn main() -> Result<(), AssemblyError> {
    let kinds = catalogue();
    let mut assembly = Assembly::new(&kinds).with_epoch(100);
    let arbiter = assembly.add::<Arbiter>("arbiter", ArbiterParams { inputs: 3 })?;
    for lane in 0..3 {
        let params = SourceParams {
            start: lane,
            step: 3,
            limit: None,
        };
        let source = assembly.add::<Source>(format!("source[{lane}]").as_str(), params)?;
        let input = format!("in[{lane}]");
        assembly.wire((source, "out"), (arbiter, &input), WireShape::default())?;
    }
    let sink = assembly.add::<Sink>("sink", SinkParams::default())?;
    // Twelve cycles under way, and slots enough for the full rate.
    let long = WireShape {
        depth: 24,
        latency: 12,
        credit: 12,
        ..WireShape::default()
    };
    assembly.wire((arbiter, "out"), (sink, "in"), long)?;
    let blueprint = Arc::new(assembly.finish()?);

    let mut histories = Vec::new();
    for shard_count in [1u8, 2] {
        // The sink goes to the last shard; the long wire is the cheap one to cut.
        let mut shard_of = vec![0; blueprint.instances.len()];
        shard_of[sink.number() as usize] = shard_count - 1;
        let placement = Placement {
            shard_count: usize::from(shard_count),
            shard_of,
        };
        let mut machine = Machine::boot(&blueprint, &kinds, &placement, &HostOptions::default())
            .expect("the host has memory and threads for a small machine");
        let mut digests = Digests::default();
        for cycles in [100, 1000] {
            let limits = Limits {
                cycles: Some(cycles),
                max_cycles: None,
            };
            machine.run(&limits, &mut digests);
            let results = machine.results();
            let of_sink = results
                .iter()
                .find(|results| results.instance == sink.number());
            let count = of_sink.expect("a sink reports").entries[0].1.number();
            println!("{cycles} cycles, {count} items (shards: {shard_count})");
        }
        histories.push(digests.0);
    }
    println!(
        "{} epochs, same digests: {}",
        histories[0].len(),
        histories[0] == histories[1]
    );
    Ok(())
}
