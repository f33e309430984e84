//! An isolate that keeps numbers in a file: what it said is kept is there after a loss of power.

use super::super::*;
use crate::io::{
    Descriptor, DiskFaults, Errno, IoChoice, IoPlan, OpenHow, Operation, Outcome, Part, Ratio,
    Refusal, World,
};
use crate::runtime::{
    Child, Context, Effect, Event, Isolate, KindLimits, ReplyTo, Specification, Strategy,
    SupervisorSpec,
};
use std::time::Duration;

const PATH: &str = "numbers";
const NAME: &str = "keeper";
/// Bytes of a record: a number, and the same again with all bits turned over.
const RECORD: u64 = 16;

/// Keep this number, and say so when it is kept.
struct Keep(u64, ReplyTo<()>);

enum Doing {
    Opening,
    Measuring,
    Nothing,
    Writing,
    Syncing,
}

struct Keeper {
    doing: Doing,
    file: Option<Descriptor>,
    part: Part,
    at: u64,
    asked: Option<ReplyTo<()>>,
}

impl Keeper {
    fn write(&mut self, number: u64, context: &mut Context<'_, Self>) -> Result<(), Refusal> {
        let mut io = context.io();
        let bytes = io.bytes_mut(self.part.buffer)?;
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes[8..16].copy_from_slice(&(!number).to_le_bytes());
        let (file, at) = (self.file.expect("open"), self.at);
        let from = Part::first(self.part.buffer, RECORD as u32);
        self.doing = Doing::Writing;
        io.submit(Operation::Write { file, from, at }).map(|_| ())
    }

    fn go_on(
        &mut self,
        result: Result<Outcome, Errno>,
        context: &mut Context<'_, Self>,
    ) -> Result<Effect, Refusal> {
        let next = match (&self.doing, result) {
            (Doing::Opening, Ok(Outcome::Opened(file))) => {
                self.file = Some(file);
                self.doing = Doing::Measuring;
                Operation::Size { file }
            }
            (Doing::Measuring, Ok(Outcome::Size(bytes))) => {
                // Behind whole records; a torn one is written over.
                self.at = bytes / RECORD * RECORD;
                self.doing = Doing::Nothing;
                return Ok(Effect::Receive);
            }
            (Doing::Writing, Ok(Outcome::Moved(RECORD))) => {
                self.doing = Doing::Syncing;
                let file = self.file.expect("open");
                Operation::Sync {
                    file,
                    data_only: true,
                }
            }
            (Doing::Syncing, Ok(Outcome::Done)) => {
                self.at += RECORD;
                self.doing = Doing::Nothing;
                let asked = self.asked.take().expect("it keeps because it was asked to");
                context.reply(asked, ());
                return Ok(Effect::Receive);
            }
            _ => return Ok(Effect::Crash("the disk failed")),
        };
        context.io().submit(next)?;
        Ok(Effect::Io)
    }
}

impl Isolate for Keeper {
    const KIND: &'static str = "keeper";
    type Message = Keep;
    type Init = ();

    fn start((): (), context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let mut io = context.io();
        let path = io.take_filled(PATH.as_bytes()).map_err(|_| "no buffer")?;
        let how = OpenHow {
            read: true,
            write: true,
            create: true,
            ..OpenHow::default()
        };
        io.submit(Operation::Open { path, how })
            .map_err(|_| "refused")?;
        Ok(Self {
            doing: Doing::Opening,
            file: None,
            part: path,
            at: 0,
            asked: None,
        })
    }

    fn handle(&mut self, event: Event<Keep>, context: &mut Context<'_, Self>) -> Effect {
        let effect = match event {
            Event::Message(Keep(number, reply_to)) if matches!(self.doing, Doing::Nothing) => {
                self.asked = Some(reply_to);
                self.write(number, context).map(|()| Effect::Io)
            }
            // Not ready: whoever asked is told by the right being dropped.
            Event::Message(Keep(..)) => Ok(Effect::Receive),
            Event::Io(event) => self.go_on(event.result, context),
            Event::Stopping => Ok(Effect::Done),
            _ => Ok(Effect::Receive),
        };
        effect.unwrap_or(Effect::Crash("an operation was refused"))
    }
}

fn specification() -> Specification {
    let tree = SupervisorSpec::new("tree", Strategy::OneForOne)
        .budget(1_000_000, Duration::from_secs(1))
        .backoff(Duration::from_micros(100), Duration::from_millis(1))
        .child(Child::new::<Keeper>(()).named(NAME));
    let limits = KindLimits {
        operations: 1,
        ..KindLimits::slots(1)
    };
    let plan = IoPlan {
        owner_places: 4,
        operation_slots: 8,
        descriptor_slots: 4,
        receive_buffers: 1,
        receive_bytes: 64,
        transfer_buffers: 4,
        transfer_bytes: 512,
        helper_threads: 1,
    };
    Specification::new(1)
        .kind::<Keeper>(limits)
        .io(IoChoice::Auto, plan)
        .tree(tree)
}

fn whole_records(world: &World) -> Vec<u64> {
    let bytes = world.read_file(PATH).unwrap_or_default();
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let records = bytes.chunks_exact(RECORD as usize);
    let whole = records.filter(|record| word(&record[..8]) == !word(&record[8..]));
    whole.map(|record| word(&record[..8])).collect()
}

/// Keeps numbers, and loses power now and then: what was kept is in the file.
fn keep(trial: &mut Trial) -> Result<(), Box<dyn std::error::Error>> {
    trial.boot(specification())?;
    let mut random = trial.random(0);
    let mut kept = Vec::new();
    for number in 1..60 {
        if let Some(keeper) = trial.find::<Keep>(NAME)
            && let Ok(asked) = trial.ask(keeper, |reply_to| Keep(number, reply_to))
        {
            let mut answer = None;
            while answer.is_none() && trial.step()? {
                answer = trial.answer(&asked);
            }
            if let Some(Ok(())) = answer {
                kept.push(number);
            }
        }
        trial.run_for(Duration::from_micros(random.below(1000)))?;
        if random.chance(1, 10) {
            trial.lose_power(specification())?;
            let there = whole_records(trial.world());
            if let Some(lost) = kept.iter().find(|number| !there.contains(number)) {
                return Err(format!("{lost} was kept and is lost").into());
            }
        }
    }
    if kept.is_empty() {
        return Err("nothing was ever kept".into());
    }
    Ok(())
}

fn plan(disk: DiskFaults) -> Plan {
    let mut faults = Faults {
        crash: Ratio::one_in(300),
        ..Faults::interleaving()
    };
    faults.world.disk = DiskFaults {
        slow: Ratio::one_in(20),
        error: Ratio::one_in(30),
        partial: Ratio::one_in(20),
        ..disk
    };
    Plan::new("kept").seeds(0..60).faults(faults)
}

#[test]
fn what_was_said_to_be_kept_survives_a_loss_of_power() {
    let exercised = check(&plan(DiskFaults::default()), keep);
    assert!(exercised.world.disk_error_count > 0 && exercised.world.partial_count > 0);
}

#[test]
fn an_fsync_that_does_nothing_is_found() {
    let disk = DiskFaults {
        lost_sync: Ratio::one_in(10),
        ..DiskFaults::default()
    };
    let plan = plan(disk).swarm(false);
    let failed = std::panic::catch_unwind(|| check(&plan, keep));
    let text = crate::panics::message_of(failed.unwrap_err().as_ref());
    assert!(text.contains("was kept and is lost"), "{text}");
    assert!(text.contains("lost_sync:\"1/10\""), "{text}");
}
