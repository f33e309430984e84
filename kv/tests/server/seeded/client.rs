//! A client on a simulated socket: one command at a time, each noted with what was told.

use super::history::{Ask, History, Told};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tina_engine::io::{Descriptor, Operation, Outcome, Part, Refusal};
use tina_engine::runtime::{Context, Effect, Event, Isolate};

/// Keys that clients use.
pub const KEYS: usize = 3;
/// How long a client waits for anything before it begins again.
const PATIENCE: Duration = Duration::from_millis(30);

pub struct Client {
    history: Arc<Mutex<History>>,
    socket: Option<Descriptor>,
    /// Number of what it asked last, and what.
    asked: Option<(usize, Ask)>,
    received: Vec<u8>,
    /// What it is sending.
    part: Option<Part>,
}

impl Client {
    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    fn ask(&mut self, socket: Descriptor, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let key = context.random().below(KEYS as u64) as usize;
        let kind = context.random().below(5);
        let now = context.now();
        let mut history = self.history();
        let (ask, command) = match kind {
            0 | 1 => {
                history.next_value += 1;
                let value = history.next_value;
                let text = value.to_string();
                let command = format!(
                    "*3\r\n$3\r\nSET\r\n$2\r\nk{key}\r\n${}\r\n{text}\r\n",
                    text.len()
                );
                (Ask::Set(value), command)
            }
            2 => (Ask::Delete, format!("DEL k{key}\r\n")),
            _ => (Ask::Get, format!("*2\r\n$3\r\nGET\r\n$2\r\nk{key}\r\n")),
        };
        let number = history.ask(key, ask, now);
        drop(history);
        self.asked = Some((number, ask));
        self.received.clear();
        let mut io = context.io();
        let from = io.take_filled(command.as_bytes())?;
        io.submit_within(PATIENCE, Operation::Send { socket, from })?;
        self.part = Some(from);
        io.submit_within(PATIENCE, Operation::Receive { socket })?;
        Ok(())
    }

    /// Takes up what has arrived; true once a whole reply has.
    fn take_up(&mut self, now: Duration) -> Result<bool, &'static str> {
        let Some((number, ask)) = self.asked else {
            return Err("a reply to nothing");
        };
        let text = std::str::from_utf8(&self.received).map_err(|_| "no text")?;
        let Some((line, rest)) = text.split_once("\r\n") else {
            return Ok(false);
        };
        let told = match (ask, line) {
            (Ask::Set(_), "+OK") => Told::Set,
            (Ask::Get, "$-1") => Told::Got(None),
            (Ask::Get, _) if line.starts_with('$') => match rest.split_once("\r\n") {
                None => return Ok(false),
                Some((value, _)) => Told::Got(Some(value.parse().map_err(|_| "no number")?)),
            },
            (Ask::Delete, ":1") => Told::Deleted(true),
            (Ask::Delete, ":0") => Told::Deleted(false),
            (_, _) if line.starts_with('-') => Told::Nothing,
            _ => panic!("{ask:?} is answered {text:?}"),
        };
        if told != Told::Nothing {
            self.history().tell(number, told, now);
        }
        self.asked = None;
        Ok(true)
    }

    fn go_on(
        &mut self,
        outcome: Outcome,
        context: &mut Context<'_, Self>,
    ) -> Result<bool, Refusal> {
        match outcome {
            Outcome::Opened(socket) => {
                self.socket = Some(socket);
                self.ask(socket, context)?;
            }
            Outcome::Received(part) => {
                let bytes = context.io().part(part)?.to_vec();
                context.io().release(part.buffer)?;
                self.received.extend(bytes);
                let socket = self.socket.expect("connected");
                match self.take_up(context.now()) {
                    Ok(true) => {
                        context.timer(Duration::from_micros(50)).ok();
                    }
                    Ok(false) => {
                        context
                            .io()
                            .submit_within(PATIENCE, Operation::Receive { socket })?;
                    }
                    Err(_) => return Ok(false),
                }
            }
            Outcome::Moved(_) => {
                if let Some(part) = self.part.take() {
                    context.io().release(part.buffer)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Isolate for Client {
    const KIND: &'static str = "client";
    type Message = ();
    type Init = (SocketAddr, Arc<Mutex<History>>);

    fn start(
        (to, history): Self::Init,
        context: &mut Context<'_, Self>,
    ) -> Result<Self, &'static str> {
        let connect = Operation::Connect { to };
        let connecting = context.io().submit_within(PATIENCE, connect);
        connecting.map_err(|_| "cannot connect")?;
        Ok(Self {
            history,
            socket: None,
            asked: None,
            received: Vec::new(),
            part: None,
        })
    }

    fn handle(&mut self, event: Event<()>, context: &mut Context<'_, Self>) -> Effect {
        let went_on = match event {
            Event::Io(event) => match event.result {
                Ok(outcome) => self.go_on(outcome, context),
                Err(_) => Ok(false),
            },
            Event::Timer(_) => {
                let socket = self.socket.expect("connected");
                self.ask(socket, context).map(|()| true)
            }
            Event::Stopping => return Effect::Done,
            _ => Ok(true),
        };
        match went_on {
            Ok(true) => Effect::Receive,
            // What it holds goes with it; its supervisor starts it again.
            Ok(false) | Err(_) => Effect::Crash("the connection is over"),
        }
    }
}
