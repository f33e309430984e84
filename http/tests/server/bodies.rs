//! Bodies of every length come back as they were, in chunks or not.

use crate::rig::{CHOICES, Rig};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn bodies_come_back(
        bodies in proptest::collection::vec((proptest::collection::vec(b'a'..=b'z', 0..16_000), 1usize..4000, any::<bool>()), 1..6),
        cut in 1usize..5000,
    ) {
        for choice in CHOICES {
            let rig = Rig::new(choice);
            let (mut sent, mut expected) = (Vec::new(), String::new());
            for (body, chunk_bytes, in_chunks) in &bodies {
                sent.extend_from_slice(b"POST /echo HTTP/1.1\r\nHost: x\r\n");
                if *in_chunks {
                    sent.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(*chunk_bytes) {
                        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                        sent.extend_from_slice(chunk);
                        sent.extend_from_slice(b"\r\n");
                    }
                    sent.extend_from_slice(b"0\r\n\r\n");
                } else {
                    sent.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                    sent.extend_from_slice(body);
                }
                expected += &format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
                expected += std::str::from_utf8(body).unwrap();
            }
            // What is sent and what comes back fit into the system's buffers.
            prop_assert_eq!(rig.talk(sent.chunks(cut)), expected);
            rig.end();
        }
    }
}
