//! Text to terms: precedence climbing over a hand-made scanner.

use super::{Binary, Form, Function, Located, TERMS_MAX, Term, Unary, Value};
use crate::diagnostic::{Code, Diagnostic, Refusal};
use std::ops::Range;

/// Parentheses, calls and signs nest at most so deep.
const NESTING_MAX: usize = 64;

pub(super) fn parse(source: Located<'_>) -> Result<Term, Refusal> {
    let mut parser = Parser {
        source,
        at: 0,
        term_count: 0,
        nesting: 0,
    };
    let term = parser.expression(0)?;
    parser.skip_space();
    if parser.at < source.text.len() {
        let rest = parser.at..source.text.len();
        return Err(parser.refuse(rest, "expected an operator or the end"));
    }
    Ok(term)
}

struct Parser<'a> {
    source: Located<'a>,
    at: usize,
    term_count: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.source.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn refuse(&self, range: Range<usize>, message: &str) -> Refusal {
        let text = self.source.text;
        Diagnostic::error(
            Code::ExpressionSyntax,
            format!("`{}` is not an expression", shortened(text)),
        )
        .at(self.source.place(range), message)
        .into()
    }

    fn here(&self) -> Range<usize> {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        self.at..self.at + width
    }

    fn term(&mut self, range: Range<usize>, form: Form) -> Result<Term, Refusal> {
        self.term_count += 1;
        if self.term_count > TERMS_MAX {
            return Err(self.refuse(range, &format!("more than {TERMS_MAX} terms and operators")));
        }
        Ok(Term {
            span: self.source.place(range),
            form,
        })
    }

    fn expression(&mut self, strength_min: u8) -> Result<Term, Refusal> {
        self.skip_space();
        let start = self.at;
        let mut left = self.operand()?;
        loop {
            self.skip_space();
            let Some(operator) = Binary::ALL
                .into_iter()
                .find(|operator| self.rest().starts_with(operator.text()))
            else {
                return Ok(left);
            };
            if operator.strength() <= strength_min {
                return Ok(left);
            }
            self.at += operator.text().len();
            let right = self.expression(operator.strength())?;
            let end = self.at;
            left = self.term(start..end, Form::Binary(operator, Box::new((left, right))))?;
        }
    }

    fn operand(&mut self) -> Result<Term, Refusal> {
        self.skip_space();
        let start = self.at;
        if self.nesting == NESTING_MAX {
            return Err(self.refuse(self.here(), &format!("nested deeper than {NESTING_MAX}")));
        }
        self.nesting += 1;
        let term = match self.rest().bytes().next() {
            None => Err(self.refuse(self.here(), "expected a number, a name or `(`")),
            Some(b'(') => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(sign @ (b'-' | b'!')) => {
                self.at += 1;
                let operator = if sign == b'-' {
                    Unary::Negate
                } else {
                    Unary::Not
                };
                let operand = self.operand()?;
                self.term(start..self.at, Form::Unary(operator, Box::new(operand)))
            }
            Some(byte) if byte.is_ascii_digit() || byte == b'.' => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.name(),
            Some(_) => Err(self.refuse(self.here(), "expected a number, a name or `(`")),
        };
        self.nesting -= 1;
        term
    }

    fn expect(&mut self, wanted: char) -> Result<(), Refusal> {
        self.skip_space();
        if !self.rest().starts_with(wanted) {
            return Err(self.refuse(self.here(), &format!("expected `{wanted}`")));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<Term, Refusal> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        self.at += length;
        let name = self.source.text[start..self.at].to_owned();
        self.skip_space();
        if self.rest().starts_with('(') {
            return self.call(start, &name);
        }
        let range = start..start + length;
        match name.as_str() {
            "true" => self.term(range, Form::Constant(Value::Boolean(true))),
            "false" => self.term(range, Form::Constant(Value::Boolean(false))),
            _ => self.term(range, Form::Name(name)),
        }
    }

    fn call(&mut self, start: usize, name: &str) -> Result<Term, Refusal> {
        let range = start..start + name.len();
        let Some(function) = Function::ALL
            .into_iter()
            .find(|function| function.name() == name)
        else {
            let known = Function::ALL.into_iter().map(Function::name);
            return Err(Diagnostic::error(
                Code::UnknownName,
                format!("no function is called `{name}`"),
            )
            .at(self.source.place(range), "not a function")
            .suggest(name, known)
            .into());
        };
        self.expect('(')?;
        let mut arguments = Vec::new();
        loop {
            arguments.push(self.expression(0)?);
            self.skip_space();
            if self.rest().starts_with(',') {
                self.at += 1;
            } else {
                break;
            }
        }
        self.expect(')')?;
        if let Some(arity) = function.arity()
            && arity != arguments.len()
        {
            let message = format!(
                "`{name}` takes {arity} arguments, {} are given",
                arguments.len()
            );
            return Err(self.refuse(start..self.at, &message));
        }
        self.term(start..self.at, Form::Call(function, arguments))
    }

    fn number(&mut self) -> Result<Term, Refusal> {
        let start = self.at;
        let bytes = self.rest().as_bytes();
        let mut length = 0;
        while let Some(&byte) = bytes.get(length) {
            let exponent_sign = (byte == b'+' || byte == b'-')
                && matches!(bytes[length - 1], b'e' | b'E')
                && !bytes.starts_with(b"0x");
            if !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'.' && !exponent_sign {
                break;
            }
            length += 1;
        }
        self.at += length;
        let range = start..self.at;
        let digits = self.source.text[range.clone()].replace('_', "");
        let value = match digits.get(..2) {
            Some("0x") => i128::from_str_radix(&digits[2..], 16)
                .map(Value::Integer)
                .ok(),
            Some("0b") => i128::from_str_radix(&digits[2..], 2)
                .map(Value::Integer)
                .ok(),
            _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map(Value::Integer).ok()
            }
            _ => digits
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(Value::Float),
        };
        match value {
            Some(value) => self.term(range, Form::Constant(value)),
            None => Err(self.refuse(range, "not a number, or too large for one")),
        }
    }
}

/// At most the first 60 characters of a text, so that messages stay lines.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
