//! The live page: a desk where connections ask to see the machine, and the feed that says how far it is.
//!
//! ```text
//!   connection ── Look ──► desk ── wanted ──► the run pauses at the end of an epoch, is looked at, goes on
//!   connection ◄── view ── desk ◄── Shown ──┘
//! ```
//! Nobody asks: the machine never pauses for it.

use super::{HELD, PATIENCE, Shared};
use crate::page::{live_metrics, live_page};
use crate::run::{Onlooker, View};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tina_engine::runtime::{Address, CallError, Context, Effect, Event, Isolate, ReplyTo};
use tina_http::{Action, Content, Feed, Limits, Question, Response, Routes, Sent, Status};

/// Connections at a time, and of them those that wait to see the machine.
pub(super) const CONNECTIONS: usize = 64;
/// Bytes of an event, and how many are kept.
const EVENT_BYTES: usize = 1024;
const EVENTS: usize = 4;

pub(super) const DESK: &str = "live desk";

/// The machine as it stood, ready to be sent.
pub(super) struct Shown {
    page: Arc<[u8]>,
    metrics: Arc<[u8]>,
}

pub(super) enum Ask {
    /// What does it look like now?
    Look(ReplyTo<Arc<Shown>>),
    /// So.
    Shown(Arc<Shown>),
    /// Nobody will be shown anything any more.
    End(ReplyTo<()>),
}

/// Keeps those who wait.
pub(super) struct Desk {
    wanted: Arc<AtomicBool>,
    waiting: Vec<ReplyTo<Arc<Shown>>>,
}

impl Isolate for Desk {
    const KIND: &'static str = "live.desk";
    type Message = Ask;
    type Init = Arc<AtomicBool>;

    fn start(wanted: Arc<AtomicBool>, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            wanted,
            waiting: Vec::with_capacity(CONNECTIONS),
        })
    }

    fn handle(&mut self, event: Event<Ask>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            // There are no more connections than places; one too many is answered by being dropped.
            Event::Message(Ask::Look(reply_to)) if self.waiting.len() < CONNECTIONS => {
                self.waiting.push(reply_to);
                self.wanted.store(true, Ordering::Release);
            }
            Event::Message(Ask::Shown(shown)) => {
                for reply_to in self.waiting.drain(..) {
                    context.reply(reply_to, shown.clone());
                }
            }
            Event::Message(Ask::End(reply_to)) => {
                self.waiting.clear();
                context.reply(reply_to, ());
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// What the server serves.
pub(super) fn routes(feed: &Arc<Feed>) -> Routes {
    let page = look(|shown, response| {
        response.content(
            "text/html; charset=utf-8",
            Content::Shared(shown.page.clone()),
        )
    });
    let metrics = look(|shown, response| {
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.content(content_type, Content::Shared(shown.metrics.clone()))
    });
    Routes::new()
        .get("/", page)
        .get("/events", Action::events(feed))
        .get("/metrics", metrics)
        .get("/metrics/host", Action::metrics())
}

/// Asks the desk, and answers with what it shows.
fn look(answer: impl Fn(&Shown, Response<'_>) -> Sent + Send + Sync + 'static) -> Action {
    let question = |request: &tina_http::Request<'_>| {
        let desk: Address<Ask> = request.find(DESK).ok_or(Status::SERVICE_UNAVAILABLE)?;
        Ok(Question::new(desk, PATIENCE, Ask::Look))
    };
    Action::call(
        question,
        move |reply: Result<Arc<Shown>, CallError>, response: Response<'_>| match reply {
            Ok(shown) => answer(&shown, response.header("cache-control", "no-store")),
            Err(_) => response
                .status(Status::SERVICE_UNAVAILABLE)
                .text("the machine did not come to the end of an epoch in time; ask again\n"),
        },
    )
}

pub(super) fn limits() -> Limits {
    Limits {
        connections: CONNECTIONS,
        backlog: CONNECTIONS as u32,
        buffers: CONNECTIONS as u32,
        receive_buffers: CONNECTIONS as u32,
        ..Limits::default()
    }
}

pub(super) fn feed() -> Arc<Feed> {
    Feed::new(EVENTS, EVENT_BYTES, CONNECTIONS)
}

/// The way from a run to those who look at it.
#[derive(Clone)]
pub struct Live {
    pub(super) runtime: Shared,
    pub(super) desk: Address<Ask>,
    pub(super) wanted: Arc<AtomicBool>,
    pub(super) feed: Arc<Feed>,
}

impl Live {
    /// Tells those who follow how far the machine is, and how fast.
    ///
    /// # Panics
    /// When an isolate of the bridge panicked.
    pub fn progress(&self, cycle: u64, megahertz: f64) {
        if self.feed.follower_count() > 0 {
            self.publish(
                "progress",
                &json!({ "cycle": cycle, "megahertz": megahertz }),
            );
        }
    }

    /// Tells them that the run is over.
    ///
    /// # Panics
    /// When an isolate of the bridge panicked.
    pub fn end(&self, story: &str) {
        let story: String = story.chars().take(EVENT_BYTES / 8).collect();
        self.publish("end", &json!({ "story": story }));
        let runtime = self.runtime.lock().expect(HELD);
        // Answered behind those who were woken by the event: it is on its way to them then.
        let _ = runtime.call(self.desk, PATIENCE, Ask::End);
    }

    fn publish(&self, name: &str, data: &serde_json::Value) {
        let runtime = self.runtime.lock().expect(HELD);
        // What is too long for an event is cut off above.
        let _ = self.feed.publish_from(&runtime, name, &data.to_string());
    }
}

impl Onlooker for Live {
    fn wants(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn show(&self, view: &View<'_>) {
        // Before the look: who asks meanwhile may be shown the next one.
        self.wanted.store(false, Ordering::Release);
        let bytes = |text: String| Arc::from(text.into_bytes());
        let shown = Arc::new(Shown {
            page: bytes(live_page(view)),
            metrics: bytes(live_metrics(view)),
        });
        let runtime = self.runtime.lock().expect(HELD);
        // Who waits is told by their time limit if it does not come through.
        let _ = runtime.send(self.desk, Ask::Shown(shown));
    }
}
