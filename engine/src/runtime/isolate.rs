//! What a reactive isolate is: where it starts from, what reaches it, what it answers.

use super::call::Reply;
use super::context::Context;
use super::io_event::IoEvent;
use super::monitor::Down;
use super::refusal::Refused;
use super::timer::TimerId;
use std::time::Duration;

/// A state machine that wakes on events. It is never run by two threads, never moved to another
/// shard, and never interrupted: between two events its state is its own.
///
/// ```
/// use tina_engine::runtime::{Context, Effect, Event, Isolate};
///
/// /// Adds what it is sent.
/// struct Sum(u64);
///
/// impl Isolate for Sum {
///     const KIND: &'static str = "sum";
///     type Message = u64;
///     type Init = ();
///     fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
///         Ok(Self(0))
///     }
///     fn handle(&mut self, event: Event<u64>, _: &mut Context<'_, Self>) -> Effect {
///         if let Event::Message(number) = event {
///             self.0 += number;
///         }
///         Effect::Receive
///     }
/// }
/// ```
pub trait Isolate: Sized + 'static {
    /// The name of the kind in plans, logs and metrics.
    const KIND: &'static str;
    /// What it can be sent: at most 96 bytes, checked when it is compiled.
    type Message: Send + 'static;
    /// What it starts from. It is kept, and cloned for every restart.
    type Init: Clone + Send + 'static;

    /// Makes the isolate, in its first turn.
    ///
    /// # Errors
    /// When it cannot start; the reason goes to its supervisor and to whoever watches it.
    fn start(init: Self::Init, context: &mut Context<'_, Self>) -> Result<Self, &'static str>;

    /// Handles one event.
    fn handle(&mut self, event: Event<Self::Message>, context: &mut Context<'_, Self>) -> Effect;
}

/// What wakes an isolate. All but messages travel on a plane of their own with room reserved when
/// they were asked for, so that a full mailbox delays none of them.
#[derive(Debug)]
pub enum Event<M> {
    /// Somebody sent this; [`Context::sender`] says who.
    Message(M),
    /// A call of this isolate is over.
    Reply(Reply),
    /// A timer of this isolate ran out.
    Timer(TimerId),
    /// The turn asked for by [`Effect::Yield`], or the end of an [`Effect::Sleep`].
    Resumed,
    /// A message to another shard could not be delivered there; here it is again.
    Refused(Refused),
    /// An operation of this isolate has ended, or has brought something and goes on.
    Io(IoEvent),
    /// A watched isolate has ended.
    Down(Down),
    /// A shard went down or came up; only for who asked ([`Context::watch_peers`]).
    Peer {
        /// Which shard.
        shard: usize,
        /// Whether it is up now.
        up: bool,
    },
    /// The runtime is shutting down: finish and answer [`Effect::Done`] before the time limit.
    Stopping,
}

/// What a handler asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// The next event, whatever it is.
    Receive,
    /// Another turn ([`Event::Resumed`]) after everybody else who is ready had one.
    Yield,
    /// [`Event::Resumed`] after that time. Messages wait until then; other events do not, and end
    /// the sleep.
    Sleep(Duration),
    /// The end of a call. Messages wait until then; other events do not. Who has no call
    /// outstanding would wait for ever: that is a violation and ends the isolate.
    Call,
    /// The end of an operation. Messages wait until then; other events do not. Who has none in flight
    /// would wait for ever: that is a violation and ends the isolate.
    Io,
    /// It has done what it was there for.
    Done,
    /// It found itself in a state it cannot go on from.
    Crash(&'static str),
}
