//! Which wires and instances a set of globs selects.

use super::{Glob, TraceError};
use crate::diagnostic::nearest;
use std::collections::BTreeSet;
use tina_engine::{Blueprint, PortRef};

/// What is recorded, by numbers in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Wires with an end that is selected.
    pub wires: Vec<u32>,
    /// Instances that are selected.
    pub instances: Vec<u32>,
}

/// Everything that one of the globs selects, or everything there is if there is no glob.
///
/// # Errors
/// When a glob selects nothing.
pub fn select(blueprint: &Blueprint, globs: &[Glob]) -> Result<Selection, TraceError> {
    let wire_count = blueprint.wires.len() as u32;
    let instance_count = blueprint.instances.len() as u32;
    if globs.is_empty() {
        return Ok(Selection {
            wires: (0..wire_count).collect(),
            instances: (0..instance_count).collect(),
        });
    }
    let mut used = vec![false; globs.len()];
    let mut any = |selects: &dyn Fn(&Glob) -> bool| {
        let mut selected = false;
        for (glob, used) in globs.iter().zip(&mut used) {
            if selects(glob) {
                *used = true;
                selected = true;
            }
        }
        selected
    };
    let instances = (0..instance_count)
        .filter(|&number| {
            let path = &blueprint.instances[number as usize].path;
            any(&|glob| glob.selects_instance(path))
        })
        .collect();
    let wires = (0..wire_count)
        .filter(|&number| {
            let wire = &blueprint.wires[number as usize];
            let ends = [wire.from, wire.to].map(|end| port_path(blueprint, end));
            any(&|glob| ends.iter().any(|end| glob.selects(end)))
        })
        .collect();
    match used.iter().position(|used| !used) {
        Some(unused) => Err(TraceError::NothingMatches(
            globs[unused].clone(),
            nearest_name(blueprint, &globs[unused]),
        )),
        None => Ok(Selection { wires, instances }),
    }
}

/// Path and port.
pub(super) fn port_path(blueprint: &Blueprint, end: PortRef) -> String {
    let instance = &blueprint.instances[end.instance as usize];
    let port = &instance.shape.ports[usize::from(end.port)];
    format!("{}.{}", instance.path, port.name)
}

/// The most names a suggestion is chosen from.
const NAMES_MAX: usize = 10_000;

/// What was probably meant: of the paths and ports there are, with `[*]` for every index.
fn nearest_name(blueprint: &Blueprint, glob: &Glob) -> Option<String> {
    let mut names = BTreeSet::new();
    for instance in &blueprint.instances {
        if names.len() >= NAMES_MAX {
            break;
        }
        let path = without_indices(&instance.path);
        for port in &instance.shape.ports {
            names.insert(format!("{path}.{}", without_indices(&port.name)));
        }
        let parts = path.match_indices('.').map(|(at, _)| path[..at].to_owned());
        names.extend(parts);
        names.insert(path);
    }
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let meant = without_indices(glob.text());
    // A last star stands for any port.
    let (meant, star) = match meant.strip_suffix(".*") {
        Some(meant) => (meant, ".*"),
        None => (meant.as_str(), ""),
    };
    nearest(meant, &known).map(|name| format!("{name}{star}"))
}

/// The same with `[*]` for `[3]`.
fn without_indices(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => {
                general.push_str("[*]");
                inside = true;
            }
            ']' => inside = false,
            _ if inside => {}
            _ => general.push(character),
        }
    }
    general
}
