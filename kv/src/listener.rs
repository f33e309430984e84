//! The listener of a shard: accepts connections and gives each to an isolate of its own.

use crate::connection::{Connection, Order};
use crate::site::Site;
use std::net::SocketAddr;
use std::sync::Arc;
use tina_engine::io::{Descriptor, ListenOptions, Operation, Outcome, Refusal};
use tina_engine::runtime::{Context, Effect, Event, Isolate, ReplyTo, Restart};

/// The supervisor of the connections of a shard.
pub(crate) const CONNECTIONS: &str = "kv connections";
const BACKLOG: u32 = 1024;

/// What a listener can be told.
pub(crate) enum Listen {
    /// Listen here, and say where it is.
    At(SocketAddr, ReplyTo<Result<SocketAddr, Refusal>>),
    /// Say that you are there: the shard has had a turn then.
    Turn(ReplyTo<()>),
}

pub(crate) struct Listener {
    site: Arc<Site>,
}

impl Listener {
    fn listen(address: SocketAddr, context: &mut Context<'_, Self>) -> Result<SocketAddr, Refusal> {
        let options = ListenOptions {
            backlog: BACKLOG,
            reuse_port: context.shard_count() > 1,
            ..ListenOptions::default()
        };
        let mut io = context.io();
        let listener = io.listen(address, &options)?;
        io.submit(Operation::Accept { listener })?;
        io.local_address(listener)
    }

    /// Spawns an isolate for a connection. One that cannot be served is closed: the peer is told.
    fn serve(&self, socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let spawned = context.supervisor(CONNECTIONS).and_then(|supervisor| {
            let site = self.site.clone();
            let spawned = context.spawn_under::<Connection>(supervisor, Restart::Temporary, site);
            spawned.ok()
        });
        let Some(connection) = spawned else {
            return context.io().close(socket);
        };
        let socket = context.io().give(socket, connection.handle())?;
        // Its mailbox is new, so there is room; if not, it ends without having served anybody.
        let _served = context.send(connection, Order::Serve(socket));
        Ok(())
    }
}

impl Isolate for Listener {
    const KIND: &'static str = "kv.listener";
    type Message = Listen;
    type Init = Arc<Site>;

    fn start(site: Arc<Site>, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        // One that is started again listens where the others do.
        for &address in site.addresses().iter() {
            let again = Self::listen(address, context);
            again.map_err(|_| "the address cannot be had")?;
        }
        Ok(Self { site })
    }

    fn handle(&mut self, event: Event<Listen>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Listen::At(address, reply_to)) => {
                let listening = Self::listen(address, context);
                context.reply(reply_to, listening);
                Effect::Receive
            }
            Event::Message(Listen::Turn(reply_to)) => {
                context.reply(reply_to, ());
                Effect::Receive
            }
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) => match self.serve(socket, context) {
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
