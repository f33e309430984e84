//! The rings of a runtime, one for each ordered pair of shards, and their ends: handed out at boot, and made
//! anew when the thread that had them is no more.

use super::outbox::{Frame, LinkLimits};
use crate::ring::{RingReader, RingStem, RingWriter, ring};

/// One shard's ends of all rings, by the shard at the other end; none at its own place.
pub(crate) struct Ends {
    pub(crate) writers: Vec<Option<RingWriter>>,
    pub(crate) readers: Vec<Option<RingReader>>,
}

pub(crate) struct Links {
    /// By shard that writes and shard that reads.
    rings: Vec<Vec<Option<RingStem>>>,
}

impl Links {
    /// All rings, and every shard's ends of them.
    pub(crate) fn new(shard_count: usize, limits: LinkLimits) -> (Self, Vec<Ends>) {
        let ends = |_| Ends {
            writers: (0..shard_count).map(|_| None).collect(),
            readers: (0..shard_count).map(|_| None).collect(),
        };
        let mut ends: Vec<Ends> = (0..shard_count).map(ends).collect();
        let none = |_| (0..shard_count).map(|_| None).collect();
        let mut rings: Vec<Vec<Option<RingStem>>> = (0..shard_count).map(none).collect();
        for (from, rings) in rings.iter_mut().enumerate() {
            for (to, stem) in rings.iter_mut().enumerate().filter(|&(to, _)| to != from) {
                let (writer, reader) = ring(limits.ring_lines());
                *stem = Some(writer.stem());
                ends[from].writers[to] = Some(writer);
                ends[to].readers[from] = Some(reader);
            }
        }
        (Self { rings }, ends)
    }

    /// The ends of a shard, as whoever had them before has left the rings: what it had published is
    /// there, what it had taken in is not.
    ///
    /// # Safety
    /// The thread that had them has ended, and they are never used again.
    pub(crate) unsafe fn ends(&self, shard: usize) -> Ends {
        let writer = |stem: &RingStem| {
            // SAFETY: the caller's; frames begin with the word that `lines` reads.
            unsafe { stem.writer(Frame::lines) }
        };
        // SAFETY: the caller's.
        let reader = |stem: &RingStem| unsafe { stem.reader() };
        let to_here = self.rings.iter().map(|from| from[shard].as_ref());
        Ends {
            writers: self.rings[shard]
                .iter()
                .map(|stem| stem.as_ref().map(writer))
                .collect(),
            readers: to_here.map(|stem| stem.map(reader)).collect(),
        }
    }

    /// Drops everything that is on its way.
    ///
    /// # Safety
    /// As [`ends`](Self::ends), of all shards.
    pub(crate) unsafe fn drain(&self) {
        for stem in self.rings.iter().flatten().flatten() {
            // SAFETY: the caller's.
            let mut reader = unsafe { stem.reader() };
            while reader.ready() {
                drop(Frame::read(&mut reader));
            }
        }
    }
}
