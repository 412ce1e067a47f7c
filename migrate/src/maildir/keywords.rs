//! Keywords: `dovecot-keywords` names the small letters in file names; Courier keeps lists beside the messages.

use std::collections::HashMap;
use std::path::Path;

use super::entry::Entry;
use crate::Result;
use crate::octets::{text, unreadable};

/// Of one mailbox.
#[derive(Default)]
pub struct Keywords {
    /// By number: `a` is 0.
    dovecot: HashMap<u32, String>,
    /// By the file's base name.
    courier: HashMap<String, Vec<String>>,
}

impl Keywords {
    pub fn read(directory: &Path) -> Result<Keywords> {
        let dovecot = text(&directory.join("dovecot-keywords"))?.unwrap_or_default();
        let dovecot = dovecot.lines().filter_map(|line| {
            let (number, keyword) = line.split_once(' ')?;
            Some((number.parse().ok()?, keyword.to_owned()))
        });
        Ok(Keywords { dovecot: dovecot.collect(), courier: courier(&directory.join("courierimapkeywords"))? })
    }

    pub fn of(&self, entry: &Entry) -> Vec<String> {
        let numbers =
            entry.info.chars().filter(char::is_ascii_lowercase).map(|c| u32::from(c) - u32::from('a'));
        let mut keywords: Vec<String> =
            numbers.filter_map(|number| self.dovecot.get(&number).cloned()).collect();
        keywords.extend(self.courier.get(&entry.base).into_iter().flatten().cloned());
        keywords
    }
}

/// `:list` has all keywords, an empty line, and of each file the numbers of its keywords. A file `.NUMBER.BASE` is newer
/// and has the keywords themselves, one a line; of several the greatest number counts.
fn courier(directory: &Path) -> Result<HashMap<String, Vec<String>>> {
    let list = text(&directory.join(":list"))?.unwrap_or_default();
    let mut lines = list.lines();
    let names: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let mut keywords: HashMap<String, Vec<String>> = lines
        .filter_map(|line| {
            let (base, numbers) = line.rsplit_once(':')?;
            let numbers = numbers.split(' ').filter_map(|number| names.get(number.parse::<usize>().ok()?));
            Some((base.to_owned(), numbers.map(|name| (*name).to_owned()).collect()))
        })
        .collect();
    let mut newer: HashMap<String, u64> = HashMap::new();
    for file in changes(directory)? {
        let Some((number, base)) = file.strip_prefix('.').and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else { continue };
        if newer.get(base).is_none_or(|known| *known < number) {
            newer.insert(base.to_owned(), number);
            let text = text(&directory.join(&file))?.unwrap_or_default();
            keywords.insert(base.to_owned(), text.lines().map(str::to_owned).collect());
        }
    }
    Ok(keywords)
}

fn changes(directory: &Path) -> Result<Vec<String>> {
    match std::fs::read_dir(directory) {
        Ok(files) => {
            Ok(files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(directory, &error)),
    }
}
