//! Sleep, and being woken by other threads: nobody sleeps through it, and nobody runs in circles.

use super::*;
use std::sync::atomic::AtomicU64;

/// Two shards that wake each other in turn, each asleep until it is its turn: a wake-up that was
/// lost would leave both asleep.
#[test]
fn no_wake_up_is_lost_in_a_hundred_thousand() {
    const ROUNDS: u64 = 50_000;
    for choice in choices() {
        let turn = AtomicU64::new(0);
        let mut rigs = [0, 1].map(|_| Rig::new(&Side::System(choice), &small_plan()));
        let wakers = [rigs[0].io.waker(), rigs[1].io.waker()];
        std::thread::scope(|scope| {
            for (number, rig) in rigs.iter_mut().enumerate() {
                let (turn, other) = (&turn, &wakers[1 - number]);
                scope.spawn(move || {
                    let mut due = number as u64;
                    let mut since = platform::now();
                    while due < 2 * ROUNDS {
                        rig.io.wait(Duration::ZERO, Some(PATIENCE), || {
                            turn.load(Ordering::Acquire) == due
                        });
                        rig.turn();
                        if turn.load(Ordering::Acquire) == due {
                            turn.store(due + 1, Ordering::Release);
                            other.wake();
                            due += 2;
                            since = platform::now();
                        }
                        assert!(since.elapsed() < PATIENCE, "a wake-up was lost");
                    }
                });
            }
        });
        for rig in &rigs {
            let counters = rig.io.counters();
            // One wait a round, or none if it was its turn already; and at most one for nothing
            // for each time somebody rang.
            let waits_max = ROUNDS + counters.woken_count + 2;
            assert!(counters.woken_count <= ROUNDS, "{counters:?}");
            assert!(counters.backend.wait_count <= waits_max, "{counters:?}");
        }
    }
}

#[test]
fn an_idle_shard_sleeps_in_one_call() {
    on_each_of_the_system(|rig| {
        let (_, bob) = rig.pair();
        rig.submit(BOB, Operation::Receive { socket: bob });
        rig.turn();
        rig.turn();
        let before = rig.io.counters().backend;
        rig.io
            .wait(rig.clock, Some(Duration::from_millis(30)), || false);
        let after = rig.io.counters().backend;
        assert_eq!(after.wait_count - before.wait_count, 1);
        assert_eq!(after.enter_count - before.enter_count, 1);
    });
}

#[test]
fn a_turn_with_nothing_to_do_makes_no_call() {
    on_each_of_the_system(|rig| {
        let before = rig.io.counters().backend.enter_count;
        for _ in 0..100 {
            rig.turn();
        }
        assert_eq!(rig.io.counters().backend.enter_count, before);
        let waker = rig.io.waker();
        for _ in 0..100 {
            waker.wake();
        }
        assert_eq!(waker.ring_count(), 0, "nobody sleeps");
    });
}

#[test]
fn a_batch_is_one_call() {
    // The ring of a test has 16 entries.
    let rig = &mut match choices()[0] {
        IoChoice::Portable => return,
        choice => Rig::new(&Side::System(choice), &small_plan()),
    };
    let sockets: Vec<Descriptor> = (0..15)
        .map(|_| rig.io.bind(ANN, LOCALHOST, false).unwrap())
        .collect();
    let before = rig.io.counters().backend.enter_count;
    for &socket in &sockets {
        rig.submit(ANN, Operation::ReceiveFrom { socket });
    }
    for _ in 0..10 {
        rig.turn();
    }
    assert_eq!(rig.io.counters().backend.enter_count - before, 1);
    rig.assert_nothing_is_left();
}

/// A file's end comes from a helper thread; the shard sleeps until then.
#[test]
fn helpers_wake_the_shard() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("helpers-{:?}", rig.side));
        let how = OpenHow {
            write: true,
            create: true,
            ..OpenHow::default()
        };
        let file = rig.open(&scratch.file("data"), how).unwrap();
        for length in 0..200 {
            let cut = rig.run(ANN, Operation::Truncate { file, length });
            assert_eq!(cut, Ok(Outcome::Done));
        }
    });
}
