//! Datagrams, and sockets of the unix family.

use super::*;

#[test]
fn datagrams_keep_their_borders() {
    on_each(|rig| {
        let ann = rig.io.bind(ANN, LOCALHOST, false).unwrap();
        let bob = rig.io.bind(BOB, LOCALHOST, false).unwrap();
        let from = rig.io.local_address(ANN, ann).unwrap();
        let to = rig.io.local_address(BOB, bob).unwrap();
        let (receiving, _) = rig.submit(BOB, Operation::ReceiveFrom { socket: bob });
        rig.turn();
        let mut next = Some(receiving);
        for bytes in [pattern(3), Vec::new(), pattern(4096), pattern(5000)] {
            let part = rig.io.take_filled(ANN, &bytes).unwrap();
            let send = Operation::SendTo {
                socket: ann,
                from: part,
                to,
            };
            assert_eq!(rig.run(ANN, send), Ok(Outcome::Moved(bytes.len() as u64)));
            rig.io.release(ANN, part.buffer).unwrap();
            let token = next
                .take()
                .unwrap_or_else(|| rig.submit(BOB, Operation::ReceiveFrom { socket: bob }).0);
            let outcome = rig.result(token);
            let Ok(Outcome::Datagram {
                part,
                from: sender,
                truncated,
            }) = outcome
            else {
                panic!("{outcome:?}");
            };
            assert_eq!((sender, truncated), (from, bytes.len() > 4096));
            let Some(part) = part else {
                assert!(bytes.is_empty(), "only an empty one needs no buffer");
                continue;
            };
            let kept = bytes.len().min(4096);
            assert_eq!(rig.io.part(BOB, part).unwrap(), &bytes[..kept]);
            rig.io.release(BOB, part.buffer).unwrap();
        }
    });
}

#[test]
fn a_datagram_that_is_too_long_is_refused_by_name() {
    on_each(|rig| {
        let ann = rig.io.bind(ANN, LOCALHOST, false).unwrap();
        let to = rig.io.local_address(ANN, ann).unwrap();
        let from = rig.io.take_filled(ANN, &pattern(64 << 10)).unwrap();
        let send = Operation::SendTo {
            socket: ann,
            from,
            to,
        };
        assert_eq!(rig.run(ANN, send), Err(Errno::EMSGSIZE));
    });
}

#[test]
fn unix_sockets_are_streams_too() {
    on_each(|rig| {
        let scratch = Scratch::new(&format!("unix-{:?}", rig.side));
        let path = scratch.file("socket");
        let bytes = path.as_os_str().as_encoded_bytes();
        let options = ListenOptions::default();
        let listener = rig.io.listen_unix(BOB, bytes, &options).unwrap();
        let taken = rig.io.listen_unix(BOB, bytes, &options);
        assert_eq!(taken, Err(Refusal::System(Errno::EADDRINUSE)));
        let (accepting, _) = rig.submit(BOB, Operation::Accept { listener });
        let part = rig.path(&path);
        let (connecting, _) = rig.submit(ANN, Operation::ConnectUnix { path: part });
        let (ann, bob) = (rig.opened(connecting), rig.opened(accepting));
        rig.send(ANN, ann, &pattern(50_000));
        assert_eq!(rig.receive(BOB, bob, 50_000), pattern(50_000));
        let no_address = rig.io.peer_address(ANN, ann);
        assert_eq!(no_address, Err(Refusal::System(Errno::EAFNOSUPPORT)));
        let missing = rig.path(&scratch.file("nobody"));
        let outcome = rig.run(ANN, Operation::ConnectUnix { path: missing });
        assert_eq!(outcome, Err(Errno::ENOENT));
        let long = rig.io.take_filled(ANN, &[b'a'; 108]).unwrap();
        let refused = rig.try_submit(ANN, Operation::ConnectUnix { path: long }, None);
        assert_eq!(refused, Err(Refusal::BadPath));
    });
}
