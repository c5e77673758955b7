//! The picture of a day: down the page each time with what stands there, and beside it what
//! Healthengine was last sent.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::availability::explanation::{Code, ExplainedSlot};

/// The height of one row.
const ROW: usize = 18;
/// A stretch without offers is no higher than so many rows, however long it lasts.
const ROWS_MAX: usize = 4;
const WIDTH: usize = 360;

/// Times that are alike, as one block.
struct AlikeSlots<'a> {
    slots: &'a [ExplainedSlot],
    top: usize,
    rows: usize,
}

/// The picture. `label` says what stands at a time, `sent` are the minutes of the starts that
/// Healthengine was last sent.
pub(super) fn picture(
    slots: &[ExplainedSlot],
    label: impl Fn(&ExplainedSlot) -> String,
    sent: &BTreeSet<u32>,
) -> Markup {
    let blocks = blocks(slots, sent);
    let height = blocks.last().map_or(ROW, |last| last.top + last.rows * ROW) + ROW;
    html! {
        svg.day viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-label="The day, time by time" {
            text x="50" y="12" { "diary" } text x="96" y="12" { "sent" }
            @for block in &blocks { (draw(block, &label, sent)) }
        }
    }
}

/// Times that are alike, and were sent alike: what was sent has its edges where they are.
fn blocks<'a>(slots: &'a [ExplainedSlot], sent: &BTreeSet<u32>) -> Vec<AlikeSlots<'a>> {
    let mut top = ROW;
    let mut blocks = Vec::new();
    let is_sent = |slot: &ExplainedSlot| sent.contains(&slot.minute);
    for alike in slots.chunk_by(|one, next| one.is_like(next) && is_sent(one) == is_sent(next)) {
        let is_offered = alike.first().is_some_and(|slot| slot.code == Code::Offered);
        let rows = if is_offered { alike.len() } else { alike.len().min(ROWS_MAX) };
        blocks.push(AlikeSlots { slots: alike, top, rows });
        top += rows * ROW;
    }
    blocks
}

fn draw(block: &AlikeSlots<'_>, label: impl Fn(&ExplainedSlot) -> String, sent: &BTreeSet<u32>) -> Markup {
    let (Some(first), Some(last)) = (block.slots.first(), block.slots.last()) else { return html! {} };
    let text = label(first);
    let is_offered = first.code == Code::Offered;
    // Offered starts stand one by one; of the others the block says it for all.
    let pieces: Vec<(&ExplainedSlot, &ExplainedSlot, usize, usize)> = if is_offered {
        block.slots.iter().enumerate().map(|(row, slot)| (slot, slot, block.top + row * ROW, ROW)).collect()
    } else {
        vec![(first, last, block.top, block.rows * ROW)]
    };
    html! {
        @for (from, to, top, height) in pieces {
            g role="img" aria-label={ (clock(from.minute)) " to " (clock(to.end_minute)) ": " (text) } {
                title { (clock(from.minute)) "-" (clock(to.end_minute)) ": " (text) }
                text x="0" y=(top + 13) { (clock(from.minute)) }
                rect class={ "slot " (first.code.name()) } x="44" y=(top) width="44" height=(height) {}
                @if sent.contains(&from.minute) {
                    rect class="slot offered" x="96" y=(top) width="12" height=(height) {}
                }
                text x="116" y=(top + 13) { (text) }
            }
        }
    }
}

/// `09:30`.
pub(super) fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(minute: u32, code: Code) -> ExplainedSlot {
        ExplainedSlot::of(minute, minute + 15, code)
    }

    #[test]
    fn every_offered_start_has_a_row_and_a_long_closed_stretch_has_few() {
        let closed = (0..36).map(|index| slot(index * 15, Code::Closed));
        let open = (36..40).map(|index| slot(index * 15, Code::Offered));
        let slots: Vec<ExplainedSlot> = closed.chain(open).collect();
        let blocks = blocks(&slots, &BTreeSet::new());
        assert_eq!(blocks.iter().map(|block| block.rows).collect::<Vec<_>>(), [ROWS_MAX, 4]);
        let drawn = picture(&slots, |slot| format!("says {}", slot.code.name()), &BTreeSet::from([540])).into_string();
        assert_eq!(drawn.matches("says offered</title>").count(), 4);
        assert!(drawn.contains("aria-label=\"00:00 to 09:00: says closed\""), "{drawn}");
        assert_eq!(drawn.matches("x=\"96\" y=\"90\" width=\"12\"").count(), 1, "{drawn}");
    }

    #[test]
    fn what_was_sent_is_drawn_where_it_was_sent_though_the_diary_is_not_known() {
        let slots: Vec<ExplainedSlot> = (0..96).map(|index| slot(index * 15, Code::NotRead)).collect();
        let sent: BTreeSet<u32> = (36..40).map(|index| index * 15).collect();
        let drawn = picture(&slots, |slot| slot.code.name().to_owned(), &sent).into_string();
        let stretches = ["00:00 to 09:00", "09:00 to 10:00", "10:00 to 24:00"];
        assert!(stretches.iter().all(|own| drawn.contains(&format!("aria-label=\"{own}: not_read\""))), "{drawn}");
        assert_eq!(drawn.matches("slot offered").count(), 1, "{drawn}");
    }
}
