//! What a blueprint and a placement must keep to before anything is laid out.

use super::{Placement, PlanError};
use crate::blueprint::{Blueprint, LANES_MAX, LATENCY_MAX, SHARDS_MAX};
use crate::fifo::DEPTH_MAX;
use crate::kind::Catalogue;
use crate::wiring::Direction;

pub(super) fn check_placement(
    blueprint: &Blueprint,
    placement: &Placement,
) -> Result<(), PlanError> {
    let count = placement.shard_count;
    if count == 0 || count > SHARDS_MAX {
        return Err(PlanError::Placement(format!(
            "{count} shards; 1 to {SHARDS_MAX} are possible"
        )));
    }
    if placement.shard_of.len() != blueprint.instances.len() {
        return Err(PlanError::Placement(format!(
            "a placement of {} instances for a machine of {}",
            placement.shard_of.len(),
            blueprint.instances.len()
        )));
    }
    match placement
        .shard_of
        .iter()
        .position(|&shard| usize::from(shard) >= count)
    {
        Some(instance) => Err(PlanError::Placement(format!(
            "instance {instance} is placed in shard {} of {count}",
            placement.shard_of[instance]
        ))),
        None => Ok(()),
    }
}

pub(super) fn check_recorded(blueprint: &Blueprint, recorded: &[u32]) -> Result<(), PlanError> {
    let count = blueprint.wires.len();
    if let Some(&wire) = recorded.iter().find(|&&wire| wire as usize >= count) {
        return Err(PlanError::Wire {
            wire: wire as usize,
            message: format!("to be recorded, but there are {count} wires"),
        });
    }
    match recorded.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(PlanError::Wire {
            wire: pair[1] as usize,
            message: "wires to be recorded are named once each, in ascending order".to_owned(),
        }),
        None => Ok(()),
    }
}

pub(super) fn check_instances(
    blueprint: &Blueprint,
    catalogue: &Catalogue,
) -> Result<(), PlanError> {
    let (kinds, domains) = (catalogue.kinds().len(), blueprint.domains.len());
    for (number, instance) in blueprint.instances.iter().enumerate() {
        let fail = |message: String| {
            Err(PlanError::Instance {
                instance: number,
                message,
            })
        };
        if instance.kind as usize >= kinds {
            return fail(format!("kind {} of {kinds}", instance.kind));
        }
        if usize::from(instance.domain) >= domains {
            return fail(format!("clock domain {} of {domains}", instance.domain));
        }
    }
    Ok(())
}

pub(super) fn check_wires(blueprint: &Blueprint) -> Result<(), PlanError> {
    let mut taken: Vec<Vec<bool>> = blueprint
        .instances
        .iter()
        .map(|instance| vec![false; instance.shape.ports.len()])
        .collect();
    for (number, wire) in blueprint.wires.iter().enumerate() {
        let fail = |message: String| {
            Err(PlanError::Wire {
                wire: number,
                message,
            })
        };
        let limits = [
            ("depth", wire.depth, DEPTH_MAX),
            ("latency", wire.latency, LATENCY_MAX),
            ("credit", wire.credit, LATENCY_MAX),
            ("lanes", u32::from(wire.lanes), u32::from(LANES_MAX)),
        ];
        for (name, value, limit) in limits {
            if value == 0 || value > limit {
                return fail(format!("{name} {value}; 1 to {limit} is possible"));
            }
        }
        let mut signals = Vec::with_capacity(2);
        for (end, direction) in [(wire.from, Direction::Out), (wire.to, Direction::In)] {
            let shape = blueprint
                .instances
                .get(end.instance as usize)
                .map(|instance| &instance.shape);
            let Some(port) = shape.and_then(|shape| shape.ports.get(usize::from(end.port))) else {
                return fail(format!("no port {} of instance {}", end.port, end.instance));
            };
            if port.direction != direction {
                return fail(format!("port `{}` is not an {direction:?} port", port.name));
            }
            if wire.lanes > port.lanes {
                return fail(format!(
                    "{} lanes at port `{}` of {}",
                    wire.lanes, port.name, port.lanes
                ));
            }
            if std::mem::replace(
                &mut taken[end.instance as usize][usize::from(end.port)],
                true,
            ) {
                return fail(format!("port `{}` has two wires", port.name));
            }
            signals.push((port.signal_id, port.signal));
        }
        if signals[0].0 != signals[1].0 {
            return fail(format!(
                "a {} port feeds a {} port",
                signals[0].1, signals[1].1
            ));
        }
    }
    for (number, (instance, taken)) in blueprint.instances.iter().zip(&taken).enumerate() {
        let open = instance
            .shape
            .ports
            .iter()
            .zip(taken)
            .find(|(port, taken)| !**taken && !port.optional);
        if let Some((port, _)) = open {
            let message = format!("port `{}` is not connected", port.name);
            return Err(PlanError::Instance {
                instance: number,
                message,
            });
        }
    }
    Ok(())
}
