//! Scripted dialogues: each file under `tests/scripts` is one test against a server of its own.
//!
//! The notation is imaptest's, extended to POP3 and LMTP. A script opens with comments (`#`, the first names the RFC
//! and section it is taken from), then header lines `key: value` to a blank line, then steps.
//!
//! Header:
//! - `connections: imap imap:bob imaps pop3 pop3s lmtp (imap)` — one word a connection, `protocol` or `protocol:user`
//!   (alice if not named); `imaps` and `pop3s` begin with TLS; one in parentheses is not open before its first `open` or
//!   `connect`. Default: one connection of the protocol that the folder is named after.
//! - `state: nonauth | auth | selected` — how far each IMAP or POP3 connection is taken first. Default: `selected`
//!   (IMAP: INBOX selected; POP3: logged in; LMTP: after LHLO). LMTP `nonauth`: before LHLO.
//! - `messages: 3` — so many messages in alice's INBOX: those of `NAME.mbox` beside the script, else generated ones
//!   (`Subject: message N`, INTERNALDATE `0N-Feb-2026 12:00:00 +0000`). UIDs are 1, 2, 3.
//! - `config: pop3.retr_sets_seen = true` — a setting as a line of TOML; may be repeated.
//!
//! A step is `[connection] verb rest`, the number only where there are several connections:
//! - IMAP: `ok|no|bad [CODE] command`: sends it, expects the tagged answer (and response code). `cont command` sends it
//!   and expects a continuation request; then `more text` (another `+` must follow) and `finish ok|no|bad [CODE] text`.
//!   `wait` expects the untagged responses below without sending anything. `send command` sends it and waits for nothing,
//!   `result ok|no|bad|any [CODE]` reads its answer: so two connections can have commands in work at once.
//!   `compress` sends COMPRESS DEFLATE, expects OK, and speaks deflate from there on, each command with a flush in its middle;
//!   `uncompress` sends UNAUTHENTICATE, expects OK, and speaks plainly again.
//! - POP3: `ok command` or `err [CODE] command`; a multi-line answer is read where the command has one, and held against
//!   the lines below; else a line below is the text behind `+OK`. `cont`, `more`, `finish` as in IMAP.
//! - LMTP: `250 command`, `550 5.1.1 command`; `data` with a block sends DATA, expects 354, sends the block dot-stuffed;
//!   the replies stand below, one `> 250 2.0.0` a recipient, in order. `content` is the same behind a `354 data`.
//! - any: `raw "octets\r\n"` sends them as they are; `line PATTERN` reads one line; `closed` expects the end of the
//!   connection; `hangup` drops it; `open` connects afresh in the script's state (and tries again for a while, as the place
//!   of a connection that is just gone may not be free yet), `connect` does not even read the greeting;
//!   `starttls` sends STARTTLS or STLS, expects OK and shakes hands; `nothing` expects silence for 300 ms.
//! - `deliver RECIPIENT` with a block: delivers it over LMTP. `cli [!] arguments` runs the binary (`!`: it must fail) with
//!   the block as input; `| text` lines below must stand in its output, where `$` is any text and `$name` at the end binds
//!   a word. `restart` kills the server with SIGKILL, starts it and `open`s all. `terminate` sends SIGTERM, `stop` sends it
//!   and waits for the end of the server, `start` starts it again and `open`s all.
//!
//! A command may hold literals: `{{text}}` is sent as a synchronizing literal, `{{+text}}` as a non-synchronizing one; a
//! line that ends in `{{{` or `{{{+` opens a block that a line `}}}...` closes, whose rest goes on with the command.
//! `\{300 ab}` is `ab` 300 times. In `raw`, literals and blocks `\r \n \t \0 \" \\ \xHH` are octets.
//!
//! Expected lines stand below a step, in any order unless said otherwise:
//! - `* pattern`: an untagged response. `! pattern`: must not come. `...`: others may come too; without it every
//!   untagged response must be expected. In a pattern `$` is any token, `$name` is bound at first sight and must be the
//!   same later (commands may use it as `$name` too), `$$` at the end of a list is any more. Flag lists, LIST attributes, FETCH and STATUS items match in any
//!   order; `~"text"` is a literal8. Atoms match without case, strings with; a quoted string in a pattern knows `\r`, `\n`, `\"`, `\\`, `\xHH`.
//! - `| text` (POP3, LMTP replies, cli): exactly this line, in order; `...` any more lines.

mod imap;
pub mod lmtp;
mod parse;
mod play;
mod pop3;
mod tokens;

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

/// One trial a script.
pub fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files.into_iter().map(|file| trial(&root, file)).collect()
}

fn trial(root: &Path, file: PathBuf) -> Trial {
    let relative = file.strip_prefix(root).unwrap_or(&file).with_extension("");
    let name = format!("script::{}", relative.display().to_string().replace('/', "::"));
    Trial::test(name, move || play::play(&file).map_err(|failure| Failed::from(failure.to_string())))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "test") {
            files.push(path);
        }
    }
}
