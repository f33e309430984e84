//! What goes wrong in a simulated world, and how often.

use crate::random::Random;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// So many times out of so many: exact, and the same on every machine. Written `1/100`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// Never.
    pub const NEVER: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// Once out of `denominator` times on average.
    #[must_use]
    pub const fn one_in(denominator: u32) -> Self {
        Self {
            numerator: 1,
            denominator,
        }
    }

    /// Whether it never happens.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        self.numerator == 0 || self.denominator == 0
    }

    /// Whether it happens this time. What never happens draws nothing.
    pub(crate) fn draw(self, random: &mut Random) -> bool {
        !self.is_never() && random.chance(u64::from(self.numerator), u64::from(self.denominator))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator.max(1))
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(numerator, denominator)| {
            Some((
                numerator.trim().parse::<u32>().ok()?,
                denominator.trim().parse::<u32>().ok()?,
            ))
        });
        match numbers {
            Some((numerator, denominator)) if denominator > 0 && numerator <= denominator => {
                Ok(Self {
                    numerator,
                    denominator,
                })
            }
            _ => Err(de::Error::custom(format!(
                "{text:?} is no ratio: expected two whole numbers as in \"1/100\", the first at most the second"
            ))),
        }
    }
}

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkFaults {
    /// The least and the most that something takes from one host to another, in microseconds; within a host
    /// it takes an eighth.
    pub latency_micros: [u32; 2],
    /// Bytes of a stream per millisecond; 0 for no limit.
    pub bandwidth: u32,
    /// A send or a receive moves a part only.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub partial: Ratio,
    /// A send ends with the connection reset, for both ends.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub reset: Ratio,
    /// A connection is refused though somebody listens.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub refuse: Ratio,
    /// A datagram is lost.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub loss: Ratio,
    /// A datagram arrives twice.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub double: Ratio,
}

impl Default for NetworkFaults {
    fn default() -> Self {
        Self {
            latency_micros: [20, 200],
            bandwidth: 0,
            partial: Ratio::NEVER,
            reset: Ratio::NEVER,
            refuse: Ratio::NEVER,
            loss: Ratio::NEVER,
            double: Ratio::NEVER,
        }
    }
}

/// What the disk does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskFaults {
    /// The least and the most that an operation takes, in microseconds.
    pub latency_micros: [u32; 2],
    /// An operation takes a hundred times as long.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub slow: Ratio,
    /// An operation fails with `EIO`.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub error: Ratio,
    /// A read or a write moves a part only.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub partial: Ratio,
    /// An `fsync` says that it is done and does nothing.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub lost_sync: Ratio,
    /// A write goes to another sector of the file.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub misdirected: Ratio,
    /// A read finds one bit turned over.
    #[serde(skip_serializing_if = "Ratio::is_never")]
    pub rot: Ratio,
    /// Bytes that there is room for; 0 for no limit.
    pub capacity: u64,
}

impl Default for DiskFaults {
    fn default() -> Self {
        Self {
            latency_micros: [20, 200],
            slow: Ratio::NEVER,
            error: Ratio::NEVER,
            partial: Ratio::NEVER,
            lost_sync: Ratio::NEVER,
            misdirected: Ratio::NEVER,
            rot: Ratio::NEVER,
            capacity: 0,
        }
    }
}

/// What goes wrong in a world; by default nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldFaults {
    /// Streams and datagrams.
    pub network: NetworkFaults,
    /// Files.
    pub disk: DiskFaults,
}
