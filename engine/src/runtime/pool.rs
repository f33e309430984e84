//! Pools: threads beside the shards for what would stall one: computing for long, and calls that block.
//!
//! A job is a closure of at most 96 bytes that an isolate gives to a pool; its result comes back as the end
//! of a call, for which the room was reserved before. A pool is bounded as everything is: so many jobs
//! wait, and one more is refused. The lock on the queue is held for the time of one push or one pop.

use super::claim::{CallError, Claim};
use super::doors::Doors;
use super::parcel::Parcel;
use crate::platform;
use crate::trap::lock;
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A pool in the boot specification.
pub(crate) struct PoolPlan {
    pub(crate) name: String,
    pub(crate) threads: usize,
    /// Jobs that may wait.
    pub(crate) jobs: usize,
}

/// A pool of threads of the boot specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolId {
    runtime: u32,
    number: u32,
}

/// What waits in a pool.
pub(crate) struct Job {
    claim: Claim,
    work: Parcel,
    /// Does the work, which is of the type this was made for.
    run: fn(Parcel) -> Result<Parcel, Box<dyn Any + Send>>,
}

impl Job {
    /// Work whose result is for whoever has the claim.
    pub(crate) fn new<R: Send + 'static, F: FnOnce() -> R + Send + 'static>(
        claim: Claim,
        work: F,
    ) -> Self {
        Self {
            claim,
            work: Parcel::new(work),
            run: |work| {
                let work = work.open::<F>().ok().expect("packed by this function");
                catch_unwind(AssertUnwindSafe(|| Parcel::new(work())))
            },
        }
    }
}

/// Drops what nobody wants, which is code of its own and may panic; what that panic carries is left alone.
fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(payload);
    }
}

struct Queue {
    jobs: VecDeque<Job>,
    sleeping_count: usize,
    working_count: usize,
    is_over: bool,
}

struct Pool {
    name: String,
    jobs_max: usize,
    queue: Mutex<Queue>,
    /// Rung when a job comes to sleeping threads, and when it is over.
    work: Condvar,
    /// Rung when a thread ends.
    ended: Condvar,
}

/// All pools of a runtime.
pub(crate) struct Pools {
    /// Which runtime of this process.
    runtime: u32,
    pools: Vec<Pool>,
}

impl Pools {
    /// Bytes of a pool's queue.
    pub(crate) fn bytes(plan: &PoolPlan) -> usize {
        plan.jobs.min(1 << 32) * size_of::<Job>()
    }

    pub(crate) fn new(plans: &[PoolPlan], runtime: u32) -> Self {
        let pool = |plan: &PoolPlan| Pool {
            name: plan.name.clone(),
            jobs_max: plan.jobs,
            queue: Mutex::new(Queue {
                jobs: VecDeque::with_capacity(plan.jobs),
                sleeping_count: 0,
                working_count: 0,
                is_over: false,
            }),
            work: Condvar::new(),
            ended: Condvar::new(),
        };
        Self {
            runtime,
            pools: plans.iter().map(pool).collect(),
        }
    }

    /// Starts the threads of all pools; those that run end with [`stop`](Self::stop).
    pub(crate) fn start(
        self: &Arc<Self>,
        plans: &[PoolPlan],
        doors: &Arc<Doors>,
    ) -> io::Result<()> {
        for (number, plan) in plans.iter().enumerate() {
            for thread in 0..plan.threads {
                let (pools, doors) = (self.clone(), doors.clone());
                self.pools[number].locked().working_count += 1;
                let name = format!("{} {thread}", plan.name);
                let spawned = platform::spawn(name, None, move || {
                    pools.pools[number].serve(&doors);
                });
                if let Err(error) = spawned {
                    self.pools[number].locked().working_count -= 1;
                    self.stop();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether no job waits anywhere.
    pub(crate) fn is_idle(&self) -> bool {
        self.pools.iter().all(|pool| pool.locked().jobs.is_empty())
    }

    /// Does one job of some pool on the calling thread; false if that pool has none.
    pub(crate) fn work_once(&self, pick: u64, doors: &Doors) -> bool {
        let pool = &self.pools[(pick % self.pools.len() as u64) as usize];
        let job = pool.locked().jobs.pop_front();
        let is_there = job.is_some();
        if let Some(job) = job {
            Pool::work(job, doors);
        }
        is_there
    }

    pub(crate) fn find(&self, name: &str) -> Option<PoolId> {
        let found = self.pools.iter().position(|pool| pool.name == name);
        found.map(|number| PoolId {
            runtime: self.runtime,
            number: number as u32,
        })
    }

    /// Gives a job to a pool, unless it has as many as it may, is over or is none of this runtime's.
    pub(crate) fn give(&self, to: PoolId, job: Job) -> bool {
        let pool = self.pools.get(to.number as usize);
        let Some(pool) = pool.filter(|_| to.runtime == self.runtime) else {
            return false;
        };
        let mut queue = lock(&pool.queue);
        if queue.jobs.len() >= pool.jobs_max || queue.is_over {
            drop(queue);
            // The work is dropped without a lock held, for that is code of its own.
            drop(job);
            return false;
        }
        queue.jobs.push_back(job);
        let asleep = queue.sleeping_count > 0;
        drop(queue);
        if asleep {
            pool.work.notify_one();
        }
        true
    }

    /// Lets all threads end after the job they are at. Jobs that wait are dropped.
    pub(crate) fn stop(&self) {
        for pool in &self.pools {
            let mut queue = pool.locked();
            queue.is_over = true;
            let jobs = std::mem::take(&mut queue.jobs);
            drop(queue);
            pool.work.notify_all();
            jobs.into_iter().for_each(discard);
        }
    }

    /// Whether all threads have ended by the deadline.
    pub(crate) fn await_end(&self, deadline: Option<Instant>) -> bool {
        self.pools.iter().all(|pool| pool.await_end(deadline))
    }
}

impl Pool {
    fn locked(&self) -> MutexGuard<'_, Queue> {
        // Nobody panics with the lock held, and what it guards is whole at any time.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread of the pool.
    fn serve(&self, doors: &Doors) {
        while let Some(job) = self.next() {
            Self::work(job, doors);
        }
        self.locked().working_count -= 1;
        self.ended.notify_all();
    }

    fn work(job: Job, doors: &Doors) {
        let Job { claim, work, run } = job;
        if !doors.is_waited_for(&claim) {
            // Its time is over, or whoever asked is.
            return discard(work);
        }
        let outcome = run(work).map_err(|payload| {
            discard(payload);
            CallError::Panicked
        });
        discard(doors.answer(claim, outcome));
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.locked();
        loop {
            if queue.is_over {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue.sleeping_count += 1;
            queue = self
                .work
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.sleeping_count -= 1;
        }
    }

    fn await_end(&self, deadline: Option<Instant>) -> bool {
        let mut queue = self.locked();
        while queue.working_count > 0 {
            let Some(deadline) = deadline else {
                queue = self
                    .ended
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(platform::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.ended.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
