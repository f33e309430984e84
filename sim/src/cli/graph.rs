//! `tina-hw graph`.

use super::arguments::GraphArguments;
use super::failure::Failure;
use super::input;
use super::picture::{self, PictureFormat};
use crate::design::Design;
use crate::partition::{Hints, partition};
use crate::run::thousands;
use tina_engine::Catalogue;
use tina_viz::graph::{Element, Net, NetWire};

pub(super) fn graph(arguments: &GraphArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    // A wrong name is said before a large netlist is read.
    PictureFormat::of_path(&arguments.output)?;
    let design = input::design(&arguments.input, catalogue)?;
    let net = net(&design, catalogue, arguments.shards)?;
    picture::write(&net.picture(), &arguments.output, arguments.dark)?;
    Ok(0)
}

/// The instances and wires of a design, placed on shards if there are to be any.
fn net(design: &Design, catalogue: &Catalogue, shards: Option<usize>) -> Result<Net, Failure> {
    let blueprint = &design.blueprint;
    let shard_of = match shards {
        Some(count) => {
            let placed = partition(blueprint, catalogue, Hints::of(design, None), count);
            Some(placed.map_err(Failure::input)?.shard_of)
        }
        None => None,
    };
    let elements = blueprint
        .instances
        .iter()
        .enumerate()
        .map(|(number, instance)| Element {
            path: instance.path.clone(),
            kind: catalogue.kind(instance.kind).name().to_owned(),
            shard: shard_of
                .as_ref()
                .map(|shard_of| u16::from(shard_of[number])),
        });
    let wires = blueprint.wires.iter().map(|wire| NetWire {
        from: wire.from.instance as usize,
        to: wire.to.instance as usize,
        depth: wire.depth,
        latency: wire.latency,
    });
    let mut subtitle = format!(
        "{} instances, {} wires",
        thousands(blueprint.instances.len() as u64),
        thousands(blueprint.wires.len() as u64)
    );
    if let Some(count) = shards {
        subtitle.push_str(&format!(
            ", on {count} shard{}",
            if count == 1 { "" } else { "s" }
        ));
    }
    Ok(Net {
        title: design.name.clone(),
        subtitle,
        elements: elements.collect(),
        wires: wires.collect(),
        shard_count: shards.unwrap_or(0),
    })
}
