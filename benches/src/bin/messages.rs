//! What messages, calls and idleness cost on the runtime of reactive isolates.
//!
//! `cargo run --release -p tina-benches --bin messages` prints a table of medians over rounds. Each
//! figure is taken between two questions from outside, which cost microseconds and are counted in.
#![forbid(unsafe_code)]

use clap::Parser;
use comfy_table::Table;
use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use tina_benches::servers::cores::{Cores, confine};
use tina_engine::runtime::{
    Address, CallId, Child, Context, Counter, Effect, Event, Isolate, KindLimits, LinkLimits,
    ReplyTo, Runtime, Specification, Strategy, SupervisorSpec,
};
use tina_sim::run::Stopwatch;

const LONG: Duration = Duration::from_secs(600);

/// Cost of messages and calls between reactive isolates.
#[derive(Parser)]
struct Options {
    /// Rounds; medians are printed
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Messages or calls of a round
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
}

enum Talk {
    /// Pass it on, so many times more.
    Pass(u64),
    /// Here is whom to pass it to.
    Next(Address<Talk>),
    /// Answer when so many tokens have come to an end here.
    Finish(u64, ReplyTo<()>),
    /// Call the next one so many times, one after the other, then answer.
    CallMany(u64, ReplyTo<()>),
    Question(ReplyTo<u64>),
}

/// Passes on, asks and answers.
struct Speaker {
    next: Option<Address<Talk>>,
    ended: u64,
    awaited: u64,
    waiting: Option<ReplyTo<()>>,
    call: Option<CallId<u64>>,
    calls_left: u64,
}

impl Speaker {
    fn call(&mut self, context: &mut Context<'_, Self>) -> Effect {
        let next = self.next.expect("everybody has a next one");
        self.call = context.call(next, LONG, Talk::Question).ok();
        assert!(self.call.is_some(), "one call at a time is never refused");
        Effect::Call
    }

    fn finish(&mut self, context: &mut Context<'_, Self>) {
        if self.ended >= self.awaited
            && let Some(waiting) = self.waiting.take()
        {
            self.ended = 0;
            context.reply(waiting, ());
        }
    }
}

impl Isolate for Speaker {
    const KIND: &'static str = "speaker";
    type Message = Talk;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            next: None,
            ended: 0,
            awaited: 0,
            waiting: None,
            call: None,
            calls_left: 0,
        })
    }

    fn handle(&mut self, event: Event<Talk>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Talk::Pass(0)) => {
                self.ended += 1;
                self.finish(context);
            }
            Event::Message(Talk::Pass(left)) => {
                let next = self.next.expect("everybody has a next one");
                if let Err(refused) = context.send(next, Talk::Pass(left - 1)) {
                    panic!("there is room for every token, but {}", refused.why);
                }
            }
            Event::Message(Talk::Next(next)) => self.next = Some(next),
            Event::Message(Talk::Finish(awaited, reply_to)) => {
                self.awaited = awaited;
                self.waiting = Some(reply_to);
                self.finish(context);
            }
            Event::Message(Talk::CallMany(count, reply_to)) => {
                self.calls_left = count - 1;
                self.waiting = Some(reply_to);
                return self.call(context);
            }
            Event::Message(Talk::Question(reply_to)) => context.reply(reply_to, 1),
            Event::Reply(_) if self.calls_left > 0 => {
                self.calls_left -= 1;
                return self.call(context);
            }
            Event::Reply(_) => self.finish(context),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// Speakers in a ring, in turn on each shard.
struct Ring {
    runtime: Runtime,
    speakers: Vec<Address<Talk>>,
}

impl Ring {
    fn boot(shards: usize, count: usize, tokens: u32) -> Self {
        let limits = KindLimits {
            mailbox_slots: tokens + 2,
            ..KindLimits::slots(count)
        };
        let links = LinkLimits {
            messages: 256.max(4 * tokens), // places that were read come back a turn later
            ..LinkLimits::default()
        };
        let mut specification = Specification::new(shards)
            .kind::<Speaker>(limits)
            .links(links)
            .door(count + tokens as usize + 64);
        for number in 0..count {
            let child = Child::new::<Speaker>(()).named(number.to_string());
            let tree =
                SupervisorSpec::new(format!("ring {number}"), Strategy::OneForOne).child(child);
            specification = specification.tree_on(number % shards, tree);
        }
        let runtime = Runtime::boot(specification).expect("the specification is right");
        let find = |number: usize| runtime.find(&number.to_string()).expect("it is there");
        let speakers: Vec<Address<Talk>> = (0..count).map(find).collect();
        for (number, &speaker) in speakers.iter().enumerate() {
            let next = speakers[(number + 1) % count];
            assert!(runtime.send(speaker, Talk::Next(next)).is_ok());
        }
        Self { runtime, speakers }
    }

    /// Nanoseconds of a message when `tokens` go round until `messages` were sent.
    fn pass(&mut self, tokens: u64, messages: u64) -> f64 {
        let hops = messages / tokens;
        let stopwatch = Stopwatch::start();
        for token in 0..tokens {
            let first = self.speakers[token as usize % self.speakers.len()];
            assert!(self.runtime.send(first, Talk::Pass(hops)).is_ok());
        }
        // Tokens end where they have gone `hops` steps from where they began.
        let mut ends = vec![0; self.speakers.len()];
        for token in 0..tokens {
            ends[((token + hops) % self.speakers.len() as u64) as usize] += 1;
        }
        for (&speaker, &count) in self.speakers.iter().zip(&ends) {
            if count > 0 {
                let done = self
                    .runtime
                    .call(speaker, LONG, |reply| Talk::Finish(count, reply));
                if let Err(error) = done {
                    self.runtime.drain_log(|record| eprintln!("{record}"));
                    panic!("a token did not come to its end: {error}");
                }
            }
        }
        stopwatch.seconds() * 1e9 / (hops * tokens) as f64
    }

    /// Nanoseconds of a call, one after the other.
    fn call(&self, calls: u64) -> f64 {
        let stopwatch = Stopwatch::start();
        let ask = |reply| Talk::CallMany(calls, reply);
        self.runtime
            .call(self.speakers[0], LONG, ask)
            .expect("all calls end");
        stopwatch.seconds() * 1e9 / calls as f64
    }
}

/// Nanoseconds in which a cache line goes to another core and back: two threads, each on a core of its own,
/// answer each other by storing a number in a line of its own. None where there is one core.
fn line_round_trip(rounds: usize, trips: u64) -> Option<f64> {
    let cores = Cores::share(Some(1)).ok()?;
    let [there, back] = [const { CachePadded::new(AtomicU64::new(0)) }; 2];
    let times = median(rounds, || {
        let (there, back) = (&there, &back);
        let first = there.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let (near, far) = (&cores.server, &cores.load[..1]);
            scope.spawn(move || {
                confine(far).expect("it is one of this process's cores");
                for trip in first + 1..=first + trips {
                    while there.load(Ordering::Acquire) != trip {
                        std::hint::spin_loop();
                    }
                    back.store(trip, Ordering::Release);
                }
            });
            let timed = scope.spawn(move || {
                confine(near).expect("it is one of this process's cores");
                let stopwatch = Stopwatch::start();
                for trip in first + 1..=first + trips {
                    there.store(trip, Ordering::Release);
                    while back.load(Ordering::Acquire) != trip {
                        std::hint::spin_loop();
                    }
                }
                stopwatch.seconds() * 1e9 / trips as f64
            });
            timed.join().expect("it only counts")
        })
    });
    Some(times)
}

fn median(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| round()).collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Processor time of this process so far, in clock ticks of the host (a hundredth of a second).
fn processor_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields = text.rsplit_once(')')?.1;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Percent of a core that a runtime of two shards uses while nothing happens, and how often it woke.
fn idle(seconds: u64) -> Option<(f64, u64)> {
    let ring = Ring::boot(2, 16, 1);
    let sleeps = || ring.runtime.metrics().total(Counter::Sleeps);
    while sleeps() < 2 {
        std::thread::yield_now();
    }
    let (ticks, before) = (processor_ticks()?, sleeps());
    std::thread::park_timeout(Duration::from_secs(seconds));
    Some((
        (processor_ticks()? - ticks) as f64 / seconds as f64,
        sleeps() - before,
    ))
}

fn main() {
    let options = Options::parse();
    let mut table = Table::new();
    table.set_header(["what", "ns", "million/s"]);
    let mut row = |what: &str, nanos: f64| {
        table.add_row([
            what.to_owned(),
            format!("{nanos:.1}"),
            format!("{:.2}", 1e3 / nanos),
        ]);
    };
    for (what, shards, count, tokens) in [
        ("a message on a shard, 64 in flight, 64 isolates", 1, 64, 64),
        ("a message on a shard, 1 in flight, 2 isolates", 1, 2, 1),
        (
            "a message on a shard, 64 in flight, 10,000 isolates",
            1,
            10_000,
            64,
        ),
        (
            "a message between 2 shards, 512 in flight, 64 isolates",
            2,
            64,
            512,
        ),
        ("a message between 2 shards, 64 in flight", 2, 64, 64),
        ("a message between 2 shards, 1 in flight", 2, 2, 1),
    ] {
        let mut ring = Ring::boot(shards, count, tokens);
        let messages = options.messages / if tokens == 1 && shards > 1 { 10 } else { 1 };
        row(
            what,
            median(options.rounds, || ring.pass(u64::from(tokens), messages)),
        );
    }
    let line = line_round_trip(options.rounds, options.messages / 10);
    if let Some(nanos) = line {
        row("a cache line to another core and back, bare", nanos);
    }
    let ring = Ring::boot(1, 2, 1);
    row(
        "a call and its reply on a shard",
        median(options.rounds, || ring.call(options.messages / 2)),
    );
    let ring = Ring::boot(2, 2, 1);
    row(
        "a call and its reply between 2 shards",
        median(options.rounds, || ring.call(options.messages / 20)),
    );
    println!("{table}");
    match idle(5) {
        Some((percent, wakes)) => {
            println!("idle, 2 shards, 5 s: {percent:.2} % of a core, {wakes} times woken")
        }
        None => println!("idle: this host does not say what processor time a process has used"),
    }
}
