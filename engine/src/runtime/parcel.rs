//! A value of any type, of at most 96 bytes, carried in place: what envelopes and replies hold.
//!
//! A parcel owns its value: dropped undelivered, it drops the value. It never allocates, and may
//! cross to another thread, because only values that may do so are packed.

use crate::ring::Word;
use std::any::TypeId;
use std::mem::{MaybeUninit, align_of, size_of};

/// The largest message, reply or job, in bytes.
pub const PARCEL_BYTES_MAX: usize = 96;

const WORDS: usize = PARCEL_BYTES_MAX / size_of::<u64>();
/// Words of a parcel on a ring: which type, and the bytes.
pub(crate) const PARCEL_WORDS: usize = WORDS + 1;

/// What a parcel must know of the type within.
struct Content {
    type_id: fn() -> TypeId,
    /// Words that the value takes.
    words: usize,
    drop: unsafe fn(*mut u8),
}

/// A value of any type of at most 96 bytes, carried in place: what an isolate keeps whose types are
/// known to somebody else.
///
/// ```
/// use tina_engine::runtime::Parcel;
///
/// let parcel = Parcel::new([1_u64, 2]);
/// let parcel = parcel.open::<String>().unwrap_err();
/// assert_eq!(parcel.open::<[u64; 2]>().ok(), Some([1, 2]));
/// ```
pub struct Parcel {
    /// None once the value was taken out.
    content: Option<&'static Content>,
    bytes: [Word; WORDS],
}

/// Refuses at compile time what does not fit.
struct Packed<T>(T);

impl<T: 'static> Packed<T> {
    const CONTENT: &'static Content = &Content {
        type_id: TypeId::of::<T>,
        words: size_of::<T>().div_ceil(size_of::<u64>()),
        // SAFETY: called once, by `Parcel::drop`, on bytes that hold a `T`.
        drop: |bytes| unsafe { bytes.cast::<T>().drop_in_place() },
    };
    const FITS: () = assert!(
        size_of::<T>() <= PARCEL_BYTES_MAX && align_of::<T>() <= align_of::<u64>(),
        "a message or a reply has at most 96 bytes, aligned to 8: send larger data in a payload"
    );
}

impl Parcel {
    /// Packs a value; that it fits is checked when this is compiled.
    #[inline]
    pub fn new<T: Send + 'static>(value: T) -> Self {
        let mut parcel = Self::empty();
        parcel.pack(value);
        parcel
    }

    /// Puts a value into an empty parcel where it lies, which moves no more bytes than the value has.
    #[inline(always)]
    pub(crate) fn pack<T: Send + 'static>(&mut self, value: T) {
        const { Packed::<T>::FITS }
        debug_assert!(self.content.is_none(), "a parcel holds one value");
        // SAFETY: `FITS` says that the value fits the words in size and alignment.
        unsafe { self.bytes.as_mut_ptr().cast::<T>().write(value) };
        self.content = Some(Packed::<T>::CONTENT);
    }

    /// Without a value.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            content: None,
            bytes: [MaybeUninit::uninit(); WORDS],
        }
    }

    /// One type may have several descriptions, but no two types have one.
    #[inline(always)]
    pub(crate) fn holds<T: 'static>(&self) -> bool {
        self.content.is_some_and(|content| {
            std::ptr::eq(content, Packed::<T>::CONTENT) || (content.type_id)() == TypeId::of::<T>()
        })
    }

    /// The value, if it is a `T`.
    ///
    /// # Errors
    /// The parcel itself, if it is not.
    #[inline]
    pub fn open<T: 'static>(mut self) -> Result<T, Self> {
        self.unpack().ok_or(self)
    }

    /// Takes the value out where it lies, if it is a `T`.
    #[inline(always)]
    pub(crate) fn unpack<T: 'static>(&mut self) -> Option<T> {
        if !self.holds::<T>() {
            return None;
        }
        self.content = None;
        // SAFETY: the bytes hold a `T`, and nobody else will read them: `content` is none now.
        Some(unsafe { self.bytes.as_ptr().cast::<T>().read() })
    }

    /// Takes out the value, which is a `T`, in one move: an option around it would be another.
    #[inline(always)]
    pub(crate) fn take<T: 'static>(&mut self) -> T {
        assert!(self.holds::<T>(), "addresses know what their isolates take");
        self.content = None;
        // SAFETY: as in `unpack`.
        unsafe { self.bytes.as_ptr().cast::<T>().read() }
    }

    /// Drops the value, if there is one.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if let Some(content) = self.content.take() {
            // SAFETY: the bytes hold a value of this type that was not taken out.
            unsafe { (content.drop)(self.bytes.as_mut_ptr().cast()) };
        }
    }

    /// Words of a value on a ring: which type, and as many bytes as the value has.
    pub(crate) fn word_count(&self) -> usize {
        self.content.map_or(0, |content| 1 + content.words)
    }

    /// The parcel as words that [`from_words`](Self::from_words) makes a parcel of, once. Those behind
    /// [`word_count`](Self::word_count) say nothing.
    #[inline]
    pub(crate) fn into_words(mut self) -> [Word; PARCEL_WORDS] {
        let mut words = [MaybeUninit::uninit(); PARCEL_WORDS];
        let content = self.content.take();
        let address = content.map_or(0, |content| std::ptr::from_ref(content).expose_provenance());
        words[0] = MaybeUninit::new(address as u64);
        words[1..].copy_from_slice(&self.bytes);
        words
    }

    /// # Safety
    /// The words, at least one, are the first of what [`into_words`](Self::into_words) made in this process
    /// of a parcel that was not empty, as many as its [`word_count`](Self::word_count), and become a
    /// parcel this once.
    #[inline]
    pub(crate) unsafe fn from_words(words: impl ExactSizeIterator<Item = Word>) -> Self {
        let mut words = words;
        let mut bytes = [MaybeUninit::uninit(); WORDS];
        let first = words.next().expect("a parcel that is not empty has a word");
        // SAFETY: `into_words` put a number there, the address of a static.
        let content = unsafe {
            let address = first.assume_init() as usize;
            std::ptr::with_exposed_provenance::<Content>(address).as_ref()
        };
        for (byte, word) in bytes.iter_mut().zip(words) {
            *byte = word;
        }
        Self { content, bytes }
    }
}

impl Drop for Parcel {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_parcel_gives_back_what_was_packed_and_only_as_that() {
        let parcel = Parcel::new([7u64; 12]);
        let parcel = parcel.open::<u32>().err().unwrap();
        assert_eq!(parcel.open::<[u64; 12]>().ok(), Some([7; 12]));
    }

    #[test]
    fn a_parcel_drops_its_value_once() {
        let value = Arc::new(());
        drop(Parcel::new(value.clone()));
        assert_eq!(Arc::strong_count(&value), 1);
        let parcel = Parcel::new(value.clone());
        let count = parcel.word_count();
        assert_eq!(count, 2);
        let words = parcel.into_words();
        assert_eq!(Arc::strong_count(&value), 2);
        // SAFETY: the words of the line above, as many as count, made a parcel once.
        let parcel = unsafe { Parcel::from_words(words[..count].iter().copied()) };
        let taken = parcel.open::<Arc<()>>().ok().unwrap();
        assert_eq!(Arc::strong_count(&value), 2);
        drop(taken);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
