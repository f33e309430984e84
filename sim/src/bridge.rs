//! The bridge to the outside world: reactive isolates on a shard of their own, joined to modules of a running
//! machine by lines.
//!
//! ```text
//!   TCP client ◄──► uart isolate ◄── line (two rings) ──► UART of the guest
//!                   a shard of its own                    a shard of the machine
//! ```
//! With a live page there is a desk and an HTTP server beside them (see `live`). Isolates move bytes whenever
//! sockets and rings let them; what enters the machine, and when, the machine decides where its epochs start.
//! Knows nothing of journals.

mod uart;
mod live;

pub use live::Live;

use live::Desk;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tina_engine::io::{IoChoice, IoPlan};
use tina_engine::runtime::{
    Address, Child, KindLimits, Runtime, RuntimeBootError, Specification, Strategy, SupervisorSpec,
};
use tina_engine::{HostEnd, MachineEnd, line};
use tina_http::{Feed, Server};
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
    /// The live page cannot be served.
    Http(String),
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(error) => write!(f, "the host refused what the bridge needs: {error}"),
            Self::Listen(address, reason) => write!(f, "cannot listen at {address}: {reason}"),
            Self::Http(reason) => f.write_str(reason),
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
/// Where isolates are found, once there are any.
type Bell = Arc<OnceLock<Shared>>;

/// Isolates that listen.
pub struct Bridge {
    runtime: Shared,
    ports: Vec<(UartOrder, Arc<Port>)>,
    live: Option<(Live, SocketAddr)>,
}

/// The parts of a live page, before it is served.
struct Page {
    server: Server,
    feed: Arc<Feed>,
    wanted: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Page {
    fn new(address: SocketAddr) -> Result<Self, BridgeError> {
        let feed = live::feed();
        let server = Server::new(1, live::routes(&feed), live::limits());
        let server = server.map_err(|errors| BridgeError::Http(errors.to_string()))?;
        Ok(Self {
            server,
            feed,
            wanted: Arc::default(),
            address,
        })
    }
}

impl Bridge {
    /// Listens at all addresses, those of UARTs and that of a live page; the lines are to be attached to the
    /// machine.
    ///
    /// # Errors
    /// When an address cannot be had, or the host refuses.
    ///
    /// # Panics
    /// When an isolate of the bridge panicked.
    pub fn open(
        orders: Vec<UartOrder>,
        http: Option<SocketAddr>,
    ) -> Result<(Self, Vec<(u32, MachineEnd)>), BridgeError> {
        let page = http.map(Page::new).transpose()?;
        let mut ports = Vec::new();
        let mut lines = Vec::new();
        let bell = Bell::default();
        let mut tree = SupervisorSpec::new("bridge", Strategy::OneForOne);
        for (number, order) in orders.into_iter().enumerate() {
            let (machine, host) = line(tell(bell.clone(), name(number)));
            let port = Arc::new(Port {
                line: Mutex::new(host),
                address: OnceLock::new(),
                dropped: AtomicU64::new(0),
            });
            let start = Start { port: port.clone() };
            tree = tree.child(Child::new::<Uart>(start).named(name(number)));
            lines.push((order.instance, machine));
            ports.push((order, port));
        }
        let specification = specification(ports.len(), tree, page.as_ref());
        let runtime = Runtime::boot(specification).map_err(BridgeError::Boot)?;
        let mut bridge = Self {
            runtime: Arc::new(Mutex::new(runtime)),
            ports,
            live: None,
        };
        for number in 0..bridge.ports.len() {
            bridge.listen(number)?;
        }
        // Nobody else sets it.
        let _ = bell.set(bridge.runtime.clone());
        if let Some(page) = page {
            bridge.live = Some(bridge.serve(page)?);
        }
        Ok((bridge, lines))
    }

    fn serve(&self, page: Page) -> Result<(Live, SocketAddr), BridgeError> {
        let runtime = self.runtime.lock().expect(HELD);
        let failed = |reason: String| BridgeError::Http(reason);
        let address = page.server.open(&*runtime, page.address);
        let address = address.map_err(|error| failed(error.to_string()))?;
        let desk = runtime.find(live::DESK);
        let desk = desk.ok_or_else(|| failed("the desk of the live page is missing".to_owned()))?;
        let live = Live {
            runtime: self.runtime.clone(),
            desk,
            wanted: page.wanted,
            feed: page.feed,
        };
        Ok((live, address))
    }

    /// The way to those who look at the machine, and where the live page is.
    #[must_use]
    pub fn live(&self) -> Option<&(Live, SocketAddr)> {
        self.live.as_ref()
    }

    fn listen(&self, number: usize) -> Result<(), BridgeError> {
        let (order, port) = &self.ports[number];
        let address = order.address;
        let failed = |reason: String| BridgeError::Listen(address, reason);
        let runtime = self.runtime.lock().expect(HELD);
        let to: Address<Order> = runtime
            .find(&name(number))
            .ok_or_else(|| failed("its isolate is missing".to_owned()))?;
        let listening = runtime
            .call(to, PATIENCE, |reply| Order::Listen(address, reply))
            .map_err(|error| failed(error.to_string()))?;
        let bound = listening.map_err(|refusal| failed(refusal.to_string()))?;
        // Nobody else sets it.
        let _ = port.address.set(bound);
        Ok(())
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

/// Tells the isolate of that name, which may have been started again, that bytes moved on its line.
fn tell(bell: Bell, name: String) -> tina_engine::Tell {
    Box::new(move || {
        let Some(runtime) = bell.get() else {
            return;
        };
        let runtime = runtime.lock().expect(HELD);
        // One that is being started again looks at its line by itself.
        if let Some(to) = runtime.find(&name) {
            // Refused only where it is over anyway: at most one of these is on its way for each line.
            let _ = runtime.send(to, Order::Moved);
        }
    })
}

fn specification(port_count: usize, tree: SupervisorSpec, page: Option<&Page>) -> Specification {
    let ports = port_count as u32;
    let limits = KindLimits {
        operations: uart::OPERATIONS,
        ..KindLimits::slots(port_count)
    };
    let mut plan = IoPlan {
        owner_places: ports,
        operation_slots: ports * u32::from(uart::OPERATIONS) * 2,
        descriptor_slots: ports * uart::DESCRIPTORS,
        receive_buffers: ports * 4,
        receive_bytes: BUFFER_BYTES,
        transfer_buffers: ports * 2,
        transfer_bytes: BUFFER_BYTES,
        helper_threads: 1,
    };
    let mut specification = Specification::new(1);
    if port_count > 0 {
        specification = specification.kind::<Uart>(limits).tree(tree);
    }
    if let Some(page) = page {
        let http = page.server.io_plan();
        plan = IoPlan {
            owner_places: plan.owner_places + http.owner_places,
            operation_slots: plan.operation_slots + http.operation_slots,
            descriptor_slots: plan.descriptor_slots + http.descriptor_slots,
            receive_buffers: plan.receive_buffers + http.receive_buffers,
            receive_bytes: plan.receive_bytes.max(http.receive_bytes),
            transfer_buffers: plan.transfer_buffers + http.transfer_buffers,
            transfer_bytes: plan.transfer_bytes.max(http.transfer_bytes),
            helper_threads: plan.helper_threads.max(http.helper_threads),
        };
        let desk = Child::new::<Desk>(page.wanted.clone()).named(live::DESK);
        let desks = KindLimits {
            mailbox_slots: live::CONNECTIONS as u32 + 8,
            ..KindLimits::slots(1)
        };
        specification = page
            .server
            .install(specification)
            .kind::<Desk>(desks)
            .tree(SupervisorSpec::new("live", Strategy::OneForOne).child(desk));
    }
    specification.io(IoChoice::Auto, plan)
}
