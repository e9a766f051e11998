//! Circles of files: each file of a circle uses itself through the others.

use super::uses::Uses;

/// The files of every circle, by their indexes (Tarjan's strongly connected components).
pub(super) fn circles(files: usize, uses: &Uses) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); files];
    for (from, to) in uses.keys() {
        next[*from].push(*to);
    }
    let mut search = Search {
        next,
        order: vec![None; files],
        lowest: vec![0; files],
        is_open: vec![false; files],
        open: Vec::new(),
        count: 0,
        found: Vec::new(),
    };
    for file in 0..files {
        if search.order[file].is_none() {
            search.visit(file);
        }
    }
    search.found
}

struct Search {
    next: Vec<Vec<usize>>,
    order: Vec<Option<usize>>,
    lowest: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    count: usize,
    found: Vec<Vec<usize>>,
}

impl Search {
    fn visit(&mut self, file: usize) {
        let number = self.count;
        self.count += 1;
        self.order[file] = Some(number);
        self.lowest[file] = number;
        self.open.push(file);
        self.is_open[file] = true;
        for to in self.next[file].clone() {
            match self.order[to] {
                None => {
                    self.visit(to);
                    self.lowest[file] = self.lowest[file].min(self.lowest[to]);
                }
                Some(order) if self.is_open[to] => self.lowest[file] = self.lowest[file].min(order),
                Some(_) => {}
            }
        }
        if self.lowest[file] == number {
            let at = self.open.iter().position(|open| *open == file).unwrap();
            let mut circle = self.open.split_off(at);
            for member in &circle {
                self.is_open[*member] = false;
            }
            if circle.len() > 1 {
                circle.sort_unstable();
                self.found.push(circle);
            }
        }
    }
}
