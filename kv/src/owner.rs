//! The owner of a shard's keys: an isolate that carries out batches of requests, one after the other.
//!
//! ```text
//!   connection ──Ask { batch }──► owner ──────────────────────────────► answer
//!                                   │ records                              ▲
//!                                   └──► log ──write──► file ──sync──► disk ┘  where every reply waits for it
//! ```
//!
//! What it owns is handed to it when it starts and handed on when it ends, also by a panic: whoever is
//! next finds it empty, and reads the log, if there is one.

mod disk;

use crate::asking::{Answer, Ask, StoreOrder, Unserved, Waiting};
use crate::execute::{
    Scope, execute, journal_bytes_max, refuse, reply_bytes_max, sweep, sweep_bytes_max,
};
use crate::filled::{Filled, make_room};
use crate::limits::Durability;
use crate::log::RECORD_HEAD_BYTES;
use crate::request::Request;
use crate::resp::Sink;
use crate::site::{Memory, Site};
use disk::Disk;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::runtime::{Context, Effect, Event, Isolate, Payload, ReplyTo};

/// How often expired keys are looked for, in how many slots.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
const SWEEP_SLOTS: usize = 1024;
/// Slots between two looks at the room in the log.
const SWEEP_STEP: usize = 16;
/// Bytes of a reply's length.
const LENGTH_BYTES: usize = 4;
/// The log's heads of the two records that a request may make.
const RECORD_HEADS: usize = 2 * RECORD_HEAD_BYTES;

/// A batch that is being carried out.
struct Work {
    ask: Ask,
    replies: Payload,
}

pub(crate) struct Owner {
    site: Arc<Site>,
    shard: usize,
    /// None only while it is dropped.
    memory: Option<Box<Memory>>,
    /// None where nothing is logged.
    disk: Option<Disk>,
    /// What waits for room in the log.
    parked: Option<Work>,
    awaited: Option<ReplyTo<u64>>,
    swept: usize,
    is_stopping: bool,
}

impl Isolate for Owner {
    const KIND: &'static str = "kv.store";
    type Message = StoreOrder;
    type Init = Arc<Site>;

    fn start(site: Arc<Site>, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let shard = context.shard();
        let memory = site.take_memory(shard);
        let memory = memory.ok_or("the server was made for fewer shards")?;
        let durability = site.durability;
        let mut owner = Self {
            site,
            shard,
            memory: Some(memory),
            disk: None,
            parked: None,
            awaited: None,
            swept: 0,
            is_stopping: false,
        };
        context
            .timer_every(SWEEP_EVERY)
            .map_err(|_| "there is no timer")?;
        if let Some(durability) = durability {
            owner.disk = Some(owner.open(durability, context)?);
        }
        Ok(owner)
    }

    fn handle(&mut self, event: Event<StoreOrder>, context: &mut Context<'_, Self>) -> Effect {
        let handled = self.take_in(event, context);
        let moved = handled.and_then(|()| self.move_log(context));
        match moved {
            Ok(()) => self.next(),
            Err(why) => Effect::Crash(why),
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(mut memory) = self.memory.take() {
            // Whoever waits for them is told that there is no reply.
            memory.waiting.clear();
            self.site.give_memory_back(self.shard, memory);
        }
    }
}

impl Owner {
    fn memory(&mut self) -> &mut Memory {
        self.memory.as_mut().expect("it is only taken in drop")
    }

    fn is_serving(&self) -> bool {
        self.disk.as_ref().is_none_or(Disk::is_read)
    }

    fn take_in(
        &mut self,
        event: Event<StoreOrder>,
        context: &mut Context<'_, Self>,
    ) -> Result<(), &'static str> {
        match event {
            Event::Message(StoreOrder::Ask(ask)) if self.is_serving() => self.begin(ask, context),
            Event::Message(StoreOrder::Ask(ask)) => {
                context.reply(ask.reply_to, Err(Unserved::Loading));
            }
            Event::Message(StoreOrder::Ready(reply_to)) => self.awaited = Some(reply_to),
            Event::Message(StoreOrder::Crash) => return Err("it was told to"),
            Event::Io(event) => self.disk_event(&event, context)?,
            Event::Timer(_) => self.tick(context),
            Event::Stopping => self.is_stopping = true,
            Event::Reply(_)
            | Event::Resumed
            | Event::Refused(_)
            | Event::Down(_)
            | Event::Peer { .. } => {}
        }
        if self.is_serving() {
            if let Some(reply_to) = self.awaited.take() {
                let count = self.memory().store.count() as u64;
                context.reply(reply_to, count);
            }
            if let Some(work) = self.parked.take() {
                self.go_on(work, context);
            }
        }
        Ok(())
    }

    /// What it waits for. While there is no room in the log, or no place for one more answer that waits for
    /// the disk, questions wait in the mailbox.
    fn next(&mut self) -> Effect {
        let is_busy = self.disk.as_ref().is_some_and(Disk::is_busy);
        let memory = self.memory();
        let is_full = memory.waiting.len() == memory.waiting.capacity();
        let is_idle = memory.waiting.is_empty() && !is_busy;
        if self.is_stopping && is_idle && self.parked.is_none() {
            return Effect::Done;
        }
        if is_busy && (is_full || self.parked.is_some()) {
            return Effect::Io;
        }
        Effect::Receive
    }

    fn scope(&self, context: &Context<'_, Self>) -> Scope {
        let limits = &self.site.limits;
        Scope {
            now: self.site.date(context.now()),
            shard: self.shard,
            shards: self.site.shards,
            value_bytes_max: limits.value_bytes,
            reply_bytes_max: limits.long_bytes() - LENGTH_BYTES,
        }
    }

    fn begin(&mut self, ask: Ask, context: &mut Context<'_, Self>) {
        // About as long as the questions, if they are short.
        match context.payload(ask.batch.len().min(4 << 10)) {
            Ok(replies) => self.go_on(Work { ask, replies }, context),
            Err(_) => context.reply(ask.reply_to, Err(Unserved::NoBuffer)),
        }
    }

    /// Carries out the requests of a batch, until there is no room for a reply or for a record.
    fn go_on(&mut self, mut work: Work, context: &mut Context<'_, Self>) {
        let scope = self.scope(context);
        let is_logged = self.disk.is_some();
        let Memory { store, log, .. } = &mut **self.memory.as_mut().expect("as in `memory`");
        let Work { ask, replies } = &mut work;
        while let Some(bytes) = ask.batch.get(ask.at as usize..).filter(|it| !it.is_empty()) {
            let Some(request) = Request::decode(bytes) else {
                ask.at = ask.batch.len() as u32;
                reply(replies, |sink| refuse(sink));
                break;
            };
            if is_logged && log.room() < journal_bytes_max(&request) + RECORD_HEADS {
                self.parked = Some(work);
                return;
            }
            let need = LENGTH_BYTES + reply_bytes_max(store, &request, &scope);
            if make_room(replies, need, context).is_err() {
                break;
            }
            reply(replies, |sink| {
                if is_logged {
                    execute(store, &request, &scope, sink, log);
                } else {
                    execute(store, &request, &scope, sink, &mut ());
                }
            });
            ask.at += request.bytes() as u32;
        }
        self.finish(work, context);
    }

    fn finish(&mut self, work: Work, context: &mut Context<'_, Self>) {
        let Work { ask, replies } = work;
        let Ask {
            batch,
            at,
            reply_to,
        } = ask;
        if replies.is_empty() && !batch.is_empty() {
            return context.reply(reply_to, Err(Unserved::NoBuffer));
        }
        let answer = Answer {
            replies,
            rest: ((at as usize) < batch.len()).then_some(batch),
            at,
        };
        let until = self.memory().log.end();
        let waits = self
            .disk
            .as_ref()
            .is_some_and(|disk| disk.holds_back(until));
        if waits {
            let waiting = Waiting {
                until,
                reply_to,
                answer,
            };
            // There is a place: questions are let in only if there is.
            self.memory().waiting.push_back(waiting);
        } else {
            context.reply(reply_to, Ok(answer));
        }
    }

    /// Answers whose records are on the disk.
    fn release(&mut self, synced: u64, context: &mut Context<'_, Self>) {
        let waiting = &mut self.memory().waiting;
        while waiting.front().is_some_and(|first| first.until <= synced) {
            if let Some(first) = waiting.pop_front() {
                context.reply(first.reply_to, Ok(first.answer));
            }
        }
    }

    fn tick(&mut self, context: &Context<'_, Self>) {
        if let Some(disk) = &mut self.disk {
            disk.tick(context.now());
        }
        if !self.is_serving() {
            return;
        }
        let now = self.site.date(context.now());
        let is_logged = self.disk.is_some();
        let mut at = self.swept;
        let Memory { store, log, .. } = self.memory();
        for _ in 0..SWEEP_SLOTS / SWEEP_STEP {
            let end = (at + SWEEP_STEP).min(store.slots());
            let records = sweep_bytes_max(SWEEP_STEP) + SWEEP_STEP * RECORD_HEAD_BYTES;
            if !is_logged {
                sweep(store, at..end, now, &mut ());
            } else if log.room() >= records {
                sweep(store, at..end, now, log);
            } else {
                break;
            }
            at = if end == store.slots() { 0 } else { end };
        }
        self.swept = at;
    }
}

/// Writes a reply behind its length.
fn reply(replies: &mut Payload, write: impl FnOnce(&mut Filled<'_>)) {
    let start = replies.len();
    let mut sink = Filled(replies);
    sink.put(&[0; LENGTH_BYTES]);
    write(&mut sink);
    let length = (replies.len() - start - LENGTH_BYTES) as u32;
    replies[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}

/// Whether replies wait for the disk.
pub(crate) fn waits_for_disk(durability: Durability) -> bool {
    durability == Durability::Always
}
