//! The command line: arguments in, text and an exit code out.
//!
//! [`main`] is the whole program, for any catalogue of kinds. Results go to standard output,
//! progress, warnings and errors to standard error. Exit codes: 0 finished, 1 the guest or a
//! self-check failed, 2 wrong usage or input, 3 deadlock, 4 the limit of cycles, 5 a module
//! faulted, 6 digests differ, 130 interrupted.

mod failure;
mod arguments;
mod terminal;
mod table;
mod input;
mod resume;
mod outside;
mod run;
mod picture;
mod replay;
mod diff;
mod verify;
mod swarm;
mod compare;
mod check;
mod parameters;
mod list;
mod plot;
mod graph;
mod report;

use arguments::{Arguments, Command};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;
use tina_engine::Catalogue;

/// Parses the arguments of the process and does what they say, with the kinds of `catalogue`.
///
/// A crate with kinds of its own becomes a whole `tina-hw` by
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     tina_sim::cli::main(tina_modules::catalogue())
/// }
/// ```
#[must_use]
pub fn main(catalogue: Catalogue) -> ExitCode {
    with_arguments(std::env::args_os(), catalogue)
}

/// The same with arguments of one's own, of which the first is the name of the program.
#[must_use]
pub fn with_arguments(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    catalogue: Catalogue,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell whoever closed our standard error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::WRONG_INPUT));
        }
    };
    let result = match &arguments.command {
        Command::Run(arguments) => run::run(arguments, &catalogue),
        Command::Verify(arguments) => verify::verify(arguments, &catalogue),
        Command::Swarm(arguments) => swarm::swarm(arguments, &catalogue),
        Command::Check(arguments) => check::check(arguments, &catalogue),
        Command::Compare(arguments) => compare::compare(arguments, &catalogue),
        Command::Replay(arguments) => replay::replay(arguments, &catalogue),
        Command::Diff(arguments) => diff::diff(arguments, &catalogue),
        Command::List(arguments) => list::list(arguments, &catalogue),
        Command::Plot(arguments) => plot::plot(arguments),
        Command::Graph(arguments) => graph::graph(arguments, &catalogue),
        Command::Report(arguments) => report::report(arguments),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            terminal::complain(&failure.text);
            ExitCode::from(failure.code)
        }
    }
}
