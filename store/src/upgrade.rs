//! Steps from older formats to this one, each in one transaction. There is no older format yet.

use crate::Error;
use crate::Result;
use crate::engine::Engine;
use crate::schema::{FORMAT, Identity};

/// Brings the index to [`FORMAT`]. A newer one was refused when its identity was read.
pub(crate) fn run(_engine: &dyn Engine, identity: Identity) -> Result<()> {
    if identity.format == FORMAT {
        return Ok(());
    }
    Err(Error::Damaged(format!("the index has format {}, which no version ever wrote", identity.format)))
}
