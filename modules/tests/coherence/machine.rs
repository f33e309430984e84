//! Machines of traffic generators with caches on a mesh, shaped by a few numbers.

use crate::traffic::{Layout, Traffic, TrafficParams};
use std::sync::Arc;
use tina_engine::{
    Blueprint, Catalogue, HostOptions, InstanceResults, Limits, Machine, Placement, Random, Report,
};
use tina_modules::noc::{MeshParams, Routed, Router};
use tina_modules::riscv::coherence::{Answer, LINE_BYTES, Order, Request};
use tina_modules::riscv::console::{Console, ConsoleParams};
use tina_modules::riscv::data_cache::{DataCache, DataCacheParams};
use tina_modules::riscv::home::{Home, HomeParams};
use tina_modules::riscv::instruction_cache::{InstructionCache, InstructionCacheParams};
use tina_modules::riscv::network_interface::NetworkInterface;
use tina_modules::riscv::platform::RAM_BASE;
use tina_modules::{Assembly, InstanceId, Site, WireShape};

/// A machine of `width` × `height` tiles.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub width: u32,
    pub height: u32,
    pub words: u32,
    pub operations: u32,
    pub pause: u32,
    pub burst: usize,
    /// Sets and ways of both caches.
    pub sets: u32,
    pub ways: u32,
    pub bank_latency: u32,
    /// The longest latency and the greatest depth of a wire.
    pub wire_latency: u32,
    pub wire_depth: u32,
    pub seed: u64,
}

impl Sizes {
    pub fn tiles(&self) -> u32 {
        self.width * self.height
    }
}

pub fn catalogue() -> Catalogue {
    tina_modules::catalogue().with::<Traffic>()
}

struct Builder<'a> {
    sizes: Sizes,
    assembly: Assembly<'a>,
    random: Random,
}

impl Builder<'_> {
    /// A wire of random depth and latency.
    fn wire(&mut self, from: (InstanceId, &str), to: (InstanceId, &str)) {
        let mut upto = |limit: u32| 1 + self.random.below(u64::from(limit)) as u32;
        let shape = WireShape {
            depth: upto(self.sizes.wire_depth),
            latency: upto(self.sizes.wire_latency),
            credit: upto(self.sizes.wire_latency),
            lanes: 1,
        };
        self.assembly.wire(from, to, shape).unwrap();
    }

    /// A mesh of routers with one more row for the devices, which hang below column 0.
    fn mesh<P: Routed>(&mut self, name: &str) -> Vec<InstanceId> {
        let Sizes { width, height, .. } = self.sizes;
        let mut routers = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let site = Site { path: format!("{name}[{y}][{x}]"), index: [y, x, 0], domain: 0 };
                let params = MeshParams { width, height: height + 1, node: None };
                routers.push(self.assembly.add::<Router<P>>(site, params).unwrap());
            }
        }
        for (node, &here) in routers.iter().enumerate() {
            if (node + 1) % width as usize != 0 {
                self.wire((here, "east"), (routers[node + 1], "west"));
                self.wire((routers[node + 1], "west"), (here, "east"));
            }
            if let Some(&below) = routers.get(node + width as usize) {
                self.wire((here, "south"), (below, "north"));
                self.wire((below, "north"), (here, "south"));
            }
        }
        routers
    }

    fn tile(&mut self, node: u32, routers: &[Vec<InstanceId>; 3]) {
        let sizes = self.sizes;
        let (tiles, ram_bytes) = (sizes.tiles(), ram_bytes(&sizes));
        let site = |name: &str| Site { path: format!("{name}[{node}]"), index: [node, 0, 0], domain: 0 };
        let bytes = sizes.sets * sizes.ways * LINE_BYTES;
        let assembly = &mut self.assembly;
        let traffic = TrafficParams {
            hart: node,
            tiles,
            words: sizes.words,
            operations: sizes.operations,
            pause: sizes.pause,
            burst: sizes.burst,
        };
        let data = DataCacheParams {
            node,
            bytes,
            ways: sizes.ways,
            ram_bytes,
            banks: tiles,
            device_node: tiles,
        };
        let instruction = InstructionCacheParams { node, bytes, ways: sizes.ways, ram_bytes, banks: tiles };
        let home = HomeParams { node, ram_bytes, banks: tiles, tiles, latency: sizes.bank_latency };
        let traffic = assembly.add::<Traffic>(site("traffic"), traffic).unwrap();
        let data = assembly.add::<DataCache>(site("data"), data).unwrap();
        let instruction = assembly.add::<InstructionCache>(site("instruction"), instruction).unwrap();
        let interface = assembly.add::<NetworkInterface>(site("interface"), ()).unwrap();
        let home = assembly.add::<Home>(site("home"), home).unwrap();
        let [request, order, answer] = [0, 1, 2].map(|class| routers[class][node as usize]);
        for (from, to) in [
            ((traffic, "request"), (data, "request")),
            ((data, "reply"), (traffic, "reply")),
            ((traffic, "fetch"), (instruction, "request")),
            ((instruction, "reply"), (traffic, "fetched")),
            ((traffic, "invalidate"), (instruction, "invalidate")),
            ((instruction, "invalidated"), (traffic, "invalidated")),
            ((instruction, "miss"), (interface, "instruction_miss")),
            ((data, "miss"), (interface, "data_miss")),
            ((interface, "request_out"), (request, "local_in")),
            ((request, "local_out"), (home, "request")),
            ((home, "order"), (order, "local_in")),
            ((order, "local_out"), (interface, "order_in")),
            ((interface, "instruction_order"), (instruction, "order")),
            ((interface, "data_order"), (data, "order")),
            ((data, "answer"), (answer, "local_in")),
            ((answer, "local_out"), (home, "answer")),
        ] {
            self.wire(from, to);
        }
    }
}

/// RAM enough for what the traffic works on.
fn ram_bytes(sizes: &Sizes) -> u32 {
    let used = Layout::new(sizes.tiles(), sizes.words).end() - RAM_BASE;
    used.next_multiple_of(LINE_BYTES).max(LINE_BYTES * sizes.tiles())
}

pub fn blueprint(sizes: Sizes, catalogue: &Catalogue) -> Blueprint {
    let mut builder = Builder {
        sizes,
        assembly: Assembly::new(catalogue).with_seed(sizes.seed).with_epoch(512),
        random: Random::keyed(sizes.seed, 0, 0),
    };
    let routers = [
        builder.mesh::<Request>("request"),
        builder.mesh::<Order>("order"),
        builder.mesh::<Answer>("answer"),
    ];
    for node in 0..sizes.tiles() {
        builder.tile(node, &routers);
    }
    let devices = builder.assembly.add::<Console>("console", ConsoleParams { harts: sizes.tiles() }).unwrap();
    let corner = (sizes.tiles() - sizes.width) as usize;
    builder.wire((routers[0][corner], "south"), (devices, "request"));
    builder.wire((devices, "order"), (routers[1][corner], "south"));
    builder.assembly.finish().unwrap()
}

/// Runs a machine with its instances dealt out over shards.
pub fn run(
    blueprint: &Arc<Blueprint>,
    catalogue: &Catalogue,
    shard_count: usize,
    no_sleep: bool,
) -> (Report, Vec<InstanceResults>) {
    let mut random = Random::keyed(shard_count as u64, 1, 1);
    let mut placement = Placement::single(blueprint.instances.len());
    placement.shard_count = shard_count;
    for (instance, shard) in placement.shard_of.iter_mut().enumerate() {
        // No shard stays empty.
        let drawn = random.below(shard_count as u64) as usize;
        *shard = if instance < shard_count { instance } else { drawn } as u8;
    }
    let host = HostOptions { no_sleep, ..HostOptions::default() };
    let mut machine = Machine::boot(blueprint, catalogue, &placement, &host).unwrap();
    let report = machine.run(&Limits { cycles: None, max_cycles: Some(20_000_000) }, &mut ());
    let results = machine.results();
    (report, results)
}
