//! The algorithms against the RFC's steps, written down one by one.

use proptest::prelude::*;

use super::result::text;
use super::*;

fn told(threads: &Threads, items: &[Item]) -> String {
    let numbers: Vec<u32> = (1..=items.len() as u32).collect();
    text(threads, &numbers)
}

fn item(id: u64, references: &[u64], sent: i64) -> Item {
    Item { id: Some(id), references: references.into(), sent, arrival: sent, ..Item::default() }
}

fn with_subject(item: Item, subject: &str, reply: bool) -> Item {
    Item { subject: Some(subject.as_bytes().into()), reply, ..item }
}

// RFC 5256 section 4, the examples of the THREAD response
#[test]
fn forms_of_a_thread() {
    let items = [
        item(1, &[], 1),
        item(2, &[1], 2),
        item(3, &[1, 2], 3),
        item(4, &[1], 4),
        item(5, &[9], 5),
        item(6, &[9], 6),
    ];
    assert_eq!(told(&references(&items), &items), "(1 (2 3)(4))((5)(6))");
    assert_eq!(told(&references(&items[..3]), &items[..3]), "(1 2 3)");
    assert_eq!(told(&references(&[]), &[]), "");
    let lone = [item(1, &[7, 8], 1)];
    assert_eq!(told(&references(&lone), &lone), "(1)");
}

#[test]
fn subjects_join_threads() {
    let subject = |id, reply| with_subject(item(id, &[], id as i64), "hello", reply);
    let answered = [subject(1, true), subject(2, false), subject(3, true)];
    assert_eq!(told(&references(&answered), &answered), "(2 (1)(3))");
    assert_eq!(told(&refs(&answered), &answered), "(1)(2)(3)");
    let alike = [subject(1, false), subject(2, false)];
    assert_eq!(told(&references(&alike), &alike), "((1)(2))");
    let other = [subject(1, false), with_subject(item(2, &[], 2), "other", true)];
    assert_eq!(told(&references(&other), &other), "(1)(2)");
}

// draft-ietf-morg-inthread: the thread with the newest message comes last
#[test]
fn refs_follow_the_latest_arrival() {
    let items = [item(1, &[], 1), item(2, &[], 2), item(3, &[1], 3)];
    assert_eq!(told(&refs(&items), &items), "(2)(1 3)");
    assert_eq!(told(&references(&items), &items), "(1 3)(2)");
}

// RFC 5256 section 3: "there are no grandchildren in ORDEREDSUBJECT threading"
#[test]
fn ordered_subjects_have_one_level() {
    let subject = |id, text: &str| with_subject(item(id, &[], -(id as i64)), text, false);
    let items = [subject(1, "b"), subject(2, "a"), subject(3, "b"), subject(4, "b"), item(5, &[], 0)];
    assert_eq!(told(&ordered_subject(&items), &items), "(4 (3)(1))(2)(5)");
}

#[test]
fn deep_and_wide_threads_are_no_burden() {
    const MANY: u64 = 100_000;
    let chain: Vec<Item> = (0..MANY).map(|id| item(id, &[id.wrapping_sub(1)], id as i64)).collect();
    let backwards: Vec<Item> = (0..MANY).map(|id| item(id, &[id + 1], -(id as i64))).collect();
    let star: Vec<Item> = (0..MANY).map(|id| item(id, &[MANY + 1], 0)).collect();
    let combs: Vec<Item> = (0..MANY)
        .map(|id| item(id, &[if id % 2 == 0 { id.wrapping_sub(2) } else { id - 1 }], id as i64))
        .collect();
    let one: Vec<Item> = (0..MANY).map(|id| with_subject(item(id, &[], 0), "one", id % 3 > 0)).collect();
    for items in [chain, backwards, star, combs, one] {
        for algorithm in [references, refs, ordered_subject] {
            let text = told(&algorithm(&items), &items);
            assert_eq!(text.bytes().filter(|octet| *octet == b'(').count(), text.matches(')').count());
        }
    }
}

/// A node of the transcription.
#[derive(Clone, Default)]
struct Plain {
    /// `None`: a dummy.
    message: Option<usize>,
    parent: Option<usize>,
    children: Vec<usize>,
    alive: bool,
}

/// REFERENCES as the RFC has it, every walk in full. Node 0 is the root.
struct Transcript<'a> {
    items: &'a [Item],
    nodes: Vec<Plain>,
}

impl Transcript<'_> {
    fn add(&mut self, message: Option<usize>) -> usize {
        self.nodes.push(Plain { message, alive: true, ..Plain::default() });
        self.nodes.len() - 1
    }

    fn is_descendant(&self, node: usize, of: usize) -> bool {
        node == of || self.nodes[node].parent.is_some_and(|parent| self.is_descendant(parent, of))
    }

    fn unlink(&mut self, node: usize) {
        if let Some(parent) = self.nodes[node].parent.take() {
            self.nodes[parent].children.retain(|child| *child != node);
        }
    }

    fn link(&mut self, parent: usize, child: usize) {
        if !self.is_descendant(parent, child) {
            self.unlink(child);
            self.nodes[child].parent = Some(parent);
            self.nodes[parent].children.push(child);
        }
    }

    fn by_references(&mut self) {
        let root = self.add(None);
        let messages: Vec<usize> = (0..self.items.len()).map(|message| self.add(Some(message))).collect();
        let mut ids = std::collections::HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            ids.entry(item.id.unwrap()).or_insert(messages[index]);
        }
        for (index, item) in self.items.iter().enumerate() {
            let mut chain = Vec::new();
            for id in &item.references {
                let node = ids.get(id).copied().unwrap_or_else(|| self.add(None));
                ids.insert(*id, node);
                chain.push(node);
            }
            for two in chain.windows(2) {
                if self.nodes[two[1]].parent.is_none() {
                    self.link(two[0], two[1]);
                }
            }
            self.unlink(messages[index]);
            if let Some(last) = chain.last() {
                self.link(*last, messages[index]);
            }
        }
        for node in 1..self.nodes.len() {
            if self.nodes[node].parent.is_none() {
                self.link(root, node);
            }
        }
    }

    /// Step 3, children before parents.
    fn prune(&mut self, node: usize) {
        for child in self.nodes[node].children.clone() {
            self.prune(child);
        }
        let Some(parent) = self.nodes[node].parent else { return };
        let children = self.nodes[node].children.clone();
        if self.nodes[node].message.is_some() || (parent == 0 && children.len() > 1) {
            return;
        }
        self.unlink(node);
        self.nodes[node].alive = false;
        for child in children {
            self.unlink(child);
            self.link(parent, child);
        }
    }

    fn message(&self, node: usize) -> usize {
        self.nodes[node].message.unwrap_or_else(|| self.message(self.nodes[node].children[0]))
    }

    fn sort(&mut self, node: usize) {
        let mut children = self.nodes[node].children.clone();
        children.sort_by_key(|child| (self.items[self.message(*child)].sent, self.message(*child)));
        self.nodes[node].children = children;
    }

    fn sort_all(&mut self, node: usize) {
        for child in self.nodes[node].children.clone() {
            self.sort_all(child);
        }
        self.sort(node);
    }

    fn subject(&self, node: usize) -> Option<Box<[u8]>> {
        self.items[self.message(node)].subject.clone()
    }

    fn is_dummy(&self, node: usize) -> bool {
        self.nodes[node].message.is_none()
    }

    fn is_reply(&self, node: usize) -> bool {
        self.nodes[node].message.is_some_and(|message| self.items[message].reply)
    }

    fn by_subject(&mut self) {
        let mut table = std::collections::HashMap::new();
        for current in self.nodes[0].children.clone() {
            let Some(subject) = self.subject(current) else { continue };
            match table.get(&subject).copied() {
                None => drop(table.insert(subject, current)),
                Some(known) => {
                    let criteria =
                        self.is_dummy(current) || (self.is_reply(known) && !self.is_reply(current));
                    if !self.is_dummy(known) && criteria {
                        table.insert(subject, current);
                    }
                }
            }
        }
        for current in self.nodes[0].children.clone() {
            if !self.nodes[0].children.contains(&current) {
                continue;
            }
            let Some(subject) = self.subject(current) else { continue };
            let known = table[&subject];
            if known == current {
                continue;
            }
            if self.is_dummy(known) && self.is_dummy(current) {
                for child in self.nodes[current].children.clone() {
                    self.unlink(child);
                    self.link(known, child);
                }
                self.unlink(current);
            } else if self.is_dummy(known) || (self.is_reply(current) && !self.is_reply(known)) {
                self.unlink(current);
                self.link(known, current);
            } else {
                let dummy = self.add(None);
                self.link(0, dummy);
                self.unlink(known);
                self.link(dummy, known);
                self.unlink(current);
                self.link(dummy, current);
                table.insert(subject, dummy);
            }
        }
    }

    fn told(&self, node: usize) -> String {
        let number = self.nodes[node].message.map(|message| (message + 1).to_string());
        let children = &self.nodes[node].children;
        match (number, &children[..]) {
            (Some(number), []) => number,
            (Some(number), [only]) => format!("{number} {}", self.told(*only)),
            (Some(number), _) => format!("{number} {}", self.lists(children)),
            (None, _) => self.lists(children),
        }
    }

    fn lists(&self, nodes: &[usize]) -> String {
        nodes.iter().map(|node| format!("({})", self.told(*node))).collect()
    }
}

fn transcript(items: &[Item]) -> String {
    let mut transcript = Transcript { items, nodes: Vec::new() };
    transcript.by_references();
    for child in transcript.nodes[0].children.clone() {
        transcript.prune(child);
    }
    for child in transcript.nodes[0].children.clone() {
        if transcript.is_dummy(child) {
            transcript.sort(child);
        }
    }
    transcript.sort(0);
    transcript.by_subject();
    transcript.sort_all(0);
    transcript.lists(&transcript.nodes[0].children)
}

/// ORDEREDSUBJECT, by looking for each thread's messages anew.
fn plain_ordered_subject(items: &[Item]) -> String {
    let mut threads: Vec<Vec<usize>> = Vec::new();
    for index in 0..items.len() {
        match threads.iter_mut().find(|thread| items[thread[0]].subject == items[index].subject) {
            Some(thread) => thread.push(index),
            None => threads.push(vec![index]),
        }
    }
    let key = |index: &usize| (items[*index].sent, *index);
    threads.iter_mut().for_each(|thread| thread.sort_by_key(key));
    threads.sort_by_key(|thread| key(&thread[0]));
    let list = |thread: &Vec<usize>| match &thread[..] {
        [only] => format!("({})", only + 1),
        [first, second] => format!("({} {})", first + 1, second + 1),
        several => {
            let rest: String = several[1..].iter().map(|index| format!("({})", index + 1)).collect();
            format!("({} {rest})", several[0] + 1)
        }
    };
    threads.iter().map(list).collect()
}

/// Few ids, dates and subjects, so that there are loops, duplicates, missing parents and messages that refer to themselves.
fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (
        0u64..8,
        prop::collection::vec(0u64..9, 0..4),
        0i64..4,
        0i64..4,
        prop::option::of(0u8..3),
        any::<bool>(),
    );
    let item = item.prop_map(|(id, mut references, sent, arrival, subject, reply)| {
        let mut seen = std::collections::HashSet::new();
        references.retain(|id| seen.insert(*id));
        let subject = subject.map(|subject| vec![subject].into());
        Item { sent, arrival, subject, reply, id: Some(id), references: references.into() }
    });
    prop::collection::vec(item, 0..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn references_are_the_steps_of_the_rfc(items in items()) {
        prop_assert_eq!(told(&references(&items), &items), transcript(&items));
    }

    #[test]
    fn ordered_subjects_are_those_of_a_plain_search(items in items()) {
        prop_assert_eq!(told(&ordered_subject(&items), &items), plain_ordered_subject(&items));
    }

    // draft-ietf-morg-inthread: threads are in the order of the latest INTERNALDATE in each, messages below one another in
    // that of their sent dates
    #[test]
    fn refs_are_in_the_order_of_the_latest_arrival(items in items()) {
        let threads = refs(&items);
        let latest = |root: &Node| {
            let (mut nodes, mut index) = (vec![*root], 0);
            while let Some(node) = nodes.get(index).copied() {
                nodes.extend(&threads.children[node as usize]);
                index += 1;
            }
            nodes.iter().filter_map(|node| items.get(*node as usize)).map(|item| item.arrival).max()
        };
        prop_assert!(threads.roots.iter().map(latest).is_sorted());
        for children in &threads.children {
            prop_assert!(children.iter().map(|child| items[*child as usize].sent).is_sorted());
        }
    }

    #[test]
    fn refs_tell_every_message_once(items in items()) {
        let text = told(&refs(&items), &items);
        let mut numbers: Vec<usize> =
            text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).map(|word| word.parse().unwrap()).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=items.len()).collect::<Vec<_>>());
    }
}
