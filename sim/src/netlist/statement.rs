//! Statements of the list of wires: one wire, or a pattern of many.

use crate::diagnostic::{Code, Diagnostic, Findings, Refusal, Span};
use crate::netlist::endpoint::{Endpoint, PortSelection, Selection};
use crate::netlist::expression::{Expression, is_reserved};
use crate::netlist::fields::{Fields, entries, expression, text, wrong_type};
use crate::netlist::node::{Form, Name, Node};

/// What wires may be given besides their ends; what is left out comes from the defaults.
#[derive(Clone, Debug, Default)]
pub struct WireSettings {
    /// Slots, items in flight included.
    pub depth: Option<Expression>,
    /// Consumer edges from push to pop.
    pub latency: Option<Expression>,
    /// Producer edges from pop to the next push.
    pub credit: Option<Expression>,
    /// Transfers per edge.
    pub lanes: Option<Expression>,
}

/// A statement of the list of wires.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The place of its name.
    pub span: Span,
    /// Which ends it joins.
    pub pattern: Pattern,
    /// How.
    pub settings: WireSettings,
    /// Whether its wires must stay inside a shard.
    pub no_cut: bool,
}

/// A variable of a repeated wire and its range.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its name.
    pub name: Name,
    /// The first value; 0 where left out.
    pub first: Option<Expression>,
    /// One past the last value.
    pub end: Expression,
}

/// The two ports of a node of a grid that look in one direction.
#[derive(Clone, Debug)]
pub struct Side {
    /// The output.
    pub out: PortSelection,
    /// The input.
    pub input: PortSelection,
    /// Whether both were named; otherwise `_out` and `_in` may be added to the name.
    pub exact: bool,
}

/// Which ends a statement joins.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// One wire, or one for each value of the variables for which the condition holds.
    Wire {
        /// The output.
        from: Endpoint,
        /// The input.
        to: Endpoint,
        /// Variables, outermost first.
        loops: Vec<Loop>,
        /// Holds for the wires that are made.
        condition: Option<Expression>,
    },
    /// Element by element, between equal shapes.
    Each {
        /// The outputs.
        from: Endpoint,
        /// The inputs.
        to: Endpoint,
    },
    /// Element by element in row-major order, whatever the shapes.
    Flat {
        /// The outputs.
        from: Endpoint,
        /// The inputs.
        to: Endpoint,
    },
    /// From each element to the next along one dimension.
    Chain {
        /// The elements.
        of: Selection,
        /// Their output.
        out: PortSelection,
        /// Their input.
        input: PortSelection,
        /// What feeds the first of each chain.
        head: Option<Endpoint>,
        /// What the last of each chain feeds.
        tail: Option<Endpoint>,
        /// The dimension; the last where left out.
        along: Option<Expression>,
        /// Whether the last feeds the first.
        ring: bool,
    },
    /// Neighbours of a grid of two or three dimensions, both ways.
    Mesh {
        /// The nodes.
        of: Selection,
        /// Ports by direction: north, east, south, west, up, down.
        sides: Box<[Side; 6]>,
        /// Whether the borders are joined with each other.
        wrap: bool,
    },
    /// An output to a fork, whose outputs feed many inputs.
    Broadcast {
        /// The output.
        from: Endpoint,
        /// The fork.
        fork: Selection,
        /// The fork's input.
        fork_in: PortSelection,
        /// The fork's outputs.
        fork_out: PortSelection,
        /// The inputs.
        to: Endpoint,
    },
}

impl Pattern {
    /// The names of all arrays it mentions.
    #[must_use]
    pub fn mentions(&self) -> Vec<&Name> {
        match self {
            Self::Wire { from, to, .. } | Self::Each { from, to } | Self::Flat { from, to } => {
                vec![&from.of.instance, &to.of.instance]
            }
            Self::Chain { of, head, tail, .. } => {
                let ends = head.iter().chain(tail).map(|end| &end.of.instance);
                std::iter::once(&of.instance).chain(ends).collect()
            }
            Self::Mesh { of, .. } => vec![&of.instance],
            Self::Broadcast { from, fork, to, .. } => {
                vec![&from.of.instance, &fork.instance, &to.of.instance]
            }
        }
    }
}

const SETTINGS: [&str; 5] = ["depth", "latency", "credit", "lanes", "no_cut"];
const DIRECTIONS: [&str; 6] = ["north", "east", "south", "west", "up", "down"];
const PATTERNS: [(&str, &[&str]); 8] = [
    ("Wire", &["from", "to", "for", "if"]),
    ("Each", &["from", "to"]),
    ("FanIn", &["from", "to"]),
    ("FanOut", &["from", "to"]),
    (
        "Chain",
        &["of", "out", "in", "head", "tail", "along", "ring"],
    ),
    (
        "Mesh",
        &["of", "north", "east", "south", "west", "up", "down"],
    ),
    (
        "Torus",
        &["of", "north", "east", "south", "west", "up", "down"],
    ),
    ("Broadcast", &["from", "fork", "fork_in", "fork_out", "to"]),
];

/// Reads the depth, latency, credit and lanes among `fields`.
pub fn settings(fields: &Fields<'_>, found: &mut Findings) -> WireSettings {
    WireSettings {
        depth: fields.expression("depth", found),
        latency: fields.expression("latency", found),
        credit: fields.expression("credit", found),
        lanes: fields.expression("lanes", found),
    }
}

/// Reads a statement; nothing where something was found wrong in it.
pub fn statement(node: &Node, found: &mut Findings) -> Option<Statement> {
    let name = match &node.form {
        Form::Struct(Some(name), _) | Form::Tuple(Some(name), _) => name,
        _ => {
            found.add(wrong_type(
                node,
                "expected a wire or a pattern such as `Wire(from: .., to: ..)`",
            ));
            return None;
        }
    };
    let Some((pattern, own)) = PATTERNS.iter().find(|(pattern, _)| *pattern == name.text) else {
        found.add(
            Diagnostic::error(
                Code::UnknownVariant,
                format!("no pattern of wires is called `{}`", name.text),
            )
            .at(name.span, "unknown pattern")
            .suggest(&name.text, PATTERNS.iter().map(|(pattern, _)| *pattern)),
        );
        return None;
    };
    let known: Vec<&str> = own.iter().chain(&SETTINGS).copied().collect();
    let before = found.count();
    let fields = Fields::of(node, &format!("`{pattern}`"), &known, found)?;
    let settings = settings(&fields, found);
    let no_cut = fields.flag("no_cut", found);
    let pattern = read_pattern(pattern, &fields, name.span, found);
    if found.count() > before {
        return None;
    }
    Some(Statement {
        span: name.span,
        pattern: pattern?,
        settings,
        no_cut,
    })
}

fn read_pattern(
    name: &str,
    fields: &Fields<'_>,
    span: Span,
    found: &mut Findings,
) -> Option<Pattern> {
    match name {
        "Wire" => {
            let from = endpoint(fields, "from", found);
            let to = endpoint(fields, "to", found);
            let loops = fields
                .get("for")
                .map_or(Some(Vec::new()), |node| loops(node, found));
            let condition = fields.expression("if", found);
            Some(Pattern::Wire {
                from: from?,
                to: to?,
                loops: loops?,
                condition,
            })
        }
        "Chain" => {
            let of = selection(fields, "of", found);
            let out = port_or(fields, "out", span, found);
            let input = port_or(fields, "in", span, found);
            let head = optional_endpoint(fields, "head", found);
            let tail = optional_endpoint(fields, "tail", found);
            let along = fields.expression("along", found);
            let ring = fields.flag("ring", found);
            if ring && (head.is_some() || tail.is_some()) {
                let message = "a ring has neither `head` nor `tail`";
                found.add(
                    Diagnostic::error(Code::UnknownField, message)
                        .at(span, "closed by `ring: true`"),
                );
            }
            Some(Pattern::Chain {
                of: of?,
                out: out?,
                input: input?,
                head,
                tail,
                along,
                ring,
            })
        }
        "Mesh" | "Torus" => {
            let of = selection(fields, "of", found);
            let sides = DIRECTIONS.map(|direction| side(fields, direction, span, found));
            let [
                Some(north),
                Some(east),
                Some(south),
                Some(west),
                Some(up),
                Some(down),
            ] = sides
            else {
                return None;
            };
            let sides = Box::new([north, east, south, west, up, down]);
            Some(Pattern::Mesh {
                of: of?,
                sides,
                wrap: name == "Torus",
            })
        }
        "Broadcast" => {
            let from = endpoint(fields, "from", found);
            let fork = selection(fields, "fork", found);
            let fork_in = match fields.get("fork_in") {
                Some(node) => port(node, found),
                None => Some(PortSelection::named("in", span)),
            };
            let fork_out = match fields.get("fork_out") {
                Some(node) => port(node, found),
                None => Some(PortSelection::named("out", span)),
            };
            let to = endpoint(fields, "to", found);
            Some(Pattern::Broadcast {
                from: from?,
                fork: fork?,
                fork_in: fork_in?,
                fork_out: fork_out?,
                to: to?,
            })
        }
        _ => {
            let from = endpoint(fields, "from", found);
            let to = endpoint(fields, "to", found);
            let (from, to) = (from?, to?);
            Some(if name == "Each" {
                Pattern::Each { from, to }
            } else {
                Pattern::Flat { from, to }
            })
        }
    }
}

fn endpoint(fields: &Fields<'_>, name: &str, found: &mut Findings) -> Option<Endpoint> {
    let node = fields.need(name, found)?;
    found.keep(text(node).and_then(Endpoint::parse))
}

fn optional_endpoint(fields: &Fields<'_>, name: &str, found: &mut Findings) -> Option<Endpoint> {
    found.keep(text(fields.get(name)?).and_then(Endpoint::parse))
}

fn selection(fields: &Fields<'_>, name: &str, found: &mut Findings) -> Option<Selection> {
    let node = fields.need(name, found)?;
    found.keep(text(node).and_then(Selection::parse))
}

fn port(node: &Node, found: &mut Findings) -> Option<PortSelection> {
    found.keep(text(node).and_then(PortSelection::parse))
}

fn port_or(
    fields: &Fields<'_>,
    name: &str,
    span: Span,
    found: &mut Findings,
) -> Option<PortSelection> {
    match fields.get(name) {
        Some(node) => port(node, found),
        None => Some(PortSelection::named(name, span)),
    }
}

fn side(fields: &Fields<'_>, direction: &str, span: Span, found: &mut Findings) -> Option<Side> {
    let Some(node) = fields.get(direction) else {
        let port = PortSelection::named(direction, span);
        return Some(Side {
            out: port.clone(),
            input: port,
            exact: false,
        });
    };
    if let Form::Struct(..) = &node.form {
        let both = Fields::of(node, "a pair of ports", &["out", "in"], found)?;
        let out = both.need("out", found).and_then(|node| port(node, found));
        let input = both.need("in", found).and_then(|node| port(node, found));
        return Some(Side {
            out: out?,
            input: input?,
            exact: true,
        });
    }
    let port = port(node, found)?;
    Some(Side {
        out: port.clone(),
        input: port,
        exact: false,
    })
}

fn loops(node: &Node, found: &mut Findings) -> Option<Vec<Loop>> {
    let before = found.count();
    let mut list = Vec::new();
    for (name, value) in entries(node, "the variables of `for`", found) {
        if is_reserved(&name.text) {
            found.add(reserved(&name));
            continue;
        }
        let (first, end) = match &value.form {
            Form::Tuple(_, items) if items.len() == 2 => (
                found.keep(expression(&items[0])),
                found.keep(expression(&items[1])),
            ),
            Form::Tuple(..) => {
                found.add(wrong_type(value, "a range is a count, or `(first, end)`"));
                continue;
            }
            _ => (None, found.keep(expression(value))),
        };
        if let Some(end) = end {
            list.push(Loop { name, first, end });
        }
    }
    (found.count() == before).then_some(list)
}

/// The error that expressions give a name a meaning of their own.
#[must_use]
pub fn reserved(name: &Name) -> Refusal {
    Diagnostic::error(
        Code::BadName,
        format!("`{}` has a meaning in expressions already", name.text),
    )
    .at(name.span, "choose another name")
    .into()
}
