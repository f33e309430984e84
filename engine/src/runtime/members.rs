//! Who is there from the start: isolates and supervisors of a boot specification.

use super::core::Core;
use super::isolate::Isolate;
use super::log::Level;
use super::mail::NONE;
use super::nursery::Nursery;
use super::tree::{Backoff, Budget, ROOT, Restart, Strategy, SupervisorPlan, Tree};
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What a child starts from, whatever its type.
pub(crate) trait AnySeed: Send + Sync {
    fn isolate(&self) -> TypeId;
    fn kind_name(&self) -> &'static str;
    fn plant(&self, shard: usize, slot: usize, nursery: &mut dyn Any);
}

struct Seed<I, F> {
    init: F,
    isolate: PhantomData<fn(I)>,
}

impl<I: Isolate, F: Fn(usize) -> I::Init + Send + Sync> AnySeed for Seed<I, F> {
    fn isolate(&self) -> TypeId {
        TypeId::of::<I>()
    }
    fn kind_name(&self) -> &'static str {
        I::KIND
    }
    fn plant(&self, shard: usize, slot: usize, nursery: &mut dyn Any) {
        let nursery = nursery.downcast_mut::<Nursery<I>>();
        let nursery = nursery.expect("the nursery of the seed's kind");
        drop(nursery.clear(slot));
        drop(nursery.plant(slot, (self.init)(shard)));
    }
}

/// An isolate that is there from the start.
#[derive(Clone)]
pub struct Child {
    pub(crate) seed: Arc<dyn AnySeed>,
    restart: Restart,
    pub(crate) name: Option<String>,
}

impl Child {
    /// An isolate that starts from `init`.
    #[must_use]
    pub fn new<I: Isolate>(init: I::Init) -> Self
    where
        I::Init: Sync,
    {
        Self::with::<I>(move |_| init.clone())
    }

    /// An isolate that starts from what `init` says for its shard.
    #[must_use]
    pub fn with<I: Isolate>(init: impl Fn(usize) -> I::Init + Send + Sync + 'static) -> Self {
        Self {
            seed: Arc::new(Seed::<I, _> {
                init,
                isolate: PhantomData,
            }),
            restart: Restart::Permanent,
            name: None,
        }
    }

    /// When it is started again; [`Restart::Permanent`] unless said otherwise.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// A name under which anybody finds it, in whatever generation. `{shard}` in it stands for the
    /// number of the shard.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

#[derive(Clone)]
pub(crate) enum Member {
    Child(Child),
    Supervisor(SupervisorSpec),
}

/// A supervisor and who stands under it, in the order in which they are started.
#[derive(Clone)]
pub struct SupervisorSpec {
    pub(crate) name: String,
    strategy: Strategy,
    pub(crate) budget: Budget,
    backoff: Backoff,
    members: Vec<Member>,
}

impl SupervisorSpec {
    /// A supervisor without anybody under it.
    #[must_use]
    pub fn new(name: impl Into<String>, strategy: Strategy) -> Self {
        Self {
            name: name.into(),
            strategy,
            budget: Budget::default(),
            backoff: Backoff::default(),
            members: Vec::new(),
        }
    }

    /// How often it may start children again.
    #[must_use]
    pub fn budget(mut self, restarts: u32, window: Duration) -> Self {
        self.budget = Budget { restarts, window };
        self
    }

    /// How long it waits before.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff { first, longest };
        self
    }

    /// Adds an isolate.
    #[must_use]
    pub fn child(mut self, child: Child) -> Self {
        self.members.push(Member::Child(child));
        self
    }

    /// Adds a supervisor.
    #[must_use]
    pub fn supervisor(mut self, supervisor: Self) -> Self {
        self.members.push(Member::Supervisor(supervisor));
        self
    }

    pub(crate) fn supervisor_count(&self) -> usize {
        let inner = self.members.iter().map(|member| match member {
            Member::Child(_) => 0,
            Member::Supervisor(supervisor) => supervisor.supervisor_count(),
        });
        1 + inner.sum::<usize>()
    }

    pub(crate) fn visit(&self, visit: &mut impl FnMut(&Self, Option<&Child>)) {
        visit(self, None);
        for member in &self.members {
            match member {
                Member::Child(child) => visit(self, Some(child)),
                Member::Supervisor(inner) => inner.visit(visit),
            }
        }
    }

    fn plan(&self) -> SupervisorPlan<'_> {
        SupervisorPlan {
            name: &self.name,
            strategy: self.strategy,
            budget: self.budget,
            backoff: self.backoff,
        }
    }
}

/// All of one shard that is there from the start.
pub(crate) struct Garden {
    root: SupervisorSpec,
}

impl Garden {
    /// Adds the supervisors to an empty tree, in the order in which [`plant`](Self::plant) meets them.
    pub(crate) fn grow(&self, tree: &mut Tree) {
        fn add(spec: &SupervisorSpec, tree: &mut Tree) {
            tree.add(&spec.plan());
            for member in &spec.members {
                if let Member::Supervisor(inner) = member {
                    add(inner, tree);
                }
            }
        }
        add(self.root(), tree);
    }

    /// A root over these trees on a shard, whose number is written into names.
    pub(crate) fn new(shard: usize, budget: Budget, trees: Vec<SupervisorSpec>) -> Self {
        let mut root = SupervisorSpec::new("root", Strategy::OneForOne);
        root.budget = budget;
        root.members = trees.into_iter().map(Member::Supervisor).collect();
        settle_names(&mut root.members, shard);
        Self { root }
    }

    pub(crate) fn root(&self) -> &SupervisorSpec {
        &self.root
    }

    /// Puts everybody in order into a tree without isolates and gives them desks. Nobody is started yet.
    pub(crate) fn plant(&self, core: &mut Core) {
        fn place(spec: &SupervisorSpec, next: &mut u32, core: &mut Core) {
            let number = *next;
            *next += 1;
            for member in &spec.members {
                match member {
                    Member::Child(child) => place_child(child, number, core),
                    Member::Supervisor(inner) => {
                        core.tree.append(core.tree.node_of(*next), number);
                        place(inner, next, core);
                    }
                }
            }
        }
        fn place_child(child: &Child, parent: u32, core: &mut Core) {
            let kinds = &core.common.kinds;
            let kind = kinds
                .iter()
                .position(|kind| kind.isolate == child.seed.isolate());
            let kind = kind.expect("checked with the specification");
            let shard = usize::from(core.shard);
            let name = child
                .name
                .as_ref()
                .and_then(|name| core.common.names.number(name));
            let Some(desk) = core.take_desk(kind) else {
                let text = format_args!("no slot for {}: all are worn out", child.seed.kind_name());
                return core.log(Level::Error, None, text);
            };
            let slot = (desk - core.kinds[kind].first_desk) as usize;
            let nursery = core.nurseries[kind].as_mut();
            // Code of its own: whoever could not be planted is not started, and its supervisor reacts.
            let plant = AssertUnwindSafe(|| child.seed.plant(shard, slot, nursery));
            if let Err(payload) = catch_unwind(plant) {
                core.log_payload(None, child.seed.kind_name(), payload);
            }
            core.tree
                .adopt(desk, parent, child.restart, true, name.unwrap_or(NONE));
        }
        core.tree.clear();
        let mut next = ROOT;
        place(self.root(), &mut next, core);
    }
}

/// Writes the shard's number into names.
fn settle_names(members: &mut [Member], shard: usize) {
    for member in members {
        match member {
            Member::Child(child) => {
                let name = child.name.take();
                child.name = name.map(|name| name.replace("{shard}", &shard.to_string()));
            }
            Member::Supervisor(inner) => settle_names(&mut inner.members, shard),
        }
    }
}
