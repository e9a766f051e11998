//! Maps with the nodes of one page as keys.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use ego_tree::NodeId;

pub(super) type NodeMap<V> = HashMap<NodeId, V, BuildHasherDefault<NodeHasher>>;
pub(super) type NodeSet = HashSet<NodeId, BuildHasherDefault<NodeHasher>>;

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
