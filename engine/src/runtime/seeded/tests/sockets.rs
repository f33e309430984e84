//! Isolates that talk over sockets of the simulated world: what arrives is what was sent, in order and
//! once, or the connection is over.

use super::super::*;
use crate::io::{
    Descriptor, Half, IoChoice, IoPlan, ListenOptions, NetworkFaults, Operation, Outcome, Part,
    Ratio, Refusal,
};
use crate::runtime::{
    Address, Child, Context, Effect, Event, Isolate, KindLimits, Restart, Specification, Strategy,
    SupervisorSpec,
};
use std::net::SocketAddr;
use std::time::Duration;

const PORT: &str = "10.0.0.1:7007";
/// Bytes a client sends.
const BYTES: u32 = 20_000;

fn address() -> SocketAddr {
    PORT.parse().unwrap()
}

/// The byte at a place of a client's stream.
fn byte(at: u32) -> u8 {
    (at.wrapping_mul(2_654_435_761) >> 13) as u8
}

/// Accepts, and gives each connection to an isolate of its own.
struct Listener;

impl Isolate for Listener {
    const KIND: &'static str = "listener";
    type Message = ();
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let options = ListenOptions {
            reuse_port: true,
            ..ListenOptions::default()
        };
        let mut io = context.io();
        let listener = io.listen(address(), &options).map_err(|_| "taken")?;
        io.submit(Operation::Accept { listener })
            .map_err(|_| "full")?;
        Ok(Self)
    }

    fn handle(&mut self, event: Event<()>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) => match serve(socket, context) {
                    Ok(()) => Effect::Receive,
                    Err(_) => Effect::Crash("a connection could not be passed on"),
                },
                Err(_) if event.more => Effect::Receive,
                _ => Effect::Crash("accepts no more"),
            },
            Event::Stopping => Effect::Done,
            _ => Effect::Receive,
        }
    }
}

fn serve(socket: Descriptor, context: &mut Context<'_, Listener>) -> Result<(), Refusal> {
    let supervisor = context
        .supervisor("connections")
        .expect("there from the start");
    match context.spawn_under::<Echo>(supervisor, Restart::Temporary, ()) {
        Ok(echo) => {
            let socket = context.io().give(socket, echo.handle())?;
            let _served = context.send(echo, socket);
            Ok(())
        }
        Err(_) => context.io().close(socket),
    }
}

/// Sends back what it receives, and ends when its peer has.
struct Echo {
    socket: Option<Descriptor>,
    part: Option<Part>,
}

impl Isolate for Echo {
    const KIND: &'static str = "echo";
    type Message = Descriptor;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            socket: None,
            part: None,
        })
    }

    fn handle(&mut self, event: Event<Descriptor>, context: &mut Context<'_, Self>) -> Effect {
        let result = match event {
            Event::Message(socket) => {
                self.socket = Some(socket);
                context.io().submit(Operation::Receive { socket })
            }
            Event::Io(event) => {
                let socket = self.socket.expect("it has one before it receives");
                match event.result {
                    Ok(Outcome::Received(part)) => {
                        self.part = Some(part);
                        context.io().submit(Operation::Send { socket, from: part })
                    }
                    Ok(Outcome::Moved(count))
                        if self.part.is_some_and(|it| u64::from(it.length) == count) =>
                    {
                        let part = self.part.take().expect("looked at just now");
                        context.io().release(part.buffer).expect("it is its own");
                        context.io().submit(Operation::Receive { socket })
                    }
                    _ => return Effect::Done,
                }
            }
            Event::Stopping => return Effect::Done,
            _ => return Effect::Receive,
        };
        result.map_or(Effect::Crash("refused"), |_| Effect::Receive)
    }
}

/// Sends bytes and looks at what comes back, again and again until all have come back on one connection.
struct Client {
    socket: Option<Descriptor>,
    sent: u32,
    part: Option<Part>,
    received: u32,
    is_done: bool,
}

impl Client {
    fn connect(&mut self, context: &mut Context<'_, Self>) -> Effect {
        (self.socket, self.sent, self.received) = (None, 0, 0);
        let connect = Operation::Connect { to: address() };
        match context.io().submit_within(Duration::from_secs(1), connect) {
            Ok(_) => Effect::Receive,
            Err(_) => Effect::Crash("cannot connect"),
        }
    }

    fn send(&mut self, socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let mut io = context.io();
        if self.sent == BYTES {
            return io.shut(socket, Half::Write);
        }
        let count = (BYTES - self.sent).min(1500);
        let bytes: Vec<u8> = (self.sent..self.sent + count).map(byte).collect();
        let part = io.take_filled(&bytes)?;
        self.part = Some(part);
        self.sent += count;
        io.submit(Operation::Send { socket, from: part })
            .map(|_| ())
    }

    fn go_on(
        &mut self,
        outcome: Outcome,
        context: &mut Context<'_, Self>,
    ) -> Result<bool, Refusal> {
        match outcome {
            Outcome::Opened(socket) => {
                self.socket = Some(socket);
                self.send(socket, context)?;
                context.io().submit(Operation::Receive { socket })?;
            }
            Outcome::Moved(_) => {
                let part = self.part.take().expect("it sends one part at a time");
                context.io().release(part.buffer)?;
                self.send(self.socket.expect("connected"), context)?;
            }
            Outcome::Received(part) => {
                for &got in context.io().part(part)? {
                    assert_eq!(got, byte(self.received), "byte {}", self.received);
                    self.received += 1;
                }
                context.io().release(part.buffer)?;
                let socket = self.socket.expect("connected");
                context.io().submit(Operation::Receive { socket })?;
            }
            Outcome::End => {
                self.is_done = self.received == BYTES;
                return Ok(self.is_done);
            }
            other => panic!("{other:?}"),
        }
        Ok(true)
    }
}

impl Isolate for Client {
    const KIND: &'static str = "client";
    type Message = ();
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let mut client = Self {
            socket: None,
            sent: 0,
            part: None,
            received: 0,
            is_done: false,
        };
        match client.connect(context) {
            Effect::Receive => Ok(client),
            _ => Err("cannot connect"),
        }
    }

    fn handle(&mut self, event: Event<()>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Io(event) => match event.result.map(|outcome| self.go_on(outcome, context)) {
                Ok(Ok(true)) => Effect::Receive,
                // Whatever went wrong, what it holds goes with it; its supervisor starts it again.
                _ => Effect::Crash("the connection is over"),
            },
            Event::Stopping => Effect::Done,
            _ => Effect::Receive,
        }
    }
}

fn specification(trial: &Trial) -> Specification {
    let limits = |slots, operations| KindLimits {
        operations,
        ..KindLimits::slots(slots)
    };
    let patient = |tree: SupervisorSpec| tree.budget(1_000_000, Duration::from_secs(1));
    let echo = patient(SupervisorSpec::new("echo", Strategy::OneForOne))
        .supervisor(patient(SupervisorSpec::new(
            "connections",
            Strategy::OneForOne,
        )))
        .backoff(Duration::from_micros(100), Duration::from_millis(20))
        .child(Child::new::<Listener>(()));
    let clients = patient(SupervisorSpec::new("clients", Strategy::OneForOne))
        .backoff(Duration::from_micros(100), Duration::from_millis(20))
        .child(Child::new::<Client>(()).named("client on {shard}"));
    let plan = IoPlan {
        owner_places: 32,
        operation_slots: 64,
        descriptor_slots: 40,
        receive_buffers: 8,
        receive_bytes: 1024,
        transfer_buffers: 8,
        transfer_bytes: 2048,
        helper_threads: 1,
    };
    Specification::new(trial.shard_count())
        .kind::<Listener>(limits(1, 1))
        .kind::<Echo>(limits(16, 2))
        .kind::<Client>(limits(1, 3))
        .io(IoChoice::Auto, plan)
        .seed(trial.seed())
        .tree(echo)
        .tree(clients)
}

fn echo(trial: &mut Trial) -> Result<(), Box<dyn std::error::Error>> {
    trial.boot(specification(trial))?;
    trial.run_for(Duration::from_millis(100))?;
    trial.calm();
    for shard in 0..trial.shard_count() {
        trial.revive(shard);
    }
    let all_done = |view: &View<'_>| {
        let mut done = 0;
        view.each::<Client>(|_: Address<()>, client| done += usize::from(client.is_done));
        done == view.shard_count()
    };
    if !trial.run_until(Duration::from_secs(60), all_done)? {
        return Err("a client never gets its bytes back".into());
    }
    trial.shutdown(Duration::from_secs(1))?;
    Ok(())
}

#[test]
fn what_comes_back_is_what_was_sent() {
    let mut faults = Faults::harsh();
    faults.world.network = NetworkFaults {
        bandwidth: 2_000,
        reset: Ratio::one_in(60),
        ..faults.world.network
    };
    let plan = Plan::new("echo").seeds(0..15).shards(1..=3).faults(faults);
    let exercised = check(&plan, echo);
    let world = exercised.world;
    for (what, count) in [
        ("connections", world.connection_count),
        ("parts", world.partial_count),
        ("resets", world.reset_count),
        ("refusals", world.refused_count),
        ("repeats", world.resent_count),
    ] {
        assert!(count > 0, "no {what} in {exercised:?}");
    }
}
