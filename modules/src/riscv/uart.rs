//! The registers of the UART: those of a 16550 that a program without interrupts uses.
//!
//! ```text
//!   offset   load                              store
//!   0        RBR: the byte that came first     THR: send a byte         DLL while LCR bit 7 is set
//!   1        IER                               IER, bits 0 to 3         DLM while LCR bit 7 is set
//!   2        IIR: what would interrupt         FCR: bit 0 FIFOs on, bit 1 empties the receive FIFO
//!   3, 4, 7  LCR, MCR, SCR                     the same; nothing but LCR bit 7 has an effect
//!   5        LSR: bit 0 DR, bit 5 THRE, bit 6 TEMT
//!   6        MSR: CTS, DSR and DCD are always on
//! ```
//! An access of any width reaches the register at its address and no other, as in QEMU. A load of RBR
//! takes the byte; with none there it gives 0. There is no line rate: a byte is gone as soon as it is
//! stored. There is no interrupt line, so programs look at LSR. Overrun, parity and framing errors cannot
//! happen; loopback is not modelled. (TI PC16550D, section 8.)

use serde::{Deserialize, Serialize};

/// Receiver buffer and transmitter holding register.
pub const DATA: u32 = 0;
/// Interrupt enable register.
pub const INTERRUPT_ENABLE: u32 = 1;
/// Interrupt identification and FIFO control register.
pub const FIFO_CONTROL: u32 = 2;
/// Line control register.
pub const LINE_CONTROL: u32 = 3;
/// Modem control register.
pub const MODEM_CONTROL: u32 = 4;
/// Line status register.
pub const LINE_STATUS: u32 = 5;
/// Modem status register.
pub const MODEM_STATUS: u32 = 6;
/// Scratch register.
pub const SCRATCH: u32 = 7;

/// LSR: a byte has come.
pub const DATA_READY: u8 = 1;
/// LSR: a byte can be stored, and all before it are gone.
pub const TRANSMITTER_EMPTY: u8 = 0x60;

/// LCR: offsets 0 and 1 are those of the divisor.
const DIVISOR_LATCH: u8 = 0x80;
/// MSR: clear to send, data set ready, carrier.
const PEER_THERE: u8 = 0xb0;
/// IIR: both FIFOs are on.
const FIFOS_ON: u8 = 0xc0;

/// What a program has stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uart {
    interrupt_enable: u8,
    fifos_on: bool,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    divisor: [u8; 2],
}

/// What the other side of the UART looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The byte that came first.
    pub received: Option<u8>,
    /// Whether a byte can be sent.
    pub can_send: bool,
}

/// What is to be done after an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    Nothing,
    /// The byte that came first is taken.
    Taken,
    /// This byte is sent.
    Sent(u8),
    /// All that came is dropped.
    Emptied,
}

impl Uart {
    /// Whether a store to this register sends a byte, for which there must be room.
    #[must_use]
    pub fn sends(&self, offset: u32) -> bool {
        offset == DATA && !self.latches_divisor()
    }

    fn latches_divisor(&self) -> bool {
        self.line_control & DIVISOR_LATCH != 0
    }

    /// A load of the register at this offset.
    #[must_use]
    pub fn load(&self, offset: u32, status: Status) -> (u8, Consequence) {
        let value = match offset {
            DATA | INTERRUPT_ENABLE if self.latches_divisor() => self.divisor[offset as usize],
            DATA => {
                return match status.received {
                    Some(byte) => (byte, Consequence::Taken),
                    None => (0, Consequence::Nothing),
                };
            }
            INTERRUPT_ENABLE => self.interrupt_enable,
            FIFO_CONTROL => self.identification(status),
            LINE_CONTROL => self.line_control,
            MODEM_CONTROL => self.modem_control,
            LINE_STATUS => {
                let ready = u8::from(status.received.is_some()) * DATA_READY;
                let empty = u8::from(status.can_send) * TRANSMITTER_EMPTY;
                ready | empty
            }
            MODEM_STATUS => PEER_THERE,
            SCRATCH => self.scratch,
            _ => 0,
        };
        (value, Consequence::Nothing)
    }

    /// What would interrupt, if there were a line: received data before an empty transmitter.
    fn identification(&self, status: Status) -> u8 {
        let cause = if self.interrupt_enable & 1 != 0 && status.received.is_some() {
            4
        } else if self.interrupt_enable & 2 != 0 && status.can_send {
            2
        } else {
            1
        };
        cause | if self.fifos_on { FIFOS_ON } else { 0 }
    }

    /// A store to the register at this offset.
    pub fn store(&mut self, offset: u32, byte: u8) -> Consequence {
        match offset {
            DATA | INTERRUPT_ENABLE if self.latches_divisor() => {
                self.divisor[offset as usize] = byte;
            }
            DATA => return Consequence::Sent(byte),
            INTERRUPT_ENABLE => self.interrupt_enable = byte & 0x0f,
            FIFO_CONTROL => {
                self.fifos_on = byte & 1 != 0;
                if byte & 3 == 3 {
                    return Consequence::Emptied;
                }
            }
            LINE_CONTROL => self.line_control = byte,
            MODEM_CONTROL => self.modem_control = byte & 0x1f,
            SCRATCH => self.scratch = byte,
            // Line and modem status are read only.
            _ => {}
        }
        Consequence::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Status = Status {
        received: None,
        can_send: true,
    };
    const LOUD: Status = Status {
        received: Some(b'x'),
        can_send: false,
    };

    #[test]
    fn a_driver_finds_what_it_looks_for() {
        let mut uart = Uart::default();
        // Divisor 1, eight bits, FIFOs on and emptied: what every driver does first.
        assert_eq!(uart.store(LINE_CONTROL, 0x83), Consequence::Nothing);
        assert!(!uart.sends(DATA));
        uart.store(DATA, 1);
        uart.store(INTERRUPT_ENABLE, 0);
        assert_eq!(uart.load(DATA, LOUD), (1, Consequence::Nothing));
        uart.store(LINE_CONTROL, 0x03);
        assert_eq!(uart.store(FIFO_CONTROL, 0x07), Consequence::Emptied);
        assert_eq!(uart.load(FIFO_CONTROL, QUIET).0, 0xc1);

        assert_eq!(uart.load(LINE_STATUS, QUIET).0, 0x60);
        assert_eq!(uart.load(LINE_STATUS, LOUD).0, 0x01);
        assert_eq!(uart.load(DATA, LOUD), (b'x', Consequence::Taken));
        assert_eq!(uart.load(DATA, QUIET), (0, Consequence::Nothing));
        assert!(uart.sends(DATA));
        assert_eq!(uart.store(DATA, b'y'), Consequence::Sent(b'y'));
    }

    #[test]
    fn what_would_interrupt_can_be_asked() {
        let mut uart = Uart::default();
        assert_eq!(uart.load(FIFO_CONTROL, LOUD).0, 0x01);
        uart.store(INTERRUPT_ENABLE, 0xff);
        assert_eq!(uart.load(INTERRUPT_ENABLE, QUIET).0, 0x0f);
        assert_eq!(uart.load(FIFO_CONTROL, LOUD).0, 0x04);
        assert_eq!(uart.load(FIFO_CONTROL, QUIET).0, 0x02);
        uart.store(SCRATCH, 0x5a);
        uart.store(LINE_STATUS, 0xff);
        assert_eq!(uart.load(SCRATCH, QUIET).0, 0x5a);
        assert_eq!(uart.load(MODEM_STATUS, QUIET).0, 0xb0);
    }
}
