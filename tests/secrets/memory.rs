//! What stands in the memory of this process, as the kernel shows it to the process itself.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};

const PIECE_BYTES: usize = 1 << 20;
const BLOCK_BYTES: usize = 1 << 8;
/// Needles are kept like this, so that the search does not find itself.
const MASK: u8 = 0x5a;

/// An allocator writes so much of its own over the beginning of what is freed.
const OVERWRITTEN_BYTES: usize = 16;

/// A text that stands nowhere in the memory but masked; of it, what an allocator leaves alone.
pub(crate) struct Needle(Vec<u8>);

impl Needle {
    pub(crate) fn of(text: &[u8]) -> Self {
        let rest = &text[OVERWRITTEN_BYTES..];
        assert!(rest.len() >= 16, "long enough to be nothing else");
        Self(rest.iter().map(|byte| byte ^ MASK).collect())
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.0.len() && bytes.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }

    /// How often it stands in the memory that this process can write: heap and stacks, freed parts
    /// included.
    pub(crate) fn occurrences(&self) -> usize {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let mut piece = vec![0; PIECE_BYTES + self.0.len()];
        let own = piece.as_ptr() as u64;
        let own = own..own + piece.len() as u64;
        let mut found = 0;
        for (mut from, to) in maps.lines().filter_map(writable) {
            while from < to {
                // Pieces overlap by less than a needle: each occurrence is whole in one of them, and counted once.
                let length = usize::try_from(to - from).unwrap().min(piece.len());
                memory.seek(SeekFrom::Start(from)).unwrap();
                if memory.read_exact(&mut piece[..length]).is_err() {
                    break;
                }
                let starts = length.min(PIECE_BYTES);
                // Most blocks lack its first byte, and `contains` is quick without optimisation too.
                let block = |from: usize| from..(from + BLOCK_BYTES).min(starts);
                found += (0..starts)
                    .step_by(BLOCK_BYTES)
                    .filter(|from| piece[block(*from)].contains(&(self.0[0] ^ MASK)))
                    .flat_map(block)
                    .filter(|at| piece[*at] ^ MASK == self.0[0] && !own.contains(&(from + *at as u64)))
                    .filter(|at| self.is_at(&piece[*at..length]))
                    .count();
                piece.fill(0);
                from += starts as u64;
            }
        }
        found
    }
}

/// The bounds of a part of the memory that can be written and read.
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (bounds, rights) = (words.next()?, words.next()?);
    let (from, to) = bounds.split_once('-')?;
    rights.starts_with("rw").then_some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
}
