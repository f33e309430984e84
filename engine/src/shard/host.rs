//! A shard's dealings with the outside world: what enters its inlets where an epoch starts, what its
//! consoles printed where one ends.

use super::{Shard, expect_all};
use crate::inlet::InletRef;
use crate::input::{Input, Script};
use crate::line::MachineEnd;
use crate::time::Tick;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a shard waits before it tries again to print to a host that has no room.
const FULL_PAUSE: Duration = Duration::from_millis(1);

/// What a shard knows of the outside world.
#[derive(Default)]
pub(super) struct Outside {
    /// The module's number, and its inlet.
    pub(super) inlets: Vec<(u32, InletRef)>,
    /// Lines of modules here.
    lines: BTreeMap<u32, MachineEnd>,
    /// What enters instead, and how much of it has.
    script: Option<(Arc<Script>, usize)>,
}

/// What the outside world may still do to a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prospect {
    /// Something waits to enter, and there is room for it.
    pub(crate) offered: bool,
    /// Something may come, and there is room for it.
    pub(crate) open: bool,
}

impl Shard {
    /// Whether anything can enter here.
    pub(crate) fn has_outside(&self) -> bool {
        self.outside.script.is_some() || !self.outside.lines.is_empty()
    }

    /// Whether a module lives here that can be attached to a line.
    pub(crate) fn has_inlet(&self, instance: u32) -> bool {
        let mut inlets = self.outside.inlets.iter();
        inlets.any(|(number, _)| *number == instance)
    }

    /// From here on, what this module gets and prints goes along a line.
    pub(crate) fn attach(&mut self, instance: u32, line: MachineEnd) {
        self.outside.lines.insert(instance, line);
    }

    /// From here on, what a script holds from `now` on enters.
    pub(crate) fn follow_script(&mut self, script: Arc<Script>, now: Tick) {
        let next = script.inputs.partition_point(|input| input.tick < now);
        self.outside.script = Some((script, next));
    }

    /// Takes in what enters at the start of the epoch at `now`, and says what did: instance and byte. The
    /// answer is the first instance that had no room for what the script gives it.
    pub(crate) fn take_input(&mut self, now: Tick, mut told: impl FnMut(u32, u8)) -> Option<u32> {
        let (head, outside) = (self.head, &mut self.outside);
        let mut entered = false;
        let mut misfit = None;
        let mut enter = |inlet: &InletRef, instance: u32, byte: u8| {
            inlet.push(byte);
            head.wake(inlet.own);
            entered = true;
            told(instance, byte);
        };
        for (&instance, line) in &mut outside.lines {
            let inlet = of(&outside.inlets, instance).expect("attached where an inlet is");
            let mut taken = false;
            while inlet.room() > 0
                && let Some(byte) = line.receive()
            {
                enter(inlet, instance, byte);
                taken = true;
            }
            if taken {
                line.moved();
            }
        }
        if let Some((script, next)) = &mut outside.script {
            let due = script.inputs[*next..].iter();
            for input in due.take_while(|input| input.tick <= now) {
                *next += 1;
                let Some(inlet) = of(&outside.inlets, input.instance) else {
                    continue;
                };
                if inlet.room() < input.bytes.len() {
                    misfit.get_or_insert(input.instance);
                    continue;
                }
                let Input {
                    instance, bytes, ..
                } = input;
                bytes.iter().for_each(|&byte| enter(inlet, *instance, byte));
            }
        }
        if entered {
            self.digest_stale = true;
            expect_all(&mut self.domains);
        }
        misfit
    }

    /// What may enter at `end` or later.
    pub(crate) fn prospect(&self) -> Prospect {
        let outside = &self.outside;
        let mut prospect = Prospect::default();
        for (&instance, line) in &outside.lines {
            let inlet = of(&outside.inlets, instance).expect("attached where an inlet is");
            let open = line.is_open() && inlet.room() > 0;
            prospect.open |= open;
            prospect.offered |= open && line.has_input();
        }
        if let Some((script, next)) = &outside.script {
            // What was recorded had room when it came.
            prospect.offered |= *next < script.inputs.len();
        }
        prospect
    }

    /// Hands over what consoles printed since the last call: (tick, instance, byte) in the order of each
    /// console. What has a line goes along it, and waits for room there unless `give_up` says not to: then the
    /// first byte without room and all behind it are lost.
    pub(crate) fn drain_consoles(
        &mut self,
        give_up: impl Fn() -> bool,
        mut print: impl FnMut(Tick, u32, u8),
    ) {
        for (instance, console) in &self.consoles {
            let count = console.count.replace(0) as usize;
            let entries = &console.entries[..count];
            let Some(line) = self.outside.lines.get_mut(instance) else {
                entries
                    .iter()
                    .for_each(|entry| print(entry.get() >> 8, *instance, entry.get() as u8));
                continue;
            };
            'printing: for entry in entries {
                while !line.print(entry.get() as u8) {
                    if give_up() {
                        break 'printing;
                    }
                    line.moved();
                    std::thread::park_timeout(FULL_PAUSE);
                }
            }
            if count > 0 {
                line.moved();
            }
        }
    }
}

fn of(inlets: &[(u32, InletRef)], instance: u32) -> Option<&InletRef> {
    let found = inlets.iter().find(|(number, _)| *number == instance);
    found.map(|(_, inlet)| inlet)
}
