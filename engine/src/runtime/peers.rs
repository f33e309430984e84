//! What a shard does when another one was condemned by a hardware fault: whoever lived there is gone without
//! a word, and says nothing any more to those who wait for it or watch it.

use super::claim::CallError;
use super::core::Core;
use super::ending::Ending;
use super::handle::Handle;
use super::notice::{NoticeId, Tag};

impl Core {
    /// Everybody on shard `peer` up to a generation is gone: calls to them fail, watches of them are over, and
    /// what is kept here for watchers among them is given up.
    #[cold]
    pub(crate) fn lose_peer(&mut self, peer: usize, generation: u32) {
        let is_lost = |who: Handle| {
            who != Handle::NOBODY && who.shard() == peer && who.generation() <= generation
        };
        for index in 0..self.notices.count() as u32 {
            let notice = self.notices.at(index);
            let (tag, queued, target) = (notice.tag, notice.queued, notice.target);
            if !is_lost(target) {
                continue;
            }
            let id = NoticeId {
                index,
                sequence: notice.sequence,
            };
            let owner = notice.owner;
            match tag {
                Tag::Call if !queued => {
                    let caller = self.handle_of(owner);
                    // One that has ended is about to be buried, and its calls with it.
                    if self.find(caller).is_some() {
                        self.end_call(id, caller, Err(CallError::NoReply));
                    }
                }
                Tag::Monitor | Tag::Link if !queued => {
                    let watcher = self.handle_of(owner);
                    self.take_in_down(id, watcher, Ending::WithShard);
                }
                Tag::Proxy => {
                    let (watched, word) = (notice.source, notice.word);
                    self.drop_proxy(watched, target, word);
                }
                // What has ended, what waits for the ring, and what is nobody's elsewhere.
                Tag::Call
                | Tag::Monitor
                | Tag::Link
                | Tag::Ended
                | Tag::Unwatch
                | Tag::Refusal
                | Tag::Timer
                | Tag::Peers
                | Tag::Io
                | Tag::Accept
                | Tag::Free => {}
            }
        }
    }
}
