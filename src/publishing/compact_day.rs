//! The offers of a day in some dozen bytes.
//!
//! What was last sent is remembered of every resource and day: a large group has hundreds of
//! thousands of them, of which a reading compares one at a time. So a day is kept as a row of
//! numbers, small ones in one byte, and unfolded for whoever looks at it: the slot size; each set
//! of appointment types that occurs; each piece, as its distance from the one before it, its length
//! and the number of its set.

use crate::availability::{Day, Piece};
use crate::ids::AppointmentTypeId;
use crate::small_numbers::{Numbers, put, put_signed};

/// A day as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactDay(Box<[u8]>);

impl CompactDay {
    /// Folds a day up.
    pub fn of(day: &Day) -> Self {
        let mut bytes = Vec::with_capacity(64);
        let mut sets: Vec<&[AppointmentTypeId]> = Vec::new();
        let mut numbers = Vec::with_capacity(day.pieces().len());
        for piece in day.pieces() {
            numbers.push(sets.iter().position(|set| *set == piece.types).unwrap_or_else(|| {
                sets.push(&piece.types);
                sets.len() - 1
            }));
        }
        put(&mut bytes, day.slot_size_minutes().into());
        put(&mut bytes, sets.len() as u64);
        for set in sets {
            put(&mut bytes, set.len() as u64);
            set.iter().for_each(|kind| put_signed(&mut bytes, kind.0));
        }
        let mut last_end = 0;
        for (piece, number) in day.pieces().iter().zip(numbers) {
            let Piece { start_minute, end_minute, types: _ } = piece;
            put_signed(&mut bytes, i64::from(*start_minute) - last_end);
            put_signed(&mut bytes, i64::from(*end_minute) - i64::from(*start_minute));
            put(&mut bytes, number as u64);
            last_end = i64::from(*end_minute);
        }
        Self(bytes.into_boxed_slice())
    }

    /// The slot size of the schedule.
    pub fn slot_size_minutes(&self) -> u32 {
        slot_size(&mut Numbers(&self.0)).unwrap_or_default()
    }

    /// The day that was folded up.
    pub fn unfold(&self) -> Day {
        let mut numbers = Numbers(&self.0);
        let slot_size_minutes = slot_size(&mut numbers).unwrap_or_default();
        let sets: Vec<Vec<AppointmentTypeId>> = (0..numbers.next().unwrap_or_default())
            .map_while(|_| {
                let length = numbers.next()?;
                (0..length).map(|_| numbers.signed().map(AppointmentTypeId)).collect()
            })
            .collect();
        let mut pieces = Vec::new();
        let mut last_end = 0;
        while let Some(piece) = next_piece(&mut numbers, last_end, &sets) {
            last_end = piece.end_minute;
            pieces.push(piece);
        }
        Day::of_pieces(slot_size_minutes, pieces)
    }
}

fn slot_size(numbers: &mut Numbers<'_>) -> Option<u32> {
    u32::try_from(numbers.next()?).ok()
}

fn minutes(numbers: &mut Numbers<'_>, since: u32) -> Option<u32> {
    u32::try_from(i64::from(since) + numbers.signed()?).ok()
}

fn next_piece(numbers: &mut Numbers<'_>, last_end: u32, sets: &[Vec<AppointmentTypeId>]) -> Option<Piece> {
    let start_minute = minutes(numbers, last_end)?;
    let end_minute = minutes(numbers, start_minute)?;
    let types = sets.get(usize::try_from(numbers.next()?).ok()?)?.clone();
    Some(Piece { start_minute, end_minute, types })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn day(slot_size_minutes: u32, pieces: &[(u32, u32, Vec<i64>)]) -> Day {
        let piece = |(start_minute, end_minute, types): &(u32, u32, Vec<i64>)| Piece {
            start_minute: *start_minute,
            end_minute: *end_minute,
            types: types.iter().copied().map(AppointmentTypeId).collect(),
        };
        Day::of_pieces(slot_size_minutes, pieces.iter().map(piece).collect())
    }

    #[test]
    fn a_day_with_a_lunch_break_and_two_sets_of_types_takes_less_than_forty_bytes() {
        let (both, short) = (Vec::from([63, 66, 1_000]), Vec::from([66]));
        let day =
            day(15, &[(540, 705, both.clone()), (705, 720, short.clone()), (780, 1_005, both), (1_005, 1_020, short)]);
        let compact = CompactDay::of(&day);
        assert_eq!(compact.unfold(), day);
        assert!(compact.0.len() < 40, "{}", compact.0.len());
    }

    proptest! {
        #[test]
        fn every_day_is_unfolded_as_it_was(
            slot in any::<u32>(),
            pieces in vec((any::<u32>(), any::<u32>(), vec(any::<i64>(), 0..4)), 0..9),
        ) {
            let day = day(slot, &pieces);
            prop_assert_eq!(CompactDay::of(&day).unfold(), day);
        }
    }
}
