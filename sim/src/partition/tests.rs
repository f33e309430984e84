//! Placements of meshes, chains and crowds.

use super::*;
use serde::de::value::{Error, UnitDeserializer};
use std::sync::Arc;
use tina_engine::{
    BuildError, Cycle, Domain, Effect, Instance, Module, PortRef, Resources, Shape, Wire, Wiring,
};

struct Light;
struct Heavy;

macro_rules! kind {
    ($kind:ident, $name:literal, $cost:literal) => {
        impl Module for $kind {
            const KIND: &'static str = $name;
            const SUMMARY: &'static str = "a vertex";
            const COST_NS: f64 = $cost;
            type Params = ();
            fn build((): (), _: &mut Wiring<'_>) -> Result<Self, BuildError> {
                Ok(Self)
            }
            fn clock(&mut self, _: Cycle) -> Effect {
                Effect::Done
            }
        }
    };
}
kind!(Light, "test.light", 3.0);
kind!(Heavy, "test.heavy", 30.0);

const LIGHT: u32 = 0;
const HEAVY: u32 = 1;

fn catalogue() -> Catalogue {
    Catalogue::new().with::<Light>().with::<Heavy>()
}

fn empty() -> Blueprint {
    let base = Domain {
        name: "base".to_owned(),
        period_numerator: 1_000,
        period_denominator: 1,
    };
    Blueprint {
        domains: vec![base],
        instances: Vec::new(),
        wires: Vec::new(),
        epoch_cycles: 1024,
        seed: 0,
        resources: Resources::default(),
    }
}

fn add(
    blueprint: &mut Blueprint,
    catalogue: &Catalogue,
    path: String,
    kind: u32,
    index: [u32; 3],
) -> u32 {
    let unit = UnitDeserializer::<Error>::new();
    let params = catalogue
        .kind(kind)
        .parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(unit))
        .unwrap();
    let shape = Arc::new(Shape::default());
    blueprint.instances.push(Instance {
        path,
        kind,
        params,
        domain: 0,
        index,
        shape,
    });
    blueprint.instances.len() as u32 - 1
}

fn join(blueprint: &mut Blueprint, from: u32, to: u32, latency: u32) {
    let end = |instance| PortRef { instance, port: 0 };
    let wire = Wire {
        from: end(from),
        to: end(to),
        depth: 2 * latency,
        latency,
        credit: latency,
        lanes: 1,
    };
    blueprint.wires.push(wire);
}

/// Routers, generators and sinks of a `side`×`side` mesh in netlist order, as in W2.
fn mesh(side: u32, named: bool) -> Blueprint {
    let catalogue = catalogue();
    let mut blueprint = empty();
    let mut grid = |name: &str, kind| -> Vec<u32> {
        let node = |number: u32| (number / side, number % side);
        let nodes = (0..side * side).map(node);
        nodes
            .map(|(y, x)| {
                let path = if named {
                    format!("{name}[{y}][{x}]")
                } else {
                    format!("{name}_{y}_{x}")
                };
                add(&mut blueprint, &catalogue, path, kind, [y, x, 0])
            })
            .collect()
    };
    let (routers, sources, sinks) = (
        grid("router", HEAVY),
        grid("source", LIGHT),
        grid("sink", LIGHT),
    );
    for node in 0..(side * side) as usize {
        let (x, y) = (node as u32 % side, node as u32 / side);
        join(&mut blueprint, sources[node], routers[node], 1);
        join(&mut blueprint, routers[node], sinks[node], 1);
        let mut both = |other: usize| {
            join(&mut blueprint, routers[node], routers[other], 1);
            join(&mut blueprint, routers[other], routers[node], 1);
        };
        if x + 1 < side {
            both(node + 1);
        }
        if y + 1 < side {
            both(node + side as usize);
        }
    }
    blueprint
}

fn chain(count: u32) -> Blueprint {
    let catalogue = catalogue();
    let mut blueprint = empty();
    for number in 0..count {
        add(
            &mut blueprint,
            &catalogue,
            format!("stage[{number}]"),
            LIGHT,
            [number, 0, 0],
        );
    }
    for number in 1..count {
        join(&mut blueprint, number - 1, number, 1);
    }
    blueprint
}

/// Hints in the few words a test needs.
#[derive(Default)]
struct Wishes {
    placed: Vec<(usize, u8)>,
    no_cut: Vec<u32>,
}

fn try_place(
    blueprint: &Blueprint,
    wishes: &Wishes,
    shard_count: usize,
) -> Result<Partition, PartitionError> {
    let mut shard_of = vec![None; blueprint.instances.len()];
    for &(instance, shard) in &wishes.placed {
        shard_of[instance] = Some(shard);
    }
    let size = |axis: usize| {
        let arrayed = blueprint
            .instances
            .iter()
            .filter(|instance| instance.path.contains('['));
        arrayed
            .map(|instance| instance.index[axis] + 1)
            .max()
            .unwrap_or(1)
    };
    let size = [size(0), size(1), size(2)];
    let grid_of: Vec<[u32; 3]> = blueprint
        .instances
        .iter()
        .map(|instance| {
            if instance.path.contains('[') {
                size
            } else {
                [1; 3]
            }
        })
        .collect();
    let hints = Hints {
        weights: None,
        shard_of: &shard_of,
        no_cut: &wishes.no_cut,
        grid_of: &grid_of,
    };
    partition(blueprint, &catalogue(), hints, shard_count)
}

fn place(blueprint: &Blueprint, wishes: &Wishes, shard_count: usize) -> Partition {
    try_place(blueprint, wishes, shard_count).unwrap()
}

#[test]
fn meshes_are_cut_no_worse_than_into_stripes_and_balanced() {
    for (named, side, shard_count) in [
        (true, 16, 2),
        (true, 16, 3),
        (true, 16, 4),
        (true, 16, 8),
        (false, 16, 2),
        (false, 16, 4),
        (false, 16, 8),
    ] {
        let blueprint = mesh(side, named);
        let summary = place(&blueprint, &Wishes::default(), shard_count).summary;
        let stripes = 2 * side as usize * (shard_count - 1);
        let cut = summary.cut_wire_count();
        assert!(
            cut <= stripes,
            "{named} {side} {shard_count}: {cut} wires cut, stripes {stripes}"
        );
        assert!(
            summary.balance_permille() <= 1_050,
            "{named} {side} {shard_count}: {summary:?}"
        );
    }
}

#[test]
fn eight_blocks_of_a_mesh_beat_stripes_by_far() {
    let summary = place(&mesh(16, true), &Wishes::default(), 8).summary;
    // Blocks of 8×4 cut 16 + 3 × 16 columns and rows, each two wires.
    assert!(summary.cut_wire_count() <= 2 * 64, "{summary:?}");
}

#[test]
fn a_node_of_a_mesh_stays_together() {
    let blueprint = mesh(8, true);
    let shard_of = place(&blueprint, &Wishes::default(), 4).shard_of;
    for node in 0..64 {
        assert_eq!(
            [shard_of[node + 64], shard_of[node + 128]],
            [shard_of[node]; 2],
            "node {node}"
        );
    }
}

#[test]
fn a_chain_is_cut_once_per_border() {
    for shard_count in [2, 3, 5, 8] {
        let summary = place(&chain(1_000), &Wishes::default(), shard_count).summary;
        assert_eq!(summary.cut_wire_count(), shard_count - 1);
        assert!(summary.balance_permille() <= 1_050, "{summary:?}");
    }
}

#[test]
fn the_wire_of_high_latency_is_cut() {
    let mut blueprint = chain(9);
    // Every place within the allowed balance of a two-way cut, but one is slow.
    blueprint.wires[4] = Wire {
        latency: 64,
        credit: 64,
        depth: 128,
        ..blueprint.wires[4]
    };
    let partition = place(&blueprint, &Wishes::default(), 2);
    assert_eq!(partition.summary.links.len(), 1);
    assert_eq!(partition.summary.links[0].latency_ticks, 64);
}

#[test]
fn the_same_input_gives_the_same_placement() {
    let blueprint = mesh(16, false);
    for shard_count in [2, 8, 13] {
        let first = place(&blueprint, &Wishes::default(), shard_count);
        // Other calls between two equal ones, and calls at the same time, must not matter.
        std::thread::scope(|scope| {
            let threads = [(); 2]
                .map(|()| scope.spawn(|| place(&blueprint, &Wishes::default(), shard_count)));
            for thread in threads {
                assert_eq!(thread.join().unwrap(), first);
            }
        });
    }
}

#[test]
fn hand_placement_is_honoured() {
    let blueprint = mesh(8, true);
    let wishes = Wishes {
        placed: vec![(0, 3), (63, 0), (70, 2)],
        no_cut: Vec::new(),
    };
    let partition = place(&blueprint, &wishes, 4);
    assert_eq!(
        [
            partition.shard_of[0],
            partition.shard_of[63],
            partition.shard_of[70]
        ],
        [3, 0, 2]
    );
    assert!(
        partition.summary.balance_permille() <= 1_100,
        "{:?}",
        partition.summary
    );
    assert!(
        place(&blueprint, &wishes, 1)
            .shard_of
            .iter()
            .all(|&shard| shard == 0)
    );
}

#[test]
fn wires_that_must_not_be_cut_are_not() {
    let blueprint = chain(100);
    let no_cut: Vec<u32> = (30..70).collect();
    let shard_of = place(
        &blueprint,
        &Wishes {
            placed: Vec::new(),
            no_cut: no_cut.clone(),
        },
        4,
    )
    .shard_of;
    for wire in no_cut {
        let wire = blueprint.wires[wire as usize];
        assert_eq!(
            shard_of[wire.from.instance as usize],
            shard_of[wire.to.instance as usize]
        );
    }
}

#[test]
fn contradictions_name_the_instances() {
    let blueprint = chain(10);
    let refused = |wishes: Wishes, shard_count| {
        try_place(&blueprint, &wishes, shard_count)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(
            Wishes {
                placed: vec![(2, 4)],
                no_cut: Vec::new()
            },
            4
        ),
        "`stage[2]` is placed on shard 4, but the run has shards 0 to 3; run it with 5 shards or more, or with 1"
    );
    assert_eq!(
        refused(
            Wishes {
                placed: vec![(2, 0), (5, 1)],
                no_cut: vec![2, 3, 4]
            },
            2
        ),
        "`stage[2]` is placed on shard 0 and `stage[5]` on shard 1, but wires marked `no_cut` tie them together; \
         the last of them is `stage[4].? -> stage[5].?`"
    );
    assert_eq!(
        refused(Wishes::default(), 0),
        "0 shards were asked for; a machine has 1 to 255"
    );
    assert_eq!(
        refused(Wishes::default(), 256),
        "256 shards were asked for; a machine has 1 to 255"
    );
}

#[test]
fn no_shard_is_empty_that_could_be_filled() {
    for (instance_count, shard_count) in [(3, 8), (8, 8), (9, 8), (300, 255), (20, 255)] {
        let summary = place(&chain(instance_count), &Wishes::default(), shard_count).summary;
        let wanted = shard_count.saturating_sub(instance_count as usize);
        let filled = summary
            .shards
            .iter()
            .take_while(|shard| shard.instance_count > 0);
        assert_eq!(
            filled.count(),
            shard_count - wanted,
            "{instance_count} on {shard_count}"
        );
        assert_eq!(
            summary.empty_shard_count(),
            wanted,
            "{instance_count} on {shard_count}"
        );
    }
}

#[test]
fn slow_domains_weigh_less() {
    let mut blueprint = chain(2);
    blueprint.domains.push(Domain {
        name: "slow".to_owned(),
        period_numerator: 10_000,
        period_denominator: 1,
    });
    blueprint.instances[1].domain = 1;
    let loads = place(&blueprint, &Wishes::default(), 2).summary.shards;
    let mut loads: Vec<u64> = loads.iter().map(|shard| shard.load_ps).collect();
    loads.sort_unstable();
    assert_eq!(loads, [300, 3_000]);
}

#[test]
fn a_million_instances_are_placed() {
    let blueprint = mesh(577, true);
    assert!(blueprint.instances.len() > 998_000);
    let summary = place(&blueprint, &Wishes::default(), 8).summary;
    assert!(summary.balance_permille() <= 1_050, "{:?}", summary.shards);
}
