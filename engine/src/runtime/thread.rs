//! A thread of the runtime: it makes its shards, gives them turns, and sleeps when none has anything to do.

use super::bells::Bells;
use super::call::{keep_dropped, keep_dropped_no_more};
use super::core::{Common, Core};
use super::desk::{Desk, KindDesks, ReadySet};
use super::doors::Doors;
use super::gate::Gate;
use super::log::{LogRecord, LogWriter};
use super::mail::{Mail, NONE};
use super::metrics::{Counter, ShardMetrics};
use super::notice::Notices;
use super::orders::Orders;
use super::outbox::Outbox;
use super::shard::{Inbox, RuntimeShard, ShardParts};
use super::shard_set::ShardSet;
use super::spec::Specification;
use super::tenants::Tenants;
use super::timer::{Nanos, nanos};
use super::tree::{Recent, Tree};
use crate::arena::Arena;
use crate::io::ShardIo;
use crate::platform;
use crate::random::Random;
use crate::ring::{RingReader, RingWriter};
use crate::trap::{Armed, contain};
use crate::wheel::Wheel;
use ringbuf::HeapProd;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Turns without anything to do before a thread with a core of its own sleeps: a tenth of a
/// millisecond, which is what going to sleep and coming back costs.
const SPIN: Duration = Duration::from_micros(100);
/// The same where threads share cores: whoever is waited for may need this one.
const YIELD_TURNS: u32 = 16;

/// What a thread needs to make and run its shards.
pub(crate) struct Seat {
    pub(crate) thread: usize,
    pub(crate) shards: Vec<ShardSeat>,
    pub(crate) specification: Arc<Specification>,
    pub(crate) common: Arc<Common>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) own_core: bool,
    pub(crate) born: Instant,
    pub(crate) booted: Sender<io::Result<()>>,
    pub(crate) done: Sender<Vec<RingReader>>,
}

pub(crate) struct ShardSeat {
    pub(crate) number: usize,
    pub(crate) writers: Vec<Option<RingWriter>>,
    pub(crate) readers: Vec<Option<RingReader>>,
    pub(crate) metrics: Arc<ShardMetrics>,
    pub(crate) log: HeapProd<LogRecord>,
}

/// A thread of the runtime. A hardware fault on it ends the process: what is left of its shards is not to be
/// believed, nor what they may have written to.
pub(crate) fn serve(seat: Seat) {
    let armed = match Armed::this_thread() {
        Ok(armed) => armed,
        Err(error) => {
            let _ = seat.booted.send(Err(error));
            return;
        }
    };
    let metrics = seat.shards.iter().map(|shard| shard.metrics.clone());
    let tenants = Tenants {
        metrics: metrics.collect(),
        common: seat.common.clone(),
    };
    let lived = contain(&tenants, || live(seat));
    lived.expect("tenants that fault end the process");
    drop(armed);
}

/// Makes the shards and turns them until they have ended.
fn live(seat: Seat) {
    crate::panics::capture_on_this_thread();
    let specification = &seat.specification;
    let claims_max = specification.call_count() * specification.shard_count + 64;
    keep_dropped(seat.common.runtime, claims_max);
    seat.bells.claim(seat.thread);
    let clock = || -> Nanos { nanos(platform::now() - seat.born) };
    let mut shards = Vec::new();
    for shard in seat.shards {
        let made = make_shard(
            specification,
            shard,
            (&seat.common, &seat.doors, &seat.bells, &seat.orders),
            clock(),
        );
        match made {
            Ok(shard) => shards.push(shard),
            Err(error) => {
                let _ = seat.booted.send(Err(error));
                return;
            }
        }
    }
    // Nobody listens any more if another thread could not boot.
    let _ = seat.booted.send(Ok(()));
    drop(seat.booted);
    crate::crew::set_in_run(true);
    run(&mut shards, &seat.bells, seat.thread, seat.own_core, clock);
    crate::crew::set_in_run(false);
    let readers = shards.into_iter().flat_map(RuntimeShard::into_readers);
    let readers = readers.collect();
    keep_dropped_no_more();
    // Nobody listens if the runtime was dropped before it was booted.
    let _ = seat.done.send(readers);
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
fn make_gate(specification: &Specification) -> io::Result<Option<Gate>> {
    let Some((choice, plan)) = specification.io_plan() else {
        return Ok(None);
    };
    let io = ShardIo::new(choice, &plan).map_err(io::Error::other)?;
    Ok(Some(Gate::new(io, plan.descriptor_slots)))
}

fn make_shard(
    specification: &Specification,
    seat: ShardSeat,
    (common, doors, bells, orders): (&Arc<Common>, &Arc<Doors>, &Arc<Bells>, &Arc<Orders>),
    now: Nanos,
) -> io::Result<RuntimeShard> {
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
    let garden = specification.garden(seat.number);
    let mut tree = Tree::new(desk_count, specification.supervisor_count(seat.number));
    garden.grow(&mut tree);
    let lines = specification.link.ring_lines().next_power_of_two();
    let outbox = |writer| Outbox::new(writer, specification.link, lines);
    let wheel = Wheel::carve(&arena, notice_count + desk_count);
    let gate = make_gate(specification)?;
    if let Some(gate) = &gate {
        bells.sleep_in_io(seat.number, gate.io.waker());
    }
    let mut core = Core {
        shard: seat.number as u8,
        now,
        common: common.clone(),
        doors: doors.clone(),
        mail: Mail::carve(&arena, specification.mail_slots()),
        mail_reserved: kinds.iter().map(|kind| kind.mail_reserve).sum(),
        notices: Notices::carve(&arena, notice_count),
        orphans: NONE,
        proxies_left: specification.proxies,
        refusals_left: specification.refusals,
        wheel,
        gate,
        outboxes: seat.writers.into_iter().map(|it| it.map(outbox)).collect(),
        touched: ShardSet::default(),
        outgoing: None,
        nurseries,
        tree,
        metrics: seat.metrics,
        log: LogWriter::new(seat.number, seat.log, specification.log_level),
        random: Random::keyed(specification.seed, seat.number as u64, 0),
        deaths: Vec::with_capacity(desk_count),
        due: Vec::with_capacity(notice_count + desk_count),
        current: 0,
        stopping: false,
        living_count: 0,
        kinds,
        desks,
    };
    core.log_io_note();
    let inbox = |reader| Inbox {
        reader,
        held: None,
        incarnation: 0,
    };
    let mut shard = RuntimeShard::new(ShardParts {
        core,
        groups,
        inboxes: seat.readers.into_iter().map(|it| it.map(inbox)).collect(),
        bells: bells.clone(),
        orders: orders.clone(),
        restarts: Recent::new(specification.shard_restarts),
        garden,
        messages_max: specification.link.messages,
        doors: specification.doors(),
        arena,
    });
    shard.plant();
    shard.bury_the_dead();
    Ok(shard)
}
