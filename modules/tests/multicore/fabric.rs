//! Caches, networks, banks and devices of a machine, shaped by a few numbers; who drives the caches
//! is for others to say.

use std::sync::Arc;
use tina_engine::{
    Blueprint, Catalogue, HostOptions, InstanceResults, Limits, Machine, Observer, Placement,
    Random, Report, Resources,
};
use tina_modules::noc::{MeshParams, Routed, Router};
use tina_modules::riscv::coherence::{Answer, LINE_BYTES, Order, Request};
use tina_modules::riscv::console::{Console, ConsoleParams};
use tina_modules::riscv::data_cache::{DataCache, DataCacheParams};
use tina_modules::riscv::home::{Home, HomeParams};
use tina_modules::riscv::instruction_cache::{InstructionCache, InstructionCacheParams};
use tina_modules::riscv::network_interface::NetworkInterface;
use tina_modules::{Assembly, InstanceId, Site, WireShape};

/// Sizes of a machine of `width` × `height` tiles.
#[derive(Clone, Copy, Debug)]
pub struct Fabric {
    pub width: u32,
    pub height: u32,
    pub ram_bytes: u32,
    /// Sets and ways of both caches.
    pub sets: u32,
    pub ways: u32,
    pub bank_latency: u32,
    /// The longest latency and the greatest depth of a wire; each is drawn.
    pub wire_latency: u32,
    pub wire_depth: u32,
    pub reservation_hold: u32,
    pub seed: u64,
}

impl Fabric {
    pub fn tiles(&self) -> u32 {
        self.width * self.height
    }
}

/// The two caches of a tile.
pub struct Caches {
    pub instruction: InstanceId,
    pub data: InstanceId,
}

/// A machine being put together.
pub struct Builder<'a> {
    fabric: Fabric,
    assembly: Assembly<'a>,
    random: Random,
}

pub fn site(name: &str, number: u32) -> Site {
    Site {
        path: format!("{name}[{number}]"),
        index: [number, 0, 0],
        domain: 0,
    }
}

impl<'a> Builder<'a> {
    pub fn new(fabric: Fabric, catalogue: &'a Catalogue, resources: Resources) -> Self {
        let assembly = Assembly::new(catalogue)
            .with_seed(fabric.seed)
            .with_epoch(512);
        let random = Random::keyed(fabric.seed, 0, 0);
        Self {
            fabric,
            assembly: assembly.with_resources(resources),
            random,
        }
    }

    pub fn add<M: tina_engine::Module>(&mut self, site: Site, params: M::Params) -> InstanceId {
        self.assembly.add::<M>(site, params).unwrap()
    }

    /// Everything but the harts.
    pub fn memory_side(&mut self) -> Vec<Caches> {
        let routers = [
            self.mesh::<Request>("request"),
            self.mesh::<Order>("order"),
            self.mesh::<Answer>("answer"),
        ];
        let caches = (0..self.fabric.tiles())
            .map(|node| self.tile(node, &routers))
            .collect();
        let harts = self.fabric.tiles();
        let devices = self.add::<Console>(
            site("console", 0),
            ConsoleParams {
                harts,
                receive_bytes: 16,
            },
        );
        let corner = (harts - self.fabric.width) as usize;
        self.wire((routers[0][corner], "south"), (devices, "request"));
        self.wire((devices, "order"), (routers[1][corner], "south"));
        caches
    }

    pub fn finish(self) -> Arc<Blueprint> {
        Arc::new(self.assembly.finish().unwrap())
    }

    /// A wire of random depth and latency.
    pub fn wire(&mut self, from: (InstanceId, &str), to: (InstanceId, &str)) {
        let mut upto = |limit: u32| 1 + self.random.below(u64::from(limit)) as u32;
        let shape = WireShape {
            depth: upto(self.fabric.wire_depth),
            latency: upto(self.fabric.wire_latency),
            credit: upto(self.fabric.wire_latency),
            lanes: 1,
        };
        self.assembly.wire(from, to, shape).unwrap();
    }

    /// A mesh of routers with one more row for the devices, which hang below column 0.
    fn mesh<P: Routed>(&mut self, name: &str) -> Vec<InstanceId> {
        let Fabric { width, height, .. } = self.fabric;
        let mut routers = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let site = Site {
                    path: format!("{name}[{y}][{x}]"),
                    index: [y, x, 0],
                    domain: 0,
                };
                let params = MeshParams {
                    width,
                    height: height + 1,
                    node: None,
                };
                routers.push(self.add::<Router<P>>(site, params));
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

    fn tile(&mut self, node: u32, routers: &[Vec<InstanceId>; 3]) -> Caches {
        let Fabric {
            ram_bytes,
            ways,
            reservation_hold,
            ..
        } = self.fabric;
        let tiles = self.fabric.tiles();
        let bytes = self.fabric.sets * ways * LINE_BYTES;
        let data = DataCacheParams {
            node,
            bytes,
            ways,
            ram_bytes,
            banks: tiles,
            device_node: tiles,
            reservation_hold,
        };
        let instruction = InstructionCacheParams {
            node,
            bytes,
            ways,
            ram_bytes,
            banks: tiles,
        };
        let home = HomeParams {
            node,
            ram_bytes,
            banks: tiles,
            tiles,
            latency: self.fabric.bank_latency,
        };
        let data = self.add::<DataCache>(site("data", node), data);
        let instruction = self.add::<InstructionCache>(site("instruction", node), instruction);
        let interface = self.add::<NetworkInterface>(site("interface", node), ());
        let home = self.add::<Home>(site("home", node), home);
        let [request, order, answer] = [0, 1, 2].map(|class| routers[class][node as usize]);
        for (from, to) in [
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
        Caches { instruction, data }
    }
}

/// Runs a machine with its instances dealt out over shards.
pub fn run(
    blueprint: &Arc<Blueprint>,
    catalogue: &Catalogue,
    shard_count: usize,
    no_sleep: bool,
    observer: &mut dyn Observer,
) -> (Report, Vec<InstanceResults>) {
    let mut random = Random::keyed(shard_count as u64, 1, 1);
    let mut placement = Placement::single(blueprint.instances.len());
    placement.shard_count = shard_count;
    for (instance, shard) in placement.shard_of.iter_mut().enumerate() {
        // No shard stays empty.
        let drawn = random.below(shard_count as u64) as usize;
        *shard = if instance < shard_count {
            instance
        } else {
            drawn
        } as u8;
    }
    let host = HostOptions {
        no_sleep,
        ..HostOptions::default()
    };
    let mut machine = Machine::boot(blueprint, catalogue, &placement, &host).unwrap();
    let report = machine.run(
        &Limits {
            cycles: None,
            max_cycles: Some(2_000_000),
        },
        observer,
    );
    let results = machine.results();
    (report, results)
}
