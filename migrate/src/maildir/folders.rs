//! Which mailboxes a Maildir has, and which of them are subscribed.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::octets::{text, unreadable};
use crate::{Listed, Refused, Result};

/// Levels of directories that are looked at.
const DEPTH: usize = 32;

/// INBOX first, the others by name.
pub fn list(root: &Path) -> Result<(Vec<Listed>, Vec<Refused>)> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for (file, path) in directories(root)? {
        if let Some(folder) = file.strip_prefix('.') {
            if path.join("cur").is_dir() {
                found.push((levels(folder.split('.')), path));
            }
        } else if !matches!(&*file, "cur" | "new" | "tmp") {
            below(&path, &file, 1, &mut found)?;
        }
    }
    let subscribed = subscriptions(root)?;
    let (mut unique, mut refused) = (BTreeMap::<String, PathBuf>::new(), Vec::new());
    for (name, path) in found {
        if let Some(other) = unique.get(&name) {
            let reason = format!("it would be {name}, which {} is already; rename one of them", shown(other));
            refused.push(Refused { what: shown(&path), reason });
        } else {
            unique.insert(name, path);
        }
    }
    let mut listed = vec![Listed { name: "INBOX".to_owned(), subscribed: true, path: root.to_owned() }];
    listed.extend(unique.into_iter().map(|(name, path)| {
        let subscribed = subscribed.contains(&name);
        Listed { name, subscribed, path }
    }));
    Ok((listed, refused))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Dovecot's `LAYOUT=fs`: each level is a directory.
fn below(path: &Path, name: &str, depth: usize, found: &mut Vec<(String, PathBuf)>) -> Result<()> {
    if path.join("cur").is_dir() {
        found.push((levels(name.split('/')), path.to_owned()));
    }
    if depth < DEPTH {
        for (file, path) in directories(path)? {
            if !file.starts_with('.') && !matches!(&*file, "cur" | "new" | "tmp") {
                below(&path, &format!("{name}/{file}"), depth + 1, found)?;
            }
        }
    }
    Ok(())
}

fn directories(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut directories = Vec::new();
    for file in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let file = file.map_err(|error| unreadable(path, &error))?;
        // Links are not followed: they may lead round in circles, or out of what is this user's.
        if file.file_type().is_ok_and(|kind| kind.is_dir()) {
            directories.push((file.file_name().to_string_lossy().into_owned(), file.path()));
        }
    }
    directories.sort();
    Ok(directories)
}

/// Levels of the old name as a name here.
fn levels<'a>(levels: impl Iterator<Item = &'a str>) -> String {
    let name = levels.filter(|level| !level.is_empty()).map(level).collect::<Vec<_>>().join("/");
    store::MailboxName::new(&name).map_or(name, |name| name.to_string())
}

/// Modified UTF-7 as both servers write it, or UTF-8 as newer ones can. What no name here may have becomes `_`.
fn level(level: &str) -> String {
    let name = common::utf7::decode(level.as_bytes()).unwrap_or_else(|| level.to_owned());
    name.chars().map(|c| if matches!(c, '/' | '%' | '*') || c.is_control() { '_' } else { c }).collect()
}

fn subscriptions(root: &Path) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    if let Some(text) = text(&root.join("subscriptions"))? {
        // Version 2 has levels separated by tabs, the older one the separator of the storage.
        let lines = text.strip_prefix("V\t2\n");
        let separator = if lines.is_some() { ['\t', '\t'] } else { ['.', '/'] };
        names.extend(lines.unwrap_or(&text).lines().map(|line| levels(line.split(separator))));
    }
    if let Some(text) = text(&root.join("courierimapsubscribed"))? {
        let own = text.lines().map(|line| line.strip_prefix("INBOX.").unwrap_or(line));
        names.extend(own.map(|name| levels(name.split('.'))));
    }
    Ok(names)
}
