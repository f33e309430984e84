//! A machine and the outside world: lines of modules, or a script of what once came along them.

use super::{LOOK, Machine};
use crate::crew::{Command, post};
use crate::input::{Input, InputMark, Script};
use crate::line::MachineEnd;
use crate::meeting::{Order, Post, Stop};
use crate::report::Observer;
use crate::shard::Shard;
use crate::time::Tick;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

/// Why no line can be attached to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// It takes no bytes from outside.
    NoInlet,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInlet => f.write_str("it takes no bytes from outside"),
        }
    }
}

impl std::error::Error for AttachError {}

impl Machine {
    /// What a module gets from outside and prints goes along a line from here on. A machine in which nothing
    /// can happen any more waits for what may come along it: neither its time goes on then, nor is that a
    /// deadlock.
    ///
    /// # Errors
    /// When the instance has no inlet.
    ///
    /// # Panics
    /// When a thread of the machine ended that nobody ended.
    pub fn attach(&mut self, instance: u32, line: MachineEnd) -> Result<(), AttachError> {
        let at_home = self.ask(move |shard| shard.has_inlet(instance));
        let Some(shard) = at_home.iter().position(|&is_here| is_here) else {
            return Err(AttachError::NoInlet);
        };
        self.bells.push(line.bell());
        let thread = (0..self.hands.len()).find(|&thread| self.hosted(thread).contains(&shard));
        let thread = thread.expect("every shard has a thread");
        let place = shard - self.hosted(thread).start;
        let (sender, receiver) = mpsc::channel();
        let attach = move |shards: &mut [Shard]| {
            shards[place].attach(instance, line);
            sender.send(()).expect("the asker waits");
        };
        self.hands[thread]
            .commands
            .send(Command::Ask(Box::new(attach)))
            .expect("threads live as long as the machine");
        receiver.recv().expect("a question is answered");
        Ok(())
    }

    /// From where the machine stands, these bytes enter: cycle, instance, bytes, in the order of cycles. The
    /// run is interrupted at cycle `end`, if there is one.
    ///
    /// # Panics
    /// When the machine follows a script already.
    pub fn follow(
        &mut self,
        inputs: impl IntoIterator<Item = (u64, u32, Box<[u8]>)>,
        end: Option<u64>,
    ) {
        let cycle_ticks = self.cycle_ticks();
        let tick = |cycle: u64| cycle.saturating_mul(cycle_ticks);
        let inputs = inputs.into_iter().map(|(cycle, instance, bytes)| Input {
            tick: tick(cycle),
            instance,
            bytes,
        });
        let script = Arc::new(Script {
            inputs: inputs.collect(),
            end: end.map(tick),
        });
        let is_first = self.meeting.script.set(script.clone()).is_ok();
        assert!(is_first, "a machine follows one script");
        let now = self.now;
        self.ask_mut(move |shard| shard.follow_script(script.clone(), now));
    }

    /// How much has entered from outside since cycle 0.
    #[must_use]
    pub fn input(&self) -> InputMark {
        self.input
    }

    /// Cycle and instance at which the script it follows did not fit, and the run was interrupted.
    #[must_use]
    pub fn misfit(&self) -> Option<(u64, u32)> {
        let (tick, instance) = self.meeting.first_misfit()?;
        Some((tick / self.cycle_ticks(), instance))
    }

    /// Waits while nothing can happen before something comes from outside. The answer is why the run is over
    /// where it stands, or that it pauses; nothing where it goes on.
    pub(super) fn await_input(
        &mut self,
        order: &Order,
        observer: &mut dyn Observer,
    ) -> Option<Stop> {
        loop {
            let posts = self.ask_mut(post);
            let all = posts.into_iter().fold(Post::NOTHING, Post::and);
            if !all.quiescent || all.prospect.offered {
                return None;
            }
            let stop = order.decide(self.now, &all, false, self.meeting.script_end());
            if stop != Some(Stop::Starved) {
                return stop;
            }
            while !self.rung() {
                std::thread::park_timeout(LOOK);
                observer.progress(self.meeting.progress.load(Ordering::Relaxed));
                if observer.interrupted() {
                    return Some(Stop::Interrupted);
                }
                if observer.looks() {
                    return Some(Stop::Paused);
                }
            }
        }
    }

    fn rung(&self) -> bool {
        // Each of them: what rang before is looked at all the same.
        let rung = self.bells.iter().filter(|bell| bell.take());
        rung.count() > 0
    }

    /// Passes on what entered before `until`.
    pub(super) fn tell_input(&mut self, until: Tick, observer: &mut dyn Observer) {
        let cycle_ticks = self.cycle_ticks();
        // Stable: bytes of one instance and instant keep their order.
        self.untold.sort_by_key(|byte| (byte.tick, byte.instance));
        let count = self.untold.partition_point(|byte| byte.tick < until);
        let told = &self.untold[..count];
        for entry in told.chunk_by(|a, b| (a.tick, a.instance) == (b.tick, b.instance)) {
            let (cycle, instance) = (entry[0].tick / cycle_ticks, entry[0].instance);
            let bytes: Vec<u8> = entry.iter().map(|entered| entered.byte).collect();
            self.input = bytes
                .iter()
                .fold(self.input, |mark, &byte| mark.after(cycle, instance, byte));
            observer.input(cycle, instance, &bytes);
        }
        self.untold.drain(..count);
    }
}
