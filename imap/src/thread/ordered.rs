//! ORDEREDSUBJECT. RFC 5256 section 3

use super::{Item, Node, Threads};

/// Messages with the same base subject are a thread, the earliest sent its root, the others the root's children.
pub fn ordered_subject(items: &[Item]) -> Threads {
    let mut order: Vec<Node> = (0..items.len() as Node).collect();
    let item = |node: Node| &items[node as usize];
    order.sort_unstable_by(|&one, &other| {
        let (first, second) = (item(one), item(other));
        first.subject.cmp(&second.subject).then(first.sent.cmp(&second.sent)).then(one.cmp(&other))
    });
    let mut threads = Threads { roots: Vec::new(), children: vec![Vec::new(); items.len()] };
    for thread in order.chunk_by(|&one, &other| item(one).subject == item(other).subject) {
        if let Some((&root, children)) = thread.split_first() {
            threads.roots.push(root);
            threads.children[root as usize] = children.to_vec();
        }
    }
    threads.sort_roots(items);
    threads
}
