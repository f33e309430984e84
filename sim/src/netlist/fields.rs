//! Reading the fields of structs and the leaves of the tree, and going on after a mistake.

use crate::diagnostic::{Code, Diagnostic, Findings, Refusal, Span};
use crate::netlist::expression::{Expression, Located, is_name};
use crate::netlist::node::{Form, Name, Node};
use crate::netlist::value::Value;

/// The fields of a struct, taken one by one.
pub struct Fields<'n> {
    owner: String,
    span: Span,
    list: Vec<(&'n Name, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which is `owner` (with an article); unknown and double ones are found
    /// here, so that a misspelt field does not hide what else is wrong.
    pub fn of(node: &'n Node, owner: &str, known: &[&str], found: &mut Findings) -> Option<Self> {
        let fields = match &node.form {
            Form::Struct(_, fields) => fields.as_slice(),
            Form::Tuple(_, items) if items.is_empty() => &[],
            _ => {
                found.add(wrong_type(
                    node,
                    &format!("{owner} is a struct `(field: value, ..)`"),
                ));
                return None;
            }
        };
        let mut list: Vec<(&Name, &Node)> = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            if !known.contains(&name.text.as_str()) {
                let message = format!("{owner} has no field `{}`", name.text);
                found.add(
                    Diagnostic::error(Code::UnknownField, message)
                        .at(name.span, "unknown field")
                        .suggest(&name.text, known.iter().copied()),
                );
            } else if let Some((first, _)) = list.iter().find(|(other, _)| other.text == name.text)
            {
                found.add(duplicate(name, first));
            } else {
                list.push((name, value));
            }
        }
        let span = match &node.form {
            Form::Struct(Some(name), _) | Form::Tuple(Some(name), _) => name.span,
            _ => Span {
                end: node.span.start + 1,
                ..node.span
            },
        };
        Some(Self {
            owner: owner.to_owned(),
            span,
            list,
        })
    }

    /// The value of a field, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.list
            .iter()
            .find(|(field, _)| field.text == name)
            .map(|&(_, value)| value)
    }

    /// The value of a field that must be there.
    pub fn need(&self, name: &str, found: &mut Findings) -> Option<&'n Node> {
        let value = self.get(name);
        if value.is_none() {
            let message = format!("{} needs the field `{name}`", self.owner);
            found.add(Diagnostic::error(Code::MissingField, message).at(self.span, "missing here"));
        }
        value
    }

    /// An expression, if the field is there and readable.
    pub fn expression(&self, name: &str, found: &mut Findings) -> Option<Expression> {
        found.keep(expression(self.get(name)?))
    }

    /// `true` or `false`; `false` where the field is not there.
    pub fn flag(&self, name: &str, found: &mut Findings) -> bool {
        match self.get(name).map(|node| (node, &node.form)) {
            None => false,
            Some((_, Form::Boolean(value))) => *value,
            Some((node, _)) => {
                found.add(wrong_type(node, "expected `true` or `false`"));
                false
            }
        }
    }
}

/// The error that something else stands at `node` than what was `expected`.
#[must_use]
pub fn wrong_type(node: &Node, expected: &str) -> Refusal {
    Diagnostic::error(
        Code::WrongType,
        format!("{expected}; this is {}", node.describe()),
    )
    .at(node.span, "wrong type")
    .into()
}

/// The error that a name was given before.
#[must_use]
pub fn duplicate(name: &Name, first: &Name) -> Refusal {
    Diagnostic::error(Code::Duplicate, format!("`{}` is given twice", name.text))
        .at(name.span, "again here")
        .also(first.span, "first here")
        .into()
}

/// A number, a boolean, or a formula in a string.
///
/// # Errors
/// When it is something else, or the formula cannot be read.
pub fn expression(node: &Node) -> Result<Expression, Refusal> {
    match &node.form {
        Form::Integer(value) => Ok(Expression::constant(Value::Integer(*value), node.span)),
        Form::Float(value) => Ok(Expression::constant(Value::Float(*value), node.span)),
        Form::Boolean(value) => Ok(Expression::constant(Value::Boolean(*value), node.span)),
        Form::Text(..) => Expression::parse(node.text().expect("it is a text")),
        Form::Character(_)
        | Form::Bytes(_)
        | Form::Word(_)
        | Form::List(_)
        | Form::Map(_)
        | Form::Struct(..)
        | Form::Tuple(..) => Err(wrong_type(
            node,
            "expected a number or an expression in a string",
        )),
    }
}

/// A string.
///
/// # Errors
/// When it is something else.
pub fn text(node: &Node) -> Result<Located<'_>, Refusal> {
    node.text()
        .ok_or_else(|| wrong_type(node, "expected a string"))
}

/// A name in quotes, or a bare word.
///
/// # Errors
/// When it is something else, or has characters names must not have.
pub fn name(node: &Node) -> Result<Name, Refusal> {
    let (text, span) = match (&node.form, node.text()) {
        (Form::Word(word), _) => (word.as_str(), node.span),
        (_, Some(located)) => (located.text, located.span),
        _ => return Err(wrong_type(node, "expected a name in quotes")),
    };
    if !is_name(text) {
        let message = format!("`{}` cannot be a name", text.escape_debug());
        return Err(Diagnostic::error(Code::BadName, message)
            .at(
                node.span,
                "a name has letters, digits and `_`, and starts with no digit",
            )
            .into());
    }
    Ok(Name {
        span,
        text: text.to_owned(),
    })
}

/// The entries of a map, keys being names; keys given twice are found here.
pub fn entries<'n>(node: &'n Node, what: &str, found: &mut Findings) -> Vec<(Name, &'n Node)> {
    let Form::Map(entries) = &node.form else {
        if !matches!(&node.form, Form::Struct(_, fields) if fields.is_empty()) {
            found.add(wrong_type(
                node,
                &format!("{what} are a map `{{\"name\": .., ..}}`"),
            ));
        }
        return Vec::new();
    };
    let mut list: Vec<(Name, &Node)> = Vec::with_capacity(entries.len());
    let mut first_of = std::collections::BTreeMap::new();
    for (key, value) in entries {
        let Some(name) = found.keep(name(key)) else {
            continue;
        };
        match first_of.get(&name.text) {
            Some(&at) => {
                let (first, _): &(Name, &Node) = &list[at];
                found.add(duplicate(&name, first));
            }
            None => {
                first_of.insert(name.text.clone(), list.len());
                list.push((name, value));
            }
        }
    }
    list
}
