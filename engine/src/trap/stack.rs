//! What a thread needs before faults of it can be handled: a stack for the handler, since its own may be
//! used up, and the bounds of its own.

use super::handler::{self, set_guard};
use std::io;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// Bytes of a handler's stack: it formats a line of text, and may call somebody else's handler.
const BYTES: usize = 64 << 10;

/// A thread whose faults are handled, until this is dropped, on that thread.
pub(crate) struct Armed {
    mapping: NonNull<libc::c_void>,
    bytes: usize,
    before: libc::stack_t,
}

impl Armed {
    /// Arms the calling thread.
    pub(crate) fn this_thread() -> io::Result<Self> {
        handler::install();
        set_guard(own_guard()?);
        // SAFETY: asks for a page size.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let bytes = BYTES + page;
        // SAFETY: a new mapping wherever there is room.
        let mapping = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if mapping == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mapping = NonNull::new(mapping).expect("the first page is never mapped");
        // SAFETY: the lowest page of that mapping; an overflow of the handler's stack ends there.
        unsafe { libc::mprotect(mapping.as_ptr(), page, libc::PROT_NONE) };
        let mut armed = Self {
            mapping,
            bytes,
            before: libc::stack_t {
                ss_sp: ptr::null_mut(),
                ss_flags: libc::SS_DISABLE,
                ss_size: 0,
            },
        };
        let stack = libc::stack_t {
            // SAFETY: within the mapping.
            ss_sp: unsafe { mapping.byte_add(page) }.as_ptr(),
            ss_flags: 0,
            ss_size: BYTES,
        };
        // SAFETY: the memory lives until `drop` has put the stack before it back.
        if unsafe { libc::sigaltstack(&raw const stack, &raw mut armed.before) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(armed)
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        // SAFETY: what was there before is put back, and only then is the memory given up.
        unsafe {
            libc::sigaltstack(&raw const self.before, ptr::null_mut());
            libc::munmap(self.mapping.as_ptr(), self.bytes);
        }
    }
}

/// Where accesses are those of a stack that has come to its end: the guard below it, and, since some C
/// libraries count the guard as stack, as many bytes above.
fn own_guard() -> io::Result<Range<usize>> {
    // SAFETY: plain data, for which zeros are a value.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    let (mut low, mut bytes, mut guard) = (ptr::null_mut(), 0, 0);
    // SAFETY: fills attributes of the calling thread, reads them and gives them back.
    let failed = unsafe {
        let failed = libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes);
        if failed == 0 {
            libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut bytes);
            libc::pthread_attr_getguardsize(&raw const attributes, &raw mut guard);
            libc::pthread_attr_destroy(&raw mut attributes);
        }
        failed
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let low = low.addr();
    Ok(low.saturating_sub(guard)..low + guard)
}
