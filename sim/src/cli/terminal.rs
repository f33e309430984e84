//! Standard output, standard error, the progress bar and Ctrl-C.
//!
//! A closed pipe is no reason to panic: whoever reads us has seen enough, so the run stops.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tina_engine::{Limits, Observer};

use super::failure::{Failure, INTERRUPTED, WRONG_INPUT};

/// Prints on standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| broken(&error))
}

/// Prints a line on standard error.
pub(super) fn complain(text: &str) {
    if !text.is_empty() {
        // Nothing is left to tell whoever closed it.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn broken(error: &io::Error) -> Failure {
    let text = match error.kind() {
        io::ErrorKind::BrokenPipe => String::new(),
        _ => format!("error: cannot write to standard output: {error}"),
    };
    Failure {
        text,
        code: WRONG_INPUT,
    }
}

/// Where the guest's consoles print.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Guest {
    StandardOutput,
    StandardError,
    Nowhere,
}

/// Watches a run for the person at the terminal.
pub(super) struct Terminal {
    guest: Guest,
    bar: ProgressBar,
    interrupt: Arc<AtomicBool>,
    failure: Option<io::Error>,
    /// The guest's last byte, to end its last line.
    last_byte: u8,
}

impl Terminal {
    /// Takes over Ctrl-C: the first asks the run to stop, the second ends the program.
    pub(super) fn new(guest: Guest, with_bar: bool, limits: &Limits) -> Result<Self, Failure> {
        let interrupt = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag false, sets it and goes on.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(INTERRUPTED),
                interrupt.clone(),
            )
            .and_then(|_| signal_hook::flag::register(signal, interrupt.clone()))
            .map_err(|error| Failure::input(format_args!("cannot listen to Ctrl-C: {error}")))?;
        }
        // A file that may not grow is an error of whoever writes it, not the end of the program; where the
        // signal cannot be taken it stays that.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
        let shown = with_bar && io::stderr().is_terminal();
        let bar = if shown {
            bar(limits)
        } else {
            ProgressBar::hidden()
        };
        Ok(Self {
            guest,
            bar,
            interrupt,
            failure: None,
            last_byte: b'\n',
        })
    }

    /// Ends the guest's last line and the bar.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        if self.last_byte != b'\n' {
            self.write(b"\n");
        }
        self.failure
            .as_ref()
            .map_or(Ok(()), |error| Err(broken(error)))
    }

    fn write(&mut self, bytes: &[u8]) {
        let guest = self.guest;
        let written = self.bar.suspend(|| match guest {
            Guest::StandardOutput => {
                let mut output = io::stdout().lock();
                output.write_all(bytes).and_then(|()| output.flush())
            }
            Guest::StandardError => io::stderr().lock().write_all(bytes),
            Guest::Nowhere => Ok(()),
        });
        if let Err(error) = written {
            self.failure = Some(error);
        }
    }
}

fn bar(limits: &Limits) -> ProgressBar {
    let end = limits.cycles.or(limits.max_cycles);
    let bar = ProgressBar::with_draw_target(end, ProgressDrawTarget::stderr());
    let template = if end.is_some() {
        "{wide_bar} {human_pos}/{human_len} cycles, {megahertz}, {eta} left"
    } else {
        "{spinner} {human_pos} cycles, {megahertz}, {elapsed}"
    };
    let style = ProgressStyle::with_template(template).expect("the templates are well formed");
    bar.with_style(style.with_key(
        "megahertz",
        |state: &ProgressState, out: &mut dyn fmt::Write| {
            // What cannot be written is not shown.
            let _ = write!(out, "{:.3} MHz", state.per_sec() / 1e6);
        },
    ))
}

impl Observer for Terminal {
    fn console(&mut self, bytes: &[u8]) {
        if self.failure.is_none() && self.guest != Guest::Nowhere {
            self.write(bytes);
            self.last_byte = bytes.last().copied().unwrap_or(self.last_byte);
        }
    }

    fn progress(&mut self, cycle: u64) {
        self.bar.set_position(cycle);
    }

    fn interrupted(&mut self) -> bool {
        self.failure.is_some() || self.interrupt.load(Ordering::Relaxed)
    }
}
