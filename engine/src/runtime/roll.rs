//! Which threads of a runtime are there, have left, or were condemned by a hardware fault: what boot and
//! shutdown wait for, and what the warden does.
//!
//! ```text
//!   spawned ──booted──► turns its shards ──leave──► left
//!      ▲                   │ fault
//!      └── the warden ◄────┘ condemn, and the thread ends
//! ```

use super::handle::Handle;
use crate::platform;
use crate::trap::HardwareFault;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why a thread has ended that is to be replaced.
pub(crate) enum Obituary {
    /// A handler of an isolate faulted.
    Fault {
        culprit: Handle,
        fault: HardwareFault,
    },
    /// The host refused what its shards are made of.
    NotBuilt(io::Error),
}

#[derive(Default)]
struct Entry {
    handle: Option<JoinHandle<()>>,
    booted: Option<Result<(), io::Error>>,
    /// Whether it has booted, and booted well, at some time.
    was_up: bool,
    obituary: Option<Obituary>,
    has_left: bool,
}

struct State {
    threads: Vec<Entry>,
    /// A thread has panicked: the engine itself is wrong.
    is_broken: bool,
    /// The warden is to end.
    is_over: bool,
}

pub(crate) struct Roll {
    state: Mutex<State>,
    changed: Condvar,
}

impl Roll {
    pub(crate) fn new(thread_count: usize) -> Self {
        Self {
            state: Mutex::new(State {
                threads: (0..thread_count).map(|_| Entry::default()).collect(),
                is_broken: false,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.state().threads.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until `look` finds something, or the deadline has passed.
    fn wait<R>(
        &self,
        deadline: Option<Instant>,
        mut look: impl FnMut(&mut State) -> Option<R>,
    ) -> Option<R> {
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(platform::now())
            });
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets everybody who waits look again.
    pub(crate) fn wake(&self) {
        self.change(|_| {});
    }

    /// A thread was started.
    pub(crate) fn enter(&self, thread: usize, handle: JoinHandle<()>) {
        self.change(|state| state.threads[thread].handle = Some(handle));
    }

    /// A thread has made its shards, or could not.
    pub(crate) fn booted(&self, thread: usize, outcome: io::Result<()>) {
        self.change(|state| {
            let entry = &mut state.threads[thread];
            match outcome {
                Err(error) if entry.was_up => entry.obituary = Some(Obituary::NotBuilt(error)),
                Err(error) => {
                    entry.booted = Some(Err(error));
                    entry.has_left = true;
                }
                Ok(()) => {
                    entry.was_up = true;
                    entry.booted = Some(Ok(()));
                }
            }
        });
    }

    /// A thread has ended as it should.
    pub(crate) fn leave(&self, thread: usize) {
        self.change(|state| state.threads[thread].has_left = true);
    }

    /// A thread panics.
    pub(crate) fn break_off(&self) {
        self.change(|state| state.is_broken = true);
    }

    /// A thread is about to end because an isolate on it has faulted.
    pub(crate) fn condemn(&self, thread: usize, culprit: Handle, fault: HardwareFault) {
        self.change(|state| {
            state.threads[thread].obituary = Some(Obituary::Fault { culprit, fault });
        });
    }

    /// Waits until every thread has made its shards; the first error, if some could not.
    pub(crate) fn await_booted(&self) -> io::Result<()> {
        let outcome = self.wait(None, |state| {
            if state.is_broken {
                let error = io::Error::other("a thread ended while it was booting");
                return Some(Err(error));
            }
            let is_done = |entry: &Entry| entry.booted.is_some();
            let all = state.threads.iter().all(is_done);
            all.then(|| {
                let outcomes = state.threads.iter_mut().filter_map(|it| it.booted.take());
                outcomes.collect::<io::Result<()>>()
            })
        });
        outcome.expect("without a deadline it is waited for")
    }

    /// Whether all threads have left by the deadline. True as well if one has panicked: the join says how.
    pub(crate) fn await_left(&self, deadline: Option<Instant>) -> bool {
        let left = |state: &mut State| {
            let all = state.threads.iter().all(|entry| entry.has_left);
            (all || state.is_broken).then_some(())
        };
        self.wait(deadline, left).is_some()
    }

    /// The next thread that is to be replaced; none when the warden is to end.
    pub(crate) fn next_condemned(&self) -> Option<(usize, Obituary)> {
        let found = self.wait(None, |state| {
            if state.is_over {
                return Some(None);
            }
            let mut threads = state.threads.iter_mut().enumerate();
            let found = threads.find_map(|(thread, it)| Some((thread, it.obituary.take()?)));
            found.map(Some)
        });
        found.flatten()
    }

    /// Waits for a thread to end that was condemned.
    pub(crate) fn join(&self, thread: usize) {
        let handle = self.wait(None, |state| state.threads[thread].handle.take());
        let handle = handle.expect("without a deadline it is waited for");
        // It did not panic: that would not have condemned it.
        let _ = handle.join();
    }

    /// Waits for a thread that ends because its shards could not be made, if it was started at all.
    pub(crate) fn join_if_entered(&self, thread: usize) {
        let handle = self.state().threads[thread].handle.take();
        if let Some(handle) = handle {
            let _ = handle.join();
        }
    }

    /// Waits for some time, or until `enough` says so; it is asked when the roll is [woken](Self::wake).
    pub(crate) fn pause(&self, time: Duration, enough: impl Fn() -> bool) {
        let deadline = platform::now().checked_add(time);
        self.wait(deadline, |state| (state.is_over || enough()).then_some(()));
    }

    /// Sends the warden home.
    pub(crate) fn end(&self) {
        self.change(|state| state.is_over = true);
    }

    /// The threads that were started and not joined.
    pub(crate) fn handles(&self) -> Vec<JoinHandle<()>> {
        let mut state = self.state();
        let threads = state.threads.iter_mut();
        threads.filter_map(|entry| entry.handle.take()).collect()
    }
}
