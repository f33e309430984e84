//! What a host says of itself, for people. No figure depends on it.

use super::report::Host;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Asks the host. What it does not tell is `unknown`.
#[must_use]
pub fn host(remark: Option<String>) -> Host {
    let kernel = read("/proc/sys/kernel/osrelease");
    let distribution = read("/etc/os-release").and_then(|text| {
        let name = field(&text, "PRETTY_NAME", '=')?;
        Some(name.trim_matches('"').to_owned())
    });
    let architecture = std::env::consts::ARCH;
    Host {
        processor: processor().unwrap_or_else(unknown),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        caches: caches(),
        memory_gibibytes: memory_gibibytes().unwrap_or(0),
        system: format!(
            "{}, Linux {}, {architecture}",
            distribution.unwrap_or_else(unknown),
            kernel.unwrap_or_else(unknown)
        ),
        rustc: first_line(&["rustc", "--version"], Path::new(".")).unwrap_or_else(unknown),
        revision: revision().unwrap_or_else(unknown),
        load_before: load(),
        remark,
    }
}

/// The first line a command prints, if it succeeds.
pub(crate) fn first_line(command: &[impl AsRef<str>], directory: &Path) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program.as_ref())
        .args(arguments.iter().map(AsRef::as_ref))
        .current_dir(directory)
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The rest of the first line that starts with `name`, behind `separator`.
fn field<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    let mut lines = text.lines().filter(|line| line.starts_with(name));
    Some(lines.next()?.split_once(separator)?.1.trim())
}

fn processor() -> Option<String> {
    let text = read("/proc/cpuinfo")?;
    let model = field(&text, "model name", ':').or_else(|| field(&text, "CPU part", ':'))?;
    let family = field(&text, "cpu family", ':');
    let number = field(&text, "model\t", ':');
    Some(match (family, number) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model.to_owned(),
    })
}

fn caches() -> Vec<String> {
    let of = |index: usize| {
        let entry = |name| {
            read(&format!(
                "/sys/devices/system/cpu/cpu0/cache/index{index}/{name}"
            ))
        };
        Some(format!(
            "L{} {} {}",
            entry("level")?,
            entry("type")?,
            entry("size")?
        ))
    };
    (0..8).map_while(of).collect()
}

fn memory_gibibytes() -> Option<u64> {
    let text = read("/proc/meminfo")?;
    let kibibytes = field(&text, "MemTotal", ':')?.split_whitespace().next()?;
    let kibibytes: u64 = kibibytes.parse().ok()?;
    Some((kibibytes + (1 << 19)) >> 20)
}

fn load() -> Option<f64> {
    read("/proc/loadavg")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn revision() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let commit = first_line(&["git", "rev-parse", "--short=12", "HEAD"], root)?;
    let status = ["git", "status", "--porcelain", "--untracked-files=no"];
    let changed = first_line(&status, root).is_some();
    Some(format!("{commit}{}", if changed { "+" } else { "" }))
}
