//! A look at a machine while it runs: between two epochs, when somebody asks for it.

use super::hart::Hart;
use crate::design::Design;
use tina_engine::{InstanceResults, ResultValue};

/// What is seen of a machine where it stands.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What runs.
    pub design: &'a Design,
    /// Base-clock cycles run.
    pub cycle: u64,
    /// Results of every instance that reports any.
    pub instances: &'a [InstanceResults],
    /// The totals of the netlist.
    pub totals: &'a [(String, ResultValue)],
    /// Instances that execute instructions.
    pub harts: &'a [Hart],
}

/// Somebody who looks at a machine now and then; it pauses only when they want to, and the result is the same.
pub trait Onlooker {
    /// Whether they want to look; asked some ten times a second.
    fn wants(&self) -> bool;
    /// Here it is.
    fn show(&self, view: &View<'_>);
}
