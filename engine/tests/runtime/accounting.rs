//! Under random traffic with too little room and isolates that crash, nothing is lost without a word:
//! what was offered is what was accepted, refused or returned, and what was accepted is what was
//! handled or thrown away with its mailbox; every message is dropped exactly once, and every payload is
//! given back.

use crate::puppet::LONG;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::strategy::Strategy as Cases;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::runtime::{
    Address, Child, Context, Counter, Effect, Event, Isolate, KindLimits, LinkLimits, Payload,
    ReplyTo, Runtime, SendError, Specification, Strategy, SupervisorSpec,
};

/// How long a question may take: some are kept by isolates that wait for each other.
const PATIENCE: Duration = Duration::from_millis(2);

enum Talk {
    /// Say something to somebody, so many times more, perhaps at length.
    Gossip(u32, Arc<()>, Option<Payload>),
    /// A question that may be answered, kept or forgotten.
    Question(ReplyTo<u64>),
    Hush(ReplyTo<u64>),
}

#[derive(Clone)]
struct Init {
    count: usize,
    crashes: bool,
}

struct Gossiper {
    init: Init,
    kept: Option<ReplyTo<u64>>,
    calls: u64,
}

impl Gossiper {
    fn somebody(&self, context: &mut Context<'_, Self>) -> Option<Address<Talk>> {
        const NAMES: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
        let number = context.random().below(self.init.count as u64) as usize;
        context.find(NAMES[number])
    }

    fn gossip(&mut self, context: &mut Context<'_, Self>, left: u32, token: &Arc<()>) {
        for _ in 0..2 {
            let Some(other) = self.somebody(context) else {
                continue;
            };
            let payload = context.filled_payload(&left.to_le_bytes()).ok();
            let talk = Talk::Gossip(left, token.clone(), payload);
            if let Err(SendError { message, .. }) = context.send(other, talk) {
                drop(message);
            }
        }
        if let Some(other) = self.somebody(context)
            && context.call(other, PATIENCE, Talk::Question).is_ok()
        {
            self.calls += 1;
        }
    }
}

impl Isolate for Gossiper {
    const KIND: &'static str = "gossiper";
    type Message = Talk;
    type Init = Init;

    fn start(init: Init, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            init,
            kept: None,
            calls: 0,
        })
    }

    fn handle(&mut self, event: Event<Talk>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Talk::Gossip(left, token, payload)) => {
                if let Some(payload) = payload {
                    assert_eq!(payload[..], left.to_le_bytes());
                }
                if left > 0 {
                    self.gossip(context, left - 1, &token);
                }
                if self.init.crashes && context.random().chance(1, 10) {
                    return Effect::Crash("on purpose");
                }
                if self.calls > 0 && context.random().chance(1, 4) {
                    return Effect::Call;
                }
            }
            Event::Message(Talk::Question(reply_to)) => match context.random().below(3) {
                0 => context.reply(reply_to, 1),
                1 => drop(reply_to),
                _ => self.kept = Some(reply_to),
            },
            Event::Message(Talk::Hush(reply_to)) => {
                self.kept = None;
                context.reply(reply_to, 0);
            }
            Event::Reply(_) => {
                self.calls -= 1;
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

#[derive(Clone, Debug)]
struct Case {
    shards: usize,
    threads: usize,
    count: usize,
    mailbox_slots: u32,
    link_messages: u32,
    crashes: bool,
    left: u32,
    seed: u64,
}

fn case() -> impl Cases<Value = Case> {
    (
        1..4usize,
        1..3usize,
        1..12usize,
        1..6u32,
        1..6u32,
        any::<bool>(),
        1..7u32,
        any::<u64>(),
    )
        .prop_map(
            |(shards, threads, count, mailbox_slots, link_messages, crashes, left, seed)| Case {
                shards,
                threads,
                count,
                mailbox_slots,
                link_messages,
                crashes,
                left,
                seed,
            },
        )
}

fn check(case: &Case) {
    let limits = KindLimits {
        mailbox_slots: case.mailbox_slots,
        calls: 3,
        ..KindLimits::slots(12)
    };
    let links = LinkLimits {
        messages: case.link_messages,
        replies: 1,
    };
    let init = Init {
        count: case.count,
        crashes: case.crashes,
    };
    let mut specification = Specification::new(case.shards)
        .threads(case.threads)
        .kind::<Gossiper>(limits)
        .links(links)
        .payloads(4, 5)
        .watches_and_refusals(4, 1)
        .seed(case.seed);
    for number in 0..case.count {
        let child = Child::new::<Gossiper>(init.clone()).named(number.to_string());
        let tree = SupervisorSpec::new(format!("tree {number}"), Strategy::OneForOne)
            .budget(1_000_000, LONG)
            .child(child);
        specification = specification.tree_on(number % case.shards, tree);
    }
    let mut runtime = Runtime::boot(specification).unwrap();
    let token = Arc::new(());
    for number in 0..case.count {
        let to = runtime.find(&number.to_string());
        let talk = Talk::Gossip(case.left, token.clone(), None);
        if let Some(to) = to {
            runtime.send(to, talk).ok();
        }
    }
    settle(&runtime, case);
    assert!(runtime.shutdown(LONG) == tina_engine::runtime::Shutdown { forced: false });
    let metrics = runtime.metrics();
    let total = |counter| metrics.total(counter);
    let accepted = total(Counter::Accepted);
    assert_eq!(
        accepted,
        total(Counter::Handled) + total(Counter::Discarded),
        "{case:?}"
    );
    let begun = total(Counter::Calls);
    let ended = total(Counter::CallsReplied) + total(Counter::CallsFailed);
    assert_eq!(begun, ended + total(Counter::CallsAbandoned), "{case:?}");
    assert_eq!(Arc::strong_count(&token), 1, "{case:?}");
    let taken = total(Counter::PayloadsTaken);
    assert_eq!(taken, total(Counter::PayloadsGivenBack), "{case:?}");
}

/// Waits until nothing is on its way: if something were lost, that would never be.
fn settle(runtime: &Runtime, case: &Case) {
    for _ in 0..10_000 {
        for number in 0..case.count {
            if let Some(to) = runtime.find(&number.to_string()) {
                // Its mailbox may be full, or it may end: then it is asked again in the next round.
                let _ = runtime.call(to, LONG, Talk::Hush);
            }
        }
        let metrics = runtime.metrics();
        let total = |counter| metrics.total(counter);
        let refused = [
            Counter::RefusedMailboxFull,
            Counter::RefusedPoolExhausted,
            Counter::RefusedStale,
            Counter::RefusedLinkFull,
            Counter::Returned,
        ];
        let told = total(Counter::Accepted) + refused.map(total).iter().sum::<u64>();
        if total(Counter::Offered) == told {
            return;
        }
    }
    panic!("messages were lost: {case:?}, {:?}", runtime.metrics());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_without_a_word(case in case()) {
        check(&case);
    }
}
