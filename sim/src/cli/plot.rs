//! `tina-hw plot`.

use super::arguments::{HeatArgument, PlotArguments, RadixArgument};
use super::failure::Failure;
use super::picture::{self, PictureFormat};
use super::terminal::{complain, print};
use std::io::{self, IsTerminal};
use std::path::Path;
use tina_viz::heat::{HeatMap, Measure, Reading};
use tina_viz::select::select;
use tina_viz::time::Clock;
use tina_viz::trace::{Radix, Trace};
use tina_viz::waves::{Sheet, WaveOptions};

/// Width of a drawing of letters where there is no terminal.
const WIDTH_DEFAULT: usize = 120;

pub(super) fn plot(arguments: &PlotArguments) -> Result<u8, Failure> {
    // A wrong name is said before a long trace is read.
    if let Some(output) = &arguments.output {
        PictureFormat::of_path(output)?;
    }
    if arguments.output.is_none() && (arguments.heat.is_some() || !is_text(arguments)) {
        let kind = if arguments.heat.is_some() {
            "a heat map"
        } else {
            "a picture"
        };
        return Err(Failure::input(format_args!(
            "{kind} is written to a file: say -o FILE.svg or FILE.png"
        )));
    }
    let is_statistics = arguments
        .trace
        .extension()
        .is_some_and(|ending| ending == "json");
    match (arguments.heat, is_statistics) {
        (Some(_), true) => heat_of_statistics(arguments),
        (None, true) => Err(Failure::input(format_args!(
            "{} has no waves: say --heat for a heat map of it",
            arguments.trace.display()
        ))),
        (heat, false) => {
            let mut trace = open(&arguments.trace)?;
            let window = window(arguments, &trace)?;
            match heat {
                Some(heat) => heat_of_trace(arguments, &mut trace, heat, window),
                None => waves(arguments, &mut trace, window),
            }
        }
    }
}

/// Without a picture to write, waves are drawn in letters: that is what a terminal can show.
fn is_text(arguments: &PlotArguments) -> bool {
    arguments.text || (arguments.output.is_none() && io::stdout().is_terminal())
}

fn open(path: &Path) -> Result<Trace, Failure> {
    let trace = Trace::open(path).map_err(Failure::input)?;
    if let Some(warning) = trace.warning() {
        complain(&format!("warning: {}: {warning}", path.display()));
    }
    if trace.signals().is_empty() {
        return Err(Failure::input(format_args!(
            "{} has no signals",
            path.display()
        )));
    }
    Ok(trace)
}

/// The names of all signals, by which globs select.
fn full_names(trace: &Trace) -> Vec<String> {
    let signals = trace.signals().iter();
    signals.map(|signal| signal.full_name()).collect()
}

fn waves(
    arguments: &PlotArguments,
    trace: &mut Trace,
    (from, to): (u64, u64),
) -> Result<u8, Failure> {
    let names = full_names(trace);
    let mut signals = select(&names, &arguments.signals).map_err(Failure::input)?;
    let mut curves = Vec::new();
    if !arguments.analog.is_empty() {
        curves = select(&names, &arguments.analog).map_err(Failure::input)?;
        // Asked for as a curve is asked for.
        if !arguments.signals.is_empty() {
            let missing = curves.iter().filter(|curve| !signals.contains(curve));
            let missing: Vec<usize> = missing.copied().collect();
            signals.extend(missing);
        }
    }
    let options = WaveOptions {
        from,
        to,
        cursors: cursors(arguments, trace, (from, to))?,
        radix: match arguments.radix {
            RadixArgument::Hex => Radix::Hexadecimal,
            RadixArgument::Dec => Radix::Decimal,
            RadixArgument::Signed => Radix::Signed,
            RadixArgument::Bin => Radix::Binary,
        },
        rows_max: usize::from(arguments.rows),
        title: file_name(&arguments.trace),
    };
    if is_text(arguments) {
        let width = arguments.width.map_or_else(terminal_width, usize::from);
        let sheet = Sheet::for_text(trace, &signals, &curves, options.clone(), width)
            .map_err(Failure::input)?;
        print(&sheet.text(width, arguments.ascii))?;
    }
    if let Some(output) = &arguments.output {
        let sheet =
            Sheet::for_picture(trace, &signals, &curves, options).map_err(Failure::input)?;
        picture::write(&sheet.picture(), output, arguments.dark)?;
    }
    Ok(0)
}

fn heat_of_trace(
    arguments: &PlotArguments,
    trace: &mut Trace,
    heat: HeatArgument,
    (from, to): (u64, u64),
) -> Result<u8, Failure> {
    let names = full_names(trace);
    let signals = select(&names, &arguments.signals).map_err(Failure::input)?;
    let measure = match heat {
        HeatArgument::Changes => Measure::Changes,
        HeatArgument::Mean => Measure::Mean,
        HeatArgument::Max => Measure::Greatest,
    };
    let readings = measure
        .read(trace, &signals, from, to)
        .map_err(Failure::input)?;
    let clock = Clock::new(trace.exponent(), from, to, 8);
    let legend = format!(
        "{} from {} to {}",
        measure.words(),
        clock.number(from),
        clock.text(to)
    );
    write_heat(arguments, &legend, &readings)
}

/// The results of instances, as `run --stats` writes them.
fn heat_of_statistics(arguments: &PlotArguments) -> Result<u8, Failure> {
    let path = &arguments.trace;
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let wrong = |reason: &str| Failure::input(format_args!("{}: {reason}", path.display()));
    let statistics: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let instances = statistics["instances"].as_object().ok_or_else(|| {
        wrong("there are no `instances` in it: expected what `run --stats` writes")
    })?;
    let mut readings = Vec::new();
    for (instance, results) in instances {
        for (result, number) in results.as_object().into_iter().flatten() {
            // Check values are text: they are no amounts.
            if let Some(number) = number.as_f64() {
                let name = format!("{instance}.{result}");
                readings.push(Reading { name, number });
            }
        }
    }
    let names: Vec<String> = readings
        .iter()
        .map(|reading| reading.name.clone())
        .collect();
    let chosen = select(&names, &arguments.signals).map_err(Failure::input)?;
    let readings: Vec<Reading> = chosen
        .into_iter()
        .map(|index| readings[index].clone())
        .collect();
    let mut results: Vec<&str> = readings
        .iter()
        .filter_map(|reading| reading.name.rsplit('.').next())
        .collect();
    results.sort_unstable();
    results.dedup();
    if let [first, second, ..] = results[..] {
        return Err(Failure::input(format_args!(
            "`{first}` and `{second}` are two results, and a map is of one: choose by --signals, as `**.{first}`"
        )));
    }
    write_heat(arguments, &results.concat(), &readings)
}

fn write_heat(
    arguments: &PlotArguments,
    legend: &str,
    readings: &[Reading],
) -> Result<u8, Failure> {
    let output = arguments
        .output
        .as_ref()
        .expect("a heat map has an output, that was looked at first");
    let title = file_name(&arguments.trace);
    let map = HeatMap::new(&title, legend, readings).map_err(Failure::input)?;
    picture::write(&map.picture(), output, arguments.dark)?;
    Ok(0)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The window asked for, within what the trace covers.
fn window(arguments: &PlotArguments, trace: &Trace) -> Result<(u64, u64), Failure> {
    let Some((first, last)) = trace.extent() else {
        return Err(Failure::input(format_args!(
            "nothing happens in {}",
            trace.path().display()
        )));
    };
    let Some(text) = &arguments.window else {
        // A trace of one moment is shown as one step.
        return Ok((first, last.max(first.saturating_add(1))));
    };
    let wrong = |reason: String| Failure::input(format_args!("--window {text}: {reason}"));
    let Some((from, to)) = text.split_once("..") else {
        return Err(wrong("expected A..B, as 1000..5000 or 1us..2us".to_owned()));
    };
    let time = |text: &str, default: u64| match text.trim() {
        "" => Ok(default),
        text => Clock::parse(text, trace.exponent()).map_err(wrong),
    };
    let (from, to) = (time(from, first)?, time(to, last)?);
    let clock = Clock::new(
        trace.exponent(),
        first,
        last.max(first.saturating_add(1)),
        8,
    );
    if from >= to {
        return Err(wrong(format!(
            "it is empty: {} is not before {}",
            clock.text(from),
            clock.text(to)
        )));
    }
    if from >= last && from > first {
        return Err(wrong(format!(
            "it begins where the trace has ended: the trace goes from {} to {}",
            clock.text(first),
            clock.text(last)
        )));
    }
    Ok((from, to))
}

fn cursors(
    arguments: &PlotArguments,
    trace: &Trace,
    (from, to): (u64, u64),
) -> Result<Vec<u64>, Failure> {
    let clock = Clock::new(trace.exponent(), from, to, 8);
    let cursor = |text: &String| {
        let wrong = |reason: String| Failure::input(format_args!("--cursor {text}: {reason}"));
        let time = Clock::parse(text, trace.exponent()).map_err(wrong)?;
        if (from..=to).contains(&time) {
            return Ok(time);
        }
        Err(wrong(format!(
            "it is outside of what is shown, {} to {}",
            clock.text(from),
            clock.text(to)
        )))
    };
    arguments.cursor.iter().map(cursor).collect()
}

/// What the terminal is said to be wide.
fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    columns
        .filter(|columns| (40..=1_000).contains(columns))
        .unwrap_or(WIDTH_DEFAULT)
}
