//! Our own servers, as they are compared with others: a process that serves until its standard input ends.

use super::bare;
use super::options::Serve;
use super::wire::{HELLO, Wire};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tina_engine::io::SocketOption;
use tina_engine::io::{
    Descriptor, IoChoice, IoPlan, ListenOptions, Operation, Outcome, Part, Refusal,
};
use tina_engine::runtime::{
    Address, Child, Context, Effect, Event, Isolate, KindLimits, Level, ReplyTo, Restart, Runtime,
    Specification, Strategy, SupervisorSpec,
};
use tina_http::{Action, Limits, Routes, Server};

const PATIENCE: Duration = Duration::from_secs(10);
/// Connections of a shard.
const CONNECTIONS: usize = 4096;

/// Serves until the standard input ends.
///
/// # Errors
/// The runtime cannot be booted, or there is no such server of our own.
pub fn serve(options: &Serve) -> Result<(), Box<dyn Error>> {
    match (options.wire, options.back_end.choice()) {
        (Wire::Echo, Some(choice)) => echo(options, choice),
        (Wire::Echo, None) => bare::serve(),
        (Wire::Http, Some(choice)) => http(options, choice),
        (Wire::Http, None) => Err("a bare loop serves echo alone".into()),
        (Wire::Kv, _) => Err("a key-value store of our own is not measured here".into()),
    }
}

fn until_the_end(runtime: &mut Runtime, address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening {address}")?;
    out.flush()?;
    let _closed_or_broken = std::io::stdin().read_to_end(&mut Vec::new());
    runtime.shutdown(PATIENCE);
    Ok(())
}

fn http(options: &Serve, choice: IoChoice) -> Result<(), Box<dyn Error>> {
    let hello = Action::plain(|_, response| response.body("text/plain", HELLO.as_bytes()));
    let limits = Limits {
        connections: CONNECTIONS,
        ..Limits::default()
    };
    let routes = Routes::new().get("/hello", hello);
    let server = Server::new(options.shards, routes, limits)?;
    let specification = Specification::new(options.shards).io(choice, server.io_plan());
    let mut runtime = Runtime::boot(server.install(specification))?;
    let address = server.open(&runtime, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    until_the_end(&mut runtime, address)
}

fn echo(options: &Serve, choice: IoChoice) -> Result<(), Box<dyn Error>> {
    let limits = |slots, operations| KindLimits {
        operations,
        ..KindLimits::slots(slots)
    };
    let plan = IoPlan {
        descriptor_slots: CONNECTIONS as u32 + 8,
        ..IoPlan::default()
    };
    let tree = SupervisorSpec::new("echo", Strategy::OneForOne)
        .supervisor(SupervisorSpec::new("connections", Strategy::OneForOne))
        .child(Child::new::<Listener>(()).named("listener {shard}"));
    let specification = Specification::new(options.shards)
        .kind::<Listener>(limits(1, 1))
        .kind::<Connection>(limits(CONNECTIONS, 1))
        .io(choice, plan)
        .log(Level::Warning, 1024)
        .tree(tree);
    let mut runtime = Runtime::boot(specification)?;
    let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    for shard in 0..options.shards {
        let listener: Option<Address<Listen>> = runtime.find(&format!("listener {shard}"));
        let listener = listener.ok_or("a listener is missing")?;
        let listening = runtime.call(listener, PATIENCE, |reply| Listen(address, reply))?;
        address = listening?;
    }
    until_the_end(&mut runtime, address)
}

/// Listen here, and say where it is.
struct Listen(SocketAddr, ReplyTo<Result<SocketAddr, Refusal>>);

/// Accepts connections, each for an isolate of its own.
struct Listener;

impl Listener {
    fn listen(address: SocketAddr, context: &mut Context<'_, Self>) -> Result<SocketAddr, Refusal> {
        let options = ListenOptions {
            reuse_port: context.shard_count() > 1,
            ..ListenOptions::default()
        };
        let mut io = context.io();
        let listener = io.listen(address, &options)?;
        io.submit(Operation::Accept { listener })?;
        io.local_address(listener)
    }

    fn serve(socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let spawned = context.supervisor("connections").and_then(|supervisor| {
            let spawned = context.spawn_under::<Connection>(supervisor, Restart::Temporary, ());
            spawned.ok()
        });
        let Some(connection) = spawned else {
            return context.io().close(socket);
        };
        let socket = context.io().give(socket, connection.handle())?;
        // Its mailbox is new, so there is room; if not, it ends without having served anybody.
        let _served = context.send(connection, socket);
        Ok(())
    }
}

impl Isolate for Listener {
    const KIND: &'static str = "listener";
    type Message = Listen;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self)
    }

    fn handle(&mut self, event: Event<Listen>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Listen(address, reply_to)) => {
                let listening = Self::listen(address, context);
                context.reply(reply_to, listening);
            }
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) if Self::serve(socket, context).is_ok() => {}
                Err(_) if event.more => {}
                Ok(_) | Err(_) => return Effect::Crash("accepts no more"),
            },
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// Gives back what it receives, out of the buffer that it came in.
#[derive(Clone, Copy, Debug)]
pub enum Connection {
    /// Its socket is to come, as a message.
    New,
    /// It waits for bytes.
    Receiving(Descriptor),
    /// It sends them.
    Sending(Descriptor, Part),
}

impl Connection {
    fn receive(
        &mut self,
        socket: Descriptor,
        context: &mut Context<'_, Self>,
    ) -> Result<Effect, Refusal> {
        *self = Self::Receiving(socket);
        context.io().submit(Operation::Receive { socket })?;
        Ok(Effect::Io)
    }

    fn go_on(
        &mut self,
        event: Event<Descriptor>,
        context: &mut Context<'_, Self>,
    ) -> Result<Effect, Refusal> {
        let outcome = match event {
            Event::Message(socket) => {
                context
                    .io()
                    .set_option(socket, SocketOption::NoDelay(true))?;
                return self.receive(socket, context);
            }
            Event::Io(event) => event.result,
            Event::Stopping => return Ok(Effect::Done),
            _ => return Ok(Effect::Receive),
        };
        match (*self, outcome) {
            (Self::Receiving(socket), Ok(Outcome::Received(from))) => {
                *self = Self::Sending(socket, from);
                context.io().submit(Operation::Send { socket, from })?;
                Ok(Effect::Io)
            }
            (Self::Sending(socket, part), Ok(Outcome::Moved(_))) => {
                context.io().release(part.buffer)?;
                self.receive(socket, context)
            }
            // The peer has closed its end, or is gone.
            _ => Ok(Effect::Done),
        }
    }
}

impl Isolate for Connection {
    const KIND: &'static str = "connection";
    type Message = Descriptor;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self::New)
    }

    fn handle(&mut self, event: Event<Descriptor>, context: &mut Context<'_, Self>) -> Effect {
        let effect = self.go_on(event, context);
        effect.unwrap_or(Effect::Crash("an operation was refused"))
    }
}
