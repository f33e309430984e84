//! What can be wrong with a trace that is to be read.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a trace cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is nothing in it.
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    NotATrace {
        /// The file.
        path: PathBuf,
    },
    /// It begins like a trace and does not go on like one.
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl ReadError {
    pub(super) fn broken(path: &Path, reason: &str) -> Self {
        // Readers explain over several lines; one is enough.
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Broken {
            path: path.to_owned(),
            reason,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(out, "cannot read {}: {error}", path.display()),
            Self::Empty { path } => write!(out, "{} is empty", path.display()),
            Self::NotATrace { path } => write!(
                out,
                "{} is no trace: expected FST, VCD or GHW, and it begins like none of them",
                path.display()
            ),
            Self::Broken { path, reason } => write!(out, "{} is broken: {reason}", path.display()),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Empty { .. } | Self::NotATrace { .. } | Self::Broken { .. } => None,
        }
    }
}
