//! The load of I/O: an echo server on every shard, and callers on the calm ones.

use super::isolates::{CALM, LOCALHOST, LONG, LOOK, Part, SHARDS_MAX};
use super::tally::{one_more, read};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use tina_engine::io::{self, Descriptor, ListenOptions, Operation, Outcome};
use tina_engine::runtime::{Address, Context, Effect, Event, IoEvent, Isolate, ReplyTo, Restart};

pub const LISTENER_NAMES: [&str; SHARDS_MAX] =
    ["listener-0", "listener-1", "listener-2", "listener-3"];

/// Where do you listen?
pub struct Where(pub ReplyTo<SocketAddr>);

/// Accepts connections and gives each to an isolate of its own.
pub struct Listener {
    address: SocketAddr,
}

impl Isolate for Listener {
    const KIND: &'static str = "listener";
    type Message = Where;
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let mut io = context.io();
        let listener = io
            .listen(LOCALHOST, &ListenOptions::default())
            .map_err(|_| "cannot listen")?;
        io.submit(Operation::Accept { listener })
            .map_err(|_| "cannot accept")?;
        let address = io.local_address(listener).map_err(|_| "no address")?;
        Ok(Self { address })
    }

    fn handle(&mut self, event: Event<Where>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Where(to)) => context.reply(to, self.address),
            Event::Io(IoEvent {
                result: Ok(Outcome::Opened(socket)),
                ..
            }) => {
                let supervisor = context.supervisor("connections").expect("it stands beside");
                let spawned = context.spawn_under::<Connection>(supervisor, Restart::Temporary, ());
                let Ok(connection) = spawned else {
                    context.io().close(socket).ok();
                    return Effect::Receive;
                };
                let given = context.io().give(socket, connection.handle());
                if let Ok(socket) = given {
                    context.send(connection, Serve(socket)).ok();
                }
            }
            Event::Io(_) => return Effect::Crash("cannot accept"),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

pub struct Serve(Descriptor);

/// Gives back what it receives.
pub struct Connection {
    socket: Option<Descriptor>,
    echoing: Option<io::Part>,
}

impl Isolate for Connection {
    const KIND: &'static str = "connection";
    type Message = Serve;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            socket: None,
            echoing: None,
        })
    }

    fn handle(&mut self, event: Event<Serve>, context: &mut Context<'_, Self>) -> Effect {
        let next = match event {
            Event::Message(Serve(socket)) => {
                self.socket = Some(socket);
                Operation::Receive { socket }
            }
            Event::Io(event) => match (event.result, self.socket) {
                (Ok(Outcome::Received(from)), Some(socket)) => {
                    self.echoing = Some(from);
                    Operation::Send { socket, from }
                }
                (Ok(Outcome::Moved(_)), Some(socket)) => {
                    if let Some(part) = self.echoing.take() {
                        context.io().release(part.buffer).ok();
                    }
                    Operation::Receive { socket }
                }
                _ => return Effect::Done,
            },
            Event::Stopping => return Effect::Done,
            _ => return Effect::Receive,
        };
        match context.io().submit(next) {
            Ok(_) => Effect::Receive,
            Err(_) => Effect::Done,
        }
    }
}

/// Sends a number to a server and waits for it to come back, over and over.
pub struct Caller {
    part: Part,
    shard: usize,
    state: State,
    sending: Option<io::Part>,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Asking,
    Connecting,
    Waiting(Descriptor),
}

impl Caller {
    fn is_calm(&self) -> bool {
        self.shard < CALM
    }

    /// Finds out where its server is.
    fn begin(&mut self, context: &mut Context<'_, Self>) {
        let listener: Option<Address<Where>> = context.find(LISTENER_NAMES[self.shard]);
        let asked = listener.map(|it| context.call::<Where, SocketAddr>(it, LONG, Where));
        if let Some(Ok(_)) = asked {
            self.change(State::Asking);
        }
    }

    fn change(&mut self, state: State) {
        let busy = &self.part.tally.busy;
        match (self.state == State::Idle, state == State::Idle) {
            (true, false) => one_more(busy),
            (false, true) => {
                busy.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
        self.state = state;
    }

    fn send(&mut self, socket: Descriptor, context: &mut Context<'_, Self>) {
        if !self.part.tally.is_loaded() {
            return self.hang_up(Some(socket), context);
        }
        self.number += 1;
        if self.is_calm() {
            one_more(&self.part.tally.trips);
        }
        let mut io = context.io();
        let from = io.take_filled(&self.number.to_le_bytes());
        let from = from.expect("one buffer at a time is planned");
        self.sending = Some(from);
        match io.submit(Operation::Send { socket, from }) {
            Ok(_) => self.change(State::Waiting(socket)),
            Err(_) => self.hang_up(Some(socket), context),
        }
    }

    fn hang_up(&mut self, socket: Option<Descriptor>, context: &mut Context<'_, Self>) {
        let mut io = context.io();
        if let Some(socket) = socket {
            io.close(socket).ok();
        }
        if let Some(part) = self.sending.take() {
            io.release(part.buffer).ok();
        }
        self.change(State::Idle);
    }

    /// Something has ended in a way that is right only where the server's shard faults.
    fn give_up(&mut self, socket: Option<Descriptor>, context: &mut Context<'_, Self>) {
        if !self.is_calm() {
            one_more(&self.part.tally.broken);
        }
        self.hang_up(socket, context);
    }

    fn take(&mut self, event: IoEvent, context: &mut Context<'_, Self>) {
        match (self.state, event.result) {
            (State::Connecting, Ok(Outcome::Opened(socket))) => self.send(socket, context),
            (State::Waiting(socket), Ok(Outcome::Moved(_))) => {
                if let Some(part) = self.sending.take() {
                    context.io().release(part.buffer).ok();
                }
                let received = context.io().submit(Operation::Receive { socket });
                received.expect("one operation at a time is planned");
            }
            (State::Waiting(socket), Ok(Outcome::Received(part))) => {
                let is_same = context.io().part(part) == Ok(&self.number.to_le_bytes()[..]);
                context.io().release(part.buffer).ok();
                if !is_same {
                    return self.give_up(Some(socket), context);
                }
                let tally = &self.part.tally;
                one_more(if self.is_calm() {
                    &tally.trips_ended
                } else {
                    &tally.trips_doomed
                });
                self.send(socket, context);
            }
            (State::Waiting(socket), _) => self.give_up(Some(socket), context),
            (State::Connecting, _) => self.give_up(None, context),
            // Of what was hung up on.
            (State::Idle | State::Asking, _) => {}
        }
    }
}

impl Isolate for Caller {
    const KIND: &'static str = "caller";
    type Message = ();
    type Init = Part;

    fn start(part: Part, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        context.timer_every(LOOK).map_err(|_| "no timer")?;
        // The first calls the other calm shard, the others those that fault.
        let shard = match part.number {
            0 => (context.shard() + 1) % CALM,
            other => CALM + (other - 1) % (context.shard_count() - CALM),
        };
        Ok(Self {
            part,
            shard,
            state: State::Idle,
            sending: None,
            number: 0,
        })
    }

    fn handle(&mut self, event: Event<()>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Timer(_) if self.state == State::Idle && self.part.tally.is_loaded() => {
                self.begin(context);
            }
            Event::Reply(reply) => {
                let Ok(Ok(to)) = reply.open::<SocketAddr>() else {
                    self.give_up(None, context);
                    return Effect::Receive;
                };
                self.change(State::Connecting);
                if context.io().submit(Operation::Connect { to }).is_err() {
                    self.give_up(None, context);
                }
            }
            Event::Io(event) => self.take(event, context),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// Round trips between calm shards that were begun and have not ended as they should.
pub fn missed_trips(tally: &super::tally::Tally) -> u64 {
    read(&tally.trips) - read(&tally.trips_ended)
}
