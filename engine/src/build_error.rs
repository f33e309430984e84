//! Why a module could not be built. Does not know who builds.

use std::fmt;

/// Why a module could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The parameter at fault, if one is.
    pub param: Option<&'static str>,
    /// What is wrong, with the value and the limit.
    pub message: String,
}

impl BuildError {
    /// A parameter is out of range.
    #[must_use]
    pub fn param(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            param: Some(name),
            message: message.into(),
        }
    }

    /// Something else is missing or wrong.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            param: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.param {
            Some(param) => write!(f, "parameter `{param}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for BuildError {}
