//! Seeded runs: a whole runtime on one thread, whose interleaving, clock, network and disk are drawn from
//! one seed, and in which things go wrong on purpose.
//!
//! ```text
//!            ┌─ draws ── who has the next turn, how time passes, what goes wrong ─┐
//!   seed ────┤                                                                     ▼
//!            └─ World: sockets, disk        Simulation ── turn ──► shard 0, 1, 2 … the very same code
//!                                               │
//!                            after turns: accounts of every shard, and what the user checks
//! ```
//!
//! The same seed, specification and faults give the same execution, event for event, on every machine:
//! [`Simulation::trace_hash`] says so. [`check`] runs a scenario for many seeds inside `cargo test`, makes a
//! failure smaller and prints the line that repeats it.
//!
//! ```
//! use std::time::Duration;
//! use tina_engine::runtime::{
//!     Child, Context, Effect, Event, Isolate, KindLimits, Specification, Strategy, SupervisorSpec,
//! };
//! use tina_engine::seeded::{Faults, Plan, check};
//!
//! struct Sum(u64);
//!
//! impl Isolate for Sum {
//!     const KIND: &'static str = "sum";
//!     type Message = u64;
//!     type Init = ();
//!     fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
//!         Ok(Self(0))
//!     }
//!     fn handle(&mut self, event: Event<u64>, _: &mut Context<'_, Self>) -> Effect {
//!         match event {
//!             Event::Message(number) => self.0 += number,
//!             Event::Stopping => return Effect::Done,
//!             _ => {}
//!         }
//!         Effect::Receive
//!     }
//! }
//!
//! let plan = Plan::new("sums").seeds(0..20).shards(1..=2).faults(Faults::interleaving());
//! check(&plan, |trial| {
//!     let sums = SupervisorSpec::new("sums", Strategy::OneForOne)
//!         .child(Child::new::<Sum>(()).named("sum on {shard}"));
//!     let specification = Specification::new(trial.shard_count());
//!     trial.boot(specification.kind::<Sum>(KindLimits::slots(1)).tree(sums))?;
//!     let sum = trial.find::<u64>("sum on 0").ok_or("nobody is there")?;
//!     for number in 1..=3 {
//!         trial.send(sum, number).map_err(|refused| format!("{refused:?}"))?;
//!     }
//!     let done = trial.run_until(Duration::from_secs(1), |view| {
//!         let mut total = 0;
//!         view.each::<Sum>(|_, sum| total += sum.0);
//!         total == 6
//!     })?;
//!     assert!(done);
//!     Ok(())
//! });
//! ```

mod faults;
mod audit;
mod view;
mod disturbance;
mod simulation;
mod disturb;
mod explore;
#[cfg(test)]
mod tests;

pub use explore::{Plan, Trial, check};
pub use faults::Faults;
pub use simulation::{Exercised, Simulation, Violation};
pub use view::View;
