//! What requests and replies carry, and what the digest sees of them.

use super::*;
use crate::riscv::instruction::{Amo, Load, amo};

/// Demands that all of these differ from each other in a digest.
fn all_differ<S: Signal>(signals: &[S]) {
    let digests: Vec<u64> = signals.iter().map(|signal| signal.absorb_into(1)).collect();
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest), "{:?}", signals[index]);
    }
    let width: u32 = S::FIELDS.iter().map(|field| field.bits).sum();
    assert_eq!(width, S::BITS, "{}", S::NAME);
}

#[test]
fn every_field_reaches_the_digest() {
    let request = FetchRequest {
        address: 4,
        predicted: 8,
        epoch: false,
    };
    all_differ(&[
        request,
        FetchRequest {
            address: 12,
            ..request
        },
        FetchRequest {
            predicted: 12,
            ..request
        },
        FetchRequest {
            epoch: true,
            ..request
        },
    ]);
    let reply = FetchReply {
        address: 4,
        predicted: 8,
        word: 0x13,
        epoch: false,
        fault: false,
    };
    all_differ(&[
        reply,
        FetchReply {
            address: 12,
            ..reply
        },
        FetchReply {
            predicted: 12,
            ..reply
        },
        FetchReply {
            word: 0x93,
            ..reply
        },
        FetchReply {
            epoch: true,
            ..reply
        },
        FetchReply {
            fault: true,
            ..reply
        },
    ]);
    let instruction = Instruction::NOP;
    let decoded = DecodedInstruction {
        address: 4,
        predicted: 8,
        instruction,
        epoch: false,
        fault: false,
    };
    all_differ(&[
        decoded,
        DecodedInstruction {
            address: 12,
            ..decoded
        },
        DecodedInstruction {
            predicted: 12,
            ..decoded
        },
        DecodedInstruction {
            instruction: Instruction::decode(0x93),
            ..decoded
        },
        DecodedInstruction {
            epoch: true,
            ..decoded
        },
        DecodedInstruction {
            fault: true,
            ..decoded
        },
    ]);
    let jump = Jump::Conditional;
    let resolution = Resolution {
        address: 4,
        target: 8,
        jump,
        taken: false,
        redirect: false,
    };
    all_differ(&[
        resolution,
        Resolution {
            address: 12,
            ..resolution
        },
        Resolution {
            target: 12,
            ..resolution
        },
        Resolution {
            jump: Jump::Not,
            ..resolution
        },
        Resolution {
            taken: true,
            ..resolution
        },
        Resolution {
            redirect: true,
            ..resolution
        },
    ]);
    let multiply = MultiplyRequest {
        a: 1,
        b: 2,
        operation: MulDiv::Mul,
        register: 3,
    };
    all_differ(&[
        multiply,
        MultiplyRequest { a: 4, ..multiply },
        MultiplyRequest { b: 4, ..multiply },
        MultiplyRequest {
            operation: MulDiv::Divide,
            ..multiply
        },
        MultiplyRequest {
            register: 4,
            ..multiply
        },
    ]);
    all_differ(&[
        RegisterWrite {
            value: 1,
            register: 2,
        },
        RegisterWrite {
            value: 2,
            register: 2,
        },
        RegisterWrite {
            value: 1,
            register: 1,
        },
    ]);
}

#[test]
fn every_field_of_an_access_reaches_the_digest() {
    let access = Access::Load(Load::Word);
    let memory = MemoryRequest {
        address: 4,
        data: 5,
        access,
        register: 6,
        device: false,
    };
    all_differ(&[
        memory,
        MemoryRequest {
            address: 8,
            ..memory
        },
        MemoryRequest { data: 8, ..memory },
        MemoryRequest {
            access: Access::LoadReserved,
            ..memory
        },
        MemoryRequest {
            register: 8,
            ..memory
        },
        MemoryRequest {
            device: true,
            ..memory
        },
    ]);
    let operation = DataOperation::Load;
    let data = DataRequest {
        address: 4,
        data: 5,
        tag: 6,
        mask: 15,
        operation,
        uncached: false,
    };
    all_differ(&[
        data,
        DataRequest { address: 8, ..data },
        DataRequest { data: 8, ..data },
        DataRequest { tag: 8, ..data },
        DataRequest { mask: 8, ..data },
        DataRequest {
            operation: DataOperation::Store,
            ..data
        },
        DataRequest {
            uncached: true,
            ..data
        },
    ]);
    all_differ(&[
        DataReply { data: 1, tag: 2 },
        DataReply { data: 2, tag: 2 },
        DataReply { data: 1, tag: 1 },
    ]);
}

#[test]
fn atomics_keep_their_names() {
    for operation in [
        Amo::Swap,
        Amo::Add,
        Amo::Xor,
        Amo::And,
        Amo::Or,
        Amo::Min,
        Amo::Max,
        Amo::MinUnsigned,
        Amo::MaxUnsigned,
    ] {
        let request = DataOperation::from(operation);
        assert_eq!(request.amo(), Some(operation));
        assert!(request.needs_ownership());
        assert_eq!(request.combine(7, 9), amo(operation, 7, 9));
    }
    assert_eq!(DataOperation::Store.combine(7, 9), 9);
    assert_eq!(DataOperation::Fence.amo(), None);
}
