//! Spans of time, half open, and the arithmetic of sets of them.
//!
//! A *set* is a sorted slice of spans that neither overlap nor touch nor are empty, as
//! [`normalised`] makes one. OpenVPMS answers with empty, touching and overlapping ranges;
//! everything that computes starts from normalised ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// From `start` (included) to `end` (not included).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first instant inside.
    #[serde(with = "crate::dates::kept::moment")]
    pub start: DateTime<Utc>,
    /// The first instant after.
    #[serde(with = "crate::dates::kept::moment")]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    fn span(start: i64, end: i64) -> Span {
        Span::new(at(start), at(end))
    }

    /// The slow model: the minutes inside, one by one.
    fn minutes(spans: &[Span]) -> BTreeSet<i64> {
        let inside = |span: &Span| (span.start - at(0)).num_minutes()..(span.end - at(0)).num_minutes();
        spans.iter().flat_map(inside).collect()
    }

    fn is_a_set(spans: &[Span]) -> bool {
        spans.iter().all(|span| !span.is_empty()) && spans.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    /// Spans in any order: empty, backwards, touching, overlapping.
    fn heap() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0..60i64, -2..20i64).prop_map(|(start, length)| span(start, start + length)), 0..12)
    }

    #[test]
    fn ranges_that_touch_become_one_and_empty_ones_nothing() {
        let untidy = [span(14, 14), span(20, 30), span(9, 14), span(14, 17), span(5, 3)];
        assert_eq!(normalised(untidy), [span(9, 17), span(20, 30)]);
    }

    #[test]
    fn a_span_knows_its_edges() {
        assert!(span(5, 10).holds(at(5)) && !span(5, 10).holds(at(10)));
        assert!(span(5, 10).overlaps(&span(9, 12)) && !span(5, 10).overlaps(&span(10, 12)));
        assert!(!span(5, 10).overlaps(&span(7, 7)), "nothing is in an empty span");
        assert_eq!((span(5, 10).minutes(), span(5, 10).cut(&span(8, 20))), (5, span(8, 10)));
    }

    proptest! {
        #[test]
        fn normalised_spans_are_a_set_of_the_same_minutes(heap in heap()) {
            let set = normalised(heap.clone());
            prop_assert!(is_a_set(&set));
            prop_assert_eq!(minutes(&set), minutes(&heap));
        }

        #[test]
        fn set_arithmetic_is_that_of_minutes(a in heap(), b in heap()) {
            let (a, b) = (normalised(a), normalised(b));
            let (ours, theirs) = (minutes(&a), minutes(&b));
            let (both, less) = (intersection(&a, &b), difference(&a, &b));
            prop_assert!(is_a_set(&both) && is_a_set(&less));
            prop_assert_eq!(minutes(&both), &ours & &theirs);
            prop_assert_eq!(minutes(&less), &ours - &theirs);
        }

        #[test]
        fn covering_and_touching_are_those_of_minutes(set in heap(), start in 0..60i64, length in 0..15i64) {
            let set = normalised(set);
            let (inside, asked) = (minutes(&set), minutes(&[span(start, start + length)]));
            prop_assert_eq!(covers(&set, &span(start, start + length)), asked.is_subset(&inside));
            prop_assert_eq!(touches(&set, &span(start, start + length)), !asked.is_disjoint(&inside));
        }
    }
}
