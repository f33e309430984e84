//! A server under test, a client that reads to the end, and the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::in_run;
use tina_engine::io::{IoChoice, IoPlan};
use tina_engine::runtime::{
    Child, Context, Effect, Event, Isolate, KindLimits, ReplyTo, Runtime, Specification, Strategy,
    SupervisorSpec,
};
use tina_http::{
    Action, Content, Feed, HttpCounter, Limits, Next, Question, Routes, Server, Status,
};

/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(60);
pub const CHOICES: [IoChoice; 2] = [IoChoice::Auto, IoChoice::Portable];

struct Sealed;

thread_local! {
    /// A panic makes its message before it counts as one.
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

fn check() {
    if in_run() && !OPEN.get() && !std::thread::panicking() {
        std::process::abort();
    }
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

/// Keeps one number, and whom it owes an answer.
struct Store {
    sum: u64,
    owed: Option<ReplyTo<u64>>,
}

enum StoreOrder {
    Add(u64, ReplyTo<u64>),
    /// Answered together with the next addition.
    Later(ReplyTo<u64>),
    Forget(ReplyTo<u64>),
}

impl Isolate for Store {
    const KIND: &'static str = "store";
    type Message = StoreOrder;
    type Init = ();

    fn start((): (), _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self { sum: 0, owed: None })
    }

    fn handle(&mut self, event: Event<StoreOrder>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(StoreOrder::Add(number, reply_to)) => {
                self.sum += number;
                context.reply(reply_to, self.sum);
                if let Some(owed) = self.owed.take() {
                    context.reply(owed, self.sum);
                }
            }
            Event::Message(StoreOrder::Later(reply_to)) => self.owed = Some(reply_to),
            Event::Message(StoreOrder::Forget(reply_to)) => drop(reply_to),
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

fn add() -> Action {
    Action::call(
        |request| {
            let number = request.parameter("number");
            let store = request.find("store").ok_or(Status::SERVICE_UNAVAILABLE)?;
            let is_later = number == "later";
            let number = number.parse::<u64>().ok();
            Ok(Question::new(store, LONG, move |reply| match number {
                Some(number) => StoreOrder::Add(number, reply),
                None if is_later => StoreOrder::Later(reply),
                None => StoreOrder::Forget(reply),
            }))
        },
        |sum, response| match sum {
            Ok(sum) => response.write("text/plain", |body| write!(body, "{sum}")),
            Err(why) => response
                .status(Status::BAD_GATEWAY)
                .write("text/plain", |body| write!(body, "{why}")),
        },
    )
}

/// The routes of all tests.
pub fn routes(feed: &Arc<Feed>) -> Routes {
    let hello = Action::plain(|request, response| {
        let (name, method) = (request.parameter("name"), request.method());
        response.write("text/plain", |body| write!(body, "{method} {name}"))
    });
    let echo = Action::plain(|request, response| response.body("text/plain", request.body()));
    let short = Action::plain(|request, response| response.body("text/plain", request.body()));
    let panic = Action::plain(|_, _| {
        OPEN.set(true);
        panic!("was told to");
    });
    let count = Action::stream(
        "text/plain",
        |request| {
            request
                .parameter("count")
                .parse::<u64>()
                .map_err(|_| Status::BAD_REQUEST)
        },
        |left: &mut u64, chunk| {
            while *left > 0 {
                if !chunk.attempt(|chunk| writeln!(chunk, "{left}")) {
                    return Next::More;
                }
                *left -= 1;
            }
            Next::End
        },
    );
    let silence = Action::stream(
        "text/plain",
        |_| Ok(false),
        |has_begun: &mut bool, chunk| {
            if !std::mem::replace(has_begun, true) {
                chunk.push(b"ab");
            }
            Next::Wait(None)
        },
    );
    let large = Action::plain(|_, response| {
        response.content("application/octet-stream", Content::Static(&LARGE))
    });
    let page = Action::plain(|_, response| response.body("text/plain", &LARGE[..12_000]));
    let content_of_none = Action::plain(|_, response| {
        let response = response.status(Status::NO_CONTENT);
        response.content("text/plain", Content::Static(&LARGE))
    });
    let too_long = Action::plain(|_, response| response.body("text/plain", &LARGE[..20_000]));
    let unsendable = Action::plain(|_, response| response.header("a", "b\r\nc: d").empty());
    let empty = Action::plain(|_, response| response.status(Status::NO_CONTENT).empty());
    let sum = Action::upload(
        1 << 20,
        |request| match request.parameter("unit") {
            "bytes" => Ok((0_u64, 0_u64)),
            _ => Err(Status::NOT_FOUND),
        },
        |(count, sum), bytes| {
            *count += bytes.len() as u64;
            *sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
            if bytes.contains(&0xff) {
                Err(Status::UNPROCESSABLE_CONTENT)
            } else {
                Ok(())
            }
        },
        |(count, sum), response| response.write("text/plain", |body| write!(body, "{count} {sum}")),
    );
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Routes::new()
        .post("/sum/{unit}", sum)
        .get(
            "/manifest",
            Action::file("text/plain", &manifest.join("Cargo.toml")),
        )
        .get("/pipe", Action::file("text/plain", Path::new(PIPE)))
        .get("/gone", Action::file("text/plain", &manifest.join("gone")))
        .get("/src/{*path}", Action::files(&manifest.join("src")))
        .get("/hello/{name}", hello)
        .post("/echo", echo)
        .post("/short", short.body_limit(4))
        .get("/panic", panic)
        .get("/count/{count}", count)
        .get("/silence", silence)
        .get("/large", large)
        .get("/page", page)
        .get("/content_of_none", content_of_none)
        .get("/too_long", too_long)
        .get("/unsendable", unsendable)
        .get("/empty", empty)
        .post("/add/{number}", add())
        .get("/events", Action::events(feed))
        .get("/metrics", Action::metrics())
}

/// A named pipe, made by the test that asks for it.
pub const PIPE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/pipe");

pub static LARGE: [u8; 200_000] = {
    let mut bytes = [0; 200_000];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = b'a' + (at % 23) as u8;
        at += 1;
    }
    bytes
};

pub struct Rig {
    pub runtime: Runtime,
    pub server: Server,
    pub address: SocketAddr,
    pub feed: Arc<Feed>,
}

impl Rig {
    pub fn new(choice: IoChoice) -> Self {
        Self::with(choice, Limits::default())
    }

    pub fn with(choice: IoChoice, limits: Limits) -> Self {
        Self::receiving(choice, limits, 4096)
    }

    /// One where so many bytes may arrive at once.
    pub fn receiving(choice: IoChoice, limits: Limits, receive_bytes: u32) -> Self {
        let limits = Limits {
            connections: 64,
            buffers: 96,
            receive_buffers: 64,
            ..limits
        };
        let feed = Feed::new(16, 1024, 8);
        let server = Server::new(2, routes(&feed), limits).unwrap();
        let plan = IoPlan {
            receive_bytes,
            ..server.io_plan()
        };
        let store = Child::new::<Store>(()).named("store");
        let specification = Specification::new(2)
            .kind::<Store>(KindLimits::slots(1))
            .tree_on(
                1,
                SupervisorSpec::new("stores", Strategy::OneForOne).child(store),
            )
            .io(choice, plan);
        let runtime = Runtime::boot(server.install(specification)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = server.open(&runtime, address).unwrap();
        Self {
            runtime,
            server,
            address,
            feed,
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends bytes in parts, says that there are no more, and reads all that comes back.
    pub fn talk<'b>(&self, parts: impl IntoIterator<Item = &'b [u8]>) -> String {
        let mut stream = self.connect();
        for part in parts {
            // The server may have closed already.
            if stream.write_all(part).is_err() {
                break;
            }
        }
        let _closed = stream.shutdown(std::net::Shutdown::Write);
        let mut bytes = Vec::new();
        let _reset = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn say(&self, text: &str) -> String {
        self.talk([text.as_bytes()])
    }

    /// Waits until the server has counted so many.
    pub fn await_count(&self, counter: HttpCounter, count: u64) {
        while self.server.count(counter) < count {
            std::thread::yield_now();
        }
    }

    /// Ends the runtime, which must not take force.
    pub fn end(mut self) {
        assert!(!self.runtime.shutdown(LONG).forced);
    }
}

/// Reads until `enough` says so.
pub fn read_until(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while !enough(&text) {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "the end, after {text:?}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    text
}
