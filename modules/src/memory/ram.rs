//! `memory.ram`: a RAM of 64-bit words with banks and a fixed latency.
//!
//! | port | way | carries |
//! |---|---|---|
//! | `request` | in | reads and writes, [`RamRequest`] |
//! | `reply` | out | one [`RamReply`] per request, in order |
//!
//! Word w lies in bank w mod `banks`. A request is taken when its bank is free, which it is again
//! `bank_busy` edges later, and its reply is pushed `latency` edges after it was taken. Requests
//! take effect in order: a read sees every write before it.
//!
//! Cases: the bank of the request at the head is busy — it waits, and those behind it; the reply
//! has no room — up to `latency` replies are held, then no request is taken; the address is beyond
//! the last word — the module crashes.
//!
//! Throughput: one request per edge as long as successive requests find free banks (always, with
//! `bank_busy` 1), else one per `bank_busy` edges. The words are zero at first.

use serde::Deserialize;
use tina_engine::{
    BuildError, Cycle, Effect, Heading, Histogram, In, Memory, Module, Out, Results, State, Wiring,
    signal,
};

signal! {
    /// A read or write of a word.
    pub struct RamRequest {
        /// Number of the word.
        pub address: u32 = 32,
        /// Handed through to the reply.
        pub tag: u32 = 32,
        /// The word to write, if it is a write.
        pub data: u64 = 64,
        /// Whether it is a write.
        pub write: bool = 1,
    }
}

signal! {
    /// A request has been done.
    pub struct RamReply {
        /// The word as it was before the request.
        pub data: u64 = 64,
        /// As requested.
        pub tag: u32 = 32,
    }
}

/// Parameters of a RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RamParams {
    /// Words of 64 bits.
    pub words: u32,
    /// Edges from taking a request to pushing its reply.
    #[serde(default = "one")]
    pub latency: u32,
    /// Banks over which words are interleaved.
    #[serde(default = "one")]
    pub banks: u32,
    /// Edges from one request to the next of the same bank.
    #[serde(default = "one")]
    pub bank_busy: u32,
}

const fn one() -> u32 {
    1
}

/// The longest latency, and the longest time a bank is busy, in edges.
pub const DELAY_MAX: u32 = 4096;

/// The most banks.
pub const BANKS_MAX: u32 = 4096;

/// A RAM with banks and latency.
pub struct Ram {
    requests: In<RamRequest>,
    replies: Out<RamReply>,
    words: Memory<u64>,
    /// Per bank: the first edge at which it is free.
    free_at: Memory<u64>,
    /// A ring of replies not yet due or not yet pushed: edge, data, tag.
    held: Memory<[u64; 3]>,
    held_first: usize,
    held_count: usize,
    latency: u64,
    bank_busy: u64,
    read_count: u64,
    write_count: u64,
    /// Replies under way when a request is taken.
    under_way: Histogram,
}

impl Module for Ram {
    const KIND: &'static str = "memory.ram";
    const SUMMARY: &'static str = "RAM of 64-bit words with banks and latency: request -> reply";
    const COST_NS: f64 = 6.0;
    type Params = RamParams;

    fn build(params: RamParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let limits = [
            ("words", params.words, u32::MAX),
            ("latency", params.latency, DELAY_MAX),
            ("banks", params.banks, BANKS_MAX),
            ("bank_busy", params.bank_busy, DELAY_MAX),
        ];
        for (name, value, limit) in limits {
            if value == 0 || value > limit {
                return Err(BuildError::param(
                    name,
                    format!("{value}; it is 1 to {limit}"),
                ));
            }
        }
        Ok(Self {
            requests: wiring.input("request")?,
            replies: wiring.output("reply")?,
            words: wiring.memory(params.words as usize)?,
            free_at: wiring.memory(params.banks as usize)?,
            held: wiring.memory(params.latency as usize)?,
            held_first: 0,
            held_count: 0,
            latency: u64::from(params.latency),
            bank_busy: u64::from(params.bank_busy),
            read_count: 0,
            write_count: 0,
            under_way: Histogram::default(),
        })
    }

    fn clock(&mut self, now: Cycle) -> Effect {
        let mut due = Cycle::MAX;
        if self.held_count > 0 {
            let [edge, data, tag] = self.held[self.held_first];
            if edge > now {
                due = edge;
            } else if self.replies.has_room() {
                self.replies.push(RamReply {
                    data,
                    tag: tag as u32,
                });
                self.held_first = (self.held_first + 1) % self.held.len();
                self.held_count -= 1;
                if self.held_count > 0 {
                    due = self.held[self.held_first][0].max(now + 1);
                }
            }
        }
        if self.held_count < self.held.len()
            && let Some(request) = self.requests.peek()
        {
            let bank = request.address as usize % self.free_at.len();
            let free_at = self.free_at[bank];
            if request.address as usize >= self.words.len() {
                return Effect::Crash("a request is for a word beyond the end of the RAM");
            }
            if free_at > now {
                due = due.min(free_at);
            } else {
                self.free_at[bank] = now + self.bank_busy;
                due = due.min(now + self.latency);
                self.serve(now);
            }
        }
        if due == Cycle::MAX {
            Effect::Receive
        } else {
            Effect::Sleep(due - now)
        }
    }

    fn state(&mut self, state: &mut State<'_>) {
        state
            .memory(&mut self.words)
            .memory(&mut self.free_at)
            .memory(&mut self.held)
            .value(&mut self.held_first)
            .value(&mut self.held_count)
            .value(&mut self.read_count)
            .value(&mut self.write_count)
            .value(&mut self.under_way);
    }

    fn heading(&self, heading: &mut Heading<'_>) {
        if self.held_count > 0 {
            heading.busy(&self.replies);
        }
    }

    fn report(&self, results: &mut Results) {
        results
            .count("reads", self.read_count)
            .described("requests", "to read a word");
        results
            .count("writes", self.write_count)
            .described("requests", "to write a word");
        results
            .histogram("under_way", &self.under_way)
            .described("replies", "under way when a request is taken");
    }
}

impl Ram {
    /// Takes the request at the head and puts its reply into the ring.
    fn serve(&mut self, now: Cycle) {
        let request = self.requests.pop();
        self.under_way.take(self.held_count as u64);
        let word = &mut self.words[request.address as usize];
        let before = *word;
        if request.write {
            *word = request.data;
            self.write_count += 1;
        } else {
            self.read_count += 1;
        }
        let last = (self.held_first + self.held_count) % self.held.len();
        self.held[last] = [now + self.latency, before, u64::from(request.tag)];
        self.held_count += 1;
    }
}
