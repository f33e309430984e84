//! Netlists as typed: what stands in a file, each part with its place, nothing evaluated.
//!
//! Reading goes on after a mistake, item by item, so that all mistakes of a file are found at once.
//! Knows the grammar; knows no kinds, no other files and no values.

pub mod value;
pub mod expression;
pub mod node;
pub mod fields;
pub mod endpoint;
pub mod statement;

use crate::diagnostic::{Code, Diagnostic, Findings, SourceId, Span};
use endpoint::Endpoint;
use expression::{Expression, is_reserved};
use fields::{Fields, entries, expression, name, text, wrong_type};
use node::{Form, Name, Node};
use statement::{Statement, WireSettings, reserved, settings, statement};

/// The most bytes of a netlist file.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// The most parameters of a netlist.
pub const PARAMS_MAX: usize = 1024;

/// A netlist file as typed.
#[derive(Clone, Debug)]
pub struct Netlist {
    /// Its text.
    pub source: SourceId,
    /// Its name.
    pub name: Name,
    /// Parameters and their default values, in order.
    pub params: Vec<Param>,
    /// Clocks, the base clock first.
    pub clocks: Vec<Clock>,
    /// What wires get that say nothing themselves.
    pub defaults: WireSettings,
    /// Base-clock cycles per epoch.
    pub epoch: Option<Expression>,
    /// How many cycles to run if the user does not say.
    pub cycles: Option<Expression>,
    /// After how many cycles to give up if the user does not say.
    pub max_cycles: Option<Expression>,
    /// Path of the program, relative to the file.
    pub program: Option<(String, Span)>,
    /// What an including netlist may wire.
    pub ports: Vec<(Name, Endpoint)>,
    /// Instances, in order.
    pub instances: Vec<Declaration>,
    /// Names of instances whose declarations could not be read.
    pub broken: Vec<String>,
    /// Wires and patterns, in order.
    pub wires: Vec<Statement>,
    /// Whether a statement of the list of wires could not be read.
    pub wires_broken: bool,
    /// Totals over results.
    pub results: Vec<TotalDeclaration>,
}

/// A parameter of a netlist.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// A formula over the parameters above it, or a bare word.
    pub value: Expression,
}

/// A clock as typed, such as `"750 MHz"`.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Its name.
    pub name: Name,
    /// Its period or frequency.
    pub text: String,
    /// The place of that.
    pub span: Span,
    /// Whether the text stands in the source as it is.
    pub exact: bool,
}

/// What an instance is.
#[derive(Clone, Debug)]
pub enum What {
    /// A module of a kind.
    Kind(String, Span),
    /// A netlist of another file, relative to this one.
    Netlist(String, Span),
}

/// An instance or an array of them, as typed.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub what: What,
    /// Sizes of the array, outermost first; none for a single instance.
    pub sizes: Vec<Expression>,
    /// Parameters of the kind or of the sub-netlist.
    pub params: Option<Node>,
    /// Name of its clock.
    pub clock: Option<Name>,
    /// The shard it is placed on by hand.
    pub shard: Option<Expression>,
}

/// How results are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sum, modulo 2^64.
    Sum,
    /// Exclusive or.
    Xor,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// A total over results of instances, as typed.
#[derive(Clone, Debug)]
pub struct TotalDeclaration {
    /// Its name.
    pub name: Name,
    /// How results are combined.
    pub operation: Operation,
    /// Which results.
    pub glob: String,
    /// The place of that.
    pub span: Span,
}

const FIELDS: [&str; 13] = [
    "name",
    "about",
    "params",
    "clocks",
    "wire_defaults",
    "epoch",
    "cycles",
    "max_cycles",
    "program",
    "ports",
    "instances",
    "wires",
    "results",
];

impl Netlist {
    /// Reads a source text; nothing where not even its outline is right.
    pub fn read(source_text: &str, source: SourceId, found: &mut Findings) -> Option<Self> {
        let root = found.keep(Node::read(source_text, source))?;
        if let Form::Struct(Some(name), _) = &root.form
            && name.text != "Netlist"
        {
            let message = format!("expected `Netlist(..)`; this is `{}(..)`", name.text);
            found.add(
                Diagnostic::error(Code::WrongType, message).at(name.span, "should be `Netlist`"),
            );
            return None;
        }
        let fields = Fields::of(&root, "a netlist", &FIELDS, found)?;
        let named = fields
            .need("name", found)
            .and_then(|node| found.keep(name(node)));
        if let Some(node) = fields.get("about") {
            found.keep(text(node));
        }
        let nowhere = Span {
            source,
            start: 0,
            end: 0,
        };
        let name = named.unwrap_or(Name {
            span: nowhere,
            text: String::new(),
        });
        let params = fields
            .get("params")
            .map_or(Vec::new(), |node| params(node, found));
        let clocks = fields
            .get("clocks")
            .map_or(Vec::new(), |node| clocks(node, found));
        let defaults = fields.get("wire_defaults").and_then(|node| {
            let known = ["depth", "latency", "credit", "lanes"];
            let fields = Fields::of(node, "`wire_defaults`", &known, found)?;
            Some(settings(&fields, found))
        });
        let epoch = fields.expression("epoch", found);
        let cycles = fields.expression("cycles", found);
        let max_cycles = fields.expression("max_cycles", found);
        let program = fields.get("program").and_then(|node| {
            found
                .keep(text(node))
                .map(|located| (located.text.to_owned(), node.span))
        });
        let mut netlist = Self {
            source,
            name,
            params,
            clocks,
            defaults: defaults.unwrap_or_default(),
            epoch,
            cycles,
            max_cycles,
            program,
            ports: fields
                .get("ports")
                .map_or(Vec::new(), |node| ports(node, found)),
            instances: Vec::new(),
            broken: Vec::new(),
            wires: Vec::new(),
            wires_broken: false,
            results: Vec::new(),
        };
        if let Some(node) = fields.need("instances", found) {
            netlist.read_instances(node, found);
        }
        if let Some(node) = fields.get("wires") {
            netlist.read_wires(node, found);
        }
        if let Some(node) = fields.get("results") {
            netlist.results = totals(node, found);
        }
        Some(netlist)
    }

    fn read_instances(&mut self, node: &Node, found: &mut Findings) {
        for (name, value) in entries(node, "instances", found) {
            if found.is_full() {
                return;
            }
            match declaration(name.clone(), value, found) {
                Some(declaration) => self.instances.push(declaration),
                None => self.broken.push(name.text),
            }
        }
        if matches!(&node.form, Form::Map(entries) if entries.is_empty()) {
            let message = "a netlist has at least one instance";
            found.add(Diagnostic::error(Code::MissingField, message).at(node.span, "none here"));
        }
    }

    fn read_wires(&mut self, node: &Node, found: &mut Findings) {
        let Form::List(items) = &node.form else {
            found.add(wrong_type(node, "wires are a list `[Wire(..), ..]`"));
            self.wires_broken = true;
            return;
        };
        for item in items {
            if found.is_full() {
                return;
            }
            match statement(item, found) {
                Some(statement) => self.wires.push(statement),
                None => self.wires_broken = true,
            }
        }
    }
}

fn params(node: &Node, found: &mut Findings) -> Vec<Param> {
    let mut list = Vec::new();
    for (name, value) in entries(node, "params", found) {
        if is_reserved(&name.text) {
            found.add(reserved(&name));
            continue;
        }
        let value = match &value.form {
            Form::Word(word) => Ok(Expression::constant(
                value::Value::Word(word.clone()),
                value.span,
            )),
            _ => expression(value),
        };
        if let Some(value) = found.keep(value) {
            list.push(Param { name, value });
        }
    }
    if list.len() > PARAMS_MAX {
        let message = format!(
            "{} parameters; a netlist has at most {PARAMS_MAX}",
            list.len()
        );
        found.add(Diagnostic::error(Code::TooMany, message).at(node.span, ""));
        list.truncate(PARAMS_MAX);
    }
    list
}

fn clocks(node: &Node, found: &mut Findings) -> Vec<Clock> {
    let mut list = Vec::new();
    for (name, value) in entries(node, "clocks", found) {
        if let Some(located) = found.keep(text(value)) {
            let (span, exact) = (located.span, located.exact);
            list.push(Clock {
                name,
                text: located.text.to_owned(),
                span,
                exact,
            });
        }
    }
    list
}

fn ports(node: &Node, found: &mut Findings) -> Vec<(Name, Endpoint)> {
    let mut list = Vec::new();
    for (name, value) in entries(node, "ports", found) {
        if let Some(endpoint) = found.keep(text(value).and_then(Endpoint::parse)) {
            list.push((name, endpoint));
        }
    }
    list
}

fn declaration(own_name: Name, node: &Node, found: &mut Findings) -> Option<Declaration> {
    let before = found.count();
    let known = ["kind", "netlist", "array", "params", "clock", "shard"];
    let fields = Fields::of(node, "an instance", &known, found)?;
    let what = match (fields.get("kind"), fields.get("netlist")) {
        (Some(kind), None) => found
            .keep(text(kind))
            .map(|located| What::Kind(located.text.to_owned(), located.span)),
        (None, Some(path)) => found
            .keep(text(path))
            .map(|located| What::Netlist(located.text.to_owned(), located.span)),
        (None, None) => {
            let message = format!(
                "instance `{}` says neither `kind` nor `netlist`",
                own_name.text
            );
            found.add(
                Diagnostic::error(Code::MissingField, message).at(own_name.span, "what is it?"),
            );
            None
        }
        (Some(_), Some(path)) => {
            let message = format!(
                "instance `{}` says both `kind` and `netlist`",
                own_name.text
            );
            found
                .add(Diagnostic::error(Code::Duplicate, message).at(path.span, "only one of them"));
            None
        }
    };
    let sizes = fields
        .get("array")
        .map_or(Vec::new(), |node| sizes(node, found));
    let params = fields.get("params").cloned();
    let clock = fields.get("clock").and_then(|node| found.keep(name(node)));
    let shard = fields.expression("shard", found);
    if found.count() > before {
        return None;
    }
    Some(Declaration {
        name: own_name,
        what: what?,
        sizes,
        params,
        clock,
        shard,
    })
}

fn sizes(node: &Node, found: &mut Findings) -> Vec<Expression> {
    let items = match &node.form {
        Form::List(items) => items.as_slice(),
        Form::Tuple(None, items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() || items.len() > 3 {
        let message = format!("an array of {} dimensions; there are 1 to 3", items.len());
        found.add(Diagnostic::error(Code::OutOfRange, message).at(node.span, ""));
    }
    items
        .iter()
        .filter_map(|item| found.keep(expression(item)))
        .collect()
}

fn totals(node: &Node, found: &mut Findings) -> Vec<TotalDeclaration> {
    const OPERATIONS: [(&str, Operation); 4] = [
        ("Sum", Operation::Sum),
        ("Xor", Operation::Xor),
        ("Min", Operation::Min),
        ("Max", Operation::Max),
    ];
    let mut list = Vec::new();
    for (name, value) in entries(node, "results", found) {
        let Form::Tuple(Some(operation), items) = &value.form else {
            found.add(wrong_type(
                value,
                "a total is `Sum`, `Xor`, `Min` or `Max` of `(\"path.result\")`",
            ));
            continue;
        };
        let Some((_, combine)) = OPERATIONS.iter().find(|(text, _)| *text == operation.text) else {
            let message = format!("no total is called `{}`", operation.text);
            found.add(
                Diagnostic::error(Code::UnknownVariant, message)
                    .at(operation.span, "unknown total")
                    .suggest(&operation.text, OPERATIONS.iter().map(|(text, _)| *text)),
            );
            continue;
        };
        let [glob] = items.as_slice() else {
            found.add(wrong_type(
                value,
                "a total takes one pattern `(\"path.result\")`",
            ));
            continue;
        };
        if let Some(located) = found.keep(text(glob)) {
            let (glob, span) = (located.text.to_owned(), located.span);
            list.push(TotalDeclaration {
                name,
                operation: *combine,
                glob,
                span,
            });
        }
    }
    list
}
