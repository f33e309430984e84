//! Stalls as data: for `--json`, the JSON and CSV of `--stats`, and the folder of a run.

use super::path::Head;
use super::{StallReport, share};
use serde_json::{Map, Value, json};
use tina_engine::{CAUSE_COUNT, Cause, PortStalls};

/// Ports that are listed; where there are more, those that were stalled most.
pub const PORTS_MAX: usize = 1 << 16;
/// Wires that are ranked.
const RANKED_MAX: usize = 64;
/// Steps of a path that are listed.
const STEPS_MAX: usize = 1 << 10;

fn counts_json(counts: &[u64; CAUSE_COUNT]) -> Value {
    let entry = |(name, count): (&str, &u64)| (name.to_owned(), json!(count));
    Value::Object(Cause::NAMES.into_iter().zip(counts).map(entry).collect())
}

impl StallReport {
    const fn way(is_input: bool) -> &'static str {
        if is_input { "in" } else { "out" }
    }

    /// The ports that are listed, by instance and port.
    pub(in crate::run) fn listed(&self) -> Vec<&PortStalls> {
        let mut ports: Vec<&PortStalls> = self.ports().iter().collect();
        if ports.len() > PORTS_MAX {
            ports.sort_by_cached_key(|port| std::cmp::Reverse(self.stalled(port)));
            ports.truncate(PORTS_MAX);
            ports.sort_unstable_by_key(|port| (port.instance, port.port));
        }
        ports
    }

    /// What a port is called in a row of a table: the instance, and the port and its way.
    pub(in crate::run) fn row_name(&self, port: &PortStalls) -> (&str, String) {
        let way = Self::way(self.is_input(port));
        (
            self.path_of(port),
            format!("stalls::{}::{way}", self.port_name(port)),
        )
    }

    /// Everything but the ports one by one.
    #[must_use]
    pub fn summary_json(&self) -> Value {
        json!({
            "every": self.every,
            "cycles": [self.cycles.start, self.cycles.end],
            "looks": self.look_count(),
            "causes": Cause::NAMES,
            "kinds": self.kinds_json(),
            "ranking": self.ranking_json(),
            "critical_path": self.path_json(),
        })
    }

    /// Everything.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = self.summary_json();
        let listed = self.listed();
        let left_out = self.ports().len() - listed.len();
        object["ports"] = listed
            .into_iter()
            .map(|port| self.port_json(port))
            .collect();
        object["ports_left_out"] = json!(left_out);
        object
    }

    fn port_json(&self, port: &PortStalls) -> Value {
        json!({
            "path": self.path_of(port),
            "port": self.port_name(port),
            "way": Self::way(self.is_input(port)),
            "kind": self.kind_name(port),
            "peer": self.name(self.peer(port)),
            "wire": port.wire,
            "edges": port.edges(),
            "stalled_cycles": self.stalled_cycles(port),
            "counts": counts_json(&port.counts),
        })
    }

    fn kinds_json(&self) -> Value {
        let row = |((kind, port, is_input), roll): (super::RollName, super::Roll)| {
            json!({
                "kind": kind,
                "port": port,
                "way": Self::way(is_input),
                "ports": roll.port_count,
                "edges": roll.counts.iter().sum::<u64>(),
                "counts": counts_json(&roll.counts),
            })
        };
        self.rolls().into_iter().map(row).collect()
    }

    fn ranking_json(&self) -> Value {
        let row = |wire: u32| {
            let (output, input) = self.ends_of(wire);
            json!({
                "wire": wire,
                "output": self.name(output),
                "input": self.name(input),
                "stalled_cycles": self.stalled_cycles(output),
                "share": share(self.stalled(output), output.edges()),
            })
        };
        self.ranked()
            .into_iter()
            .take(RANKED_MAX)
            .map(row)
            .collect()
    }

    fn path_json(&self) -> Value {
        let Some(path) = self.path() else {
            return Value::Null;
        };
        let step = |number: usize| {
            let (output, input) = self.ends_of(path.wires[number]);
            json!({
                "wire": path.wires[number],
                "output": self.name(output),
                "input": self.name(input),
                "share": share(self.stalled(output), output.edges()),
                "text": self.step_text(&path, number),
            })
        };
        let last = *path.wires.last().expect("a path has a first wire");
        let (output, input) = self.ends_of(last);
        let mut head = Map::new();
        let cause = match path.head {
            Head::Slots => "credit",
            Head::Latency => "latency",
            Head::Arbitration(_) => "arbitration",
            Head::Partner(_) => "partner",
            Head::Asleep => "asleep",
            Head::Ring(_) => "ring",
            Head::Pace => "pace",
        };
        // The wire is its producer's.
        let port = if path.head == Head::Slots {
            output
        } else {
            input
        };
        head.insert("cause".to_owned(), json!(cause));
        head.insert("path".to_owned(), json!(self.path_of(port)));
        head.insert("port".to_owned(), json!(self.port_name(port)));
        head.insert("text".to_owned(), json!(self.head_text(&path)));
        json!({
            "length": path.wires.len(),
            "most": path.most,
            "steps": (0..path.wires.len().min(STEPS_MAX)).map(step).collect::<Vec<_>>(),
            "head": head,
        })
    }
}
