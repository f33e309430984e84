//! Which cores the server gets and which the load, and what processor time a process has used.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;

/// Cores, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Of the server.
    pub server: Vec<usize>,
    /// Of the load.
    pub load: Vec<usize>,
}

impl Cores {
    /// Shares out the cores this process may use: so many for the server, or half, the others for the load.
    ///
    /// # Errors
    /// There is not one of each.
    pub fn share(server_count: Option<usize>) -> Result<Self, String> {
        let all = sched_getaffinity(None).map_err(|error| format!("sched_getaffinity: {error}"))?;
        let all: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|&core| all.is_set(core))
            .collect();
        let server_count = server_count.unwrap_or(all.len() / 2);
        if server_count == 0 || server_count >= all.len() {
            return Err(format!(
                "{server_count} cores for the server, and one at least for the load: there are {}",
                all.len()
            ));
        }
        let (server, load) = all.split_at(server_count);
        Ok(Self {
            server: server.to_vec(),
            load: load.to_vec(),
        })
    }
}

/// Confines the calling thread, and what it starts from now on, to some cores.
///
/// # Errors
/// The system refuses.
pub fn confine(cores: &[usize]) -> Result<(), String> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|&core| set.set(core));
    sched_setaffinity(None, &set).map_err(|error| format!("sched_setaffinity: {error}"))
}

/// Nanoseconds of processor time that the threads of a process have used, those that ended left out.
#[must_use]
pub fn processor_nanos(process: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let of = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some(tasks.flatten().filter_map(of).sum())
}
