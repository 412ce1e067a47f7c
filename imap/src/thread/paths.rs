//! The root of a node in a forest that is linked and cut, without walking up: a link-cut tree. Each operation costs about the
//! logarithm of the number of nodes, so that the test for loops is no walk up a deep thread.
//!
//! Nodes of one path from a root downwards are a binary tree, in order of depth, which is splayed at each access.

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Cell {
    /// In the binary tree; of its topmost cell: the node that the path hangs from.
    parent: u32,
    children: [u32; 2],
}

#[derive(Default)]
pub struct Paths {
    cells: Vec<Cell>,
}

impl Paths {
    /// A new node, a root.
    pub fn add(&mut self) {
        self.cells.push(Cell { parent: NONE, children: [NONE; 2] });
    }

    /// `child` must be a root, and not that of `parent`.
    pub fn link(&mut self, child: u32, parent: u32) {
        self.access(child);
        self.cell_mut(child).parent = parent;
    }

    /// Makes the node a root.
    pub fn cut(&mut self, node: u32) {
        self.access(node);
        let above = std::mem::replace(&mut self.cell_mut(node).children[0], NONE);
        if above != NONE {
            self.cell_mut(above).parent = NONE;
        }
    }

    pub fn root(&mut self, node: u32) -> u32 {
        self.access(node);
        let mut root = node;
        while self.cell(root).children[0] != NONE {
            root = self.cell(root).children[0];
        }
        self.splay(root);
        root
    }

    fn cell(&self, node: u32) -> Cell {
        self.cells[node as usize]
    }

    fn cell_mut(&mut self, node: u32) -> &mut Cell {
        &mut self.cells[node as usize]
    }

    /// Makes the path from the root to this node one binary tree with the node on top.
    fn access(&mut self, node: u32) {
        let (mut below, mut at) = (NONE, node);
        while at != NONE {
            self.splay(at);
            self.cell_mut(at).children[1] = below;
            (below, at) = (at, self.cell(at).parent);
        }
        self.splay(node);
    }

    fn splay(&mut self, node: u32) {
        while let Some(side) = self.side(node) {
            let parent = self.cell(node).parent;
            match self.side(parent) {
                Some(above) if above == side => self.rotate(parent),
                Some(_) => self.rotate(node),
                None => {}
            }
            self.rotate(node);
        }
    }

    /// Which child of its parent it is; `None` for the topmost cell.
    fn side(&self, node: u32) -> Option<usize> {
        let parent = self.cell(node).parent;
        (parent != NONE).then(|| self.cell(parent).children.iter().position(|child| *child == node))?
    }

    /// Swaps a cell with its parent.
    fn rotate(&mut self, node: u32) {
        let Some(side) = self.side(node) else { return };
        let parent = self.cell(node).parent;
        let moved = self.cell(node).children[1 - side];
        if let Some(above) = self.side(parent) {
            let grandparent = self.cell(parent).parent;
            self.cell_mut(grandparent).children[above] = node;
        }
        self.cell_mut(node).parent = self.cell(parent).parent;
        self.cell_mut(node).children[1 - side] = parent;
        self.cell_mut(parent).parent = node;
        self.cell_mut(parent).children[side] = moved;
        if moved != NONE {
            self.cell_mut(moved).parent = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn roots_are_those_of_a_walk(steps in prop::collection::vec((0u32..12, 0u32..12, any::<bool>()), 0..80)) {
            let mut paths = Paths::default();
            (0..12).for_each(|_| paths.add());
            let mut parents = [None; 12];
            for (node, other, link) in steps {
                let walk = |parents: &[Option<u32>], mut at: u32| {
                    while let Some(parent) = parents[at as usize] { at = parent; }
                    at
                };
                if !link {
                    paths.cut(node);
                    parents[node as usize] = None;
                } else if parents[node as usize].is_none() && walk(&parents, other) != node {
                    paths.link(node, other);
                    parents[node as usize] = Some(other);
                }
                for at in 0..12 {
                    prop_assert_eq!(paths.root(at), walk(&parents, at));
                }
            }
        }
    }
}
