//! `[http]`

use std::path::Path;
use std::time::Duration;

use super::show_list;
use crate::Listen;
use crate::reader::Reader;

/// Where the web page, the JSON API and the metrics are, and how long a login to them lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    pub listen: Vec<Listen>,
    pub session_idle: Duration,
    pub session_lifetime: Duration,
    pub public_metrics: bool,
}

impl Http {
    pub(super) fn read(reader: &mut Reader, runtime_dir: &Path) -> Http {
        let http = Http {
            listen: listen(reader, runtime_dir),
            session_idle: reader.duration("http.session_idle", 1),
            session_lifetime: reader.duration("http.session_lifetime", 1),
            public_metrics: reader.boolean("http.public_metrics"),
        };
        if http.session_lifetime < http.session_idle {
            let reason = "a session cannot end for its age before it ends for rest".into();
            let remedy = "Make it at least as long as http.session_idle.".into();
            reader.problem_with_remedy("http.session_lifetime", reason, remedy);
        }
        http
    }
}

fn listen(reader: &mut Reader, runtime_dir: &Path) -> Vec<Listen> {
    let key = "http.listen";
    // Without a mode of its own a socket is for the server's user: who reaches it as that user needs no login.
    let parse = |text: &str| match text.starts_with("unix:") && !text.contains(" mode=") {
        true => Listen::tcp_or_unix(&format!("{text} mode=0600"), runtime_dir),
        false => Listen::tcp_or_unix(text, runtime_dir),
    };
    let listen = reader.list(key, parse);
    show_list(reader, key, &listen);
    listen
}
