//! An echo server that survives its connections: isolates with sockets, under supervisors.
//!
//! Two shards, each with a listener of its own at one address, over which the kernel spreads
//! connections. A listener accepts with one operation for all connections, and gives each to an isolate
//! of its own, where it is the only thing that a crash can take down. What a connection holds, its
//! socket and its buffer, is gone when its isolate is.
//!
//! Without arguments it serves a chaos client of its own and says what came of it. With an address,
//! `echo_server 127.0.0.1:7007`, it serves there until its input ends; try `nc 127.0.0.1 7007`, and
//! say `crash`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tina_engine::io::{
    Descriptor, IoChoice, IoCounters, IoPlan, ListenOptions, Operation, Outcome, Part, Refusal,
};
use tina_engine::runtime::{
    Address, Child, Context, Counter, Effect, Event, Isolate, KindLimits, Level, ReplyTo, Restart,
    Runtime, Specification, Strategy, SupervisorSpec,
};

const SHARDS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(20);
/// So often it is looked whether all connections are over.
const LOOKS: u32 = 100_000;
/// So long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(60);

/// Accepts connections.
struct Listener {
    address: Option<SocketAddr>,
}

enum Order {
    /// Listen here.
    Listen(SocketAddr, ReplyTo<Option<SocketAddr>>),
    /// How is it?
    Count(ReplyTo<Option<IoCounters>>),
}

impl Listener {
    fn listen(address: SocketAddr, context: &mut Context<'_, Self>) -> Result<SocketAddr, Refusal> {
        let options = ListenOptions {
            reuse_port: true,
            ..ListenOptions::default()
        };
        let mut io = context.io();
        let listener = io.listen(address, &options)?;
        io.submit(Operation::Accept { listener })?;
        io.local_address(listener)
    }

    /// Spawns an isolate for a connection. What cannot be served is closed: the peer is told.
    fn serve(socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let spawned = context.supervisor("connections").and_then(|supervisor| {
            context
                .spawn_under::<Connection>(supervisor, Restart::Temporary, ())
                .ok()
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
    type Message = Order;
    /// Where to listen, once that is known: a listener that is started again listens again.
    type Init = Option<SocketAddr>;

    fn start(
        address: Option<SocketAddr>,
        context: &mut Context<'_, Self>,
    ) -> Result<Self, &'static str> {
        let address = address.map(|address| Self::listen(address, context));
        let address = address
            .transpose()
            .map_err(|_| "the address cannot be had")?;
        Ok(Self { address })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Order::Listen(address, reply_to)) => {
                if self.address.is_none() {
                    self.address = Self::listen(address, context).ok();
                }
                context.reply(reply_to, self.address);
                Effect::Receive
            }
            Event::Message(Order::Count(reply_to)) => {
                let counters = context.io().counters().ok();
                context.reply(reply_to, counters);
                Effect::Receive
            }
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) => match Self::serve(socket, context) {
                    Ok(()) => Effect::Receive,
                    Err(_) => Effect::Crash("a connection could not be passed on"),
                },
                // No room for this one; the next may have more luck.
                Err(_) if event.more => Effect::Receive,
                Ok(_) | Err(_) => Effect::Crash("accepts no more"),
            },
            Event::Stopping => Effect::Done,
            _ => Effect::Receive,
        }
    }
}

/// Gives back what it receives.
enum Connection {
    New,
    Receiving(Descriptor),
    Sending(Descriptor, Part),
}

impl Connection {
    fn receive(
        &mut self,
        socket: Descriptor,
        context: &mut Context<'_, Self>,
    ) -> Result<Effect, Refusal> {
        *self = Self::Receiving(socket);
        let receive = Operation::Receive { socket };
        context.io().submit_within(IDLE, receive)?;
        Ok(Effect::Io)
    }

    fn go_on(
        &mut self,
        outcome: Outcome,
        context: &mut Context<'_, Self>,
    ) -> Result<Effect, Refusal> {
        match (&*self, outcome) {
            (&Self::Receiving(socket), Outcome::Received(part)) => {
                let mut io = context.io();
                if io.part(part)?.starts_with(b"crash") {
                    return Ok(Effect::Crash("the client asked for it"));
                }
                // Out of the very buffer that it came in: nothing is copied.
                *self = Self::Sending(socket, part);
                io.submit_within(IDLE, Operation::Send { socket, from: part })?;
                Ok(Effect::Io)
            }
            (&Self::Sending(socket, part), Outcome::Moved(_)) => {
                context.io().release(part.buffer)?;
                self.receive(socket, context)
            }
            // The peer has closed its end.
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
        let effect = match event {
            Event::Message(socket) => self.receive(socket, context),
            Event::Io(event) => match event.result {
                Ok(outcome) => self.go_on(outcome, context),
                // Reset, or silent for too long.
                Err(_) => Ok(Effect::Done),
            },
            Event::Stopping => Ok(Effect::Done),
            _ => Ok(Effect::Receive),
        };
        effect.unwrap_or(Effect::Crash("an operation was refused"))
    }
}

fn specification() -> Specification {
    let limits = |slots, operations| KindLimits {
        operations,
        ..KindLimits::slots(slots)
    };
    let listener = Child::new::<Listener>(None).named("listener-{shard}");
    let echo = SupervisorSpec::new("echo", Strategy::OneForOne)
        .supervisor(SupervisorSpec::new("connections", Strategy::OneForOne))
        .child(listener);
    Specification::new(SHARDS)
        .kind::<Listener>(limits(1, 1))
        .kind::<Connection>(limits(1000, 1))
        .io(IoChoice::Auto, IoPlan::default())
        .log(Level::Warning, 4096)
        .tree(echo)
}

fn listener(runtime: &Runtime, shard: usize) -> Result<Address<Order>, Box<dyn Error>> {
    let found = runtime.find(&format!("listener-{shard}"));
    found.ok_or_else(|| "a listener is missing".into())
}

/// Has every shard listen at one address, which the first may choose the port of.
fn open(runtime: &Runtime, mut address: SocketAddr) -> Result<SocketAddr, Box<dyn Error>> {
    for shard in 0..SHARDS {
        let to = listener(runtime, shard)?;
        let listening = runtime.call(to, PATIENCE, |reply| Order::Listen(address, reply))?;
        address = listening.ok_or("the address cannot be had")?;
    }
    Ok(address)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut runtime = Runtime::boot(specification())?;
    if let Some(address) = std::env::args().nth(1) {
        println!("echo at {}", open(&runtime, address.parse()?)?);
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    } else {
        let address = open(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        chaos(address)?;
        report(&runtime)?;
    }
    let forced = runtime.shutdown(PATIENCE).forced;
    println!("shut down{}", if forced { ", by force" } else { "" });
    Ok(())
}

/// Two hundred connections, a third of which end in a crash of their isolate, among the rest.
fn chaos(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let connect = |_| {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    let mut clients = (0..200).map(connect).collect::<std::io::Result<Vec<_>>>()?;
    let mut echoed = 0;
    for round in 0..20 {
        for (number, client) in clients.iter_mut().enumerate() {
            if number % 3 == 0 && round == number % 20 {
                client.write_all(b"crash")?;
            } else if number % 3 != 0 || round < number % 20 {
                let said = format!("{number} says {round}");
                client.write_all(said.as_bytes())?;
                let mut heard = vec![0; said.len()];
                client.read_exact(&mut heard)?;
                assert_eq!(heard, said.as_bytes());
                echoed += 1;
            }
        }
    }
    println!("{} connections, {echoed} echoes", clients.len());
    Ok(())
}

/// Waits until every connection is over and says what is left.
fn report(runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let mut left = (0, 0);
    for shard in 0..SHARDS {
        let to = listener(runtime, shard)?;
        for look in 1.. {
            let counters = runtime.call(to, PATIENCE, Order::Count)?.ok_or("no I/O")?;
            // The listener's socket and what it accepts with; connections may still be ending.
            let open = (counters.operations_in_flight, counters.open_descriptors);
            if open == (1, 1) || look == LOOKS {
                left.0 += counters.open_descriptors;
                left.1 += counters.held_buffers;
                break;
            }
            std::thread::yield_now();
        }
    }
    let crashed = runtime.metrics().total(Counter::EndedAbnormally);
    println!(
        "{crashed} isolates crashed; {} descriptors and {} buffers left",
        left.0, left.1
    );
    Ok(())
}
