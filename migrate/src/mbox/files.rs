//! Which files are mailboxes: the layout of UW-IMAP and Dovecot (a file a mailbox, a directory a level), and that of
//! IMail (`main.mbx` is INBOX, `NAME.mbx` another).

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::octets::{text, unreadable};
use crate::{Listed, Refused, Result};

/// Levels of directories that are looked at.
const DEPTH: usize = 32;

/// INBOX first, the others by name.
pub fn list(root: &Path, inbox: Option<&Path>) -> Result<(Vec<Listed>, Vec<Refused>)> {
    let mut mailboxes = Mailboxes { found: BTreeMap::new(), refused: Vec::new() };
    if let Some(inbox) = inbox {
        mailboxes.add("INBOX".to_owned(), inbox.to_owned());
    }
    let mut subscribed = HashSet::new();
    if root.is_dir() {
        mailboxes.below(root, "", 0)?;
        for file in [".subscriptions", "subscriptions", ".mailboxlist"] {
            let text = text(&root.join(file))?.unwrap_or_default();
            // Dovecot's version 2 has levels separated by tabs.
            match text.strip_prefix("V\t2\n") {
                Some(text) => subscribed.extend(text.lines().map(|line| name(&line.replace('\t', "/")))),
                None => subscribed.extend(text.lines().map(name)),
            }
        }
    } else {
        mailboxes.add("INBOX".to_owned(), root.to_owned());
    }
    let first = mailboxes.found.remove("INBOX").map(|path| ("INBOX".to_owned(), path));
    let listed = first.into_iter().chain(mailboxes.found).map(|(name, path)| {
        let subscribed = name == "INBOX" || subscribed.contains(&name);
        Listed { name, subscribed, path }
    });
    Ok((listed.collect(), mailboxes.refused))
}

struct Mailboxes {
    found: BTreeMap<String, PathBuf>,
    refused: Vec<Refused>,
}

impl Mailboxes {
    fn add(&mut self, name: String, path: PathBuf) {
        if let Some(other) = self.found.get(&name) {
            let reason =
                format!("it would be {name}, which {} is already; rename one of them", other.display());
            self.refused.push(Refused { what: path.display().to_string(), reason });
        } else {
            self.found.insert(name, path);
        }
    }

    fn below(&mut self, directory: &Path, above: &str, depth: usize) -> Result<()> {
        let mut files = Vec::new();
        for file in std::fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
            let file = file.map_err(|error| unreadable(directory, &error))?;
            let kind = file.file_type().map_err(|error| unreadable(directory, &error))?;
            files.push((file.file_name().to_string_lossy().into_owned(), file.path(), kind));
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        for (file, path, kind) in files {
            let name = name(&format!("{above}{}", file.strip_suffix(".mbx").unwrap_or(&file)));
            if file.starts_with('.') {
                // Indexes and settings.
            } else if kind.is_dir() && depth < DEPTH {
                self.below(&path, &format!("{above}{file}/"), depth + 1)?;
            } else if kind.is_file() && is_mbox(&path)? {
                let inbox = matches!(&*name.to_ascii_lowercase(), "inbox" | "main") && depth == 0;
                self.add(if inbox { "INBOX".to_owned() } else { name }, path);
            }
        }
        Ok(())
    }
}

/// Modified UTF-7 or UTF-8; what no name here may have becomes `_`.
fn name(text: &str) -> String {
    let name = common::utf7::decode(text.as_bytes()).unwrap_or_else(|| text.to_owned());
    let name: String =
        name.chars().map(|c| if matches!(c, '%' | '*') || c.is_control() { '_' } else { c }).collect();
    store::MailboxName::new(&name).map_or(name, |name| name.to_string())
}

/// Empty, or it begins with a `From ` line.
fn is_mbox(path: &Path) -> Result<bool> {
    let mut octets = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(5).read_to_end(&mut octets).map_err(|error| unreadable(path, &error))?;
    Ok(octets == b"From "
        || (octets.is_empty() && path.extension().is_none_or(|extension| extension == "mbx")))
}
