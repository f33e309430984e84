//! Wires of a level: ports offered outside, statements carried out, ports left without a wire.
//!
//! A statement stops at its first mistake; the others go on. Ports of arrays that a broken
//! statement mentions are not reported as unconnected.

use super::interface::{Interface, Port};
use super::level::{EXPORTED, Elaborator, Element, Level};
use super::select::{End, Trouble};
use super::wires::Wiring;
use crate::diagnostic::{Code, Diagnostic};
use crate::netlist::endpoint::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tina_engine::{Direction, PortRef};

/// Offers ports to the including netlist.
pub(crate) fn export(level: &mut Level<'_>, elaborator: &mut Elaborator<'_>) {
    let file = level.file;
    let mut interface = Interface::default();
    for (name, endpoint) in &file.netlist.ports {
        match export_one(level, &name.text, endpoint, &mut interface) {
            Ok(()) | Err(None) => {}
            Err(Some(refusal)) => elaborator.found.add(refusal),
        }
    }
    level.block.interface = Rc::new(interface);
}

fn export_one(
    level: &mut Level<'_>,
    name: &str,
    endpoint: &Endpoint,
    interface: &mut Interface,
) -> Result<(), Trouble> {
    let directions = level.directions(endpoint, &level.scope(&[]))?;
    for direction in directions {
        let picked = level.pick_ports(endpoint, direction, &level.scope(&[]))?;
        for (number, &end) in picked.list.iter().enumerate() {
            let element = level.elements[end.element as usize];
            let slot = (element.first_slot + u32::from(end.port)) as usize;
            if level.slots[slot] == EXPORTED {
                let message = format!("`{}` is offered twice", level.port_path(end));
                return Err(Some(
                    Diagnostic::error(Code::PortTaken, message)
                        .at(endpoint.span, "")
                        .into(),
                ));
            }
            level.slots[slot] = EXPORTED;
            let port = &level.interfaces[element.interface as usize].ports[usize::from(end.port)];
            let name = if picked.shape.is_empty() {
                name.to_owned()
            } else {
                format!("{name}[{number}]")
            };
            let inner = PortRef {
                instance: element.first_instance + port.inner.instance,
                port: port.inner.port,
            };
            if interface.ports.len() == tina_engine::PORTS_MAX {
                let message = format!("a netlist offers at most {} ports", tina_engine::PORTS_MAX);
                return Err(Some(
                    Diagnostic::error(Code::TooMany, message)
                        .at(endpoint.span, "")
                        .into(),
                ));
            }
            let mut info = port.info.clone();
            info.name = name;
            interface.add(Port { info, inner });
        }
    }
    Ok(())
}

/// Makes all wires of a level and reports ports that have none.
pub(crate) fn wires(level: &mut Level<'_>, elaborator: &mut Elaborator<'_>) {
    let file = level.file;
    // Arrays of which ports may be without a wire only because a statement is broken.
    let mut excused: BTreeSet<&str> = level.broken.clone();
    for (number, statement) in file.netlist.wires.iter().enumerate() {
        if elaborator.found.is_full() {
            break;
        }
        let periods = elaborator.periods;
        let mut wiring = Wiring {
            level,
            periods,
            statement,
            number: number as u32,
            caps: BTreeMap::new(),
        };
        let outcome = wiring.run();
        let caps = std::mem::take(&mut wiring.caps);
        level.block.caps.extend(caps.into_values());
        if let Err(trouble) = outcome {
            excused.extend(
                statement
                    .pattern
                    .mentions()
                    .iter()
                    .map(|name| name.text.as_str()),
            );
            if let Some(refusal) = trouble {
                elaborator.found.add(refusal);
            }
        }
    }
    if file.netlist.wires_broken || elaborator.found.is_full() {
        return;
    }
    for item in &level.items {
        if !excused.contains(item.name.text.as_str()) {
            for refusal in unconnected(level, item.first_element, item.count) {
                elaborator
                    .found
                    .add(refusal.at(item.name.span, "declared here"));
            }
        }
    }
}

/// One diagnostic for each port of an array that has no wire somewhere.
fn unconnected(level: &Level<'_>, first: u32, count: u32) -> Vec<Diagnostic> {
    let mut open: BTreeMap<(&str, bool), (End, u32)> = BTreeMap::new();
    for element in first..first + count {
        let Element {
            first_slot,
            interface,
            ..
        } = level.elements[element as usize];
        let ports = &level.interfaces[interface as usize].ports;
        let slots = &level.slots[first_slot as usize..][..ports.len()];
        for (number, (port, &slot)) in ports.iter().zip(slots).enumerate() {
            if slot == 0 && !port.info.optional {
                let end = End {
                    element,
                    port: number as u16,
                };
                let is_output = port.info.direction == Direction::Out;
                open.entry((&port.info.name, is_output))
                    .or_insert((end, 0))
                    .1 += 1;
            }
        }
    }
    let diagnostic = |((_, is_output), (end, count))| {
        let direction = if is_output { "output" } else { "input" };
        let path = level.port_path(end);
        let message = match count {
            1 => format!("{direction} `{path}` has no wire"),
            _ => format!(
                "{direction} `{path}` has no wire, like {} more of the array",
                count - 1
            ),
        };
        Diagnostic::error(Code::Unconnected, message)
    };
    open.into_iter().map(diagnostic).collect()
}
