//! Counts of responses since the start, for the metrics. Visitors are not counted.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

/// The classes of status codes, 1xx to 5xx.
const STATUS_CLASSES: usize = 5;

#[derive(Debug, Default)]
pub(super) struct RequestCounters {
    by_status_class: [AtomicU64; STATUS_CLASSES],
    copies_opened: AtomicU64,
}

impl RequestCounters {
    pub(super) fn count_response(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(count) = class.checked_sub(1).and_then(|index| self.by_status_class.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_opened_copy(&self) {
        self.copies_opened.fetch_add(1, Ordering::Relaxed);
    }

    /// The first digit of the status code, and the number of responses.
    pub(super) fn responses(&self) -> impl Iterator<Item = (usize, u64)> {
        (1..).zip(&self.by_status_class).map(|(class, count)| (class, count.load(Ordering::Relaxed)))
    }

    pub(super) fn copies_opened(&self) -> u64 {
        self.copies_opened.load(Ordering::Relaxed)
    }
}
