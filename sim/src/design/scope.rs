//! The names an expression may use, and what its value may be.

use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::expression::{Expression, Names};
use crate::netlist::value::Value;
use std::cell::Cell;
use std::ops::RangeInclusive;

/// Values of the parameters of a netlist, so far as they are known.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Names of the parameters, with whether anything used them.
    pub(crate) names: &'a [(String, Cell<bool>)],
    /// Values of the first of them.
    pub(crate) values: &'a [Value],
    /// Variables besides.
    pub(crate) locals: &'a [Local<'a>],
}

/// A variable that is no parameter.
pub(crate) struct Local<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: i128,
    /// Set when it is read; expressions that never do have one value for a whole array.
    pub(crate) read: Option<&'a Cell<bool>>,
}

impl Names for Scope<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(local) = self.locals.iter().find(|local| local.name == name) {
            if let Some(read) = local.read {
                read.set(true);
            }
            return Some(Value::Integer(local.value));
        }
        let position = self.names.iter().position(|(known, _)| known == name)?;
        self.names[position].1.set(true);
        self.values.get(position).cloned()
    }

    fn known(&self) -> Vec<String> {
        let params = self.names[..self.values.len()]
            .iter()
            .map(|(name, _)| name.clone());
        params
            .chain(self.locals.iter().map(|local| local.name.to_owned()))
            .collect()
    }
}

impl Scope<'_> {
    /// An integer of a range; `what` names it in errors.
    pub(crate) fn integer(
        &self,
        expression: &Expression,
        what: &str,
        range: RangeInclusive<i128>,
    ) -> Result<i128, Refusal> {
        let value = expression.evaluate(self)?.value;
        let Value::Integer(value) = value else {
            return Err(unexpected(
                &value,
                &format!("{what} is an integer"),
                expression.span(),
            ));
        };
        if range.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (range.start(), range.end());
        Err(Diagnostic::error(
            Code::OutOfRange,
            format!("{what} is {value}; it must be {least} to {most}"),
        )
        .at(expression.span(), format!("this is {value}"))
        .into())
    }

    /// True or false; `what` names it in errors.
    pub(crate) fn boolean(&self, expression: &Expression, what: &str) -> Result<bool, Refusal> {
        match expression.evaluate(self)?.value {
            Value::Boolean(value) => Ok(value),
            value @ (Value::Integer(_) | Value::Float(_) | Value::Word(_)) => Err(unexpected(
                &value,
                &format!("{what} is true or false"),
                expression.span(),
            )),
        }
    }

    /// A float; an integer division that dropped a remainder on the way is refused.
    pub(crate) fn float(&self, expression: &Expression) -> Result<f64, Refusal> {
        let evaluated = expression.evaluate(self)?;
        if let Some(span) = evaluated.dropped_remainder {
            let message = "this integer division drops a remainder, but a float is wanted";
            return Err(Diagnostic::error(Code::Expression, message)
                .at(span, "both sides are integers")
                .help("write one side as a float: `1.0 / 4`, or `float(a) / b`")
                .into());
        }
        match evaluated.value {
            Value::Float(value) => Ok(value),
            Value::Integer(value) => Ok(value as f64),
            value @ (Value::Boolean(_) | Value::Word(_)) => {
                Err(unexpected(&value, "expected a number", expression.span()))
            }
        }
    }
}

pub(crate) fn unexpected(value: &Value, expected: &str, span: Span) -> Refusal {
    Diagnostic::error(
        Code::WrongType,
        format!("{expected}; this is {} ({value})", value.type_name()),
    )
    .at(span, "wrong type")
    .into()
}

/// `value` as a parameter whose default is `default`: of the same type, where an integer may stand
/// for a float.
pub(crate) fn like_default(
    value: Value,
    default: &Value,
    name: &str,
    span: Span,
) -> Result<Value, Refusal> {
    match (default, value) {
        (Value::Float(_), Value::Integer(value)) => Ok(Value::Float(value as f64)),
        (Value::Integer(_), value @ Value::Integer(_))
        | (Value::Float(_), value @ Value::Float(_))
        | (Value::Boolean(_), value @ Value::Boolean(_))
        | (Value::Word(_), value @ Value::Word(_)) => Ok(value),
        (default, value) => {
            let message = format!(
                "parameter `{name}` is {} as its default is",
                default.type_name()
            );
            Err(unexpected(&value, &message, span))
        }
    }
}
