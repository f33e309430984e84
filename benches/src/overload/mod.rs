//! Overload: isolates, and a server of connections, that are offered many times what they take, for as long as
//! wanted; and whether everything that is promised for such times holds.
//!
//! ```text
//!   givers ──messages, questions──► takers      on every shard, to all of both shards
//!     ▲  └── refused at once             one turn each, as a giver has; a giver offers `times` in one
//!     └────── came back from the other shard
//!
//!   crowd ──TCP──► listeners ──► connections    a crowd of `times` the connections that there is room for
//! ```

pub mod options;
pub mod tally;
pub mod people;
pub mod door;
pub mod crowd;
pub mod memory;
pub mod trial;
