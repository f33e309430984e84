//! A thread of the runtime: it makes its shards, gives them turns, and sleeps when none has anything to do.

use super::bells::Bells;
use super::call::{keep_dropped, keep_dropped_no_more};
use super::core::Core;
use super::desk::{Desk, KindDesks, ReadySet};
use super::gate::Gate;
use super::mail::{Mail, NONE};
use super::metrics::Counter;
use super::notice::Notices;
use super::outbox::Outbox;
use super::rehearsal::Rehearsal;
use super::shard::{Inbox, RuntimeShard, ShardParts};
use super::shard_set::ShardSet;
use super::site::{ShardSeat, Site};
use super::tenants::Tenants;
use super::timer::{Nanos, nanos};
use super::tree::Tree;
use crate::arena::Arena;
use crate::io::ShardIo;
use crate::platform;
use crate::random::Random;
use crate::ring::RingReader;
use crate::trap::{Armed, contain};
use crate::wheel::Wheel;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Turns without anything to do before a thread with a core of its own sleeps: a tenth of a
/// millisecond, which is what going to sleep and coming back costs.
const SPIN: Duration = Duration::from_micros(100);
/// The same where threads share cores: whoever is waited for may need this one.
const YIELD_TURNS: u32 = 16;

/// What a thread needs to make and run its shards.
pub(crate) struct Seat {
    pub(crate) site: Arc<Site>,
    pub(crate) thread: usize,
    pub(crate) shards: Vec<ShardSeat>,
}

/// Starts a thread with shards on it, which says in the roll what becomes of it.
pub(crate) fn start(seat: Seat) -> io::Result<()> {
    let (site, thread) = (seat.site.clone(), seat.thread);
    let core = site.cores.get(thread).copied();
    let handle = platform::spawn(format!("shards of {thread}"), core, || serve(seat))?;
    site.roll.enter(thread, handle);
    Ok(())
}

/// Lets it be known that a thread panics: the engine itself is wrong.
struct Guard<'a>(&'a Site);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.roll.break_off();
        }
    }
}

/// A thread of the runtime. After a hardware fault of an isolate it forgets its shards and ends, unless such a
/// fault is to end the process: what is left of them is not to be believed.
fn serve(seat: Seat) {
    let (site, thread) = (&*seat.site, seat.thread);
    let _guard = Guard(site);
    let armed = match Armed::this_thread() {
        Ok(armed) => armed,
        Err(error) => return site.roll.booted(thread, Err(error)),
    };
    let metrics = seat.shards.iter();
    let metrics = metrics.map(|shard| site.common.metrics[shard.number].clone());
    let tenants = Tenants {
        metrics: metrics.collect(),
        common: site.common.clone(),
        on_fault: site.specification.on_fault,
    };
    let mut shards = Vec::with_capacity(seat.shards.len());
    // What is to outlive a fault is not on the stack within.
    let mut seats = seat.shards.into_iter();
    let lived = contain(&tenants, || live(site, thread, &mut seats, &mut shards));
    drop(armed);
    if let Err(fault) = lived {
        crate::crew::set_in_run(false);
        shards.into_iter().for_each(std::mem::forget);
        site.roll.condemn(thread, tenants.culprit(), fault);
    }
}

/// Makes the shards and turns them until they have ended.
fn live(
    site: &Site,
    thread: usize,
    seats: &mut impl Iterator<Item = ShardSeat>,
    shards: &mut Vec<RuntimeShard>,
) {
    crate::panics::capture_on_this_thread();
    let specification = &site.specification;
    let claims_max = specification.call_count() * specification.shard_count + 64;
    keep_dropped(site.common.runtime, claims_max);
    site.bells.claim(thread);
    for seat in seats {
        let number = seat.number;
        match make_shard(site, seat) {
            Ok(shard) => {
                site.will(number, Some(shard.remains()));
                shards.push(shard);
                shards.last_mut().expect("just pushed").begin();
            }
            Err(error) => {
                end_shards(site, shards);
                keep_dropped_no_more();
                return site.roll.booted(thread, Err(error));
            }
        }
    }
    site.roll.booted(thread, Ok(()));
    crate::crew::set_in_run(true);
    run(shards, &site.bells, thread, site.own_core, || site.now());
    crate::crew::set_in_run(false);
    end_shards(site, shards);
    keep_dropped_no_more();
    site.roll.leave(thread);
}

/// Drops shards as they should be.
fn end_shards(site: &Site, shards: &mut Vec<RuntimeShard>) {
    for shard in shards.drain(..) {
        site.will(usize::from(shard.core.shard), None);
        drop(shard);
    }
}

/// Turns until everything has ended.
fn run(
    shards: &mut [RuntimeShard],
    bells: &Bells,
    thread: usize,
    own_core: bool,
    clock: impl Fn() -> Nanos,
) {
    let mut idle_since = None;
    let mut idle_turns = 0;
    let mut now = clock();
    loop {
        let mut moved = false;
        for shard in &mut *shards {
            let start = now;
            if shard.turn(now) {
                moved = true;
                now = clock();
                shard.core.metrics.turn_nanos.add(now - start);
            }
        }
        if shards.iter().all(RuntimeShard::is_finished) {
            return;
        }
        if moved {
            idle_since = None;
            idle_turns = 0;
            continue;
        }
        now = clock();
        idle_turns += 1;
        let since = *idle_since.get_or_insert(now);
        let tired = if own_core {
            now - since >= nanos(SPIN)
        } else {
            idle_turns >= YIELD_TURNS
        };
        if tired {
            sleep(shards, bells, thread, now);
            now = clock();
        } else if own_core {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

/// Sleeps until something arrives or is due.
fn sleep(shards: &mut [RuntimeShard], bells: &Bells, thread: usize, now: Nanos) {
    let due = shards.iter().filter_map(RuntimeShard::next_due).min();
    let timeout = due.map(|due| Duration::from_nanos(due.saturating_sub(now)));
    if timeout == Some(Duration::ZERO) {
        return;
    }
    for shard in &*shards {
        shard.core.metrics.count(Counter::Sleeps);
    }
    if let [shard] = shards {
        let number = usize::from(shard.core.shard);
        shard.core.now = now;
        if shard.core.sleep_in_io(timeout, || bells.is_rung(number)) {
            return;
        }
    }
    let numbers = shards.iter().map(|shard| usize::from(shard.core.shard));
    bells.sleep(thread, numbers, timeout);
}

/// The I/O of a shard, if it has any.
fn make_gate(site: &Site, shard: usize) -> io::Result<Option<Gate>> {
    let specification = &site.specification;
    let Some((choice, plan)) = specification.io_plan() else {
        return Ok(None);
    };
    let io = match (&site.world, site.bells.io_waker(shard)) {
        (Some(world), _) => ShardIo::simulated(world, shard, &plan),
        // Whoever has something for the shard knows this one.
        (None, Some(waker)) => ShardIo::woken_by(waker, choice, &plan),
        (None, None) => ShardIo::new(choice, &plan).inspect(|io| {
            site.bells.sleep_in_io(shard, io.waker());
        }),
    };
    let io = io.map_err(io::Error::other)?;
    let metrics = &site.common.metrics[shard];
    Ok(Some(Gate::new(io, plan.descriptor_slots, metrics)))
}

pub(crate) fn make_shard(site: &Site, seat: ShardSeat) -> io::Result<RuntimeShard> {
    let (specification, number, past) = (&*site.specification, seat.number, seat.past);
    let lost_generation = site.common.lost_generations[number].load(Ordering::Acquire);
    let arena = Arena::map(specification.arena_bytes())?;
    let (desk_count, notice_count) = (specification.desk_count(), specification.notice_count());
    let mut desks = arena.carve_batch::<Desk>(desk_count);
    let (mut kinds, mut groups, mut nurseries) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (kind, limits)) in specification.kinds().iter().enumerate() {
        let first = desks.len() as u32;
        let last = first + limits.slots as u32 - 1;
        for desk in first..=last {
            desks.push(Desk::free(
                number as u8,
                if desk < last { desk + 1 } else { NONE },
                lost_generation,
            ));
        }
        let (group, nursery) = kind.carve(&arena, limits.slots, number);
        groups.push(Some(group));
        nurseries.push(nursery);
        let mailboxes = limits.slots as u32 * limits.mailbox_slots;
        kinds.push(KindDesks {
            name: kind.name(),
            takes: kind.message(),
            number: number as u8,
            first_desk: first,
            free: first,
            ready: ReadySet::carve(&arena, limits.slots),
            credit: 0,
            weight: limits.weight,
            mailbox_slots: limits.mailbox_slots,
            calls: limits.calls,
            timers: limits.timers,
            monitors: limits.monitors,
            operations: limits.operations,
            mail_count: 0,
            mail_max: limits.mail_max.unwrap_or(mailboxes),
            mail_reserve: limits.mail_reserve,
        });
    }
    let garden = site.gardens[number].clone();
    let mut tree = Tree::new(desk_count, specification.supervisor_count(number));
    garden.grow(&mut tree);
    let lines = specification.link.ring_lines().next_power_of_two();
    let outbox = |writer| Outbox::new(writer, specification.link, lines);
    let wheel = Wheel::carve(&arena, notice_count + desk_count);
    let gate = make_gate(site, number)?;
    let mut core = Core {
        shard: number as u8,
        lost_generation,
        now: site.now(),
        common: site.common.clone(),
        doors: site.doors.clone(),
        mail: Mail::carve(&arena, specification.mail_slots()),
        mail_reserved: kinds.iter().map(|kind| kind.mail_reserve).sum(),
        notices: Notices::carve(&arena, notice_count, first_sequence(past.rebuilds)),
        orphans: NONE,
        proxies_left: specification.proxies,
        refusals_left: specification.refusals,
        wheel,
        gate,
        outboxes: seat
            .ends
            .writers
            .into_iter()
            .map(|it| it.map(outbox))
            .collect(),
        touched: ShardSet::default(),
        outgoing: None,
        nurseries,
        tree,
        metrics: site.common.metrics[number].clone(),
        log: site.log_writer(number),
        random: Random::keyed(specification.seed, number as u64, past.rebuilds),
        seeded: Rehearsal::off(),
        deaths: Vec::with_capacity(desk_count),
        due: Vec::with_capacity(notice_count + desk_count),
        current: 0,
        stopping: false,
        living_count: 0,
        kinds,
        desks,
    };
    core.log_io_note();
    let inbox = |(from, reader): (usize, Option<RingReader>)| {
        Some(Inbox {
            reader: reader?,
            held: None,
            incarnation: site.common.incarnations[from].load(Ordering::Acquire),
            lost_generation: site.common.lost_generations[from].load(Ordering::Acquire),
        })
    };
    let readers = seat.ends.readers.into_iter().enumerate();
    Ok(RuntimeShard::new(ShardParts {
        core,
        groups,
        inboxes: readers.map(inbox).collect(),
        bells: site.bells.clone(),
        orders: site.orders.clone(),
        garden,
        past,
        messages_max: specification.link.messages,
        arena,
    }))
}

/// Where the slots of notices begin to count their uses: somewhere else after each rebuild, so that what
/// was meant for a notice of before is not taken for one of now.
const fn first_sequence(rebuilds: u64) -> u32 {
    (rebuilds as u32).wrapping_mul(0x9E37_79B9) // 2³² by the golden ratio: far from all others
}
