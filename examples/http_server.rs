//! A web server: routes, a state that lives on another shard, streams, events, files and metrics.
//!
//! Two shards serve one address; a counter lives on shard 1 as an isolate, and whoever asks for it is
//! answered when it has answered, while the connection goes on. A thread outside publishes an event whenever
//! the counter is told to.
//!
//! Without arguments it asks itself a few things and ends. With an address, `http_server
//! 127.0.0.1:8080`, it serves there until its input ends; try `curl -i`, or `curl -N` for `/events`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tina_engine::io::IoChoice;
use tina_engine::runtime::{
    Child, Context, Effect, Event, Isolate, KindLimits, ReplyTo, Runtime, Specification, Strategy,
    SupervisorSpec,
};
use tina_http::{Action, Content, Feed, Limits, Next, Question, Routes, Server, Status};

const SHARDS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);

const PAGE: &str = "<!doctype html><title>tina-http</title><h1>A counter</h1>\n\
    <button onclick=\"fetch('/counter', {method: 'POST'})\">count</button> <output></output>\n\
    <script>new EventSource('/events').onmessage = it =>\n\
    document.querySelector('output').textContent = it.data</script>\n";

/// Counts, and publishes what it has counted.
struct Visits {
    count: u64,
    feed: Arc<Feed>,
}

enum Ask {
    Count(ReplyTo<u64>),
    Visit(ReplyTo<u64>),
}

impl Isolate for Visits {
    const KIND: &'static str = "visits";
    type Message = Ask;
    type Init = Arc<Feed>;

    fn start(feed: Arc<Feed>, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        Ok(Self { count: 0, feed })
    }

    fn handle(&mut self, event: Event<Ask>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Ask::Count(reply_to)) => context.reply(reply_to, self.count),
            Event::Message(Ask::Visit(reply_to)) => {
                self.count += 1;
                // A number of at most twenty digits is formatted where it lies.
                let mut digits = [0; 20];
                let text = decimal(self.count, &mut digits);
                if self.feed.publish(context, "", text).is_err() {
                    return Effect::Crash("a number is too long for an event");
                }
                context.reply(reply_to, self.count);
            }
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        Effect::Receive
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return std::str::from_utf8(&digits[at..]).unwrap_or_default();
        }
    }
}

/// A route that asks the counter.
fn counter(ask: fn(ReplyTo<u64>) -> Ask) -> Action {
    Action::call(
        move |request| {
            let visits = request.find("visits").ok_or(Status::SERVICE_UNAVAILABLE)?;
            Ok(Question::new(visits, PATIENCE, ask))
        },
        |count, response| match count {
            Ok(count) => response.write("text/plain", |body| writeln!(body, "{count}")),
            Err(why) => response
                .status(Status::BAD_GATEWAY)
                .write("text/plain", |body| writeln!(body, "{why}")),
        },
    )
}

/// Lines of numbers, as many as are asked for, as fast as they are taken.
fn numbers() -> Action {
    Action::stream(
        "text/plain",
        |request| {
            let count = request.parameter("count").parse::<u64>();
            Ok((0, count.map_err(|_| Status::BAD_REQUEST)?))
        },
        |(next, count), chunk| {
            while next < count {
                if !chunk.attempt(|chunk| writeln!(chunk, "{next}")) {
                    return Next::More;
                }
                *next += 1;
            }
            Next::End
        },
    )
}

fn routes(feed: &Arc<Feed>) -> Routes {
    let hello = Action::plain(|request, response| {
        let name = request.parameter("name");
        response.write("text/plain", |body| writeln!(body, "Hello {name}!"))
    });
    let page = Action::plain(|_, response| {
        response.content("text/html; charset=utf-8", Content::from(PAGE))
    });
    let length = Action::upload(
        1 << 30,
        |_| Ok(0_u64),
        |length, bytes| {
            *length += bytes.len() as u64;
            Ok(())
        },
        |length, response| response.write("text/plain", |body| writeln!(body, "{length} bytes")),
    );
    Routes::new()
        .get("/", page)
        .get("/hello/{name}", hello)
        .get("/counter", counter(Ask::Count))
        .post("/counter", counter(Ask::Visit))
        .get("/numbers/{count}", numbers())
        .post("/length", length)
        .get("/events", Action::events(feed))
        .get(
            "/files/{*path}",
            Action::files(Path::new(env!("CARGO_MANIFEST_DIR"))),
        )
        .get(
            "/panic",
            Action::plain(|_, _| panic!("somebody asked for it")),
        )
        .get("/metrics", Action::metrics())
}

fn main() -> Result<(), Box<dyn Error>> {
    let feed = Feed::new(64, 256, 1000);
    let connections = std::env::args().nth(2).map(|count| count.parse());
    let connections = connections.transpose()?.unwrap_or(1024);
    let limits = Limits {
        connections,
        backlog: 4096,
        ..Limits::default()
    };
    let server = Server::new(SHARDS, routes(&feed), limits)?;
    let visits = Child::new::<Visits>(feed).named("visits");
    let specification = Specification::new(SHARDS)
        .kind::<Visits>(KindLimits::slots(1))
        .tree_on(
            1,
            SupervisorSpec::new("state", Strategy::OneForOne).child(visits),
        )
        .io(IoChoice::Auto, server.io_plan());
    let mut runtime = Runtime::boot(server.install(specification))?;
    if let Some(address) = std::env::args().nth(1) {
        println!("http://{}", server.open(&runtime, address.parse()?)?);
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    } else {
        let address = server.open(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        for request in [
            "GET /hello/you",
            "POST /counter",
            "POST /counter",
            "GET /panic",
            "GET /counter",
        ] {
            println!("{request}: {}", ask(address, request)?);
        }
    }
    let forced = runtime.shutdown(PATIENCE).forced;
    println!("shut down{}", if forced { ", by force" } else { "" });
    Ok(())
}

/// The status and the body of an answer.
fn ask(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    Ok(format!("{status}: {}", body.trim_end()))
}
