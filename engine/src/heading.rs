//! What a module says of the items at its inputs when stalls are blamed: for which output each waits.
//!
//! From FIFOs alone nobody can tell whether a packet that stays at an input of a router lost its
//! arbitration or waits for an output that is full: that depends on where it goes. A module that knows says
//! so here. It is only asked at edges at which causes are looked for, so saying it costs nothing else.

use crate::port::{In, Out};
use crate::signal::Signal;

/// Where the items at the inputs of a module are to go.
#[derive(Debug)]
pub struct Heading<'a> {
    said: &'a mut Said,
}

/// What a module has said, by the places of its ports in memory.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The item at this input waits for that output.
    wants: Vec<(usize, usize)>,
    /// Outputs for which something is being worked on.
    busy: Vec<usize>,
}

impl Said {
    /// Room for what a module of so many ports may say.
    pub(crate) fn new(ports_max: usize) -> Self {
        Self {
            wants: Vec::with_capacity(ports_max),
            busy: Vec::with_capacity(ports_max),
        }
    }

    /// Forgets what another module has said, and listens.
    pub(crate) fn listen(&mut self) -> Heading<'_> {
        self.wants.clear();
        self.busy.clear();
        Heading { said: self }
    }

    /// The output that the item at an input waits for.
    pub(crate) fn wanted_by(&self, input: usize) -> Option<usize> {
        for &(from, to) in &self.wants {
            if from == input {
                return Some(to);
            }
        }
        None
    }

    /// Whether the module works on something for an output.
    pub(crate) fn is_busy(&self, output: usize) -> bool {
        self.busy.contains(&output)
    }
}

impl Heading<'_> {
    /// The item at `input` can only leave through `output`, or rather wait for it.
    pub fn wants<T: Signal, U: Signal>(&mut self, input: &In<T>, output: &Out<U>) {
        let wants = &mut self.said.wants;
        // A module that says more than it has ports is not listened to any further.
        if wants.len() < wants.capacity() {
            wants.push((input.place(), output.place()));
        }
    }

    /// The module is at work on something that will leave through `output`: if nothing leaves although there
    /// is room, it is not for want of items.
    pub fn busy<T: Signal>(&mut self, output: &Out<T>) {
        let busy = &mut self.said.busy;
        if busy.len() < busy.capacity() {
            busy.push(output.place());
        }
    }
}
