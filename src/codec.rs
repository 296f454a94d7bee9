//! Bytes that values are kept in: numbers of variable length, arrays of numbers, texts. What is read is checked at every
//! step: damaged bytes give [`Damaged`], never a wrong length, and never more memory than they have themselves.

/// Kept bytes that do not say what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was kept is damaged")]
pub struct Damaged;

/// Writes values one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    /// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
    pub(crate) fn number(&mut self, number: impl Into<u64>) {
        let mut rest: u64 = number.into();
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn field(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Four bytes a number, the lowest first: read back as fast as memory is copied.
    pub(crate) fn array(&mut self, numbers: impl ExactSizeIterator<Item = u32>) {
        self.count(numbers.len());
        self.bytes.extend(numbers.flat_map(u32::to_le_bytes));
    }
}

/// Reads what [`Writer`] wrote, in the same order.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Damaged)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    pub(crate) fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged)
    }

    pub(crate) fn truth(&mut self) -> Result<bool, Damaged> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }

    /// How many items follow; each takes a byte at least.
    pub(crate) fn count(&mut self) -> Result<usize, Damaged> {
        let count = usize::try_from(self.number()?).map_err(|_| Damaged)?;
        if count > self.rest.len() { Err(Damaged) } else { Ok(count) }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn field(&mut self) -> Result<&'a [u8], Damaged> {
        let length = self.count()?;
        self.take(length)
    }

    pub(crate) fn array(&mut self) -> Result<Vec<u32>, Damaged> {
        let count = self.count()?;
        let bytes = self.take(count.checked_mul(4).ok_or(Damaged)?)?;
        Ok(bytes.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect())
    }

    /// Each item of a list that begins with its count.
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Damaged>) -> Result<Vec<T>, Damaged> {
        (0..self.count()?).map(|_| item(self)).collect()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Damaged> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in prop::collection::vec(any::<u64>(), 0..20), bytes in any::<Vec<u8>>(), array in any::<Vec<u32>>()) {
            let mut writer = Writer::default();
            writer.count(numbers.len());
            for number in &numbers {
                writer.number(*number);
            }
            writer.field(&bytes);
            writer.array(array.iter().copied());
            let mut reader = Reader::new(&writer.bytes);
            prop_assert_eq!(reader.list(Reader::number).unwrap(), numbers);
            prop_assert_eq!(reader.field().unwrap(), &bytes[..]);
            prop_assert_eq!(reader.array().unwrap(), array);
            prop_assert_eq!(reader.end(), Ok(()));
            for length in 0..writer.bytes.len() {
                let mut cut = Reader::new(&writer.bytes[..length]);
                let read = cut.list(Reader::number).and_then(|_| cut.field().and_then(|_| cut.array()));
                prop_assert_eq!(read, Err(Damaged));
            }
        }
    }

    #[test]
    fn no_count_makes_room_for_more_than_there_is() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Reader::new(&huge).array(), Err(Damaged));
        assert_eq!(Reader::new(&huge).field(), Err(Damaged));
        assert_eq!(Reader::new(&[0xff; 11]).number(), Err(Damaged));
    }
}
