//! Accesses to memory: what an instruction asks of the data cache, and whether it may.
//!
//! The check is a pure function of the address, so the execute stage makes it before anything
//! leaves the core: whatever load/store gets will be performed, and traps are precise. Knows no
//! module.

use super::instruction::{Amo, Load, Store};
use super::platform::{self, Device, Region};
use serde::{Deserialize, Serialize};

/// What a memory instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// A load into a register.
    Load(Load),
    /// A store.
    Store(Store),
    /// LR.W.
    LoadReserved,
    /// SC.W.
    StoreConditional,
    /// An atomic read-modify-write.
    Amo(Amo),
    /// Nothing but a place in the order: answered when all before it have been performed.
    Fence,
}

/// Why an access cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// The address is no multiple of the width.
    Misaligned,
    /// Nothing is there, or a device that knows no such access.
    Fault,
}

impl Access {
    /// Bytes that are read or written, which is also the alignment asked for; 1 for a fence.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Load(load) => load.bytes(),
            Self::Store(store) => store.bytes(),
            Self::LoadReserved | Self::StoreConditional | Self::Amo(_) => 4,
            Self::Fence => 1,
        }
    }

    /// Whether a refused access is reported as a store's: loads and LR read, all else writes
    /// (Privileged Architecture, table 3.6).
    #[inline]
    #[must_use]
    pub const fn is_load(self) -> bool {
        matches!(self, Self::Load(_) | Self::LoadReserved)
    }

    /// Whether the access may be made at this address, and then whether a device is there.
    ///
    /// # Errors
    /// Misalignment goes before absence, as the reference does it.
    #[inline]
    pub const fn check(self, address: u32, ram_bytes: u32) -> Result<bool, AccessError> {
        if address & (self.bytes() - 1) != 0 {
            return Err(AccessError::Misaligned);
        }
        match (platform::region(address, ram_bytes), self) {
            (Region::Ram(_), _) => Ok(false),
            (Region::Device(_), Self::Load(_)) => Ok(true),
            (Region::Device(Device::Uart(_)), Self::Store(_)) => Ok(true),
            _ => Err(AccessError::Fault),
        }
    }

    /// A number of its own for every access, below 256: what enters digests.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Load(load) => load as u8,
            Self::Store(store) => 0x10 | store as u8,
            Self::Amo(amo) => 0x20 | amo as u8,
            Self::LoadReserved => 0x30,
            Self::StoreConditional => 0x31,
            Self::Fence => 0x32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::riscv::platform::{HART_COUNT, RAM_BASE, UART_BASE};

    const LOADS: [Load; 5] = [
        Load::Byte,
        Load::Half,
        Load::Word,
        Load::ByteUnsigned,
        Load::HalfUnsigned,
    ];

    #[test]
    fn every_offset_is_aligned_or_refused() {
        let allowed = |access: Access| {
            (0..4)
                .filter(|&offset| access.check(RAM_BASE + offset, 16).is_ok())
                .count()
        };
        assert_eq!(
            LOADS.map(|load| allowed(Access::Load(load))),
            [4, 2, 1, 4, 2]
        );
        assert_eq!(allowed(Access::Store(Store::Byte)), 4);
        assert_eq!(allowed(Access::Store(Store::Half)), 2);
        assert_eq!(allowed(Access::Store(Store::Word)), 1);
        assert_eq!(allowed(Access::LoadReserved), 1);
        assert_eq!(allowed(Access::Amo(Amo::Add)), 1);
    }

    #[test]
    fn devices_take_loads_and_stores_only_and_holes_nothing() {
        let check = |access: Access, address| access.check(address, 16);
        assert_eq!(check(Access::Store(Store::Byte), UART_BASE), Ok(true));
        assert_eq!(check(Access::Load(Load::Word), UART_BASE), Ok(true));
        assert_eq!(check(Access::Load(Load::Word), HART_COUNT), Ok(true));
        assert_eq!(
            check(Access::Store(Store::Word), HART_COUNT),
            Err(AccessError::Fault)
        );
        assert_eq!(
            check(Access::LoadReserved, UART_BASE),
            Err(AccessError::Fault)
        );
        assert_eq!(
            check(Access::Amo(Amo::Swap), UART_BASE),
            Err(AccessError::Fault)
        );
        assert_eq!(check(Access::Load(Load::Word), RAM_BASE + 12), Ok(false));
        assert_eq!(
            check(Access::Load(Load::Word), RAM_BASE + 16),
            Err(AccessError::Fault)
        );
        assert_eq!(
            check(Access::Load(Load::Word), 2),
            Err(AccessError::Misaligned)
        );
    }
}
