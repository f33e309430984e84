//! What happens when an isolate ends: it is buried, whoever watches it is told, and its supervisor
//! decides. Every decision goes to the log.

use super::core::Core;
use super::desk::Life;
use super::ending::Ending;
use super::handle::Handle;
use super::log::Level;
use super::mail::NONE;
use super::metrics::Counter;
use super::shard::{Health, RuntimeShard};
use super::timer::{Nanos, nanos};
use super::tree::{ROOT, Restart, Strategy, Tree};
use crate::trap::lock;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Core {
    pub(crate) fn log_panic(&mut self, desk: u32, payload: Box<dyn Any + Send>) {
        let (handle, kind) = (self.handle_of(desk), self.kind_name(desk));
        self.log_payload(Some(handle), kind, payload);
    }
}

impl RuntimeShard {
    /// Buries everybody who has ended and lets supervisors react, until nobody is left.
    pub(crate) fn bury_the_dead(&mut self) {
        loop {
            if std::mem::take(&mut self.gave_up) {
                self.restart_shard();
            } else if let Some((desk, ending)) = self.core.deaths.pop() {
                self.bury(desk, ending);
                self.react(desk, ending);
            } else {
                return;
            }
        }
    }

    /// Ends what is left of an isolate: its state, its mail, its promises.
    fn bury(&mut self, desk: u32, ending: Ending) {
        let handle = self.core.handle_of(desk);
        self.log_ending(desk, handle, ending);
        self.core.metrics.count(if ending.is_normal() {
            Counter::EndedNormally
        } else {
            Counter::EndedAbnormally
        });
        let name = self.core.tree.node(desk).name;
        if name != NONE {
            self.core.common.names.give(name, Handle::NOBODY);
        }
        let (kind, slot) = (handle.kind(), handle.slot());
        let group = self.groups[kind]
            .as_mut()
            .expect("lent for one dispatch only");
        // What is dropped is code of its own.
        self.core.show_running(handle);
        if let Err(payload) = group.bury(slot) {
            self.core.log_panic(desk, payload);
        }
        // Messages it never read are dropped here, which is code of their own.
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.core.clear_desk(desk))) {
            self.core.log_panic(desk, payload);
        }
        self.core.show_running(Handle::NOBODY);
        self.core.tell_watchers(desk, ending);
        self.core.answer_dropped();
        let seat = &mut self.core.desks[desk as usize];
        seat.life = Life::Waiting;
        seat.resumed = false;
        seat.stopping = false;
        self.core.settle(desk);
    }

    fn log_ending(&mut self, desk: u32, handle: Handle, ending: Ending) {
        let level = match ending {
            Ending::Done | Ending::AtShutdown => return,
            Ending::BySupervisor | Ending::WithShard => Level::Info,
            _ => Level::Warning,
        };
        let kind = self.core.kind_name(desk);
        self.core.log(
            level,
            Some(handle),
            format_args!("{kind} ended: {ending:?}"),
        );
    }

    /// The supervisor of an isolate that has ended by itself decides.
    fn react(&mut self, desk: u32, ending: Ending) {
        let node = self.core.tree.node(desk);
        let (parent, restart, fixed) = (node.parent, node.restart, node.fixed);
        let again = match restart {
            Restart::Permanent => true,
            Restart::Transient => !ending.is_normal(),
            Restart::Temporary => false,
        };
        if self.core.stopping || (!again && !fixed) || self.core.is_worn(desk) {
            self.give_up_desk(desk);
        } else if again {
            self.start_over(desk, parent);
        }
    }

    /// A child of `parent` has failed and is to be started again, with others if the strategy says so.
    fn start_over(&mut self, node: u32, parent: u32) {
        let now = self.core.now;
        let supervisor = self.core.tree.supervisor(parent);
        if !supervisor.recent.allows(now) {
            return self.escalate(parent);
        }
        let (strategy, window) = (supervisor.strategy, supervisor.window);
        let pause = self.pause_before(node, parent, window);
        self.log_restart(node, parent, strategy, pause);
        if strategy == Strategy::OneForOne {
            return self.start_in(node, pause);
        }
        let first = |tree: &Tree| match strategy {
            Strategy::OneForAll => tree.first(parent),
            Strategy::OneForOne | Strategy::RestForOne => node,
        };
        self.terminate_from(parent, first(&self.core.tree));
        // The first one may have been there for a while only, and is gone.
        let mut next = first(&self.core.tree);
        while next != NONE {
            let following = self.core.tree.next(next);
            // Who is never started again is not by its siblings either, only with the supervisor.
            if self.core.tree.node(next).restart != Restart::Temporary {
                self.start_in(next, pause);
            }
            next = following;
        }
    }

    fn log_restart(&mut self, node: u32, parent: u32, strategy: Strategy, pause: Nanos) {
        let name = self.core.tree.supervisor(parent).name.clone();
        let pause = Duration::from_nanos(pause);
        let isolate = match self.core.tree.supervisor_of(node) {
            Some(_) => None,
            None => Some(self.core.handle_of(node)),
        };
        let text = format_args!("supervisor {name} starts it again ({strategy:?}, in {pause:?})");
        self.core.log(Level::Info, isolate, text);
    }

    /// How long to wait before the next start of a child: twice as long after each failure in a row, a
    /// quarter more or less at random, so that those who failed together do not start together.
    fn pause_before(&mut self, node: u32, parent: u32, window: Nanos) -> Nanos {
        let backoff = self.core.tree.supervisor(parent).backoff;
        let now = self.core.now;
        let child = self.core.tree.node(node);
        let lived = now.saturating_sub(child.started);
        child.failures = if lived > window {
            1
        } else {
            child.failures + 1
        };
        let (first, longest) = (nanos(backoff.first), nanos(backoff.longest));
        if first == 0 {
            return 0;
        }
        let doubled = first.saturating_mul(1 << (child.failures - 1).min(40));
        let pause = doubled.min(longest.max(first));
        let quarter = pause / 4;
        pause - quarter + self.core.random.below(2 * quarter + 1)
    }

    /// Starts a child after a pause; a supervisor at once, for its own children had none.
    fn start_in(&mut self, node: u32, pause: Nanos) {
        if self.core.tree.supervisor_of(node).is_none() && !self.is_empty(node) {
            return;
        }
        if pause == 0 || self.core.tree.supervisor_of(node).is_some() {
            return self.start_node(node);
        }
        let (alarm, waker) = self.core.desk_node(node);
        let due = self
            .core
            .now
            .saturating_add(pause)
            .div_ceil(super::timer::TICK_NANOS);
        self.core.wheel.arm(alarm, due, waker);
        self.core.desks[node as usize].asleep = true;
    }

    /// Whether nobody sits at a desk. A child may have been spawned by a sibling that was started a moment
    /// ago.
    fn is_empty(&self, desk: u32) -> bool {
        matches!(
            self.core.desks[desk as usize].life,
            Life::Free | Life::Waiting
        )
    }

    fn start_node(&mut self, node: u32) {
        match self.core.tree.supervisor_of(node) {
            None if !self.is_empty(node) => {}
            None => self.start_again(node),
            Some(supervisor) => self.start_children(supervisor),
        }
    }

    /// Starts all children of a supervisor that has none running.
    pub(crate) fn start_children(&mut self, supervisor: u32) {
        self.core.tree.supervisor(supervisor).recent.forget();
        let mut node = self.core.tree.first(supervisor);
        while node != NONE {
            let next = self.core.tree.next(node);
            self.start_node(node);
            node = next;
        }
    }

    /// Starts an isolate at a desk that keeps its place in the tree.
    pub(crate) fn start_again(&mut self, desk: u32) {
        if self.core.is_worn(desk) {
            let kind = self.core.kind_name(desk);
            self.log(
                Level::Error,
                format_args!("a slot of {kind} has used up its generations"),
            );
            return self.give_up_desk(desk);
        }
        let handle = self.core.seat(desk);
        let now = self.core.now;
        let node = self.core.tree.node(desk);
        node.started = now;
        let name = node.name;
        if handle.generation() > self.core.lost_generation + 1 {
            self.core.metrics.count(Counter::Restarted);
        }
        if name != NONE {
            self.core.common.names.give(name, handle);
        }
        let mut group = self.groups[handle.kind()]
            .take()
            .expect("nobody is being run");
        group.start(&mut self.core, desk);
        self.groups[handle.kind()] = Some(group);
    }

    /// Ends the children of `supervisor` from `first` on, the last one first.
    fn terminate_from(&mut self, supervisor: u32, first: u32) {
        let mut node = self.core.tree.last(supervisor);
        while node != NONE {
            let previous = self.core.tree.previous(node);
            self.terminate(node);
            if node == first {
                return;
            }
            node = previous;
        }
    }

    fn terminate(&mut self, node: u32) {
        if let Some(supervisor) = self.core.tree.supervisor_of(node) {
            let first = self.core.tree.first(supervisor);
            self.terminate_from(supervisor, first);
            return;
        }
        match self.core.desks[node as usize].life {
            Life::Starting | Life::Alive => self.bury(node, Ending::BySupervisor),
            Life::Ending => {
                self.core.deaths.retain(|&(desk, _)| desk != node);
                self.bury(node, Ending::BySupervisor);
            }
            Life::Waiting => self.core.end_sleep(node),
            Life::Free | Life::Worn => {}
        }
        let child = self.core.tree.node(node);
        if child.restart == Restart::Temporary && !child.fixed {
            self.give_up_desk(node);
        }
    }

    /// A supervisor has used up its budget: it ends its children and fails itself.
    fn escalate(&mut self, supervisor: u32) {
        self.core.metrics.count(Counter::Escalations);
        let name = self.core.tree.supervisor(supervisor).name.clone();
        self.log(Level::Error, format_args!("supervisor {name} gives up"));
        if supervisor == ROOT {
            self.gave_up = true;
            return;
        }
        let first = self.core.tree.first(supervisor);
        if first != NONE {
            self.terminate_from(supervisor, first);
        }
        self.drop_dynamic(supervisor);
        let node = self.core.tree.node_of(supervisor);
        let parent = self.core.tree.node(node).parent;
        self.start_over(node, parent);
    }

    /// Takes children out of the tree that the boot specification does not name.
    fn drop_dynamic(&mut self, supervisor: u32) {
        let mut node = self.core.tree.first(supervisor);
        while node != NONE {
            let next = self.core.tree.next(node);
            if let Some(inner) = self.core.tree.supervisor_of(node) {
                self.drop_dynamic(inner);
            } else if !self.core.tree.node(node).fixed {
                self.give_up_desk(node);
            }
            node = next;
        }
    }

    /// The desk of an isolate that will not be started again is free.
    pub(crate) fn give_up_desk(&mut self, desk: u32) {
        self.core.end_sleep(desk);
        self.core.tree.remove(desk);
        self.core.leave_desk(desk);
    }

    /// Ends everybody, whatever supervisors would say.
    pub(crate) fn bury_everybody(&mut self, ending: Ending) {
        self.core.deaths.clear();
        for desk in 0..self.core.desks.len() as u32 {
            match self.core.desks[desk as usize].life {
                Life::Starting | Life::Alive | Life::Ending => self.bury(desk, ending),
                Life::Waiting | Life::Free | Life::Worn => {}
            }
            if self.core.desks[desk as usize].life == Life::Waiting {
                self.give_up_desk(desk);
            }
        }
        // Those who followed somebody were to end too; they have.
        self.core.deaths.clear();
    }

    /// The root has given up: the shard is started afresh, unless that was done too often.
    fn restart_shard(&mut self) {
        self.bury_everybody(Ending::WithShard);
        let number = usize::from(self.core.shard);
        let allowed = lock(&self.core.common.restarts[number]).allows(self.core.now);
        if allowed {
            self.core.metrics.count(Counter::ShardRestarts);
            self.log(Level::Error, format_args!("the shard is started again"));
            self.change_incarnation(2);
            self.plant();
        } else {
            self.health = Health::Quarantined;
            self.core.common.quarantined[number].store(true, Ordering::Relaxed);
            self.log(
                Level::Error,
                format_args!("the shard is in quarantine until it is revived"),
            );
            self.change_incarnation(1);
        }
    }

    /// Ends a quarantine.
    pub(crate) fn revive(&mut self) {
        if self.health == Health::Quarantined && !self.core.stopping {
            self.health = Health::Up;
            let number = usize::from(self.core.shard);
            self.core.common.quarantined[number].store(false, Ordering::Relaxed);
            lock(&self.core.common.restarts[number]).forget();
            self.log(Level::Info, format_args!("the shard is revived"));
            self.change_incarnation(1);
            self.plant();
            self.bury_the_dead();
        }
    }

    /// Seats everybody the boot specification names and starts them in order. Who ended at once is to be
    /// buried then.
    pub(crate) fn plant(&mut self) {
        self.garden.clone().plant(&mut self.core);
        self.start_children(ROOT);
    }
}
