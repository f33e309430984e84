//! The log's file: opened and read when the owner starts, then written to, one operation at a time.

use super::{Owner, waits_for_disk};
use crate::limits::Durability;
use crate::log::{LOG_HEAD_BYTES, LogOwner};
use std::time::Duration;
use tina_engine::io::{Buffer, Descriptor, OpenHow, Operation, Outcome, Part, Refusal};
use tina_engine::runtime::{Context, IoEvent, Level};

const EVERY: Duration = Duration::from_secs(1);
const REFUSED: &str = "an operation on the log was refused";
const FAILED: &str = "the log cannot be written";

/// What is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    Nothing,
    Open(Buffer),
    Read,
    Cut,
    Write(u32),
    /// So many bytes of the log are on the disk when it is done.
    Sync(u64),
}

pub(super) struct Disk {
    durability: Durability,
    file: Option<Descriptor>,
    buffer: Option<Buffer>,
    flight: Flight,
    is_read: bool,
    /// Bytes read.
    read: u64,
    /// Bytes that are on the disk.
    synced: u64,
    /// Bytes to be written before the next sync.
    goal: u64,
    /// Whether a second is over since the last sync.
    is_due: bool,
    due: Duration,
}

impl Disk {
    /// Whether all that was logged is in the store.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    pub(super) fn is_busy(&self) -> bool {
        self.flight != Flight::Nothing
    }

    /// Whether an answer waits that is for what the log says up to there.
    pub(super) fn holds_back(&self, until: u64) -> bool {
        waits_for_disk(self.durability) && until > self.synced
    }

    pub(super) fn tick(&mut self, now: Duration) {
        if now >= self.due {
            self.due = now + EVERY;
            self.is_due = true;
        }
    }
}

impl From<Refusal> for Failed {
    fn from(_: Refusal) -> Self {
        Self
    }
}

/// An operation was refused.
struct Failed;

impl Owner {
    fn log_owner(&self) -> LogOwner {
        LogOwner {
            shard: self.shard as u8,
            shards: self.site.shards as u8,
        }
    }

    /// Begins to open the log.
    pub(super) fn open(
        &mut self,
        durability: Durability,
        context: &mut Context<'_, Self>,
    ) -> Result<Disk, &'static str> {
        let mut io = context.io();
        let path = io.take_filled(&self.site.log_paths[self.shard]);
        let path = path.map_err(|_| REFUSED)?;
        let how = OpenHow {
            read: true,
            write: true,
            create: true,
            ..OpenHow::default()
        };
        let opening = io.submit(Operation::Open { path, how });
        opening.map_err(|_| REFUSED)?;
        Ok(Disk {
            durability,
            file: None,
            buffer: None,
            flight: Flight::Open(path.buffer),
            is_read: false,
            read: 0,
            synced: 0,
            goal: 0,
            is_due: false,
            due: EVERY,
        })
    }

    fn disk(&mut self) -> &mut Disk {
        self.disk.as_mut().expect("operations are those of a log")
    }

    /// An operation on the log has ended.
    pub(super) fn disk_event(
        &mut self,
        event: &IoEvent,
        context: &mut Context<'_, Self>,
    ) -> Result<(), &'static str> {
        let flight = std::mem::replace(&mut self.disk().flight, Flight::Nothing);
        match (flight, event.result) {
            (Flight::Open(path), Ok(Outcome::Opened(file))) => {
                self.disk().file = Some(file);
                self.disk().buffer = Some(path);
                self.read(context)
            }
            (Flight::Read, Ok(Outcome::Moved(count))) => self.take_in_read(count as u32, context),
            (Flight::Cut, Ok(Outcome::Done)) => {
                self.disk().is_read = true;
                Ok(())
            }
            (Flight::Write(count), Ok(Outcome::Moved(moved))) if moved == u64::from(count) => {
                self.memory().log.wrote(count as usize);
                Ok(())
            }
            (Flight::Sync(until), Ok(Outcome::Done)) => {
                self.disk().synced = until;
                self.release(until, context);
                Ok(())
            }
            (flight, result) => {
                let text = format_args!("the log: {flight:?} ended with {result:?}");
                context.log(Level::Error, text);
                Err(FAILED)
            }
        }
    }

    fn read(&mut self, context: &mut Context<'_, Self>) -> Result<(), &'static str> {
        let room = self.memory().log.room();
        let disk = self.disk();
        let (Some(file), Some(buffer)) = (disk.file, disk.buffer) else {
            return Err(REFUSED);
        };
        let at = disk.read;
        let mut io = context.io();
        let submitted = io.bytes_mut(buffer).map(|bytes| bytes.len().min(room));
        let submitted = submitted.and_then(|length| {
            let into = Part::first(buffer, length as u32);
            io.submit(Operation::Read { file, into, at })
        });
        submitted.map_err(|_| REFUSED)?;
        self.disk().flight = Flight::Read;
        Ok(())
    }

    fn take_in_read(
        &mut self,
        count: u32,
        context: &mut Context<'_, Self>,
    ) -> Result<(), &'static str> {
        let owner = self.log_owner();
        let disk = self.disk();
        let buffer = disk.buffer.ok_or(REFUSED)?;
        disk.read += u64::from(count);
        let mut io = context.io();
        let bytes = io.part(Part::first(buffer, count)).map_err(|_| REFUSED)?;
        let memory = self.memory.as_mut().expect("as in `memory`");
        let goes_on = match memory.log.take_in(bytes, owner, &mut memory.store) {
            Ok(goes_on) => goes_on,
            Err(why) => {
                context.log(Level::Error, format_args!("the log cannot be read: {why}"));
                return Err("the log is none of this store's");
            }
        };
        if count > 0 && goes_on {
            return self.read(context);
        }
        self.cut(context)
    }

    /// Cuts off what is not whole. There is nothing to cut where nothing is left over.
    fn cut(&mut self, context: &mut Context<'_, Self>) -> Result<(), &'static str> {
        let owner = self.log_owner();
        let whole = self.memory().log.begin(owner);
        let read = self.disk().read;
        if whole == read {
            self.disk().is_read = true;
            return Ok(());
        }
        let from = whole.max(LOG_HEAD_BYTES as u64);
        let text = format_args!("the log was not whole: it is cut off at byte {from}");
        context.log(Level::Warning, text);
        let file = self.disk().file.ok_or(REFUSED)?;
        let length = whole;
        let cutting = context.io().submit(Operation::Truncate { file, length });
        cutting.map_err(|_| REFUSED)?;
        self.disk().flight = Flight::Cut;
        Ok(())
    }

    /// Writes what waits, and has the disk take it.
    pub(super) fn move_log(&mut self, context: &mut Context<'_, Self>) -> Result<(), &'static str> {
        let is_stopping = self.is_stopping;
        let (Some(disk), Some(memory)) = (&mut self.disk, &self.memory) else {
            return Ok(());
        };
        if disk.is_busy() || !disk.is_read {
            return Ok(());
        }
        let (written, end) = (memory.log.written(), memory.log.end());
        // What was there when writing began is written before the next sync, and no more, so that answers
        // do not wait for writers who come later.
        if written >= disk.goal && written > disk.synced && disk.wants_sync(is_stopping) {
            return disk.sync(written, context).map_err(|Failed| REFUSED);
        }
        if written >= disk.goal {
            disk.goal = end;
        }
        let (Some(file), Some(buffer)) = (disk.file, disk.buffer) else {
            return Ok(());
        };
        if written == end {
            return Ok(());
        }
        let mut io = context.io();
        let bytes = io.bytes_mut(buffer).map_err(|_| REFUSED)?;
        let count = memory.log.copy_first(bytes) as u32;
        let from = Part::first(buffer, count);
        let at = written;
        let writing = io.submit(Operation::Write { file, from, at });
        writing.map_err(|_| REFUSED)?;
        disk.flight = Flight::Write(count);
        Ok(())
    }
}

impl Disk {
    fn wants_sync(&self, is_stopping: bool) -> bool {
        is_stopping
            || match self.durability {
                Durability::Always => true,
                Durability::EverySecond => self.is_due,
                Durability::Never => false,
            }
    }

    fn sync(&mut self, written: u64, context: &mut Context<'_, Owner>) -> Result<(), Failed> {
        let file = self.file.ok_or(Failed)?;
        let data_only = true;
        context.io().submit(Operation::Sync { file, data_only })?;
        self.flight = Flight::Sync(written);
        self.is_due = false;
        Ok(())
    }
}
