//! Making a wire: its numbers, and every check of a pair of ports.

use super::level::{EXPORTED, Level};
use super::rates::RateCap;
use super::scope::Scope;
use super::select::End;
use crate::diagnostic::{Code, Diagnostic, Refusal};
use crate::netlist::expression::Expression;
use crate::netlist::statement::Statement;
use std::collections::BTreeMap;
use tina_engine::{DEPTH_MAX, LANES_MAX, LATENCY_MAX, PortInfo, PortRef, WIRES_MAX, Wire};

/// Slots of a FIFO if neither the wire nor the netlist says.
const DEPTH_DEFAULT: i128 = 2;

impl Level<'_> {
    /// What is known of a port.
    pub(crate) fn info(&self, end: End) -> &PortInfo {
        let interface = self.elements[end.element as usize].interface;
        &self.interfaces[interface as usize].ports[usize::from(end.port)].info
    }
}

/// The numbers of a wire but for its ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    depth: u32,
    latency: u32,
    credit: u32,
    lanes: Option<u8>,
}

/// A statement being carried out.
pub(crate) struct Wiring<'l, 'a, 'e> {
    pub(crate) level: &'l mut Level<'a>,
    /// Periods of the clock domains in ticks.
    pub(crate) periods: &'e [u64],
    pub(crate) statement: &'a Statement,
    pub(crate) number: u32,
    pub(crate) caps: BTreeMap<(u32, u32, u32, u8, u8, u8), RateCap>,
}

impl<'a> Wiring<'_, 'a, '_> {
    pub(crate) fn numbers(&self, scope: &Scope<'_>) -> Result<Numbers, Refusal> {
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

    /// Makes one wire, after all checks.
    pub(crate) fn connect(&mut self, from: End, to: End, numbers: Numbers) -> Result<(), Refusal> {
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
