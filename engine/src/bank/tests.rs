//! A bank against a queue with the same laws of time.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

/// What a FIFO of depth 2 must do: items become visible, and slots free, at the next edge.
#[derive(Default)]
struct Model {
    items: VecDeque<u64>,
    pushed: Option<Tick>,
    popped: Option<Tick>,
    pop_count: u64,
    digest: u64,
}

#[derive(Clone, Debug)]
struct Step {
    /// Edges that pass before this one.
    skipped: u64,
    /// Per FIFO: whether the producer and the consumer try, and whether the consumer comes first.
    tries: Vec<(bool, bool, bool)>,
}

fn steps(lane_count: usize) -> impl Strategy<Value = Vec<Step>> {
    let tries = prop::collection::vec(any::<(bool, bool, bool)>(), lane_count);
    let step = (0u64..3, tries).prop_map(|(skipped, tries)| Step { skipped, tries });
    prop::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn a_bank_keeps_the_laws_of_time(
        (lane_count, steps) in (1usize..130).prop_flat_map(|count| (Just(count), steps(count))),
    ) {
        let arena = Arena::map(Bank::bytes(lane_count)).unwrap();
        let bank = Bank::carve(&arena, lane_count);
        let mut models: Vec<Model> = (0..lane_count).map(|_| Model::default()).collect();
        let mut now = 0;
        let mut word = 7u64;
        for step in steps {
            now += step.skipped;
            bank.begin(now);
            for (lane, &(push, pop, pop_first)) in step.tries.iter().enumerate() {
                let fifo = Banked { bank, lane: lane as u32 };
                let model = &mut models[lane];
                let before = model.items.len();
                prop_assert_eq!(fifo.ready(), before > 0);
                prop_assert_eq!(fifo.has_room(), before < 2);
                for popping in [pop_first, !pop_first] {
                    if popping && pop && before > 0 {
                        prop_assert_eq!(fifo.pop(), model.items.pop_front().unwrap());
                        model.popped = Some(now);
                        model.pop_count += 1;
                    }
                    if !popping && push && before < 2 {
                        word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ now;
                        fifo.push(word, now);
                        model.items.push_back(word);
                        model.pushed = Some(now);
                        model.digest = digest_after(model.digest, word, now);
                    }
                }
                let store = Store::Banked(fifo);
                prop_assert_eq!(store.occupancy() as usize, model.items.len());
            }
            for (lane, model) in models.iter().enumerate() {
                let store = Store::Banked(Banked { bank, lane: lane as u32 });
                prop_assert_eq!(store.last_push(), model.pushed);
                prop_assert_eq!(store.last_pop(), model.popped);
                prop_assert_eq!(u64::from(store.head_index()), model.pop_count % 2);
                prop_assert_eq!(store.digest(), model.digest);
                if let (Some(&last), true) = (model.items.back(), model.pushed.is_some()) {
                    prop_assert_eq!(store.last_item(crate::fifo::show::<u64>), last.to_string());
                }
            }
            now += 1;
        }
    }
}
