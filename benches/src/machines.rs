//! The workloads as machines, put together in Rust from the kinds of the catalogue.
//!
//! The same designs stand as netlists in `netlists/`; what they must compute stands in
//! [`plain`](crate::plain).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use tina_engine::{Blueprint, Catalogue, Machine, Placement};
use tina_modules::accel::{SystolicElement, SystolicSink, SystolicSource, SystolicSourceParams};
use tina_modules::flow::{Sink, SinkParams, Source, SourceParams};
use tina_modules::math::{MultiplyAdd, MultiplyAddParams, lcg};
use tina_modules::noc::{
    Generator, GeneratorParams, MeshParams, Packet, PacketSink, Pattern, Router,
};
use tina_modules::{Assembly, AssemblyError, InstanceId, Site, WireShape};

const MESH_WIRE: WireShape = WireShape {
    depth: 4,
    latency: 1,
    credit: 1,
    lanes: 1,
};

/// W1: a source, `stage_count` stages and a sink.
///
/// # Errors
/// When the catalogue lacks a kind.
pub fn pipeline(catalogue: &Catalogue, stage_count: u32) -> Result<Blueprint, AssemblyError> {
    let mut assembly = Assembly::new(catalogue);
    let mut last = assembly.add::<Source>("source", SourceParams::default())?;
    for stage in 0..stage_count {
        let site = Site {
            path: format!("stage[{stage}]"),
            index: [stage, 0, 0],
            domain: 0,
        };
        let params = MultiplyAddParams {
            factor: lcg::MULTIPLIER,
            addend: 1,
        };
        let next = assembly.add_element::<MultiplyAdd, _, _, _>(site, params)?;
        assembly.wire((last, "out"), (next, "in"), WireShape::default())?;
        last = next;
    }
    let sink = assembly.add::<Sink>("sink", SinkParams::default())?;
    assembly.wire((last, "out"), (sink, "in"), WireShape::default())?;
    assembly.finish()
}

/// W2: a mesh of `side`² nodes that make packets with probability `rate`.
///
/// # Errors
/// When the catalogue lacks a kind, or a parameter is out of range.
pub fn mesh(catalogue: &Catalogue, side: u32, rate: f64) -> Result<Blueprint, AssemblyError> {
    let mut assembly = Assembly::new(catalogue);
    let nodes = || (0..side * side).map(|node| (node / side, node % side));
    let site = |name: &str, (y, x): (u32, u32)| Site {
        path: format!("{name}[{y}][{x}]"),
        index: [y, x, 0],
        domain: 0,
    };
    let params = MeshParams {
        width: side,
        height: side,
        node: None,
    };
    let traffic = GeneratorParams {
        width: side,
        height: side,
        node: None,
        rate,
        pattern: Pattern::Uniform,
    };
    let mut routers: Vec<InstanceId> = Vec::new();
    for node in nodes() {
        routers.push(assembly.add::<Router<Packet>>(site("router", node), params)?);
    }
    for (node, &router) in nodes().zip(&routers) {
        let generator = assembly.add::<Generator>(site("generator", node), traffic)?;
        let sink = assembly.add::<PacketSink>(site("sink", node), params)?;
        assembly.wire((generator, "out"), (router, "local_in"), MESH_WIRE)?;
        assembly.wire((router, "local_out"), (sink, "in"), MESH_WIRE)?;
    }
    for (y, x) in nodes() {
        let here = routers[(y * side + x) as usize];
        if x + 1 < side {
            let east = routers[(y * side + x + 1) as usize];
            assembly.wire((here, "east"), (east, "west"), MESH_WIRE)?;
            assembly.wire((east, "west"), (here, "east"), MESH_WIRE)?;
        }
        if y + 1 < side {
            let south = routers[((y + 1) * side + x) as usize];
            assembly.wire((here, "south"), (south, "north"), MESH_WIRE)?;
            assembly.wire((south, "north"), (here, "south"), MESH_WIRE)?;
        }
    }
    assembly.finish()
}

/// W3: a systolic array of `side`² elements between sources and sinks.
///
/// # Errors
/// When the catalogue lacks a kind.
pub fn systolic(catalogue: &Catalogue, side: u32) -> Result<Blueprint, AssemblyError> {
    let mut assembly = Assembly::new(catalogue);
    let wire = WireShape::default();
    let site = |name: &str, index: u32| Site {
        path: format!("{name}[{index}]"),
        index: [index, 0, 0],
        domain: 0,
    };
    let mut elements: Vec<InstanceId> = Vec::new();
    for (i, j) in (0..side * side).map(|number| (number / side, number % side)) {
        let site = Site {
            path: format!("element[{i}][{j}]"),
            index: [i, j, 0],
            domain: 0,
        };
        elements.push(assembly.add_element::<SystolicElement, _, _, _>(site, ())?);
    }
    for line in 0..side {
        for row in [true, false] {
            let (name, input, output, first) = if row {
                ("row", "west", "east", 0)
            } else {
                ("column", "north", "south", side)
            };
            let params = SystolicSourceParams { first };
            let source = assembly.add_element::<SystolicSource, _, _, _>(
                site(&format!("{name}_source"), line),
                params,
            )?;
            let mut last = (source, "out");
            for step in 0..side {
                let number = if row {
                    line * side + step
                } else {
                    step * side + line
                };
                let element = elements[number as usize];
                assembly.wire(last, (element, input), wire)?;
                last = (element, output);
            }
            let sink = assembly
                .add_element::<SystolicSink, _, _, _>(site(&format!("{name}_sink"), line), ())?;
            assembly.wire(last, (sink, "in"), wire)?;
        }
    }
    assembly.finish()
}

/// Cuts a workload into `shard_count` bands of equal size along the first index of its largest
/// array; everything else goes where the first of its wires leads.
///
/// # Panics
/// When there are more shards than the machine format allows.
#[must_use]
pub fn bands(blueprint: &Blueprint, shard_count: usize) -> Placement {
    let instances = &blueprint.instances;
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for instance in instances {
        *counts.entry(instance.kind).or_default() += 1;
    }
    let largest = counts
        .iter()
        .max_by_key(|(kind, count)| (**count, Reverse(**kind)));
    let largest = largest.map(|(kind, _)| *kind);
    let in_bands = |number: u32| Some(instances[number as usize].kind) == largest;
    let length = instances
        .iter()
        .filter(|instance| Some(instance.kind) == largest);
    let length = length
        .map(|instance| instance.index[0] as usize + 1)
        .max()
        .unwrap_or(1);
    let band = |number: u32| instances[number as usize].index[0] as usize * shard_count / length;
    let shard_of = (0..instances.len() as u32).map(|number| {
        let neighbour = blueprint.wires.iter().find_map(|wire| {
            let (from, to) = (wire.from.instance, wire.to.instance);
            let other = if from == number { to } else { from };
            ((from == number || to == number) && in_bands(other)).then_some(other)
        });
        let guide = if in_bands(number) {
            Some(number)
        } else {
            neighbour
        };
        u8::try_from(guide.map_or(0, band)).expect("at most 255 shards")
    });
    Placement {
        shard_count,
        shard_of: shard_of.collect(),
    }
}

/// Result `name` of all instances, folded by `add`.
#[must_use]
pub fn total(machine: &mut Machine, name: &str, add: impl Fn(u64, u64) -> u64) -> u64 {
    let results = machine.results();
    let entries = results.iter().flat_map(|instance| &instance.entries);
    entries
        .filter(|entry| entry.0 == name)
        .map(|entry| entry.1.number())
        .fold(0, add)
}
