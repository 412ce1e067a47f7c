//! Several clients at once on one mailbox, each believing what it is told. Nothing here is timed.

use super::client::{Answer, Client, Server};

const MESSAGE: &str = "Subject: x\r\n\r\nbody\r\n";
const FLAGS: [&str; 4] = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen"];

/// A small generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// What a client knows of one message. Flags are sorted, without \Recent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    uid: Option<u32>,
    flags: Option<Vec<String>>,
}

struct Player {
    client: Client,
    random: Random,
    qresync: bool,
    messages: Vec<Known>,
}

impl Player {
    async fn new(server: &Server, seed: u64) -> Player {
        let mut client = server.log_in().await;
        let qresync = seed % 2 == 1;
        if qresync {
            client.ok("ENABLE QRESYNC").await;
        }
        let mut player = Player { client, random: Random(seed), qresync, messages: Vec::new() };
        player.run("SELECT INBOX").await;
        player
    }

    async fn run(&mut self, command: &str) -> Answer {
        let answer = self.client.command(command).await;
        assert!(
            answer.tagged.starts_with("OK ") || answer.tagged.starts_with("NO "),
            "{command}: {answer:?}"
        );
        for line in &answer.untagged {
            self.apply(line, command);
        }
        answer
    }

    fn apply(&mut self, line: &str, command: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match (words[1], words.get(2).copied().unwrap_or_default()) {
            ("VANISHED", uids) => self.vanish(uids),
            (seq, "EXPUNGE") => {
                assert!(
                    !self.qresync
                        && !["FETCH", "STORE", "SEARCH"].contains(&command.split(' ').next().unwrap())
                );
                self.messages.remove(seq.parse::<usize>().unwrap() - 1);
            }
            (count, "EXISTS") => {
                let count = count.parse::<usize>().unwrap();
                assert!(count >= self.messages.len(), "{line}");
                self.messages.resize(count, Known::default());
            }
            (seq, "FETCH") => self.fetch(seq.parse::<usize>().unwrap() - 1, line),
            _ => {}
        }
    }

    fn vanish(&mut self, uids: &str) {
        for range in uids.split(',') {
            let (from, to) = range.split_once(':').unwrap_or((range, range));
            for uid in from.parse::<u32>().unwrap()..=to.parse().unwrap() {
                let place = self.messages.iter().position(|known| known.uid == Some(uid));
                self.messages.remove(place.unwrap_or_else(|| panic!("{uid} is none of {:?}", self.messages)));
            }
        }
    }

    fn fetch(&mut self, index: usize, line: &str) {
        let known = &mut self.messages[index];
        if let Some((_, rest)) = line.split_once("UID ") {
            let uid = rest.split([' ', ')']).next().unwrap().parse().unwrap();
            assert!(known.uid.is_none_or(|known| known == uid), "{line} of {known:?}");
            known.uid = Some(uid);
        }
        if let Some((_, rest)) = line.split_once("FLAGS (") {
            let flags = rest.split(')').next().unwrap().split(' ');
            let mut flags: Vec<String> =
                flags.filter(|flag| !flag.is_empty() && *flag != "\\Recent").map(str::to_owned).collect();
            flags.sort();
            known.flags = Some(flags);
        }
    }

    /// Learns what it does not know of new messages.
    async fn learn(&mut self) {
        if self.messages.iter().any(|known| known.uid.is_none() || known.flags.is_none()) {
            self.run("FETCH 1:* (UID FLAGS)").await;
        }
    }

    async fn step(&mut self) {
        let count = self.messages.len();
        let flag = FLAGS[self.random.below(FLAGS.len())];
        let sign = ["+", "-"][self.random.below(2)];
        let command = match self.random.below(10) {
            0 => format!("APPEND INBOX {{{}+}}\r\n{MESSAGE}", MESSAGE.len()),
            1 => "EXPUNGE".to_owned(),
            2 | 3 => "NOOP".to_owned(),
            _ if count == 0 => "NOOP".to_owned(),
            4 | 5 => format!("STORE {} {sign}FLAGS ({flag})", 1 + self.random.below(count)),
            6 => return self.silent(sign, flag).await,
            7 => format!("UID STORE 1:* {sign}FLAGS ({flag})"),
            8 => format!("FETCH {} BODY[]", 1 + self.random.below(count)),
            _ => format!("UID MOVE {} INBOX", 1 + self.random.below(200)),
        };
        self.run(&command).await;
        self.learn().await;
    }

    /// Works out the new flags itself, unless it is told others.
    async fn silent(&mut self, sign: &str, flag: &str) {
        let index = self.random.below(self.messages.len());
        let mut flags = self.messages[index].flags.clone().unwrap();
        flags.retain(|known| known != flag);
        if sign == "+" {
            flags.push(flag.to_owned());
            flags.sort();
        }
        self.messages[index].flags = Some(flags);
        self.run(&format!("STORE {} {sign}FLAGS.SILENT ({flag})", index + 1)).await;
        self.learn().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_believe_what_they_are_told_agree() {
    let server = Server::new();
    server.deliver(&[MESSAGE; 20]).await;
    let mut players = Vec::new();
    for seed in 0..4 {
        players.push(Player::new(&server, seed).await);
    }
    let games = players.into_iter().map(|mut player| {
        tokio::spawn(async move {
            player.learn().await;
            for _ in 0..150 {
                player.step().await;
            }
            player
        })
    });
    let mut finished = Vec::new();
    for game in games.collect::<Vec<_>>() {
        finished.push(game.await.unwrap());
    }
    for player in &mut finished {
        player.run("NOOP").await;
        player.learn().await;
        let believed = player.messages.clone();
        player.messages = vec![Known::default(); believed.len()];
        if !believed.is_empty() {
            player.run("FETCH 1:* (UID FLAGS)").await;
        }
        assert_eq!(player.messages, believed);
    }
    assert!(finished.windows(2).all(|two| two[0].messages == two[1].messages));
}
