//! Terms to values: checked arithmetic, every failure with its place.

use super::{Binary, Form, Function, Names, Term, Unary, Value};
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};

/// Integers up to this are exact as floats.
const FLOAT_EXACT_MAX: u128 = 1 << 53;

pub(super) fn evaluate(
    term: &Term,
    names: &dyn Names,
    dropped: &mut Option<Span>,
) -> Result<Value, Refusal> {
    match &term.form {
        Form::Constant(value) => Ok(value.clone()),
        Form::Name(name) => names.value(name).ok_or_else(|| {
            let known = names.known();
            let message = format!("`{name}` is not defined here");
            Diagnostic::error(Code::UnknownName, message)
                .at(term.span, "no parameter or variable of this name")
                .suggest(name, known.iter().map(String::as_str))
                .into()
        }),
        Form::Unary(operator, operand) => {
            let value = evaluate(operand, names, dropped)?;
            unary(*operator, value, term.span)
        }
        Form::Binary(operator @ (Binary::And | Binary::Or), operands) => {
            let left = boolean(evaluate(&operands.0, names, dropped)?, operands.0.span)?;
            // As in Rust: the right side counts only where the left does not decide.
            if left == (*operator == Binary::Or) {
                return Ok(Value::Boolean(left));
            }
            let right = evaluate(&operands.1, names, dropped)?;
            boolean(right, operands.1.span).map(Value::Boolean)
        }
        Form::Binary(operator, operands) => {
            let left = evaluate(&operands.0, names, dropped)?;
            let right = evaluate(&operands.1, names, dropped)?;
            binary(*operator, left, right, term.span, dropped)
        }
        Form::Call(Function::If, arguments) => {
            let condition = evaluate(&arguments[0], names, dropped)?;
            let chosen = if boolean(condition, arguments[0].span)? {
                1
            } else {
                2
            };
            evaluate(&arguments[chosen], names, dropped)
        }
        Form::Call(function, arguments) => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push(evaluate(argument, names, dropped)?);
            }
            call(*function, &values, term.span)
        }
    }
}

fn fail(span: Span, message: impl Into<String>) -> Refusal {
    Diagnostic::error(Code::Expression, message)
        .at(span, "")
        .into()
}

fn overflow(span: Span) -> Refusal {
    fail(span, "the result does not fit 128 bits")
}

fn integer(value: Option<i128>, span: Span) -> Result<Value, Refusal> {
    value.map(Value::Integer).ok_or_else(|| overflow(span))
}

fn float(value: f64, span: Span) -> Result<Value, Refusal> {
    if value.is_finite() {
        Ok(Value::Float(value))
    } else {
        Err(fail(span, "the result is not a finite number"))
    }
}

fn boolean(value: Value, span: Span) -> Result<bool, Refusal> {
    match value {
        Value::Boolean(value) => Ok(value),
        Value::Integer(_) | Value::Float(_) | Value::Word(_) => Err(fail(
            span,
            format!("expected a boolean, found {} ({value})", value.type_name()),
        )),
    }
}

fn unary(operator: Unary, value: Value, span: Span) -> Result<Value, Refusal> {
    match (operator, value) {
        (Unary::Negate, Value::Integer(value)) => integer(value.checked_neg(), span),
        (Unary::Negate, Value::Float(value)) => Ok(Value::Float(-value)),
        (Unary::Not, Value::Boolean(value)) => Ok(Value::Boolean(!value)),
        (Unary::Negate, value @ (Value::Boolean(_) | Value::Word(_))) => Err(fail(
            span,
            format!("`-` needs a number, found {}", value.type_name()),
        )),
        (Unary::Not, value @ (Value::Integer(_) | Value::Float(_) | Value::Word(_))) => Err(fail(
            span,
            format!("`!` needs a boolean, found {}", value.type_name()),
        )),
    }
}

fn as_float(value: &Value, span: Span) -> Result<f64, Refusal> {
    match value {
        Value::Integer(value) if value.unsigned_abs() <= FLOAT_EXACT_MAX => Ok(*value as f64),
        Value::Integer(value) => Err(fail(span, format!("{value} is not exact as a float"))),
        Value::Float(value) => Ok(*value),
        Value::Boolean(_) | Value::Word(_) => Err(fail(
            span,
            format!("expected a number, found {}", value.type_name()),
        )),
    }
}

fn binary(
    operator: Binary,
    left: Value,
    right: Value,
    span: Span,
    dropped: &mut Option<Span>,
) -> Result<Value, Refusal> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => {
            integers(operator, left, right, span, dropped)
        }
        (Value::Boolean(left), Value::Boolean(right)) => equality(operator, &left, &right, span),
        (Value::Word(left), Value::Word(right)) => equality(operator, &left, &right, span),
        (
            left @ (Value::Integer(_) | Value::Float(_)),
            right @ (Value::Integer(_) | Value::Float(_)),
        ) => floats(
            operator,
            as_float(&left, span)?,
            as_float(&right, span)?,
            span,
        ),
        (left, right) => Err(fail(
            span,
            format!(
                "`{}` between {} and {}",
                operator.text(),
                left.type_name(),
                right.type_name()
            ),
        )),
    }
}

fn equality<T: PartialEq>(
    operator: Binary,
    left: &T,
    right: &T,
    span: Span,
) -> Result<Value, Refusal> {
    if operator == Binary::Equal {
        Ok(Value::Boolean(left == right))
    } else if operator == Binary::NotEqual {
        Ok(Value::Boolean(left != right))
    } else {
        Err(fail(span, format!("`{}` needs numbers", operator.text())))
    }
}

fn shift(value: i128, by: i128, left: bool, span: Span) -> Result<Value, Refusal> {
    let by = u32::try_from(by)
        .ok()
        .filter(|&by| by < 127)
        .ok_or_else(|| fail(span, format!("a shift by {by}; 0 to 126 are possible")))?;
    if left {
        integer(value.checked_mul(1 << by), span)
    } else {
        Ok(Value::Integer(value >> by))
    }
}

fn integers(
    operator: Binary,
    left: i128,
    right: i128,
    span: Span,
    dropped: &mut Option<Span>,
) -> Result<Value, Refusal> {
    let by_zero = || fail(span, "division by zero");
    match operator {
        Binary::Equal => Ok(Value::Boolean(left == right)),
        Binary::NotEqual => Ok(Value::Boolean(left != right)),
        Binary::Less => Ok(Value::Boolean(left < right)),
        Binary::LessEqual => Ok(Value::Boolean(left <= right)),
        Binary::Greater => Ok(Value::Boolean(left > right)),
        Binary::GreaterEqual => Ok(Value::Boolean(left >= right)),
        Binary::BitOr => Ok(Value::Integer(left | right)),
        Binary::BitXor => Ok(Value::Integer(left ^ right)),
        Binary::BitAnd => Ok(Value::Integer(left & right)),
        Binary::ShiftLeft => shift(left, right, true, span),
        Binary::ShiftRight => shift(left, right, false, span),
        Binary::Add => integer(left.checked_add(right), span),
        Binary::Subtract => integer(left.checked_sub(right), span),
        Binary::Multiply => integer(left.checked_mul(right), span),
        Binary::Divide if right == 0 => Err(by_zero()),
        Binary::Divide => {
            let quotient = left.checked_div(right).ok_or_else(|| overflow(span))?;
            if quotient * right != left && dropped.is_none() {
                *dropped = Some(span);
            }
            Ok(Value::Integer(quotient))
        }
        Binary::Remainder if right == 0 => Err(by_zero()),
        Binary::Remainder => integer(left.checked_rem(right), span),
        Binary::And | Binary::Or => {
            Err(fail(span, format!("`{}` needs booleans", operator.text())))
        }
    }
}

fn floats(operator: Binary, left: f64, right: f64, span: Span) -> Result<Value, Refusal> {
    match operator {
        Binary::Equal => Ok(Value::Boolean(left == right)),
        Binary::NotEqual => Ok(Value::Boolean(left != right)),
        Binary::Less => Ok(Value::Boolean(left < right)),
        Binary::LessEqual => Ok(Value::Boolean(left <= right)),
        Binary::Greater => Ok(Value::Boolean(left > right)),
        Binary::GreaterEqual => Ok(Value::Boolean(left >= right)),
        Binary::Add => float(left + right, span),
        Binary::Subtract => float(left - right, span),
        Binary::Multiply => float(left * right, span),
        Binary::Divide | Binary::Remainder if right == 0.0 => Err(fail(span, "division by zero")),
        Binary::Divide => float(left / right, span),
        Binary::Remainder => float(left % right, span),
        Binary::BitOr
        | Binary::BitXor
        | Binary::BitAnd
        | Binary::ShiftLeft
        | Binary::ShiftRight => Err(fail(span, format!("`{}` needs integers", operator.text()))),
        Binary::And | Binary::Or => {
            Err(fail(span, format!("`{}` needs booleans", operator.text())))
        }
    }
}

fn call(function: Function, values: &[Value], span: Span) -> Result<Value, Refusal> {
    match function {
        Function::Min => extreme(values, Binary::Less, span),
        Function::Max => extreme(values, Binary::Greater, span),
        Function::Abs => match &values[0] {
            Value::Integer(value) => integer(value.checked_abs(), span),
            value => float(as_float(value, span)?.abs(), span),
        },
        Function::Pow => power(&values[0], &values[1], span),
        Function::Log2 => logarithm(&values[0], span).map(|(floor, _)| floor),
        Function::Clog2 => logarithm(&values[0], span).map(|(_, ceiling)| ceiling),
        Function::Gcd => {
            let (mut a, mut b) = (whole(&values[0], span)?, whole(&values[1], span)?);
            while b != 0 {
                (a, b) = (b, a.checked_rem(b).ok_or_else(|| overflow(span))?);
            }
            integer(a.checked_abs(), span)
        }
        Function::DivCeil => {
            let (a, b) = (whole(&values[0], span)?, whole(&values[1], span)?);
            if b <= 0 {
                return Err(fail(
                    span,
                    format!("`div_ceil` by {b}; a positive divisor is needed"),
                ));
            }
            Ok(Value::Integer(
                a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0),
            ))
        }
        Function::Floor => rounded(&values[0], f64::floor, span),
        Function::Ceil => rounded(&values[0], f64::ceil, span),
        Function::Round => rounded(&values[0], f64::round, span),
        Function::Float => as_float(&values[0], span).map(Value::Float),
        Function::If => unreachable!("`if` evaluates one branch only and never comes here"),
    }
}

fn extreme(values: &[Value], better: Binary, span: Span) -> Result<Value, Refusal> {
    let mut best = values[0].clone();
    as_float_or_integer(&best, span)?;
    for value in &values[1..] {
        let wins = binary(better, value.clone(), best.clone(), span, &mut None)?;
        if wins == Value::Boolean(true) {
            best = value.clone();
        }
    }
    Ok(best)
}

fn as_float_or_integer(value: &Value, span: Span) -> Result<(), Refusal> {
    match value {
        Value::Integer(_) | Value::Float(_) => Ok(()),
        Value::Boolean(_) | Value::Word(_) => Err(fail(
            span,
            format!("expected a number, found {}", value.type_name()),
        )),
    }
}

fn whole(value: &Value, span: Span) -> Result<i128, Refusal> {
    match value {
        Value::Integer(value) => Ok(*value),
        Value::Float(_) | Value::Boolean(_) | Value::Word(_) => Err(fail(
            span,
            format!("expected an integer, found {} ({value})", value.type_name()),
        )),
    }
}

fn power(base: &Value, exponent: &Value, span: Span) -> Result<Value, Refusal> {
    match (base, exponent) {
        (Value::Integer(base), Value::Integer(exponent)) => {
            let exponent = u32::try_from(*exponent).map_err(|_| {
                fail(
                    span,
                    format!("`pow` with exponent {exponent} of an integer"),
                )
            })?;
            integer(base.checked_pow(exponent), span)
        }
        (base, exponent) => float(as_float(base, span)?.powf(as_float(exponent, span)?), span),
    }
}

/// Logarithm to base 2 of a positive integer, rounded down and up.
fn logarithm(value: &Value, span: Span) -> Result<(Value, Value), Refusal> {
    let value = whole(value, span)?;
    if value <= 0 {
        return Err(fail(span, format!("the logarithm of {value}")));
    }
    let floor = i128::from(value.ilog2());
    let ceiling = floor + i128::from(value.count_ones() > 1);
    Ok((Value::Integer(floor), Value::Integer(ceiling)))
}

fn rounded(value: &Value, round: fn(f64) -> f64, span: Span) -> Result<Value, Refusal> {
    if let Value::Integer(value) = value {
        return Ok(Value::Integer(*value));
    }
    let result = round(as_float(value, span)?);
    // Beyond 2^53 a float is a whole number already, but not one the user wrote.
    if result.abs() > FLOAT_EXACT_MAX as f64 {
        return Err(fail(
            span,
            format!("{result} is too large to be rounded to an exact integer"),
        ));
    }
    Ok(Value::Integer(result as i128))
}
