//! Whatever owners do and whenever they die: every operation ends once, the dead are told nothing, and
//! nothing is left.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What three owners have, and what they wait for.
struct Owners<'a> {
    rig: &'a mut Rig,
    owners: [Owner; 3],
    listener: Option<(Owner, Descriptor)>,
    sockets: Vec<(Owner, Descriptor)>,
    parts: Vec<(Owner, Part)>,
    /// By token: whose, and its buffer.
    waiting: BTreeMap<u64, (Owner, Ticket, Option<Part>)>,
}

impl Owners<'_> {
    fn begin(&mut self, owner: Owner, operation: Operation, timeout: Option<Duration>) {
        if let Ok((token, ticket)) = self.rig.try_submit(owner, operation, timeout) {
            self.waiting
                .insert(token, (owner, ticket, operation.part()));
            self.parts
                .retain(|&(_, part)| Some(part) != operation.part());
        }
    }

    fn step(&mut self, step: u8, pick: usize) {
        let owner = self.owners[pick % 3];
        let timeout = pick.is_multiple_of(5).then_some(Duration::from_secs(1));
        let socket = (!self.sockets.is_empty()).then(|| self.sockets[pick % self.sockets.len()]);
        match (step, socket) {
            (0, _) => {
                if let Some((_, listener)) = self.listener
                    && let Ok(to) = self
                        .rig
                        .io
                        .local_address(self.listener.unwrap().0, listener)
                {
                    self.begin(owner, Operation::Connect { to }, timeout);
                }
            }
            (1, _) if self.listener.is_none() => {
                let options = ListenOptions::default();
                let listener = self.rig.io.listen(owner, LOCALHOST, &options).unwrap();
                self.listener = Some((owner, listener));
                self.begin(owner, Operation::Accept { listener }, timeout);
            }
            (2 | 3, Some((owner, socket))) => {
                self.begin(owner, Operation::Receive { socket }, timeout);
            }
            (4, Some((owner, socket))) => {
                if let Ok(from) = self.rig.io.take_filled(owner, &[1; 3000][..pick % 3000]) {
                    self.parts.push((owner, from));
                    self.begin(owner, Operation::Send { socket, from }, timeout);
                }
            }
            (5, _) if !self.waiting.is_empty() => {
                let (_, ticket, _) = self
                    .waiting
                    .values()
                    .nth(pick % self.waiting.len())
                    .unwrap();
                self.rig.io.cancel(*ticket);
            }
            (6, Some((owner, descriptor))) => {
                self.begin(owner, Operation::Settle { descriptor }, None);
            }
            (7, Some((owner, descriptor))) => {
                let closing = pick.is_multiple_of(2);
                if closing && self.rig.io.close(owner, descriptor).is_ok() {
                    self.sockets.retain(|&(_, other)| other != descriptor);
                }
            }
            (8, _) if !self.parts.is_empty() => {
                let (owner, part) = self.parts.swap_remove(pick % self.parts.len());
                self.rig.io.release(owner, part.buffer).unwrap();
            }
            (9, _) if pick.is_multiple_of(4) => self.die(pick % 3),
            (10, _) => self.rig.clock += Duration::from_millis(400),
            (11, Some((owner, descriptor))) => {
                let to = self.owners[(pick / 3) % 3];
                if let Ok(given) = self.rig.io.give(owner, descriptor, to) {
                    self.sockets.retain(|&(_, other)| other != descriptor);
                    self.sockets.push((to, given));
                }
            }
            _ => self.listen_in(),
        }
    }

    fn die(&mut self, place: usize) {
        let owner = self.owners[place];
        self.rig.io.close_all_of(owner);
        self.waiting.retain(|_, &mut (whose, ..)| whose != owner);
        self.sockets.retain(|&(whose, _)| whose != owner);
        self.parts.retain(|&(whose, _)| whose != owner);
        self.listener = self.listener.filter(|&(whose, _)| whose != owner);
        self.owners[place].handle += 1;
    }

    fn listen_in(&mut self) {
        self.rig.turn();
        for told in std::mem::take(&mut self.rig.told) {
            let waited = self.waiting.get(&told.token).copied();
            let (owner, _, part) = waited.expect("told once, and only who lives");
            assert_eq!(told.owner, owner);
            if !told.more {
                self.waiting.remove(&told.token);
                self.parts.extend(part.map(|part| (owner, part)));
            }
            match told.result {
                Ok(Outcome::Opened(socket)) => self.sockets.push((owner, socket)),
                Ok(Outcome::Received(part)) => self.parts.push((owner, part)),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn end(mut self) {
        if let Side::Simulated(world) = &self.rig.side {
            world.set_faults(WorldFaults::default());
        }
        for place in 0..3 {
            self.die(place);
        }
        self.rig.assert_nothing_is_left();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_operation_ends_once_and_nothing_is_left(
        steps in proptest::collection::vec((0u8..16, 0usize..10_000), 1..150),
    ) {
        let mut faults = WorldFaults::default();
        faults.network.partial = Ratio::one_in(3);
        faults.network.reset = Ratio::one_in(20);
        faults.network.refuse = Ratio::one_in(10);
        let plan = IoPlan {
            operation_slots: 24,
            descriptor_slots: 12,
            receive_buffers: 4,
            transfer_buffers: 4,
            helper_threads: 1,
            ..small_plan()
        };
        for side in sides(faults) {
            let mut rig = Rig::new(&side, &plan);
            let mut world = Owners {
                rig: &mut rig,
                owners: [0, 1, 2].map(|place| Owner { place, handle: 100 * u64::from(place) }),
                listener: None,
                sockets: Vec::new(),
                parts: Vec::new(),
                waiting: BTreeMap::new(),
            };
            for &(step, pick) in &steps {
                world.step(step, pick);
            }
            world.end();
        }
    }
}
