//! A request as a handler sees it: borrowed from the bytes that arrived, nothing copied.

use crate::head::Head;
use crate::method::Method;
use crate::wake::Waker;
use std::net::SocketAddr;
use std::time::Duration;
use tina_engine::runtime::{Address, Directory};

/// Parameters of a path, at most.
pub const PARAMETERS_MAX: usize = 8;

/// What a path holds where its route has parameters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parameters<'a> {
    pub(crate) names: &'a [String],
    pub(crate) values: [&'a str; PARAMETERS_MAX],
}

/// Where a request came in.
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) shard: usize,
    pub(crate) now: Duration,
    pub(crate) waker: Waker,
    pub(crate) peer: Option<SocketAddr>,
}

/// A request.
pub struct Request<'a> {
    pub(crate) head: &'a Head<'a, 'a>,
    pub(crate) parameters: Parameters<'a>,
    pub(crate) body: &'a [u8],
    pub(crate) place: Place<'a>,
}

impl<'a> Request<'a> {
    /// Its method. A route for `GET` sees `HEAD` too, and answers it as if it were `GET`: what it writes
    /// as a body is counted and not sent.
    #[must_use]
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The path as it stands in the request, with its percent signs: what routes are matched with.
    #[must_use]
    pub fn path(&self) -> &'a str {
        split(self.head.target).0
    }

    /// What stands behind the question mark, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        split(self.head.target).1
    }

    /// The value of a name in the query, as it stands there: `name=value`, divided by `&`.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&'a str> {
        let pairs = self.query()?.split('&');
        let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// What the path holds in place of `{name}`, as it stands in the request; empty where the route
    /// has no such parameter. [`percent_decoded`] undoes percent signs.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &'a str {
        let mut names = self.parameters.names.iter();
        let found = names.position(|other| other == name);
        found.map_or("", |index| self.parameters.values[index])
    }

    /// The first value of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.head.fields.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| field.value)
    }

    /// All header fields, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let fields = self.head.fields.iter();
        fields.map(|field| (field.name, field.value))
    }

    /// The body, without its coding. Empty where the route takes it in parts.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Who sent it, if that is known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.place.peer
    }

    /// The shard that serves it.
    #[must_use]
    pub fn shard(&self) -> usize {
        self.place.shard
    }

    /// Time since the runtime was booted.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.place.now
    }

    /// Who has a well-known name now, on whatever shard, if it takes messages of type `M`.
    #[must_use]
    pub fn find<M: 'static>(&self, name: &str) -> Option<Address<M>> {
        self.place.directory.find(name)
    }

    /// What wakes the response to this request when it is streamed and waits.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.place.waker
    }
}

/// Path and query.
pub(crate) fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// Puts the bytes that a percent-encoded text stands for into `into`; none if it is wrong or too long.
#[must_use]
pub fn percent_decoded<'o>(text: &str, into: &'o mut [u8]) -> Option<&'o [u8]> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let (mut bytes, mut length) = (text.bytes(), 0);
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            (high * 16 + low) as u8
        } else {
            byte
        };
        *into.get_mut(length)? = byte;
        length += 1;
    }
    into.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_stand_for_bytes() {
        let decoded = |text| percent_decoded(text, &mut [0; 4]).map(<[u8]>::to_vec);
        assert_eq!(decoded("a%20b"), Some(b"a b".to_vec()));
        assert_eq!(decoded("%C3%a9"), Some("é".as_bytes().to_vec()));
        assert_eq!(decoded("%2"), None);
        assert_eq!(decoded("%+1"), None);
        assert_eq!(decoded("12345"), None);
    }
}
