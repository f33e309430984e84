//! What happens when something is full.

use super::*;

#[test]
fn a_full_table_of_operations_refuses_and_counts() {
    let plan = IoPlan {
        operation_slots: 3,
        ..small_plan()
    };
    on_each_with(&plan, |rig| {
        let sockets: Vec<Descriptor> = (0..4)
            .map(|_| rig.io.bind(ANN, LOCALHOST, false).unwrap())
            .collect();
        let mut tickets = Vec::new();
        for &socket in &sockets[..3] {
            tickets.push(rig.submit(ANN, Operation::ReceiveFrom { socket }));
        }
        let last = Operation::ReceiveFrom { socket: sockets[3] };
        assert_eq!(rig.try_submit(ANN, last, None), Err(Refusal::NoOperation));
        assert_eq!(rig.io.counters().refused_count, 1);
        rig.io.cancel(tickets[1].1);
        assert_eq!(rig.result(tickets[1].0), Err(Errno::ECANCELED));
        rig.submit(ANN, last);
        // Closing needs no room.
        rig.io.close(ANN, sockets[0]).unwrap();
        assert_eq!(rig.result(tickets[0].0), Err(Errno::ECANCELED));
    });
}

#[test]
fn more_operations_than_the_ring_has_entries_are_handed_over_in_batches() {
    on_each(|rig| {
        let sockets: Vec<Descriptor> = (0..200)
            .map(|_| rig.io.bind(ANN, LOCALHOST, false).unwrap())
            .collect();
        let started: Vec<(u64, Ticket)> = sockets
            .iter()
            .map(|&socket| rig.submit(ANN, Operation::ReceiveFrom { socket }))
            .collect();
        rig.turn();
        for (_, ticket) in &started {
            rig.io.cancel(*ticket);
        }
        for (token, _) in started {
            assert_eq!(rig.result(token), Err(Errno::ECANCELED));
        }
    });
}

#[test]
fn bytes_wait_for_a_free_buffer_and_are_not_lost() {
    let plan = IoPlan {
        receive_buffers: 2,
        ..small_plan()
    };
    on_each_with(&plan, |rig| {
        let pairs: Vec<(Descriptor, Descriptor)> = (0..4).map(|_| rig.pair()).collect();
        let receiving: Vec<u64> = pairs
            .iter()
            .map(|&(_, bob)| rig.submit(BOB, Operation::Receive { socket: bob }).0)
            .collect();
        rig.turn();
        for (number, &(ann, _)) in pairs.iter().enumerate() {
            rig.send(ANN, ann, &[number as u8]);
        }
        let mut held = Vec::new();
        for _ in 0..4 {
            while rig.told.is_empty() {
                rig.io.wait(rig.clock, Some(PATIENCE), || false);
                rig.turn();
            }
            let told = rig.told.remove(0);
            let number = receiving
                .iter()
                .position(|&token| token == told.token)
                .unwrap();
            held.push(number as u8);
            assert!(rig.io.counters().held_buffers <= 2);
            assert_eq!(rig.take(BOB, told.result), [number as u8]);
        }
        held.sort_unstable();
        assert_eq!(held, [0, 1, 2, 3]);
        assert!(rig.io.counters().starved_count > 0);
        // One that waits for a buffer can be cancelled, and its bytes stay.
        let hold: Vec<Part> = (0..2)
            .map(|number| {
                rig.send(ANN, pairs[number].0, b"x");
                let outcome = rig.run(
                    BOB,
                    Operation::Receive {
                        socket: pairs[number].1,
                    },
                );
                let Ok(Outcome::Received(part)) = outcome else {
                    panic!("{outcome:?}");
                };
                part
            })
            .collect();
        let before = rig.io.counters().starved_count;
        let (token, ticket) = rig.submit(BOB, Operation::Receive { socket: pairs[2].1 });
        rig.send(ANN, pairs[2].0, b"y");
        while rig.io.counters().starved_count == before {
            rig.turn();
        }
        rig.io.cancel(ticket);
        assert_eq!(rig.result(token), Err(Errno::ECANCELED));
        rig.io.release(BOB, hold[0].buffer).unwrap();
        assert_eq!(rig.receive(BOB, pairs[2].1, 1), b"y");
    });
}

#[test]
fn connections_beyond_the_table_are_turned_away_and_told() {
    let plan = IoPlan {
        descriptor_slots: 3,
        ..small_plan()
    };
    on_each_with(&plan, |rig| {
        let mut other = Rig::new(&rig.side, &small_plan());
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        let (accepting, _) = rig.submit(BOB, Operation::Accept { listener });
        let peers: Vec<Descriptor> = (0..3)
            .map(|_| {
                let (token, _) = other.submit(ANN, Operation::Connect { to });
                other.opened(token)
            })
            .collect();
        let first = rig.opened(accepting);
        rig.opened(accepting);
        let third = rig.completion(accepting);
        assert_eq!((third.result, third.more), (Err(Errno::ENFILE), true));
        assert_eq!(rig.io.counters().turned_away_count, 1);
        let outcome = other.run(ANN, Operation::Receive { socket: peers[2] });
        assert_eq!(outcome, Ok(Outcome::End));
        let full = rig.io.bind(BOB, LOCALHOST, false);
        assert_eq!(full, Err(Refusal::NoDescriptor));
        let connect = Operation::Connect { to };
        assert_eq!(
            rig.try_submit(ANN, connect, None),
            Err(Refusal::NoDescriptor)
        );
        // The accept goes on when there is room.
        rig.close(BOB, first);
        let (token, _) = other.submit(ANN, connect);
        other.opened(token);
        rig.opened(accepting);
        other.assert_nothing_is_left();
    });
}

/// The name of the test below, and what tells its child process that it is one.
const CHILD_TEST: &str = "io::tests::limits::a_process_without_descriptors_says_so_and_goes_on";
const CHILD: &str = "TINA_IO_TEST_CHILD";

#[test]
fn a_process_without_descriptors_says_so_and_goes_on() {
    if std::env::var_os(CHILD).is_some() {
        on_each_of_the_system(exhaust_descriptors);
        return;
    }
    // The limit is the whole process's, so it is set in one of its own.
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args([CHILD_TEST, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let is_run = text.contains("1 passed");
    assert!(
        output.status.success() && is_run,
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn exhaust_descriptors(rig: &mut Rig) {
    let listener = rig
        .io
        .listen(BOB, LOCALHOST, &ListenOptions::default())
        .unwrap();
    let to = rig.io.local_address(BOB, listener).unwrap();
    let path = PathBuf::from(".");
    let part = rig.path(&path);
    let before = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let spare = std::fs::File::open(".").unwrap();
    let limit = rustix::process::Rlimit {
        current: Some(std::os::fd::AsRawFd::as_raw_fd(&spare) as u64 + 1),
        ..before
    };
    // Descriptors are the lowest free ones, so that none is left below this one.
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let connect = Operation::Connect { to };
    let refused = Err(Refusal::System(Errno::EMFILE));
    assert_eq!(rig.try_submit(ANN, connect, None), refused);
    assert_eq!(
        rig.io.bind(ANN, LOCALHOST, false).map(drop),
        refused.map(drop)
    );
    let how = OpenHow {
        read: true,
        ..OpenHow::default()
    };
    assert_eq!(
        rig.run(ANN, Operation::Open { path: part, how }),
        Err(Errno::EMFILE)
    );
    // Room for the one end of a connection and not for the other. (io_uring goes by the limit there
    // was when the accept began.)
    let (accepting, _) = rig.submit(BOB, Operation::Accept { listener });
    rig.turn();
    drop(spare);
    let (connecting, _) = rig.submit(ANN, connect);
    rig.opened(connecting);
    assert_eq!(rig.result(accepting), Err(Errno::EMFILE));
    // When there is room again, all goes on.
    rustix::process::setrlimit(rustix::process::Resource::Nofile, before).unwrap();
    let (accepting, _) = rig.submit(BOB, Operation::Accept { listener });
    rig.opened(accepting);
}
