//! A machine's state between two epochs, taken from all shards and given back to all.

use super::Machine;
use crate::shard::{PartError, Shard};
use crate::snapshot::{ShardPart, Snapshot, SnapshotError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Machine {
    /// Writes down the whole state of the machine, where it stands between two runs.
    ///
    /// # Errors
    /// When a kind does not declare its state, or the run has ended by itself.
    pub fn snapshot(&mut self) -> Result<Snapshot, SnapshotError> {
        let ended = self.ask(|shard| shard.finish_request().is_some() || !shard.faults.is_empty());
        if ended.contains(&true) {
            return Err(SnapshotError::Ended);
        }
        let (blueprint, plan, end) = (self.blueprint.clone(), self.plan.clone(), self.now);
        let parts = self.ask_mut(move |shard| shard.save(&blueprint, &plan.timebase, end));
        let parts: Result<Vec<ShardPart>, PartError> = parts.into_iter().collect();
        let parts = parts.map_err(|error| self.named(error))?;
        let undeclared = parts.iter().flat_map(|part| &part.undeclared);
        let mut kinds: Vec<&'static str> = undeclared
            .map(|&number| {
                let kind = self.blueprint.instances[number as usize].kind;
                self.kind_names[kind as usize]
            })
            .collect();
        if !kinds.is_empty() {
            kinds.sort_unstable();
            kinds.dedup();
            return Err(SnapshotError::Undeclared(kinds));
        }
        let epoch_count = self.meeting.epoch_count();
        let head = (self.now, self.digest, epoch_count, self.input);
        Ok(Snapshot::of_parts(&self.blueprint, head, parts))
    }

    /// Puts a machine that was just booted where another machine of the same blueprint stood; the
    /// placement may be another. After an error the machine is of no use.
    ///
    /// # Errors
    /// When the snapshot is not of this blueprint, or a module cannot read its part of it.
    ///
    /// # Panics
    /// When the machine has run.
    pub fn restore(&mut self, snapshot: Arc<Snapshot>) -> Result<(), SnapshotError> {
        assert!(
            self.now == 0 && self.meeting.epoch_count() == 0,
            "only a machine that was just booted is put elsewhere"
        );
        snapshot.check(&self.blueprint)?;
        let (now, digest, epoch_count) = (snapshot.tick, snapshot.digest, snapshot.epoch_count);
        let input = snapshot.input;
        let (blueprint, plan) = (self.blueprint.clone(), self.plan.clone());
        let loaded = self.ask_mut(move |shard| shard.load(&blueprint, &plan.timebase, &snapshot));
        for part in loaded {
            part.map_err(|error| self.named(error))?;
        }
        self.now = now;
        self.digest = digest;
        self.input = input;
        self.meeting.resume(epoch_count);
        self.meeting.progress.store(self.cycle(), Ordering::Relaxed);
        if let Some(schedule) = self.stall_schedule {
            self.count_stalls(schedule);
        }
        Ok(())
    }

    /// Per wire, a digest of every push so far and its tick: the same for wires of any machine that
    /// carry the same items at the same times.
    #[must_use]
    pub fn push_digests(&self) -> Vec<u64> {
        let mut digests = vec![0; self.blueprint.wires.len()];
        for (wire, digest) in self.ask(Shard::push_digests).into_iter().flatten() {
            digests[wire as usize] = digest;
        }
        digests
    }

    fn named(&self, error: PartError) -> SnapshotError {
        match error {
            PartError::Instance(number, error) => SnapshotError::Module {
                path: self.blueprint.instances[number as usize].path.clone(),
                error,
            },
            PartError::Wire(wire, error) => SnapshotError::Wire { wire, error },
        }
    }
}
