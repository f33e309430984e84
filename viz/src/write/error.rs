//! What can be wrong with writing a trace.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a trace cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// The ending of the name stands for no format.
    Ending {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The header describes no trace.
    Header {
        /// Full name of the scope or signal, or what stands for it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something stands at the name that is not a plain file.
    NotAFile {
        /// The name.
        path: PathBuf,
    },
    /// The system refused.
    File {
        /// What could not be done to it: `create` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl WriteError {
    pub(super) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File {
            action,
            path: path.to_owned(),
            error,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending { path } => ending(out, path),
            Self::Header { name, reason } => {
                write!(out, "`{name}` cannot stand in a trace: {reason}")
            }
            Self::NotAFile { path } => write!(
                out,
                "cannot create {}: something else is there that is not a plain file",
                path.display()
            ),
            Self::File {
                action,
                path,
                error,
            } => write!(out, "cannot {action} {}: {error}", path.display()),
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Ending { .. } | Self::Header { .. } | Self::NotAFile { .. } => None,
        }
    }
}

/// Names the endings there are, and the one that was probably meant.
fn ending(out: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    /// As similar as a slip of the finger.
    const SIMILAR: f64 = 0.6;
    write!(
        out,
        "the name of a trace ends in `.fst` or `.vcd`, not as {}",
        path.display()
    )?;
    let Some(ending) = path.extension().and_then(|ending| ending.to_str()) else {
        return Ok(());
    };
    let near = ["fst", "vcd"].map(|known| {
        (
            strsim::normalized_damerau_levenshtein(&ending.to_ascii_lowercase(), known),
            known,
        )
    });
    let near = near
        .into_iter()
        .filter(|&(similarity, _)| similarity > SIMILAR);
    match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, known)) => write!(
            out,
            "; did you mean `{}`?",
            path.with_extension(known).display()
        ),
        None => Ok(()),
    }
}
