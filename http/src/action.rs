//! What a route does: handlers of several shapes, made at boot, that allocate nothing when they are used.

use crate::connection::Connection;
use crate::feed::Feed;
use crate::request::Request;
use crate::response::{Response, Sent};
use crate::status::Status;
use crate::stream::{Chunk, Next};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::runtime::{Address, CallError, Context, NotCalled, Parcel, Reply, ReplyTo};

/// A question to an isolate: what a handler makes of a request whose answer comes from elsewhere.
pub struct Question<M, F> {
    to: Address<M>,
    timeout: Duration,
    ask: F,
}

impl<M, F> Question<M, F> {
    /// Asks `to`, on whatever shard, and waits for at most `timeout`. `ask` makes the message from
    /// the right to answer it, which whoever gets it may keep or pass on.
    pub fn new<R>(to: Address<M>, timeout: Duration, ask: F) -> Self
    where
        F: FnOnce(ReplyTo<R>) -> M,
    {
        Self { to, timeout, ask }
    }
}

impl<M, F> fmt::Debug for Question<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question to {:?}", self.to)
    }
}

type Plain = Box<dyn Fn(&Request<'_>, Response<'_>) -> Sent + Send + Sync>;

pub(crate) enum Kind {
    Plain(Plain),
    Asking(Box<dyn Asking>),
    Streaming(Box<dyn Streaming>),
    Uploading(Box<dyn Uploading>),
    /// One file, and its type.
    File(Vec<u8>, &'static str),
    /// All files below a directory.
    Files(Vec<u8>),
    Metrics,
}

/// What a route does with a request.
pub struct Action {
    pub(crate) kind: Kind,
    /// Bytes of a body, at most; none for what the server allows.
    pub(crate) body_max: Option<u32>,
}

impl Action {
    /// Answers at once.
    pub fn plain(
        handler: impl Fn(&Request<'_>, Response<'_>) -> Sent + Send + Sync + 'static,
    ) -> Self {
        Self::of(Kind::Plain(Box::new(handler)))
    }

    /// Asks an isolate, and answers when it does. `question` makes a question of the request, or says
    /// with what status it is refused; `answer` makes the response of the reply, or of the reason why
    /// there is none.
    pub fn call<M, R, F, Q, A>(question: Q, answer: A) -> Self
    where
        M: Send + 'static,
        R: Send + 'static,
        F: FnOnce(ReplyTo<R>) -> M + Send + 'static,
        Q: Fn(&Request<'_>) -> Result<Question<M, F>, Status> + Send + Sync + 'static,
        A: Fn(Result<R, CallError>, Response<'_>) -> Sent + Send + Sync + 'static,
    {
        Self::of(Kind::Asking(Box::new(Caller {
            question,
            answer,
            types: PhantomData,
        })))
    }

    /// Streams a body of a type. `open` makes what the stream needs of the request, at most 96 bytes, or
    /// says with what status it is refused; `fill` writes the next bytes whenever the peer can take more.
    pub fn stream<S, O, F>(content_type: &'static str, open: O, fill: F) -> Self
    where
        S: Send + 'static,
        O: Fn(&Request<'_>) -> Result<S, Status> + Send + Sync + 'static,
        F: Fn(&mut S, &mut Chunk<'_>) -> Next + Send + Sync + 'static,
    {
        Self::of(Kind::Streaming(Box::new(Source {
            content_type,
            open,
            fill: move |state: &mut S, _: Duration, chunk: &mut Chunk<'_>| fill(state, chunk),
            state: PhantomData,
        })))
    }

    /// Streams the events of a feed, as `text/event-stream`.
    #[must_use]
    pub fn events(feed: &Arc<Feed>) -> Self {
        let feed = feed.clone();
        Self::of(Kind::Streaming(Box::new(Source {
            content_type: "text/event-stream",
            open: move |request: &Request<'_>| {
                Feed::follow(&feed, request).ok_or(Status::SERVICE_UNAVAILABLE)
            },
            fill: crate::feed::Following::fill,
            state: PhantomData,
        })))
    }

    /// Takes a body of at most `body_max` bytes as it arrives, whatever its length. `begin` makes what
    /// is kept meanwhile, at most 96 bytes; `take` is given the next bytes, and what it has not
    /// been given is not received; `finish` answers. A status from `begin` or `take` refuses the rest and
    /// ends the connection.
    pub fn upload<S, B, T, F>(body_max: u64, begin: B, take: T, finish: F) -> Self
    where
        S: Send + 'static,
        B: Fn(&Request<'_>) -> Result<S, Status> + Send + Sync + 'static,
        T: Fn(&mut S, &[u8]) -> Result<(), Status> + Send + Sync + 'static,
        F: Fn(S, Response<'_>) -> Sent + Send + Sync + 'static,
    {
        Self::of(Kind::Uploading(Box::new(Sink {
            body_max,
            begin,
            take,
            finish,
            state: PhantomData,
        })))
    }

    /// Sends a file, as it is when it is asked for, without a copy through this process.
    #[must_use]
    pub fn file(content_type: &'static str, path: &Path) -> Self {
        let path = path.as_os_str().as_encoded_bytes().to_vec();
        Self::of(Kind::File(path, content_type))
    }

    /// Sends files below a directory, for a route whose path ends in `{*name}`. Names that begin with a
    /// dot, and paths with percent signs, are not found; links are followed. Types go by the ends of names.
    #[must_use]
    pub fn files(root: &Path) -> Self {
        Self::of(Kind::Files(root.as_os_str().as_encoded_bytes().to_vec()))
    }

    /// Answers with what the runtime and the server count, in the text format of Prometheus, version
    /// 0.0.4. No shard is stopped for it.
    #[must_use]
    pub fn metrics() -> Self {
        Self::of(Kind::Metrics)
    }

    /// Takes bodies of at most so many bytes, where the server allows more.
    #[must_use]
    pub fn body_limit(mut self, bytes: u32) -> Self {
        self.body_max = Some(bytes);
        self
    }

    /// Whether it sends a file.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(..) | Kind::Files(_))
    }

    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            body_max: None,
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Plain(_) => "Action::plain",
            Kind::Asking(_) => "Action::call",
            Kind::Streaming(_) => "Action::stream",
            Kind::Uploading(_) => "Action::upload",
            Kind::File(..) => "Action::file",
            Kind::Files(_) => "Action::files",
            Kind::Metrics => "Action::metrics",
        })
    }
}

/// A handler that asks.
pub(crate) trait Asking: Send + Sync {
    /// What is to be asked.
    fn question(&self, request: &Request<'_>) -> Result<Parcel, Status>;
    /// Asks it.
    fn ask(&self, question: Parcel, context: &mut Context<'_, Connection>)
    -> Result<(), NotCalled>;
    /// The response to the reply; none if there is no reply and the server is to say so.
    fn answer(&self, reply: Result<Reply, CallError>, response: Response<'_>) -> Sent;
}

struct Caller<M, R, F, Q, A> {
    question: Q,
    answer: A,
    types: PhantomData<fn(M, R, F)>,
}

impl<M, R, F, Q, A> Asking for Caller<M, R, F, Q, A>
where
    M: Send + 'static,
    R: Send + 'static,
    F: FnOnce(ReplyTo<R>) -> M + Send + 'static,
    Q: Fn(&Request<'_>) -> Result<Question<M, F>, Status> + Send + Sync,
    A: Fn(Result<R, CallError>, Response<'_>) -> Sent + Send + Sync,
{
    fn question(&self, request: &Request<'_>) -> Result<Parcel, Status> {
        (self.question)(request).map(Parcel::new)
    }

    fn ask(
        &self,
        question: Parcel,
        context: &mut Context<'_, Connection>,
    ) -> Result<(), NotCalled> {
        let question = question.open::<Question<M, F>>();
        let Question { to, timeout, ask } = question.ok().expect("made by this handler");
        context.call(to, timeout, ask).map(|_| ())
    }

    fn answer(&self, reply: Result<Reply, CallError>, response: Response<'_>) -> Sent {
        let reply = reply.and_then(|reply| {
            let opened = reply.open::<R>();
            opened.expect("the one call of this connection is this handler's")
        });
        (self.answer)(reply, response)
    }
}

/// A handler that streams.
pub(crate) trait Streaming: Send + Sync {
    fn content_type(&self) -> &'static str;
    fn open(&self, request: &Request<'_>) -> Result<Parcel, Status>;
    fn fill(&self, state: &mut Parcel, now: Duration, chunk: &mut Chunk<'_>) -> Next;
}

struct Source<S, O, F> {
    content_type: &'static str,
    open: O,
    fill: F,
    state: PhantomData<fn(S)>,
}

impl<S, O, F> Streaming for Source<S, O, F>
where
    S: Send + 'static,
    O: Fn(&Request<'_>) -> Result<S, Status> + Send + Sync,
    F: Fn(&mut S, Duration, &mut Chunk<'_>) -> Next + Send + Sync,
{
    fn content_type(&self) -> &'static str {
        self.content_type
    }

    fn open(&self, request: &Request<'_>) -> Result<Parcel, Status> {
        (self.open)(request).map(Parcel::new)
    }

    fn fill(&self, state: &mut Parcel, now: Duration, chunk: &mut Chunk<'_>) -> Next {
        let taken = std::mem::replace(state, Parcel::empty());
        let mut opened: S = taken.open().ok().expect("opened by this handler");
        let next = (self.fill)(&mut opened, now, chunk);
        *state = Parcel::new(opened);
        next
    }
}

/// A handler that takes bodies as they arrive.
pub(crate) trait Uploading: Send + Sync {
    fn body_max(&self) -> u64;
    fn begin(&self, request: &Request<'_>) -> Result<Parcel, Status>;
    fn take(&self, state: &mut Parcel, bytes: &[u8]) -> Result<(), Status>;
    fn finish(&self, state: Parcel, response: Response<'_>) -> Sent;
}

struct Sink<S, B, T, F> {
    body_max: u64,
    begin: B,
    take: T,
    finish: F,
    state: PhantomData<fn(S)>,
}

impl<S, B, T, F> Uploading for Sink<S, B, T, F>
where
    S: Send + 'static,
    B: Fn(&Request<'_>) -> Result<S, Status> + Send + Sync,
    T: Fn(&mut S, &[u8]) -> Result<(), Status> + Send + Sync,
    F: Fn(S, Response<'_>) -> Sent + Send + Sync,
{
    fn body_max(&self) -> u64 {
        self.body_max
    }

    fn begin(&self, request: &Request<'_>) -> Result<Parcel, Status> {
        (self.begin)(request).map(Parcel::new)
    }

    fn take(&self, state: &mut Parcel, bytes: &[u8]) -> Result<(), Status> {
        let taken = std::mem::replace(state, Parcel::empty());
        let mut opened: S = taken.open().ok().expect("made by this handler");
        let result = (self.take)(&mut opened, bytes);
        *state = Parcel::new(opened);
        result
    }

    fn finish(&self, state: Parcel, response: Response<'_>) -> Sent {
        let state = state.open().ok().expect("made by this handler");
        (self.finish)(state, response)
    }
}
