//! The bridge to the outside world: reactive isolates on a shard of their own, joined to modules of a running
//! machine by lines.
//!
//! ```text
//!   TCP client ◄──► uart isolate ◄── line (two rings) ──► UART of the guest
//!                   a shard of its own                    a shard of the machine
//! ```
//! Isolates move bytes whenever sockets and rings let them; what enters the machine, and when, the machine
//! decides where its epochs start. Knows nothing of journals.

mod uart;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tina_engine::io::{IoChoice, IoPlan};
use tina_engine::runtime::{
    Address, Child, KindLimits, Runtime, RuntimeBootError, Specification, Strategy, SupervisorSpec,
};
use tina_engine::{HostEnd, MachineEnd, line};
use uart::{Order, Start, Uart};

/// How long an order to an isolate, or its last bytes, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of the buffers: a turn's worth of a line.
const BUFFER_BYTES: u32 = 4096;

/// A UART that is to be reached over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UartOrder {
    /// Number of the instance.
    pub instance: u32,
    /// Its path, for messages.
    pub path: String,
    /// Where to listen; port 0 lets the host choose one.
    pub address: SocketAddr,
}

/// Why there is no bridge.
#[derive(Debug)]
pub enum BridgeError {
    /// The host refuses threads, memory or I/O.
    Boot(RuntimeBootError),
    /// An address cannot be listened at.
    Listen(SocketAddr, String),
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(error) => write!(f, "the host refused what the bridge needs: {error}"),
            Self::Listen(address, reason) => write!(f, "cannot listen at {address}: {reason}"),
        }
    }
}

impl std::error::Error for BridgeError {}

/// What an isolate and the bridge both know of a UART.
struct Port {
    line: Mutex<HostEnd>,
    /// Where it listens.
    address: OnceLock<SocketAddr>,
    /// Bytes that were printed while nobody was there to read them.
    dropped: AtomicU64,
}

/// A UART that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Path of the instance.
    pub path: String,
    /// Where it is listened at.
    pub address: SocketAddr,
    /// Bytes it printed while nobody was connected.
    pub dropped: u64,
}

type Shared = Arc<Mutex<Runtime>>;
type Bell = Arc<OnceLock<(Shared, Address<Order>)>>;

/// Isolates that listen.
pub struct Bridge {
    runtime: Shared,
    ports: Vec<(UartOrder, Arc<Port>)>,
}

impl Bridge {
    /// Listens at all addresses; the lines are to be attached to the machine.
    ///
    /// # Errors
    /// When an address cannot be had, or the host refuses.
    ///
    /// # Panics
    /// When an isolate of the bridge panicked.
    pub fn open(orders: Vec<UartOrder>) -> Result<(Self, Vec<(u32, MachineEnd)>), BridgeError> {
        let mut ports = Vec::new();
        let mut lines = Vec::new();
        let mut bells: Vec<Bell> = Vec::new();
        let mut tree = SupervisorSpec::new("bridge", Strategy::OneForOne);
        for (number, order) in orders.into_iter().enumerate() {
            let bell = Bell::default();
            let (machine, host) = line(tell(bell.clone()));
            let port = Arc::new(Port {
                line: Mutex::new(host),
                address: OnceLock::new(),
                dropped: AtomicU64::new(0),
            });
            let start = Start { port: port.clone() };
            tree = tree.child(Child::new::<Uart>(start).named(name(number)));
            lines.push((order.instance, machine));
            bells.push(bell);
            ports.push((order, port));
        }
        let runtime = Runtime::boot(specification(ports.len(), tree)).map_err(BridgeError::Boot)?;
        let bridge = Self {
            runtime: Arc::new(Mutex::new(runtime)),
            ports,
        };
        for (number, bell) in bells.into_iter().enumerate() {
            let to = bridge.listen(number)?;
            // Nobody else sets it.
            let _ = bell.set((bridge.runtime.clone(), to));
        }
        Ok((bridge, lines))
    }

    fn listen(&self, number: usize) -> Result<Address<Order>, BridgeError> {
        let (order, port) = &self.ports[number];
        let address = order.address;
        let failed = |reason: String| BridgeError::Listen(address, reason);
        let runtime = self.runtime.lock().expect(HELD);
        let to = runtime
            .find(&name(number))
            .ok_or_else(|| failed("its isolate is missing".to_owned()))?;
        let listening = runtime
            .call(to, PATIENCE, |reply| Order::Listen(address, reply))
            .map_err(|error| failed(error.to_string()))?;
        let bound = listening.map_err(|refusal| failed(refusal.to_string()))?;
        // Nobody else sets it.
        let _ = port.address.set(bound);
        Ok(to)
    }

    /// The UARTs, and where each is listened at.
    #[must_use]
    pub fn reached(&self) -> Vec<Reached> {
        let reached = |(order, port): &(UartOrder, Arc<Port>)| Reached {
            path: order.path.clone(),
            address: port.address.get().copied().unwrap_or(order.address),
            dropped: port.dropped.load(Ordering::Relaxed),
        };
        self.ports.iter().map(reached).collect()
    }

    /// Sends what was printed last, and closes. The answer is what [`reached`](Self::reached) says then.
    ///
    /// # Panics
    /// When an isolate of the bridge panicked.
    #[must_use]
    pub fn close(self) -> Vec<Reached> {
        self.runtime.lock().expect(HELD).shutdown(PATIENCE);
        self.reached()
    }
}

const HELD: &str = "nobody panics with the bridge in hand";

fn name(number: usize) -> String {
    format!("uart-{number}")
}

/// Tells an isolate that bytes moved on its line.
fn tell(bell: Bell) -> tina_engine::Tell {
    Box::new(move || {
        let Some((runtime, to)) = bell.get() else {
            return;
        };
        // Refused only where it is over anyway: at most one of these is on its way for each line.
        let _ = runtime.lock().expect(HELD).send(*to, Order::Moved);
    })
}

fn specification(port_count: usize, tree: SupervisorSpec) -> Specification {
    let ports = port_count as u32;
    let limits = KindLimits {
        operations: uart::OPERATIONS,
        ..KindLimits::slots(port_count)
    };
    let plan = IoPlan {
        owner_places: ports,
        operation_slots: ports * u32::from(uart::OPERATIONS) * 2,
        descriptor_slots: ports * uart::DESCRIPTORS,
        receive_buffers: ports * 4,
        receive_bytes: BUFFER_BYTES,
        transfer_buffers: ports * 2,
        transfer_bytes: BUFFER_BYTES,
        helper_threads: 1,
    };
    Specification::new(1)
        .kind::<Uart>(limits)
        .io(IoChoice::Auto, plan)
        .tree(tree)
}
