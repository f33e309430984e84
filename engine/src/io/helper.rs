//! A few threads for calls that block on a disk: made at creation, fed through a queue that cannot
//! overflow, and asleep when there is nothing to do.
//!
//! A file lies beyond what a poller can see: reading it is ready at once and then takes as long as
//! the disk takes. So the portable back end sends all file operations here, and both send what the
//! ring cannot do without blocking a worker of the kernel on a slow peer: `sendfile` goes as far as
//! the socket takes it and then waits, with nothing held, for the socket to be writable.

use super::backend::{FileRequest, Success};
use super::buffer::Span;
use super::doorbell::IoWaker;
use super::errno::Errno;
use super::file::File;
use super::operation::OpenHow;
use crate::platform;
use crate::trap::lock;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::retry_on_intr;
use std::collections::VecDeque;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// The most bytes one call of `sendfile` is asked for: so long may one file keep a helper.
const SEND_FILE_BYTES_MAX: u64 = 1 << 20;

struct Job {
    /// None: nobody is told.
    slot: Option<u32>,
    request: FileRequest,
}

type Done = (u32, Result<Success, Errno>);

struct Jobs {
    queue: VecDeque<Job>,
    capacity: usize,
    /// Jobs in the queue at which no file to be closed is added: the rest is for operations.
    close_limit: usize,
    is_over: bool,
}

pub(crate) struct Desk {
    jobs: Mutex<Jobs>,
    work: Condvar,
    done: Mutex<VecDeque<Done>>,
    /// How many are in `done`, so that a turn without any takes no lock.
    done_count: AtomicU32,
    waker: IoWaker,
}

pub(crate) struct Helpers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

impl Helpers {
    pub(crate) fn bytes(operation_count: u32, descriptor_count: u32) -> usize {
        let (operations, descriptors) = (operation_count as usize, descriptor_count as usize);
        (operations + descriptors) * size_of::<Job>() + operations * size_of::<Done>()
    }

    /// Room for one job of each operation, and for as many files to be closed as there are descriptors.
    pub(crate) fn start(
        thread_count: u32,
        operation_count: u32,
        descriptor_count: u32,
        waker: IoWaker,
    ) -> std::io::Result<Self> {
        let capacity = operation_count as usize + descriptor_count as usize;
        let desk = Arc::new(Desk {
            jobs: Mutex::new(Jobs {
                queue: VecDeque::with_capacity(capacity),
                capacity,
                close_limit: descriptor_count as usize,
                is_over: false,
            }),
            work: Condvar::new(),
            done: Mutex::new(VecDeque::with_capacity(operation_count as usize)),
            done_count: AtomicU32::new(0),
            waker,
        });
        let mut helpers = Self {
            desk: desk.clone(),
            threads: Vec::with_capacity(thread_count as usize),
        };
        for number in 0..thread_count {
            let desk = desk.clone();
            let thread = platform::spawn(format!("io-helper-{number}"), None, move || desk.serve());
            helpers.threads.push(thread?);
        }
        Ok(helpers)
    }

    pub(crate) fn desk(&self) -> Arc<Desk> {
        self.desk.clone()
    }

    pub(crate) fn give(&self, slot: Option<u32>, request: FileRequest) {
        let mut jobs = lock(&self.desk.jobs);
        assert!(
            jobs.queue.len() < jobs.capacity,
            "one job per operation, and never so many files to close that there is no room for them"
        );
        jobs.queue.push_back(Job { slot, request });
        drop(jobs);
        self.desk.work.notify_one();
    }

    /// Closes a file, here and now if the queue is full; false then.
    pub(crate) fn close(&self, slot: Option<u32>, file: File) -> bool {
        let mut jobs = lock(&self.desk.jobs);
        if jobs.queue.len() >= jobs.close_limit {
            return false;
        }
        let request = FileRequest::Close(file);
        jobs.queue.push_back(Job { slot, request });
        drop(jobs);
        self.desk.work.notify_one();
        true
    }

    /// Takes a job back that nobody has begun.
    pub(crate) fn take_back(&self, slot: u32) -> bool {
        let mut jobs = lock(&self.desk.jobs);
        let place = jobs.queue.iter().position(|job| job.slot == Some(slot));
        place.and_then(|place| jobs.queue.remove(place)).is_some()
    }

    pub(crate) fn has_done(&self) -> bool {
        // Acquire: pairs with the helper's release; the lock orders the rest.
        self.desk.done_count.load(Ordering::Acquire) > 0
    }

    pub(crate) fn next(&self) -> Option<Done> {
        if !self.has_done() {
            return None;
        }
        let done = lock(&self.desk.done).pop_front();
        self.desk
            .done_count
            .fetch_sub(u32::from(done.is_some()), Ordering::Relaxed);
        done
    }
}

impl Drop for Helpers {
    /// What has begun is finished: it may be writing to a buffer.
    fn drop(&mut self) {
        let mut jobs = lock(&self.desk.jobs);
        jobs.is_over = true;
        jobs.queue.clear();
        drop(jobs);
        self.desk.work.notify_all();
        for thread in self.threads.drain(..) {
            thread
                .join()
                .expect("a helper makes calls and never panics");
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

impl Desk {
    /// Threads that wait end now, others when their job is done. Where the lock is held by a thread
    /// that is no more, they stay.
    #[cold]
    pub(crate) fn send_home(&self) {
        if let Ok(mut jobs) = self.jobs.try_lock() {
            jobs.is_over = true;
            drop(jobs);
            self.work.notify_all();
        }
    }

    fn serve(&self) {
        loop {
            let mut jobs = locked(&self.jobs);
            while jobs.queue.is_empty() && !jobs.is_over {
                jobs = self
                    .work
                    .wait(jobs)
                    .expect("nobody panics while holding it");
            }
            let Some(job) = jobs.queue.pop_front() else {
                return;
            };
            drop(jobs);
            let result = perform(job.request);
            if let Some(slot) = job.slot {
                let mut done = locked(&self.done);
                done.push_back((slot, result));
                // Release: whoever sees the count finds the entry under the lock.
                self.done_count.fetch_add(1, Ordering::Release);
                drop(done);
                self.waker.wake();
            }
        }
    }
}

/// Blocks until it is done.
fn perform(request: FileRequest) -> Result<Success, Errno> {
    match request {
        FileRequest::Open(path, how) => {
            let mode = Mode::from_raw_mode(MODE);
            let path = path_of(&path);
            let file = retry_on_intr(|| rustix::fs::open(path, open_flags(how), mode))?;
            Ok(Success::Opened(File::System(file)))
        }
        FileRequest::Read(file, into, at) => {
            // SAFETY: the operation owns these bytes of its buffer until it has completed.
            let bytes = unsafe {
                std::slice::from_raw_parts_mut(into.start.as_ptr(), into.length as usize)
            };
            let count = retry_on_intr(|| rustix::io::pread(open(file), &mut *bytes, at))?;
            Ok(Success::Moved(count as u64))
        }
        FileRequest::Write(file, from, at) => {
            // SAFETY: the operation owns these bytes of its buffer until it has completed.
            let bytes =
                unsafe { std::slice::from_raw_parts(from.start.as_ptr(), from.length as usize) };
            let count = retry_on_intr(|| rustix::io::pwrite(open(file), bytes, at))?;
            Ok(Success::Moved(count as u64))
        }
        FileRequest::Sync { file, data_only } => {
            retry_on_intr(|| match data_only {
                true => rustix::fs::fdatasync(open(file)),
                false => rustix::fs::fsync(open(file)),
            })?;
            Ok(Success::Done)
        }
        FileRequest::Size(file) => {
            let status = rustix::fs::fstat(open(file))?;
            match FileType::from_raw_mode(status.st_mode) {
                FileType::RegularFile => Ok(Success::Size(status.st_size as u64)),
                FileType::Directory => Err(Errno::EISDIR),
                _ => Err(Errno::ESPIPE),
            }
        }
        FileRequest::Truncate(file, length) => {
            retry_on_intr(|| rustix::fs::ftruncate(open(file), length))?;
            Ok(Success::Done)
        }
        FileRequest::SendFile {
            socket,
            file,
            mut at,
            length,
        } => {
            let count = length.min(SEND_FILE_BYTES_MAX) as usize;
            let count = retry_on_intr(|| {
                rustix::fs::sendfile(open(socket), open(file), Some(&mut at), count)
            })?;
            Ok(Success::Moved(count as u64))
        }
        FileRequest::Close(file) => {
            drop(file);
            Ok(Success::Done)
        }
    }
}

/// What a new file may be used for by whom: read by all, written by its maker.
pub(crate) const MODE: u32 = 0o644;

pub(crate) fn open_flags(how: OpenHow) -> OFlags {
    let mut flags = match (how.read, how.write) {
        (_, false) => OFlags::RDONLY,
        (false, true) => OFlags::WRONLY,
        (true, true) => OFlags::RDWR,
    };
    for (is_asked, flag) in [
        (how.create, OFlags::CREATE),
        (how.exclusive, OFlags::EXCL),
        (how.truncate, OFlags::TRUNC),
        (how.at_once, OFlags::NONBLOCK),
    ] {
        flags.set(flag, is_asked);
    }
    flags | OFlags::CLOEXEC
}

fn open(file: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the operation keeps the file open until it has completed.
    unsafe { BorrowedFd::borrow_raw(file) }
}

fn path_of(path: &Span) -> &CStr {
    let length = path.length as usize + 1;
    // SAFETY: the operation owns these bytes, the zero byte after the path among them.
    let bytes = unsafe { std::slice::from_raw_parts(path.start.as_ptr(), length) };
    CStr::from_bytes_with_nul(bytes).expect("checked when it was submitted")
}
