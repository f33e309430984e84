//! Streams over TCP.

use super::*;

#[test]
fn an_echo_gives_back_what_it_got() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let bytes = pattern(100_000);
        let mut echoed = Vec::new();
        for chunk in bytes.chunks(10_000) {
            rig.send(ANN, ann, chunk);
            let mut left = chunk.len();
            while left > 0 {
                // Bytes go back out of the buffer they came in.
                let outcome = rig.run(BOB, Operation::Receive { socket: bob });
                let Ok(Outcome::Received(from)) = outcome else {
                    panic!("{outcome:?}");
                };
                left -= from.length as usize;
                let sent = rig.run(BOB, Operation::Send { socket: bob, from });
                assert_eq!(sent, Ok(Outcome::Moved(u64::from(from.length))));
                rig.io.release(BOB, from.buffer).unwrap();
            }
            echoed.extend(rig.receive(ANN, ann, chunk.len()));
        }
        assert_eq!(echoed, bytes);
        rig.close(ANN, ann);
        assert_eq!(
            rig.run(BOB, Operation::Receive { socket: bob }),
            Ok(Outcome::End)
        );
    });
}

#[test]
fn a_send_goes_on_until_all_is_sent() {
    on_each(|rig| {
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
        let (sending, _) = rig.submit(ANN, Operation::Send { socket: ann, from });
        let received = rig.receive(BOB, bob, bytes.len());
        assert_eq!(received, bytes);
        assert_eq!(rig.result(sending), Ok(Outcome::Moved(bytes.len() as u64)));
    });
}

#[test]
fn the_two_directions_are_apart() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let (receiving, _) = rig.submit(ANN, Operation::Receive { socket: ann });
        rig.turn();
        let second = rig.try_submit(ANN, Operation::Receive { socket: ann }, None);
        assert_eq!(second, Err(Refusal::Busy));
        rig.send(ANN, ann, b"there");
        assert_eq!(rig.receive(BOB, bob, 5), b"there");
        rig.send(BOB, bob, b"back");
        let outcome = rig.result(receiving);
        assert_eq!(rig.take(ANN, outcome), b"back");
    });
}

#[test]
fn half_of_a_connection_is_closed() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        rig.send(ANN, ann, b"last words");
        rig.io.shut(ANN, ann, Half::Write).unwrap();
        assert_eq!(rig.receive(BOB, bob, 100), b"last words");
        assert_eq!(
            rig.run(BOB, Operation::Receive { socket: bob }),
            Ok(Outcome::End)
        );
        rig.send(BOB, bob, b"answer");
        rig.close(BOB, bob);
        assert_eq!(rig.receive(ANN, ann, 100), b"answer");
        let from = rig.io.take_filled(ANN, b"too late").unwrap();
        let sent = rig.run(ANN, Operation::Send { socket: ann, from });
        assert_eq!(sent, Err(Errno::EPIPE));
    });
}

#[test]
fn a_reset_is_told() {
    on_each(|rig| {
        let (ann, bob) = rig.pair();
        let (receiving, _) = rig.submit(BOB, Operation::Receive { socket: bob });
        rig.turn();
        rig.io
            .set_option(ANN, ann, SocketOption::ResetOnClose(true))
            .unwrap();
        rig.close(ANN, ann);
        assert_eq!(rig.result(receiving), Err(Errno::ECONNRESET));
    });
}

#[test]
fn a_refused_connection_leaves_nothing_behind() {
    on_each(|rig| {
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        rig.close(BOB, listener);
        for _ in 0..3 {
            let outcome = rig.run(ANN, Operation::Connect { to });
            assert_eq!(outcome, Err(Errno::ECONNREFUSED));
            assert_eq!(rig.io.counters().open_descriptors, 0);
        }
    });
}

#[test]
fn one_accept_takes_two_hundred_connections() {
    on_each(|rig| {
        let listener = rig
            .io
            .listen(BOB, LOCALHOST, &ListenOptions::default())
            .unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        let (accepting, accept) = rig.submit(BOB, Operation::Accept { listener });
        let connecting: Vec<u64> = (0..200)
            .map(|_| rig.submit(ANN, Operation::Connect { to }).0)
            .collect();
        let ann: Vec<Descriptor> = connecting.iter().map(|&token| rig.opened(token)).collect();
        let mut ends = (Vec::new(), Vec::new());
        for &ann in &ann {
            let completion = rig.completion(accepting);
            assert!(completion.more);
            let Ok(Outcome::Opened(bob)) = completion.result else {
                panic!("{completion:?}");
            };
            ends.0.push(rig.io.local_address(ANN, ann).unwrap());
            ends.1.push(rig.io.peer_address(BOB, bob).unwrap());
        }
        if let Side::Simulated(_) = rig.side {
            // They overtake each other on their way.
            ends.0.sort_unstable();
            ends.1.sort_unstable();
        }
        // Accepted in the order in which they were made.
        assert_eq!(ends.0, ends.1);
        assert_eq!(rig.io.counters().open_descriptors, 401);
        assert!(rig.io.cancel(accept));
        assert_eq!(rig.result(accepting), Err(Errno::ECANCELED));
        assert!(!rig.io.cancel(accept));
    });
}

#[test]
fn shards_share_a_port() {
    on_each(|rig| {
        let options = ListenOptions {
            reuse_port: true,
            ..ListenOptions::default()
        };
        let mut other = Rig::new(&rig.side, &small_plan());
        let listener = rig.io.listen(BOB, LOCALHOST, &options).unwrap();
        let to = rig.io.local_address(BOB, listener).unwrap();
        let second = other.io.listen(BOB, to, &options).unwrap();
        let taken = rig.io.listen(BOB, to, &ListenOptions::default());
        assert_eq!(taken, Err(Refusal::System(Errno::EADDRINUSE)));
        for _ in 0..64 {
            let (token, _) = rig.submit(ANN, Operation::Connect { to });
            rig.opened(token);
        }
        // The kernel has spread them; that all of 64 went to one side does not happen.
        let (first, _) = rig.submit(BOB, Operation::Accept { listener });
        let (accepting, _) = other.submit(BOB, Operation::Accept { listener: second });
        rig.opened(first);
        other.opened(accepting);
        other.assert_nothing_is_left();
    });
}

#[test]
fn options_are_set_on_sockets_only() {
    on_each(|rig| {
        let (ann, _) = rig.pair();
        for option in [
            SocketOption::NoDelay(true),
            SocketOption::KeepAlive(true),
            SocketOption::SendBuffer(8192),
            SocketOption::ReceiveBuffer(8192),
        ] {
            rig.io.set_option(ANN, ann, option).unwrap();
        }
        let scratch = Scratch::new("options");
        let how = OpenHow {
            write: true,
            create: true,
            ..OpenHow::default()
        };
        let file = rig.open(&scratch.file("plain"), how).unwrap();
        let refused = rig.io.set_option(ANN, file, SocketOption::KeepAlive(true));
        assert_eq!(refused, Err(Refusal::System(Errno::ENOTSOCK)));
        assert_eq!(rig.io.shut(ANN, file, Half::Both), Err(Refusal::WrongKind));
        let receive = rig.try_submit(ANN, Operation::Receive { socket: file }, None);
        assert_eq!(receive, Err(Refusal::WrongKind));
        let foreign = rig.try_submit(BOB, Operation::Receive { socket: ann }, None);
        assert_eq!(foreign, Err(Refusal::Foreign));
    });
}
