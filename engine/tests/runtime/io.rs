//! Sockets of isolates: echoes on several shards whose connections crash, are handed over, and leave
//! nothing behind.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use tina_engine::io::{
    Descriptor, IoChoice, IoCounters, IoPlan, ListenOptions, Operation, Outcome, Parcel, Part,
    SocketOption,
};
use tina_engine::runtime::{
    Address, Child, Context, Counter, Effect, Event, Isolate, KindLimits, ReplyTo, Restart,
    Runtime, SpecError, Specification, Strategy, SupervisorSpec,
};

use crate::puppet::{Diary, LONG, Note, Stage, boot};

#[derive(Debug)]
enum ListenerOrder {
    /// Listen here as well.
    Listen(SocketAddr),
    Where(ReplyTo<SocketAddr>),
    Count(ReplyTo<IoCounters>),
    /// Somebody's connection is to be served here.
    TakeOver(Parcel),
}

/// Accepts connections and gives each to an isolate of its own.
struct Listener {
    address: SocketAddr,
}

impl Listener {
    fn listen(address: SocketAddr, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let options = ListenOptions {
            reuse_port: true,
            ..ListenOptions::default()
        };
        let mut io = context.io();
        let listener = io.listen(address, &options).map_err(|_| "cannot listen")?;
        io.submit(Operation::Accept { listener })
            .map_err(|_| "cannot accept")?;
        let address = io.local_address(listener).map_err(|_| "no address")?;
        Ok(Self { address })
    }

    fn serve(socket: Descriptor, context: &mut Context<'_, Self>) {
        let supervisor = context.supervisor("connections").expect("it stands beside");
        let spawned = context.spawn_under::<Connection>(supervisor, Restart::Temporary, ());
        let Ok(connection) = spawned else {
            context.io().close(socket).expect("just accepted");
            return;
        };
        let socket = context.io().give(socket, connection.handle());
        let socket = socket.expect("just accepted, and nothing in flight");
        context
            .send(connection, Serve(socket))
            .expect("its mailbox is empty");
    }
}

impl Isolate for Listener {
    const KIND: &'static str = "listener";
    type Message = ListenerOrder;
    type Init = Option<SocketAddr>;

    fn start(
        address: Option<SocketAddr>,
        context: &mut Context<'_, Self>,
    ) -> Result<Self, &'static str> {
        match address {
            Some(address) => Self::listen(address, context),
            None => Ok(Self { address: LOCALHOST }),
        }
    }

    fn handle(&mut self, event: Event<ListenerOrder>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(ListenerOrder::Listen(address)) => {
                *self = match Self::listen(address, context) {
                    Ok(listening) => listening,
                    Err(reason) => return Effect::Crash(reason),
                };
            }
            Event::Message(ListenerOrder::Where(reply_to)) => context.reply(reply_to, self.address),
            Event::Message(ListenerOrder::Count(reply_to)) => {
                let counters = context.io().counters().expect("there is I/O");
                context.reply(reply_to, counters);
            }
            Event::Message(ListenerOrder::TakeOver(parcel)) => {
                if let Ok(socket) = context.io().attach(parcel) {
                    Self::serve(socket, context);
                }
            }
            Event::Io(event) => match event.result {
                Ok(Outcome::Opened(socket)) => Self::serve(socket, context),
                other => panic!("accepting brought {other:?}"),
            },
            Event::Stopping => return Effect::Done,
            other => panic!("unexpected {other:?}"),
        }
        Effect::Receive
    }
}

#[derive(Debug)]
struct Serve(Descriptor);

/// Gives back what it receives. Some words have it crash or move.
enum Connection {
    New,
    Serving(Descriptor),
    Echoing(Descriptor, Part),
    Moving(Descriptor),
}

impl Connection {
    fn receive(&mut self, socket: Descriptor, context: &mut Context<'_, Self>) -> Effect {
        *self = Self::Serving(socket);
        match context.io().submit(Operation::Receive { socket }) {
            Ok(_) => Effect::Io,
            Err(_) => Effect::Crash("cannot receive"),
        }
    }

    fn received(
        &mut self,
        socket: Descriptor,
        part: Part,
        context: &mut Context<'_, Self>,
    ) -> Effect {
        let mut io = context.io();
        let bytes = io.part(part).expect("received into it");
        match bytes {
            b"crash" => return Effect::Crash("was told to"),
            b"panic" => {
                crate::sealed::unseal();
                panic!("was told to");
            }
            b"move" => {
                *self = Self::Moving(socket);
                io.release(part.buffer).expect("not in use");
                io.submit(Operation::Settle { descriptor: socket })
                    .expect("one in flight");
            }
            _ => {
                *self = Self::Echoing(socket, part);
                io.submit(Operation::Send { socket, from: part })
                    .expect("one in flight");
            }
        }
        Effect::Io
    }
}

impl Isolate for Connection {
    const KIND: &'static str = "connection";
    type Message = Serve;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self::New)
    }

    fn handle(&mut self, event: Event<Serve>, context: &mut Context<'_, Self>) -> Effect {
        let event = match event {
            Event::Message(Serve(socket)) => {
                let option = SocketOption::NoDelay(true);
                context
                    .io()
                    .set_option(socket, option)
                    .expect("a TCP socket");
                return self.receive(socket, context);
            }
            Event::Io(event) => event,
            Event::Stopping => return Effect::Done,
            other => panic!("unexpected {other:?}"),
        };
        match (&*self, event.result) {
            (&Self::Serving(socket), Ok(Outcome::Received(part))) => {
                self.received(socket, part, context)
            }
            (&Self::Echoing(socket, part), Ok(Outcome::Moved(_))) => {
                context.io().release(part.buffer).expect("sent");
                self.receive(socket, context)
            }
            (&Self::Moving(socket), Ok(Outcome::Done)) => {
                let parcel = context.io().detach(socket).expect("settled");
                let other = 1 - context.shard();
                let name = ["listener-0", "listener-1"][other];
                let to: Address<ListenerOrder> = context.find(name).expect("it has a name");
                context
                    .send(to, ListenerOrder::TakeOver(parcel))
                    .expect("the ring has room");
                Effect::Done
            }
            // The peer has closed, or reset.
            _ => Effect::Done,
        }
    }
}

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const PLAN: IoPlan = IoPlan {
    owner_places: 1,
    operation_slots: 1,
    descriptor_slots: 256,
    receive_buffers: 32,
    receive_bytes: 4096,
    transfer_buffers: 1,
    transfer_bytes: 64,
    helper_threads: 1,
};

fn specification(choice: IoChoice) -> Specification {
    let listener = Child::with::<Listener>(|shard| (shard == 0).then_some(LOCALHOST));
    let listener = listener.named("listener-{shard}");
    let limits = |slots| KindLimits {
        operations: 1,
        ..KindLimits::slots(slots)
    };
    let connections = SupervisorSpec::new("connections", Strategy::OneForOne);
    let tree = SupervisorSpec::new("echo", Strategy::OneForOne)
        .supervisor(connections)
        .child(listener);
    Specification::new(2)
        .kind::<Listener>(limits(1))
        .kind::<Connection>(limits(200))
        .io(choice, PLAN)
        .tree(tree)
}

/// A runtime whose two shards listen at one address.
fn echo(choice: IoChoice) -> (Runtime, SocketAddr) {
    let runtime = Runtime::boot(specification(choice)).unwrap();
    let address = runtime
        .call(listener(&runtime, 0), LONG, ListenerOrder::Where)
        .unwrap();
    let second = ListenerOrder::Listen(address);
    runtime.send(listener(&runtime, 1), second).unwrap();
    let same = runtime
        .call(listener(&runtime, 1), LONG, ListenerOrder::Where)
        .unwrap();
    assert_eq!(same, address);
    (runtime, address)
}

fn listener(runtime: &Runtime, shard: usize) -> Address<ListenerOrder> {
    runtime.find(&format!("listener-{shard}")).unwrap()
}

fn counters(runtime: &Runtime, shard: usize) -> IoCounters {
    runtime
        .call(listener(runtime, shard), LONG, ListenerOrder::Count)
        .unwrap()
}

/// Waits until only the listeners are left on both shards.
fn await_quiet(runtime: &Runtime) {
    let is_quiet = |shard| {
        let counters = counters(runtime, shard);
        let left = (
            counters.open_descriptors,
            counters.held_buffers,
            counters.operations_in_flight,
        );
        left == (1, 0, 1)
    };
    while !(is_quiet(0) && is_quiet(1)) {
        std::thread::yield_now();
    }
}

struct Client(TcpStream);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    fn echo(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        self.0.read_exact(&mut back).unwrap();
        assert_eq!(back, bytes);
    }

    /// Says a last word and waits for the end.
    fn end_with(mut self, word: &[u8]) {
        self.0.write_all(word).unwrap();
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        assert!(read.is_err() || rest.is_empty());
    }
}

#[test]
fn connections_crash_alone_and_leave_nothing_behind() {
    for choice in [IoChoice::Auto, IoChoice::Portable] {
        let (mut runtime, address) = echo(choice);
        let mut clients: Vec<Client> = (0..60).map(|_| Client::new(address)).collect();
        for round in 0..3u8 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.echo(&vec![round; 10 + 50 * number]);
            }
        }
        let mut survivors = Vec::new();
        for (number, client) in clients.into_iter().enumerate() {
            match number % 3 {
                0 => client.end_with(b"crash"),
                1 => client.end_with(b"panic"),
                _ => survivors.push(client),
            }
        }
        for client in &mut survivors {
            client.echo(b"still here");
        }
        drop(survivors);
        await_quiet(&runtime);
        let accepted = (0..2).map(|shard| counters(&runtime, shard).submitted_count);
        assert!(
            accepted.min().unwrap() > 1,
            "the kernel spreads connections over both"
        );
        let metrics = runtime.metrics();
        // An accept a shard, and of each connection at least a receive.
        assert!(metrics.total(Counter::IoSubmitted) >= 62);
        assert_eq!(metrics.total(Counter::IoRefused), 0);
        assert!(!runtime.shutdown(LONG).forced);
    }
}

#[test]
fn a_connection_moves_between_shards_in_a_message() {
    for choice in [IoChoice::Auto, IoChoice::Portable] {
        let (mut runtime, address) = echo(choice);
        let mut clients: Vec<Client> = (0..8).map(|_| Client::new(address)).collect();
        for _ in 0..5 {
            for client in &mut clients {
                client.echo(b"before");
                client.0.write_all(b"move").unwrap();
            }
            for client in &mut clients {
                // The word above must have been read alone; the answer shows that it was.
                client.echo_after_move();
            }
        }
        drop(clients);
        await_quiet(&runtime);
        assert!(!runtime.shutdown(LONG).forced);
    }
}

impl Client {
    /// What is sent now may arrive together with the order to move, and is then echoed with it.
    fn echo_after_move(&mut self) {
        self.0.write_all(b".").unwrap();
        let mut back = Vec::new();
        while back.last() != Some(&b'.') {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            back.push(byte[0]);
        }
        assert!(back == b"." || back == b"move.");
    }
}

#[test]
fn a_shutdown_closes_what_is_open() {
    let (mut runtime, address) = echo(IoChoice::Auto);
    let mut client = Client::new(address);
    client.echo(b"hello");
    assert!(!runtime.shutdown(LONG).forced);
    assert_eq!(client.0.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn what_is_wrong_with_io_is_told_with_the_rest() {
    let limits = KindLimits {
        operations: 1,
        ..KindLimits::slots(1)
    };
    let without = Specification::new(1).kind::<Listener>(limits);
    let plan = IoPlan {
        receive_bytes: 0,
        ..PLAN
    };
    let shared = Specification::new(3)
        .kind::<Listener>(limits)
        .threads(2)
        .io(IoChoice::Auto, plan);
    let texts = [without, shared].map(|specification| match Runtime::boot(specification) {
        Err(tina_engine::runtime::RuntimeBootError::Specification(errors)) => errors
            .errors
            .iter()
            .map(SpecError::to_string)
            .collect::<Vec<_>>(),
        other => panic!("{:?}", other.map(drop)),
    });
    assert_eq!(
        texts[0],
        ["kind listener may have operations in flight, and the specification has no `io`"]
    );
    assert_eq!(
        texts[1],
        [
            "I/O: receive_bytes is 0: it must be from 1 to 1073741824",
            "3 shards with I/O have 2 threads; each needs one of its own"
        ]
    );
}

#[test]
fn whoever_waits_for_io_without_any_is_ended() {
    let diary = Diary::new();
    let runtime = boot(1, &[(0, "ann")], &diary);
    runtime.act("ann", |ann, context| {
        assert!(ann.peer.is_none() && context.io().take_buffer().is_err());
        Effect::Io
    });
    diary.await_note("ann", Note::Dropped, 1);
    diary.await_note("ann", Note::Started, 2);
}

#[test]
fn time_limits_reach_isolates() {
    /// Waits for a datagram that nobody sends.
    struct Patient;
    impl Isolate for Patient {
        const KIND: &'static str = "patient";
        type Message = ReplyTo<bool>;
        type Init = ();
        fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
            Ok(Self)
        }
        fn handle(
            &mut self,
            event: Event<ReplyTo<bool>>,
            context: &mut Context<'_, Self>,
        ) -> Effect {
            match event {
                Event::Message(reply_to) => {
                    WAITING.set(Some(reply_to));
                    let mut io = context.io();
                    let socket = io.bind(LOCALHOST, false).expect("a port is free");
                    let receive = Operation::ReceiveFrom { socket };
                    io.submit_within(Duration::from_millis(5), receive)
                        .expect("it may");
                    Effect::Io
                }
                Event::Io(event) => {
                    let is_over = event.result == Err(tina_engine::io::Errno::ETIME);
                    let reply_to = WAITING.take().expect("asked above");
                    context.reply(reply_to, is_over);
                    Effect::Receive
                }
                _ => Effect::Done,
            }
        }
    }
    thread_local! {
        static WAITING: std::cell::Cell<Option<ReplyTo<bool>>> = const { std::cell::Cell::new(None) };
    }
    let limits = KindLimits {
        operations: 1,
        ..KindLimits::slots(1)
    };
    let child = Child::new::<Patient>(()).named("patient");
    let tree = SupervisorSpec::new("top", Strategy::OneForOne).child(child);
    for choice in [IoChoice::Auto, IoChoice::Portable] {
        let specification = Specification::new(1)
            .kind::<Patient>(limits)
            .io(choice, PLAN)
            .tree(tree.clone());
        let runtime = Runtime::boot(specification).unwrap();
        let patient: Address<ReplyTo<bool>> = runtime.find("patient").unwrap();
        assert_eq!(runtime.call(patient, LONG, |reply_to| reply_to), Ok(true));
    }
}
