//! The isolate of a UART: listens, serves one client at a time, moves bytes between it and the line.
//!
//! What a client sent stays in its buffer until the line has room for all of it, and no more is received
//! until then: TCP holds the client back. What was printed is received from the line only when the bytes
//! before have been sent: a full line holds the machine back. Without a client what is printed is dropped and
//! counted, as a terminal that is switched off does not remember either.

use super::Port;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tina_engine::HostEnd;
use tina_engine::io::{
    Buffer, Descriptor, ListenOptions, Operation, Outcome, Part, Refusal, SocketOption,
};
use tina_engine::runtime::{Context, Effect, Event, IoEvent, IoId, Isolate, ReplyTo};

/// In flight at once: to accept, to receive, to send; and of a client that is gone the last two.
pub(super) const OPERATIONS: u16 = 5;
/// Open at once: the listener, the client, the one before it, and one that is turned away.
pub(super) const DESCRIPTORS: u32 = 6;

/// What an isolate starts from, and starts from again.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) port: Arc<Port>,
}

pub(super) enum Order {
    /// Listen here.
    Listen(SocketAddr, ReplyTo<Result<SocketAddr, Refusal>>),
    /// Something moved on the line.
    Moved,
}

struct Client {
    socket: Descriptor,
    receiving: Option<IoId>,
    /// It sends no more, but may still read.
    ended: bool,
}

/// Bytes on their way to a client.
struct Sending {
    id: IoId,
    /// The client's; another may have taken its place.
    socket: Descriptor,
    buffer: Buffer,
    length: u64,
}

pub(super) struct Uart {
    port: Arc<Port>,
    client: Option<Client>,
    /// What was received and the line had no room for.
    held: Option<Part>,
    sending: Option<Sending>,
    /// No buffer was free to print from.
    short: bool,
    /// Where it listened before it was started again, and does not yet.
    lost: Option<SocketAddr>,
    stopping: bool,
}

/// How long to wait for what others have: a buffer, the address.
const PAUSE: Duration = Duration::from_millis(5);

/// A client that does not read shall hold the machine back before megabytes wait for it in the host.
const SOCKET_BYTES: u32 = 1 << 16;

/// A timer tells when to look again. Who may not have one more has some that do.
fn look_again(context: &mut Context<'_, Uart>) {
    let _ = context.timer(PAUSE);
}

impl Uart {
    fn listen(address: SocketAddr, context: &mut Context<'_, Self>) -> Result<SocketAddr, Refusal> {
        let mut io = context.io();
        let options = ListenOptions {
            buffer_bytes: SOCKET_BYTES,
            ..ListenOptions::default()
        };
        let listener = io.listen(address, &options)?;
        io.submit(Operation::Accept { listener })?;
        io.local_address(listener)
    }

    fn listen_again(&mut self, context: &mut Context<'_, Self>) {
        if let Some(address) = self.lost {
            match Self::listen(address, context) {
                Ok(_) => self.lost = None,
                Err(_) => look_again(context),
            }
        }
    }

    /// Moves what can be moved, and asks to be told when more can.
    fn pump(&mut self, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let port = self.port.clone();
        let mut line = port.line.lock().expect("nobody panics with a line in hand");
        loop {
            self.give(&mut line, context)?;
            self.print(&mut line, context)?;
            line.want();
            let can_give = self.held.is_some() && line.has_room();
            let can_print = self.sending.is_none() && !self.short && line.has_output();
            if !can_give && !can_print {
                return Ok(());
            }
        }
    }

    /// From the client to the line.
    fn give(&mut self, line: &mut HostEnd, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        if let Some(part) = self.held {
            let count = line.send(context.io().part(part)?) as u32;
            if count < part.length {
                self.held = Some(Part {
                    start: part.start + count,
                    length: part.length - count,
                    ..part
                });
                return Ok(());
            }
            context.io().release(part.buffer)?;
            self.held = None;
        }
        if let Some(client) = &mut self.client
            && client.receiving.is_none()
            && !client.ended
            && !self.stopping
        {
            let socket = client.socket;
            client.receiving = Some(context.io().submit(Operation::Receive { socket })?);
        }
        Ok(())
    }

    /// From the line to the client.
    fn print(
        &mut self,
        line: &mut HostEnd,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Refusal> {
        if self.sending.is_some() || self.short || !line.has_output() {
            return Ok(());
        }
        let Some(client) = &self.client else {
            let mut nowhere = [0; 256];
            let count = line.take(&mut nowhere) as u64;
            self.port.dropped.fetch_add(count, Ordering::Relaxed);
            return Ok(());
        };
        let buffer = match context.io().take_buffer() {
            Err(Refusal::NoBuffer) => {
                self.short = true;
                look_again(context);
                return Ok(());
            }
            taken => taken?,
        };
        let mut io = context.io();
        let count = line.take(io.bytes_mut(buffer)?);
        let from = Part::first(buffer, count as u32);
        let socket = client.socket;
        let id = io.submit(Operation::Send { socket, from })?;
        let length = count as u64;
        self.sending = Some(Sending {
            id,
            socket,
            buffer,
            length,
        });
        Ok(())
    }

    fn welcome(
        &mut self,
        socket: Descriptor,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Refusal> {
        if self.client.as_ref().is_some_and(|client| !client.ended) || self.stopping {
            // One at a time: who comes second is turned away and may come again.
            return context.io().close(socket);
        }
        // One that only reads makes room for one that also writes.
        self.hang_up(context)?;
        // What is typed shall be seen at once; where the host cannot do that, it is seen later.
        let _ = context.io().set_option(socket, SocketOption::NoDelay(true));
        self.client = Some(Client {
            socket,
            receiving: None,
            ended: false,
        });
        Ok(())
    }

    fn hang_up(&mut self, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        match self.client.take() {
            Some(client) => context.io().close(client.socket),
            None => Ok(()),
        }
    }

    fn take_in(&mut self, event: &IoEvent, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        if let Some(sent) = self.sending.take_if(|sending| sending.id == event.id) {
            context.io().release(sent.buffer)?;
            let moved = match event.result {
                Ok(Outcome::Moved(count)) => count,
                Ok(_) | Err(_) => 0,
            };
            if moved < sent.length {
                let lost = sent.length - moved;
                self.port.dropped.fetch_add(lost, Ordering::Relaxed);
                let is_client = |client: &Client| client.socket == sent.socket;
                if self.client.as_ref().is_some_and(is_client) {
                    self.hang_up(context)?;
                }
            }
            return Ok(());
        }
        let is_client = |client: &&mut Client| client.receiving == Some(event.id);
        let client = self.client.as_mut().filter(is_client);
        match (event.result, client) {
            (Ok(Outcome::Opened(socket)), _) => self.welcome(socket, context)?,
            (Ok(Outcome::Received(part)), Some(client)) => {
                client.receiving = None;
                self.held = Some(part);
            }
            // Of a client that is gone, or whose place another took.
            (Ok(Outcome::Received(part)), None) => context.io().release(part.buffer)?,
            (Ok(Outcome::End), Some(client)) => {
                client.receiving = None;
                client.ended = true;
            }
            (Err(_), Some(_)) => self.hang_up(context)?,
            (Ok(_) | Err(_), _) => {}
        }
        Ok(())
    }

    fn obey(
        &mut self,
        event: Event<Order>,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Refusal> {
        match event {
            Event::Message(Order::Listen(address, reply_to)) => {
                let listening = Self::listen(address, context);
                context.reply(reply_to, listening);
            }
            Event::Io(event) => self.take_in(&event, context)?,
            Event::Timer(_) => {
                self.short = false;
                self.listen_again(context);
            }
            Event::Stopping => self.stopping = true,
            _ => {}
        }
        self.pump(context)
    }
}

impl Isolate for Uart {
    const KIND: &'static str = "uart";
    type Message = Order;
    type Init = Start;

    fn start(start: Start, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        // One that is started again listens again, when the host has closed what listened before. What moved
        // meanwhile was told to nobody.
        let lost = start.port.address.get().copied();
        if lost.is_some() {
            look_again(context);
        }
        Ok(Self {
            port: start.port,
            client: None,
            held: None,
            sending: None,
            short: false,
            lost,
            stopping: false,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        match self.obey(event, context) {
            // The last bytes are on their way.
            Ok(()) if self.stopping && self.sending.is_none() && !self.short => Effect::Done,
            Ok(()) => Effect::Receive,
            Err(_) => Effect::Crash("an operation was refused"),
        }
    }
}
