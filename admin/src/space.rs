//! The room on the store's disk, and the sizing rule: free space against four times what the users have.

use std::path::Path;

/// Octets of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    pub total: u64,
    /// What the server's user may still fill.
    pub free: u64,
}

/// `None`: the file system does not tell.
pub fn of(path: &Path) -> Option<Space> {
    let told = nix::sys::statvfs::statvfs(path).ok()?;
    let octets = |blocks: u64| blocks.saturating_mul(told.fragment_size());
    Some(Space { total: octets(told.blocks()), free: octets(told.blocks_available()) })
}

/// How often the users' data is to fit into the free space.
pub const FACTOR: u64 = 4;

impl Space {
    /// Whether the rule holds for a store that takes so many octets on the disk.
    pub fn is_enough(self, used: u64) -> bool {
        self.free >= used.saturating_mul(FACTOR)
    }
}
