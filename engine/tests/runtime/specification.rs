//! A specification that is wrong: everything at once, with what it would take.

use crate::puppet::{Diary, LONG, Puppet, Stubborn, child, stage};
use tina_engine::runtime::{
    KindLimits, Level, LinkLimits, Runtime, RuntimeBootError, Specification, Strategy,
    SupervisorSpec,
};

fn errors(specification: Specification) -> Vec<String> {
    match Runtime::boot(specification) {
        Err(RuntimeBootError::Specification(errors)) => {
            errors.errors.iter().map(ToString::to_string).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was booted"),
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let diary = Diary::new();
    let tree = SupervisorSpec::new("twins", Strategy::OneForOne)
        .child(child("ann", &diary))
        .child(child("ann", &diary));
    let limits = KindLimits {
        slots: 1,
        mailbox_slots: 0,
        mail_reserve: 9,
        ..KindLimits::default()
    };
    let specification = Specification::new(3)
        .kind::<Puppet>(limits)
        .kind::<Puppet>(KindLimits::slots(1))
        .links(LinkLimits {
            messages: 0,
            replies: 1,
        })
        .tree_on(0, tree.clone())
        .tree_on(3, tree);
    assert_eq!(
        errors(specification),
        [
            "kind puppet: mailbox_slots is 0; it may be 1 to 16777216",
            "kind puppet: mail_max is 0; it may be 1 to 1",
            "kind puppet: mail_reserve is 9; it may be 1 to 1",
            "links: messages is 0; it may be 1 to 1048576",
            "kind puppet is there twice",
            "tree twins stands on shard 3, and there are 3 shards",
            "the name ann is given twice; `{shard}` in a name stands for the shard's number",
            "shard 0 has 2 children of kind puppet and 1 slots for them",
            "shard 0 has 2 children of kind puppet and 1 slots for them",
        ]
    );
}

#[test]
fn payloads_have_limits_and_are_part_of_what_it_takes() {
    let plain = stage(2).bytes();
    assert!(stage(2).payloads(1000, 50).bytes() >= plain + 2 * 50_000);
    let specification = stage(1).payloads(0, 1).payloads(1, 1 << 40);
    assert_eq!(
        errors(specification),
        [
            "payloads: bytes is 0; it may be 1 to 1073741824",
            "payloads: count is 1099511627776; it may be 1 to 1048576",
        ]
    );
}

#[test]
fn shards_and_kinds_have_limits() {
    assert_eq!(
        errors(Specification::new(0)),
        [
            "shards is 0; it may be 1 to 255",
            "kinds is 0; it may be 1 to 254"
        ]
    );
    let diary = Diary::new();
    let tree = SupervisorSpec::new("lone", Strategy::OneForOne).child(child("ann", &diary));
    let specification = Specification::new(1)
        .tree(tree)
        .kind::<Stubborn>(KindLimits::default());
    assert_eq!(
        errors(specification),
        ["supervisor lone has a child of kind puppet, which was not added"]
    );
}

#[test]
fn numbers_beyond_all_bounds_are_refused_and_overflow_nothing() {
    let diary = Diary::new();
    let tree = SupervisorSpec::new("root", Strategy::OneForOne)
        .budget(u32::MAX, LONG)
        .child(child("ann", &diary));
    let limits = KindLimits {
        mailbox_slots: u32::MAX,
        ..KindLimits::slots(usize::MAX)
    };
    let specification = Specification::new(usize::MAX)
        .kind::<Puppet>(limits)
        .door(usize::MAX)
        .log(Level::Info, usize::MAX)
        .tree_on(0, tree);
    let errors = errors(specification);
    let (memory, others) = errors.split_last().unwrap();
    assert_eq!(
        others,
        [
            "shards is 18446744073709551615; it may be 1 to 255",
            "kind puppet: slots is 18446744073709551615; it may be 1 to 1048576",
            "kind puppet: mailbox_slots is 4294967295; it may be 1 to 16777216",
            "door: slots is 18446744073709551615; it may be 0 to 16777216",
            "log: slots is 18446744073709551615; it may be 0 to 16777216",
            "supervisor root: restarts is 4294967295; it may be 0 to 1048576",
            "two supervisors of a shard are named root; the one at the top is named root",
            "17592186044416 envelopes in a shard; at most 2^32 - 2 can be numbered",
        ]
    );
    assert!(
        memory.contains("more than nine tenths of the host's"),
        "{memory}"
    );
}

#[test]
fn more_memory_than_the_host_has_is_refused_with_the_bytes_of_each_region() {
    let limits = KindLimits {
        mailbox_slots: 1 << 14,
        ..KindLimits::slots(1 << 18)
    };
    let specification = Specification::new(8).kind::<Puppet>(limits);
    let regions = specification.regions();
    let envelopes = regions
        .iter()
        .find(|region| region.name == "envelopes")
        .unwrap();
    assert_eq!(envelopes.count, 1 << 32);
    let Err(error) = Runtime::boot(specification) else {
        panic!("it was booted")
    };
    let text = error.to_string();
    assert!(
        text.contains("more than nine tenths of the host's"),
        "{text}"
    );
    assert!(text.contains("at most 2^32 - 2 can be numbered"), "{text}");
    let line = format!("{:>12} bytes  {:>9} envelopes", envelopes.bytes, 1u64 << 32);
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a_shard_takes_what_its_regions_say() {
    let regions = stage(2).regions();
    let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
    let expected = [
        "desks",
        "isolates puppet",
        "envelopes",
        "notices",
        "timing wheel nodes",
    ];
    assert_eq!(names, expected);
    let arena: usize = regions.iter().map(|region| region.bytes).sum();
    assert!(stage(1).bytes() > arena);
}
