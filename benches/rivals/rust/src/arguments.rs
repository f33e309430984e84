//! The command line of every rival: a workload, then `key=value`.

use std::env;
use std::fmt::Debug;
use std::str::FromStr;

/// Which design, and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Workload {
    /// W1, a chain.
    Pipeline {
        /// Between source and sink.
        stages: usize,
    },
    /// W2, a mesh of `side`² nodes.
    Mesh {
        /// Nodes in a row.
        side: usize,
        /// Packets a generator makes per cycle in which it holds none.
        rate: f64,
    },
    /// W3 and W4, a systolic array of `side`² elements.
    Systolic {
        /// Elements in a row.
        side: usize,
    },
}

/// What to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arguments {
    /// The design.
    pub workload: Workload,
    /// How long a timed rival runs.
    pub cycles: u64,
    /// How many items a rival without time sends from each source.
    pub tokens: u64,
    /// How many threads to use.
    pub threads: usize,
}

impl Arguments {
    /// Those of this process.
    ///
    /// # Errors
    /// What is wrong with them, for people.
    pub fn of_process() -> Result<Self, String> {
        let words: Vec<String> = env::args().skip(1).collect();
        Self::parse(&words)
    }

    fn parse(words: &[String]) -> Result<Self, String> {
        let (name, pairs) = words
            .split_first()
            .ok_or("usage: RIVAL w1|w2|w3 key=value…")?;
        let workload = match name.as_str() {
            "w1" => Workload::Pipeline {
                stages: value(pairs, "stages", 1024)?,
            },
            "w2" => Workload::Mesh {
                side: value(pairs, "k", 16)?,
                rate: value(pairs, "rate", 0.25)?,
            },
            "w3" => Workload::Systolic {
                side: value(pairs, "n", 32)?,
            },
            other => return Err(format!("{other} is no workload: w1, w2, w3")),
        };
        let cycles = value(pairs, "cycles", 20_000)?;
        Ok(Self {
            workload,
            cycles,
            tokens: value(pairs, "tokens", cycles)?,
            threads: value(pairs, "threads", 2)?,
        })
    }
}

fn value<T: FromStr<Err: Debug>>(pairs: &[String], key: &str, otherwise: T) -> Result<T, String> {
    let mut values = pairs
        .iter()
        .filter_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    values.next_back().map_or(Ok(otherwise), |text| {
        text.parse()
            .map_err(|error| format!("{key}={text}: {error:?}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn a_line_is_read_and_what_is_left_out_has_a_value() {
        let arguments = parse("w2 k=32 rate=0.05 threads=1").expect("it is right");
        let workload = Workload::Mesh {
            side: 32,
            rate: 0.05,
        };
        assert_eq!(arguments.workload, workload);
        assert_eq!((arguments.cycles, arguments.threads), (20_000, 1));
        assert!(parse("w9").is_err());
        assert!(parse("w1 stages=x").is_err());
    }
}
