//! What a thread outside a runtime can do with it, whether the runtime has threads or is a seeded run.

use super::boot::Runtime;
use super::call::ReplyTo;
use super::claim::CallError;
use super::handle::Address;
use super::refusal::SendError;
use super::seeded::Simulation;
use std::time::Duration;

/// Finds isolates by name, sends to them and asks them: a [`&Runtime`](Runtime), or a
/// [`Simulation`], whose shards then take turns until there is an answer. A library that
/// opens its servers through this runs whole in a seeded run.
pub trait Outside {
    /// Who has a well-known name now, if it takes messages of type `M`.
    fn find<M: 'static>(&self, name: &str) -> Option<Address<M>>;

    /// Sends a message from outside.
    ///
    /// # Errors
    /// As [`Runtime::send`].
    fn send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<(), SendError<M>>;

    /// Asks a question from outside and waits for the answer.
    ///
    /// # Errors
    /// As [`Runtime::call`].
    fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError>;
}

impl Outside for &Runtime {
    fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        Runtime::find(self, name)
    }

    fn send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<(), SendError<M>> {
        Runtime::send(self, to, message)
    }

    fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        Runtime::call(self, to, timeout, ask)
    }
}

impl Outside for Simulation {
    fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        Simulation::find(self, name)
    }

    fn send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<(), SendError<M>> {
        Simulation::send(self, to, message)
    }

    fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        Simulation::call(self, to, timeout, ask)
    }
}

impl<O: Outside> Outside for &mut O {
    fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        O::find(self, name)
    }

    fn send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<(), SendError<M>> {
        O::send(self, to, message)
    }

    fn call<M: Send + 'static, R: Send + 'static>(
        &mut self,
        to: Address<M>,
        timeout: Duration,
        ask: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        O::call(self, to, timeout, ask)
    }
}
