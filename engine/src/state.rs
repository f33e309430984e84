//! What modules and signals write into a checkpoint and read from one.
//!
//! A module names its state once, in [`Module::state`](crate::Module::state), and a [`State`] visits
//! it in one of both ways: to write it down, or to put back what was written. Values go through serde
//! in the format of postcard, the same bytes on every host; memories as runs of words, so that
//! what was never written takes no room.
//!
//! Knows nothing of shards, FIFOs or files.

use crate::arena::{Memory, Word};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// Why state could not be written into a checkpoint or read from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    message: String,
}

impl StateError {
    /// What is wrong with it.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    fn too_short() -> Self {
        Self::new("holds less than its module has of state")
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StateError {}

/// Takes values one after the other.
#[derive(Debug, Default)]
pub struct Saver {
    bytes: Vec<u8>,
    failure: Option<StateError>,
}

impl Saver {
    /// Writes a value.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        match postcard::to_extend(value, std::mem::take(&mut self.bytes)) {
            Ok(bytes) => self.bytes = bytes,
            Err(error) => {
                self.failure = Some(StateError::new(format!("cannot be written: {error}")))
            }
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, StateError> {
        self.failure.map_or(Ok(self.bytes), Err)
    }

    /// Zero words and other words in turn: how many, and the latter themselves.
    fn memory<W: Word>(&mut self, words: &[W]) {
        self.value(&(words.len() as u64));
        let mut rest = words;
        while !rest.is_empty() {
            let zero_count = rest.iter().take_while(|word| word.is_zero()).count();
            let others = &rest[zero_count..];
            let count = run_of_others(others);
            self.value(&(zero_count as u64, count as u64));
            others[..count]
                .iter()
                .for_each(|word| word.put(&mut self.bytes));
            rest = &others[count..];
        }
    }
}

/// Zero words that end a run of others: fewer are cheaper as they are.
const GAP: usize = 16;

/// Words until the next gap.
fn run_of_others<W: Word>(words: &[W]) -> usize {
    let mut zero_count = 0;
    for (index, word) in words.iter().enumerate() {
        zero_count = if word.is_zero() { zero_count + 1 } else { 0 };
        if zero_count == GAP {
            return index + 1 - GAP;
        }
    }
    words.len() - zero_count
}

/// Gives the values of a [`Saver`] back, in the same order.
#[derive(Debug)]
pub struct Loader<'a> {
    bytes: &'a [u8],
}

impl<'a> Loader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// When what follows is no such value.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, StateError> {
        let (value, rest) = postcard::take_from_bytes(self.bytes).map_err(|error| match error {
            postcard::Error::DeserializeUnexpectedEnd => StateError::too_short(),
            error => StateError::new(format!("holds what its module never had: {error}")),
        })?;
        self.bytes = rest;
        Ok(value)
    }

    fn memory<W: Word>(&mut self, words: &mut [W]) -> Result<(), StateError> {
        let count: u64 = self.value()?;
        if count != words.len() as u64 {
            return Err(StateError::new(format!(
                "holds a memory of {count} words for one of {}",
                words.len()
            )));
        }
        let beyond = || StateError::new("holds a memory that is longer than it says");
        let mut rest = words;
        while !rest.is_empty() {
            let (zero_count, count): (u64, u64) = self.value()?;
            let (zero_count, count) = (zero_count as usize, count as usize);
            let (zeros, others) = rest.split_at_mut_checked(zero_count).ok_or_else(beyond)?;
            let (others, behind) = others.split_at_mut_checked(count).ok_or_else(beyond)?;
            if zero_count == 0 && count == 0 {
                return Err(StateError::new("holds a memory in runs of no words"));
            }
            zeros.fill(W::ZERO);
            for word in others {
                *word = W::take(&mut self.bytes).ok_or_else(StateError::too_short)?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// All was read.
    pub(crate) fn finish(self) -> Result<(), StateError> {
        match self.bytes.len() {
            0 => Ok(()),
            left => Err(StateError::new(format!(
                "holds {left} bytes more than its module has of state"
            ))),
        }
    }
}

enum Way<'a> {
    Save(Saver),
    Load(Loader<'a>),
}

/// Visits the state of a module: writes all of it, or puts all of it back.
///
/// ```
/// # use tina_engine::{Memory, State};
/// # struct Table { hits: u64, last: Option<u32>, words: Memory<u32> }
/// # impl Table {
/// fn state(&mut self, state: &mut State<'_>) {
///     state.value(&mut self.hits).value(&mut self.last).memory(&mut self.words);
/// }
/// # }
/// ```
pub struct State<'a> {
    way: Way<'a>,
    undeclared: bool,
    failure: Option<StateError>,
}

impl<'a> State<'a> {
    /// To write it down.
    pub(crate) fn saving() -> Self {
        Self {
            way: Way::Save(Saver::default()),
            undeclared: false,
            failure: None,
        }
    }

    /// To put back what was written.
    pub(crate) fn loading(bytes: &'a [u8]) -> Self {
        Self {
            way: Way::Load(Loader::new(bytes)),
            undeclared: false,
            failure: None,
        }
    }

    /// Whether the module said what its state is.
    pub(crate) fn is_declared(&self) -> bool {
        !self.undeclared
    }

    /// What was written; nothing if it was put back.
    ///
    /// # Errors
    /// When a value could not be written or read, or not all was read.
    pub(crate) fn finish(self) -> Result<Vec<u8>, StateError> {
        match (self.failure, self.way) {
            (Some(failure), _) => Err(failure),
            (None, Way::Save(saver)) => saver.finish(),
            (None, Way::Load(loader)) => loader.finish().map(|()| Vec::new()),
        }
    }

    /// A value that changes while the module is clocked.
    pub fn value<T: Serialize + DeserializeOwned>(&mut self, value: &mut T) -> &mut Self {
        match &mut self.way {
            Way::Save(saver) => saver.value(value),
            Way::Load(loader) if self.failure.is_none() => match loader.value() {
                Ok(loaded) => *value = loaded,
                Err(error) => self.failure = Some(error),
            },
            Way::Load(_) => {}
        }
        self
    }

    /// A memory, word by word.
    pub fn memory<W: Word>(&mut self, memory: &mut Memory<W>) -> &mut Self {
        match &mut self.way {
            Way::Save(saver) => saver.memory(memory),
            Way::Load(loader) if self.failure.is_none() => {
                self.failure = loader.memory(memory).err();
            }
            Way::Load(_) => {}
        }
        self
    }

    /// The module does not say what its state is: a machine that holds it has no checkpoints.
    pub fn undeclared(&mut self) {
        self.undeclared = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use proptest::prelude::*;

    fn memory_of(arena: &Arena, words: &[u32]) -> Memory<u32> {
        let mut memory = Memory::carve(arena, words.len());
        memory.copy_from_slice(words);
        memory
    }

    fn saved(words: &mut Memory<u32>, value: &mut (u8, Option<i64>)) -> Vec<u8> {
        let mut state = State::saving();
        state.memory(words).value(value);
        state.finish().unwrap()
    }

    fn words() -> impl Strategy<Value = Vec<u32>> {
        let run = prop_oneof![
            (1..40usize).prop_map(|count| vec![0; count]),
            prop::collection::vec(any::<u32>(), 1..20),
        ];
        prop::collection::vec(run, 0..10).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(words in words(), value: (u8, Option<i64>)) {
            let arena = Arena::map(1 << 16).unwrap();
            let mut written = memory_of(&arena, &words);
            let bytes = saved(&mut written, &mut value.clone());
            let mut read = memory_of(&arena, &vec![7; words.len()]);
            let mut other = (0, None);
            let mut state = State::loading(&bytes);
            state.memory(&mut read).value(&mut other);
            state.finish().unwrap();
            prop_assert_eq!(&read[..], &words[..]);
            prop_assert_eq!(other, value);
        }

        #[test]
        fn whatever_is_read_is_an_error_or_a_value(bytes: Vec<u8>, count in 0..200usize) {
            let arena = Arena::map(1 << 16).unwrap();
            let mut memory: Memory<u32> = Memory::carve(&arena, count);
            let mut value = (0u8, None::<i64>);
            let mut state = State::loading(&bytes);
            state.memory(&mut memory).value(&mut value);
            let _ = state.finish();
        }
    }

    #[test]
    fn zeros_take_no_room() {
        let arena = Arena::map(1 << 20).unwrap();
        let mut memory: Memory<u32> = Memory::carve(&arena, 100_000);
        memory[70_000] = 1;
        assert!(saved(&mut memory, &mut (0, None)).len() < 30);
    }

    #[test]
    fn a_memory_of_another_length_is_refused() {
        let arena = Arena::map(1 << 16).unwrap();
        let bytes = saved(&mut memory_of(&arena, &[1, 2, 3]), &mut (0, None));
        let mut state = State::loading(&bytes);
        state.memory(&mut memory_of(&arena, &[0; 4]));
        let error = state.finish().unwrap_err().to_string();
        assert_eq!(error, "holds a memory of 3 words for one of 4");
    }
}
