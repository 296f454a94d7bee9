//! Bytes on their way: read once, digested while they are copied.

use std::fs::File;
use std::io::{self, Read, Write};

use super::fault;
use super::manifest::Blob;

/// So many bytes are read at a time. A file of fewer is digested before anything of it is written.
pub(super) const PIECE: usize = 256 * 1024;

/// Reads files piece by piece, always into the same memory.
pub(super) struct Content {
    buffer: Vec<u8>,
    filled: usize,
}

impl Content {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; PIECE], filled: 0 }
    }

    /// Reads as much as there is room for, or until the file ends.
    pub(super) fn piece(&mut self, file: &mut File) -> io::Result<&[u8]> {
        self.filled = 0;
        while self.filled < self.buffer.len() {
            fault::step()?;
            match file.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.last())
    }

    /// What was read last.
    pub(super) fn last(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Hands on the rest of a file, of which no more than `most` bytes and one are read, and says what it was.
    pub(super) fn pass(
        &mut self,
        file: &mut File,
        most: u64,
        mut to: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Blob> {
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        while length <= most {
            let piece = self.piece(file)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(piece);
            length += piece.len() as u64;
            to(piece)?;
            if piece.len() < PIECE {
                break;
            }
        }
        Ok(Blob { digest: *hasher.finalize().as_bytes(), length })
    }
}

/// What bytes are kept as.
pub(super) fn blob_of(bytes: &[u8]) -> Blob {
    Blob { digest: *blake3::hash(bytes).as_bytes(), length: bytes.len() as u64 }
}

/// Writes all bytes.
pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    fault::step()?;
    file.write_all(bytes)
}
