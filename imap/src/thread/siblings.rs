//! Sorting siblings by sent date. RFC 5256 section 3, REFERENCES, steps 4 and 6

use super::{Item, Node, Threads};

impl Threads {
    /// The message that stands for a node: a dummy is represented by its first child.
    pub fn message(&self, items: usize, node: Node) -> Node {
        let is_dummy = node as usize >= items;
        let first = self.children.get(node as usize).and_then(|children| children.first());
        first.copied().filter(|_| is_dummy).unwrap_or(node)
    }

    /// The children of these nodes, none of which is a dummy.
    pub fn sort_children(&mut self, items: &[Item], nodes: &[Node]) {
        for &node in nodes {
            if let Some(children) = self.children.get_mut(node as usize) {
                children.sort_unstable_by_key(|&child| (sent(items, child), child));
            }
        }
    }

    /// The threads by their first messages; the children of dummies must be sorted.
    pub fn sort_roots(&mut self, items: &[Item]) {
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|&root| {
            let message = self.message(items.len(), root);
            (sent(items, message), message)
        });
        self.roots = roots;
    }
}

pub fn sent(items: &[Item], node: Node) -> i64 {
    items.get(node as usize).map_or(i64::MAX, |item| item.sent)
}
