//! A line between a module of a running machine and a thread of the host: a ring of bytes each way.
//!
//! ```text
//!   HostEnd ── input ring ──► MachineEnd ──► inlet of the module       taken in where epochs start
//!           ◄─ output ring ──            ◄── console of the module     handed over where they end
//! ```
//! Both rings are bounded, and neither side ever waits for a lock. The host asks to be told when something
//! moves ([`HostEnd::want`]) and looks again before it sleeps; the machine's owner is woken by the host when it
//! sleeps because nothing can happen without input. Does not know what the bytes mean or when they enter.

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

/// Bytes each ring of a line holds.
pub const LINE_BYTES: usize = 1 << 16;

struct Shared {
    /// The host sends no more.
    closed: AtomicBool,
    /// The host is gone.
    gone: AtomicBool,
    /// The host wants to be told of the next move.
    wanted: AtomicBool,
    /// The host has sent something, or closed, since the owner looked.
    rung: AtomicBool,
    /// Whom to wake then.
    owner: OnceLock<Thread>,
}

/// Tells the host that bytes moved; called on the threads of shards, seldom.
pub type Tell = Box<dyn Fn() + Send>;

/// The machine's end of a line.
pub struct MachineEnd {
    input: HeapCons<u8>,
    output: HeapProd<u8>,
    shared: Arc<Shared>,
    tell: Tell,
}

/// The host's end of a line.
pub struct HostEnd {
    input: HeapProd<u8>,
    output: HeapCons<u8>,
    shared: Arc<Shared>,
}

/// What rings at the machine's owner.
#[derive(Clone)]
pub(crate) struct LineBell(Arc<Shared>);

/// A line. `tell` is called whenever bytes have moved and the host [wanted](HostEnd::want) to know.
#[must_use]
pub fn line(tell: Tell) -> (MachineEnd, HostEnd) {
    let (input_writer, input) = HeapRb::new(LINE_BYTES).split();
    let (output, output_reader) = HeapRb::new(LINE_BYTES).split();
    let shared = Arc::new(Shared {
        closed: AtomicBool::new(false),
        gone: AtomicBool::new(false),
        wanted: AtomicBool::new(false),
        rung: AtomicBool::new(false),
        owner: OnceLock::new(),
    });
    let host = HostEnd {
        input: input_writer,
        output: output_reader,
        shared: shared.clone(),
    };
    let machine = MachineEnd {
        input,
        output,
        shared,
        tell,
    };
    (machine, host)
}

impl HostEnd {
    /// Sends as many bytes as there is room for; how many.
    pub fn send(&mut self, bytes: &[u8]) -> usize {
        let count = self.input.push_slice(bytes);
        if count > 0 {
            self.ring();
        }
        count
    }

    /// Takes bytes the module printed; how many.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        self.output.pop_slice(into)
    }

    /// Whether bytes can be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.input.is_full()
    }

    /// Whether bytes can be taken.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Asks to be told once of the next move; the caller looks at the line again before it sleeps.
    pub fn want(&self) {
        self.shared.wanted.store(true, Ordering::Relaxed);
        // Pairs with the one in `moved`: either the caller sees the move, or the machine the wish.
        fence(Ordering::SeqCst);
    }

    /// Sends no more: a machine in which nothing can happen any more need not wait for it.
    pub fn close(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.ring();
    }

    fn ring(&self) {
        self.shared.rung.store(true, Ordering::Release);
        if let Some(owner) = self.shared.owner.get() {
            owner.unpark();
        }
    }
}

impl Drop for HostEnd {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        self.close();
    }
}

impl MachineEnd {
    /// What rings when the host sends, at the calling thread.
    pub(crate) fn bell(&self) -> LineBell {
        // An owner is named once: a line is attached to one machine.
        let _ = self.shared.owner.set(std::thread::current());
        LineBell(self.shared.clone())
    }

    /// Whether the host has sent something that was not taken yet.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the host may send more, or has.
    pub(crate) fn is_open(&self) -> bool {
        // Closed is read first: what was sent before it is seen then.
        !self.shared.closed.load(Ordering::Acquire) || self.has_input()
    }

    /// The next byte of the host.
    pub(crate) fn receive(&mut self) -> Option<u8> {
        self.input.try_pop()
    }

    /// Hands a byte to the host; false if it has no room for it yet. Of a host that is gone, nobody hears.
    pub(crate) fn print(&mut self, byte: u8) -> bool {
        self.output.try_push(byte).is_ok() || self.shared.gone.load(Ordering::Acquire)
    }

    /// Bytes have moved: the host is told, if it wanted to be.
    pub(crate) fn moved(&self) {
        // Pairs with the one in `want`.
        fence(Ordering::SeqCst);
        if self.shared.wanted.swap(false, Ordering::Relaxed) {
            (self.tell)();
        }
    }
}

impl LineBell {
    /// Whether it has rung since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.rung.swap(false, Ordering::AcqRel)
    }
}
