//! The I/O of a shard from outside: it allocates nothing once it is made, and where the kernel
//! forbids io_uring it says so once and works.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;
use tina_engine::io::*;

struct Sealed;

thread_local! {
    /// How often this thread has allocated or freed since it was sealed; none if it is not.
    static ALLOCATION_COUNT: Cell<Option<u32>> = const { Cell::new(None) };
}

fn check() {
    ALLOCATION_COUNT.with(|count| count.set(count.get().map(|count| count + 1)));
}

// SAFETY: hands every request to the system's allocator unchanged.
unsafe impl GlobalAlloc for Sealed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Sealed = Sealed;

const OWNER: Owner = Owner {
    place: 0,
    handle: 7,
};

const LOCALHOST: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn plan() -> IoPlan {
    IoPlan {
        owner_places: 1,
        operation_slots: 64,
        descriptor_slots: 64,
        receive_buffers: 8,
        ..IoPlan::default()
    }
}

/// A shard's I/O, and what it told before it was asked.
struct Rig {
    io: ShardIo,
    told: Vec<Completion>,
}

impl Rig {
    fn new(choice: IoChoice) -> Self {
        Self {
            io: ShardIo::new(choice, &plan()).unwrap(),
            told: Vec::with_capacity(64),
        }
    }

    fn submit(&mut self, token: u64, operation: Operation) {
        let submission = Submission {
            owner: OWNER,
            token,
            operation,
            timeout: Some(Duration::from_secs(1)),
        };
        self.io.submit(Duration::ZERO, &submission).unwrap();
    }

    fn turn(&mut self) {
        let patience = Duration::from_secs(30);
        self.io.wait(Duration::ZERO, Some(patience), || false);
        self.io.turn(Duration::ZERO);
        while let Some(completion) = self.io.next_completion() {
            self.told.push(completion);
        }
    }

    fn result(&mut self, token: u64) -> Result<Outcome, Errno> {
        for _ in 0..1000 {
            if let Some(place) = self.told.iter().position(|told| told.token == token) {
                return self.told.swap_remove(place).result;
            }
            self.turn();
        }
        panic!("nothing comes of {token}");
    }

    fn run(&mut self, operation: Operation) -> Result<Outcome, Errno> {
        self.submit(1, operation);
        self.result(1)
    }
}

fn opened(outcome: Result<Outcome, Errno>) -> Descriptor {
    match outcome {
        Ok(Outcome::Opened(descriptor)) => descriptor,
        other => panic!("{other:?}"),
    }
}

/// Bytes there and back, once over TCP and once through a file.
fn work(rig: &mut Rig, path: &[u8]) {
    let listener = rig
        .io
        .listen(OWNER, LOCALHOST, &ListenOptions::default())
        .unwrap();
    let to = rig.io.local_address(OWNER, listener).unwrap();
    rig.submit(2, Operation::Accept { listener });
    let client = opened(rig.run(Operation::Connect { to }));
    let server = opened(rig.result(2));
    rig.submit(3, Operation::Receive { socket: server });
    let from = rig.io.take_filled(OWNER, b"there and back").unwrap();
    let sent = rig.run(Operation::Send {
        socket: client,
        from,
    });
    assert_eq!(sent, Ok(Outcome::Moved(14)));
    let Ok(Outcome::Received(part)) = rig.result(3) else {
        panic!("nothing was received");
    };
    let path = rig.io.take_filled(OWNER, path).unwrap();
    let how = OpenHow {
        read: true,
        write: true,
        create: true,
        ..OpenHow::default()
    };
    let file = opened(rig.run(Operation::Open { path, how }));
    let write = Operation::Write {
        file,
        from: part,
        at: 0,
    };
    assert_eq!(rig.run(write), Ok(Outcome::Moved(14)));
    let sync = Operation::Sync {
        file,
        data_only: true,
    };
    assert_eq!(rig.run(sync), Ok(Outcome::Done));
    let read = Operation::Read {
        file,
        into: part,
        at: 6,
    };
    assert_eq!(rig.run(read), Ok(Outcome::Moved(8)));
    assert_eq!(&rig.io.part(OWNER, part).unwrap()[..8], b"and back");
    let send = Operation::SendFile {
        socket: server,
        file,
        at: 0,
        length: 14,
    };
    assert_eq!(rig.run(send), Ok(Outcome::Moved(14)));
    rig.io.release(OWNER, part.buffer).unwrap();
    rig.io.close_all_of(OWNER);
    while rig.io.counters().operations_in_flight > 0 {
        rig.turn();
    }
    rig.told.clear();
}

fn scratch(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("tina-io-{}-{name}", std::process::id()))
}

#[test]
fn a_shard_allocates_nothing_for_its_io() {
    for choice in [IoChoice::Auto, IoChoice::Portable] {
        let path = scratch("sealed");
        let mut rig = Rig::new(choice);
        let bytes = path.as_os_str().as_encoded_bytes();
        ALLOCATION_COUNT.set(Some(0));
        for _ in 0..20 {
            work(&mut rig, bytes);
        }
        assert_eq!(ALLOCATION_COUNT.replace(None), Some(0), "{choice:?}");
        std::fs::remove_file(path).unwrap();
    }
}

/// From now on the calling thread, and those it starts, may not use io_uring: a filter as container
/// runtimes install it.
fn forbid_io_uring() {
    const SETUP: u32 = libc::SYS_io_uring_setup as u32;
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let is_setup = libc::sock_filter {
        jf: 1,
        ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, SETUP)
    };
    let mut filter = [
        // The number of the call is the first word.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        is_setup,
        statement(
            libc::BPF_RET | libc::BPF_K,
            libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
        ),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: changes what this thread may do; the program is valid during the call.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    assert!(installed, "{}", std::io::Error::last_os_error());
}

#[test]
fn where_io_uring_is_forbidden_it_says_so_and_works() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            forbid_io_uring();
            let error = ShardIo::new(IoChoice::Uring, &plan()).err().unwrap();
            assert_eq!(
                error.to_string(),
                "io_uring_setup: EPERM: Operation not permitted (os error 1)"
            );
            let mut rig = Rig::new(IoChoice::Auto);
            assert_eq!(rig.io.backend_name(), "portable");
            assert_eq!(
                rig.io.note(),
                Some(
                    "io_uring cannot be used (io_uring_setup: EPERM: Operation not permitted \
                     (os error 1)); the portable back end serves"
                )
            );
            let path = scratch("forbidden");
            work(&mut rig, path.as_os_str().as_encoded_bytes());
            std::fs::remove_file(path).unwrap();
        });
    });
}
