//! Statements to wires: every pattern, every check of a pair of ports.
//!
//! A statement stops at its first mistake; the others go on. Ports of arrays that a broken
//! statement mentions are not reported as unconnected.

use super::block::{Elaborator, Element, Level};
use super::interface::{Interface, Port};
use super::rates::RateCap;
use super::scope::{Local, Scope};
use super::select::{End, Picked, PortCache, Trouble};
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::endpoint::{Endpoint, PortSelection, Selection};
use crate::netlist::expression::Expression;
use crate::netlist::statement::{Loop, Pattern, Side, Statement};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tina_engine::{
    DEPTH_MAX, Direction, LANES_MAX, LATENCY_MAX, PortInfo, PortRef, WIRES_MAX, Wire,
};

/// In a slot: the port is offered to the including netlist.
const EXPORTED: u32 = u32::MAX;

/// Slots of a FIFO if neither the wire nor the netlist says.
const DEPTH_DEFAULT: i128 = 2;

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

impl Level<'_> {
    /// What is known of a port.
    pub(crate) fn info(&self, end: End) -> &PortInfo {
        let interface = self.elements[end.element as usize].interface;
        &self.interfaces[interface as usize].ports[usize::from(end.port)].info
    }
}

/// The numbers of a wire but for its ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Numbers {
    depth: u32,
    latency: u32,
    credit: u32,
    lanes: Option<u8>,
}

/// A statement being carried out.
struct Wiring<'l, 'a, 'e> {
    level: &'l mut Level<'a>,
    /// Periods of the clock domains in ticks.
    periods: &'e [u64],
    statement: &'a Statement,
    number: u32,
    caps: BTreeMap<(u32, u32, u32, u8, u8, u8), RateCap>,
}

impl<'a> Wiring<'_, 'a, '_> {
    fn run(&mut self) -> Result<(), Trouble> {
        match &self.statement.pattern {
            Pattern::Wire {
                from,
                to,
                loops,
                condition,
            } => self.repeat(from, to, loops, condition.as_ref()),
            Pattern::Each { from, to } => self.zip(from, to, true),
            Pattern::Flat { from, to } => self.zip(from, to, false),
            Pattern::Chain {
                of,
                out,
                input,
                head,
                tail,
                along,
                ring,
            } => {
                let chains = self.chains(of, along.as_ref())?;
                self.chain(&chains, out, input, *ring)?;
                if let Some(head) = head {
                    let ends = self.pick_ports(head, Direction::Out)?;
                    let firsts: Vec<u32> = chains.iter().map(|chain| chain[0]).collect();
                    self.chain_end(head.span, &ends, &firsts, input, Direction::In)?;
                }
                if let Some(tail) = tail {
                    let ends = self.pick_ports(tail, Direction::In)?;
                    let lasts: Vec<u32> =
                        chains.iter().map(|chain| chain[chain.len() - 1]).collect();
                    self.chain_end(tail.span, &ends, &lasts, out, Direction::Out)?;
                }
                Ok(())
            }
            Pattern::Mesh { of, sides, wrap } => self.mesh(of, sides, *wrap),
            Pattern::Broadcast {
                from,
                fork,
                fork_in,
                fork_out,
                to,
            } => {
                let endpoint = |port: &PortSelection| Endpoint {
                    span: fork.span,
                    of: fork.clone(),
                    port: port.clone(),
                };
                self.zip(from, &endpoint(fork_in), true)?;
                self.zip(&endpoint(fork_out), to, false)
            }
        }
    }

    fn pick_ports(
        &self,
        endpoint: &Endpoint,
        direction: Direction,
    ) -> Result<Picked<End>, Trouble> {
        self.level
            .pick_ports(endpoint, direction, &self.level.scope(&[]))
    }

    fn numbers(&self, scope: &Scope<'_>) -> Result<Numbers, Refusal> {
        let own = &self.statement.settings;
        let defaults = &self.level.file.netlist.defaults;
        let number = |own: &'a Option<Expression>, default: &'a Option<Expression>, what, most| {
            let expression = own.as_ref().or(default.as_ref());
            expression
                .map(|expression| scope.integer(expression, what, 1..=most))
                .transpose()
        };
        let depth = number(
            &own.depth,
            &defaults.depth,
            "the depth of a wire",
            i128::from(DEPTH_MAX),
        )?;
        let most = i128::from(LATENCY_MAX);
        let latency = number(
            &own.latency,
            &defaults.latency,
            "the latency of a wire",
            most,
        )?
        .unwrap_or(1);
        let credit = number(
            &own.credit,
            &defaults.credit,
            "the credit latency of a wire",
            most,
        )?;
        let lanes = number(
            &own.lanes,
            &defaults.lanes,
            "the number of lanes of a wire",
            i128::from(LANES_MAX),
        )?;
        Ok(Numbers {
            depth: depth.unwrap_or(DEPTH_DEFAULT) as u32,
            latency: latency as u32,
            credit: credit.unwrap_or(latency) as u32,
            lanes: lanes.map(|lanes| lanes as u8),
        })
    }

    /// One wire for each value of the variables.
    fn repeat(
        &mut self,
        from: &'a Endpoint,
        to: &'a Endpoint,
        loops: &'a [Loop],
        condition: Option<&'a Expression>,
    ) -> Result<(), Trouble> {
        let mut repeat = Repeat {
            from,
            to,
            condition,
            caches: Default::default(),
            rounds: 0,
        };
        self.rounds(&mut repeat, loops, &mut Vec::new())
    }

    fn rounds(
        &mut self,
        repeat: &mut Repeat<'a>,
        loops: &'a [Loop],
        values: &mut Vec<(&'a str, i128)>,
    ) -> Result<(), Trouble> {
        let locals: Vec<Local<'_>> = values
            .iter()
            .map(|&(name, value)| Local {
                name,
                value,
                read: None,
            })
            .collect();
        let scope = self.level.scope(&locals);
        let Some((variable, inner)) = loops.split_first() else {
            if let Some(condition) = repeat.condition
                && !scope.boolean(condition, "the condition of a wire")?
            {
                return Ok(());
            }
            let numbers = self.numbers(&scope)?;
            let (outputs, inputs) = &mut repeat.caches;
            let from = self
                .level
                .one_port(repeat.from, Direction::Out, &scope, outputs)?;
            let to = self
                .level
                .one_port(repeat.to, Direction::In, &scope, inputs)?;
            return self.connect(from, to, numbers).map_err(Some);
        };
        let any = i128::from(i64::MIN)..=i128::from(i64::MAX);
        let first = match &variable.first {
            Some(first) => scope.integer(first, "the first value of a variable", any.clone())?,
            None => 0,
        };
        let end = scope.integer(&variable.end, "the end of a variable", any)?;
        for value in first..end {
            repeat.rounds += 1;
            if repeat.rounds > 2 * WIRES_MAX {
                let message = format!(
                    "the variables of this wire take more than {} values",
                    2 * WIRES_MAX
                );
                return Err(Some(
                    Diagnostic::error(Code::TooMany, message)
                        .at(variable.name.span, "")
                        .into(),
                ));
            }
            values.push((&variable.name.text, value));
            let outcome = self.rounds(repeat, inner, values);
            values.pop();
            outcome?;
        }
        Ok(())
    }

    fn zip(&mut self, from: &Endpoint, to: &Endpoint, same_shape: bool) -> Result<(), Trouble> {
        let outputs = self.pick_ports(from, Direction::Out)?;
        let inputs = self.pick_ports(to, Direction::In)?;
        let fits = if same_shape {
            outputs.shape == inputs.shape
        } else {
            outputs.list.len() == inputs.list.len()
        };
        if !fits {
            return Err(Some(mismatch(from.span, &outputs, to.span, &inputs)));
        }
        let numbers = self.numbers(&self.level.scope(&[]))?;
        for (&from, &to) in outputs.list.iter().zip(&inputs.list) {
            self.connect(from, to, numbers)?;
        }
        Ok(())
    }

    /// The elements of a selection as chains along one of its dimensions.
    fn chains(&self, of: &Selection, along: Option<&Expression>) -> Result<Vec<Vec<u32>>, Trouble> {
        let scope = self.level.scope(&[]);
        let Picked { mut shape, list } = self.level.pick(of, &scope)?;
        if shape.is_empty() {
            shape.push(1);
        }
        let last = shape.len() - 1;
        let along = match along {
            Some(along) => {
                scope.integer(along, "the dimension of a chain", 0..=last as i128)? as usize
            }
            None => last,
        };
        let length = shape[along] as usize;
        let stride: usize = shape[along + 1..]
            .iter()
            .map(|&size| size as usize)
            .product();
        let mut chains = Vec::with_capacity(list.len() / length);
        for outer in 0..list.len() / (length * stride) {
            for inner in 0..stride {
                let start = outer * length * stride + inner;
                chains.push(
                    (0..length)
                        .map(|position| list[start + position * stride])
                        .collect(),
                );
            }
        }
        Ok(chains)
    }

    fn chain(
        &mut self,
        chains: &[Vec<u32>],
        out: &PortSelection,
        input: &PortSelection,
        ring: bool,
    ) -> Result<(), Trouble> {
        let numbers = self.numbers(&self.level.scope(&[]))?;
        let (mut outputs, mut inputs) = (PortCache::default(), PortCache::default());
        for chain in chains {
            let next = chain.iter().skip(1).chain(ring.then_some(&chain[0]));
            for (&element, &next) in chain.iter().zip(next) {
                let scope = self.level.scope(&[]);
                let from = self
                    .level
                    .single(element, out, Direction::Out, &scope, &mut outputs)?;
                let to = self
                    .level
                    .single(next, input, Direction::In, &scope, &mut inputs)?;
                self.connect(
                    End {
                        element,
                        port: from,
                    },
                    End {
                        element: next,
                        port: to,
                    },
                    numbers,
                )?;
            }
        }
        Ok(())
    }

    /// Joins the first or last elements of chains with what stands before or behind them;
    /// `direction` is that of the chains' port.
    fn chain_end(
        &mut self,
        span: Span,
        ends: &Picked<End>,
        elements: &[u32],
        port: &PortSelection,
        direction: Direction,
    ) -> Result<(), Trouble> {
        if ends.list.len() != elements.len() {
            let message = format!("{} ports for {} chains", ends.list.len(), elements.len());
            let diagnostic = Diagnostic::error(Code::ShapeMismatch, message);
            return Err(Some(
                diagnostic
                    .at(span, "one port for each chain is needed")
                    .into(),
            ));
        }
        let numbers = self.numbers(&self.level.scope(&[]))?;
        let mut cache = PortCache::default();
        for (&end, &element) in ends.list.iter().zip(elements) {
            let scope = self.level.scope(&[]);
            let port = self
                .level
                .single(element, port, direction, &scope, &mut cache)?;
            let own = End { element, port };
            match direction {
                Direction::In => self.connect(end, own, numbers)?,
                Direction::Out => self.connect(own, end, numbers)?,
            }
        }
        Ok(())
    }

    /// Wires between all neighbours of a grid. Sides stand in the order north, east, south, west,
    /// up, down; what a node sends north its neighbour receives from the south.
    fn mesh(&mut self, of: &Selection, sides: &[Side; 6], wrap: bool) -> Result<(), Trouble> {
        const OPPOSITE: [usize; 6] = [2, 3, 0, 1, 5, 4];
        let Picked { shape, list } = self.level.pick(of, &self.level.scope(&[]))?;
        let (sizes, side_count) = match *shape.as_slice() {
            [rows, columns] => ([1, rows, columns], 4),
            [layers, rows, columns] => ([layers, rows, columns], 6),
            _ => {
                let message = format!("a grid has 2 or 3 dimensions, this has {}", shape.len());
                return Err(Some(
                    Diagnostic::error(Code::ShapeMismatch, message)
                        .at(of.span, "")
                        .into(),
                ));
            }
        };
        let numbers = self.numbers(&self.level.scope(&[]))?;
        let mut caches: [(PortCache, PortCache); 6] = Default::default();
        for (place, &element) in list.iter().enumerate() {
            let place = place as u32;
            let x = place % sizes[2];
            let y = place / sizes[2] % sizes[1];
            let z = place / sizes[2] / sizes[1];
            for (side, (outputs, inputs)) in caches.iter_mut().enumerate().take(side_count) {
                let Some([z, y, x]) = neighbour([z, y, x], sizes, side, wrap) else {
                    continue;
                };
                let next = list[((z * sizes[1] + y) * sizes[2] + x) as usize];
                let (out, input) = (&sides[side], &sides[OPPOSITE[side]]);
                let from = self.side_port(element, &out.out, out.exact, Direction::Out, outputs)?;
                let to = self.side_port(next, &input.input, input.exact, Direction::In, inputs)?;
                self.connect(
                    End {
                        element,
                        port: from,
                    },
                    End {
                        element: next,
                        port: to,
                    },
                    numbers,
                )?;
            }
        }
        Ok(())
    }

    /// The port of a side: as named, or with `_out` or `_in` behind the name.
    fn side_port(
        &self,
        element: u32,
        port: &PortSelection,
        exact: bool,
        direction: Direction,
        cache: &mut PortCache,
    ) -> Result<u16, Trouble> {
        let interface =
            &self.level.interfaces[self.level.elements[element as usize].interface as usize];
        let scope = self.level.scope(&[]);
        let suffix = match direction {
            Direction::In => "_in",
            Direction::Out => "_out",
        };
        if !exact && interface.row(&port.name.text, direction).is_none() {
            let longer =
                PortSelection::named(&format!("{}{suffix}", port.name.text), port.name.span);
            if interface.row(&longer.name.text, direction).is_some() {
                return self
                    .level
                    .single(element, &longer, direction, &scope, cache);
            }
        }
        self.level.single(element, port, direction, &scope, cache)
    }

    /// Makes one wire, after all checks.
    fn connect(&mut self, from: End, to: End, numbers: Numbers) -> Result<(), Refusal> {
        let level = &*self.level;
        let (output, input) = (level.info(from), level.info(to));
        if output.signal_id != input.signal_id {
            return Err(self.signals_differ(from, to));
        }
        let wide = output.lanes.max(input.lanes);
        let lanes = numbers.lanes.unwrap_or(wide.min(LANES_MAX));
        let wire = Wire {
            from: self.inner(from),
            to: self.inner(to),
            depth: numbers.depth,
            latency: numbers.latency,
            credit: numbers.credit,
            lanes,
        };
        self.take(from)?;
        self.take(to)?;
        self.note_cap(from, to, wire);
        let block = &mut self.level.block;
        if block.wires.len() == WIRES_MAX {
            let message = format!("more than {WIRES_MAX} wires");
            return Err(Diagnostic::error(Code::TooMany, message)
                .at(self.statement.span, "")
                .into());
        }
        if self.statement.no_cut {
            block.no_cut.push(block.wires.len() as u32);
        }
        block.wires.push(wire);
        Ok(())
    }

    fn inner(&self, end: End) -> PortRef {
        let element = self.level.elements[end.element as usize];
        let port = &self.level.interfaces[element.interface as usize].ports[usize::from(end.port)];
        PortRef {
            instance: element.first_instance + port.inner.instance,
            port: port.inner.port,
        }
    }

    /// Marks a port as wired by this statement.
    fn take(&mut self, end: End) -> Result<(), Refusal> {
        let slot = self.level.elements[end.element as usize].first_slot + u32::from(end.port);
        let taken = self.level.slots[slot as usize];
        if taken == 0 {
            self.level.slots[slot as usize] = self.number + 1;
            return Ok(());
        }
        let path = self.level.port_path(end);
        if taken == EXPORTED {
            let message = format!("`{path}` is wired here and offered in `ports`");
            return Err(Diagnostic::error(Code::PortTaken, message)
                .at(self.statement.span, "the including netlist wires it")
                .into());
        }
        let diagnostic = Diagnostic::error(Code::PortTaken, format!("two wires on `{path}`")).help(
            "a port takes one wire: a fork splits a stream, an arbiter or a join merges some",
        );
        let first = &self.level.file.netlist.wires[taken as usize - 1];
        if taken == self.number + 1 {
            return Err(diagnostic
                .at(self.statement.span, "both from this statement")
                .into());
        }
        Err(diagnostic
            .at(self.statement.span, "second wire")
            .also(first.span, "first wire")
            .into())
    }

    fn signals_differ(&self, from: End, to: End) -> Refusal {
        let (output, input) = (self.level.info(from), self.level.info(to));
        let sized = |info: &PortInfo| format!("`{}` ({} bytes)", info.signal, info.signal_bytes);
        let (from, to) = (self.level.port_path(from), self.level.port_path(to));
        Diagnostic::error(
            Code::SignalMismatch,
            format!("`{from}` and `{to}` carry different signals"),
        )
        .at(self.statement.span, "this wire")
        .note(format!("output `{from}` carries {}", sized(output)))
        .note(format!("input `{to}` carries {}", sized(input)))
        .into()
    }

    fn note_cap(&mut self, from: End, to: End, wire: Wire) {
        let domain = |port: PortRef| {
            self.level.block.instances[port.instance as usize]
                .instance
                .domain
        };
        let (from_domain, to_domain) = (domain(wire.from), domain(wire.to));
        let period = |domain: u8| self.periods[usize::from(domain)];
        let cap = RateCap::of(&wire, period(from_domain), period(to_domain));
        let Some((rate, depth_needed)) = cap else {
            return;
        };
        let key = (
            wire.depth,
            wire.latency,
            wire.credit,
            wire.lanes,
            from_domain,
            to_domain,
        );
        if let Some(known) = self.caps.get_mut(&key) {
            known.wire_count += 1;
            return;
        }
        let (from, to) = (self.level.port_path(from), self.level.port_path(to));
        let span = self.statement.span;
        self.caps.insert(
            key,
            RateCap {
                span,
                from,
                to,
                wire_count: 1,
                wire,
                rate,
                depth_needed,
            },
        );
    }
}

/// A wire repeated over variables.
struct Repeat<'a> {
    from: &'a Endpoint,
    to: &'a Endpoint,
    condition: Option<&'a Expression>,
    caches: (PortCache, PortCache),
    /// Values taken so far, by all variables together.
    rounds: usize,
}

/// The neighbour on one side, if there is one.
fn neighbour([z, y, x]: [u32; 3], sizes: [u32; 3], side: usize, wrap: bool) -> Option<[u32; 3]> {
    let less = |at: u32, size: u32| {
        if wrap {
            Some((at + size - 1) % size)
        } else {
            at.checked_sub(1)
        }
    };
    let more = |at: u32, size: u32| {
        if at + 1 < size {
            Some(at + 1)
        } else {
            wrap.then_some(0)
        }
    };
    match side {
        0 => less(y, sizes[1]).map(|y| [z, y, x]),
        1 => more(x, sizes[2]).map(|x| [z, y, x]),
        2 => more(y, sizes[1]).map(|y| [z, y, x]),
        3 => less(x, sizes[2]).map(|x| [z, y, x]),
        4 => more(z, sizes[0]).map(|z| [z, y, x]),
        _ => less(z, sizes[0]).map(|z| [z, y, x]),
    }
}

fn mismatch(from: Span, outputs: &Picked<End>, to: Span, inputs: &Picked<End>) -> Refusal {
    let shown = |picked: &Picked<End>| match picked.shape.as_slice() {
        [] => "one port".to_owned(),
        shape => {
            let sizes: Vec<String> = shape.iter().map(u32::to_string).collect();
            format!("{} ports", sizes.join(" x "))
        }
    };
    let (outputs, inputs) = (shown(outputs), shown(inputs));
    Diagnostic::error(
        Code::ShapeMismatch,
        format!("{outputs} on one side, {inputs} on the other"),
    )
    .at(from, outputs)
    .also(to, inputs)
    .into()
}
