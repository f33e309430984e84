//! The head of a request: parsed by `httparse`, then held to what lets no two servers disagree about
//! where a request ends (RFC 9112, sections 3, 6 and 11.2).
//!
//! Knows nothing of routes. Whatever is refused here ends the connection, because where the next
//! request would begin is not known.

use crate::limits::HEADERS_MAX;
use crate::method::Method;
use crate::status::Status;
use httparse::{Header, ParserConfig};
use std::mem::MaybeUninit;

/// Where the fields of a head are put.
pub(crate) type Slots<'b> = [MaybeUninit<Header<'b>>; HEADERS_MAX];

/// Room for the fields of a head.
pub(crate) fn slots<'b>() -> Slots<'b> {
    [const { MaybeUninit::uninit() }; HEADERS_MAX]
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Head<'h, 'b> {
    pub(crate) method: Method,
    /// Path and query; `*` for `OPTIONS *`.
    pub(crate) target: &'b str,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub(crate) minor: u8,
    pub(crate) fields: &'h [Header<'b>],
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
}

impl<'h, 'b> Head<'h, 'b> {
    /// Reads a head that [`Scan`](crate::scan::Scan) has found the end of.
    pub(crate) fn parse(bytes: &'b [u8], slots: &'h mut Slots<'b>) -> Result<Self, Status> {
        let mut request = httparse::Request::new(&mut []);
        let parsed =
            ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, slots);
        match parsed {
            Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
            Ok(_) => return Err(Status::BAD_REQUEST),
            Err(httparse::Error::TooManyHeaders) => return Err(Status::HEADERS_TOO_LARGE),
            Err(httparse::Error::Version) => return Err(Status::VERSION_NOT_SUPPORTED),
            Err(_) => return Err(Status::BAD_REQUEST),
        }
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(Status::BAD_REQUEST);
        };
        let fields: &'h [Header<'b>] = request.headers;
        let host = host(fields, minor)?;
        let framing = framing(fields, minor)?;
        let method = Method::from_name(method).ok_or(Status::NOT_IMPLEMENTED)?;
        Ok(Self {
            method,
            target: origin(target, host, method)?,
            minor,
            fields,
            framing,
            keep_alive: keep_alive(fields, minor),
            expects_continue: expects_continue(fields, minor)?,
        })
    }
}

/// The values of a field, in order.
pub(crate) fn values<'s>(
    fields: &'s [Header<'s>],
    name: &'s str,
) -> impl Iterator<Item = &'s [u8]> + 's {
    let wanted = fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name));
    wanted.map(|field| field.value)
}

/// The one value of a field that may stand there once.
fn single<'s>(fields: &'s [Header<'s>], name: &'s str) -> Result<Option<&'s [u8]>, Status> {
    let mut values = values(fields, name);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Status::BAD_REQUEST),
    }
}

/// The elements of a comma-separated field, over all its lines.
fn tokens<'s>(fields: &'s [Header<'s>], name: &'s str) -> impl Iterator<Item = &'s [u8]> + 's {
    values(fields, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
}

fn host<'s>(fields: &'s [Header<'s>], minor: u8) -> Result<Option<&'s [u8]>, Status> {
    let host = single(fields, "host")?;
    if host.is_none() && minor > 0 {
        return Err(Status::BAD_REQUEST);
    }
    if host.is_some_and(|host| !host.iter().all(|&byte| is_authority(byte))) {
        return Err(Status::BAD_REQUEST);
    }
    Ok(host)
}

/// What names, numeric addresses and ports consist of (RFC 3986, section 3.2), without user names.
fn is_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte)
}

fn framing(fields: &[Header<'_>], minor: u8) -> Result<Framing, Status> {
    let length = single(fields, "content-length")?;
    let coding = single(fields, "transfer-encoding")?;
    match (length, coding) {
        (None, None) => Ok(Framing::None),
        (Some(length), None) => content_length(length).map(|length| match length {
            0 => Framing::None,
            _ => Framing::Length(length),
        }),
        // HTTP/1.0 has no codings: somebody on the way may not have understood it.
        (None, Some(coding)) if minor > 0 && coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (None | Some(_), Some(_)) => Err(Status::BAD_REQUEST),
    }
}

fn content_length(value: &[u8]) -> Result<u64, Status> {
    let text = std::str::from_utf8(value).map_err(|_| Status::BAD_REQUEST)?;
    // `parse` allows a sign.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Status::BAD_REQUEST);
    }
    text.parse().map_err(|_| Status::BAD_REQUEST)
}

fn keep_alive(fields: &[Header<'_>], minor: u8) -> bool {
    let has = |wanted: &[u8]| {
        tokens(fields, "connection").any(|token| token.eq_ignore_ascii_case(wanted))
    };
    !has(b"close") && (minor > 0 || has(b"keep-alive"))
}

fn expects_continue(fields: &[Header<'_>], minor: u8) -> Result<bool, Status> {
    match single(fields, "expect")? {
        Some(expected) if expected.eq_ignore_ascii_case(b"100-continue") => Ok(minor > 0),
        Some(_) => Err(Status::EXPECTATION_FAILED),
        None => Ok(false),
    }
}

/// Path and query of a target. One with an authority must name the host that the request is for.
fn origin<'b>(target: &'b str, host: Option<&[u8]>, method: Method) -> Result<&'b str, Status> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if !target.bytes().all(is_plain) {
        return Err(Status::BAD_REQUEST);
    }
    if target.starts_with('/') || (target == "*" && method == Method::Options) {
        return Ok(target);
    }
    let after_scheme = target.get(7..).unwrap_or_default();
    let has_scheme = target
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let end = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
    let (authority, path) = after_scheme.split_at(end);
    let is_same = host.is_none_or(|host| host.eq_ignore_ascii_case(authority.as_bytes()));
    if !has_scheme || authority.is_empty() || !is_same || path.starts_with('?') {
        return Err(Status::BAD_REQUEST);
    }
    Ok(if path.is_empty() { "/" } else { path })
}
