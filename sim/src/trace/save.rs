//! Save files of GTKWave: which signals it shows when it opens a trace, in which groups and how.
//!
//! The format is that of GTKWave's own (`gtkwave/src/savefile.c`, GTKWave 3.3): lines of flags, `@` and a number in
//! hexadecimal, hold for the names that follow.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use tina_viz::write::{Header, Scope, Signal};

/// Bits of flags: one bit as a line; a number in hexadecimal to the right; one in decimal.
const BINARY: u32 = 0x28;
const HEXADECIMAL: u32 = 0x22;
const DECIMAL: u32 = 0x24;
/// The begin and the end of a group, and what makes it shut.
const GROUP_BEGIN: u32 = 0x80_0200;
const GROUP_END: u32 = 0x100_0200;
const SHUT: u32 = 0x40_0000;

/// Groups that are open at first: about a screen.
const OPEN_MAX: usize = 8;
/// Signals of a save file; of more, those of the scopes that come first.
const SIGNALS_MAX: usize = 10_000;

/// `cpu.gtkw` beside `cpu.fst`.
pub(super) fn path_of(trace: &Path) -> PathBuf {
    trace.with_extension("gtkw")
}

/// The save file of a trace: a group for each scope that has signals.
pub(super) fn text(trace: &Path, header: &Header) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    let mut save = Save {
        text: format!(
            "[*]\n[dumpfile] \"{}\"\n[savefile] \"{}\"\n[timestart] 0\n",
            name(trace),
            name(&path_of(trace))
        ),
        group_count: 0,
        signal_count: 0,
    };
    for scope in &header.root {
        save.scope("", scope);
    }
    save.text
}

struct Save {
    text: String,
    group_count: usize,
    signal_count: usize,
}

impl Save {
    fn scope(&mut self, outer: &str, scope: &Scope) {
        let path = if outer.is_empty() {
            scope.name.clone()
        } else {
            format!("{outer}.{}", scope.name)
        };
        if self.signal_count + scope.signals.len() > SIGNALS_MAX {
            return;
        }
        if !scope.signals.is_empty() {
            let shut = if self.group_count < OPEN_MAX { 0 } else { SHUT };
            self.group_count += 1;
            self.signal_count += scope.signals.len();
            self.line(GROUP_BEGIN | shut, &format!("-{path}"));
            for signal in &scope.signals {
                self.signal(&path, signal);
            }
            self.line(GROUP_END | shut, &format!("-{path}"));
        }
        for inner in &scope.scopes {
            self.scope(&path, inner);
        }
    }

    fn signal(&mut self, path: &str, signal: &Signal) {
        // GTKWave gives a number of several bits the range that the trace does not say.
        let (flags, range) = match signal.width_bits {
            0 | 1 => (BINARY, String::new()),
            width if signal.name == "occupancy" => (DECIMAL, format!("[{}:0]", width - 1)),
            width => (HEXADECIMAL, format!("[{}:0]", width - 1)),
        };
        self.line(flags, &format!("{path}.{}{range}", signal.name));
    }

    fn line(&mut self, flags: u32, name: &str) {
        writeln!(self.text, "@{flags:x}\n{name}").expect("a string takes it");
    }
}
