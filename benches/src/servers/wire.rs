//! What is asked of servers: the bytes of requests, and where an answer ends and whether it is right.

use clap::ValueEnum;
use serde::Serialize;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Gives back 64 bytes
    Echo,
    /// Answers a small GET, with keep-alive
    Http,
    /// Sets and gets values of 64 bytes, by turns, in the Redis protocol
    Kv,
}

/// Bytes of what is echoed, and of values.
const PAYLOAD_BYTES: usize = 64;
/// What HTTP servers answer with.
pub(super) const HELLO: &str = "Hello, World!";

impl Wire {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Echo, Self::Http, Self::Kv];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Http => "http",
            Self::Kv => "kv",
        }
    }

    /// What is asked, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Echo => "echo: 64 bytes over TCP",
            Self::Http => "HTTP: GET of 13 bytes, keep-alive",
            Self::Kv => "key-value: SET and GET of 64 bytes by turns, Redis protocol",
        }
    }

    /// What a connection asks, in turn.
    #[must_use]
    pub fn exchanges(self, connection: usize) -> Vec<Exchange> {
        let payload: Vec<u8> = (0..PAYLOAD_BYTES)
            .map(|place| b'a' + ((place + connection) % 26) as u8)
            .collect();
        let payload = String::from_utf8_lossy(&payload);
        let exactly = |request: String, answer: String| Exchange {
            request: request.into_bytes(),
            answer: Answer::Exactly(answer.into_bytes()),
        };
        match self {
            Self::Echo => vec![exactly(payload.to_string(), payload.to_string())],
            Self::Http => vec![Exchange {
                request: b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
                answer: Answer::Hello,
            }],
            Self::Kv => {
                let key = format!("key:{connection:06}");
                let name = format!("${}\r\n{key}\r\n", key.len());
                let value = format!("${PAYLOAD_BYTES}\r\n{payload}\r\n");
                vec![
                    exactly(
                        format!("*3\r\n$3\r\nSET\r\n{name}{value}"),
                        "+OK\r\n".to_owned(),
                    ),
                    exactly(format!("*2\r\n$3\r\nGET\r\n{name}"), value),
                ]
            }
        }
    }
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What is sent.
    pub request: Vec<u8>,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    Exactly(Vec<u8>),
    /// A response of HTTP with whatever fields, whose body is [`HELLO`].
    Hello,
}

impl Exchange {
    /// Whether these bytes are the whole answer.
    ///
    /// # Errors
    /// They are not, and will not be whatever follows.
    pub fn is_answered_by(&self, bytes: &[u8]) -> Result<bool, String> {
        let wrong = || {
            let text = String::from_utf8_lossy(bytes);
            Err(format!("the server answered `{}`", text.escape_debug()))
        };
        match &self.answer {
            Answer::Exactly(answer) if answer.starts_with(bytes) => Ok(bytes.len() == answer.len()),
            Answer::Exactly(_) => wrong(),
            Answer::Hello => {
                let is_begun = bytes.starts_with(b"HTTP/1.1 200 OK\r\n");
                let is_whole = bytes.ends_with(HELLO.as_bytes());
                match (is_begun, is_whole) {
                    (true, true) if bytes.len() < 512 => Ok(true),
                    (_, false) if bytes.len() < 512 => Ok(false),
                    _ => wrong(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_or_not_yet_or_wrong() {
        let echo = &Wire::Echo.exchanges(3)[0];
        let text = echo.request.clone();
        assert_eq!(echo.is_answered_by(&text[..10]), Ok(false));
        assert_eq!(echo.is_answered_by(&text), Ok(true));
        assert!(echo.is_answered_by(b"x").is_err());
        let http = &Wire::Http.exchanges(0)[0];
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nHello, World!";
        assert_eq!(http.is_answered_by(&answer[..40]), Ok(false));
        assert_eq!(http.is_answered_by(answer), Ok(true));
        assert!(
            http.is_answered_by(b"HTTP/1.1 500\r\n\r\nHello, World!")
                .is_err()
        );
        let kv = Wire::Kv.exchanges(7);
        assert_eq!(kv[0].is_answered_by(b"+OK\r\n"), Ok(true));
        assert!(kv[0].is_answered_by(b"-ERR\r\n").is_err());
        assert!(
            kv[1]
                .request
                .starts_with(b"*2\r\n$3\r\nGET\r\n$10\r\nkey:000007\r\n")
        );
    }
}
