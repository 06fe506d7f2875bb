//! Enough stack for the policy parser and evaluator, whichever thread they run on.
//!
//! Cedar's parser recurses about 15 KB a nested parenthesis and aborts the process where the stack
//! ends; its evaluator gives up with an error instead, and a policy that errors is skipped. Both are
//! met by running them on no less than [`SIZE`] bytes, against limits (`guard/`) that need a
//! quarter of it.

/// Stack that parsing and evaluation are given.
pub const SIZE: usize = 8 * 1024 * 1024;

/// Less than this left on the current thread, and a new stack is used.
const ENOUGH: usize = 4 * 1024 * 1024;

/// Runs `f` with enough stack: in place on threads that have it, as the server's do.
pub(crate) fn with_enough<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENOUGH, SIZE, f)
}
