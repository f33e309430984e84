//! Endpoints of wires as text: `instance[selector]..port[selector]`.

use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::expression::{Expression, Located, is_name};
use crate::netlist::node::Name;

/// Which elements of one dimension.
#[derive(Clone, Debug)]
pub enum Selector {
    /// `*`, or left out: all of them.
    All,
    /// `expr`: one of them; the dimension is gone afterwards.
    One(Expression),
    /// `first..end`: those from `first` to before `end`.
    Range(Expression, Expression),
}

/// Some instances of an array: `router[*][0]`.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The place of all of it.
    pub span: Span,
    /// Name of the array.
    pub instance: Name,
    /// Selectors as written; dimensions without one are taken whole.
    pub index: Vec<Selector>,
}

/// A port, or some ports of a row: `in`, `in[3]`.
#[derive(Clone, Debug)]
pub struct PortSelection {
    /// Name of the port or the row.
    pub name: Name,
    /// Which of a row.
    pub index: Selector,
}

/// Ports of instances.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The place of all of it.
    pub span: Span,
    /// Which instances.
    pub of: Selection,
    /// Which of their ports.
    pub port: PortSelection,
}

fn refuse(source: Located<'_>, span: Span, expected: &str) -> Refusal {
    let message = format!("`{}` does not name {expected}", source.text.escape_debug());
    let diagnostic = Diagnostic::error(Code::BadName, message).at(span, "here it goes wrong");
    // A second dot: somebody looks into a sub-netlist.
    if rest_has_dot(source, span) {
        let help = "what stands inside a sub-netlist is wired through the names in its `ports`";
        return diagnostic.help(help).into();
    }
    diagnostic.into()
}

/// Whether what could not be read starts like a path that goes on.
fn rest_has_dot(source: Located<'_>, span: Span) -> bool {
    let offset = (span.start - source.span.start.min(span.start)) as usize;
    source.exact
        && source
            .text
            .get(offset..)
            .is_some_and(|rest| rest.starts_with('.'))
}

/// Splits `name[a][b]rest` into its name, selectors and rest.
fn name_and_brackets<'a>(
    source: Located<'a>,
    expected: &str,
) -> Result<(Name, Vec<Selector>, Located<'a>), Refusal> {
    let text = source.text;
    let length = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = &text[..length];
    if !is_name(name) {
        let end = length.max(text.chars().next().map_or(0, char::len_utf8));
        return Err(refuse(source, source.place(0..end), expected));
    }
    let name = Name {
        span: source.place(0..length),
        text: name.to_owned(),
    };
    let mut at = length;
    let mut selectors = Vec::new();
    while text[at..].starts_with('[') {
        let Some(inner_length) = text[at + 1..].find(']') else {
            return Err(refuse(
                source,
                source.place(at..text.len()),
                "a port or an instance: `]` is missing",
            ));
        };
        selectors.push(selector(source.part(at + 1..at + 1 + inner_length))?);
        at += inner_length + 2;
    }
    Ok((name, selectors, source.part(at..text.len())))
}

fn selector(source: Located<'_>) -> Result<Selector, Refusal> {
    if source.text.trim() == "*" {
        return Ok(Selector::All);
    }
    if let Some(dots) = source.text.find("..") {
        let first = Expression::parse(source.part(0..dots))?;
        let end = Expression::parse(source.part(dots + 2..source.text.len()))?;
        return Ok(Selector::Range(first, end));
    }
    Expression::parse(source).map(Selector::One)
}

impl Selection {
    /// Reads `instance[selector]..`.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(source: Located<'_>) -> Result<Self, Refusal> {
        let expected = "instances: `instance` or `instance[index]`";
        let (instance, index, rest) = name_and_brackets(source, expected)?;
        if !rest.text.is_empty() {
            return Err(refuse(source, rest.span, expected));
        }
        Ok(Self {
            span: source.span,
            instance,
            index,
        })
    }
}

impl PortSelection {
    /// Reads `port` or `port[selector]`.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(source: Located<'_>) -> Result<Self, Refusal> {
        let expected = "a port: `port` or `port[index]`";
        let (name, mut index, rest) = name_and_brackets(source, expected)?;
        if !rest.text.is_empty() || index.len() > 1 {
            return Err(refuse(source, rest.span, expected));
        }
        Ok(Self {
            name,
            index: index.pop().unwrap_or(Selector::All),
        })
    }

    /// The port of this name, at no place of the text but that of `span`.
    #[must_use]
    pub fn named(name: &str, span: Span) -> Self {
        Self {
            name: Name {
                span,
                text: name.to_owned(),
            },
            index: Selector::All,
        }
    }
}

impl Endpoint {
    /// Reads `instance[selector]..port[selector]`.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(source: Located<'_>) -> Result<Self, Refusal> {
        let expected = "a port: `instance.port`, with indices in brackets";
        let (instance, index, rest) = name_and_brackets(source, expected)?;
        let Some(port) = rest.text.strip_prefix('.') else {
            return Err(refuse(source, source.span, expected));
        };
        let of_length = source.text.len() - rest.text.len();
        let of = Selection {
            span: source.place(0..of_length),
            instance,
            index,
        };
        let port = PortSelection::parse(rest.part(1..port.len() + 1))?;
        Ok(Self {
            span: source.span,
            of,
            port,
        })
    }
}
