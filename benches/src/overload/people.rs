//! Givers, who offer far too much, and takers, who handle one thing a turn.

use super::tally::{Given, Taken, Tally};
use std::sync::Arc;
use std::time::Duration;
use tina_engine::runtime::{
    Address, CallError, CallId, Context, Effect, Event, Isolate, NotCalled, Reply, ReplyTo,
};

/// Questions of a giver that may be open at a time.
pub const QUESTIONS: usize = 4;
/// How long a question may take: far more than it does.
const PATIENCE: Duration = Duration::from_secs(600);

/// What takers are sent.
#[derive(Debug)]
pub enum Work {
    /// Something to do, and when it was sent.
    Item(Duration),
    /// The same, with an answer.
    Question(Duration, ReplyTo<u64>),
    /// Bring your figures together with those of the others.
    Report(ReplyTo<()>),
}

/// Handles one thing a turn.
pub struct Taker {
    tally: Arc<Tally>,
    taken: Taken,
    last: Option<Duration>,
}

impl Taker {
    fn take(&mut self, sent: Duration, now: Duration) {
        self.taken.note(sent, now, self.last.replace(now));
    }
}

impl Isolate for Taker {
    const KIND: &'static str = "taker";
    type Message = Work;
    type Init = Arc<Tally>;

    fn start(tally: Arc<Tally>, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            tally,
            taken: Taken::default(),
            last: None,
        })
    }

    fn handle(&mut self, event: Event<Work>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Work::Item(sent)) => self.take(sent, context.now()),
            Event::Message(Work::Question(sent, reply_to)) => {
                self.take(sent, context.now());
                context.reply(reply_to, self.taken.handled);
            }
            Event::Message(Work::Report(reply_to)) => {
                self.tally.add_taken(&self.taken);
                context.reply(reply_to, ());
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// What givers start from.
#[derive(Clone, Debug)]
pub struct Role {
    /// Where figures are brought together.
    pub tally: Arc<Tally>,
    /// Names of all takers.
    pub takers: Arc<[String]>,
    /// How much is offered in a turn.
    pub times: u32,
    /// Until when, since the runtime was booted.
    pub until: Duration,
}

/// Begin, if it is time to; bring your figures together with those of the others; say whether you have stopped
/// and all your questions have ended.
#[derive(Debug)]
pub struct AreYouDone(pub ReplyTo<bool>);

/// Offers to all takers in turn.
pub struct Giver {
    role: Role,
    given: Given,
    questions: [Option<CallId<u64>>; QUESTIONS],
    /// Which taker is next; also tells messages from questions.
    next: usize,
}

impl Giver {
    fn offer(&mut self, context: &mut Context<'_, Self>) {
        // One more than was asked for: takers go on for a moment when nobody gives any more.
        for _ in 0..=self.role.times {
            self.next = self.next.wrapping_add(1);
            let name = &self.role.takers[self.next % self.role.takers.len()];
            let Some(taker) = context.find::<Work>(name) else {
                continue;
            };
            let free = self.questions.iter().position(Option::is_none);
            match free.filter(|_| self.next.is_multiple_of(7)) {
                Some(place) => self.ask(place, taker, context),
                None => {
                    self.given.offered += 1;
                    let sent = context.send(taker, Work::Item(context.now()));
                    self.given.refused += u64::from(sent.is_err());
                }
            }
        }
    }

    fn ask(&mut self, place: usize, taker: Address<Work>, context: &mut Context<'_, Self>) {
        let now = context.now();
        let asked = context.call(taker, PATIENCE, |reply| Work::Question(now, reply));
        match asked {
            Ok(id) => {
                self.given.offered += 1;
                self.given.questions += 1;
                self.questions[place] = Some(id);
            }
            Err(NotCalled::Undelivered(_)) => {
                self.given.offered += 1;
                self.given.questions += 1;
                self.given.refused += 1;
            }
            // Nothing was offered.
            Err(NotCalled::QuotaUsedUp) => {}
        }
    }

    fn hear(&mut self, mut reply: Reply) {
        for place in &mut self.questions {
            let Some(id) = *place else { continue };
            match reply.of(id) {
                Ok(outcome) => {
                    *place = None;
                    match outcome {
                        Ok(_) => self.given.answered += 1,
                        Err(CallError::Undelivered(_)) => self.given.returned += 1,
                        Err(_) => self.given.lost += 1,
                    }
                    return;
                }
                Err(other) => reply = other,
            }
        }
    }
}

impl Isolate for Giver {
    const KIND: &'static str = "giver";
    type Message = AreYouDone;
    type Init = Role;

    fn start(role: Role, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            role,
            given: Given::default(),
            questions: [None; QUESTIONS],
            next: context.random().below(1 << 32) as usize,
        })
    }

    fn handle(&mut self, event: Event<AreYouDone>, context: &mut Context<'_, Self>) -> Effect {
        let gives = context.now() < self.role.until;
        match event {
            Event::Reply(reply) => self.hear(reply),
            Event::Refused(refused) => {
                self.given.returned += 1;
                drop(refused);
            }
            Event::Message(AreYouDone(reply_to)) => {
                self.role.tally.add_given(self.given);
                context.reply(
                    reply_to,
                    !gives && self.questions.iter().all(Option::is_none),
                );
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        if gives {
            self.offer(context);
            return Effect::Yield;
        }
        Effect::Receive
    }
}
