//! An HTTP/1.1 server on the isolates of `tina-engine`.
//!
//! A connection is an isolate; routes lead to [`Action`]s: functions that answer at once, functions that ask
//! another isolate, on whatever shard, and answer when it does, and bodies that are streamed as the peer
//! takes them. All memory is taken at boot, by [`Limits`]; a handler that panics costs its connection,
//! which is told so, and nobody else anything.
//!
//! ```
//! use tina_engine::io::IoChoice;
//! use tina_engine::runtime::{Runtime, Specification};
//! use std::time::Duration;
//! use tina_http::{Action, Limits, Routes, Server};
//!
//! let hello = Action::plain(|request, response| {
//!     let name = request.parameter("name");
//!     response.write("text/plain", |body| {
//!         use std::fmt::Write;
//!         writeln!(body, "Hello {name}!")
//!     })
//! });
//! let routes = Routes::new().get("/hello/{name}", hello).get("/metrics", Action::metrics());
//! let server = Server::new(2, routes, Limits::default())?;
//! let specification = Specification::new(2).io(IoChoice::Auto, server.io_plan());
//! let mut runtime = Runtime::boot(server.install(specification))?;
//! let address = server.open(&runtime, "127.0.0.1:0".parse()?)?;
//! println!("http://{address}/hello/you");
//! runtime.shutdown(Duration::from_secs(5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows nothing of TLS and HTTP/2: put a proxy in front for these. It sends no `Date`: the runtime has no
//! clock that tells the date, and who has none is not to send one (RFC 9110, section 6.6.1).
#![forbid(unsafe_code)]

/// The Rust on the crate's page is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod status;
mod method;
mod limits;
mod scan;
mod head;
mod wake;
mod request;
mod response;
mod chunked;
mod stream;
mod feed;
mod action;
mod routes;
mod counters;
mod site;
mod connection;
mod listener;
mod server;

pub use action::{Action, Question};
pub use counters::HttpCounter;
pub use feed::{EventTooLong, Feed};
pub use limits::{HEADERS_MAX, Limits};
pub use method::Method;
pub use request::{PARAMETERS_MAX, Request, percent_decoded};
pub use response::{Body, Content, Response, Sent};
pub use routes::{RouteError, Routes};
pub use server::{OpenError, RouteErrors, Server};
pub use status::Status;
pub use stream::{Chunk, Next};
pub use wake::Waker;
