//! Why a command ended early.

use crate::diagnostic::Diagnostics;
use crate::run::RunError;
use std::io::{self, IsTerminal};
use std::path::Path;

/// Exit code: wrong usage, wrong netlist, unreadable file.
pub(super) const WRONG_INPUT: u8 = 2;
/// Exit code: digests differ.
pub(super) const DIGESTS_DIFFER: u8 = 6;
/// Exit code: interrupted, as shells count SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// What goes to standard error, and the exit code.
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) code: u8,
}

impl Failure {
    /// Wrong usage or input, in one sentence.
    pub(super) fn input(message: impl std::fmt::Display) -> Self {
        Self {
            text: format!("error: {message}"),
            code: WRONG_INPUT,
        }
    }

    /// A file that cannot be read or written.
    pub(super) fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::input(format_args!("cannot {action} {}: {error}", path.display()))
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        let text = diagnostics.render(io::stderr().is_terminal());
        Self {
            text: text.trim_end().to_owned(),
            code: WRONG_INPUT,
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::input(error)
    }
}
