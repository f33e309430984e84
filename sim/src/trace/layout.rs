//! Names and numbers of the signals of a trace.
//!
//! ```text
//!   <producer's path>           a scope for each instance
//!     <port>                    a scope for each wire, on its producer's side
//!       valid                   an item is pushed at this edge
//!       <field> … or value      the item pushed last
//!       occupancy               items in the wire, those under way included
//!       stall_out, stall_in     why its producer, and its consumer, moved none at this edge
//!     <field>                   what the module shows
//!   clocks                      a square wave for each clock domain, where asked for
//! ```
//!
//! A wire of several lanes has `valid` and the fields once for each, in scopes `lane[0]` and on.

use super::What;
use super::timescale::TimeAxis;
use std::collections::BTreeMap;
use tina_engine::{Blueprint, CAUSE_COUNT, Cause, Field, PortInfo, ProbeField, Tick};
use tina_viz::write::{Header, Scope, Signal, SignalKind};

/// Where the signals of everything recorded stand.
pub(super) struct Layout {
    pub(super) wires: Vec<WireSignals>,
    /// Words of each field, for all wires of that signal.
    pub(super) field_words: Vec<u8>,
    /// Signal of the first field of a module; the others follow, and then two for each wire.
    pub(super) first_probe: u32,
    /// Signal and period of each clock.
    pub(super) clocks: Vec<(u32, Tick)>,
    pub(super) signal_count: usize,
}

/// The most fields of a wire whose signals are set in one run.
pub(super) const PLAIN_FIELDS_MAX: usize = 14;

/// The signals of a wire: for each lane `valid` and the fields, then the occupancy.
pub(super) struct WireSignals {
    pub(super) first: u32,
    pub(super) lanes: u8,
    /// Clock domain of the producer.
    pub(super) domain: u8,
    pub(super) transfers: bool,
    pub(super) occupancy: Option<u32>,
    /// Whether it has one lane and fields of one word each, so that its signals are one run of words.
    pub(super) is_plain: bool,
    /// Its fields in [`Layout::field_words`].
    pub(super) fields: (u32, u32),
}

/// Bits of a cause.
const CAUSE_BITS: u32 = (CAUSE_COUNT - 1).ilog2() + 1;

/// Lays out a trace: its header, and the numbers of its signals.
pub(super) fn layout(
    blueprint: &Blueprint,
    axis: &TimeAxis,
    wires: &[u32],
    probes: &[(u32, Vec<ProbeField>)],
    what: What,
) -> (Header, Layout) {
    let mut builder = Builder {
        blueprint,
        what,
        root: Node::default(),
        next: 0,
        field_words: Vec::new(),
        fields_of: BTreeMap::new(),
    };
    let wire_signals = wires.iter().map(|&wire| builder.wire(wire)).collect();
    let first_probe = builder.next;
    for (instance, fields) in probes {
        builder.probes(*instance, fields);
    }
    if what.stalls {
        wires.iter().for_each(|&wire| builder.stalls(wire));
    }
    let clocks = if what.clocks {
        builder.clocks(axis)
    } else {
        Vec::new()
    };
    let header = Header {
        timescale: axis.timescale,
        version: concat!("tina-hw ", env!("CARGO_PKG_VERSION")).to_owned(),
        comment: comment(axis),
        root: builder.root.scopes(),
    };
    let layout = Layout {
        wires: wire_signals,
        field_words: builder.field_words,
        first_probe,
        clocks,
        signal_count: builder.next as usize,
    };
    (header, layout)
}

fn comment(axis: &TimeAxis) -> String {
    let rounded = if axis.is_exact {
        ""
    } else {
        "; instants are rounded down to a step, or steps count ticks where those are shorter"
    };
    format!(
        "base clock: {} steps a cycle{rounded}",
        axis.at(axis.period_ticks[0])
    )
}

/// A scope while it is put together, its scopes by name in the order in which they came.
#[derive(Default)]
struct Node {
    names: BTreeMap<String, usize>,
    nodes: Vec<(String, Node)>,
    signals: Vec<Signal>,
}

impl Node {
    fn scope(&mut self, name: &str) -> &mut Self {
        let index = match self.names.get(name) {
            Some(&index) => index,
            None => {
                self.names.insert(name.to_owned(), self.nodes.len());
                self.nodes.push((name.to_owned(), Self::default()));
                self.nodes.len() - 1
            }
        };
        &mut self.nodes[index].1
    }

    fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |node, name| node.scope(name))
    }

    fn scopes(self) -> Vec<Scope> {
        let scope = |(name, node): (String, Self)| {
            let mut node = node;
            Scope {
                name,
                signals: std::mem::take(&mut node.signals),
                scopes: node.scopes(),
            }
        };
        self.nodes.into_iter().map(scope).collect()
    }
}

/// A field as wide as it is at this port; never of fewer words, which is how items have it.
fn narrowed(field: Field, port: &PortInfo) -> Field {
    let least = port.narrow.iter().filter(|(name, _)| *name == field.name);
    let bits = least.map(|&(_, bits)| bits).min().unwrap_or(field.bits);
    let fewest = 64 * (field.word_count() as u32).saturating_sub(1) + 1;
    Field {
        bits: bits.max(fewest).min(field.bits),
        ..field
    }
}

struct Builder<'a> {
    blueprint: &'a Blueprint,
    what: What,
    root: Node,
    /// Number of the next signal.
    next: u32,
    field_words: Vec<u8>,
    /// The fields of each type of signal, by the address of their table.
    fields_of: BTreeMap<(&'static str, u32), (u32, u32)>,
}

impl Builder<'_> {
    fn signal(&mut self, name: &str, bits: u32, values: &[&str]) -> Signal {
        let id = self.next;
        self.next += 1;
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Signal {
            id,
            name: name.to_owned(),
            width_bits: bits.max(1),
            kind: SignalKind::Bits,
            values: Some(values).filter(|values: &Vec<String>| !values.is_empty()),
        }
    }

    fn wire(&mut self, number: u32) -> WireSignals {
        let wire = self.blueprint.wires[number as usize];
        let producer = &self.blueprint.instances[wire.from.instance as usize];
        let port = &producer.shape.ports[usize::from(wire.from.port)];
        let whole = [Field::new("value", port.signal_bits)];
        let declared = if port.fields.is_empty() {
            &whole[..]
        } else {
            port.fields
        };
        let fields: Vec<Field> = declared
            .iter()
            .map(|field| narrowed(*field, port))
            .collect();
        let fields = &fields[..];
        let field_range = self.field_range(port.signal, port.signal_bits, fields);
        let first = self.next;
        let mut lanes = Vec::new();
        if self.what.transfers {
            for _ in 0..wire.lanes {
                let mut signals = vec![self.signal("valid", 1, &[])];
                for field in fields.iter().filter(|field| field.bits > 0) {
                    // Ours keep their names.
                    let name = match field.name {
                        "valid" => "value_valid",
                        "occupancy" => "value_occupancy",
                        "stall_out" => "value_stall_out",
                        "stall_in" => "value_stall_in",
                        name => name,
                    };
                    signals.push(self.signal(name, field.bits, field.values));
                }
                lanes.push(signals);
            }
        }
        let depth_bits = u32::BITS - wire.depth.leading_zeros();
        let occupancy = (self.what.occupancy).then(|| self.signal("occupancy", depth_bits, &[]));
        let occupancy_id = occupancy.as_ref().map(|signal| signal.id);
        if !lanes.is_empty() || occupancy.is_some() {
            let node = self.root.at(&producer.path).scope(&port.name);
            if let [signals] = &mut lanes[..] {
                node.signals.append(signals);
            } else {
                for (lane, signals) in lanes.into_iter().enumerate() {
                    node.scope(&format!("lane[{lane}]")).signals = signals;
                }
            }
            node.signals.extend(occupancy);
        }
        let (start, end) = field_range;
        let words = &self.field_words[start as usize..end as usize];
        let is_plain = wire.lanes == 1 && words.iter().all(|&words| words == 1);
        WireSignals {
            first,
            lanes: wire.lanes,
            domain: producer.domain,
            transfers: self.what.transfers,
            occupancy: occupancy_id,
            is_plain: is_plain && words.len() <= PLAIN_FIELDS_MAX,
            fields: field_range,
        }
    }

    /// The words of the fields of a type of signal that are wider than nothing.
    fn field_range(&mut self, name: &'static str, bits: u32, fields: &[Field]) -> (u32, u32) {
        let words = fields
            .iter()
            .map(Field::word_count)
            .filter(|&words| words > 0);
        let words: Vec<u8> = words.map(|words| words.min(255) as u8).collect();
        if let Some(&range) = self.fields_of.get(&(name, bits)) {
            let known = &self.field_words[range.0 as usize..range.1 as usize];
            if known == words {
                return range;
            }
        }
        let start = self.field_words.len() as u32;
        self.field_words.extend(words);
        let range = (start, self.field_words.len() as u32);
        self.fields_of.insert((name, bits), range);
        range
    }

    fn probes(&mut self, instance: u32, fields: &[ProbeField]) {
        let path = &self.blueprint.instances[instance as usize].path;
        for field in fields {
            let signal = self.signal(field.name, field.bits, field.values);
            self.root.at(path).signals.push(signal);
        }
    }

    fn stalls(&mut self, number: u32) {
        let from = self.blueprint.wires[number as usize].from;
        let producer = &self.blueprint.instances[from.instance as usize];
        let port = &producer.shape.ports[usize::from(from.port)];
        for name in ["stall_out", "stall_in"] {
            let signal = self.signal(name, CAUSE_BITS, &Cause::NAMES);
            let node = self.root.at(&producer.path).scope(&port.name);
            node.signals.push(signal);
        }
    }

    fn clocks(&mut self, axis: &TimeAxis) -> Vec<(u32, Tick)> {
        let mut clocks = Vec::new();
        for (domain, &period) in self.blueprint.domains.iter().zip(&axis.period_ticks) {
            let signal = self.signal(&domain.name, 1, &[]);
            clocks.push((signal.id, period));
            self.root.scope("clocks").signals.push(signal);
        }
        clocks
    }
}
