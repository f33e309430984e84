//! A connection: an isolate that takes up what has arrived, asks the owners of keys, and writes replies in
//! order.
//!
//! ```text
//!            ┌───────────── the next round ─────────────┐
//!            ▼                                          │
//!   Reading ──commands──► Asking ──replies are there──► written, sent
//! ```
//!
//! All commands that have arrived are one round: each shard is asked once for all of its keys. Whoever
//! reads slowly is served slowly and holds one buffer. Whatever a connection holds is gone when it ends.

mod input;
mod output;
mod stream;
mod assemble;

use crate::command::{Client, NoRoom, Plan, take_up};
use crate::limits::KV_SHARDS_MAX;
use crate::resp::{Arguments, Frame, ProtocolError, frame};
use crate::round::{Round, Writer};
use crate::site::Site;
use assemble::{Assembled, Assembly};
use input::Input;
use output::Output;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use tina_engine::io::{Descriptor, Half, Operation, Outcome, Refusal, SocketOption};
use tina_engine::runtime::{
    Context, Effect, Event, IoEvent, IoId, Isolate, NoPayload, QuotaUsedUp, TimerId,
};

/// After so long it looks again whether a payload is free.
const AGAIN: Duration = Duration::from_millis(1);
/// The peer has so long to read the last reply and close.
const LINGER: Duration = Duration::from_secs(2);
/// A batch is first taken as long as what has arrived, but no longer than this.
const HINT_BYTES: usize = 4 << 10;

pub(crate) enum Order {
    Serve(Descriptor),
}

pub(crate) struct Connection {
    site: Arc<Site>,
    socket: Option<Descriptor>,
    receiving: Option<IoId>,
    input: Input,
    output: Output,
    client: Client,
    streams: [Stream; KV_SHARDS_MAX],
    /// What has been asked and is being answered.
    round: Option<Assembly>,
    timer: Option<TimerId>,
    end: End,
    is_stopping: bool,
}

/// Whether it is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    NotYet,
    /// What was taken up is answered, and then it is over.
    Answered,
    /// The peer is to read the last reply and close.
    Lingering,
}

/// Why a connection is over.
pub(crate) enum Over {
    Done,
    Crash(&'static str),
}

impl From<Refusal> for Over {
    fn from(refusal: Refusal) -> Self {
        match refusal {
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

impl Isolate for Connection {
    const KIND: &'static str = "kv.connection";
    type Message = Order;
    type Init = Arc<Site>;

    fn start(site: Arc<Site>, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let me = context.address().handle();
        let number = u64::from(me.generation()) << 28 | (me.slot() as u64) << 8;
        let id = number | me.shard() as u64;
        let is_logged = site.durability.is_some();
        Ok(Self {
            site,
            socket: None,
            receiving: None,
            input: Input::default(),
            output: Output::default(),
            client: Client::new(id, is_logged),
            streams: [const { Stream::NEW }; KV_SHARDS_MAX],
            round: None,
            timer: None,
            end: End::NotYet,
            is_stopping: false,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        let handled = self.take_in(event, context);
        match handled.and_then(|()| self.advance(context)) {
            Ok(()) => Effect::Receive,
            Err(Over::Done) => Effect::Done,
            Err(Over::Crash(why)) => Effect::Crash(why),
        }
    }
}

impl Connection {
    fn take_in(
        &mut self,
        event: Event<Order>,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Over> {
        match event {
            Event::Message(Order::Serve(socket)) => {
                self.socket = Some(socket);
                let no_delay = SocketOption::NoDelay(true);
                context.io().set_option(socket, no_delay)?;
            }
            Event::Io(event) if Some(event.id) == self.receiving => {
                self.receiving = None;
                self.received(&event, context)?;
            }
            Event::Io(event) => self.output.sent(&event, context.io())?,
            Event::Reply(reply) => {
                let shards = self.site.shards;
                let mut reply = Some(reply);
                for stream in &mut self.streams[..shards] {
                    reply = reply.and_then(|reply| stream.take_in(reply).err());
                }
            }
            Event::Timer(timer) if self.timer == Some(timer) => {
                self.timer = None;
                if self.end == End::Lingering || self.is_idle() {
                    return Err(Over::Done);
                }
            }
            Event::Stopping => self.is_stopping = true,
            Event::Timer(_)
            | Event::Resumed
            | Event::Refused(_)
            | Event::Down(_)
            | Event::Peer { .. } => {}
        }
        Ok(())
    }

    /// Whether it waits for nothing but the peer.
    fn is_idle(&self) -> bool {
        self.round.is_none() && !self.output.is_sending() && !self.input.waits_for_payload()
    }

    fn received(&mut self, event: &IoEvent, context: &mut Context<'_, Self>) -> Result<(), Over> {
        match event.result {
            Ok(Outcome::Received(part)) if self.end == End::NotYet => {
                self.input.arrived(part);
                self.input.take_up_arrived(context)
            }
            Ok(Outcome::Received(part)) => Ok(context.io().release(part.buffer)?),
            // The peer sends no more; what it has sent is answered.
            Ok(_) if self.end == End::NotYet => {
                self.end = End::Answered;
                Ok(())
            }
            Ok(_) | Err(_) => Err(Over::Done),
        }
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
        self.input.take_up_arrived(context)?;
        while !self.output.is_sending() {
            if self.round.is_none() && !self.begin_round(context)? {
                return self.rest(context);
            }
            match self.assemble(context)? {
                Assembled::Whole => self.round = None,
                Assembled::Full => self.flush(context)?,
                Assembled::Waits => break,
            }
        }
        Ok(())
    }

    /// There is nothing to answer: sends what was written, and waits for more.
    fn rest(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let was_sending = self.flush_any(context)?;
        if self.input.waits_for_payload() {
            return self.arm(AGAIN, context);
        }
        if self.is_stopping && !was_sending {
            return Err(Over::Done);
        }
        if self.end == End::Answered && !was_sending {
            return self.linger(context);
        }
        self.receive(context)?;
        match self.site.limits.idle {
            Some(idle) => self.arm(idle, context),
            None => Ok(()),
        }
    }

    fn arm(&mut self, after: Duration, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let is_renewed = self
            .timer
            .is_some_and(|timer| context.renew_timer(timer, after));
        if !is_renewed {
            self.timer = Some(context.timer(after)?);
        }
        Ok(())
    }

    /// Closes its half, so that the last reply is not lost with what the peer still sends.
    fn linger(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let Some(socket) = self.socket.filter(|_| self.end != End::Lingering) else {
            return Ok(());
        };
        self.end = End::Lingering;
        context.io().shut(socket, Half::Write)?;
        self.receive(context)?;
        self.arm(LINGER, context)
    }

    fn flush(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        self.flush_any(context).map(|_| ())
    }

    /// Begins to send what was written; whether there was anything.
    fn flush_any(&mut self, context: &mut Context<'_, Self>) -> Result<bool, Over> {
        let socket = self.socket.ok_or(Over::Done)?;
        Ok(self.output.flush(socket, context.io())?)
    }

    fn receive(&mut self, context: &mut Context<'_, Self>) -> Result<(), Over> {
        let socket = self.socket.ok_or(Over::Done)?;
        if self.receiving.is_none() {
            self.receiving = Some(context.io().submit(Operation::Receive { socket })?);
        }
        Ok(())
    }

    /// Takes up all commands that have arrived, and asks. False if there are none.
    fn begin_round(&mut self, context: &mut Context<'_, Self>) -> Result<bool, Over> {
        if self.end == End::Lingering || self.input.bytes().is_empty() {
            return Ok(false);
        }
        let plan = match context.payload(1) {
            Ok(plan) => plan,
            Err(NoPayload::NoneFree) => {
                self.arm(AGAIN, context)?;
                return Ok(false);
            }
            Err(NoPayload::TooLong { .. }) => return Err(Over::Crash("there are no payloads")),
        };
        let mut round = Round::new(plan);
        self.fill(&mut round, context);
        if round.plan.is_empty() {
            return Ok(false);
        }
        let shards = self.site.shards;
        for (shard, stream) in self.streams[..shards].iter_mut().enumerate() {
            stream.begin();
            if let Some(batch) = round.batches[shard].take() {
                stream.ask(batch, 0, (&self.site, shard), context);
            }
        }
        self.round = Some(Assembly::new(round));
        Ok(true)
    }

    fn fill(&mut self, round: &mut Round, context: &mut Context<'_, Self>) {
        let now = self.site.date(context.now());
        let limits = &self.site.limits;
        let mut writer = Writer {
            round,
            hint: self.input.bytes().len().min(HINT_BYTES),
            context,
            shards: self.site.shards,
        };
        while !self.client.has_quit {
            let bytes = self.input.bytes();
            if bytes.is_empty() {
                break;
            }
            let taken = match frame(bytes, limits.value_bytes) {
                Err(error) => Err(error),
                Ok(Frame::Part { bytes_min }) if bytes_min > limits.long_bytes() => {
                    Err(ProtocolError::LongCommand(limits.long_bytes()))
                }
                Ok(Frame::Part { bytes_min }) => {
                    self.input.needs(bytes_min);
                    break;
                }
                Ok(Frame::Line { length, bytes: all }) => {
                    let line = Line(&bytes[..length]);
                    line.take_up(now, &mut self.client, &mut writer)
                        .map(|up| (up, all))
                }
                Ok(Frame::Command {
                    arguments,
                    head,
                    bytes: all,
                }) => {
                    let arguments = Arguments::new(&bytes[head..all], arguments);
                    let client = &mut self.client;
                    let up = writer.whole(|plan| take_up(arguments, now, client, plan));
                    Ok((up, all))
                }
            };
            match taken {
                Ok((Ok(()), all)) => self.input.consume(all),
                // It is taken up in the next round, which is empty.
                Ok((Err(NoRoom), _)) if !writer.round.plan.is_empty() => break,
                Ok((Err(NoRoom), all)) => {
                    let text = format_args!("BUSY no buffer is free for a command as long as this");
                    // A plan that is empty has room for a line.
                    let _said = writer.error(text);
                    self.input.consume(all);
                }
                Err(error) => {
                    let text = format_args!("ERR Protocol error: {error}");
                    if writer.whole(|plan| plan.error(text)).is_ok() {
                        self.input.clear();
                        self.end = End::Answered;
                    }
                    break;
                }
            }
        }
        if self.client.has_quit {
            self.input.clear();
            self.end = End::Answered;
        }
    }
}

/// A command for people.
struct Line<'a>(&'a [u8]);

impl Line<'_> {
    /// Takes it up by way of the form that programs use.
    fn take_up(
        &self,
        now: u64,
        client: &mut Client,
        writer: &mut Writer<'_, '_, Connection>,
    ) -> Result<Result<(), NoRoom>, ProtocolError> {
        // Every argument has a head; the shortest arguments are one byte and the space behind it.
        let bytes = self.0.len() * (crate::resp::HEAD_BYTES_MAX + 2) / 2 + 64;
        let Ok(mut form) = writer.context.payload(bytes) else {
            return Ok(Err(NoRoom));
        };
        let count = input::write_form(self.0, &mut form)?;
        let arguments = Arguments::new(&form, count);
        Ok(writer.whole(|plan| take_up(arguments, now, client, plan)))
    }
}
