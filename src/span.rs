//! Spans of time, half open, and the arithmetic of sets of them.
//!
//! A *set* is a sorted slice of spans that neither overlap nor touch nor are empty, as [`normalised`] makes one. OpenVPMS
//! answers with empty, touching and overlapping ranges; everything that computes starts from normalised ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// From `start` (included) to `end` (not included).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first instant inside.
    pub start: DateTime<Utc>,
    /// The first instant after.
    pub end: DateTime<Utc>,
}

impl Span {
    /// A span; empty when `end` is not after `start`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self { start, end }
    }

    /// True if no instant is inside.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The length in real minutes, cut down to whole ones.
    pub fn minutes(&self) -> i64 {
        (self.end - self.start).num_minutes()
    }

    /// True if some instant is in both.
    pub fn overlaps(&self, other: &Span) -> bool {
        self.start < other.end && other.start < self.end && !self.is_empty() && !other.is_empty()
    }

    /// True if every instant of `other` is inside.
    pub fn contains(&self, other: &Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// True if the instant is inside.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.start <= at && at < self.end
    }

    /// What is in both; perhaps empty.
    #[must_use]
    pub fn cut(&self, other: &Span) -> Span {
        Span { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// The set of everything that is inside any of the spans, in any order.
pub fn normalised(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.into_iter().filter(|span| !span.is_empty()).collect();
    spans.sort_unstable();
    let mut set: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match set.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => set.push(span),
        }
    }
    set
}

/// What is in both sets.
pub fn intersection(a: &[Span], b: &[Span]) -> Vec<Span> {
    let (mut i, mut j, mut set) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let both = x.cut(y);
        if !both.is_empty() {
            set.push(both);
        }
        if x.end <= y.end { i += 1 } else { j += 1 }
    }
    set
}

/// What is in set `a` and not in set `b`.
pub fn difference(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut set = Vec::new();
    let mut first = 0;
    for span in a {
        while b.get(first).is_some_and(|cut| cut.end <= span.start) {
            first += 1;
        }
        let mut from = span.start;
        for cut in b.iter().skip(first).take_while(|cut| cut.start < span.end) {
            if from < cut.start {
                set.push(Span { start: from, end: cut.start });
            }
            from = from.max(cut.end);
        }
        if from < span.end {
            set.push(Span { start: from, end: span.end });
        }
    }
    set
}

/// True if the set holds every instant of the span.
pub fn covers(set: &[Span], span: &Span) -> bool {
    span.is_empty() || {
        let after = set.partition_point(|own| own.start <= span.start);
        after > 0 && set[after - 1].contains(span)
    }
}

/// True if some instant of the span is in the set.
pub fn touches(set: &[Span], span: &Span) -> bool {
    let first = set.partition_point(|own| own.end <= span.start);
    set.get(first).is_some_and(|own| own.overlaps(span))
}
