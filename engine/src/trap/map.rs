//! Where the program and the C library lie in memory: so that an instruction can be named as the
//! program's file has it, and a fault with a lock of the C library held is not taken for a harmless one.

use std::ffi::c_void;
use std::ops::Range;
use std::sync::OnceLock;

struct Map {
    /// What the program's addresses in memory exceed those in its file by.
    program_offset: usize,
    program: Range<usize>,
    /// Empty where it is part of the program.
    c_library: Range<usize>,
    /// Functions of it that hold no lock, which is all that wild pointers of user code usually reach.
    memory_functions: [usize; 4],
}

static MAP: OnceLock<Map> = OnceLock::new();

/// Bytes from the start of a function that are taken to be of it, or of others of its sort.
const FUNCTION_BYTES: usize = 4096;

/// Looks around once, before any handler is installed.
pub(super) fn draw() {
    MAP.get_or_init(|| {
        let mut map = Map {
            program_offset: 0,
            program: 0..0,
            c_library: 0..0,
            memory_functions: [
                libc::memcpy as *const () as usize,
                libc::memmove as *const () as usize,
                libc::memset as *const () as usize,
                libc::memcmp as *const () as usize,
            ],
        };
        // SAFETY: `visit` takes what it is handed here, and is not kept.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut map).cast()) };
        map
    });
}

/// The first object is the program itself.
unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, map: *mut c_void) -> i32 {
    // SAFETY: the loader hands in a valid description, and `draw` its map.
    let (info, map) = unsafe { (&*info, &mut *map.cast::<Map>()) };
    let offset = info.dlpi_addr as usize;
    let malloc = libc::malloc as *const () as usize;
    let mut code = std::ops::Range {
        start: usize::MAX,
        end: 0,
    };
    for number in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: there are so many.
        let part = unsafe { &*info.dlpi_phdr.add(number) };
        if part.p_type == libc::PT_LOAD && part.p_flags & libc::PF_X != 0 {
            let first = offset + part.p_vaddr as usize;
            code = code.start.min(first)..code.end.max(first + part.p_memsz as usize);
        }
    }
    if map.program.is_empty() {
        (map.program_offset, map.program) = (offset, code);
    } else if code.contains(&malloc) {
        map.c_library = code;
    }
    0
}

/// An instruction as the program's file has it, if it is the program's.
pub(super) fn in_file(instruction: usize) -> usize {
    match MAP.get() {
        Some(map) if map.program.contains(&instruction) => instruction - map.program_offset,
        _ => instruction,
    }
}

/// Whether a lock of the C library may be held at an instruction.
pub(super) fn may_hold_lock(instruction: usize) -> bool {
    MAP.get().is_some_and(|map| {
        let harmless =
            |&function: &usize| (function..function + FUNCTION_BYTES).contains(&instruction);
        map.c_library.contains(&instruction) && !map.memory_functions.iter().any(harmless)
    })
}
