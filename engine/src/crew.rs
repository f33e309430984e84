//! The threads of a machine and what they do between commands: each hosts some shards, turns them
//! in a circle until the epoch is over, and meets the others.

use crate::blueprint::Blueprint;
use crate::fifo::leave_time;
use crate::interleave::Interleaver;
use crate::kind::Catalogue;
use crate::meeting::{Meeting, Order, Post, Stop};
use crate::plan::Plan;
use crate::platform::{Beds, Idle, now};
use crate::shard::{Advance, BootShardError, Rings, Shard, Sweepers};
use crate::time::Tick;
use crate::trap::{Armed, contain};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

/// A byte a module printed, or one that entered its inlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Printed {
    pub(crate) tick: Tick,
    pub(crate) instance: u32,
    pub(crate) byte: u8,
}

/// A question to the shards of a thread; it answers through a channel of its own.
pub(crate) type Question = Box<dyn FnOnce(&mut [Shard]) + Send>;

pub(crate) enum Command {
    Run(Order),
    Ask(Question),
}

/// What a thread says to the machine's owner.
pub(crate) enum Answer {
    Booted,
    BootFailed(BootShardError),
    Stopped(Stop, RunTimes),
}

/// How a thread spent a run.
pub(crate) struct RunTimes {
    /// Number of the thread.
    pub(crate) number: usize,
    pub(crate) total: Duration,
    pub(crate) wait: Duration,
}

/// What a thread is given.
pub(crate) struct Berths {
    pub(crate) number: usize,
    pub(crate) own_core: bool,
    pub(crate) shards: Vec<(usize, Rings)>,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) catalogue: Catalogue,
    pub(crate) plan: Arc<Plan>,
    pub(crate) no_sleep: bool,
    pub(crate) seeded: Option<u64>,
    pub(crate) meeting: Arc<Meeting>,
    pub(crate) beds: Arc<Beds>,
    pub(crate) printed: HeapProd<Printed>,
    pub(crate) entered: HeapProd<Printed>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) answers: Sender<Answer>,
}

/// The life of a thread: boot, obey, end when the commands end. A panic that no module made is the
/// engine's own fault: the process ends, for no result could be trusted any more.
pub(crate) fn serve(berths: Berths) {
    crate::panics::capture_on_this_thread();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| obey(berths))) {
        let message = crate::panics::message_of(payload.as_ref());
        eprintln!("internal error of the engine, please report it: {message}");
        std::process::abort();
    }
}

fn obey(mut berths: Berths) {
    berths.beds.claim(berths.number);
    let _armed = match Armed::this_thread() {
        Ok(armed) => armed,
        Err(error) => {
            let failed = Answer::BootFailed(BootShardError::Memory(error));
            let _ = berths.answers.send(failed);
            return;
        }
    };
    let mut shards = Vec::with_capacity(berths.shards.len());
    for (number, rings) in std::mem::take(&mut berths.shards) {
        let booted = Shard::boot(
            &berths.blueprint,
            &berths.catalogue,
            &berths.plan,
            number,
            rings,
            berths.no_sleep,
        );
        match booted {
            Ok(shard) => shards.push(shard),
            Err(error) => {
                // The owner may have given up after another thread's failure.
                let _ = berths.answers.send(Answer::BootFailed(error));
                return;
            }
        }
    }
    if berths.answers.send(Answer::Booted).is_err() {
        return;
    }
    let sweepers = Sweepers::of(&shards);
    let seeded = berths.seeded;
    let mut interleaver = seeded.map(|seed| Interleaver::new(seed, &shards));
    while let Ok(command) = berths.commands.recv() {
        match command {
            Command::Ask(question) => question(&mut shards),
            Command::Run(order) => {
                set_in_run(true);
                let (stop, times) = run(
                    &mut berths,
                    &mut shards,
                    (&sweepers, &mut interleaver),
                    &order,
                );
                set_in_run(false);
                leave_time();
                if berths.answers.send(Answer::Stopped(stop, times)).is_err() {
                    break;
                }
            }
        }
    }
    for shard in shards {
        // What a hardware fault has left in pieces is not touched any more.
        if shard.is_condemned() {
            std::mem::forget(shard);
        }
    }
}

thread_local! {
    static IN_RUN: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread hosts shards and is within a run. Nothing is allocated there unless a
/// module faults; a global allocator can hold the engine to it by asking.
#[must_use]
pub fn in_run() -> bool {
    IN_RUN.get()
}

/// The calling thread hosts shards and is within a run from now on, or no longer.
pub(crate) fn set_in_run(within: bool) {
    IN_RUN.set(within);
}

fn run(
    berths: &mut Berths,
    shards: &mut [Shard],
    (sweepers, interleaver): (&Sweepers, &mut Option<Interleaver>),
    order: &Order,
) -> (Stop, RunTimes) {
    let began = now();
    let beds = berths.beds.clone();
    let mut idle = Idle::new(&beds, berths.number, berths.own_core);
    let keeps_time = shards.iter().any(Shard::keeps_time);
    let mut start = order.start;
    let has_outside = shards.iter().any(Shard::has_outside);
    loop {
        if has_outside {
            take_input(shards, start, berths);
        }
        let end = berths.meeting.epoch_end(order, start);
        if keeps_time {
            let time = now();
            shards
                .iter_mut()
                .for_each(|shard| shard.begin_epoch_timed(time));
        }
        run_contained(shards, (sweepers, interleaver), end, &mut idle, &beds);
        print(shards, &mut berths.printed, &berths.meeting);
        let post = shards.iter_mut().map(post).fold(Post::NOTHING, Post::and);
        if let Some(stop) = berths.meeting.meet(order, end, post, &mut idle, &beds) {
            if keeps_time {
                let now = now();
                shards.iter_mut().for_each(|shard| shard.pause_timed(now));
            }
            let times = RunTimes {
                number: berths.number,
                total: began.elapsed(),
                wait: idle.waited(),
            };
            return (stop, times);
        }
        start = end;
    }
}

/// Runs an epoch, whatever hardware faults modules have in it.
fn run_contained(
    shards: &mut [Shard],
    (sweepers, interleaver): (&Sweepers, &mut Option<Interleaver>),
    end: Tick,
    idle: &mut Idle<'_>,
    beds: &Beds,
) {
    let keeps_time = shards.iter().any(Shard::keeps_time);
    let mut fault = None;
    loop {
        let outcome = contain(sweepers, || {
            if let Some(fault) = fault.take() {
                let shard = shards.iter_mut().find(|shard| shard.is_sweeping());
                let shard = shard.expect("only faults of modules are contained");
                shard.resume(fault);
            }
            if let Some(interleaver) = interleaver {
                // Turns are drawn, and allocate.
                set_in_run(false);
                interleaver.run_epoch(shards, end);
                set_in_run(true);
            } else if keeps_time {
                run_epoch_timed(shards, end, idle, beds);
            } else {
                run_epoch(shards, end, idle, beds);
            }
        });
        match outcome {
            Ok(()) => return,
            Err(happened) => fault = Some(happened),
        }
    }
}

/// Turns the shards until all have reached the end of the epoch.
fn run_epoch(shards: &mut [Shard], end: Tick, idle: &mut Idle<'_>, beds: &Beds) {
    loop {
        let mut moved_any = false;
        let mut reached_all = true;
        for shard in shards.iter_mut() {
            match shard.advance(end) {
                Advance::Reached => {}
                Advance::Blocked { moved } => {
                    moved_any |= moved;
                    reached_all = false;
                }
            }
        }
        beds.wake_sleepers();
        if reached_all {
            idle.reset();
            return;
        }
        if moved_any {
            idle.reset();
        } else {
            idle.wait();
        }
    }
}

/// [`run_epoch`], with a note of what every shard does with its time: one look at the clock for each turn of
/// a shard, and one more where there was nothing to do.
fn run_epoch_timed(shards: &mut [Shard], end: Tick, idle: &mut Idle<'_>, beds: &Beds) {
    let mut time = now();
    loop {
        let mut moved_any = false;
        let mut reached_all = true;
        for shard in shards.iter_mut() {
            let (advance, ended) = shard.advance_timed(end, time, now);
            time = ended;
            match advance {
                Advance::Reached => {}
                Advance::Blocked { moved } => {
                    moved_any |= moved;
                    reached_all = false;
                }
            }
        }
        beds.wake_sleepers();
        if reached_all {
            idle.reset();
            return;
        }
        if moved_any {
            idle.reset();
        } else {
            idle.wait();
            time = now();
        }
    }
}

/// What a shard says where it stands.
pub(crate) fn post(shard: &mut Shard) -> Post {
    let quiescent = shard.quiescent();
    Post {
        digest: shard.digest(),
        quiescent,
        holds_items: quiescent && shard.holds_items(),
        finishes: shard.finishes,
        prospect: shard.prospect(),
        finish: shard.finish_request(),
        fault: shard.faults.iter().map(|fault| fault.tick).min(),
    }
}

/// Hands what the consoles printed in this epoch to the owner, who empties the ring several times
/// a second.
fn print(shards: &mut [Shard], printed: &mut HeapProd<Printed>, meeting: &Meeting) {
    let give_up = || meeting.interrupt.load(Ordering::Relaxed);
    for shard in shards {
        shard.drain_consoles(give_up, |tick, instance, byte| {
            let byte = Printed {
                tick,
                instance,
                byte,
            };
            hand_over(printed, byte);
        });
    }
}

/// Takes in what enters from outside where an epoch starts, and tells the owner. A script that does not fit
/// the machine ends the run.
fn take_input(shards: &mut [Shard], start: Tick, berths: &mut Berths) {
    let (entered, meeting) = (&mut berths.entered, &berths.meeting);
    for shard in shards {
        let misfit = shard.take_input(start, |instance, byte| {
            let byte = Printed {
                tick: start,
                instance,
                byte,
            };
            hand_over(entered, byte);
        });
        if let Some(instance) = misfit {
            meeting.misfit(start, instance);
        }
    }
}

fn hand_over(ring: &mut HeapProd<Printed>, byte: Printed) {
    while ring.try_push(byte).is_err() {
        std::thread::yield_now();
    }
}
