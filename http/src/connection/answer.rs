//! From a whole request to its response: reading the head, finding the route, having the handler write,
//! and what follows when it has.

use super::body::{Coding, Collecting};
use super::file::{FileStage, content_type, is_below};
use super::upload::{Upload, UploadCoding};
use super::{Connection, NEXT_REQUEST, Over, Phase, Step};
use crate::action::{Action, Kind};
use crate::chunked::Chunked;
use crate::counters::{HttpCounter, fill_metrics};
use crate::head::{Framing, Head, slots};
use crate::method::Method;
use crate::request::{Place, Request, split};
use crate::response::{End, Response, Rules, Sent};
use crate::routes::{Match, NoMatch};
use crate::scan::{Scan, Scanned};
use crate::status::Status;
use crate::stream::{Chunk, Next};
use crate::wake::Waker;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tina_engine::runtime::{CallError, Context, Io, Parcel, Reply};

/// What a chunk has around its data: a size of four digits, and two line ends.
const CHUNK_FRAME: (usize, usize) = (6, 2);
/// A chunk, and what its size can say.
const CHUNK_BYTES_MAX: usize = 0xffff;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

type Panic = Box<dyn Any + Send>;

/// What becomes of a request.
enum Verdict {
    Sent(Sent),
    Refused(Status),
    /// Its body is awaited first.
    Body {
        framing: Framing,
        body_max: usize,
        expects_continue: bool,
    },
    Ask(Parcel),
    Stream(Sent, End, Parcel),
    Upload {
        state: Parcel,
        framing: Framing,
        expects_continue: bool,
    },
    /// A file whose path has been written, so many bytes.
    File(usize, &'static str),
    /// What was written before must be sent first.
    Later,
    Panicked(Panic),
}

/// Which bytes of the window a request consists of.
#[derive(Clone, Copy)]
struct Extent {
    head: usize,
    /// The body, if it has been gathered.
    body: Option<usize>,
}

impl Connection {
    /// Awaits the head of a request and begins with what it asks for.
    pub(super) fn read_head(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        let now = context.now();
        let Phase::Head { due, has_begun } = &mut self.phase else {
            return Ok(Step::Again);
        };
        let limits = &self.site.limits;
        if self.window.length() == 0 {
            if self.is_stopping {
                self.phase = Phase::Closing;
                return Ok(Step::Again);
            }
            self.alarm.due = Some(*due.get_or_insert(now + limits.idle));
            return Ok(Step::Input);
        }
        if !std::mem::replace(has_begun, true) {
            *due = Some(now + limits.head);
        }
        let due = *due;
        let bytes = self.window.bytes(&mut context.io())?.len();
        debug_assert_eq!(bytes, self.window.length());
        let mut io = context.io();
        match self.scan.go_on(self.window.bytes(&mut io)?, limits) {
            Scanned::Partial => {
                self.alarm.due = due;
                Ok(Step::Input)
            }
            Scanned::Refused(status) => {
                self.phase = Phase::Refusing(status);
                Ok(Step::Again)
            }
            Scanned::Whole(_) if !self.has_room() => Ok(Step::Flush),
            Scanned::Whole(head) => {
                self.scan = Scan::default();
                self.judge(Extent { head, body: None }, head, context)
            }
        }
    }

    /// A body has been gathered: the request takes `used` bytes of the window.
    pub(super) fn serve(
        &mut self,
        head: usize,
        body: usize,
        used: usize,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let extent = Extent {
            head,
            body: Some(body),
        };
        self.judge(extent, used, context)
    }

    fn judge(
        &mut self,
        extent: Extent,
        used: usize,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let waker = Waker(context.address());
        let now = context.now();
        let Some(part) = self.window.part() else {
            return Err(Over::Crash("no request"));
        };
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let (bytes, out) = io.part_and_bytes_mut(part, buffer)?;
        let place = Place {
            directory: &self.directory,
            shard: self.shard,
            now,
            waker,
            peer: self.peer,
        };
        let mut facts = (self.rules, self.action);
        let out = &mut out[written..];
        let verdict = self.verdict(bytes, extent, place, out, &mut facts);
        (self.rules, self.action) = facts;
        self.execute(verdict, extent.head, used, context)
    }

    /// What a request comes to, and in `facts` how it is to be answered and by which action.
    fn verdict(
        &self,
        bytes: &[u8],
        extent: Extent,
        place: Place<'_>,
        out: &mut [u8],
        facts: &mut (Rules, usize),
    ) -> Verdict {
        let mut fields = slots();
        let head = match Head::parse(&bytes[..extent.head], &mut fields) {
            Ok(head) => head,
            Err(status) => return Verdict::Refused(status),
        };
        let (rules, action_index) = facts;
        rules.is_head = head.method == Method::Head;
        rules.minor = head.minor;
        rules.keep_alive = head.keep_alive && !self.is_stopping;
        let (path, _) = split(head.target);
        let Match { action, parameters } = match self.site.routes.find(head.method, path) {
            Ok(found) => found,
            Err(no_match) => {
                // What is a body, and what the next request, is not worth finding out.
                rules.keep_alive &= head.framing == Framing::None;
                return Verdict::Sent(not_found(&no_match, Response::new(out, *rules)));
            }
        };
        *action_index = action;
        let action = &self.site.routes.actions[action];
        let is_upload = matches!(action.kind, Kind::Uploading(_));
        if extent.body.is_none() && head.framing != Framing::None && !is_upload {
            return self.body_verdict(action, &head);
        }
        if action.is_file() && self.output.length() > 0 {
            return Verdict::Later;
        }
        let body = &bytes[extent.head..][..extent.body.unwrap_or(0)];
        let request = Request {
            head: &head,
            parameters,
            body,
            place,
        };
        let handled = catch_unwind(AssertUnwindSafe(|| begin(action, &request, out, *rules)));
        handled.unwrap_or_else(Verdict::Panicked)
    }

    fn body_verdict(&self, action: &Action, head: &Head<'_, '_>) -> Verdict {
        let most = self.site.limits.body_bytes;
        let body_max = action.body_max.map_or(most, |max| max.min(most)) as usize;
        match head.framing {
            Framing::Length(length) if length > body_max as u64 => {
                Verdict::Refused(Status::CONTENT_TOO_LARGE)
            }
            framing => Verdict::Body {
                framing,
                body_max,
                expects_continue: head.expects_continue,
            },
        }
    }

    fn execute(
        &mut self,
        verdict: Verdict,
        head_bytes: usize,
        used: usize,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        if let Verdict::Body {
            framing,
            body_max,
            expects_continue,
        } = verdict
        {
            if expects_continue {
                self.write(CONTINUE, &mut context.io())?;
            }
            let coding = match framing {
                Framing::Length(length) => Coding::Plain(length as usize),
                Framing::None => Coding::Plain(0),
                Framing::Chunked => Coding::Chunks(Chunked::new(), 0),
            };
            self.phase = Phase::Collecting(Collecting {
                head_bytes,
                body_max,
                due: context.now() + self.site.limits.body,
                coding,
            });
            return Ok(Step::Again);
        }
        if let Verdict::Later = verdict {
            return Ok(Step::Flush);
        }
        self.counters().count(HttpCounter::Requests);
        // It has arrived in time.
        self.alarm.due = None;
        self.window.consume(used, &mut context.io())?;
        match verdict {
            Verdict::Sent(sent) => self.conclude(sent, context)?,
            Verdict::Refused(status) => self.phase = Phase::Refusing(status),
            Verdict::Body { .. } | Verdict::Later => unreachable!("dealt with above"),
            Verdict::Upload {
                state,
                framing,
                expects_continue,
            } => {
                if expects_continue && framing != Framing::None {
                    self.write(CONTINUE, &mut context.io())?;
                }
                let coding = match framing {
                    Framing::Length(length) => UploadCoding::Plain(length),
                    Framing::None => UploadCoding::Plain(0),
                    Framing::Chunked => UploadCoding::Chunks(Chunked::new()),
                };
                self.phase = Phase::Uploading(Upload {
                    state,
                    coding,
                    taken_bytes: 0,
                });
            }
            Verdict::File(path_bytes, content_type) => {
                self.phase = Phase::File {
                    stage: FileStage::Opening,
                    content_type,
                };
                self.open_file(path_bytes, context)?;
            }
            Verdict::Stream(sent, end, state) => {
                let is_sound = sent.defect.is_none();
                self.conclude(sent, context)?;
                if is_sound && !self.rules.is_head {
                    self.rules.keep_alive &= end == End::Chunked;
                    self.phase = Phase::Streaming { state, end };
                }
            }
            Verdict::Ask(question) => {
                self.phase = Phase::Asking(None);
                let site = self.site.clone();
                if let Kind::Asking(asking) = &site.routes.actions[self.action].kind {
                    let asked = catch_unwind(AssertUnwindSafe(|| asking.ask(question, context)));
                    match asked {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return self.answer(Err(CallError::NoReply), context),
                        Err(panic) => self.fail(&*panic, context),
                    }
                }
            }
            Verdict::Panicked(panic) => self.fail(&*panic, context),
        }
        Ok(Step::Again)
    }

    /// The call of a handler has ended.
    pub(super) fn answer(
        &mut self,
        reply: Result<Reply, CallError>,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        self.rules.keep_alive &= !self.is_stopping;
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let out = &mut io.bytes_mut(buffer)?[written..];
        let rules = self.rules;
        let Kind::Asking(asking) = &self.site.routes.actions[self.action].kind else {
            return Err(Over::Crash("a reply without a question"));
        };
        let answered = catch_unwind(AssertUnwindSafe(|| {
            asking.answer(reply, Response::new(out, rules))
        }));
        match answered {
            Ok(sent) => self.conclude(sent, context)?,
            Err(panic) => self.fail(&*panic, context),
        }
        Ok(Step::Again)
    }

    /// A response was written, or its first part.
    pub(super) fn conclude(
        &mut self,
        sent: Sent,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Over> {
        if let Some(defect) = sent.defect {
            let place = format_args!("a handler's response cannot be sent: {defect}");
            context.log(tina_engine::runtime::Level::Error, place);
            self.phase = Phase::Refusing(Status::INTERNAL_SERVER_ERROR);
            return Ok(());
        }
        self.output.wrote(sent.length);
        self.counters().count_response(sent.status);
        match sent.rest {
            Some(content) => self.phase = Phase::Content { content, at: 0 },
            None => self.finish(),
        }
        Ok(())
    }

    /// The response is written.
    pub(super) fn finish(&mut self) {
        let goes_on = self.rules.keep_alive && self.crash.is_none();
        self.phase = if goes_on {
            NEXT_REQUEST
        } else {
            Phase::Closing
        };
    }

    /// A handler has panicked; what it had written is dropped.
    #[cold]
    pub(super) fn fail(&mut self, panic: &(dyn Any + Send), context: &mut Context<'_, Self>) {
        self.panicked(panic, context);
        self.phase = Phase::Refusing(Status::INTERNAL_SERVER_ERROR);
    }

    /// Writes a response of the server's own, the last one of the connection.
    pub(super) fn refuse(
        &mut self,
        status: Status,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        if !self.has_room() {
            return Ok(Step::Flush);
        }
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let out = &mut io.bytes_mut(buffer)?[written..];
        self.rules.keep_alive = false;
        let sent = Response::new(out, self.rules).refusal(status);
        self.output.wrote(sent.length);
        self.counters().count_response(status);
        self.phase = Phase::Closing;
        Ok(Step::Again)
    }

    fn write(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<(), Over> {
        let (buffer, written) = self.output.open(io)?;
        io.bytes_mut(buffer)?[written..][..bytes.len()].copy_from_slice(bytes);
        self.output.wrote(bytes.len());
        Ok(())
    }

    /// Has a stream write what it has.
    pub(super) fn stream(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        let now = context.now();
        if !self.has_room() {
            return Ok(Step::Flush);
        }
        let Phase::Streaming { state, end } = &mut self.phase else {
            return Ok(Step::Again);
        };
        let end = *end;
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let out = &mut io.bytes_mut(buffer)?[written..];
        let (before, after) = match end {
            End::Chunked => CHUNK_FRAME,
            End::Close => (0, 0),
        };
        let room = (out.len() - before - after - LAST_CHUNK.len()).min(CHUNK_BYTES_MAX);
        let mut chunk = Chunk::new(&mut out[before..][..room]);
        let (site, directory) = (&self.site, &self.directory);
        let kind = &site.routes.actions[self.action].kind;
        let filled = catch_unwind(AssertUnwindSafe(|| match kind {
            Kind::Streaming(streaming) => streaming.fill(state, now, &mut chunk),
            Kind::Metrics => fill_metrics(&site.counters, directory, state, &mut chunk),
            Kind::Plain(_)
            | Kind::Asking(_)
            | Kind::Uploading(_)
            | Kind::File(..)
            | Kind::Files(_) => Next::Abort,
        }));
        let length = chunk.length();
        if length > 0 && end == End::Chunked {
            out[..before].copy_from_slice(&size_of_chunk(length));
            out[before + length..][..after].copy_from_slice(b"\r\n");
        }
        if length > 0 {
            self.output.wrote(before + length + after);
        }
        match filled {
            Ok(Next::More) if length > 0 && !self.is_stopping => Ok(Step::Flush),
            // Nothing was written though there was room: asking again at once would never end. Nor may
            // what goes on and on when all is to end.
            Ok(Next::More) | Ok(Next::Abort) => self.abort(context),
            Ok(Next::Wait(_)) if self.is_stopping => self.end_stream(context),
            Ok(Next::Wait(None)) if self.input_ended => self.leave_stream(end, context),
            Ok(Next::Wait(time)) => {
                self.alarm.due = time.map(|time| now + time);
                Ok(Step::Wait)
            }
            Ok(Next::End) => self.end_stream(context),
            Err(panic) => {
                self.panicked(&*panic, context);
                self.abort(context)
            }
        }
    }

    fn end_stream(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        if let Phase::Streaming {
            end: End::Chunked, ..
        } = self.phase
        {
            self.write(LAST_CHUNK, &mut context.io())?;
        }
        self.rules.keep_alive &= !self.is_stopping;
        self.finish();
        Ok(Step::Again)
    }

    /// Nothing would tell whether a peer that sends no more has gone away. What was written is sent, and
    /// not as a whole body.
    fn leave_stream(&mut self, end: End, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        if self.output.length() > 0 {
            return Ok(Step::Flush);
        }
        if end == End::Close {
            return self.abort(context);
        }
        self.phase = Phase::Closing;
        Ok(Step::Again)
    }

    /// Ends the connection so that the peer cannot take the body for whole.
    fn abort(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        if let Some(socket) = self.socket {
            let reset = tina_engine::io::SocketOption::ResetOnClose(true);
            context.io().set_option(socket, reset)?;
        }
        Err(Over::Done)
    }

    /// Copies the next bytes of a body that is there.
    pub(super) fn copy_content(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let out = &mut io.bytes_mut(buffer)?[written..];
        let Phase::Content { content, at } = &mut self.phase else {
            return Ok(Step::Again);
        };
        let rest = &content.bytes()[*at..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        *at += count;
        let is_all = count == rest.len();
        self.output.wrote(count);
        if is_all {
            self.finish();
            return Ok(Step::Again);
        }
        Ok(Step::Flush)
    }
}

/// Has a handler begin.
fn begin(action: &Action, request: &Request<'_>, out: &mut [u8], rules: Rules) -> Verdict {
    match &action.kind {
        Kind::Plain(handler) => Verdict::Sent(handler(request, Response::new(out, rules))),
        Kind::Asking(asking) => match asking.question(request) {
            Ok(question) => Verdict::Ask(question),
            Err(status) => Verdict::Sent(Response::new(out, rules).refusal(status)),
        },
        Kind::Streaming(streaming) => match streaming.open(request) {
            Ok(state) => {
                let response = Response::new(out, rules);
                let (sent, end) = response.streamed(streaming.content_type());
                Verdict::Stream(sent, end, state)
            }
            Err(status) => Verdict::Sent(Response::new(out, rules).refusal(status)),
        },
        Kind::Uploading(handler) => match (handler.begin(request), request.head.framing) {
            (_, Framing::Length(length)) if length > handler.body_max() => {
                Verdict::Refused(Status::CONTENT_TOO_LARGE)
            }
            (Ok(state), framing) => Verdict::Upload {
                state,
                framing,
                expects_continue: request.head.expects_continue,
            },
            // The body is not awaited.
            (Err(status), _) => Verdict::Refused(status),
        },
        Kind::File(path, content_type) => file(&[path], content_type, out),
        Kind::Files(root) => {
            let last = request.parameters.names.len().saturating_sub(1);
            let path = request.parameters.values[last];
            if is_below(path) {
                file(&[root, b"/", path.as_bytes()], content_type(path), out)
            } else {
                let response = Response::new(out, rules);
                Verdict::Sent(response.refusal(Status::NOT_FOUND))
            }
        }
        Kind::Metrics => {
            let response = Response::new(out, rules);
            let (sent, end) = response.streamed("text/plain; version=0.0.4; charset=utf-8");
            Verdict::Stream(sent, end, Parcel::new(0_usize))
        }
    }
}

/// Writes a path to where it can be opened from.
fn file(parts: &[&[u8]], content_type: &'static str, out: &mut [u8]) -> Verdict {
    let mut length = 0;
    for part in parts {
        let Some(room) = out.get_mut(length..length + part.len()) else {
            return Verdict::Refused(Status::URI_TOO_LONG);
        };
        room.copy_from_slice(part);
        length += part.len();
    }
    Verdict::File(length, content_type)
}

fn not_found(no_match: &NoMatch, response: Response<'_>) -> Sent {
    let mut names = [0; 64];
    let mut length = 0;
    let allowed = Method::ALL.iter().zip(no_match.allowed);
    for (method, _) in allowed.filter(|(_, is_allowed)| *is_allowed) {
        let comma = if length > 0 { ", " } else { "" };
        for byte in comma.bytes().chain(method.name().bytes()) {
            names[length] = byte;
            length += 1;
        }
    }
    let response = response.status(no_match.status);
    if length > 0 {
        let response = response.header_bytes("allow", &names[..length]);
        return response.body("text/plain; charset=utf-8", b"405 Method Not Allowed\n");
    }
    response.refusal(no_match.status)
}

/// The line before a chunk: four digits, leading zeros among them.
fn size_of_chunk(length: usize) -> [u8; 6] {
    let digit = |shift: usize| b"0123456789abcdef"[length >> shift & 15];
    [digit(12), digit(8), digit(4), digit(0), b'\r', b'\n']
}
