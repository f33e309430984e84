//! How a response that waits is told to go on.

use tina_engine::io::Descriptor;
use tina_engine::runtime::{Address, Context, Isolate, Lane, Runtime};

/// What a connection can be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Serve this connection, which is the isolate's own now.
    Serve(Descriptor),
    /// A streamed response may go on.
    Wake,
}

/// Wakes the streamed response of one connection. Copied and sent freely; of no effect once the
/// connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waker(pub(crate) Address<Order>);

impl Waker {
    /// Wakes it from an isolate, on whatever shard. False if it is over, or has as many messages
    /// waiting as it may have, which wake it as well.
    pub fn wake<I: Isolate>(self, context: &mut Context<'_, I>) -> bool {
        context.send_in(self.0, Lane::High, Order::Wake).is_ok()
    }

    /// Wakes it from a thread that is no shard's. False if the runtime takes nothing in.
    pub fn wake_from(self, runtime: &Runtime) -> bool {
        runtime.send(self.0, Order::Wake).is_ok()
    }
}
