//! Streams of 64-bit words: where they begin, end, meet, part and wait.
