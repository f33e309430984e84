//! `memory.ram` against a plain array, and its times in closed form.
#![allow(missing_docs, reason = "a test")]

use serde::Deserialize;
use std::sync::Arc;
use tina_engine::{
    BuildError, Cycle, Effect, HostOptions, In, Limits, Machine, Module, Out, Outcome, Placement,
    Random, Results, Wiring,
};
use tina_modules::memory::{Ram, RamParams, RamReply, RamRequest};
use tina_modules::{Assembly, WireShape};

#[derive(Clone, Copy, Debug, Deserialize)]
struct DriverParams {
    requests: u32,
    words: u32,
    /// Random words, and pauses; else word after word, one at every edge.
    random: bool,
}

/// Sends requests and compares the replies with an array.
struct Driver {
    requests: Out<RamRequest>,
    replies: In<RamReply>,
    params: DriverParams,
    random: Random,
    sent: u32,
    expected: std::collections::VecDeque<RamReply>,
    model: Vec<u64>,
    last_reply: Cycle,
    replied: u64,
}

impl Module for Driver {
    const KIND: &'static str = "test.driver";
    const SUMMARY: &'static str = "drives a RAM: reply -> request";
    type Params = DriverParams;

    fn build(params: DriverParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            requests: wiring.output("request")?,
            replies: wiring.input("reply")?,
            params,
            random: wiring.random(0),
            sent: 0,
            expected: std::collections::VecDeque::new(),
            model: vec![0; params.words as usize],
            last_reply: 0,
            replied: 0,
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        let random = self.params.random;
        if self.replies.ready() && !(random && self.random.chance(1, 3)) {
            assert_eq!(Some(self.replies.pop()), self.expected.pop_front());
            self.last_reply = now;
            self.replied += 1;
        }
        let idle = random && self.random.chance(1, 3);
        if self.sent < self.params.requests && self.requests.has_room() && !idle {
            let words = u64::from(self.params.words);
            let address = if random {
                self.random.below(words) as u32
            } else {
                self.sent % self.params.words
            };
            let request = RamRequest {
                address,
                tag: self.sent,
                data: self.random.bits(),
                write: self.random.chance(1, 2),
            };
            let word = &mut self.model[address as usize];
            self.expected.push_back(RamReply {
                data: *word,
                tag: self.sent,
            });
            if request.write {
                *word = request.data;
            }
            self.requests.push(request);
            self.sent += 1;
        }
        if random && (self.sent < self.params.requests || !self.expected.is_empty()) {
            Effect::Yield
        } else {
            Effect::Receive
        }
    }

    fn report(&self, results: &mut Results) {
        results.count("last_reply", self.last_reply);
        results.count("replied", self.replied);
    }
}

/// Edge of the last reply, and digest.
fn run(driver: DriverParams, ram: RamParams, seed: u64, no_sleep: bool) -> (u64, u64) {
    let catalogue = tina_modules::catalogue().with::<Driver>();
    let mut assembly = Assembly::new(&catalogue).with_seed(seed);
    let driver_id = assembly.add::<Driver>("driver", driver).unwrap();
    let ram = assembly.add::<Ram>("ram", ram).unwrap();
    assembly
        .wire(
            (driver_id, "request"),
            (ram, "request"),
            WireShape::default(),
        )
        .unwrap();
    assembly
        .wire((ram, "reply"), (driver_id, "reply"), WireShape::default())
        .unwrap();
    let blueprint = Arc::new(assembly.finish().unwrap());
    let host = HostOptions {
        no_sleep,
        ..HostOptions::default()
    };
    let placement = Placement::single(blueprint.instances.len());
    let mut machine = Machine::boot(&blueprint, &catalogue, &placement, &host).unwrap();
    let report = machine.run(
        &Limits {
            cycles: None,
            max_cycles: Some(1_000_000),
        },
        &mut (),
    );
    assert!(
        matches!(report.outcome, Outcome::Drained { .. }),
        "{:?}",
        report.outcome
    );
    let results = machine.results();
    let value = |name| {
        let mut entries = results.iter().flat_map(|instance| &instance.entries);
        entries.find(|entry| entry.0 == name).unwrap().1.number()
    };
    assert_eq!(value("replied"), u64::from(driver.requests));
    (value("last_reply"), report.digest)
}

#[test]
fn replies_are_what_an_array_would_answer() {
    for seed in 0..20 {
        let mut random = Random::keyed(seed, 0, 0);
        let mut upto = |limit: u64| 1 + random.below(limit) as u32;
        let ram = RamParams {
            words: upto(40),
            latency: upto(9),
            banks: upto(8),
            bank_busy: upto(6),
        };
        let driver = DriverParams {
            requests: 500,
            words: ram.words,
            random: true,
        };
        assert_eq!(
            run(driver, ram, seed, false),
            run(driver, ram, seed, true),
            "{ram:?}"
        );
    }
}

/// Requests enter at edge 1 and every `step` edges after; a reply is pushed `latency` edges after its
/// request was taken and seen an edge later.
#[test]
fn latency_and_bank_conflicts_take_the_edges_they_should() {
    for (latency, banks, bank_busy, step) in [
        (1, 1, 1, 1),
        (7, 1, 1, 1),
        (7, 1, 4, 4),
        (7, 4, 4, 1),
        (3, 8, 5, 1),
        (30, 1, 9, 9),
    ] {
        let ram = RamParams {
            words: 64,
            latency,
            banks,
            bank_busy,
        };
        let driver = DriverParams {
            requests: 100,
            words: 64,
            random: false,
        };
        let (last_reply, _) = run(driver, ram, 1, false);
        assert_eq!(
            last_reply,
            1 + 99 * step + u64::from(latency) + 1,
            "{ram:?}"
        );
    }
}
