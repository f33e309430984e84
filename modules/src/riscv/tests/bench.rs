//! Builds a core in front of the test memory, runs a program on it and on the reference, and
//! compares.

use super::assembler::{addi, constant, csr, elf, jal, store};
use super::memory::{Snapshot, TestMemory, TestMemoryParams};
use crate::riscv::csr::MINSTRET;
use crate::riscv::decode::Decode;
use crate::riscv::execute::{Execute, ExecuteParams};
use crate::riscv::fetch::{Fetch, FetchParams};
use crate::riscv::image::Image;
use crate::riscv::load_store::LoadStore;
use crate::riscv::multiply::{Multiply, MultiplyParams};
use crate::riscv::platform::RAM_BASE;
use crate::riscv::reference::Reference;
use crate::riscv::write_back::WriteBack;
use crate::{Assembly, WireShape};
use std::sync::Arc;
use tina_engine::{
    Blueprint, Catalogue, HostOptions, Limits, Machine, Observer, Outcome, Placement, Resources,
};

/// Where tests keep their data.
pub const DATA: u32 = RAM_BASE + 0xa000;
const DUMP: u32 = RAM_BASE + 0xc000;
pub const TOHOST: u32 = RAM_BASE + 0xd000;

/// How a core is wired, and what stands around it.
#[derive(Clone, Debug)]
pub struct Setup {
    pub latency: u32,
    pub depth: u32,
    pub refused_percent: u64,
    pub no_sleep: bool,
    pub ram_bytes: u32,
    pub cycles_max: u64,
    pub multiply: MultiplyParams,
    pub fetch: FetchParams,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            latency: 1,
            depth: 2,
            refused_percent: 0,
            no_sleep: false,
            ram_bytes: 1 << 16,
            cycles_max: 300_000,
            multiply: MultiplyParams::default(),
            fetch: FetchParams::default(),
        }
    }
}

/// What remains of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: u32,
    pub ram: Vec<u32>,
    pub console: Vec<u8>,
    pub digest: u64,
    results: Vec<(&'static str, u64)>,
}

impl Ran {
    /// The result of this name, of whichever stage reports it.
    pub fn result(&self, name: &str) -> u64 {
        let found = self.results.iter().find(|(entry, _)| *entry == name);
        found.unwrap_or_else(|| panic!("nobody reports {name}")).1
    }

    /// The word that an address holds in the end.
    pub fn word(&self, address: u32) -> u32 {
        self.ram[((address - RAM_BASE) / 4) as usize]
    }

    /// Register `number` as [`epilogue`] found it.
    pub fn register(&self, number: u32) -> u32 {
        self.word(DUMP + 4 * number)
    }
}

/// Stores the registers 1 to 29, clobbering 30 and 31, then the count of instructions, then ends the
/// run with exit code 0.
pub fn epilogue() -> Vec<u32> {
    let mut words = constant(30, DUMP).to_vec();
    words.extend((1..30).map(|register| store(2, register, 30, 4 * register as i32)));
    words.extend([csr(2, 31, MINSTRET, 0), store(2, 31, 30, 0)]);
    words.extend(exit(0));
    words
}

/// Ends the run.
pub fn exit(code: u32) -> Vec<u32> {
    let mut words = constant(30, TOHOST).to_vec();
    words.extend([
        addi(31, 0, (code << 1 | 1) as i32),
        store(2, 31, 30, 0),
        jal(0, 0),
    ]);
    words
}

/// All kinds that a core and its test memory are made of.
fn kinds() -> Catalogue {
    Catalogue::new()
        .with::<Fetch>()
        .with::<Decode>()
        .with::<Execute>()
        .with::<Multiply>()
        .with::<LoadStore>()
        .with::<WriteBack>()
        .with::<TestMemory>()
}

fn blueprint(catalogue: &Catalogue, resources: Resources, setup: &Setup) -> Blueprint {
    let mut assembly = Assembly::new(catalogue)
        .with_epoch(256)
        .with_resources(resources);
    let Setup {
        ram_bytes,
        refused_percent,
        ..
    } = *setup;
    let fetch = assembly.add::<Fetch>("fetch", setup.fetch.clone()).unwrap();
    let decode = assembly.add::<Decode>("decode", ()).unwrap();
    let execute = assembly
        .add::<Execute>("execute", ExecuteParams { hart: 0, ram_bytes })
        .unwrap();
    let multiply = assembly
        .add::<Multiply>("multiply", setup.multiply.clone())
        .unwrap();
    let load_store = assembly.add::<LoadStore>("load_store", ()).unwrap();
    let write_back = assembly.add::<WriteBack>("write_back", ()).unwrap();
    let params = TestMemoryParams {
        ram_bytes,
        refused_percent,
    };
    let memory = assembly.add::<TestMemory>("memory", params).unwrap();
    let shape = WireShape {
        depth: setup.depth,
        latency: setup.latency,
        ..WireShape::default()
    };
    for (from, to) in [
        ((fetch, "request"), (memory, "fetch")),
        ((memory, "fetched"), (decode, "fetched")),
        ((decode, "decoded"), (execute, "decoded")),
        ((execute, "resolved"), (fetch, "resolved")),
        ((execute, "access"), (load_store, "access")),
        ((execute, "operands"), (multiply, "operands")),
        ((execute, "invalidate"), (memory, "invalidate")),
        ((memory, "invalidated"), (execute, "invalidated")),
        ((load_store, "request"), (memory, "request")),
        ((memory, "reply"), (write_back, "loaded")),
        ((multiply, "product"), (write_back, "product")),
        ((write_back, "write"), (execute, "write")),
    ] {
        assembly.wire(from, to, shape).unwrap();
    }
    assembly.finish().unwrap()
}

#[derive(Default)]
struct Printed(Vec<u8>);

impl Observer for Printed {
    fn console(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
}

/// Runs an image on the core until it exits.
pub fn run_image(image: &Image, setup: &Setup) -> Ran {
    let snapshot = Snapshot::default();
    let catalogue = kinds();
    let mut resources = Resources::default();
    resources.insert(image.clone());
    resources.insert(snapshot.clone());
    let blueprint = Arc::new(blueprint(&catalogue, resources, setup));
    let host = HostOptions {
        thread_count: Some(1),
        no_sleep: setup.no_sleep,
        no_vectors: false,
        pin: false,
        ..HostOptions::default()
    };
    let placement = Placement::single(blueprint.instances.len());
    let mut machine = Machine::boot(&blueprint, &catalogue, &placement, &host).unwrap();
    let mut printed = Printed::default();
    let limits = Limits {
        cycles: None,
        max_cycles: Some(setup.cycles_max),
    };
    let report = machine.run(&limits, &mut printed);
    let Outcome::Finished { code, .. } = report.outcome else {
        panic!("{:?}", report.outcome)
    };
    let results = machine.results();
    let entries = results.iter().flat_map(|instance| &instance.entries);
    let results = entries
        .map(|(name, value)| (*name, value.number()))
        .collect();
    let ram = snapshot.0.lock().unwrap().clone();
    Ran {
        code,
        ram,
        console: printed.0,
        digest: report.digest,
        results,
    }
}

/// Runs an image on the core and on the reference, and demands the same memory, console and code.
pub fn check_image(image: &Image, setup: &Setup) -> Ran {
    let mut reference = Reference::new(image, 1, setup.ram_bytes).unwrap();
    let code = reference
        .run(20_000_000)
        .expect("the program ends on the reference");
    let ran = run_image(image, setup);
    let differences: Vec<String> = (0..ran.ram.len())
        .filter(|&index| reference.ram()[index] != ran.ram[index])
        .map(|index| {
            let address = RAM_BASE as usize + 4 * index;
            let (expected, found) = (reference.ram()[index], ran.ram[index]);
            format!("{address:#x}: {found:#x} instead of {expected:#x}")
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(ran.console, reference.console());
    assert_eq!(ran.code, code);
    ran
}

/// The image of a program whose first word stands at the start of RAM.
pub fn image(words: &[u32]) -> Image {
    Image::from_elf(&elf(words, TOHOST)).unwrap()
}

/// Runs words with the [`epilogue`] behind them, compared with the reference.
pub fn check(words: &[u32], setup: &Setup) -> Ran {
    check_image(&image(&[words, &epilogue()].concat()), setup)
}
