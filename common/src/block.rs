//! The one bridge between async sockets and blocking store calls.

/// Runs a call that blocks on disk or computes for long, from a task of the multi-threaded runtime. The other tasks
/// of this worker go on elsewhere meanwhile. Keep what runs in it to one batch (about 256 KiB of output).
pub fn block<T>(call: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(call)
}
