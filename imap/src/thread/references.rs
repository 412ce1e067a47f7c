//! REFERENCES (RFC 5256 section 3) and REFS (draft-ietf-morg-inthread): replies below what they reply to.

use std::collections::HashMap;

use super::paths::Paths;
use super::{Item, Node, Threads};

/// All six steps.
pub fn references(items: &[Item]) -> Threads {
    let mut threads = Links::new(items).threads(items.len());
    let dummies: Vec<Node> = threads.dummies(items.len());
    // Step 4
    threads.sort_children(items, &dummies);
    threads.sort_roots(items);
    Subjects { items, threads: &mut threads, table: HashMap::new() }.merge();
    // Step 6
    let all: Vec<Node> = (0..threads.children.len() as Node).collect();
    threads.sort_children(items, &all);
    threads.sort_roots(items);
    threads
}

/// As REFERENCES, but subjects do not matter, and the threads are in the order of their latest arrivals.
pub fn refs(items: &[Item]) -> Threads {
    let mut threads = Links::new(items).threads(items.len());
    let all: Vec<Node> = (0..threads.children.len() as Node).collect();
    threads.sort_children(items, &all);
    let latest: HashMap<Node, (i64, Node)> =
        threads.roots.iter().map(|&root| (root, threads.latest(items, root))).collect();
    threads.roots.sort_unstable_by_key(|root| latest.get(root).copied());
    threads
}

/// Who replied to whom: steps 1 and 2.
struct Links {
    /// By node. The dummies stand behind the messages.
    parents: Vec<Option<Node>>,
    has_children: Vec<bool>,
    by_id: HashMap<u64, Node>,
    paths: Paths,
}

impl Links {
    fn new(items: &[Item]) -> Links {
        let (parents, has_children) = (Vec::new(), Vec::new());
        let mut links = Links { parents, has_children, by_id: HashMap::new(), paths: Paths::default() };
        for item in items {
            let node = links.add();
            // "If two or more messages have the same Message ID, then only use that Message ID in the first"
            if let Some(id) = item.id {
                links.by_id.entry(id).or_insert(node);
            }
        }
        for (node, item) in (0..).zip(items) {
            links.link_message(node, item);
        }
        links
    }

    fn add(&mut self) -> Node {
        self.parents.push(None);
        self.has_children.push(false);
        self.paths.add();
        self.parents.len() as Node - 1
    }

    fn link_message(&mut self, node: Node, item: &Item) {
        // Step 1.A
        let mut last = None;
        for id in &item.references {
            let reference = match self.by_id.get(id) {
                Some(&known) => known,
                None => {
                    let dummy = self.add();
                    self.by_id.insert(*id, dummy);
                    dummy
                }
            };
            if let Some(parent) = last
                && self.parents[reference as usize].is_none()
            {
                self.link(parent, reference);
            }
            last = Some(reference);
        }
        // Step 1.B
        if self.parents[node as usize].take().is_some() {
            self.paths.cut(node);
        }
        if let Some(parent) = last {
            self.link(parent, node);
        }
    }

    /// Unless that would make a loop.
    fn link(&mut self, parent: Node, child: Node) {
        let is_loop =
            parent == child || (self.has_children[child as usize] && self.paths.root(parent) == child);
        if is_loop {
            return;
        }
        self.paths.link(child, parent);
        self.parents[child as usize] = Some(parent);
        self.has_children[parent as usize] = true;
    }

    /// Step 3, and what is left of the dummies: those at the top that have several children.
    ///
    /// A dummy below another node makes way for its children, so each message ends up below the nearest message above it, or
    /// below the dummy at the top.
    fn threads(&self, items: usize) -> Threads {
        let mut above: Vec<Option<Node>> = vec![None; self.parents.len()];
        let mut threads = Threads { roots: Vec::new(), children: vec![Vec::new(); self.parents.len()] };
        for node in self.top_down() {
            let parent = self.parents[node as usize];
            let stays = |parent: Node| (parent as usize) < items || self.parents[parent as usize].is_none();
            let parent = match parent {
                Some(parent) if !stays(parent) => above[parent as usize],
                parent => parent,
            };
            above[node as usize] = parent;
            match parent {
                Some(parent) if (node as usize) < items => threads.children[parent as usize].push(node),
                None => threads.roots.push(node),
                Some(_) => {}
            }
        }
        let roots = std::mem::take(&mut threads.roots);
        for root in roots {
            match &mut threads.children[root as usize] {
                children if (root as usize) < items || children.len() > 1 => threads.roots.push(root),
                only => threads.roots.append(only),
            }
        }
        threads
    }

    /// Every node, none before its parent.
    fn top_down(&self) -> Vec<Node> {
        let mut starts = vec![0usize; self.parents.len() + 1];
        for parent in self.parents.iter().flatten() {
            starts[*parent as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut children = vec![0; starts[self.parents.len()]];
        let mut order: Vec<Node> = Vec::with_capacity(self.parents.len());
        for (node, parent) in (0..).zip(&self.parents) {
            match parent {
                None => order.push(node),
                Some(parent) => {
                    let place = &mut next[*parent as usize];
                    children[*place] = node;
                    *place += 1;
                }
            }
        }
        let mut at = 0;
        while let Some(&node) = order.get(at) {
            order.extend_from_slice(&children[starts[node as usize]..starts[node as usize + 1]]);
            at += 1;
        }
        order
    }
}

impl Threads {
    fn dummies(&self, items: usize) -> Vec<Node> {
        self.roots.iter().copied().filter(|&root| root as usize >= items).collect()
    }

    /// The latest arrival in a thread, and which message that is.
    fn latest(&self, items: &[Item], root: Node) -> (i64, Node) {
        let mut latest = (i64::MIN, 0);
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if let Some(item) = items.get(node as usize) {
                latest = latest.max((item.arrival, node));
            }
            stack.extend_from_slice(&self.children[node as usize]);
        }
        latest
    }
}

/// Step 5: threads with the same subject become one.
struct Subjects<'a> {
    items: &'a [Item],
    threads: &'a mut Threads,
    table: HashMap<&'a [u8], Node>,
}

impl<'a> Subjects<'a> {
    fn merge(&mut self) {
        let roots = std::mem::take(&mut self.threads.roots);
        let subjects: Vec<Option<&'a [u8]>> = roots.iter().map(|&root| self.subject(root)).collect();
        // Step 5.B
        for (&root, subject) in roots.iter().zip(&subjects) {
            if let Some(subject) = subject {
                let known = *self.table.entry(subject).or_insert(root);
                let better = self.is_dummy(root) || (self.is_reply(known) && !self.is_reply(root));
                if !self.is_dummy(known) && better {
                    self.table.insert(subject, root);
                }
            }
        }
        // Step 5.C
        let mut gone = vec![false; self.threads.children.len()];
        for (&root, subject) in roots.iter().zip(&subjects) {
            if let Some(subject) = subject {
                self.merge_thread(root, subject, &mut gone);
            }
        }
        let added = gone.len() as Node..self.threads.children.len() as Node;
        let kept = roots.into_iter().filter(|&root| !gone[root as usize]);
        self.threads.roots = kept.chain(added).collect();
    }

    fn merge_thread(&mut self, current: Node, subject: &'a [u8], gone: &mut [bool]) {
        let known = self.table.get(subject).copied().unwrap_or(current);
        // One that is gone is no child of the root any more.
        if known == current || gone[current as usize] {
            return;
        }
        gone[current as usize] = true;
        if self.is_dummy(known) && self.is_dummy(current) {
            let children = std::mem::take(&mut self.threads.children[current as usize]);
            self.threads.children[known as usize].extend(children);
        } else if self.is_dummy(known) || (self.is_reply(current) && !self.is_reply(known)) {
            self.threads.children[known as usize].push(current);
        } else {
            gone[known as usize] = true;
            let dummy = self.threads.children.len() as Node;
            self.threads.children.push(vec![known, current]);
            self.table.insert(subject, dummy);
        }
    }

    /// Step 5.B.i. `None`: it is empty.
    fn subject(&self, root: Node) -> Option<&'a [u8]> {
        let message = self.threads.message(self.items.len(), root);
        self.items.get(message as usize)?.subject.as_deref()
    }

    fn is_dummy(&self, node: Node) -> bool {
        node as usize >= self.items.len()
    }

    fn is_reply(&self, node: Node) -> bool {
        self.items.get(node as usize).is_some_and(|item| item.reply)
    }
}
