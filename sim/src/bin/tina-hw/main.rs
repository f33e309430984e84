//! The command line program `tina-hw`: the kinds of `tina-modules` behind the command line of
//! `tina-sim`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    tina_sim::cli::main(tina_modules::catalogue())
}
