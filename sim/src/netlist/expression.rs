//! Expressions over named numbers, as netlists write them in strings.
//!
//! Integers are exact and checked, a float makes its partner a float, nothing wraps and nothing is
//! rounded silently: an integer division that leaves a remainder is remembered, so that whoever
//! wanted a float can refuse it. An expression has a bounded number of terms, which also bounds the
//! recursion of everything that walks it.
//!
//! Knows nothing of where names come from: see [`Names`].

mod evaluate;
mod parse;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Refusal, Span};
use crate::netlist::value::Value;
use std::ops::Range;

/// The most terms and operators of one expression.
pub const TERMS_MAX: usize = 500;

/// Where an expression gets the values of names from.
pub trait Names {
    /// The value of `name`, if it is defined.
    fn value(&self, name: &str) -> Option<Value>;

    /// All defined names, for suggestions.
    fn known(&self) -> Vec<String>;
}

/// No names at all: only constants can be evaluated.
impl Names for () {
    fn value(&self, _name: &str) -> Option<Value> {
        None
    }

    fn known(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A string of the source and where its characters stand.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The characters.
    pub text: &'a str,
    /// The place of the whole string.
    pub span: Span,
    /// Whether byte `n` of `text` stands at byte `n` of `span`; not so where escapes were resolved.
    pub exact: bool,
}

impl<'a> Located<'a> {
    /// The place of a part of the string, or of all of it where that is not known.
    #[must_use]
    pub fn place(self, range: Range<usize>) -> Span {
        if self.exact {
            self.span.part(range)
        } else {
            self.span
        }
    }

    /// A part of the string with its place.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        Self {
            text: &self.text[range.clone()],
            span: self.place(range),
            exact: self.exact,
        }
    }
}

/// A number, or a formula for one.
#[derive(Clone, Debug)]
pub struct Expression {
    span: Span,
    root: Term,
}

#[derive(Clone, Debug)]
struct Term {
    span: Span,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Constant(Value),
    Name(String),
    Unary(Unary, Box<Term>),
    Binary(Binary, Box<(Term, Term)>),
    Call(Function, Vec<Term>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unary {
    Negate,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    const ALL: [Self; 18] = [
        // Two characters before their prefixes: the first that matches is taken.
        Self::Or,
        Self::And,
        Self::Equal,
        Self::NotEqual,
        Self::LessEqual,
        Self::GreaterEqual,
        Self::ShiftLeft,
        Self::ShiftRight,
        Self::Less,
        Self::Greater,
        Self::BitOr,
        Self::BitXor,
        Self::BitAnd,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Remainder,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::BitAnd => "&",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// Binds the tighter the higher; as in Rust.
    const fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual => 3,
            Self::BitOr => 4,
            Self::BitXor => 5,
            Self::BitAnd => 6,
            Self::ShiftLeft | Self::ShiftRight => 7,
            Self::Add | Self::Subtract => 8,
            Self::Multiply | Self::Divide | Self::Remainder => 9,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Min,
    Max,
    Abs,
    Pow,
    Log2,
    Clog2,
    Gcd,
    DivCeil,
    If,
    Floor,
    Ceil,
    Round,
    Float,
}

impl Function {
    const ALL: [Self; 13] = [
        Self::Min,
        Self::Max,
        Self::Abs,
        Self::Pow,
        Self::Log2,
        Self::Clog2,
        Self::Gcd,
        Self::DivCeil,
        Self::If,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Float,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Abs => "abs",
            Self::Pow => "pow",
            Self::Log2 => "log2",
            Self::Clog2 => "clog2",
            Self::Gcd => "gcd",
            Self::DivCeil => "div_ceil",
            Self::If => "if",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Float => "float",
        }
    }

    /// How many arguments it takes; `min` and `max` take one or more.
    const fn arity(self) -> Option<usize> {
        match self {
            Self::Min | Self::Max => None,
            Self::Abs
            | Self::Log2
            | Self::Clog2
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Float => Some(1),
            Self::Pow | Self::Gcd | Self::DivCeil => Some(2),
            Self::If => Some(3),
        }
    }
}

/// A value and whether an integer division on the way to it dropped a remainder.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The value.
    pub value: Value,
    /// Where a remainder was dropped, if one was.
    pub dropped_remainder: Option<Span>,
}

impl Expression {
    /// An expression that is just this value.
    #[must_use]
    pub fn constant(value: Value, span: Span) -> Self {
        Self {
            span,
            root: Term {
                span,
                form: Form::Constant(value),
            },
        }
    }

    /// Reads a formula.
    ///
    /// # Errors
    /// When it is not one, or has more than [`TERMS_MAX`] terms.
    pub fn parse(source: Located<'_>) -> Result<Self, Refusal> {
        let root = parse::parse(source)?;
        Ok(Self {
            span: source.span,
            root,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Computes it.
    ///
    /// # Errors
    /// An unknown name, a division by zero, an overflow, a value of the wrong type: with its place.
    pub fn evaluate(&self, names: &dyn Names) -> Result<Evaluated, Refusal> {
        let mut dropped_remainder = None;
        let value = evaluate::evaluate(&self.root, names, &mut dropped_remainder)?;
        Ok(Evaluated {
            value,
            dropped_remainder,
        })
    }
}

/// Whether `text` can be the name of a parameter, an instance, a port or a variable.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether expressions give `text` a meaning of their own, so that nothing else may be called so.
#[must_use]
pub fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "true", "false", "index", "count", "i0", "i1", "i2", "n0", "n1", "n2",
    ];
    WORDS.contains(&text) || Function::ALL.iter().any(|function| function.name() == text)
}
