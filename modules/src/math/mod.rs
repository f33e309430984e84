//! Arithmetic on streams, modulo 2⁶⁴.

pub mod lcg;
