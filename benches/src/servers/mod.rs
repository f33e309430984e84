//! Servers compared: the runtime's own beside those of other libraries, each confined to as many cores, under
//! the same load, in alternating rounds of one run.
//!
//! ```text
//!   cores of the server            the other cores
//!   ┌───────────────────┐          ┌────────────────────────┐
//!   │ a process of its  │ loopback │ load: a thread per     │
//!   │ own               │◄────────►│ core, N connections,   │
//!   └───────────────────┘          │ one request each       │
//!                                  └────────────────────────┘
//! ```
//!
//! The load is closed: a connection sends its next request when it has checked the answer to the last one.

pub mod wire;
pub mod options;
pub mod histogram;
pub mod cores;
pub mod load;
pub mod bare;
pub mod ours;
pub mod contestants;
pub mod report;
pub mod rounds;
