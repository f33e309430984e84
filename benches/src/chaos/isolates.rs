//! Those who crash, those who fault, and those who keep going.

use super::tally::{Tally, one_more};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tina_engine::Drill;
use tina_engine::io::Operation;
use tina_engine::runtime::{CallError, Context, Effect, Event, Isolate, MonitorId, Reply, ReplyTo};

/// Shards below this one are calm: isolates crash there, and none faults.
pub const CALM: usize = 2;
/// Keepers per shard.
pub const KEEPERS: usize = 4;
/// How long a question may take: nobody waits so long.
pub const LONG: Duration = Duration::from_secs(60);
/// A port of the system's choice.
pub const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How often those who have nothing to do look whether there is load.
pub const LOOK: Duration = Duration::from_millis(2);

/// What everybody starts from.
#[derive(Clone)]
pub struct Part {
    pub tally: Arc<Tally>,
    /// Its place among those of its kind and shard.
    pub number: usize,
    /// What it is to do when it is started the next time; 0 for nothing.
    pub next: Arc<AtomicU32>,
    pub before_panic: fn(),
}

/// Asks keepers on its own and on another shard, and one on a shard that faults, over and over; on a
/// shard that faults it only answers.
pub struct Keeper {
    part: Part,
    pending: u32,
    /// Which of the calls at hand is one to a shard that faults.
    doomed: Option<tina_engine::runtime::CallId<u64>>,
    watch: Option<MonitorId>,
    rounds: u64,
}

pub struct Question(bool, ReplyTo<u64>);

impl Keeper {
    fn begin(&mut self, context: &mut Context<'_, Self>) {
        let tally = self.part.tally.clone();
        one_more(&tally.busy);
        self.rounds += 1;
        let (here, place) = (context.shard(), (self.part.number + 1) % KEEPERS);
        for shard in [here, (here + 1) % CALM] {
            let keeper = KEEPER_NAMES[shard * KEEPERS + place];
            let keeper = context.find(keeper).expect("keepers never end");
            one_more(&tally.asked);
            let asked = context.call(keeper, LONG, |to| Question(true, to));
            asked.expect("there is room for every question");
            self.pending += 1;
        }
        let shards = context.shard_count() - CALM;
        let shard = CALM + (self.rounds as usize + here) % shards;
        let keeper = context.find(KEEPER_NAMES[shard * KEEPERS + place]);
        let call =
            keeper.map(|it| context.call::<Question, u64>(it, LONG, |to| Question(false, to)));
        if let Some(Ok(call)) = call {
            one_more(&tally.asked_doomed);
            self.doomed = Some(call);
            self.pending += 1;
        }
        if self.watch.is_none()
            && let Some(faulter) = context.find::<Misdeed>(FAULTER_NAMES[shard])
            && let Ok(watch) = context.monitor(faulter.handle())
        {
            one_more(&tally.watches);
            self.watch = Some(watch);
        }
    }

    fn take(&mut self, reply: Reply) {
        let tally = &self.part.tally;
        let reply = match self.doomed {
            Some(call) => match reply.of(call) {
                Ok(outcome) => {
                    self.doomed = None;
                    one_more(&tally.ended_doomed);
                    if outcome == Err(CallError::TimedOut) {
                        one_more(&tally.forgotten);
                    }
                    return;
                }
                Err(other) => other,
            },
            None => reply,
        };
        if let Ok(Ok(42)) = reply.open::<u64>() {
            one_more(&tally.answered);
        }
    }
}

impl Isolate for Keeper {
    const KIND: &'static str = "keeper";
    type Message = Question;
    type Init = Part;

    fn start(part: Part, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        if context.shard() < CALM {
            one_more(&part.tally.keeper_starts);
            context.timer_every(LOOK).map_err(|_| "no timer")?;
        }
        Ok(Self {
            part,
            pending: 0,
            doomed: None,
            watch: None,
            rounds: 0,
        })
    }

    fn handle(&mut self, event: Event<Question>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Question(counts, to)) => {
                if counts {
                    one_more(&self.part.tally.served);
                }
                context.reply(to, 42_u64);
            }
            Event::Timer(_) if self.pending == 0 && self.part.tally.is_loaded() => {
                self.begin(context);
            }
            Event::Reply(reply) => {
                self.take(reply);
                self.pending -= 1;
                if self.pending == 0 {
                    self.part.tally.busy.fetch_sub(1, Ordering::Relaxed);
                    if self.part.tally.is_loaded() {
                        self.begin(context);
                    }
                }
            }
            Event::Down(_) => {
                one_more(&self.part.tally.ends);
                self.watch = None;
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// Does what it is told, with something of everything in its hands.
pub enum Misdeed {
    /// Crash, in one of the manners.
    Crash(usize),
    /// Fault, at one of the moments.
    Fault(usize, usize),
}

/// Takes a socket, a buffer and an operation, asks and watches: all that is to be tidied up.
fn burden<I: Isolate>(context: &mut Context<'_, I>) {
    let mut io = context.io();
    if let Ok(socket) = io.bind(LOCALHOST, false) {
        io.submit(Operation::ReceiveFrom { socket }).ok();
    }
    io.take_filled(b"a burden").ok();
    let keeper = KEEPER_NAMES[KEEPERS * (context.shard() % CALM)];
    if let Some(keeper) = context.find(keeper) {
        context
            .call::<Question, u64>(keeper, LONG, |to| Question(false, to))
            .ok();
        context.monitor(keeper.handle()).ok();
    }
}

/// Crashes.
pub struct Crasher {
    part: Part,
    panics_when_dropped: bool,
}

impl Crasher {
    /// Starts all over with a panic in between.
    const PANICS_AT_START: u32 = 1;

    fn panic(part: &Part, manner: usize) -> ! {
        one_more(&part.tally.crashes[manner]);
        (part.before_panic)();
        panic!("on purpose");
    }
}

impl Isolate for Crasher {
    const KIND: &'static str = "crasher";
    type Message = Misdeed;
    type Init = Part;

    fn start(part: Part, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        if part.next.swap(0, Ordering::Relaxed) == Self::PANICS_AT_START {
            Self::panic(&part, 2);
        }
        burden(context);
        Ok(Self {
            part,
            panics_when_dropped: false,
        })
    }

    fn handle(&mut self, event: Event<Misdeed>, _: &mut Context<'_, Self>) -> Effect {
        let manner = match event {
            Event::Message(Misdeed::Crash(manner)) => manner,
            Event::Stopping => return Effect::Done,
            _ => return Effect::Receive,
        };
        match manner {
            0 => one_more(&self.part.tally.crashes[0]),
            1 => Self::panic(&self.part, 1),
            2 => self
                .part
                .next
                .store(Self::PANICS_AT_START, Ordering::Relaxed),
            _ => self.panics_when_dropped = true,
        }
        Effect::Crash("on purpose")
    }
}

impl Drop for Crasher {
    fn drop(&mut self) {
        if self.panics_when_dropped {
            Self::panic(&self.part, 3);
        }
    }
}

/// Faults.
pub struct Faulter {
    part: Part,
    /// The fault it ends with.
    last: Option<usize>,
}

impl Faulter {
    fn fault(part: &Part, moment: usize, drill: usize) {
        one_more(&part.tally.faults[moment][drill]);
        Drill::ALL[drill].provoke();
    }
}

impl Isolate for Faulter {
    const KIND: &'static str = "faulter";
    type Message = Misdeed;
    type Init = Part;

    fn start(part: Part, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        burden(context);
        if let Some(drill) = part.next.swap(0, Ordering::Relaxed).checked_sub(1) {
            Self::fault(&part, 1, drill as usize);
        }
        Ok(Self { part, last: None })
    }

    fn handle(&mut self, event: Event<Misdeed>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Misdeed::Fault(moment, drill)) => {
                burden(context);
                match moment {
                    0 => Self::fault(&self.part, 0, drill),
                    1 => self.part.next.store(drill as u32 + 1, Ordering::Relaxed),
                    _ => self.last = Some(drill),
                }
                Effect::Done
            }
            Event::Stopping => Effect::Done,
            _ => Effect::Receive,
        }
    }
}

impl Drop for Faulter {
    fn drop(&mut self) {
        if let Some(drill) = self.last {
            Self::fault(&self.part, 2, drill);
        }
    }
}

/// The most shards of a storm.
pub const SHARDS_MAX: usize = 4;

/// Names by shard and place: isolates make none.
pub const KEEPER_NAMES: [&str; SHARDS_MAX * KEEPERS] = [
    "keeper-0-0",
    "keeper-0-1",
    "keeper-0-2",
    "keeper-0-3",
    "keeper-1-0",
    "keeper-1-1",
    "keeper-1-2",
    "keeper-1-3",
    "keeper-2-0",
    "keeper-2-1",
    "keeper-2-2",
    "keeper-2-3",
    "keeper-3-0",
    "keeper-3-1",
    "keeper-3-2",
    "keeper-3-3",
];
pub const FAULTER_NAMES: [&str; SHARDS_MAX] = ["faulter-0", "faulter-1", "faulter-2", "faulter-3"];
