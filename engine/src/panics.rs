//! What a panicking module said, and where, without printing it: the report names it instead.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static ON_SHARD: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on, panics of this thread are reported by the machine instead of printed.
pub(crate) fn capture_on_this_thread() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if ON_SHARD.get() {
                let place = info
                    .location()
                    .map(|place| format!("{}:{}", place.file(), place.line()));
                PLACE.set(place);
            } else {
                previous(info);
            }
        }));
    });
    ON_SHARD.set(true);
}

/// The message of a caught panic, with its place in the source where it is known.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    match PLACE.take() {
        Some(place) => format!("{message} ({place})"),
        None => message,
    }
}
