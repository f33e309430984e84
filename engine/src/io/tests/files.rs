//! Files, and files sent over streams.

use super::*;

const NEW: OpenHow = OpenHow {
    read: true,
    write: true,
    create: true,
    exclusive: false,
    truncate: true,
    at_once: false,
};

fn write(rig: &mut Rig, file: Descriptor, bytes: &[u8], mut at: u64) {
    for chunk in bytes.chunks(64 << 10) {
        let from = rig.io.take_filled(ANN, chunk).unwrap();
        let written = rig.run(ANN, Operation::Write { file, from, at });
        assert_eq!(written, Ok(Outcome::Moved(chunk.len() as u64)));
        rig.io.release(ANN, from.buffer).unwrap();
        at += chunk.len() as u64;
    }
}

#[test]
fn what_is_written_is_read_again() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("files-{:?}", rig.side));
        let path = scratch.file("data");
        let file = rig.open(&path, NEW).unwrap();
        let bytes = pattern(10_000);
        write(rig, file, &bytes, 0);
        write(rig, file, b"end", 20_000);
        for data_only in [true, false] {
            let synced = rig.run(ANN, Operation::Sync { file, data_only });
            assert_eq!(synced, Ok(Outcome::Done));
        }
        let size = rig.run(ANN, Operation::Size { file });
        assert_eq!(size, Ok(Outcome::Size(20_003)));
        let buffer = rig.io.take_buffer(ANN).unwrap();
        let into = Part {
            buffer,
            start: 100,
            length: 30_000,
        };
        // Short at the end of the file, none beyond it.
        for (at, count) in [
            (0, 20_003),
            (5000, 15_003),
            (20_000, 3),
            (20_003, 0),
            (1 << 40, 0),
        ] {
            let read = rig.run(ANN, Operation::Read { file, into, at });
            assert_eq!(read, Ok(Outcome::Moved(count)), "at {at}");
        }
        let read = rig.run(
            ANN,
            Operation::Read {
                file,
                into,
                at: 4000,
            },
        );
        assert_eq!(read, Ok(Outcome::Moved(16_003)));
        let got = &rig.io.bytes(ANN, buffer).unwrap()[100..100 + 16_003];
        assert_eq!(&got[..6000], &bytes[4000..]);
        assert!(got[6000..16_000].iter().all(|&byte| byte == 0));
        assert_eq!(&got[16_000..], b"end");
        let cut = rig.run(ANN, Operation::Truncate { file, length: 7 });
        assert_eq!(cut, Ok(Outcome::Done));
        rig.close(ANN, file);
        assert_eq!(std::fs::read(&path).unwrap(), &bytes[..7]);
        let stale = rig.try_submit(ANN, Operation::Size { file }, None);
        assert_eq!(stale, Err(Refusal::Stale));
    });
}

#[test]
fn errors_of_files_keep_their_names() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("errors-{:?}", rig.side));
        let read = OpenHow {
            read: true,
            ..OpenHow::default()
        };
        assert_eq!(rig.open(&scratch.file("none"), read), Err(Errno::ENOENT));
        assert_eq!(rig.open(&scratch.0, NEW), Err(Errno::EISDIR));
        assert_eq!(
            rig.open(&PathBuf::from("a".repeat(300)), read),
            Err(Errno::ENAMETOOLONG)
        );
        let made = rig.open(&scratch.file("made"), NEW).unwrap();
        let once = OpenHow {
            exclusive: true,
            ..NEW
        };
        assert_eq!(rig.open(&scratch.file("made"), once), Err(Errno::EEXIST));
        let readable = rig.open(&scratch.file("made"), read).unwrap();
        let from = rig.io.take_filled(ANN, b"no").unwrap();
        let written = rig.run(
            ANN,
            Operation::Write {
                file: readable,
                from,
                at: 0,
            },
        );
        assert_eq!(written, Err(Errno::EBADF));
        let beyond = Part {
            length: (64 << 10) + 1,
            ..from
        };
        let write = Operation::Write {
            file: made,
            from: beyond,
            at: 0,
        };
        assert_eq!(rig.try_submit(ANN, write, None), Err(Refusal::BeyondBuffer));
        for bad in [&b""[..], b"a\0b"] {
            let path = rig.io.take_filled(ANN, bad).unwrap();
            let open = Operation::Open { path, how: read };
            assert_eq!(rig.try_submit(ANN, open, None), Err(Refusal::BadPath));
        }
        assert_eq!(rig.io.counters().open_descriptors, 2);
    });
}

#[test]
fn many_operations_of_one_file_go_on_at_a_time() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("many-{:?}", rig.side));
        let file = rig.open(&scratch.file("data"), NEW).unwrap();
        let writes: Vec<(u64, Part)> = (0..16u64)
            .map(|number| {
                let from = rig.io.take_filled(ANN, &[number as u8; 1000]).unwrap();
                let at = number * 1000;
                (rig.submit(ANN, Operation::Write { file, from, at }).0, from)
            })
            .collect();
        for (token, from) in writes {
            assert_eq!(rig.result(token), Ok(Outcome::Moved(1000)));
            rig.io.release(ANN, from.buffer).unwrap();
        }
        let bytes = std::fs::read(scratch.file("data")).unwrap();
        assert!(
            bytes
                .iter()
                .enumerate()
                .all(|(at, &byte)| at / 1000 == usize::from(byte))
        );
        assert_eq!(bytes.len(), 16_000);
    });
}

#[test]
fn what_is_no_file_has_no_size_and_a_pipe_is_not_waited_for() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("pipe-{:?}", rig.side));
        let pipe = scratch.file("pipe");
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
        let how = OpenHow {
            read: true,
            at_once: true,
            ..OpenHow::default()
        };
        for (path, errno) in [(&pipe, Errno::ESPIPE), (&scratch.0, Errno::EISDIR)] {
            let file = rig.open(path, how).unwrap();
            assert_eq!(rig.run(ANN, Operation::Size { file }), Err(errno));
            rig.close(ANN, file);
        }
    });
}

#[test]
fn a_file_is_sent_whole_however_slow_the_peer() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("send-{:?}", rig.side));
        let bytes = pattern(3_000_000);
        std::fs::write(scratch.file("big"), &bytes).unwrap();
        let read = OpenHow {
            read: true,
            ..OpenHow::default()
        };
        let file = rig.open(&scratch.file("big"), read).unwrap();
        let (ann, bob) = rig.pair();
        let send = Operation::SendFile {
            socket: ann,
            file,
            at: 1000,
            length: 2_500_000,
        };
        let (sending, _) = rig.submit(ANN, send);
        // It has a descriptor of its own.
        rig.close(ANN, file);
        let received = rig.receive(BOB, bob, 2_500_000);
        assert!(received == bytes[1000..2_501_000]);
        assert_eq!(rig.result(sending), Ok(Outcome::Moved(2_500_000)));
        // Up to the end of the file.
        let file = rig.open(&scratch.file("big"), read).unwrap();
        let send = Operation::SendFile {
            socket: ann,
            file,
            at: 2_999_000,
            length: 5000,
        };
        assert_eq!(rig.run(ANN, send), Ok(Outcome::Moved(1000)));
        assert_eq!(rig.receive(BOB, bob, 1000), &bytes[2_999_000..]);
    });
}

#[test]
fn a_file_for_a_peer_that_takes_nothing_is_stopped_by_its_time_limit() {
    on_each_of_the_system(|rig| {
        let scratch = Scratch::new(&format!("slow-{:?}", rig.side));
        let bytes = pattern(8_000_000);
        std::fs::write(scratch.file("big"), &bytes).unwrap();
        let read = OpenHow {
            read: true,
            ..OpenHow::default()
        };
        let file = rig.open(&scratch.file("big"), read).unwrap();
        let options = ListenOptions {
            buffer_bytes: 32 << 10,
            ..ListenOptions::default()
        };
        let (ann, bob) = rig.pair_with(&options);
        let send = Operation::SendFile {
            socket: ann,
            file,
            at: 0,
            length: 8_000_000,
        };
        let (sending, _) = rig.submit_for(ANN, send, Some(Duration::from_secs(5)));
        // Until the stream takes no more: some turns in which nothing happens.
        while rig.io.counters().backend.wait_count < 50 {
            rig.io
                .wait(rig.clock, Some(Duration::from_millis(1)), || false);
            rig.turn();
        }
        // Nobody asks again and again whether it takes something by now.
        let before = rig.io.counters().woken_count;
        for _ in 0..10 {
            rig.io
                .wait(rig.clock, Some(Duration::from_millis(1)), || false);
            rig.turn();
        }
        assert_eq!(rig.io.counters().woken_count, before);
        rig.clock = Duration::from_secs(5);
        let outcome = rig.result(sending);
        let Ok(Outcome::Moved(count)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(count > 0 && count < 8_000_000);
        assert_eq!(rig.io.counters().expired_count, 1);
        // What was said to be sent has been, and not a byte more.
        rig.close(ANN, ann);
        let received = rig.receive(BOB, bob, 8_000_000);
        assert_eq!(received.len() as u64, count);
        assert!(received == bytes[..received.len()]);
    });
}
