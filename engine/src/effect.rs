//! What a module asks for when its edge is over.

/// The answer of [`Module::clock`](crate::Module::clock): when to be clocked next.
///
/// Whatever it says, a module may be clocked more often than it asked (`--no-sleep` clocks all of
/// them at every edge), so an edge at which nothing can be done must change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Not before something this module can see changes: an input gains an item, an output that
    /// was full gains room, or the module itself moved an item at this edge.
    Receive,
    /// At the next edge, whatever happens.
    Yield,
    /// That many edges of its own clock from now (0 counts as 1), or as soon as `Receive` would. An
    /// alarm is good for one waking: a module that is woken early asks for the rest again.
    Sleep(u64),
    /// Never again. Its wires stay as they are.
    Done,
    /// The module found itself in a state it cannot go on from; the run ends with its reason.
    Crash(&'static str),
}
