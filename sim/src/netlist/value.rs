//! What expressions compute with: exact integers, floats, booleans and words.

use std::fmt;

/// The value of a parameter or an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An exact integer; arithmetic on it is checked.
    Integer(i128),
    /// A finite floating-point number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A bare word, such as the name of an enum's variant.
    Word(String),
}

impl Value {
    /// Its type, with an article, as errors name it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Word(_) => "a word",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Word(value) => f.write_str(value),
        }
    }
}
