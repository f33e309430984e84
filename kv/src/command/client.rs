//! What a connection answers itself: who is there, and what clients ask before they begin.

use super::{Arguments, OK, Plan, Planned, Saying, Word, in_small_letters, put_bulk};
use crate::resp::{NIL, Sink, put_number};

/// The longest name that a client gives itself.
const CLIENT_NAME_BYTES_MAX: usize = 64;
/// Room for what is known at once, but for what a client has said itself.
const ANSWER_BYTES_MAX: usize = 512;

/// What is known of a client.
pub(crate) struct Client {
    id: u64,
    /// Whether the server has a log, for who asks.
    is_logged: bool,
    name: [u8; CLIENT_NAME_BYTES_MAX],
    name_bytes: usize,
    /// It has said that it has nothing more to say.
    pub(crate) has_quit: bool,
}

/// An answer that is put together here.
struct Answer {
    bytes: [u8; ANSWER_BYTES_MAX],
    length: usize,
}

impl Answer {
    fn new() -> Self {
        Self {
            bytes: [0; ANSWER_BYTES_MAX],
            length: 0,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Sink for Answer {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

impl Client {
    pub(crate) fn new(id: u64, is_logged: bool) -> Self {
        Self {
            id,
            is_logged,
            name: [0; CLIENT_NAME_BYTES_MAX],
            name_bytes: 0,
            has_quit: false,
        }
    }

    /// Answers what is no matter of keys.
    pub(super) fn say<P: Plan>(&mut self, saying: Saying<'_, '_, P>, spelled: &[u8]) -> Planned {
        match (saying.name, saying.arguments.left()) {
            (b"ping", 0) => saying.plan.text(b"+PONG\r\n"),
            (b"ping" | b"echo", 1) => saying.say_again(),
            (b"select", 1) => saying.select(),
            (b"quit", _) => {
                self.has_quit = true;
                saying.plan.text(OK)
            }
            (b"command", _) => saying.command(),
            (b"config", 1..) => saying.config(self.is_logged),
            (b"client", 1..) => self.client(saying),
            (b"info", _) => saying.info(),
            (b"hello", 0) => self.hello(saying),
            (b"hello", _) => {
                let mut rest = saying.arguments;
                match rest.next() {
                    Some(b"2") => self.hello(saying),
                    _ => {
                        let text = format_args!("NOPROTO unsupported protocol version");
                        saying.plan.error(text)
                    }
                }
            }
            (b"ping" | b"echo" | b"select" | b"config" | b"client", _) => saying.wrong_count(),
            _ => unknown(saying.plan, spelled, saying.arguments),
        }
    }

    fn hello<P: Plan>(&self, saying: Saying<'_, '_, P>) -> Planned {
        let mut answer = Answer::new();
        put_number(&mut answer, b'*', 14);
        for (name, value) in [
            ("server", "tina-kv"),
            ("version", env!("CARGO_PKG_VERSION")),
            ("mode", "standalone"),
            ("role", "master"),
        ] {
            put_bulk(&mut answer, name.as_bytes());
            put_bulk(&mut answer, value.as_bytes());
        }
        put_bulk(&mut answer, b"proto");
        put_number(&mut answer, b':', 2);
        put_bulk(&mut answer, b"id");
        put_number(&mut answer, b':', self.id as i64);
        put_bulk(&mut answer, b"modules");
        put_number(&mut answer, b'*', 0);
        saying.plan.text(answer.bytes())
    }

    fn client<P: Plan>(&mut self, mut saying: Saying<'_, '_, P>) -> Planned {
        let which = saying.take();
        let is = |name: &[u8]| which.eq_ignore_ascii_case(name);
        let mut answer = Answer::new();
        match saying.arguments.left() {
            1 if is(b"setname") => {
                let name = saying.take();
                let room = self.name.get_mut(..name.len());
                let Some(room) = room.filter(|_| name.iter().all(u8::is_ascii_graphic)) else {
                    let text = format_args!(
                        "ERR Client names have at most {CLIENT_NAME_BYTES_MAX} letters, and no spaces or \
                         special characters."
                    );
                    return saying.plan.error(text);
                };
                room.copy_from_slice(name);
                self.name_bytes = name.len();
                answer.put(OK);
            }
            0 if is(b"getname") && self.name_bytes == 0 => answer.put(NIL),
            0 if is(b"getname") => put_bulk(&mut answer, &self.name[..self.name_bytes]),
            0 if is(b"id") => put_number(&mut answer, b':', self.id as i64),
            2 if is(b"setinfo") => answer.put(OK),
            _ => {
                let text = format_args!("ERR unknown subcommand '{}' of CLIENT", Word(which));
                return saying.plan.error(text);
            }
        }
        saying.plan.text(answer.bytes())
    }
}

fn unknown(plan: &mut impl Plan, name: &[u8], arguments: Arguments<'_>) -> Planned {
    let mut rest = arguments;
    let name = Word(name);
    match rest.next() {
        Some(first) => {
            let first = Word(first);
            plan.error(format_args!(
                "ERR unknown command '{name}', with args beginning with: '{first}'"
            ))
        }
        None => plan.error(format_args!("ERR unknown command '{name}'")),
    }
}

impl<P: Plan> Saying<'_, '_, P> {
    fn say_again(mut self) -> Planned {
        let bytes = self.take();
        let mut head = Answer::new();
        put_number(&mut head, b'$', bytes.len() as i64);
        self.plan.text(head.bytes())?;
        self.plan.text(bytes)?;
        self.plan.text(b"\r\n")
    }

    fn select(mut self) -> Planned {
        match self.take() {
            b"0" => self.plan.text(OK),
            _ => self
                .plan
                .error(format_args!("ERR DB index is out of range")),
        }
    }

    /// Clients ask what commands there are, and do without an answer.
    fn command(mut self) -> Planned {
        let is_count = self.take().eq_ignore_ascii_case(b"count");
        self.plan
            .text(if is_count { b":41\r\n" } else { b"*0\r\n" })
    }

    fn config(mut self, is_logged: bool) -> Planned {
        let which = self.take();
        if !which.eq_ignore_ascii_case(b"get") || self.arguments.left() == 0 {
            let text = format_args!("ERR only CONFIG GET is known: limits are given at the start");
            return self.plan.error(text);
        }
        let appendonly = if is_logged { "yes" } else { "no" };
        let known = |name: &[u8]| -> Option<&'static str> {
            in_small_letters(name, |name| match name {
                b"save" => Some(""),
                b"appendonly" => Some(appendonly),
                b"databases" => Some("1"),
                b"maxmemory-policy" => Some("noeviction"),
                _ => None,
            })
        };
        let count = self.arguments.filter(|name| known(name).is_some()).count();
        let mut head = Answer::new();
        put_number(&mut head, b'*', 2 * count as i64);
        self.plan.text(head.bytes())?;
        for name in self.arguments {
            let Some(value) = known(name) else { continue };
            let mut pair = Answer::new();
            put_bulk(&mut pair, name);
            put_bulk(&mut pair, value.as_bytes());
            self.plan.text(pair.bytes())?;
        }
        Ok(())
    }

    fn info(self) -> Planned {
        let mut answer = Answer::new();
        let text = concat!(
            "# Server\r\nserver_name:tina-kv\r\nredis_version:6.0.0\r\ntina_version:",
            env!("CARGO_PKG_VERSION"),
            "\r\nredis_mode:standalone\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n"
        );
        put_bulk(&mut answer, text.as_bytes());
        self.plan.text(answer.bytes())
    }
}
