//! Random changes by two sessions: who applies what is told of a result has what a fresh SORT or SEARCH gives. RFC 5267 section 4.3

use super::client::{Client, Server};
use super::garbage::Chance;

const STEPS: usize = 150;
/// What is kept: the command, and what stands behind RETURN.
const KEPT: [(&str, &str); 12] = [
    ("SORT", "(SUBJECT) UTF-8 UNFLAGGED"),
    ("UID SORT", "(SUBJECT) UTF-8 UNFLAGGED"),
    ("UID SORT", "(REVERSE SUBJECT REVERSE ARRIVAL) UTF-8 UNSEEN"),
    ("SORT", "(REVERSE DATE SIZE) UTF-8 OR FLAGGED SEEN"),
    ("UID SORT", "(DISPLAYFROM DATE) UTF-8 KEYWORD $Work"),
    ("SORT", "(FROM REVERSE SUBJECT) UTF-8 UNDELETED"),
    ("UID SORT", "(SIZE) UTF-8 ALL"),
    ("SORT", "(TO CC DISPLAYTO) UTF-8 ALL"),
    ("UID SORT", "(DATE) UTF-8 SUBJECT a UNDELETED"),
    ("SORT", "(ARRIVAL) UTF-8 MODSEQ 12"),
    ("SEARCH", "UNSEEN"),
    ("UID SEARCH", "FLAGGED"),
];

/// A result as the client has it.
struct Kept {
    tag: String,
    list: Vec<u32>,
    command: &'static str,
    arguments: &'static str,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_lead_to_what_a_fresh_command_gives() {
    for seed in 1..=3 {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let server = Server::new();
        let (mut client, mut other) = (server.select().await, server.select().await);
        for _ in 0..8 {
            append(&mut chance, &mut other).await;
        }
        client.ok("NOOP").await;
        let (mut all, mut told) = (Vec::new(), 0);
        for (command, arguments) in KEPT {
            let tag = client.begin(&format!("{command} RETURN (UPDATE ALL) {arguments}")).await;
            let answer = client.answer(&tag).await;
            all.push(Kept { list: listed(&answer.untagged), tag, command, arguments });
        }
        for step in 0..STEPS {
            change(&mut chance, &mut other).await;
            let own = own(&mut chance);
            let lines = client.ok(&own).await;
            told +=
                lines.iter().filter(|line| line.contains("REMOVEFROM (") || line.contains("ADDTO (")).count();
            apply_all(&mut all, &lines);
            if step % 5 == 0 {
                compare(&mut all, &mut client).await;
            }
        }
        compare(&mut all, &mut client).await;
        assert!(told > STEPS, "{told}: too little changes");
    }
}

async fn append(chance: &mut Chance, client: &mut Client) {
    let mut word = || ["a", "b", "Re: a", "ab", "", "z"][chance.below(6)];
    let header = format!("Subject: {}\r\nFrom: {}@x.test\r\nTo: {}@y.test", word(), word(), word());
    let day = 10 + chance.below(4);
    let body = "x".repeat(chance.below(4));
    let message = format!("{header}\r\nDate: {day} Mar 2020 00:10:00 +0000\r\n\r\n{body}\r\n");
    client.append("INBOX", ["", "\\Flagged", "\\Seen", "$Work"][chance.below(4)], &message).await;
}

fn store(chance: &mut Chance) -> String {
    let flag = ["\\Flagged", "\\Seen", "\\Deleted", "$Work", "\\Answered"][chance.below(5)];
    let (from, length) = (1 + chance.below(60), chance.below(12));
    let silent = ["", ".SILENT"][chance.below(2)];
    format!("UID STORE {from}:{} {}FLAGS{silent} ({flag})", from + length, ["+", "-"][chance.below(2)])
}

async fn change(chance: &mut Chance, other: &mut Client) {
    match chance.below(6) {
        0 | 1 => append(chance, other).await,
        2 => drop(other.ok("EXPUNGE").await),
        _ => drop(other.ok(&store(chance)).await),
    }
}

/// Commands of all kinds: some forbid EXPUNGE, some tell nothing of their own.
fn own(chance: &mut Chance) -> String {
    match chance.below(6) {
        0 => "NOOP".to_owned(),
        1 => "SEARCH SEEN".to_owned(),
        2 => "UID FETCH 1:* (UID)".to_owned(),
        3 => format!("UID EXPUNGE 1:{}", 1 + chance.below(60)),
        _ => store(chance),
    }
}

async fn compare(all: &mut [Kept], client: &mut Client) {
    apply_all(all, &client.ok("NOOP").await);
    for kept in all {
        let fresh = client.ok(&format!("{} RETURN (ALL) {}", kept.command, kept.arguments)).await;
        assert_eq!(kept.list, listed(&fresh), "{} {}", kept.command, kept.arguments);
    }
}

fn apply_all(all: &mut [Kept], lines: &[String]) {
    for line in lines {
        all.iter_mut().for_each(|kept| kept.apply(line));
    }
}

impl Kept {
    fn apply(&mut self, line: &str) {
        let gone = line.strip_prefix("* ").and_then(|line| line.strip_suffix(" EXPUNGE"));
        if let Some(gone) = gone.filter(|_| !self.command.starts_with("UID")) {
            let gone: u32 = gone.parse().unwrap();
            assert!(!self.list.contains(&gone), "{gone} is expunged but was not removed: {}", self.arguments);
            self.list.iter_mut().filter(|number| **number > gone).for_each(|number| *number -= 1);
        }
        let Some(rest) = line.strip_prefix(&format!("* ESEARCH (TAG \"{}\") ", self.tag)) else { return };
        let by_uid = rest.strip_prefix("UID ");
        assert_eq!(by_uid.is_some(), self.command.starts_with("UID"), "{line}");
        let (item, pairs) = by_uid.unwrap_or(rest).split_once(" (").unwrap();
        let words: Vec<&str> = pairs.strip_suffix(')').unwrap().split(' ').collect();
        for pair in words.chunks(2) {
            self.pair(item, pair[0].parse().unwrap(), &numbers(pair[1]));
        }
    }

    // RFC 5267 section 4.3.3 and 4.3.4
    fn pair(&mut self, item: &str, position: usize, numbers: &[u32]) {
        let start = position.wrapping_sub(1);
        match item {
            "ADDTO" if position == 0 => {
                self.list.extend(numbers);
                self.list.sort_unstable();
            }
            "ADDTO" => drop(self.list.splice(start..start, numbers.iter().copied())),
            "REMOVEFROM" if position == 0 => self.list.retain(|number| !numbers.contains(number)),
            "REMOVEFROM" => {
                let removed: Vec<u32> = self.list.drain(start..start + numbers.len()).collect();
                assert_eq!(removed, numbers, "{}", self.arguments);
            }
            _ => panic!("{item}"),
        }
    }
}

/// What ALL tells.
fn listed(lines: &[String]) -> Vec<u32> {
    let line = lines.iter().find(|line| line.starts_with("* ESEARCH")).unwrap();
    line.split_once(" ALL ").map_or(Vec::new(), |(_, rest)| numbers(rest.split(' ').next().unwrap()))
}

/// A sequence-set in its order.
fn numbers(set: &str) -> Vec<u32> {
    let number = |text: &str| text.parse::<u32>().unwrap();
    let range = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        number(first)..=number(last)
    };
    set.split(',').flat_map(range).collect()
}
