//! Commands: what a client says, as requests to shards and a rule by which their replies become one.

mod client;
mod set;

use crate::number::parse;
use crate::request::{ExpireHow, Operation, Request, TimeHow};
use crate::resp::{Arguments, OK, put_bulk};
use crate::store::Millis;
use crate::text::{Text, Word};
use tina_engine::runtime::key_to_shard;

pub(crate) use client::Client;

/// How the replies to the parts of a command become its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// There is one part: its reply.
    One,
    /// All replies, one after the other, in an array.
    Array,
    /// The sum of numbers.
    Sum,
    /// That all went well, or the first error.
    AllWell,
    /// Lists of keys, as one.
    Keys,
}

impl Merge {
    pub(crate) const ALL: [Self; 5] =
        [Self::One, Self::Array, Self::Sum, Self::AllWell, Self::Keys];
}

/// There is no room for all of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

pub(crate) type Planned = Result<(), NoRoom>;

/// Where commands are put: replies that are known at once, and requests.
pub(crate) trait Plan {
    /// How many shards there are.
    fn shards(&self) -> usize;
    /// A reply that is known, with whatever belongs around it.
    fn text(&mut self, reply: &[u8]) -> Planned;
    /// A command of so many parts, which follow.
    fn open(&mut self, merge: Merge, parts: usize) -> Planned;
    /// A part of it, for a shard.
    fn part(&mut self, shard: usize, request: &Request<'_>) -> Planned;

    fn error(&mut self, text: std::fmt::Arguments<'_>) -> Planned {
        self.text(Text::error(text).bytes())
    }

    /// A part for the shard of its key.
    fn part_of_key(&mut self, request: &Request<'_>) -> Planned {
        self.part(shard_of(request.key, self.shards()), request)
    }

    /// A command of one key.
    fn one(&mut self, request: &Request<'_>) -> Planned {
        self.open(Merge::One, 1)?;
        self.part_of_key(request)
    }

    /// A command for all shards.
    fn everywhere(&mut self, merge: Merge, request: &Request<'_>) -> Planned {
        let shards = self.shards();
        self.open(merge, shards)?;
        (0..shards).try_for_each(|shard| self.part(shard, request))
    }
}

/// Which shard has a key: the same whenever the log is read again. (FNV-1a, 64 bits.)
pub(crate) fn shard_of(key: &[u8], shards: usize) -> usize {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    key_to_shard(key.iter().fold(0xcbf2_9ce4_8422_2325, step), shards)
}

/// A command that is being taken up.
struct Saying<'a, 'p, P> {
    /// Its name, in small letters.
    name: &'a [u8],
    arguments: Arguments<'a>,
    now: Millis,
    plan: &'p mut P,
}

/// The longest name of a command or an option.
const NAME_BYTES_MAX: usize = 16;

/// A name in small letters, for as long as `with` lasts; a longer one is none.
fn in_small_letters<R>(name: &[u8], with: impl FnOnce(&[u8]) -> R) -> R {
    let mut small = [0; NAME_BYTES_MAX];
    let Some(room) = small.get_mut(..name.len()) else {
        return with(b"");
    };
    room.copy_from_slice(name);
    room.make_ascii_lowercase();
    with(room)
}

/// Takes up a command: its name and arguments.
///
/// # Errors
/// The plan has no room for all of it.
pub(crate) fn take_up(
    arguments: Arguments<'_>,
    now: Millis,
    client: &mut Client,
    plan: &mut impl Plan,
) -> Planned {
    let mut rest = arguments;
    let Some(name) = rest.next() else {
        return Ok(());
    };
    in_small_letters(name, |small| {
        let saying = Saying {
            name: small,
            arguments: rest,
            now,
            plan,
        };
        saying.dispatch(name, client)
    })
}

impl<'a, P: Plan> Saying<'a, '_, P> {
    fn dispatch(self, spelled: &[u8], client: &mut Client) -> Planned {
        let count = self.arguments.left();
        let key = |operation| (operation, 1..=1);
        let (operation, range) = match self.name {
            b"get" => key(Operation::Get),
            b"getdel" => key(Operation::GetDelete),
            b"strlen" => key(Operation::Length),
            b"persist" => key(Operation::Persist),
            b"type" => key(Operation::Type),
            b"incr" | b"decr" => key(Operation::Add),
            b"incrby" | b"decrby" => (Operation::Add, 2..=2),
            b"append" => (Operation::Append, 2..=2),
            b"set" => (Operation::Set, 2..=usize::MAX),
            b"setnx" | b"getset" | b"mset" => (Operation::Set, 2..=usize::MAX),
            b"setex" | b"psetex" => (Operation::Set, 3..=3),
            b"mget" => (Operation::Get, 1..=usize::MAX),
            b"del" | b"unlink" => (Operation::Delete, 1..=usize::MAX),
            b"exists" | b"touch" => (Operation::Exists, 1..=usize::MAX),
            b"expire" | b"pexpire" | b"expireat" | b"pexpireat" => {
                (Operation::Expire, 2..=usize::MAX)
            }
            b"ttl" | b"pttl" | b"expiretime" | b"pexpiretime" => key(Operation::Time),
            b"dbsize" => (Operation::Count, 0..=0),
            b"flushall" | b"flushdb" => (Operation::Flush, 0..=1),
            b"keys" => key(Operation::Keys),
            b"scan" => (Operation::Scan, 1..=usize::MAX),
            _ => return client.say(self, spelled),
        };
        if !range.contains(&count) {
            return self.wrong_count();
        }
        self.request(operation)
    }

    fn request(mut self, operation: Operation) -> Planned {
        match operation {
            Operation::Get if self.name == b"mget" => self.of_each(Merge::Array, operation),
            Operation::Delete | Operation::Exists => self.of_each(Merge::Sum, operation),
            Operation::Get
            | Operation::GetDelete
            | Operation::Length
            | Operation::Persist
            | Operation::Type => {
                let key = self.take();
                self.plan.one(&Request::plain(operation, key))
            }
            Operation::Time => self.time(),
            Operation::Add => self.add(),
            Operation::Append => {
                let (key, value) = (self.take(), self.take());
                let append = Request {
                    value,
                    ..Request::plain(operation, key)
                };
                self.plan.one(&append)
            }
            Operation::Set => self.set(),
            Operation::Expire => self.expire(),
            Operation::Count => {
                let count = Request::plain(operation, b"");
                self.plan.everywhere(Merge::Sum, &count)
            }
            Operation::Flush => {
                let flush = Request::plain(operation, b"");
                self.plan.everywhere(Merge::AllWell, &flush)
            }
            Operation::Keys => {
                let pattern = self.take();
                self.plan
                    .everywhere(Merge::Keys, &Request::plain(operation, pattern))
            }
            Operation::Scan => self.scan(),
        }
    }

    /// The next argument, of which there is one.
    fn take(&mut self) -> &'a [u8] {
        self.arguments.next().unwrap_or_default()
    }

    fn wrong_count(self) -> Planned {
        let name = Word(self.name);
        let text = format_args!("ERR wrong number of arguments for '{name}' command");
        self.plan.error(text)
    }

    fn syntax_error(self) -> Planned {
        self.plan.error(format_args!("ERR syntax error"))
    }

    fn no_number(self) -> Planned {
        let text = format_args!("ERR value is not an integer or out of range");
        self.plan.error(text)
    }

    fn of_each(self, merge: Merge, operation: Operation) -> Planned {
        self.plan.open(merge, self.arguments.left())?;
        for key in self.arguments {
            self.plan.part_of_key(&Request::plain(operation, key))?;
        }
        Ok(())
    }

    fn add(mut self) -> Planned {
        let key = self.take();
        let number = self.arguments.next().map_or(Some(1), parse);
        let is_minus = self.name.starts_with(b"decr");
        let number = number.and_then(|it| if is_minus { it.checked_neg() } else { Some(it) });
        let Some(number) = number else {
            return self.no_number();
        };
        let add = Request {
            number,
            ..Request::plain(Operation::Add, key)
        };
        self.plan.one(&add)
    }

    fn time(mut self) -> Planned {
        let how = TimeHow {
            in_millis: self.name.starts_with(b"p"),
            is_date: self.name.ends_with(b"time"),
        };
        let key = self.take();
        self.plan.one(&Request {
            how: how.bits(),
            ..Request::plain(Operation::Time, key)
        })
    }

    fn expire(mut self) -> Planned {
        let (key, time) = (self.take(), parse(self.take()));
        let Some(time) = time else {
            return self.no_number();
        };
        let in_millis = self.name.starts_with(b"p");
        let is_date = self.name.ends_with(b"at");
        let Some(at) = date(time, in_millis, is_date, self.now) else {
            return self.bad_time();
        };
        let mut how = ExpireHow::default();
        for option in self.arguments {
            let known = in_small_letters(option, |option| {
                match option {
                    b"nx" => how.if_none = true,
                    b"xx" => how.if_some = true,
                    b"gt" => how.if_later = true,
                    b"lt" => how.if_sooner = true,
                    _ => return false,
                }
                true
            });
            if !known {
                let text = format_args!("ERR Unsupported option {}", Word(option));
                return self.plan.error(text);
            }
        }
        let others = how.if_some || how.if_later || how.if_sooner;
        if how.if_none && others || how.if_later && how.if_sooner {
            let text =
                format_args!("ERR NX and XX, GT or LT options at the same time are not compatible");
            return self.plan.error(text);
        }
        self.plan.one(&Request {
            how: how.bits(),
            number: at,
            ..Request::plain(Operation::Expire, key)
        })
    }

    fn bad_time(self) -> Planned {
        let name = Word(self.name);
        let text = format_args!("ERR invalid expire time in '{name}' command");
        self.plan.error(text)
    }

    /// A cursor is a slot of a shard; see the store's side of it.
    fn scan(mut self) -> Planned {
        let shards = self.plan.shards();
        let cursor = parse(self.take()).and_then(|cursor| u64::try_from(cursor).ok());
        let Some(cursor) = cursor else {
            return self.plan.error(format_args!("ERR invalid cursor"));
        };
        let (mut pattern, mut count, mut has_strings) = (&b"*"[..], 10, true);
        while let Some(option) = self.arguments.next() {
            let Some(value) = self.arguments.next() else {
                return self.syntax_error();
            };
            let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
            if is(b"match") {
                pattern = value;
            } else if is(b"type") {
                has_strings = value.eq_ignore_ascii_case(b"string");
            } else if is(b"count") {
                match parse(value) {
                    Some(number) if number >= 1 => count = number.min(1 << 20) as u32,
                    Some(_) => return self.syntax_error(),
                    None => return self.no_number(),
                }
            } else {
                return self.syntax_error();
            }
        }
        if !has_strings {
            return self.plan.text(b"*2\r\n$1\r\n0\r\n*0\r\n");
        }
        let (slot, shard) = (cursor / shards as u64, cursor % shards as u64);
        self.plan.open(Merge::One, 1)?;
        let scan = Request {
            number: slot as i64,
            value: &count.to_le_bytes(),
            ..Request::plain(Operation::Scan, pattern)
        };
        self.plan.part(shard as usize, &scan)
    }
}

/// A time of a command as milliseconds since 1970, if there is such a time.
fn date(time: i64, in_millis: bool, is_date: bool, now: Millis) -> Option<i64> {
    let millis = if in_millis {
        Some(time)
    } else {
        time.checked_mul(1000)
    };
    millis?.checked_add(if is_date { 0 } else { now as i64 })
}

#[cfg(test)]
mod tests;
