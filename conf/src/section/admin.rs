//! `[admin]`

use std::path::{Path, PathBuf};

use super::AUTO;
use crate::listen;
use crate::reader::Reader;

/// How the command line reaches the running server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub socket: PathBuf,
}

impl Admin {
    pub(super) fn read(reader: &mut Reader, runtime_dir: &Path) -> Admin {
        let key = "admin.socket";
        let asked = reader.text(key);
        let socket = runtime_dir.join(if asked == AUTO { "admin.sock" } else { &asked });
        reader.resolved(key, format!("{:?}", socket.display().to_string()));
        if let Err(reason) = listen::fits(&socket) {
            let remedy = "Set admin.socket or server.runtime_dir to a shorter path.".into();
            reader.problem_with_remedy(key, reason, remedy);
        }
        Admin { socket }
    }
}
