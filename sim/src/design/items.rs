//! Declarations to instances: arrays of modules, and blocks stamped into the level above.
//!
//! Parameters are read and modules probed once per declaration, unless an expression among the
//! parameters reads the index; then once per element.

use super::array::Array;
use super::clocks;
use super::connect;
use super::interface::Interface;
use super::level::{Block, Elaborator, Element, Item, Level, Placed, param_values};
use super::params::{field_span, read_params};
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::expression::Expression;
use crate::netlist::fields::{expression, wrong_type};
use crate::netlist::node::{Form, Name, Node};
use crate::netlist::value::Value;
use crate::netlist::{Declaration, What};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tina_engine::{
    INSTANCES_MAX, Instance, Kind, Params, Place, PortInfo, PortRef, SHARDS_MAX, Shape, WIRES_MAX,
    Wire,
};

/// Ports of all instances of one netlist file, elaborated: a limit on memory, not on machines.
const SLOTS_MAX: usize = 1 << 28;

/// So many different parameters of one array are remembered.
const KNOWN_PARAMS_MAX: usize = 4096;

/// The block of a file with these parameters; `top` where nothing includes it.
pub(crate) fn block(
    elaborator: &mut Elaborator<'_>,
    file_number: usize,
    values: &[Value],
    domain: u8,
    top: bool,
) -> Option<Rc<Block>> {
    let key = (file_number, domain, format!("{values:?}"));
    if let Some(known) = elaborator.blocks.get(&key) {
        return known.clone();
    }
    let before = elaborator.found.count();
    let file = &elaborator.files.list[file_number];
    let mut level = Level::new(file, values);
    add(&mut level, elaborator, domain);
    if !top {
        connect::export(&mut level, elaborator);
    }
    connect::wires(&mut level, elaborator);
    let block = (elaborator.found.count() == before).then(|| Rc::new(level.block));
    elaborator.blocks.insert(key, block.clone());
    block
}

/// Makes all instances of a level.
fn add(level: &mut Level<'_>, elaborator: &mut Elaborator<'_>, domain: u8) {
    let file = level.file;
    for declaration in &file.netlist.instances {
        if elaborator.found.is_full() {
            return;
        }
        let name = declaration.name.text.as_str();
        let first_element = level.elements.len() as u32;
        let made = array(level, declaration)
            .map_err(|refusal| elaborator.found.add(refusal))
            .ok()
            .and_then(|array| {
                let added = Adding {
                    level,
                    elaborator,
                    declaration,
                    array: &array,
                    domain,
                }
                .add();
                added.then_some(array)
            });
        match made {
            Some(array) => {
                level.item_of.insert(name, level.items.len());
                let (sizes, count) = (array.sizes, array.count);
                level.items.push(Item {
                    name: &declaration.name,
                    sizes,
                    first_element,
                    count,
                });
            }
            None => {
                level.broken.insert(name);
            }
        }
    }
}

fn array(level: &Level<'_>, declaration: &Declaration) -> Result<Array, Refusal> {
    let scope = level.scope(&[]);
    let mut sizes = Vec::with_capacity(declaration.sizes.len());
    let mut count: u64 = 1;
    for size in &declaration.sizes {
        let value = scope.integer(size, "the size of an array", 1..=INSTANCES_MAX as i128)?;
        count *= value as u64;
        if count > INSTANCES_MAX as u64 {
            return Err(too_many_instances(count, size.span()));
        }
        sizes.push(value as u32);
    }
    Ok(Array {
        sizes,
        count: count as u32,
    })
}

fn too_many_instances(count: u64, span: Span) -> Refusal {
    Diagnostic::error(
        Code::TooMany,
        format!("{count} instances; a machine has at most {INSTANCES_MAX}"),
    )
    .at(span, "")
    .into()
}

/// A declaration on its way to instances.
struct Adding<'l, 'a, 'e, 'f> {
    level: &'l mut Level<'a>,
    elaborator: &'e mut Elaborator<'f>,
    declaration: &'a Declaration,
    array: &'l Array,
    /// Clock of what names none.
    domain: u8,
}

/// What elements of an array with the same parameters share.
#[derive(Clone)]
struct Made {
    params: Params,
    shape: Arc<Shape>,
    interface: u32,
}

/// What was made for elements of an array so far.
#[derive(Default)]
struct KnownParams {
    /// By the values that the parameters were computed from.
    made: BTreeMap<String, Made>,
    last: Option<Made>,
    /// Whether shapes depend on the index although parameters do not: then nothing is shared.
    by_index: bool,
}

impl Adding<'_, '_, '_, '_> {
    /// Whether it could be done; what was wrong is in the findings.
    fn add(&mut self) -> bool {
        let domain = match &self.declaration.clock {
            None => Some(self.domain),
            Some(name) => self.clock(name),
        };
        match &self.declaration.what {
            What::Kind(name, span) => {
                let Some(number) = self.elaborator.catalogue.find(name) else {
                    let known = self.elaborator.catalogue.kinds().iter().map(Kind::name);
                    let diagnostic =
                        Diagnostic::error(Code::UnknownKind, format!("no kind is called `{name}`"))
                            .at(*span, "not in the catalogue")
                            .suggest(name, known)
                            .note("`tina-hw list` prints all kinds");
                    self.elaborator.found.add(diagnostic);
                    return false;
                };
                domain.is_some_and(|domain| self.kind(number, *span, domain))
            }
            What::Netlist(path, _) => {
                let included = self.level.file.includes.get(path).copied().flatten();
                match (included, domain) {
                    (Some(file), Some(domain)) => self.netlist(file, domain),
                    _ => false,
                }
            }
        }
    }

    fn clock(&mut self, name: &Name) -> Option<u8> {
        let number = clocks::number(self.elaborator.domains, &name.text);
        if number.is_none() {
            let known = self
                .elaborator
                .domains
                .iter()
                .map(|domain| domain.name.as_str());
            let diagnostic = Diagnostic::error(
                Code::UnknownClock,
                format!("no clock is called `{}`", name.text),
            )
            .at(name.span, "unknown clock")
            .suggest(&name.text, known);
            self.elaborator.found.add(diagnostic);
        }
        number
    }

    fn refuse(&mut self, diagnostic: impl Into<Box<Diagnostic>>) {
        self.elaborator.found.add(diagnostic);
    }

    /// The shard a person chose for an element, and whether the choice reads the index.
    fn shard(&self, element: u32) -> Result<(Option<u8>, bool), Refusal> {
        let Some(expression) = &self.declaration.shard else {
            return Ok((None, false));
        };
        let read = Cell::new(false);
        let locals = self.array.locals(element, &read);
        let most = SHARDS_MAX as i128 - 1;
        let shard = self
            .level
            .scope(&locals)
            .integer(expression, "a shard", 0..=most)?;
        Ok((Some(shard as u8), read.get()))
    }

    fn kind(&mut self, number: u32, span: Span, domain: u8) -> bool {
        let first = self.level.block.instances.len();
        if first + self.array.count as usize > INSTANCES_MAX {
            let total = first as u64 + u64::from(self.array.count);
            self.refuse(too_many_instances(total, self.declaration.name.span));
            return false;
        }
        let mut made: Option<Made> = None;
        let mut known = KnownParams::default();
        let mut params_vary = true;
        let (mut shard, mut shards_vary) = (None, true);
        for element in 0..self.array.count {
            if params_vary || known.by_index {
                let Some((next, read)) = self.make(number, span, element, &mut known) else {
                    return false;
                };
                if element == 0 && !read {
                    known.by_index = self.last_differs(number, &next);
                }
                made = Some(next);
                params_vary = read;
            }
            if shards_vary {
                match self.shard(element) {
                    Ok((chosen, read)) => (shard, shards_vary) = (chosen, read),
                    Err(refusal) => {
                        self.refuse(refusal);
                        return false;
                    }
                }
            }
            let made = made.as_ref().expect("made for the first element");
            let instance = Instance {
                path: self.array.path(&self.declaration.name.text, element),
                kind: number,
                params: made.params.clone(),
                domain,
                index: self.array.index(element),
                shape: made.shape.clone(),
            };
            let interface = made.interface;
            let first_instance = self.level.block.instances.len() as u32;
            self.level.block.instances.push(Placed {
                instance,
                shard,
                grid: self.array.grid(),
            });
            if !self.push_element(first_instance, interface) {
                return false;
            }
        }
        true
    }

    /// Parameters and shape of an element, and whether the parameters read the index. Elements of
    /// the same parameters share them, and those of equal shapes share the shape.
    fn make(
        &mut self,
        number: u32,
        span: Span,
        element: u32,
        known: &mut KnownParams,
    ) -> Option<(Made, bool)> {
        let kind = self.elaborator.catalogue.kind(number);
        let given = self.declaration.params.as_ref();
        let read = Cell::new(false);
        let locals = self.array.locals(element, &read);
        let (params, computed) = match read_params(kind, given, span, &self.level.scope(&locals)) {
            Ok(params) => params,
            Err(found) => {
                found
                    .into_iter()
                    .for_each(|diagnostic| self.elaborator.found.add(diagnostic));
                return None;
            }
        };
        if !known.by_index
            && let Some(made) = known.made.get(&computed)
        {
            return Some((made.clone(), read.get()));
        }
        let shape = self.probe(kind, &params, element, span)?;
        let made = match known.last.take() {
            Some(last) if alike(&last.shape, &shape) => Made { params, ..last },
            _ => {
                let interface = self.level.interfaces.len() as u32;
                self.level
                    .interfaces
                    .push(Rc::new(Interface::of_shape(&shape)));
                Made {
                    params,
                    shape: Arc::new(shape),
                    interface,
                }
            }
        };
        known.last = Some(made.clone());
        if known.made.len() < KNOWN_PARAMS_MAX {
            known.made.insert(computed, made.clone());
        }
        Some((made, read.get()))
    }

    fn probe(&mut self, kind: &Kind, params: &Params, element: u32, span: Span) -> Option<Shape> {
        let path = self.array.path(&self.declaration.name.text, element);
        let place = Place {
            path: &path,
            index: self.array.index(element),
            instance: self.level.block.instances.len() as u32,
            seed: self.elaborator.seed,
        };
        match self.elaborator.shape(kind, params, place) {
            Ok(shape) => Some(shape),
            Err((diagnostic, param)) => {
                let given = self.declaration.params.as_ref();
                let place = param.map_or(span, |param| field_span(given, param, span));
                self.refuse(diagnostic.at(place, format!("instance `{path}`")));
                None
            }
        }
    }

    /// Whether the last element has another shape than the first although their parameters are
    /// the same: then the ports depend on the index, and every element is probed.
    fn last_differs(&mut self, number: u32, first: &Made) -> bool {
        if self.array.count == 1 {
            return false;
        }
        let kind = self.elaborator.catalogue.kind(number);
        let path = self
            .array
            .path(&self.declaration.name.text, self.array.count - 1);
        let place = Place {
            path: &path,
            index: self.array.index(self.array.count - 1),
            instance: self.level.block.instances.len() as u32 + self.array.count - 1,
            seed: self.elaborator.seed,
        };
        // A refusal is reported when the element's turn comes.
        self.elaborator
            .shape(kind, &first.params, place)
            .map_or(true, |shape| !alike(&shape, &first.shape))
    }

    fn push_element(&mut self, first_instance: u32, interface: u32) -> bool {
        let port_count = self.level.interfaces[interface as usize].ports.len();
        let first_slot = self.level.slots.len();
        if first_slot + port_count > SLOTS_MAX {
            let message = format!("more than {SLOTS_MAX} ports in one netlist");
            let span = self.declaration.name.span;
            self.refuse(Diagnostic::error(Code::TooMany, message).at(span, "with this array"));
            return false;
        }
        self.level.slots.resize(first_slot + port_count, 0);
        let first_slot = first_slot as u32;
        self.level.elements.push(Element {
            first_instance,
            first_slot,
            interface,
        });
        true
    }

    fn netlist(&mut self, file: usize, domain: u8) -> bool {
        let mut current: Option<(Rc<Block>, u32)> = None;
        // Where the caps of the current block stand: one entry for all its copies.
        let mut caps_start = 0;
        let mut params_vary = true;
        let (mut shard, mut shards_vary) = (None, true);
        for element in 0..self.array.count {
            if params_vary {
                let Some((values, read)) = self.sub_values(file, element) else {
                    return false;
                };
                let Some(block) = block(self.elaborator, file, &values, domain, false) else {
                    return false;
                };
                params_vary = read;
                if current
                    .as_ref()
                    .is_none_or(|(known, _)| !Rc::ptr_eq(known, &block))
                {
                    let interface = self.level.interfaces.len() as u32;
                    self.level.interfaces.push(block.interface.clone());
                    caps_start = self.level.block.caps.len();
                    let prefix = self.array.path(&self.declaration.name.text, element);
                    self.level
                        .block
                        .caps
                        .extend(block.caps.iter().map(|cap| cap.inside(&prefix)));
                    current = Some((block, interface));
                }
            }
            if shards_vary {
                match self.shard(element) {
                    Ok((chosen, read)) => (shard, shards_vary) = (chosen, read),
                    Err(refusal) => {
                        self.refuse(refusal);
                        return false;
                    }
                }
            }
            let (block, interface) = current.clone().expect("made for the first element");
            for (own, cap) in self.level.block.caps[caps_start..]
                .iter_mut()
                .zip(&block.caps)
            {
                own.wire_count += cap.wire_count;
            }
            let first_instance = self.level.block.instances.len() as u32;
            if !self.stamp(&block, element, shard) || !self.push_element(first_instance, interface)
            {
                return false;
            }
        }
        true
    }

    /// Values of the parameters of a sub-netlist, and whether they read the index.
    fn sub_values(&mut self, file: usize, element: u32) -> Option<(Vec<Value>, bool)> {
        let file = &self.elaborator.files.list[file];
        let before = self.elaborator.found.count();
        let mut given = vec![None; file.params.len()];
        let read = Cell::new(false);
        let locals = self.array.locals(element, &read);
        let scope = self.level.scope(&locals);
        for (name, node) in param_fields(self.declaration.params.as_ref(), self.elaborator)? {
            let Some(position) = file
                .params
                .iter()
                .position(|(known, _)| *known == name.text)
            else {
                let message = format!(
                    "netlist `{}` has no parameter `{}`",
                    file.netlist.name.text, name.text
                );
                let known = file.params.iter().map(|(known, _)| known.as_str());
                let diagnostic = Diagnostic::error(Code::UnknownParam, message)
                    .at(name.span, "unknown parameter")
                    .suggest(&name.text, known);
                self.elaborator.found.add(diagnostic);
                continue;
            };
            let value = match &node.form {
                Form::Word(word) => Ok(Value::Word(word.clone())),
                _ => expression(node).and_then(|formula: Expression| {
                    formula.evaluate(&scope).map(|evaluated| evaluated.value)
                }),
            };
            given[position] = self
                .elaborator
                .found
                .keep(value)
                .map(|value| (value, node.span));
        }
        let values = param_values(file, &given, &mut self.elaborator.found)?;
        (self.elaborator.found.count() == before).then(|| (values, read.get()))
    }

    /// Copies a block behind the instances so far.
    fn stamp(&mut self, block: &Block, element: u32, shard: Option<u8>) -> bool {
        let target = &mut self.level.block;
        let offset = target.instances.len();
        let instance_count = offset + block.instances.len();
        let wire_offset = target.wires.len();
        let span = self.declaration.name.span;
        if instance_count > INSTANCES_MAX {
            self.elaborator
                .found
                .add(too_many_instances(instance_count as u64, span));
            return false;
        }
        if wire_offset + block.wires.len() > WIRES_MAX {
            let message = format!("more than {WIRES_MAX} wires");
            self.elaborator
                .found
                .add(Diagnostic::error(Code::TooMany, message).at(span, "with this array"));
            return false;
        }
        let prefix = self.array.path(&self.declaration.name.text, element);
        for placed in &block.instances {
            let mut path = String::with_capacity(prefix.len() + 1 + placed.instance.path.len());
            path.push_str(&prefix);
            path.push('.');
            path.push_str(&placed.instance.path);
            let (index, grid) = if placed.grid == [0; 3] {
                (self.array.index(element), self.array.grid())
            } else {
                (placed.instance.index, placed.grid)
            };
            target.instances.push(Placed {
                instance: Instance {
                    path,
                    index,
                    ..placed.instance.clone()
                },
                shard: shard.or(placed.shard),
                grid,
            });
        }
        let offset = offset as u32;
        let moved = |port: PortRef| PortRef {
            instance: port.instance + offset,
            ..port
        };
        target.wires.extend(block.wires.iter().map(|wire| Wire {
            from: moved(wire.from),
            to: moved(wire.to),
            ..*wire
        }));
        target
            .no_cut
            .extend(block.no_cut.iter().map(|wire| wire + wire_offset as u32));
        true
    }
}

/// Whether two modules of one kind offer the same ports and ask for the same resources.
fn alike(a: &Shape, b: &Shape) -> bool {
    let same_port = |(a, b): (&PortInfo, &PortInfo)| {
        a.name == b.name
            && a.direction == b.direction
            && a.signal_id == b.signal_id
            && a.lanes == b.lanes
            && a.optional == b.optional
    };
    a.memory_bytes == b.memory_bytes
        && a.console_count == b.console_count
        && a.inlet_bytes == b.inlet_bytes
        && a.finishes == b.finishes
        && a.ports.len() == b.ports.len()
        && a.ports.iter().zip(&b.ports).all(same_port)
}

/// The fields given to a sub-netlist.
fn param_fields<'n>(
    given: Option<&'n Node>,
    elaborator: &mut Elaborator<'_>,
) -> Option<Vec<(Name, &'n Node)>> {
    let Some(node) = given else {
        return Some(Vec::new());
    };
    match &node.form {
        Form::Struct(_, fields) => Some(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), value))
                .collect(),
        ),
        Form::Map(_) => Some(crate::netlist::fields::entries(
            node,
            "params",
            &mut elaborator.found,
        )),
        Form::Tuple(_, items) if items.is_empty() => Some(Vec::new()),
        _ => {
            elaborator.found.add(wrong_type(
                node,
                "parameters are a struct `(name: value, ..)`",
            ));
            None
        }
    }
}
