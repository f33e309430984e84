//! The commands that set values: `SET` with its options, and its elders.

use super::{Merge, Plan, Planned, Saying, date, in_small_letters};
use crate::number::parse;
use crate::request::{Operation, Request, SetHow};

/// What the options of `SET` say.
#[derive(Default)]
struct Options<'a> {
    how: SetHow,
    /// When it expires: a number, in milliseconds, as a date.
    time: Option<(&'a [u8], bool, bool)>,
    times: u32,
}

impl<'a> Options<'a> {
    /// Takes up an option, with its number; whether there is such a one.
    fn take_up(&mut self, option: &[u8], number: impl FnOnce() -> Option<&'a [u8]>) -> bool {
        let time = |in_millis, is_date| {
            self.times += 1;
            self.time = number().map(|text| (text, in_millis, is_date));
            self.time.is_some()
        };
        match option {
            b"nx" => self.how.if_new = true,
            b"xx" => self.how.if_there = true,
            b"get" => self.how.get = true,
            b"keepttl" => {
                self.times += 1;
                self.how.keep_expiry = true;
            }
            b"ex" => return time(false, false),
            b"px" => return time(true, false),
            b"exat" => return time(false, true),
            b"pxat" => return time(true, true),
            _ => return false,
        }
        true
    }

    fn is_clear(&self) -> bool {
        self.times <= 1 && !(self.how.if_new && self.how.if_there)
    }
}

impl<'a, P: Plan> Saying<'a, '_, P> {
    pub(super) fn set(self) -> Planned {
        let count = self.arguments.left();
        let plain = SetHow::default();
        match self.name {
            b"mset" if count % 2 == 1 => self.wrong_count(),
            b"mset" => self.set_many(),
            b"setnx" | b"getset" if count > 2 => self.wrong_count(),
            b"setnx" => self.set_one(SetHow {
                if_new: true,
                number: true,
                ..plain
            }),
            b"getset" => self.set_one(SetHow { get: true, ..plain }),
            b"setex" | b"psetex" => self.set_for_a_time(),
            _ => self.set_with_options(),
        }
    }

    fn set_one(mut self, how: SetHow) -> Planned {
        let (key, value) = (self.take(), self.take());
        self.plan.one(&Request {
            how: how.bits(),
            value,
            ..Request::plain(Operation::Set, key)
        })
    }

    fn set_many(mut self) -> Planned {
        let pairs = self.arguments.left() / 2;
        self.plan.open(Merge::AllWell, pairs)?;
        for _ in 0..pairs {
            let (key, value) = (self.take(), self.take());
            let set = Request {
                value,
                ..Request::plain(Operation::Set, key)
            };
            self.plan.part_of_key(&set)?;
        }
        Ok(())
    }

    fn set_for_a_time(mut self) -> Planned {
        let in_millis = self.name == b"psetex";
        let (key, time, value) = (self.take(), self.take(), self.take());
        self.set_until(
            key,
            value,
            SetHow::default(),
            Some((time, in_millis, false)),
        )
    }

    fn set_with_options(mut self) -> Planned {
        let (key, value) = (self.take(), self.take());
        let mut options = Options::default();
        while let Some(option) = self.arguments.next() {
            let known = in_small_letters(option, |option| {
                options.take_up(option, || self.arguments.next())
            });
            if !known {
                return self.syntax_error();
            }
        }
        if !options.is_clear() {
            return self.syntax_error();
        }
        self.set_until(key, value, options.how, options.time)
    }

    /// Sets a value that expires at a time, if one is given: its text, in milliseconds, as a date.
    fn set_until(
        self,
        key: &[u8],
        value: &[u8],
        how: SetHow,
        time: Option<(&[u8], bool, bool)>,
    ) -> Planned {
        let mut number = 0;
        if let Some((text, in_millis, is_date)) = time {
            let Some(time) = parse(text) else {
                return self.no_number();
            };
            let at = date(time, in_millis, is_date, self.now).filter(|_| time > 0);
            let Some(at) = at else {
                return self.bad_time();
            };
            number = at;
        }
        self.plan.one(&Request {
            operation: Operation::Set,
            how: how.bits(),
            number,
            key,
            value,
        })
    }
}
