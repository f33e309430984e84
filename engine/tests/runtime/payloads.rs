//! Payloads: moved and never copied, refused when there are none, brought back by messages that are
//! refused, and given back wherever they die.

use crate::puppet::LONG;
use tina_engine::runtime::{
    Address, Child, Context, Counter, Effect, Event, Isolate, KindLimits, NoPayload, Payload,
    ReplyTo, Runtime, SendError, Specification, Strategy, SupervisorSpec, Undelivered,
};

const NAMES: [&str; 3] = ["carrier 0", "carrier 1", "carrier 2"];
const BYTES: &[u8] = b"more than a message could take, if there were more of it";

enum Order {
    /// Take as many as there are, keep them, and say how many, and why no more.
    Hoard(ReplyTo<(usize, NoPayload)>),
    /// Take one and send it through so many hands.
    Tour(u32, ReplyTo<Tour>),
    Pass(Tour, u32, Option<ReplyTo<Tour>>),
    /// Send one to this address, and say what became of it.
    Offer(Address<Order>, ReplyTo<Undelivered>),
    Crash,
}

/// A payload, and where its bytes lay when it was taken.
struct Tour {
    payload: Payload,
    at: usize,
}

struct Carrier {
    next: &'static str,
    hoard: [Option<Payload>; 4],
    waits: Option<ReplyTo<Undelivered>>,
}

impl Carrier {
    fn hoard(&mut self, context: &mut Context<'_, Self>) -> (usize, NoPayload) {
        for (count, place) in self.hoard.iter_mut().enumerate() {
            match context.payload(1) {
                Ok(payload) => *place = Some(payload),
                Err(why) => return (count, why),
            }
        }
        panic!("there are more than were planned")
    }

    fn tour(context: &mut Context<'_, Self>) -> Tour {
        let payload = context.filled_payload(BYTES).unwrap();
        let at = payload.as_ptr().addr();
        Tour { payload, at }
    }

    fn offer(
        &mut self,
        to: Address<Order>,
        reply_to: ReplyTo<Undelivered>,
        context: &mut Context<'_, Self>,
    ) {
        let tour = Self::tour(context);
        match context.send(to, Order::Pass(tour, 0, None)) {
            Ok(()) => self.waits = Some(reply_to),
            Err(SendError { why, message }) => {
                expect_whole(message);
                context.reply(reply_to, why);
            }
        }
    }
}

/// What comes back is what was sent, in the place where it was written.
fn expect_whole(message: Order) {
    let Order::Pass(Tour { payload, at }, ..) = message else {
        panic!("another message came back")
    };
    assert_eq!(&payload[..], BYTES);
    assert_eq!(payload.as_ptr().addr(), at);
}

impl Isolate for Carrier {
    const KIND: &'static str = "carrier";
    type Message = Order;
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self {
            next: NAMES[(context.shard() + 1) % context.shard_count()],
            hoard: [const { None }; 4],
            waits: None,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Order::Hoard(reply_to)) => {
                let hoarded = self.hoard(context);
                context.reply(reply_to, hoarded);
            }
            Event::Message(Order::Tour(hands, reply_to)) => {
                let next = context.find(self.next).unwrap();
                let order = Order::Pass(Self::tour(context), hands, Some(reply_to));
                context.send(next, order).ok().unwrap();
            }
            Event::Message(Order::Pass(tour, 0, Some(reply_to))) => context.reply(reply_to, tour),
            Event::Message(Order::Pass(_, 0, None)) => {}
            Event::Message(Order::Pass(tour, hands, reply_to)) => {
                let next = context.find(self.next).unwrap();
                let order = Order::Pass(tour, hands - 1, reply_to);
                context.send(next, order).ok().unwrap();
            }
            Event::Message(Order::Offer(to, reply_to)) => self.offer(to, reply_to, context),
            Event::Message(Order::Crash) => return Effect::Crash("on purpose"),
            Event::Refused(refused) => {
                let why = refused.why();
                expect_whole(refused.into_message().ok().unwrap());
                context.reply(self.waits.take().unwrap(), why);
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

/// One carrier per shard, each shard with three payloads that are long enough.
fn boot(shards: usize) -> Runtime {
    let carrier = Child::new::<Carrier>(()).named("carrier {shard}");
    let specification = Specification::new(shards)
        .kind::<Carrier>(KindLimits::slots(1))
        .payloads(200, 1)
        .payloads(BYTES.len(), 2)
        .tree(SupervisorSpec::new("carriers", Strategy::OneForOne).child(carrier));
    Runtime::boot(specification).unwrap()
}

fn in_use(runtime: &Runtime) -> u64 {
    let metrics = runtime.metrics();
    metrics.total(Counter::PayloadsTaken) - metrics.total(Counter::PayloadsGivenBack)
}

/// Who is there after this one has ended.
fn successor(runtime: &Runtime, gone: Address<Order>) -> Address<Order> {
    loop {
        let found = runtime.find(NAMES[gone.handle().shard()]);
        if let Some(next) = found.filter(|it| *it != gone) {
            return next;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_payload_goes_through_many_hands_and_shards_without_being_copied() {
    for shards in [1, 3] {
        let mut runtime = boot(shards);
        let first = runtime.find(NAMES[0]).unwrap();
        let tour: Tour = runtime
            .call(first, LONG, |reply| Order::Tour(7, reply))
            .unwrap();
        assert_eq!(tour.payload.as_ptr().addr(), tour.at);
        assert_eq!(&tour.payload[..], BYTES);
        assert_eq!(in_use(&runtime), 1);
        assert!(!runtime.shutdown(LONG).forced);
        // It outlives the runtime that it came from.
        drop(runtime);
        assert_eq!(&tour.payload[..], BYTES);
    }
}

#[test]
fn when_all_are_in_use_it_is_said_and_those_of_who_ends_are_free_again() {
    let mut runtime = boot(1);
    let hoard = |runtime: &Runtime| {
        let carrier = runtime.find(NAMES[0]).unwrap();
        runtime.call(carrier, LONG, Order::Hoard).unwrap()
    };
    assert_eq!(hoard(&runtime), (3, NoPayload::NoneFree));
    assert_eq!(runtime.payload(1).unwrap_err(), NoPayload::NoneFree);
    assert!(runtime.payload(201).unwrap_err() != NoPayload::NoneFree);
    let carrier: Address<Order> = runtime.find(NAMES[0]).unwrap();
    runtime.send(carrier, Order::Crash).unwrap();
    let next = successor(&runtime, carrier);
    assert_eq!(
        runtime.call(next, LONG, Order::Hoard),
        Ok((3, NoPayload::NoneFree))
    );
    assert!(!runtime.shutdown(LONG).forced);
    assert_eq!(in_use(&runtime), 0);
    assert_eq!(runtime.metrics().total(Counter::PayloadsRefused), 4);
}

#[test]
fn a_message_that_is_refused_here_or_there_brings_its_payload_back() {
    let mut runtime = boot(2);
    let gone: [Address<Order>; 2] = [0, 1].map(|shard| runtime.find(NAMES[shard]).unwrap());
    for carrier in gone {
        runtime.send(carrier, Order::Crash).unwrap();
    }
    for next in gone.map(|gone| successor(&runtime, gone)) {
        for to in gone {
            let why = runtime.call(next, LONG, |reply| Order::Offer(to, reply));
            assert_eq!(why, Ok(Undelivered::Stale));
        }
    }
    assert!(!runtime.shutdown(LONG).forced);
    assert_eq!(in_use(&runtime), 0);
    assert!(runtime.metrics().total(Counter::Returned) >= 2);
}

#[test]
fn one_from_outside_is_given_back_when_the_mailbox_dies_with_its_isolate() {
    let mut runtime = boot(1);
    let carrier: Address<Order> = runtime.find(NAMES[0]).unwrap();
    runtime.send(carrier, Order::Crash).unwrap();
    for _ in 0..3 {
        let Ok(payload) = runtime.payload(BYTES.len()) else {
            break;
        };
        let at = payload.as_ptr().addr();
        let order = Order::Pass(Tour { payload, at }, 0, None);
        // Waits behind the order to crash, or comes too late for it.
        runtime.send(carrier, order).ok();
    }
    assert!(!runtime.shutdown(LONG).forced);
    assert_eq!(in_use(&runtime), 0);
}
