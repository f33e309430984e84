//! Levels and blocks: a netlist being elaborated, and one that is, ready to be stamped.
//!
//! Each file is elaborated once per distinct set of parameters; an array of sub-netlists copies the
//! block. Wires and ports are checked where they are declared, once, however often the block is
//! used. A block that had a mistake is no block: what refers to it stays silent.
//!
//! Holds the state; instances are made by [`super::items`], wires by [`super::connect`].

use super::files::{File, Files};
use super::interface::Interface;
use super::rates::RateCap;
use super::scope::{Local, Scope, like_default};
use crate::diagnostic::{Code, Diagnostic, Findings, Refusal, Span};
use crate::netlist::node::Name;
use crate::netlist::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use tina_engine::{
    Catalogue, Domain, Instance, Kind, Params, Place, Probe, Resources, Shape, Wire,
};

/// In a slot: the port is offered to the including netlist.
pub(crate) const EXPORTED: u32 = u32::MAX;

/// An instance and what the partitioner may want to know of it.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) instance: Instance,
    /// Hand placement.
    pub(crate) shard: Option<u8>,
    /// Sizes of the array its index counts in; zeros where it stands in none so far.
    pub(crate) grid: [u32; 3],
}

/// An elaborated netlist.
pub(crate) struct Block {
    pub(crate) instances: Vec<Placed>,
    pub(crate) wires: Vec<Wire>,
    /// Wires that must not be cut, ascending.
    pub(crate) no_cut: Vec<u32>,
    pub(crate) caps: Vec<RateCap>,
    pub(crate) interface: Rc<Interface>,
}

/// What elaboration needs of its surroundings, and what it found.
pub(crate) struct Elaborator<'a> {
    pub(crate) files: &'a Files,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) resources: &'a Resources,
    pub(crate) seed: u64,
    pub(crate) domains: &'a [Domain],
    /// Periods of the domains in ticks.
    pub(crate) periods: &'a [u64],
    pub(crate) probe: Probe,
    pub(crate) found: Findings,
    /// Blocks by file, default clock and parameters.
    pub(crate) blocks: BTreeMap<(usize, u8, String), Option<Rc<Block>>>,
}

/// One array of instances of a level.
pub(crate) struct Item<'a> {
    pub(crate) name: &'a Name,
    /// Sizes; none for a single instance.
    pub(crate) sizes: Vec<u32>,
    pub(crate) first_element: u32,
    pub(crate) count: u32,
}

/// One instance of a level: a module, or a sub-netlist of many.
#[derive(Clone, Copy)]
pub(crate) struct Element {
    pub(crate) first_instance: u32,
    pub(crate) first_slot: u32,
    /// Number of its interface.
    pub(crate) interface: u32,
}

/// A netlist being elaborated.
pub(crate) struct Level<'a> {
    pub(crate) file: &'a File,
    pub(crate) values: &'a [Value],
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) item_of: BTreeMap<&'a str, usize>,
    /// Instances that could not be made: already reported, so nothing is said about them again.
    pub(crate) broken: BTreeSet<&'a str>,
    pub(crate) elements: Vec<Element>,
    pub(crate) interfaces: Vec<Rc<Interface>>,
    /// Per port of each element: the statement that wired it, counted from 1; 0 for none.
    pub(crate) slots: Vec<u32>,
    pub(crate) block: Block,
}

/// Values of the parameters of a file, some of them given from outside.
pub(crate) fn param_values(
    file: &File,
    given: &[Option<(Value, Span)>],
    found: &mut Findings,
) -> Option<Vec<Value>> {
    let mut values = Vec::with_capacity(file.params.len());
    for (number, param) in file.netlist.params.iter().enumerate() {
        let scope = Scope {
            names: &file.params,
            values: &values,
            locals: &[],
        };
        let default = found.keep(param.value.evaluate(&scope))?.value;
        let value = match given.get(number).cloned().flatten() {
            Some((value, span)) => {
                found.keep(like_default(value, &default, &param.name.text, span))?
            }
            None => default,
        };
        values.push(value);
    }
    Some(values)
}

impl Elaborator<'_> {
    /// Builds a module on scratch ports; a panic in its `build` is a refusal.
    pub(crate) fn shape(
        &mut self,
        kind: &Kind,
        params: &Params,
        place: Place<'_>,
    ) -> Result<Shape, (Refusal, Option<&'static str>)> {
        let (resources, probe) = (self.resources, &mut self.probe);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            kind.shape(params, place, resources, probe)
        }));
        match outcome {
            Ok(Ok(shape)) => Ok(shape),
            Ok(Err(error)) => {
                let message = match error.param {
                    Some(param) => format!(
                        "kind `{}` refuses `{param}`: {}",
                        kind.name(),
                        error.message
                    ),
                    None => format!("kind `{}`: {}", kind.name(), error.message),
                };
                Err((
                    Diagnostic::error(Code::Refused, message).into(),
                    error.param,
                ))
            }
            Err(_) => {
                let message = format!(
                    "kind `{}` panicked while `{}` was built",
                    kind.name(),
                    place.path
                );
                let diagnostic = Diagnostic::error(Code::Refused, message);
                Err((diagnostic.note("this is a fault of the kind").into(), None))
            }
        }
    }
}

impl<'a> Level<'a> {
    pub(crate) fn new(file: &'a File, values: &'a [Value]) -> Self {
        Self {
            file,
            values,
            items: Vec::new(),
            item_of: BTreeMap::new(),
            broken: file.netlist.broken.iter().map(String::as_str).collect(),
            elements: Vec::new(),
            interfaces: Vec::new(),
            slots: Vec::new(),
            block: Block {
                instances: Vec::new(),
                wires: Vec::new(),
                no_cut: Vec::new(),
                caps: Vec::new(),
                interface: Rc::new(Interface::default()),
            },
        }
    }

    /// The names expressions may use here.
    pub(crate) fn scope<'s>(&'s self, locals: &'s [Local<'s>]) -> Scope<'s> {
        Scope {
            names: &self.file.params,
            values: self.values,
            locals,
        }
    }
}
