//! An isolate that does what a test tells it, and writes down what happens to it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tina_engine::runtime::{
    Address, CallError, CallId, Child, Context, Effect, Ending, Event, Isolate, KindLimits,
    ReplyTo, Runtime, Specification, Strategy, SupervisorSpec, Undelivered,
};

/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(60);

/// What happened to a puppet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    Started,
    Message(u64),
    Reply(Result<u64, CallError>),
    Timer,
    Resumed,
    Refused(Undelivered, u64),
    Down(Ending),
    Peer(usize, bool),
    Stopping,
    Dropped,
}

/// Who wrote, and what.
type Entry = (&'static str, Note);

/// What all puppets of a test write, in order.
#[derive(Clone)]
pub struct Diary(Arc<(Mutex<Vec<Entry>>, Condvar)>);

impl Diary {
    pub fn new() -> Self {
        // Room is made beforehand: puppets may not allocate.
        Self(Arc::new((
            Mutex::new(Vec::with_capacity(1 << 16)),
            Condvar::new(),
        )))
    }

    pub fn write(&self, who: &'static str, note: Note) {
        self.0.0.lock().unwrap().push((who, note));
        self.0.1.notify_all();
    }

    /// Everything so far, once `enough` says so.
    pub fn wait(&self, enough: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        let mut notes = self.0.0.lock().unwrap();
        while !enough(&notes) {
            let (again, timeout) = self.0.1.wait_timeout(notes, LONG).unwrap();
            notes = again;
            assert!(!timeout.timed_out(), "this is all that happened: {notes:?}");
        }
        notes.clone()
    }

    pub fn all(&self) -> Vec<Entry> {
        self.0.0.lock().unwrap().clone()
    }

    /// What `who` wrote.
    pub fn of(&self, who: &str) -> Vec<Note> {
        let all = self.all();
        all.iter()
            .filter(|(name, _)| *name == who)
            .map(|&(_, note)| note)
            .collect()
    }

    /// Waits until `who` has written `note` so many times.
    pub fn await_note(&self, who: &str, note: Note, times: usize) {
        let wanted = |entry: &&Entry| entry.0 == who && entry.1 == note;
        self.wait(|notes| notes.iter().filter(wanted).count() >= times);
    }
}

pub type Act = fn(&mut Puppet, &mut Context<'_, Puppet>) -> Effect;

#[derive(Debug)]
pub enum Order {
    /// Do this.
    Act(Act),
    /// Write this down.
    Tell(u64),
    /// Answer with this number, twice.
    Ask(u64, ReplyTo<u64>),
    /// Keep the right to answer.
    Keep(ReplyTo<u64>),
    /// Here is somebody.
    Meet(Address<Order>),
}

/// What a puppet starts from.
#[derive(Clone)]
pub struct Script {
    pub name: &'static str,
    pub diary: Diary,
    /// What it does when it starts, besides writing it down.
    pub begin: fn(&mut Context<'_, Puppet>) -> Result<(), &'static str>,
}

pub struct Puppet {
    pub name: &'static str,
    pub diary: Diary,
    pub peer: Option<Address<Order>>,
    pub kept: Option<ReplyTo<u64>>,
    pub call: Option<CallId<u64>>,
    pub number: u64,
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.diary.write(self.name, Note::Dropped);
    }
}

impl Isolate for Puppet {
    const KIND: &'static str = "puppet";
    type Message = Order;
    type Init = Script;

    fn start(script: Script, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        script.diary.write(script.name, Note::Started);
        (script.begin)(context)?;
        Ok(Self {
            name: script.name,
            diary: script.diary,
            peer: None,
            kept: None,
            call: None,
            number: 0,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        let note = match event {
            Event::Message(Order::Act(act)) => return act(self, context),
            Event::Message(Order::Ask(number, reply_to)) => {
                context.reply(reply_to, 2 * number);
                return Effect::Receive;
            }
            Event::Message(Order::Keep(reply_to)) => {
                self.kept = Some(reply_to);
                return Effect::Receive;
            }
            Event::Message(Order::Meet(peer)) => {
                self.peer = Some(peer);
                return Effect::Receive;
            }
            Event::Message(Order::Tell(number)) => Note::Message(number),
            Event::Reply(reply) => {
                let call = self.call.take().expect("a call was made");
                Note::Reply(reply.of(call).expect("the one call"))
            }
            Event::Timer(_) => Note::Timer,
            Event::Resumed => Note::Resumed,
            Event::Refused(refused) => {
                let why = refused.why();
                match refused.into_message() {
                    Ok(Order::Tell(number)) => Note::Refused(why, number),
                    other => panic!("what came back is {other:?}"),
                }
            }
            Event::Io(event) => panic!("puppets do no I/O: {event:?}"),
            Event::Down(down) => Note::Down(down.ending),
            Event::Peer { shard, up } => Note::Peer(shard, up),
            Event::Stopping => {
                self.diary.write(self.name, Note::Stopping);
                return Effect::Done;
            }
        };
        self.diary.write(self.name, note);
        Effect::Receive
    }
}

/// Does not end when it is told to, nor do anything else.
pub struct Stubborn;

impl Isolate for Stubborn {
    const KIND: &'static str = "stubborn";
    type Message = ();
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self)
    }

    fn handle(&mut self, _: Event<()>, _: &mut Context<'_, Self>) -> Effect {
        Effect::Receive
    }
}

pub fn script(name: &'static str, diary: &Diary) -> Script {
    Script {
        name,
        diary: diary.clone(),
        begin: |_| Ok(()),
    }
}

/// A puppet that is found under its own name.
pub fn child(name: &'static str, diary: &Diary) -> Child {
    Child::new::<Puppet>(script(name, diary)).named(name)
}

/// A specification of so many shards with room for puppets.
pub fn stage(shards: usize) -> Specification {
    Specification::new(shards).kind::<Puppet>(KindLimits::slots(16))
}

/// Named puppets, by shard.
pub fn boot(shards: usize, cast: &[(usize, &'static str)], diary: &Diary) -> Runtime {
    boot_in(stage(shards), cast, diary)
}

pub fn boot_in(
    mut specification: Specification,
    cast: &[(usize, &'static str)],
    diary: &Diary,
) -> Runtime {
    for &(shard, name) in cast {
        let tree = SupervisorSpec::new(name, Strategy::OneForOne).child(child(name, diary));
        specification = specification.tree_on(shard, tree);
    }
    Runtime::boot(specification).unwrap()
}

/// What tests do with puppets from outside.
pub trait Stage {
    fn puppet(&self, name: &str) -> Address<Order>;
    fn act(&self, name: &str, act: Act);
    /// Comes back when the puppet has handled everything that was sent to it before.
    fn settle(&self, name: &str);
    fn introduce(&self, name: &str, to: &str);
}

impl Stage for Runtime {
    fn puppet(&self, name: &str) -> Address<Order> {
        self.find(name).expect("the puppet has a name")
    }

    fn act(&self, name: &str, act: Act) {
        self.send(self.puppet(name), Order::Act(act)).unwrap();
    }

    fn settle(&self, name: &str) {
        let answer = self.call(self.puppet(name), LONG, |reply| Order::Ask(21, reply));
        assert_eq!(answer, Ok(42));
    }

    fn introduce(&self, name: &str, to: &str) {
        let peer = self.puppet(to);
        self.send(self.puppet(name), Order::Meet(peer)).unwrap();
    }
}
