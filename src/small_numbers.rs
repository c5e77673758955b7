//! Numbers in as few bytes as they need, one after the other: what is kept of many days in memory
//! consists of small ones.

/// Seven bits in each byte, the lowest first; the eighth says that more follow.
pub(crate) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Small numbers of either sign are small.
pub(crate) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)) as u64);
}

/// Reads what was put.
pub(crate) struct Numbers<'a>(pub(crate) &'a [u8]);

impl Numbers<'_> {
    /// The next one; `None` if there is none.
    pub(crate) fn next(&mut self) -> Option<u64> {
        let length = self.0.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (own, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(own.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7F)))
    }

    /// The same of one of either sign.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.next()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}
