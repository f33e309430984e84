//! A hardware fault of an isolate ends the process with a report that names it. Each case is a process of its
//! own: this test program, told by a variable what to do.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;
use tina_engine::runtime::{
    Child, Context, Effect, Event, Isolate, KindLimits, Runtime, Specification, Strategy,
    SupervisorSpec,
};
use tina_engine::{Drill, FaultSignal};

const CASE: &str = "TINA_FAULT_CASE";
const LONG: Duration = Duration::from_secs(60);

/// When it faults.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Starting,
    Handling,
    Dropped,
}

struct Faulty(Drill, When);

impl Isolate for Faulty {
    const KIND: &'static str = "faulty";
    type Message = ();
    type Init = (Drill, When);

    fn start((drill, when): Self::Init, _: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        if when == When::Starting {
            drill.provoke();
        }
        Ok(Self(drill, when))
    }

    fn handle(&mut self, _: Event<()>, _: &mut Context<'_, Self>) -> Effect {
        if self.1 == When::Handling {
            self.0.provoke();
        }
        Effect::Done
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if self.1 == When::Dropped {
            self.0.provoke();
        }
    }
}

const WHENS: [When; 3] = [When::Starting, When::Handling, When::Dropped];

/// What the other process does; not a test of its own.
#[test]
fn end_in_a_fault() {
    let Ok(case) = std::env::var(CASE) else {
        return;
    };
    let (drill, when) = case.split_once(' ').unwrap();
    let number = |text: &str| text.parse::<usize>().unwrap();
    let init = (Drill::ALL[number(drill)], WHENS[number(when)]);
    let child = Child::new::<Faulty>(init).named("faulty");
    let tree = SupervisorSpec::new("tree", Strategy::OneForOne).child(child);
    let specification = Specification::new(2)
        .kind::<Faulty>(KindLimits::slots(1))
        .tree_on(1, tree);
    let mut runtime = Runtime::boot(specification).unwrap();
    if let Some(faulty) = runtime.find("faulty") {
        runtime.send(faulty, ()).unwrap();
    }
    // Long enough for the process to end.
    runtime.shutdown(LONG);
    println!("still here");
}

#[test]
fn a_hardware_fault_ends_the_process_and_names_the_isolate() {
    for (number, drill) in Drill::ALL.into_iter().enumerate() {
        for when in 0..WHENS.len() {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "faults::end_in_a_fault", "--nocapture"])
                .env(CASE, format!("{number} {when}"))
                .output()
                .unwrap();
            let (signal, text) = match drill {
                Drill::Signal(FaultSignal::Segment) => (11, "SIGSEGV at address 0x10"),
                Drill::Signal(FaultSignal::Bus) => (7, "SIGBUS at address 0x"),
                Drill::Signal(FaultSignal::Arithmetic) => (8, "SIGFPE in the instruction"),
                Drill::Signal(FaultSignal::Illegal) => (4, "SIGILL in the instruction"),
                Drill::Signal(FaultSignal::Breakpoint) => (5, "SIGTRAP in the instruction"),
                Drill::StackOverflow => (11, "stack overflow (SIGSEGV"),
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.signal(), Some(signal), "{said}");
            assert!(said.contains("hardware fault of isolate faulty "), "{said}");
            assert!(said.contains(text), "{said}");
            assert!(said.contains("the process ends"), "{said}");
            let shown = String::from_utf8_lossy(&output.stdout);
            assert!(!shown.contains("still here"));
        }
    }
}
