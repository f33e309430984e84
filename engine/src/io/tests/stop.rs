//! What hastens the end of an operation: cancelling, time limits, closing, hand-over, death.

use super::*;

const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_cancelled_receive_takes_no_byte_and_no_buffer() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        for is_handed_over in [false, true] {
            let (token, ticket) = rig.submit(BOB, Operation::Receive { socket: bob });
            if is_handed_over {
                rig.turn();
            }
            assert!(rig.io.cancel(ticket));
            assert!(rig.io.cancel(ticket), "asking twice asks once");
            assert_eq!(rig.result(token), Err(Errno::ECANCELED));
            assert!(!rig.io.cancel(ticket));
            assert_eq!(rig.io.counters().held_buffers, 0);
        }
        rig.send(ANN, ann, b"kept");
        assert_eq!(rig.receive(BOB, bob, 4), b"kept");
    });
}

#[test]
fn a_time_limit_ends_what_waits() {
    on_each(|rig| {
        let (_, bob) = rig.pair();
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let receive = Operation::Receive { socket: bob };
        let (receiving, _) = rig.submit_for(BOB, receive, Some(SOON));
        let (accepting, _) = rig.submit_for(BOB, Operation::Accept { listener }, Some(2 * SOON));
        rig.turn();
        rig.clock = SOON;
        assert_eq!(rig.result(receiving), Err(Errno::ETIME));
        assert!(rig.told.is_empty());
        rig.clock = 2 * SOON;
        assert_eq!(rig.result(accepting), Err(Errno::ETIME));
        assert_eq!(rig.io.counters().expired_count, 2);
    });
}

#[test]
fn a_time_limit_wakes_the_sleeper() {
    on_each(|rig| {
        let (_, bob) = rig.pair();
        let receive = Operation::Receive { socket: bob };
        let (token, _) = rig.submit_for(BOB, receive, Some(Duration::from_millis(20)));
        let begin = platform::now();
        while rig.told.is_empty() {
            rig.io.wait(begin.elapsed(), None, || false);
            rig.clock = begin.elapsed();
            rig.turn();
        }
        assert_eq!(rig.result(token), Err(Errno::ETIME));
    });
}

/// The byte and the end of the time come in one turn, in either order: the operation ends once, and
/// if not with the byte, then the byte is there for the next.
#[test]
fn a_time_limit_swallows_nothing_that_was_received() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let (mut received, mut expired) = (Vec::new(), 0);
        for round in 0..400u32 {
            let byte = round as u8;
            let receive = Operation::Receive { socket: bob };
            let (receiving, _) = rig.submit_for(BOB, receive, Some(SOON));
            rig.turn();
            let from = rig.io.take_filled(ANN, &[byte]).unwrap();
            let (sending, _) = rig.submit(ANN, Operation::Send { socket: ann, from });
            match round % 4 {
                0 => {}
                1 => rig.io.turn(rig.clock),
                2 => rig.turn(),
                _ => rig.io.wait(rig.clock, Some(PATIENCE), || false),
            }
            rig.clock += SOON;
            rig.turn();
            assert_eq!(rig.result(sending), Ok(Outcome::Moved(1)));
            rig.io.release(ANN, from.buffer).unwrap();
            match rig.result(receiving) {
                Err(Errno::ETIME) => expired += 1,
                outcome => received.extend(rig.take(BOB, outcome)),
            }
            let missing = round as usize + 1 - received.len();
            if missing > 0 {
                received.extend(rig.receive(BOB, bob, missing));
            }
        }
        let sent: Vec<u8> = (0..400u32).map(|round| round as u8).collect();
        assert_eq!(received, sent);
        assert!(expired > 0, "the race was never lost");
        assert!(rig.io.counters().expired_count >= expired);
    });
}

#[test]
fn closing_ends_what_is_in_flight_first() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let (receiving, _) = rig.submit(BOB, Operation::Receive { socket: bob });
        rig.turn();
        let (closing, close) = rig.submit(BOB, Operation::Close { descriptor: bob });
        let stale = rig.try_submit(BOB, Operation::Receive { socket: bob }, None);
        assert_eq!(stale, Err(Refusal::Stale));
        assert!(
            rig.io.cancel(close),
            "in flight, though it cannot be stopped"
        );
        assert_eq!(rig.result(closing), Ok(Outcome::Done));
        let told = rig.told.pop().expect("the receive came first");
        assert_eq!(
            (told.token, told.result),
            (receiving, Err(Errno::ECANCELED))
        );
        assert_eq!(
            rig.run(ANN, Operation::Receive { socket: ann }),
            Ok(Outcome::End)
        );
    });
}

#[test]
fn a_handle_of_a_slot_that_is_used_again_is_stale() {
    on_each(|rig| {
        let first = rig.io.bind(ANN, LOCALHOST, false).unwrap();
        rig.close(ANN, first);
        let second = rig.io.bind(ANN, LOCALHOST, false).unwrap();
        assert_eq!(first.slot, second.slot);
        assert_eq!(rig.io.local_address(ANN, first), Err(Refusal::Stale));
        assert_eq!(rig.io.close(ANN, first), Err(Refusal::Stale));
        assert!(rig.io.local_address(ANN, second).is_ok());
    });
}

#[test]
fn a_socket_moves_to_another_shard_with_every_byte() {
    on_each(|rig| {
        let mut other = Rig::new(&rig.side, &small_plan());
        let (ann, bob) = rig.pair();
        let (receiving, _) = rig.submit(BOB, Operation::Receive { socket: bob });
        rig.turn();
        assert_eq!(rig.io.detach(BOB, bob).err(), Some(Refusal::Busy));
        let (settling, _) = rig.submit(BOB, Operation::Settle { descriptor: bob });
        let busy = rig.try_submit(BOB, Operation::Receive { socket: bob }, None);
        assert_eq!(busy, Err(Refusal::Busy));
        assert_eq!(rig.result(settling), Ok(Outcome::Done));
        assert_eq!(rig.result(receiving), Err(Errno::ECANCELED));
        rig.send(ANN, ann, b"between");
        let parcel = rig.io.detach(BOB, bob).unwrap();
        assert_eq!(rig.io.local_address(BOB, bob), Err(Refusal::Stale));
        let moved = other.io.attach(ANN, parcel).unwrap();
        assert_eq!(other.receive(ANN, moved, 7), b"between");
        other.send(ANN, moved, b"answer");
        assert_eq!(rig.receive(ANN, ann, 6), b"answer");
        // And within the shard.
        let given = other.io.give(ANN, moved, BOB).unwrap();
        assert_eq!(other.io.local_address(ANN, moved), Err(Refusal::Stale));
        rig.send(ANN, ann, b"again");
        assert_eq!(other.receive(BOB, given, 5), b"again");
        other.assert_nothing_is_left();
        assert_eq!(
            rig.run(ANN, Operation::Receive { socket: ann }),
            Ok(Outcome::End)
        );
    });
}

#[test]
fn settling_can_be_given_up() {
    let plan = IoPlan {
        transfer_buffers: 1,
        ..small_plan()
    };
    on_each_with(&plan, |rig| {
        let (_, bob) = rig.pair();
        let (receiving, _) = rig.submit(BOB, Operation::Receive { socket: bob });
        rig.turn();
        let (settling, settle) = rig.submit(BOB, Operation::Settle { descriptor: bob });
        assert!(rig.io.cancel(settle));
        assert_eq!(rig.result(settling), Err(Errno::ECANCELED));
        assert_eq!(rig.result(receiving), Err(Errno::ECANCELED));
        rig.submit(BOB, Operation::Receive { socket: bob });
    });
}

#[test]
fn the_dead_are_told_nothing_and_leave_nothing() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        rig.send(ANN, ann, b"unread");
        rig.submit(BOB, Operation::Accept { listener });
        rig.submit(BOB, Operation::Receive { socket: bob });
        rig.submit(BOB, Operation::Connect { to });
        let kept = rig.io.take_buffer(BOB).unwrap();
        rig.io.turn(rig.clock);
        rig.io.close_all_of(BOB);
        assert_eq!(rig.io.bytes(BOB, kept), Err(Refusal::Stale));
        let heir = Owner {
            handle: BOB.handle + (1 << 32),
            ..BOB
        };
        let own = rig.io.take_buffer(heir).unwrap();
        // Nobody reads what was sent, so its sender is told that the connection is no more.
        let outcome = rig.run(ANN, Operation::Receive { socket: ann });
        assert!(
            matches!(outcome, Ok(Outcome::End) | Err(Errno::ECONNRESET)),
            "{outcome:?}"
        );
        rig.close(ANN, ann);
        while rig.io.counters().operations_in_flight > 0 {
            rig.io.wait(rig.clock, Some(PATIENCE), || false);
            rig.turn();
        }
        assert!(rig.told.is_empty(), "{:?}", rig.told);
        let counters = rig.io.counters();
        assert_eq!((counters.open_descriptors, counters.held_buffers), (0, 1));
        rig.io.release(heir, own).unwrap();
    });
}

/// A buffer that the kernel may still read or write belongs to nobody until it cannot.
#[test]
fn a_buffer_in_flight_outlives_its_owner() {
    let plan = IoPlan {
        transfer_buffers: 1,
        ..small_plan()
    };
    on_each_with(&plan, |rig| {
        let options = ListenOptions {
            buffer_bytes: 4096,
            ..ListenOptions::default()
        };
        let (ann, bob) = rig.pair_with(&options);
        rig.io
            .set_option(ANN, ann, SocketOption::SendBuffer(4096))
            .unwrap();
        let bytes = pattern(64 << 10);
        let from = rig.io.take_filled(ANN, &bytes).unwrap();
        rig.submit(ANN, Operation::Send { socket: ann, from });
        rig.turn();
        assert_eq!(rig.io.bytes(ANN, from.buffer), Err(Refusal::Busy));
        rig.io.close_all_of(ANN);
        assert_eq!(rig.io.take_buffer(BOB), Err(Refusal::NoBuffer));
        let received = rig.receive(BOB, bob, bytes.len());
        assert!(received.len() < bytes.len() && bytes.starts_with(&received));
        while rig.io.counters().operations_in_flight > 0 {
            rig.io.wait(rig.clock, Some(PATIENCE), || false);
            rig.turn();
        }
        let buffer = rig.io.take_buffer(BOB).unwrap();
        rig.io.release(BOB, buffer).unwrap();
    });
}

#[test]
fn a_shard_is_dropped_with_everything_in_flight() {
    on_each(|rig| {
        let mut other = Rig::new(&rig.side, &small_plan());
        let (ann, bob) = other.pair();
        let listener = other
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = other.io.local_address(BOB, listener).unwrap();
        other.submit(BOB, Operation::Accept { listener });
        other.submit(BOB, Operation::Receive { socket: bob });
        other.submit(ANN, Operation::Receive { socket: ann });
        other.submit(ANN, Operation::Connect { to });
        other.turn();
        drop(other);
        let outcome = rig.run(ANN, Operation::Connect { to });
        assert_eq!(outcome, Err(Errno::ECONNREFUSED), "the listener is gone");
    });
}

/// As after a fault that condemned the shard: nothing of it is touched any more.
#[test]
fn what_remains_of_a_condemned_shard_is_closed() {
    on_each_of_the_system(|rig| {
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        let (accepting, _) = rig.submit(BOB, Operation::Accept { listener });
        let mut other = Rig::new(&rig.side, &small_plan());
        let (connecting, _) = other.submit(ANN, Operation::Connect { to });
        let lost = other.opened(connecting);
        let bob = rig.opened(accepting);
        let own = other
            .io
            .listen(ANN, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let address = other.io.local_address(ANN, own).unwrap();
        let closed = other.io.bind(ANN, LOCALHOST, false).unwrap();
        other.close(ANN, closed);
        other.submit(ANN, Operation::Receive { socket: lost });
        other.submit(ANN, Operation::Accept { listener: own });
        other.turn();
        let remains = other.io.remains();
        std::mem::forget(other);
        // SAFETY: it was forgotten, and its thread, which is this one, does not use it.
        let closed_count = unsafe { remains.bury() };
        assert_eq!(closed_count, 4, "two sockets, and two of the back end");
        let outcome = rig.run(BOB, Operation::Receive { socket: bob });
        assert_eq!(outcome, Ok(Outcome::End));
        let outcome = rig.run(ANN, Operation::Connect { to: address });
        assert_eq!(outcome, Err(Errno::ECONNREFUSED));
    });
}
