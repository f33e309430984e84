//! One suite for every back end: whatever serves a shard, its owners are told the same.
//!
//! Where the kernel refuses io_uring, the suite runs on the portable back end alone and says so.

mod files;
mod limits;
mod random;
mod stop;
mod tcp;
mod others;
mod wake;

use super::*;
use crate::platform;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// So long a test waits for something before it fails: far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

const ANN: Owner = Owner {
    place: 0,
    handle: 0x1_0000,
};
const BOB: Owner = Owner {
    place: 1,
    handle: 0x1_0001,
};

const LOCALHOST: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn small_plan() -> IoPlan {
    IoPlan {
        owner_places: 4,
        operation_slots: 512,
        descriptor_slots: 512,
        receive_buffers: 64,
        receive_bytes: 4096,
        transfer_buffers: 16,
        transfer_bytes: 64 << 10,
        helper_threads: 2,
    }
}

/// Whose sockets and files a test uses.
#[derive(Clone, Debug)]
enum Side {
    System(IoChoice),
    Simulated(World),
}

impl Side {
    fn io(&self, plan: &IoPlan) -> ShardIo {
        match self {
            Self::System(choice) => ShardIo::new(*choice, plan).unwrap(),
            Self::Simulated(world) => {
                static SHARDS: AtomicUsize = AtomicUsize::new(0);
                let shard = SHARDS.fetch_add(1, Ordering::Relaxed);
                ShardIo::simulated(world, shard, plan).unwrap()
            }
        }
    }
}

/// Runs a test on each back end the host has, and in a simulated world.
fn on_each(test: impl Fn(&mut Rig)) {
    on_each_with(&small_plan(), test);
}

/// Runs a test that looks at files by other means on each back end the host has.
fn on_each_of_the_system(test: impl Fn(&mut Rig)) {
    for choice in choices() {
        let mut rig = Rig::new(&Side::System(choice), &small_plan());
        test(&mut rig);
        rig.assert_nothing_is_left();
    }
}

fn sides(faults: WorldFaults) -> Vec<Side> {
    let world = World::new(1, faults);
    let system = choices().into_iter().map(Side::System);
    system.chain([Side::Simulated(world)]).collect()
}

fn on_each_with(plan: &IoPlan, test: impl Fn(&mut Rig)) {
    // As quick as the loopback, where what was sent is there.
    let mut faults = WorldFaults::default();
    faults.network.latency_micros = [0, 0];
    for side in sides(faults) {
        let mut rig = Rig::new(&side, plan);
        test(&mut rig);
        rig.assert_nothing_is_left();
    }
}

fn choices() -> Vec<IoChoice> {
    match ShardIo::new(IoChoice::Uring, &small_plan()) {
        Ok(_) => vec![IoChoice::Uring, IoChoice::Portable],
        Err(error) => {
            println!("only the portable back end is tested: {error}");
            vec![IoChoice::Portable]
        }
    }
}

/// A shard's I/O with the hands of a test.
struct Rig {
    io: ShardIo,
    side: Side,
    receive_count: u32,
    /// What time limits see; it moves when the test moves it.
    clock: Duration,
    token: u64,
    /// Completions that were not the one waited for.
    told: Vec<Completion>,
}

impl Rig {
    fn new(side: &Side, plan: &IoPlan) -> Self {
        Self {
            io: side.io(plan),
            side: side.clone(),
            receive_count: plan.receive_buffers,
            clock: Duration::ZERO,
            token: 1000,
            told: Vec::new(),
        }
    }

    fn submit(&mut self, owner: Owner, operation: Operation) -> (u64, Ticket) {
        self.submit_for(owner, operation, None)
    }

    fn submit_for(
        &mut self,
        owner: Owner,
        operation: Operation,
        timeout: Option<Duration>,
    ) -> (u64, Ticket) {
        let refused = |refusal| panic!("{operation:?}: {refusal}");
        self.try_submit(owner, operation, timeout)
            .unwrap_or_else(refused)
    }

    fn try_submit(
        &mut self,
        owner: Owner,
        operation: Operation,
        timeout: Option<Duration>,
    ) -> Result<(u64, Ticket), Refusal> {
        self.token += 1;
        let submission = Submission {
            owner,
            token: self.token,
            operation,
            timeout,
        };
        let ticket = self.io.submit(self.clock, &submission)?;
        Ok((self.token, ticket))
    }

    /// One turn without waiting, and all it has to tell.
    fn turn(&mut self) {
        if let Side::Simulated(world) = &self.side {
            world.advance(world.now() + Duration::from_micros(1));
        }
        self.io.turn(self.clock);
        while let Some(completion) = self.io.next_completion() {
            self.told.push(completion);
        }
    }

    /// Waits for the next completion of an operation.
    fn completion(&mut self, token: u64) -> Completion {
        let begin = platform::now();
        loop {
            if let Some(place) = self.told.iter().position(|told| told.token == token) {
                return self.told.remove(place);
            }
            assert!(begin.elapsed() < PATIENCE, "nothing comes of {token}");
            self.io.wait(self.clock, Some(PATIENCE), || false);
            self.turn();
        }
    }

    /// Waits for the only completion of an operation.
    fn result(&mut self, token: u64) -> Result<Outcome, Errno> {
        let completion = self.completion(token);
        assert!(!completion.more, "{completion:?}");
        completion.result
    }

    /// Does an operation from beginning to end.
    fn run(&mut self, owner: Owner, operation: Operation) -> Result<Outcome, Errno> {
        let (token, _) = self.submit(owner, operation);
        self.result(token)
    }

    fn opened(&mut self, token: u64) -> Descriptor {
        match self.completion(token).result {
            Ok(Outcome::Opened(descriptor)) => descriptor,
            other => panic!("{other:?}"),
        }
    }

    /// A connection: Ann's end, and Bob's, who accepted it.
    fn pair(&mut self) -> (Descriptor, Descriptor) {
        self.pair_with(&ListenOptions::default())
    }

    fn pair_with(&mut self, options: &ListenOptions) -> (Descriptor, Descriptor) {
        let listener = self.io.listen(BOB, LOCALHOST, options).unwrap();
        let to = self.io.local_address(BOB, listener).unwrap();
        let (accepting, _) = self.submit(BOB, Operation::Accept { listener });
        let (connecting, _) = self.submit(ANN, Operation::Connect { to });
        let pair = (self.opened(connecting), self.opened(accepting));
        self.io.close(BOB, listener).unwrap();
        assert_eq!(self.result(accepting), Err(Errno::ECANCELED));
        pair
    }

    /// Sends all bytes, from as many buffers as it takes.
    fn send(&mut self, owner: Owner, socket: Descriptor, bytes: &[u8]) {
        for chunk in bytes.chunks(64 << 10) {
            let from = self.io.take_filled(owner, chunk).unwrap();
            let sent = self.run(owner, Operation::Send { socket, from });
            assert_eq!(sent, Ok(Outcome::Moved(chunk.len() as u64)));
            self.io.release(owner, from.buffer).unwrap();
        }
    }

    /// The bytes of a received part; its buffer goes back.
    fn take(&mut self, owner: Owner, outcome: Result<Outcome, Errno>) -> Vec<u8> {
        match outcome {
            Ok(Outcome::Received(part)) => {
                let bytes = self.io.part(owner, part).unwrap().to_vec();
                assert!(!bytes.is_empty());
                self.io.release(owner, part.buffer).unwrap();
                bytes
            }
            Ok(Outcome::End) => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// Receives so many bytes, or up to the end of the stream.
    fn receive(&mut self, owner: Owner, socket: Descriptor, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            let outcome = self.run(owner, Operation::Receive { socket });
            let bytes = self.take(owner, outcome);
            if bytes.is_empty() {
                break;
            }
            all.extend(bytes);
        }
        all
    }

    fn close(&mut self, owner: Owner, descriptor: Descriptor) {
        let closed = self.run(owner, Operation::Close { descriptor });
        assert_eq!(closed, Ok(Outcome::Done));
    }

    fn path(&mut self, path: &Path) -> Part {
        self.io
            .take_filled(ANN, path.as_os_str().as_encoded_bytes())
            .unwrap()
    }

    fn open(&mut self, path: &Path, how: OpenHow) -> Result<Descriptor, Errno> {
        let path = self.path(path);
        let opened = self.run(ANN, Operation::Open { path, how });
        self.io.release(ANN, path.buffer).unwrap();
        opened.map(|outcome| match outcome {
            Outcome::Opened(descriptor) => descriptor,
            other => panic!("{other:?}"),
        })
    }

    /// Every descriptor, buffer and operation has come back once its owners are gone, and the
    /// counts add up.
    fn assert_nothing_is_left(&mut self) {
        self.await_end();
        self.assert_every_buffer_receives();
        self.await_end();
    }

    fn await_end(&mut self) {
        self.io.close_all_of(ANN);
        self.io.close_all_of(BOB);
        let begin = platform::now();
        while self.io.counters().operations_in_flight > 0 {
            assert!(begin.elapsed() < PATIENCE, "{:?}", self.io.counters());
            self.io.wait(self.clock, Some(PATIENCE), || false);
            self.turn();
        }
        let counters = self.io.counters();
        let left = (counters.open_descriptors, counters.held_buffers);
        assert_eq!(left, (0, 0), "{:?}", self.side);
        assert_eq!(counters.submitted_count, counters.ended_count);
    }
}

impl Rig {
    /// Bytes arrive in as many buffers as there are.
    fn assert_every_buffer_receives(&mut self) {
        let (ann, bob) = self.pair();
        for held in 0..self.receive_count {
            assert_eq!(self.io.counters().held_buffers, held);
            self.send(ANN, ann, b"x");
            let outcome = self.run(BOB, Operation::Receive { socket: bob });
            assert!(matches!(outcome, Ok(Outcome::Received(_))), "{outcome:?}");
        }
    }
}

/// A directory of a test's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("tina-io-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left over from a run that was killed, under the same number.
        let _gone = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes that show where they come from.
fn pattern(count: usize) -> Vec<u8> {
    (0..count)
        .map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

#[test]
fn a_plan_outside_its_limits_is_an_error_that_names_them() {
    let plan = IoPlan {
        receive_buffers: 40_000,
        helper_threads: 0,
        ..IoPlan::default()
    };
    let texts: Vec<String> = plan.check().iter().map(IoLimit::to_string).collect();
    let expected = [
        "receive_buffers is 40000: it must be from 1 to 32768",
        "helper_threads is 0: it must be from 1 to 64",
    ];
    assert_eq!(texts, expected);
    let error = ShardIo::new(IoChoice::Auto, &plan).err().unwrap();
    assert_eq!(error.to_string(), expected[0]);
}

#[test]
fn the_choice_of_a_back_end_is_told() {
    let io = ShardIo::new(IoChoice::Portable, &small_plan()).unwrap();
    assert_eq!((io.backend_name(), io.note()), ("portable", None));
    let io = ShardIo::new(IoChoice::Auto, &small_plan()).unwrap();
    assert_eq!(io.note().is_some(), io.backend_name() == "portable");
}

#[test]
fn errors_have_names() {
    assert_eq!(format!("{:?}", Errno::ECONNREFUSED), "ECONNREFUSED");
    assert_eq!(format!("{:?}", Errno::from_raw(4000)), "errno 4000");
    assert_eq!(
        Errno::from(std::io::Error::from_raw_os_error(2)),
        Errno::ENOENT
    );
}
