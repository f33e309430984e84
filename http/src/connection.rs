//! A connection: an isolate that reads requests, has them answered, and writes the responses in order.
//!
//! ```text
//!            ┌──────────────────── the next request ────────────────────┐
//!            ▼                                                          │
//!   Head ──whole──► Body ──whole──► handler ──► Asking ──reply──► response sent
//!     │                                │──► Streaming, Content ─────────┤
//!     └─────────── refused ───────────►└──────────► Closing ◄───────────┘ or closes
//!                                                      └──► Lingering ──► over
//! ```
//!
//! It advances as far as it can: through all requests that have arrived, into one buffer, which is then
//! sent; nothing is written while a buffer is being sent, so that whoever reads slowly is served slowly
//! and holds one buffer. Whatever it holds is gone when it ends, however it ends.

mod alarm;
mod window;
mod output;
mod body;
mod upload;
pub(crate) mod file;
mod answer;

use crate::counters::{Counters, HttpCounter};
use crate::response::{Content, End, Rules};
use crate::scan::Scan;
use crate::site::Site;
use crate::status::Status;
use crate::wake::Order;
use alarm::Alarm;
use body::Collecting;
use file::FileStage;
use output::Output;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::io::{Descriptor, Half, Operation, Outcome, Refusal, SocketOption};
use tina_engine::runtime::{
    Context, Directory, Effect, Event, IoEvent, IoId, Isolate, Level, QuotaUsedUp, Reply,
};
use upload::Upload;
use window::Window;

/// A connection of a server. It is spawned by the server's listener and by nobody else.
pub(crate) struct Connection {
    site: Arc<Site>,
    directory: Directory,
    shard: usize,
    socket: Option<Descriptor>,
    peer: Option<SocketAddr>,
    window: Window,
    output: Output,
    scan: Scan,
    phase: Phase,
    /// Of the response at hand.
    rules: Rules,
    action: usize,
    receiving: Option<IoId>,
    alarm: Alarm,
    is_stopping: bool,
    /// The peer sends no more.
    input_ended: bool,
    /// What the isolate ends with, instead of having done its work.
    crash: Option<&'static str>,
}

enum Phase {
    /// A request is awaited, or arriving.
    Head {
        due: Option<Duration>,
        has_begun: bool,
    },
    /// The body of a request is arriving that is handed over as a whole.
    Collecting(Collecting),
    /// The body of a request is arriving, and is taken as it does.
    Uploading(Upload),
    /// An isolate has been asked. Its reply waits here until what was written before has been sent.
    Asking(Option<Reply>),
    /// A file is sent.
    File {
        stage: FileStage,
        content_type: &'static str,
    },
    /// A body is written bit by bit.
    Streaming {
        state: tina_engine::runtime::Parcel,
        end: End,
    },
    /// The rest of a body that is there.
    Content { content: Content, at: usize },
    /// A refusal is to be written as soon as there is room.
    Refusing(Status),
    /// The last response is on its way.
    Closing,
    /// The peer is to read it and close.
    Lingering,
}

/// How a step ends.
enum Step {
    /// There may be more to do.
    Again,
    /// Bytes must arrive first.
    Input,
    /// What was written must be sent first.
    Flush,
    /// Somebody else must do something first.
    Wait,
    /// An operation that uses the output must end first.
    Rest,
}

/// Why a connection is over.
enum Over {
    Done,
    NoBuffer,
    Crash(&'static str),
}

impl From<Refusal> for Over {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoBuffer => Self::NoBuffer,
            // The peer has reset the connection before it was told so.
            Refusal::System(_) => Self::Done,
            _ => Self::Crash("an operation was refused"),
        }
    }
}

impl From<QuotaUsedUp> for Over {
    fn from(_: QuotaUsedUp) -> Self {
        Self::Crash("there is no timer")
    }
}

const NEXT_REQUEST: Phase = Phase::Head {
    due: None,
    has_begun: false,
};

impl Isolate for Connection {
    const KIND: &'static str = "http.connection";
    type Message = Order;
    type Init = Arc<Site>;

    fn start(site: Arc<Site>, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let body_max = site.limits.response_bytes as usize;
        Ok(Self {
            site,
            directory: context.directory(),
            shard: context.shard(),
            socket: None,
            peer: None,
            window: Window::default(),
            output: Output::default(),
            scan: Scan::default(),
            phase: NEXT_REQUEST,
            rules: Rules {
                is_head: false,
                keep_alive: true,
                minor: 1,
                body_max,
            },
            action: 0,
            receiving: None,
            alarm: Alarm::default(),
            is_stopping: false,
            input_ended: false,
            crash: None,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        let handled = self.take_in(event, context);
        let advanced = handled.and_then(|()| self.advance(context));
        match advanced {
            Ok(()) => Effect::Receive,
            Err(over) => self.end(over),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counters().count(HttpCounter::Closed);
    }
}

impl Connection {
    fn counters(&self) -> &Counters {
        &self.site.counters[self.shard]
    }

    fn end(&mut self, over: Over) -> Effect {
        match over {
            Over::NoBuffer => self.counters().count(HttpCounter::NoBuffer),
            Over::Crash(reason) => return Effect::Crash(reason),
            Over::Done => {}
        }
        self.crash.map_or(Effect::Done, Effect::Crash)
    }

    fn take_in(
        &mut self,
        event: Event<Order>,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Over> {
        match event {
            Event::Message(Order::Serve(socket)) => {
                self.socket = Some(socket);
                let mut io = context.io();
                io.set_option(socket, SocketOption::NoDelay(true))?;
                self.peer = io.peer_address(socket).ok();
            }
            Event::Io(event) if Some(event.id) == self.receiving => {
                self.receiving = None;
                self.received(event, context)?;
            }
            Event::Io(event) if !self.output.is_sending_as(event.id) => {
                self.file_event(&event, context)?;
                self.alarm.due = None;
            }
            Event::Io(event) => {
                self.output.sent(&event, context.io())?;
                self.alarm.due = None;
            }
            Event::Reply(reply) => {
                if let Phase::Asking(awaited) = &mut self.phase {
                    *awaited = Some(reply);
                }
            }
            Event::Timer(_) => {
                if self.alarm.rings(context.now()) {
                    self.expire()?;
                }
            }
            Event::Stopping => self.is_stopping = true,
            // A wake has the stream asked again, which is what happens now.
            Event::Message(Order::Wake)
            | Event::Resumed
            | Event::Refused(_)
            | Event::Down(_)
            | Event::Peer { .. } => {}
        }
        Ok(())
    }

    fn received(&mut self, event: IoEvent, context: &mut Context<'_, Self>) -> Result<(), Over> {
        match event.result {
            Ok(Outcome::Received(part)) => {
                let bytes = u64::from(part.length);
                self.counters().add(HttpCounter::BytesReceived, bytes);
                if matches!(self.phase, Phase::Closing | Phase::Lingering) {
                    context.io().release(part.buffer)?;
                } else {
                    self.window.append(part, &mut context.io())?;
                }
                Ok(())
            }
            Ok(_) => {
                self.input_ended = true;
                Ok(())
            }
            Err(_) => Err(Over::Done),
        }
    }

    /// A deadline is over.
    fn expire(&mut self) -> Result<(), Over> {
        self.alarm.due = None;
        match self.phase {
            // It has waited long enough, and asks again.
            Phase::Streaming { .. } if !self.output.is_sending() => return Ok(()),
            Phase::Lingering => return Err(Over::Done),
            _ => {}
        }
        self.counters().count(HttpCounter::Expired);
        let is_late = match self.phase {
            Phase::Head { has_begun, .. } => has_begun,
            Phase::Collecting(_) | Phase::Uploading(_) => true,
            _ => false,
        };
        if !is_late || self.output.is_sending() {
            return Err(Over::Done);
        }
        self.phase = Phase::Refusing(Status::REQUEST_TIMEOUT);
        Ok(())
    }

    /// Goes on until something must happen first.
    fn advance(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        if self.socket.is_none() {
            return if self.is_stopping {
                Err(Over::Done)
            } else {
                Ok(())
            };
        }
        while !self.output.is_sending() {
            match self.step(context)? {
                Step::Again => {}
                Step::Flush => self.flush(context)?,
                Step::Input => {
                    if self.window.refill(&mut context.io())? {
                        continue;
                    }
                    if self.input_ended {
                        // What is not whole will never be.
                        self.phase = Phase::Closing;
                        self.window.clear(&mut context.io())?;
                        continue;
                    }
                    self.flush(context)?;
                    // Until that is sent there is seldom anything to receive, and nothing to do with it.
                    if !self.output.is_sending() {
                        self.receive(context)?;
                    }
                    break;
                }
                Step::Rest => break,
                Step::Wait => {
                    self.flush(context)?;
                    // To be told when the peer goes away.
                    if !self.input_ended && self.window.length() == 0 {
                        self.receive(context)?;
                    }
                    break;
                }
            }
        }
        self.alarm.arm(context)?;
        Ok(())
    }

    fn step(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        match &mut self.phase {
            Phase::Head { .. } => self.read_head(context),
            Phase::Collecting(_) => self.collect(context),
            Phase::Uploading(_) => self.upload(context),
            Phase::Asking(reply) => match reply.take() {
                Some(reply) => self.answer(Ok(reply), context),
                None => Ok(Step::Wait),
            },
            Phase::File { .. } => self.send_file(context),
            Phase::Streaming { .. } => self.stream(context),
            Phase::Content { .. } => self.copy_content(context),
            Phase::Refusing(status) => {
                let status = *status;
                self.refuse(status, context)
            }
            Phase::Closing => self.close(context),
            Phase::Lingering => Ok(Step::Input),
        }
    }

    /// Sends what was written.
    fn flush(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let Some(socket) = self.socket else {
            return Err(Over::Done);
        };
        let bytes = self.output.flush(socket, context.io())?;
        if bytes > 0 {
            self.counters().add(HttpCounter::BytesSent, bytes);
            self.alarm.due = Some(context.now() + self.site.limits.send);
        }
        Ok(())
    }

    fn receive(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let Some(socket) = self.socket else {
            return Err(Over::Done);
        };
        if self.receiving.is_none() {
            self.receiving = Some(context.io().submit(Operation::Receive { socket })?);
        }
        Ok(())
    }

    /// Sends the rest and no more, and waits for the peer to close: closing at once would reset the
    /// connection if anything of the peer's is unread, and the response might be lost.
    fn close(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        if self.output.length() > 0 {
            return Ok(Step::Flush);
        }
        self.window.clear(&mut context.io())?;
        let Some(socket) = self.socket else {
            return Err(Over::Done);
        };
        if self.input_ended {
            return Err(Over::Done);
        }
        context.io().shut(socket, Half::Write)?;
        self.phase = Phase::Lingering;
        self.alarm.due = Some(context.now() + self.site.limits.linger);
        Ok(Step::Input)
    }

    /// A handler has panicked: this connection is not trusted any further.
    #[cold]
    fn panicked(&mut self, payload: &(dyn std::any::Any + Send), context: &mut Context<'_, Self>) {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("without a message");
        context.log(Level::Error, format_args!("a handler panicked: {text}"));
        self.counters().count(HttpCounter::Panicked);
        self.crash = Some("a handler panicked");
    }
}
