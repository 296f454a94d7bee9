//! Bytes that values are kept in: numbers of variable length, arrays of numbers, texts. What is read is checked at every
//! step: damaged bytes give [`Damaged`], never a wrong length, and never more memory than they have themselves.

use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};
use std::{fmt, io};

/// Kept bytes that do not say what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was kept is damaged")]
pub struct Damaged;

/// A part of bytes that several parts share, so that nothing of them is copied.
#[derive(Clone, Default)]
pub(crate) struct Bytes {
    whole: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl From<Vec<u8>> for Bytes {
    fn from(whole: Vec<u8>) -> Self {
        Self { range: 0..whole.len(), whole: Arc::new(whole) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// Takes bytes in parts, one part behind the other and each piece by piece: what is kept is nowhere in memory as a whole.
pub trait Parts {
    /// What is written from now on belongs to another part.
    fn begin(&mut self) -> io::Result<()>;
    /// Adds to the part that was begun last.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

#[cfg(any(test, fuzzing))]
impl Parts for Vec<Vec<u8>> {
    fn begin(&mut self) -> io::Result<()> {
        self.push(Vec::new());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.last_mut().ok_or(io::ErrorKind::InvalidInput)?.extend_from_slice(bytes);
        Ok(())
    }
}

/// A value that is there, or fetched once when somebody asks for it.
pub(crate) struct Deferred<T> {
    value: OnceLock<Option<T>>,
    fetch: Box<dyn Fn() -> Option<T> + Send + Sync>,
}

impl<T> Deferred<T> {
    /// Fetches the value when it is asked for.
    pub(crate) fn new(fetch: impl Fn() -> Option<T> + Send + Sync + 'static) -> Self {
        Self { value: OnceLock::new(), fetch: Box::new(fetch) }
    }

    /// A value that is there.
    pub(crate) fn ready(value: T) -> Self {
        Self { value: OnceLock::from(Some(value)), fetch: Box::new(|| None) }
    }

    /// The value; none if it could not be had.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.get_or_init(&self.fetch).as_ref()
    }
}

impl<T> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.value.get().is_some() { "fetched" } else { "deferred" })
    }
}

/// Numbers of four bytes each, the lowest first, that stay where they were read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(Bytes);

impl From<Vec<u32>> for Numbers {
    fn from(numbers: Vec<u32>) -> Self {
        let mut bytes = Vec::with_capacity(4 * numbers.len());
        numbers.into_iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        Self(bytes.into())
    }
}

impl Numbers {
    pub(crate) fn len(&self) -> usize {
        self.0.len() / 4
    }

    pub(crate) fn get(&self, at: usize) -> Option<u32> {
        self.0.as_chunks().0.get(at).map(|four| u32::from_le_bytes(*four))
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = u32> {
        self.0.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four))
    }

    /// How many numbers of a sorted list come before the first that is not below a limit.
    pub(crate) fn below(&self, limit: u32) -> usize {
        self.0.as_chunks().0.partition_point(|four| u32::from_le_bytes(*four) < limit)
    }

    /// Where a number stands in a sorted list.
    pub(crate) fn find(&self, number: u32) -> Option<usize> {
        let at = self.below(number);
        (self.get(at) == Some(number)).then_some(at)
    }

    /// The range that a list of starts gives to one item.
    pub(crate) fn range(&self, at: usize) -> Range<usize> {
        match (self.get(at), self.get(at + 1)) {
            (Some(from), Some(to)) => from as usize..to as usize,
            _ => 0..0,
        }
    }

    /// The numbers of a range, as far as there are any.
    pub(crate) fn slice(&self, range: Range<usize>) -> impl Iterator<Item = u32> {
        self.0.as_chunks().0.get(range).unwrap_or_default().iter().map(|four| u32::from_le_bytes(*four))
    }
}

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
        self.bytes.reserve(4 * numbers.len());
        numbers.for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
    }
}

/// Reads what [`Writer`] wrote, in the same order.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// What `rest` is the end of, if it can be shared.
    shared: Option<&'a Bytes>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, shared: None }
    }

    /// Reads bytes of which it can give parts that outlive it.
    pub(crate) fn sharing(bytes: &'a Bytes) -> Self {
        Self { rest: bytes, shared: Some(bytes) }
    }

    /// A field of which nothing is copied where the bytes can be shared.
    pub(crate) fn shared_field(&mut self) -> Result<Bytes, Damaged> {
        let length = self.count()?;
        self.share(length)
    }

    pub(crate) fn numbers(&mut self) -> Result<Numbers, Damaged> {
        let count = self.count()?;
        self.share(count.checked_mul(4).ok_or(Damaged)?).map(Numbers)
    }

    fn share(&mut self, length: usize) -> Result<Bytes, Damaged> {
        let before = self.rest.len();
        let taken = self.take(length)?;
        Ok(match self.shared {
            Some(whole) => {
                let start = whole.range.end - before;
                Bytes { whole: Arc::clone(&whole.whole), range: start..start + length }
            }
            None => taken.to_vec().into(),
        })
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

    /// All that is left, of which nothing is copied where the bytes can be shared.
    pub(crate) fn shared_rest(mut self) -> Result<Bytes, Damaged> {
        self.share(self.rest.len())
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
