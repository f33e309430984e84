//! A disk: what files hold, what of it would survive a loss of power, and what is wrong with it.

use super::super::errno::Errno;
use super::super::operation::OpenHow;
use super::{Nanos, Object, State, WorldCounters};
use crate::random::Random;
use std::collections::BTreeMap;

/// Bytes that are written whole or not at all.
const SECTOR: usize = 512;

/// A change of a file that a loss of power may undo.
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }
}

#[derive(Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }
}

pub(super) struct Disk {
    /// By path.
    files: BTreeMap<Vec<u8>, usize>,
    contents: Vec<Content>,
}

/// A file that is open.
pub(super) struct OpenedFile {
    content: usize,
    how: OpenHow,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            contents: Vec::new(),
        }
    }

    fn used(&self) -> u64 {
        self.contents.iter().map(|it| it.live.len() as u64).sum()
    }

    fn make(&mut self, path: &[u8]) -> usize {
        self.contents.push(Content::default());
        let content = self.contents.len() - 1;
        self.files.insert(path.to_vec(), content);
        content
    }

    pub(super) fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        let content = *self.files.get(path)?;
        Some(self.contents[content].live.clone())
    }

    pub(super) fn replace(&mut self, path: &[u8], bytes: &[u8]) {
        let content = self.make(path);
        self.contents[content].live = bytes.to_vec();
        self.contents[content].durable = bytes.to_vec();
    }

    /// Of what was not synchronised, each change is there, or not, or in part.
    pub(super) fn lose_power(&mut self, random: &mut Random, counters: &mut WorldCounters) {
        for content in &mut self.contents {
            for change in content.unsynced.drain(..) {
                match (random.below(3), change) {
                    (0, _) => {}
                    (1, Change::Write { at, mut bytes }) => {
                        counters.torn_count += 1;
                        let sectors = bytes.len().div_ceil(SECTOR) as u64;
                        let kept = random.below(sectors.max(1)) as usize * SECTOR;
                        bytes.truncate(kept);
                        if !bytes.is_empty() {
                            Change::Write { at, bytes }.apply(&mut content.durable);
                        }
                    }
                    (_, change) => change.apply(&mut content.durable),
                }
            }
            content.live = content.durable.clone();
        }
    }
}

impl State {
    /// What the next operation of a file takes.
    pub(crate) fn disk_latency(&mut self) -> Nanos {
        let [least, most] = self.faults.disk.latency_micros;
        let spread = u64::from(most.saturating_sub(least)) * 1000;
        let time = 1 + u64::from(least) * 1000 + self.random.below(spread + 1);
        if self.draws(self.faults.disk.slow) {
            return time * 100;
        }
        time
    }

    fn fails(&mut self) -> Result<(), Errno> {
        if self.draws(self.faults.disk.error) {
            self.counters.disk_error_count += 1;
            return Err(Errno::EIO);
        }
        Ok(())
    }

    fn file(&self, number: i32) -> Result<&OpenedFile, Errno> {
        match self
            .objects
            .get(&(number as u32))
            .map(|entry| &entry.object)
        {
            Some(Object::File(file)) => Ok(file),
            Some(Object::Stream(_) | Object::Listener(_) | Object::Datagrams(_)) => {
                Err(Errno::ESPIPE)
            }
            None => Err(Errno::EBADF),
        }
    }

    /// Opens a file; its number.
    pub(crate) fn open(&mut self, path: &[u8], how: OpenHow) -> Result<u32, Errno> {
        self.fails()?;
        let found = self.disk.files.get(path).copied();
        let content = match found {
            Some(_) if how.create && how.exclusive => return Err(Errno::EEXIST),
            Some(content) => content,
            None if how.create => self.disk.make(path),
            None => return Err(Errno::ENOENT),
        };
        if how.truncate && how.write {
            self.disk.contents[content].change(Change::Truncate(0));
        }
        Ok(self.add(Object::File(OpenedFile { content, how })))
    }

    /// Reads at most `limit` bytes.
    pub(crate) fn read(&mut self, number: i32, at: u64, limit: usize) -> Result<Vec<u8>, Errno> {
        self.fails()?;
        let file = self.file(number)?;
        if file.how.write && !file.how.read {
            return Err(Errno::EBADF);
        }
        let live = &self.disk.contents[file.content].live;
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(live.len());
        let end = start.saturating_add(limit).min(live.len());
        let mut bytes = live[start..end].to_vec();
        let count = self.disk_piece(bytes.len());
        bytes.truncate(count);
        if !bytes.is_empty() && self.draws(self.faults.disk.rot) {
            self.counters.rotten_count += 1;
            let bit = self.random.below(8 * bytes.len() as u64) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Ok(bytes)
    }

    /// Writes bytes, all or by chance fewer.
    pub(crate) fn write(&mut self, number: i32, at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.fails()?;
        let file = self.file(number)?;
        if !file.how.write {
            return Err(Errno::EBADF);
        }
        let content = file.content;
        let at = usize::try_from(at).map_err(|_| Errno::EFBIG)?;
        let count = self.disk_piece(bytes.len());
        let end = at.checked_add(count).ok_or(Errno::EFBIG)?;
        let growth = end.saturating_sub(self.disk.contents[content].live.len()) as u64;
        let capacity = self.faults.disk.capacity;
        if capacity > 0 && self.disk.used() + growth > capacity {
            return Err(Errno::ENOSPC);
        }
        let mut at = at;
        if count > 0 && self.draws(self.faults.disk.misdirected) {
            self.counters.misdirected_count += 1;
            let sectors = (self.disk.contents[content].live.len() / SECTOR) as u64;
            at = self.random.below(sectors + 1) as usize * SECTOR;
        }
        self.disk.contents[content].change(Change::Write {
            at,
            bytes: bytes[..count].to_vec(),
        });
        Ok(count)
    }

    /// What was written is durable afterwards, or should be.
    pub(crate) fn sync(&mut self, number: i32) -> Result<(), Errno> {
        self.fails()?;
        let content = self.file(number)?.content;
        if self.draws(self.faults.disk.lost_sync) {
            self.counters.lost_sync_count += 1;
            return Ok(());
        }
        self.disk.contents[content].sync();
        Ok(())
    }

    /// Bytes a file holds.
    pub(crate) fn size(&mut self, number: i32) -> Result<u64, Errno> {
        self.fails()?;
        let content = self.file(number)?.content;
        Ok(self.disk.contents[content].live.len() as u64)
    }

    /// The file holds so many bytes afterwards.
    pub(crate) fn truncate(&mut self, number: i32, length: u64) -> Result<(), Errno> {
        self.fails()?;
        let file = self.file(number)?;
        if !file.how.write {
            return Err(Errno::EINVAL);
        }
        let content = file.content;
        let length = usize::try_from(length).map_err(|_| Errno::EFBIG)?;
        self.disk.contents[content].change(Change::Truncate(length));
        Ok(())
    }

    fn disk_piece(&mut self, count: usize) -> usize {
        if count > 1 && self.draws(self.faults.disk.partial) {
            self.counters.partial_count += 1;
            return 1 + self.random.below(count as u64 - 1) as usize;
        }
        count
    }
}
