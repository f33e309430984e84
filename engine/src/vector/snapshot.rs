//! The elements of a vector group, to be written down and put back one by one: a checkpoint does not
//! tell how they were stepped.

use super::{PLANE, Seated};
use crate::element::{Element, visit_state};
use crate::fifo::ShardHead;
use crate::group::Rest;
use crate::state::State;
use crate::wheel::Waker;

impl<E, const I: usize, const O: usize, const W: usize> Seated<E, I, O, W>
where
    E: Element<I, O, W>,
{
    pub(super) fn visit_state(&mut self, lane: usize, state: &mut State<'_>) {
        let mut words = self.state_of(lane);
        let mut firings = self.firings_of(lane);
        visit_state::<E, I, O, W>(&mut words, &mut firings, state);
        self.set_state(lane, words);
        self.set_firings(lane, firings);
    }

    fn set_firings(&mut self, lane: usize, firings: u64) {
        let place = lane % PLANE;
        let planes = &mut self.firings[lane - place..][..PLANE];
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane = *plane & !(1 << place) | (firings >> bit & 1) << place;
        }
    }

    pub(super) fn set_rest(&mut self, lane: usize, rest: Rest, head: &ShardHead) {
        let waker = Waker(self.berth.first_flag + lane as u32);
        head.take_flag(waker);
        if rest.woken {
            head.wake(waker);
        }
        if !rest.alive {
            self.alive[lane / PLANE] &= !(1 << (lane % PLANE));
        }
    }
}
