//! The guest programs on machines of one to six harts: the checked result, at every shard count.

use crate::fabric::{Builder, Caches, Fabric, run, site};
use std::path::Path;
use std::sync::Arc;
use tina_engine::{Blueprint, Observer, Outcome, Resources};
use tina_modules::riscv::decode::Decode;
use tina_modules::riscv::execute::{Execute, ExecuteParams};
use tina_modules::riscv::fetch::{Fetch, FetchParams};
use tina_modules::riscv::image::Image;
use tina_modules::riscv::load_store::LoadStore;
use tina_modules::riscv::multiply::{Multiply, MultiplyParams};
use tina_modules::riscv::write_back::WriteBack;

fn image(program: &str) -> Image {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../netlists/programs")
        .join(program);
    Image::from_elf(&std::fs::read(path).unwrap()).unwrap()
}

fn core(builder: &mut Builder<'_>, hart: u32, ram_bytes: u32, caches: &Caches) {
    let fetch = builder.add::<Fetch>(site("fetch", hart), FetchParams::default());
    let decode = builder.add::<Decode>(site("decode", hart), ());
    let execute = builder.add::<Execute>(site("execute", hart), ExecuteParams { hart, ram_bytes });
    let multiply = builder.add::<Multiply>(site("multiply", hart), MultiplyParams::default());
    let load_store = builder.add::<LoadStore>(site("load_store", hart), ());
    let write_back = builder.add::<WriteBack>(site("write_back", hart), ());
    for (from, to) in [
        ((fetch, "request"), (caches.instruction, "request")),
        ((caches.instruction, "reply"), (decode, "fetched")),
        ((decode, "decoded"), (execute, "decoded")),
        ((execute, "resolved"), (fetch, "resolved")),
        ((execute, "access"), (load_store, "access")),
        ((execute, "operands"), (multiply, "operands")),
        ((execute, "invalidate"), (caches.instruction, "invalidate")),
        (
            (caches.instruction, "invalidated"),
            (execute, "invalidated"),
        ),
        ((load_store, "request"), (caches.data, "request")),
        ((caches.data, "reply"), (write_back, "loaded")),
        ((multiply, "product"), (write_back, "product")),
        ((write_back, "write"), (execute, "write")),
    ] {
        builder.wire(from, to);
    }
}

fn machine(fabric: Fabric, program: &str) -> Arc<Blueprint> {
    let catalogue = tina_modules::catalogue();
    let mut resources = Resources::default();
    resources.insert(image(program));
    let mut builder = Builder::new(fabric, &catalogue, resources);
    for (hart, caches) in (0..fabric.tiles()).zip(builder.memory_side()) {
        core(&mut builder, hart, fabric.ram_bytes, &caches);
    }
    builder.finish()
}

#[derive(Default)]
struct Printed(String);

impl Observer for Printed {
    fn console(&mut self, bytes: &[u8]) {
        self.0.push_str(std::str::from_utf8(bytes).unwrap());
    }
}

const FABRIC: Fabric = Fabric {
    width: 2,
    height: 1,
    ram_bytes: 1 << 20,
    sets: 32,
    ways: 2,
    bank_latency: 6,
    wire_latency: 1,
    wire_depth: 2,
    reservation_hold: 64,
    seed: 1,
};

/// Runs a program to exit code 0; cycles, digest and what it printed.
fn check(machine: &Arc<Blueprint>, shards: usize, no_sleep: bool) -> (u64, u64, String) {
    let mut printed = Printed::default();
    let (report, _) = run(
        machine,
        &tina_modules::catalogue(),
        shards,
        no_sleep,
        &mut printed,
    );
    assert!(
        matches!(report.outcome, Outcome::Finished { code: 0, .. }),
        "{:?}: {}",
        report.outcome,
        printed.0
    );
    (report.cycles, report.digest, printed.0)
}

#[test]
fn the_parallel_program_prints_its_checked_results_at_every_shard_count() {
    let machine = machine(
        Fabric {
            width: 3,
            height: 2,
            ..FABRIC
        },
        "parallel.elf",
    );
    let expected = check(&machine, 1, false);
    println!("{} cycles\n{}", expected.0, expected.2);
    for (shards, no_sleep) in [(1, true), (2, false)] {
        assert_eq!(
            check(&machine, shards, no_sleep),
            expected,
            "{shards} shards"
        );
    }
}

#[test]
fn programs_run_on_slow_and_narrow_wires() {
    for (program, seed) in [("hello.elf", 1), ("atomics.elf", 2)] {
        let fabric = Fabric {
            sets: 4,
            wire_latency: 3,
            wire_depth: 3,
            seed,
            ..FABRIC
        };
        let machine = machine(fabric, program);
        assert_eq!(
            check(&machine, 1, false),
            check(&machine, 2, true),
            "{program}"
        );
    }
}
