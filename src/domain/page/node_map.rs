//! The nodes of one page as keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash as _, Hasher};

use ego_tree::NodeId;

pub(super) type NodeMap<V> = HashMap<NodeId, V, BuildHasherDefault<NodeHasher>>;

/// The number of a node: 1 for the root.
pub(super) fn number(node: NodeId) -> usize {
    let mut hasher = NodeHasher::default();
    node.hash(&mut hasher);
    usize::try_from(hasher.number).unwrap_or(usize::MAX)
}

/// Takes the number of a node as its hash. The tree numbers its nodes in the order in which it
/// creates them, so neighbours in the page stay neighbours in memory, and no two nodes collide.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodeHasher {
    number: u64,
}

impl Hasher for NodeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.number = (self.number << 8) | u64::from(*byte);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.number = number as u64;
    }

    /// The map compares the upper seven bits before it compares keys.
    fn finish(&self) -> u64 {
        self.number | (self.number << 57)
    }
}
