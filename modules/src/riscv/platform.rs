//! The platform: what stands at which physical address, and how a guest ends a run.
//!
//! ```text
//!   0x1000_0000  UART               8 byte registers, see `uart`; a byte stored to the first is printed
//!   0x1000_0008  hart count         load: the number of harts of this machine
//!   0x8000_0000  RAM                size is a parameter of the machine
//! ```
//!
//! Everything else is a hole: a fetch, load, store or atomic there is an access fault, and so
//! is an atomic on a device. All harts start at the entry of the program with `a0` = hart
//! number, `a1` = 0 and every other register 0.
//!
//! The UART stands where QEMU's machine `virt` has it, with the same registers. The hart count cannot be
//! stored to. A misaligned access is a misaligned exception wherever it goes.
//! SC checks address and alignment before its reservation.
//!
//! A run ends when a hart stores a nonzero word (SW) to the symbol `tohost` (64-byte aligned, in
//! RAM): the HTIF convention of the RISC-V test programs, see [`exit_code`].

/// First address of RAM.
pub const RAM_BASE: u32 = 0x8000_0000;

/// RAM where the machine does not say otherwise, in bytes.
pub const RAM_BYTES_DEFAULT: u32 = 16 << 20;

/// First register of the UART: the low byte of a stored word, half or byte is printed.
pub const UART_BASE: u32 = 0x1000_0000;

/// Registers of the UART, a byte each.
pub const UART_BYTES: u32 = 8;

/// A load of this word gives the number of harts.
pub const HART_COUNT: u32 = 0x1000_0008;

/// Symbol whose address ends the run when a nonzero word is stored there.
pub const TOHOST_SYMBOL: &str = "tohost";

/// A device register that a guest can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The register of the UART at this offset.
    Uart(u32),
    /// The hart count.
    HartCount,
}

/// What stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// RAM, at this offset in bytes from [`RAM_BASE`].
    Ram(u32),
    /// The word of a device register.
    Device(Device),
    /// Nothing: every access is a fault.
    Hole,
}

impl Region {
    /// Whether instructions can be fetched from here and atomics (LR, SC, AMO) executed here.
    #[inline]
    #[must_use]
    pub const fn is_memory(self) -> bool {
        matches!(self, Self::Ram(_))
    }

    /// Whether a load finds something here.
    #[inline]
    #[must_use]
    pub const fn can_load(self) -> bool {
        matches!(
            self,
            Self::Ram(_) | Self::Device(Device::Uart(_) | Device::HartCount)
        )
    }

    /// Whether something here takes a store.
    #[inline]
    #[must_use]
    pub const fn can_store(self) -> bool {
        matches!(self, Self::Ram(_) | Self::Device(Device::Uart(_)))
    }
}

/// Finds what an access at `address` reaches. The caller has checked alignment, so an access
/// never straddles two regions.
#[inline]
#[must_use]
pub const fn region(address: u32, ram_bytes: u32) -> Region {
    let offset = address.wrapping_sub(RAM_BASE);
    if offset < ram_bytes {
        return Region::Ram(offset);
    }
    let register = address.wrapping_sub(UART_BASE);
    if register < UART_BYTES {
        return Region::Device(Device::Uart(register));
    }
    match address & !3 {
        HART_COUNT => Region::Device(Device::HartCount),
        _ => Region::Hole,
    }
}

/// The exit code of a word stored to `tohost`: `None` while the run goes on. Bit 0 set means
/// "exit with the bits above"; a nonzero even word is no request this platform knows, and
/// ends the run as a failure with that word, so that a stray store is not missed.
#[inline]
#[must_use]
pub const fn exit_code(stored: u32) -> Option<u32> {
    match (stored, stored & 1) {
        (0, _) => None,
        (word, 1) => Some(word >> 1),
        (word, _) => Some(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_reach_what_the_map_says() {
        let at = |address| region(address, 0x1000);
        assert_eq!(at(0x8000_0000), Region::Ram(0));
        assert_eq!(at(0x8000_0fff), Region::Ram(0xfff));
        assert_eq!(at(0x8000_1000), Region::Hole);
        assert_eq!(at(0x7fff_ffff), Region::Hole);
        assert_eq!(at(0x0fff_ffff), Region::Hole);
        assert_eq!(at(0x1000_0000), Region::Device(Device::Uart(0)));
        assert_eq!(at(0x1000_0007), Region::Device(Device::Uart(7)));
        assert_eq!(at(0x1000_0008), Region::Device(Device::HartCount));
        assert_eq!(at(0x1000_000c), Region::Hole);
        assert_eq!(at(0), Region::Hole);
    }

    #[test]
    fn tohost_words_are_exit_codes() {
        assert_eq!(exit_code(0), None);
        assert_eq!(exit_code(1), Some(0));
        assert_eq!(exit_code(0x55), Some(42));
        assert_eq!(exit_code(6), Some(6));
    }
}
