//! HOT. The first stage: which instruction is asked for next.
//!
//! | port | | signal | |
//! |---|---|---|---|
//! | `resolved` | in | [`Resolution`] | where the program went, from execute |
//! | `request` | out | [`FetchRequest`] | to the instruction cache |
//!
//! One request per edge. A prediction costs no time: the address behind a branch, call or
//! return that the predictor knows is asked for at the next edge. A redirection is answered by a
//! request at the edge at which it is popped.
//!
//! The predictor is a direct-mapped table of branch targets with a two-bit counter per entry
//! (Smith, "A Study of Branch Prediction Strategies", 1981), entered when a branch is taken for the
//! first time, and a stack of return addresses. Calls and returns move the top of the stack when they
//! are predicted, and a second, committed top when they are resolved; a redirection takes the
//! speculative top back to the committed one. What was overwritten on a wrong path stays so and costs
//! a misprediction at worst.
//!
//! Knows nothing of instructions: what it remembers of them it was told by execute.

use super::image::Image;
use super::signals::{FetchRequest, Jump, Resolution};
use serde::Deserialize;
use tina_engine::{BuildError, Cycle, Effect, In, Memory, Module, Out, Probes, State, Wiring};

/// The most entries of the table of branch targets.
pub const BRANCH_TARGETS_MAX: u32 = 1 << 16;

/// The most entries of the stack of return addresses.
pub const RETURN_ADDRESSES_MAX: u32 = 1 << 10;

/// Parameters of [`Fetch`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchParams {
    /// Entries of the table of branch targets: a power of two, at most [`BRANCH_TARGETS_MAX`].
    pub branch_targets: u32,
    /// Entries of the stack of return addresses: a power of two, at most
    /// [`RETURN_ADDRESSES_MAX`].
    pub return_addresses: u32,
}

impl Default for FetchParams {
    fn default() -> Self {
        Self {
            branch_targets: 256,
            return_addresses: 8,
        }
    }
}

/// The first stage of the core.
pub struct Fetch {
    resolved: In<Resolution>,
    request: Out<FetchRequest>,
    predictor: Predictor,
    /// What is asked for next.
    address: u32,
    epoch: bool,
}

impl Module for Fetch {
    const KIND: &'static str = "riscv.fetch";
    const SUMMARY: &'static str =
        "first stage of a core: branch prediction; in resolved, out request";
    const COST_NS: f64 = 5.0;
    type Params = FetchParams;

    fn build(params: FetchParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        let image = wiring
            .resource::<Image>()
            .ok_or_else(|| BuildError::new("a core needs a program: none was given"))?;
        let branch_targets = checked("branch_targets", params.branch_targets, BRANCH_TARGETS_MAX)?;
        let return_addresses = checked(
            "return_addresses",
            params.return_addresses,
            RETURN_ADDRESSES_MAX,
        )?;
        Ok(Self {
            resolved: wiring.input("resolved")?,
            request: wiring.output("request")?,
            predictor: Predictor {
                targets: wiring.memory(branch_targets)?,
                returns: wiring.memory(return_addresses)?,
                top: 0,
                committed_top: 0,
            },
            address: image.entry(),
            epoch: false,
        })
    }

    #[inline(always)]
    fn clock(&mut self, _now: Cycle) -> Effect {
        if let Some(resolution) = self.resolved.try_pop() {
            self.predictor.learn(&resolution);
            if resolution.redirect {
                self.predictor.top = self.predictor.committed_top;
                self.address = resolution.target;
                self.epoch = !self.epoch;
            }
        }
        if let Some(room) = self.request.room() {
            let address = self.address;
            let predicted = self.predictor.next(address);
            room.push(FetchRequest {
                address,
                predicted,
                epoch: self.epoch,
            });
            self.address = predicted;
        }
        Effect::Receive
    }

    fn state(&mut self, state: &mut State<'_>) {
        let Predictor {
            targets,
            returns,
            top,
            committed_top,
        } = &mut self.predictor;
        state
            .memory(targets)
            .memory(returns)
            .value(top)
            .value(committed_top);
        state.value(&mut self.address).value(&mut self.epoch);
    }

    fn probe(&self, probes: &mut Probes<'_>) {
        probes.number("pc", 32, u64::from(self.address));
        probes.flag("epoch", self.epoch);
    }
}

fn checked(name: &'static str, value: u32, max: u32) -> Result<usize, BuildError> {
    if value.is_power_of_two() && value <= max {
        Ok(value as usize)
    } else {
        Err(BuildError::param(
            name,
            format!("{value}, but it must be a power of two up to {max}"),
        ))
    }
}

/// Address of a jump (a multiple of 4) with its kind in the two low bits, and its target with the
/// counter in the two low bits. An empty entry stands for a branch at address 0 never seen taken.
type Target = [u32; 2];

/// Counter values from here on predict that a branch is taken.
const TAKEN: u32 = 2;

struct Predictor {
    targets: Memory<Target>,
    returns: Memory<u32>,
    /// Number of return addresses on the stack as fetch sees it, modulo 2^32.
    top: u32,
    /// The same as execute has seen it.
    committed_top: u32,
}

impl Predictor {
    #[inline(always)]
    fn target(&mut self, address: u32) -> &mut Target {
        let mask = self.targets.len() - 1;
        &mut self.targets[(address >> 2) as usize & mask]
    }

    /// The slot of the return address below `top`.
    #[inline(always)]
    fn return_address(&mut self, top: u32) -> &mut u32 {
        let mask = self.returns.len() - 1;
        &mut self.returns[top.wrapping_sub(1) as usize & mask]
    }

    /// Where fetch goes behind the instruction at `address`.
    #[inline(always)]
    fn next(&mut self, address: u32) -> u32 {
        let behind = address.wrapping_add(4);
        let [key, value] = *self.target(address);
        if key & !3 != address {
            return behind;
        }
        let target = value & !3;
        match key & 3 {
            KEY_CONDITIONAL => {
                if value & 3 >= TAKEN {
                    target
                } else {
                    behind
                }
            }
            KEY_ALWAYS => target,
            KEY_CALL => {
                self.top = self.top.wrapping_add(1);
                *self.return_address(self.top) = behind;
                target
            }
            _ => {
                let returned = *self.return_address(self.top);
                self.top = self.top.wrapping_sub(1);
                returned
            }
        }
    }

    #[inline(always)]
    fn learn(&mut self, resolution: &Resolution) {
        let &Resolution {
            address,
            target,
            jump,
            taken,
            ..
        } = resolution;
        debug_assert!(
            address & 3 == 0 && target & 3 == 0,
            "the low bits are used otherwise"
        );
        match jump {
            Jump::Conditional => self.count(address, target, taken),
            Jump::Always => *self.target(address) = [address | KEY_ALWAYS, target],
            Jump::Call => {
                *self.target(address) = [address | KEY_CALL, target];
                self.committed_top = self.committed_top.wrapping_add(1);
                if resolution.redirect {
                    *self.return_address(self.committed_top) = address.wrapping_add(4);
                }
            }
            Jump::Return => {
                *self.target(address) = [address | KEY_RETURN, 0];
                self.committed_top = self.committed_top.wrapping_sub(1);
            }
            Jump::Not => {}
        }
    }

    /// Moves the counter of a branch; enters it at its first time taken.
    #[inline(always)]
    fn count(&mut self, address: u32, target: u32, taken: bool) {
        let entry = self.target(address);
        if entry[0] == address | KEY_CONDITIONAL {
            let count = entry[1] & 3;
            if taken {
                entry[1] = target | (count + 1).min(3);
            } else {
                entry[1] = entry[1] & !3 | count.saturating_sub(1);
            }
        } else if taken {
            *entry = [address | KEY_CONDITIONAL, target | TAKEN];
        }
    }
}

const KEY_CONDITIONAL: u32 = Jump::Conditional as u32;
const KEY_ALWAYS: u32 = Jump::Always as u32;
const KEY_CALL: u32 = Jump::Call as u32;
const KEY_RETURN: u32 = Jump::Return as u32;
const _: () = assert!(
    KEY_CONDITIONAL == 0 && KEY_RETURN == 3,
    "kinds fit two bits, empty is 0"
);
