//! What every server has in common: its command line, its address, and when it ends.

use std::env;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;

/// Threads it may use: the value of `threads=`, 1 if that is missing.
///
/// # Errors
/// What is wrong with the command line, for people.
pub fn threads() -> Result<usize, String> {
    let value = env::args().find_map(|word| Some(word.strip_prefix("threads=")?.to_owned()));
    let threads = value.map_or(Ok(1), |text| {
        text.parse()
            .map_err(|error| format!("threads={text}: {error}"))
    })?;
    if threads == 0 {
        return Err("threads=0: there must be one".to_owned());
    }
    Ok(threads)
}

/// Says where it listens, for whoever started it.
///
/// # Errors
/// Nobody reads it.
pub fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening {address}")?;
    out.flush()
}

/// Ends this process when whoever started it is gone, or closes its end.
///
/// # Errors
/// No thread can be started.
pub fn end_with_input() -> io::Result<()> {
    let wait = || {
        let _closed_or_broken = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    };
    thread::Builder::new().spawn(wait).map(drop)
}
