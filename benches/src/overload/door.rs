//! The server's end of connections: a listener per shard that counts whom it lets in and whom not.

use crate::servers::ours::Connection;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tina_engine::io::{Descriptor, ListenOptions, Operation, Outcome, Refusal};
use tina_engine::runtime::{Context, Effect, Event, Isolate, ReplyTo, Restart};

/// The supervisor of connections.
pub const CONNECTIONS: &str = "connections";

/// Connections that came, on all shards.
#[derive(Debug, Default)]
pub struct Came {
    /// Given to an isolate of their own.
    pub let_in: AtomicU64,
    /// Closed at once, because there was no room.
    pub turned_away: AtomicU64,
}

/// Listen here, and say where it is.
#[derive(Debug)]
pub struct Listen(pub SocketAddr, pub ReplyTo<Result<SocketAddr, Refusal>>);

/// Accepts connections.
pub struct Door(Arc<Came>);

impl Door {
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

    fn open(&self, socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let spawned = context.supervisor(CONNECTIONS).and_then(|supervisor| {
            let spawned = context.spawn_under::<Connection>(supervisor, Restart::Temporary, ());
            spawned.ok()
        });
        let Some(connection) = spawned else {
            self.0.turned_away.fetch_add(1, Ordering::Relaxed);
            return context.io().close(socket);
        };
        self.0.let_in.fetch_add(1, Ordering::Relaxed);
        let socket = context.io().give(socket, connection.handle())?;
        match context.send(connection, socket) {
            Ok(()) => Ok(()),
            // Its mailbox is new.
            Err(_) => Err(Refusal::Stale),
        }
    }
}

impl Isolate for Door {
    const KIND: &'static str = "door";
    type Message = Listen;
    type Init = Arc<Came>;

    fn start(came: Arc<Came>, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self(came))
    }

    fn handle(&mut self, event: Event<Listen>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Listen(address, reply_to)) => {
                let listening = Self::listen(address, context);
                context.reply(reply_to, listening);
            }
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) if self.open(socket, context).is_ok() => {}
                // No descriptor was free for it.
                Err(_) if event.more => {
                    self.0.turned_away.fetch_add(1, Ordering::Relaxed);
                }
                Ok(_) | Err(_) => return Effect::Crash("accepts no more"),
            },
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}
