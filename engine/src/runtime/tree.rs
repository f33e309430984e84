//! Supervision trees as data: who stands under whom, in which order, and how often they may fail.
//!
//! A node is an isolate, by its desk, or a supervisor. Children of a supervisor stand in a doubly
//! linked list in the order in which they were started, so that a tree of a hundred thousand
//! connections loses one without looking at the others.

use super::mail::NONE;
use super::timer::{Nanos, nanos};
use crate::estate::Estate;
use std::sync::Arc;
use std::time::Duration;

/// Which others are started again when a child is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// None.
    #[default]
    OneForOne,
    /// All children of the supervisor.
    OneForAll,
    /// Those that were started after it.
    RestForOne,
}

/// When a child is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// However it ended.
    #[default]
    Permanent,
    /// If it ended abnormally, or with its siblings, also when it had ended before.
    Transient,
    /// Never; one of the boot specification is there again when its supervisor is started again.
    Temporary,
}

/// How often children may be started again before their supervisor gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// So many restarts,
    pub restarts: u32,
    /// in any stretch of this length.
    pub window: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            restarts: 3,
            window: Duration::from_secs(30),
        }
    }
}

/// How long a supervisor waits before it starts a child again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first restart of a row; then twice as long each time. Zero: at once, always.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

/// A supervisor of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisorId {
    pub(crate) shard: u8,
    pub(crate) number: u32,
}

pub(crate) struct Node {
    /// Number of its supervisor.
    pub(crate) parent: u32,
    previous: u32,
    next: u32,
    pub(crate) restart: Restart,
    /// Whether the boot specification names it, so that it is started whenever its supervisor is.
    pub(crate) fixed: bool,
    /// Its well-known name.
    pub(crate) name: u32,
    /// Failures in a row, and when it was started last.
    pub(crate) failures: u32,
    pub(crate) started: Nanos,
}

const ALONE: Node = Node {
    parent: NONE,
    previous: NONE,
    next: NONE,
    restart: Restart::Temporary,
    fixed: false,
    name: NONE,
    failures: 0,
    started: 0,
};

/// When something happened lately: as many times as matter.
pub(crate) struct Recent {
    times: Vec<Nanos>,
    next: usize,
    window: Nanos,
}

impl Recent {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            // As long ago as can be: none of them counts.
            times: vec![Nanos::MAX; budget.restarts as usize],
            next: 0,
            window: nanos(budget.window),
        }
    }

    pub(crate) fn bytes(budget: Budget) -> usize {
        budget.restarts as usize * size_of::<Nanos>()
    }

    /// Whether it may happen once more at `now`; if so it is noted.
    pub(crate) fn allows(&mut self, now: Nanos) -> bool {
        let Some(oldest) = self.times.get_mut(self.next) else {
            return false;
        };
        if *oldest != Nanos::MAX && now.saturating_sub(*oldest) < self.window {
            return false;
        }
        *oldest = now;
        self.next = (self.next + 1) % self.times.len();
        true
    }

    pub(crate) fn forget(&mut self) {
        self.times.fill(Nanos::MAX);
        self.next = 0;
    }
}

pub(crate) struct Supervisor {
    pub(crate) name: Arc<str>,
    pub(crate) strategy: Strategy,
    pub(crate) backoff: Backoff,
    pub(crate) window: Nanos,
    pub(crate) recent: Recent,
    first: u32,
    last: u32,
}

pub(crate) struct Tree {
    /// Desks first, supervisors behind them.
    nodes: Vec<Node>,
    supervisors: Vec<Supervisor>,
    desk_count: u32,
}

/// What a supervisor is made of.
pub(crate) struct SupervisorPlan<'a> {
    pub(crate) name: &'a str,
    pub(crate) strategy: Strategy,
    pub(crate) budget: Budget,
    pub(crate) backoff: Backoff,
}

/// The number of the supervisor at the top of every tree.
pub(crate) const ROOT: u32 = 0;

impl Tree {
    pub(crate) fn new(desk_count: usize, supervisor_count: usize) -> Self {
        let mut nodes = Vec::with_capacity(desk_count + supervisor_count);
        nodes.resize_with(desk_count, || ALONE);
        Self {
            nodes,
            supervisors: Vec::with_capacity(supervisor_count),
            desk_count: desk_count as u32,
        }
    }

    pub(crate) fn bytes(desk_count: usize, supervisor_count: usize) -> usize {
        (desk_count + supervisor_count) * size_of::<Node>()
            + supervisor_count * size_of::<Supervisor>()
    }

    /// Writes down what it has taken.
    pub(crate) fn list(&self, estate: &mut Estate) {
        estate.vec(&self.nodes);
        estate.vec(&self.supervisors);
        for supervisor in &self.supervisors {
            estate.share(&supervisor.name);
            estate.vec(&supervisor.recent.times);
        }
    }

    /// Adds a supervisor, which stands under nobody yet.
    pub(crate) fn add(&mut self, plan: &SupervisorPlan<'_>) -> u32 {
        let number = self.supervisors.len() as u32;
        self.supervisors.push(Supervisor {
            name: plan.name.into(),
            strategy: plan.strategy,
            backoff: plan.backoff,
            window: nanos(plan.budget.window),
            recent: Recent::new(plan.budget),
            first: NONE,
            last: NONE,
        });
        self.nodes.push(Node {
            restart: Restart::Permanent,
            fixed: true,
            ..ALONE
        });
        number
    }

    /// Takes every supervisor out of its place; there are no isolates in the tree.
    pub(crate) fn clear(&mut self) {
        for supervisor in &mut self.supervisors {
            (supervisor.first, supervisor.last) = (NONE, NONE);
        }
    }

    pub(crate) fn node_of(&self, supervisor: u32) -> u32 {
        self.desk_count + supervisor
    }

    /// The supervisor that a node is, if it is one.
    pub(crate) fn supervisor_of(&self, node: u32) -> Option<u32> {
        node.checked_sub(self.desk_count)
    }

    pub(crate) fn node(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    pub(crate) fn supervisor(&mut self, number: u32) -> &mut Supervisor {
        &mut self.supervisors[number as usize]
    }

    /// The number of the supervisor of that name.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let found = self.supervisors.iter().position(|it| &*it.name == name);
        found.map(|number| number as u32)
    }

    /// Puts an isolate under a supervisor, behind those that are there.
    pub(crate) fn adopt(
        &mut self,
        desk: u32,
        parent: u32,
        restart: Restart,
        fixed: bool,
        name: u32,
    ) {
        self.nodes[desk as usize] = Node {
            restart,
            fixed,
            name,
            ..ALONE
        };
        self.append(desk, parent);
    }

    /// Puts a node behind the other children of a supervisor.
    pub(crate) fn append(&mut self, node: u32, parent: u32) {
        let last = std::mem::replace(&mut self.supervisors[parent as usize].last, node);
        if last == NONE {
            self.supervisors[parent as usize].first = node;
        } else {
            self.nodes[last as usize].next = node;
        }
        let links = &mut self.nodes[node as usize];
        links.parent = parent;
        links.previous = last;
        links.next = NONE;
    }

    /// Takes an isolate out of the tree.
    pub(crate) fn remove(&mut self, desk: u32) {
        let links = std::mem::replace(&mut self.nodes[desk as usize], ALONE);
        let supervisor = &mut self.supervisors[links.parent as usize];
        if links.previous == NONE {
            supervisor.first = links.next;
        }
        if links.next == NONE {
            supervisor.last = links.previous;
        }
        if links.previous != NONE {
            self.nodes[links.previous as usize].next = links.next;
        }
        if links.next != NONE {
            self.nodes[links.next as usize].previous = links.previous;
        }
    }

    /// How often each desk stands in the tree; what is wrong with its links.
    pub(crate) fn audit(&self) -> Result<Vec<u32>, String> {
        let mut places = vec![0; self.desk_count as usize];
        for (number, supervisor) in self.supervisors.iter().enumerate() {
            let (mut node, mut before) = (supervisor.first, NONE);
            let mut left = self.nodes.len();
            while node != NONE {
                let links = &self.nodes[node as usize];
                if links.parent != number as u32 || links.previous != before || left == 0 {
                    return Err(format!(
                        "node {node} is badly linked under {}",
                        supervisor.name
                    ));
                }
                if let Some(place) = places.get_mut(node as usize) {
                    *place += 1;
                }
                left -= 1;
                before = node;
                node = links.next;
            }
            if supervisor.last != before {
                return Err(format!("the last child of {} is another", supervisor.name));
            }
        }
        Ok(places)
    }

    pub(crate) fn first(&self, supervisor: u32) -> u32 {
        self.supervisors[supervisor as usize].first
    }

    pub(crate) fn last(&self, supervisor: u32) -> u32 {
        self.supervisors[supervisor as usize].last
    }

    pub(crate) fn next(&self, node: u32) -> u32 {
        self.nodes[node as usize].next
    }

    pub(crate) fn previous(&self, node: u32) -> u32 {
        self.nodes[node as usize].previous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_in_a_sliding_window() {
        let mut recent = Recent::new(Budget {
            restarts: 3,
            window: Duration::from_nanos(100),
        });
        let allowed = [0, 10, 20, 30, 99, 100, 101, 110, 119, 120].map(|now| recent.allows(now));
        let expected = [
            true, true, true, false, false, true, false, true, false, true,
        ];
        assert_eq!(allowed, expected);
        let mut none = Recent::new(Budget {
            restarts: 0,
            window: Duration::from_secs(1),
        });
        assert!(!none.allows(5));
    }

    #[test]
    fn children_stand_in_order_and_may_leave_from_anywhere() {
        let plan = SupervisorPlan {
            name: "root",
            strategy: Strategy::OneForOne,
            budget: Budget::default(),
            backoff: Backoff::default(),
        };
        let mut tree = Tree::new(5, 2);
        let root = tree.add(&plan);
        let inner = tree.add(&plan);
        tree.append(tree.node_of(inner), root);
        for desk in [4, 0, 2] {
            tree.adopt(desk, root, Restart::Permanent, false, NONE);
        }
        let children = |tree: &Tree| {
            let mut list = Vec::new();
            let mut node = tree.first(root);
            while node != NONE {
                list.push(node);
                node = tree.next(node);
            }
            list
        };
        let inner_node = tree.node_of(inner);
        assert_eq!(children(&tree), [inner_node, 4, 0, 2]);
        tree.remove(0);
        assert_eq!(children(&tree), [inner_node, 4, 2]);
        tree.remove(2);
        assert_eq!(tree.last(root), 4);
        tree.adopt(1, root, Restart::Temporary, false, NONE);
        assert_eq!(children(&tree), [inner_node, 4, 1]);
        assert_eq!(tree.supervisor_of(inner_node), Some(inner));
        assert_eq!(tree.supervisor_of(4), None);
    }
}
