//! Patterns of wires: which ends each statement joins.

use super::scope::Local;
use super::select::{End, Picked, PortCache, Trouble};
use super::wires::Wiring;
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::endpoint::{Endpoint, PortSelection, Selection};
use crate::netlist::expression::Expression;
use crate::netlist::statement::{Loop, Pattern, Side};
use tina_engine::{Direction, WIRES_MAX};

impl<'a> Wiring<'_, 'a, '_> {
    /// Carries out the statement.
    pub(crate) fn run(&mut self) -> Result<(), Trouble> {
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
