//! What goes wrong between two turns: threads that stand still, links that show nothing, isolates and
//! shards that end.

use super::super::desk::Life;
use super::super::ending::Ending;
use super::super::shard::Health;
use super::disturbance::Kind;
use super::faults::Faults;
use super::simulation::Simulation;
use crate::io::Ratio;

impl Simulation {
    /// Draws what goes wrong before the next turn; whether anything did.
    pub(super) fn disturb(&mut self) -> bool {
        self.disturbance.turn_count += 1;
        if self.disturbance.turn_count == self.disturbance.faults.turns {
            self.calm();
            return true;
        }
        let faults = self.disturbance.faults;
        let mut happened = false;
        if self.disturbance.draws(Kind::Stall, faults.stall) {
            let shard = self.disturbance.pick(Kind::Stall, self.shards.len());
            let time = self.disturbance.micros(Kind::Stall, faults.stall_micros);
            self.disturbance.stalled_until[shard] = self.now + time;
            self.exercised.stalls += 1;
        }
        if self.shards.len() > 1 {
            happened |= self.disturb_links(&faults);
        }
        happened |= self.disturb_isolates(&faults);
        if self.disturbance.draws(Kind::ClockJump, faults.clock_jump) {
            self.now += self
                .disturbance
                .micros(Kind::ClockJump, faults.clock_jump_micros);
            self.exercised.clock_jumps += 1;
            happened = true;
        }
        happened | self.work_in_pools()
    }

    fn disturb_links(&mut self, faults: &Faults) -> bool {
        let shard_count = self.shards.len();
        let disturbance = &mut self.disturbance;
        if disturbance.draws(Kind::Hold, faults.hold) {
            let from = disturbance.pick(Kind::Hold, shard_count);
            let to = (from + 1 + disturbance.pick(Kind::Hold, shard_count - 1)) % shard_count;
            let until = self.now + disturbance.micros(Kind::Hold, faults.hold_micros);
            disturbance.held.push((from, to, until));
            self.shards[to].withheld.insert(from);
            self.exercised.holds += 1;
        }
        if disturbance
            .parted_until
            .is_some_and(|until| until <= self.now)
        {
            disturbance.parted_until = None;
            self.world.part(&[]);
            return true;
        }
        if disturbance.parted_until.is_none()
            && disturbance.draws(Kind::Partition, faults.partition)
        {
            self.part();
        }
        false
    }

    /// Cuts some shards off from the others.
    fn part(&mut self) {
        let disturbance = &mut self.disturbance;
        let count = self.shards.len();
        let until =
            self.now + disturbance.micros(Kind::Partition, disturbance.faults.partition_micros);
        let first = disturbance.pick(Kind::Partition, count);
        let size = 1 + disturbance.pick(Kind::Partition, count - 1);
        let inside: Vec<usize> = (0..size).map(|step| (first + step) % count).collect();
        for from in 0..count {
            for to in 0..count {
                if inside.contains(&from) != inside.contains(&to) {
                    disturbance.held.push((from, to, until));
                    self.shards[to].withheld.insert(from);
                }
            }
        }
        disturbance.parted_until = Some(until);
        self.world.part(&inside);
        self.exercised.partitions += 1;
    }

    fn disturb_isolates(&mut self, faults: &Faults) -> bool {
        let mut happened = false;
        let endings = [
            (Kind::Crash, faults.crash, Ending::Crashed("a seeded fault")),
            (Kind::Panic, faults.panic, Ending::Panicked),
        ];
        for (kind, ratio, ending) in endings {
            if self.disturbance.draws(kind, ratio) && self.end_somebody(kind, ending) {
                happened = true;
                match kind {
                    Kind::Panic => self.exercised.panics += 1,
                    _ => self.exercised.crashes += 1,
                }
            }
        }
        if self.disturbance.draws(Kind::ShardCrash, faults.shard_crash) {
            let number = self.disturbance.pick(Kind::ShardCrash, self.shards.len());
            let shard = &mut self.shards[number];
            if shard.health == Health::Up && !shard.core.stopping {
                shard.gave_up = true;
                shard.bury_the_dead();
                self.exercised.shard_crashes += 1;
                happened = true;
            }
        }
        if self.disturbance.draws(Kind::Revival, faults.revival) {
            let number = self.disturbance.pick(Kind::Revival, self.shards.len());
            if self.shards[number].health == Health::Quarantined {
                self.revive(number);
                self.exercised.revivals += 1;
                happened = true;
            }
        }
        happened
    }

    /// Ends an isolate, whichever it is; false if nobody lives where it was looked for.
    fn end_somebody(&mut self, kind: Kind, ending: Ending) -> bool {
        let number = self.disturbance.pick(kind, self.shards.len());
        let shard = &mut self.shards[number];
        let desk_count = shard.core.desks.len();
        let first = self.disturbance.pick(kind, desk_count);
        let desks = (0..desk_count).map(|step| (first + step) % desk_count);
        let mut alive = desks.filter(|&desk| shard.core.desks[desk].life == Life::Alive);
        let Some(desk) = alive.next() else {
            return false;
        };
        shard.core.end(desk as u32, ending);
        shard.bury_the_dead();
        true
    }

    /// A thread of a pool does a job, perhaps.
    fn work_in_pools(&mut self) -> bool {
        let pools = self.site.common.pools.clone();
        if pools.is_idle() || self.disturbance.draws(Kind::Work, Ratio::one_in(2)) {
            return false;
        }
        let pick = self.disturbance.randoms[Kind::Work as usize].bits();
        pools.work_once(pick, &self.site.doors)
    }
}
