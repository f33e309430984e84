//! What was measured, as a table and as JSON.

use super::wire::Wire;
use crate::compare::report::Host;
use crate::compare::statistics::median;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use std::fmt::Write;

/// One measurement of one server.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// In which round.
    pub round: usize,
    /// Requests answered in a second.
    pub per_second: f64,
    /// Microseconds from a request to its answer: half of them, 99 of 100, all.
    pub p50_micros: f64,
    /// 99 of 100.
    pub p99_micros: f64,
    /// The longest.
    pub max_micros: f64,
    /// Microseconds of processor time of the server's for a request.
    pub processor_micros: Option<f64>,
    /// Which part of its cores' time the server used.
    pub busy: Option<f64>,
}

/// A server and its measurements.
#[derive(Clone, Debug, Serialize)]
pub struct ServerReport {
    /// Short name.
    pub name: String,
    /// For people.
    pub label: String,
    /// What it serves.
    pub wire: Wire,
    /// Its version, where it is not ours.
    pub version: Option<String>,
    /// By round.
    pub samples: Vec<Sample>,
    /// Why there are none.
    pub error: Option<String>,
}

/// Everything of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub host: Host,
    /// Cores of a server.
    pub server_cores: Vec<usize>,
    /// Cores of the load.
    pub load_cores: Vec<usize>,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// Seconds of a measurement.
    pub seconds: f64,
    /// All servers.
    pub servers: Vec<ServerReport>,
}

impl ServerReport {
    fn median(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(of))
    }

    /// How many times the other's figure this one's is: the median of the rounds in which both ran.
    fn times(&self, other: &Self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(|sample| {
            let same = other.samples.iter().find(|it| it.round == sample.round)?;
            Some(of(sample)? / of(same)?)
        }))
    }
}

impl Report {
    /// Tables for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let host = &self.host;
        let _never_fails = writeln!(
            text,
            "{}, {}\nserver on core {:?}, load on core {:?}, {} connections, {} s a measurement",
            host.processor,
            host.system,
            self.server_cores,
            self.load_cores,
            self.connections,
            self.seconds
        );
        for wire in Wire::ALL {
            let servers: Vec<&ServerReport> = self
                .servers
                .iter()
                .filter(|server| server.wire == wire)
                .collect();
            if !servers.is_empty() {
                let _never_fails = writeln!(text, "\n{}\n{}", wire.title(), table(&servers));
                notes(&servers, &mut text);
            }
        }
        text
    }
}

fn table(servers: &[&ServerReport]) -> Table {
    let mut table = Table::new();
    table.set_header([
        "server",
        "requests/s",
        "times the first",
        "p50 us",
        "p99 us",
        "max us",
        "processor us a request",
        "requests per processor second, times the first",
        "busy %",
    ]);
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    for server in servers {
        let efficiency = |sample: &Sample| sample.processor_micros.map(|micros| 1.0 / micros);
        table.add_row([
            server.label.clone(),
            number(server.median(|it| Some(it.per_second)), 0),
            number(server.times(servers[0], |it| Some(it.per_second)), 2),
            number(server.median(|it| Some(it.p50_micros)), 0),
            number(server.median(|it| Some(it.p99_micros)), 0),
            number(server.median(|it| Some(it.max_micros)), 0),
            number(server.median(|it| it.processor_micros), 2),
            number(server.times(servers[0], efficiency), 2),
            number(server.median(|it| it.busy.map(|busy| busy * 100.0)), 0),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    table
}

/// Who is faster than the first, and who did not take part.
fn notes(servers: &[&ServerReport], text: &mut String) {
    for server in servers {
        if let Some(error) = &server.error {
            let _never_fails = writeln!(text, "{} did not take part: {error}", server.label);
        }
        let times = server.times(servers[0], |it| Some(it.per_second));
        if let Some(times) = times.filter(|times| *times > 1.0) {
            let (faster, first) = (&server.label, &servers[0].label);
            let _never_fails = writeln!(text, "{faster} is faster than {first}: {times:.2} times");
        }
    }
}
