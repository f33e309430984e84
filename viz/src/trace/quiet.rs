//! Runs code that panics at files it does not understand, and says what it said.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is ours to tell.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// What `work` comes to, or what its panic said. Whatever it was working on must not be used after that.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if IS_QUIET.get() {
                SAID.set(Some(text(info.payload())));
            } else {
                before(info);
            }
        }));
    });
    IS_QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(false);
    done.map_err(|_| {
        SAID.take()
            .unwrap_or_else(|| "it is not understood".to_owned())
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "it is not understood".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_and_not_printed() {
        assert_eq!(quietly(|| 3), Ok(3));
        let said = quietly(|| assert!(std::hint::black_box(false), "number {}", 5));
        assert_eq!(said, Err("number 5".to_owned()));
        assert_eq!(quietly(|| "goes on"), Ok("goes on"));
    }
}
