//! Stalls for people: the ranked table, the roll-up and the critical path in sentences.

use super::path::{Head, Path, left};
use super::{RollName, StallReport, share};
use crate::run::number::thousands;
use std::fmt::Write;
use tina_engine::{CAUSE_COUNT, Cause, PortStalls};

/// Steps of a path that are printed at its beginning and at its end, where it is longer.
const STEPS_SHOWN: usize = 5;

const PATH_TITLE: &str =
    "\ncritical path along full wires, through the output that was held up most (*)\n";

/// Columns that are padded, numbers to the right.
struct Columns {
    /// Titles over several columns, and the column at which each begins.
    groups: &'static [(usize, &'static str)],
    rows: Vec<Vec<String>>,
    /// Which columns are texts.
    texts: &'static [usize],
}

impl Columns {
    fn new(header: &[&str], texts: &'static [usize]) -> Self {
        let header = header.iter().map(|&title| title.to_owned()).collect();
        Self {
            groups: &[],
            rows: vec![header],
            texts,
        }
    }

    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut text = String::new();
        for &(column, title) in self.groups {
            let start: usize = widths[..column].iter().map(|width| width + 2).sum();
            let gap = start.saturating_sub(text.chars().count());
            write!(text, "{:gap$}  {title}", "").expect("a string takes it");
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let cell = if self.texts.contains(&column) {
                    format!("  {cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                };
                line.push_str(&cell);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A share in percent, for a column.
fn cell(count: u64, edges: u64) -> String {
    match count {
        0 => "-".to_owned(),
        _ => format!("{:.1}", 100.0 * share(count, edges)),
    }
}

/// A share in percent, for a sentence.
fn percent(count: u64, edges: u64) -> String {
    format!("{:.1} %", 100.0 * share(count, edges))
}

impl StallReport {
    /// The report for people, with so many rows in the tables at most.
    #[must_use]
    pub fn text(&self, row_count: usize) -> String {
        let mut text = self.heading();
        let ranked = self.ranked();
        if ranked.is_empty() {
            text.push_str("no output was ever without room\n");
        } else {
            text.push_str(&self.wire_table(&ranked, row_count));
        }
        text.push_str(&self.roll_table(row_count));
        if let Some(path) = self.path() {
            text.push_str(PATH_TITLE);
            text.push_str(&self.path_text(&path));
        }
        text
    }

    /// What was counted.
    fn heading(&self) -> String {
        let (from, until) = (thousands(self.cycles.start), thousands(self.cycles.end));
        let looked = if self.every == 1 {
            "at every edge".to_owned()
        } else {
            let count = self.look_count();
            let margin = 98.0 / (count.max(1) as f64).sqrt();
            format!(
                "at one edge in {}: {} of the base clock; a share is off by up to {margin:.1} %, 19 \
                 times in 20",
                self.every,
                thousands(count)
            )
        };
        format!("\nstalls, cycles {from} to {until}, counted {looked}\n")
    }

    /// Wires whose outputs were without room longest, and what their consumers did.
    fn wire_table(&self, ranked: &[u32], row_count: usize) -> String {
        let mut header = vec!["cycles", "full", "credit", "port"];
        header.extend(Cause::NAMES);
        header.push("port");
        let mut columns = Columns::new(&header, &[3, CAUSE_COUNT + 4]);
        columns.groups = &[
            (0, "outputs without room, in %"),
            (4, "their consumers, in % of their cycles"),
        ];
        for &wire in ranked.iter().take(row_count) {
            let (output, input) = self.ends_of(wire);
            let mut row = vec![
                thousands(self.stalled_cycles(output)),
                cell(output.count(Cause::Full), output.edges()),
                cell(output.count(Cause::Credit), output.edges()),
                self.name(output),
            ];
            row.extend(input.counts.iter().map(|&count| cell(count, input.edges())));
            row.push(self.name(input));
            columns.rows.push(row);
        }
        let mut text = columns.text();
        if let Some(more) = ranked.len().checked_sub(row_count).filter(|&more| more > 0) {
            writeln!(text, "  and {} more", thousands(more as u64)).expect("a string takes it");
        }
        text
    }

    /// All ports of a name of a kind together.
    fn roll_table(&self, row_count: usize) -> String {
        let mut header = vec!["ports", "way"];
        header.extend(Cause::NAMES);
        header.push("port");
        let mut columns = Columns::new(&header, &[1, CAUSE_COUNT + 2]);
        columns.groups = &[(0, "all ports of a kind, in % of their cycles")];
        let rolls = self.rolls();
        for ((kind, port, is_input), roll) in rolls.iter().take(row_count) {
            let edges: u64 = roll.counts.iter().sum();
            let mut row = vec![
                thousands(roll.port_count),
                if *is_input { "in" } else { "out" }.to_owned(),
            ];
            row.extend(roll.counts.iter().map(|&count| cell(count, edges)));
            row.push(format!("{kind}.{port}"));
            columns.rows.push(row);
        }
        let mut text = format!("\n{}", columns.text());
        if let Some(more) = rolls.len().checked_sub(row_count).filter(|&more| more > 0) {
            let more: &[(RollName, _)] = &rolls[rolls.len() - more..];
            writeln!(text, "  and {} more", thousands(more.len() as u64))
                .expect("a string takes it");
        }
        text
    }

    /// The path, a step a line, and the head of the queue.
    pub(super) fn path_text(&self, path: &Path) -> String {
        let count = path.wires.len();
        let inner = STEPS_SHOWN..count.saturating_sub(STEPS_SHOWN);
        let shown =
            |number: &usize| *number == path.most || inner.len() < 2 || !inner.contains(number);
        let mut text = String::new();
        let mut next = 0;
        for number in (0..count).filter(shown) {
            if number > next {
                let more = thousands((number - next) as u64);
                writeln!(text, "      {more} more").expect("a string takes it");
            }
            next = number + 1;
            let mark = if number == path.most { '*' } else { ' ' };
            let line = self.step_text(path, number);
            writeln!(text, "{next:>4}{mark} {line}").expect("a string takes it");
        }
        writeln!(text, "head  {}", self.head_text(path)).expect("a string takes it");
        text
    }

    /// What kept one of the outputs of a path from moving.
    pub(super) fn step_text(&self, path: &Path, number: usize) -> String {
        let (output, input) = self.ends_of(path.wires[number]);
        let name = self.name(output);
        let edges = output.edges();
        let (full, credit) = (output.count(Cause::Full), output.count(Cause::Credit));
        let state = if credit > full {
            format!("{name} out of credits {} of cycles", percent(credit, edges))
        } else {
            format!("{name} full {} of cycles", percent(full, edges))
        };
        let ring = match path.head {
            Head::Ring(first) if number + 1 == path.wires.len() => Some(&path.wires[first]),
            _ => None,
        };
        match path.wires.get(number + 1).or(ring) {
            None => state,
            Some(&next) => format!(
                "{state}, because {} kept the item at `{}` {} of cycles for want of room at `{}`",
                self.path_of(input),
                self.port_name(input),
                percent(left(input, Cause::Full), input.edges()),
                self.port_name(self.ends_of(next).0),
            ),
        }
    }

    /// Why the queue at the end of a path does not drain.
    pub(super) fn head_text(&self, path: &Path) -> String {
        let last = *path.wires.last().expect("a path has a first wire");
        let (output, input) = self.ends_of(last);
        let edges = input.edges();
        let (consumer, port) = (self.path_of(input), self.port_name(input));
        match &path.head {
            Head::Slots => self.slots_text(output),
            Head::Latency => format!(
                "{consumer} is at work: its own latency keeps the item at `{port}` {} of cycles; it takes {}",
                percent(input.count(Cause::Latency), edges),
                rate(input)
            ),
            Head::Arbitration(contended) => self.arbitration_text(input, *contended),
            Head::Partner(feeders) => self.partner_text(input, feeders),
            Head::Asleep => format!(
                "{consumer} is done and takes nothing any more, {} of cycles",
                percent(input.count(Cause::Asleep), edges)
            ),
            Head::Ring(first) => {
                let ring = path.wires.len() - first;
                let first = self.ends_of(path.wires[*first]).0;
                format!(
                    "a ring of {ring} full wires: {consumer} waits for room at {}, which waits for it",
                    self.name(first)
                )
            }
            Head::Pace => {
                let instance = &self.blueprint.instances[input.instance as usize];
                let clock = &self.blueprint.domains[usize::from(instance.domain)].name;
                format!(
                    "{consumer} takes every item it sees at `{port}`, {} of its clock `{clock}`, and is no \
                     faster",
                    rate(input)
                )
            }
        }
    }

    fn slots_text(&self, output: &PortStalls) -> String {
        let wire = &self.blueprint.wires[output.wire as usize];
        let period = |instance: u32| {
            let domain = self.blueprint.instances[instance as usize].domain;
            self.periods[usize::from(domain)]
        };
        let (there, back) = (period(wire.to.instance), period(wire.from.instance));
        let round = u64::from(wire.latency) * there + u64::from(wire.credit) * back;
        let trip_edges = round.div_ceil(back);
        let needed = trip_edges * u64::from(wire.lanes);
        let plural = if wire.depth == 1 { "" } else { "s" };
        format!(
            "the wire from {} itself: {} slot{plural} for a round trip of {trip_edges} cycles; {needed} would keep \
             it moving",
            self.name(output),
            wire.depth,
        )
    }

    fn arbitration_text(&self, input: &PortStalls, contended: Option<u16>) -> String {
        let edges = input.edges();
        let consumer = self.path_of(input);
        let lost = percent(input.count(Cause::Arbitration), edges);
        let port = self.port_name(input);
        let ports = self.ports_of(input.instance);
        let mut text =
            format!("{consumer} serves others: `{port}` lost its arbitration {lost} of cycles");
        let found = contended.and_then(|number| ports.iter().find(|it| it.port == number));
        if let Some(output) = found {
            write!(
                text,
                ", mostly for `{}`, which moves an item {} of cycles",
                self.port_name(output),
                percent(output.count(Cause::Moved), output.edges())
            )
            .expect("a string takes it");
        }
        let rivals = ports
            .iter()
            .filter(|it| self.is_input(it) && it.port != input.port);
        let served = rivals.filter(|it| it.count(Cause::Moved) > 0);
        if let Some(most) = served.rev().max_by_key(|it| it.count(Cause::Moved)) {
            write!(
                text,
                "; the busiest other input is `{}`, served {}",
                self.port_name(most),
                percent(most.count(Cause::Moved), most.edges())
            )
            .expect("a string takes it");
        }
        text
    }

    fn partner_text(&self, input: &PortStalls, feeders: &[u32]) -> String {
        let consumer = self.path_of(input);
        let port = self.port_name(input);
        let waited = percent(input.count(Cause::Partner), input.edges());
        let mut text =
            format!("{consumer} kept the item at `{port}` {waited} of cycles for want of another");
        let (Some(&first), Some(&last)) = (feeders.first(), feeders.last()) else {
            return text;
        };
        let empty = self.ends_of(first).1;
        write!(
            text,
            ": its `{}` was empty {}",
            self.port_name(empty),
            percent(empty.count(Cause::Empty), empty.edges())
        )
        .expect("a string takes it");
        let source = self.ends_of(last).0;
        let reasons = [
            Cause::Asleep,
            Cause::Credit,
            Cause::Full,
            Cause::Latency,
            Cause::Empty,
        ];
        let reason = reasons.into_iter().max_by_key(|&cause| source.count(cause));
        let (reason, name) = (reason.unwrap_or(Cause::Empty), self.name(source));
        let part = percent(source.count(reason), source.edges());
        let way = match feeders.len() {
            1 => "which comes from".to_owned(),
            count => format!("which is {count} wires behind"),
        };
        let story = match reason {
            Cause::Asleep => format!("{name}, done {part}"),
            Cause::Credit => format!("{name}, out of credits {part}"),
            Cause::Full => format!("{name}, full {part}"),
            Cause::Empty => format!("{name}, with nothing to send {part}"),
            Cause::Moved | Cause::Arbitration | Cause::Latency | Cause::Partner => {
                format!("{name}, at work {part}")
            }
        };
        write!(text, ", {way} {story}").expect("a string takes it");
        text
    }
}

/// How often an input takes an item.
fn rate(input: &PortStalls) -> String {
    let (moved, edges) = (input.count(Cause::Moved), input.edges());
    let cycles = edges as f64 / moved as f64;
    if moved == 0 {
        "none".to_owned()
    } else if cycles < 1.05 {
        "one in every cycle".to_owned()
    } else {
        format!("one in {cycles:.1} cycles")
    }
}
