//! What a task prints, in a file: as it comes, with little memory, and never more than so much of it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How much of the end is kept of what is too long: there tools say what went wrong.
const LONGEST_END: u64 = 256 * 1024;

/// Output on its way into a file. What cannot be written is left out and told at the end: it is no reason to stop a task.
#[derive(Debug)]
pub struct Spool {
    file: File,
    /// How many bytes the file may still get before the end.
    room: u64,
    /// What came after there was no more room, the last of it.
    end: VecDeque<u8>,
    longest_end: usize,
    left_out: u64,
    summary: OutputSummary,
}

/// What became of the output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputSummary {
    /// How many bytes came.
    pub bytes: u64,
    /// Whether some are not in the file.
    pub is_truncated: bool,
    /// Why it could not be written.
    pub fault: Option<String>,
}

impl Spool {
    /// Makes a file, or empties it. `limit` is how many bytes of output it gets at most, besides the line that says how
    /// many are left out.
    pub fn create(path: &Path, limit: u64) -> io::Result<Self> {
        let longest_end = LONGEST_END.min(limit / 2);
        Ok(Self {
            file: File::create(path)?,
            room: limit - longest_end,
            end: VecDeque::new(),
            // It is no more than LONGEST_END.
            longest_end: usize::try_from(longest_end).unwrap_or(0),
            left_out: 0,
            summary: OutputSummary::default(),
        })
    }

    /// Takes output.
    pub fn take(&mut self, bytes: &[u8]) {
        self.summary.bytes += bytes.len() as u64;
        let begin = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
        let (begin, rest) = bytes.split_at(begin);
        self.room -= begin.len() as u64;
        self.write(begin);
        self.end.extend(&rest[rest.len().saturating_sub(self.longest_end)..]);
        let over = self.end.len().saturating_sub(self.longest_end);
        self.end.drain(..over);
        self.left_out += (over + rest.len().saturating_sub(self.longest_end)) as u64;
    }

    /// Writes the end, and says what became of all.
    pub fn finish(mut self) -> OutputSummary {
        if self.left_out > 0 {
            self.summary.is_truncated = true;
            self.write(format!("\n[knockon left out {} bytes here]\n", self.left_out).as_bytes());
        }
        let end = std::mem::take(&mut self.end);
        let (first, second) = end.as_slices();
        self.write(first);
        self.write(second);
        self.summary
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.summary.fault.is_none()
            && let Err(reason) = self.file.write_all(bytes)
        {
            self.summary.fault = Some(reason.to_string());
            self.summary.is_truncated = true;
        }
    }
}

/// Writes what a spool holds, byte for byte.
pub fn replay(spool: &Path, to: &mut dyn Write) -> io::Result<()> {
    let mut file = File::open(spool)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&chunk[..length])?,
            Err(reason) if reason.kind() == io::ErrorKind::Interrupted => {}
            Err(reason) => return Err(reason),
        }
    }
}

/// The last lines of what a spool holds, no more than so many bytes; nothing where it cannot be read.
pub fn last_lines(spool: &Path, most: u64) -> String {
    let read = || -> io::Result<(Vec<u8>, bool)> {
        let mut file = File::open(spool)?;
        let skipped = file.metadata()?.len().saturating_sub(most);
        file.seek(SeekFrom::Start(skipped))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok((bytes, skipped > 0))
    };
    let (bytes, is_cut) = read().unwrap_or_default();
    // What was cut in two is no line.
    let begin = if is_cut { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
    String::from_utf8_lossy(&bytes[begin..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(limit: u64, parts: &[&[u8]]) -> (Vec<u8>, OutputSummary) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut spool = Spool::create(&path, limit).unwrap();
        parts.iter().for_each(|part| spool.take(part));
        let summary = spool.finish();
        let mut replayed = Vec::new();
        replay(&path, &mut replayed).unwrap();
        (replayed, summary)
    }

    #[test]
    fn fault_15_bytes_come_back_as_they_were() {
        let parts: [&[u8]; 4] = [b"a\r\n\0\xff", b"", b"\x1b[31m::set-env::", b"no newline"];
        for limit in [parts.concat().len() as u64, 1 << 30, u64::MAX] {
            let (replayed, summary) = spooled(limit, &parts);
            assert_eq!(replayed, parts.concat());
            let bytes = parts.concat().len() as u64;
            assert_eq!(summary, OutputSummary { bytes, is_truncated: false, fault: None });
        }
    }

    #[test]
    fn fault_15_of_what_is_too_long_the_middle_is_left_out() {
        let (replayed, summary) = spooled(10, &[b"0123", b"456789", b"ab", b"cdef"]);
        assert_eq!(String::from_utf8(replayed).unwrap(), "01234\n[knockon left out 6 bytes here]\nbcdef");
        assert_eq!((summary.bytes, summary.is_truncated), (16, true));
        // In one piece, too.
        let (replayed, _) = spooled(10, &[b"0123456789abcdef"]);
        assert_eq!(String::from_utf8(replayed).unwrap(), "01234\n[knockon left out 6 bytes here]\nbcdef");
        let (replayed, summary) = spooled(0, &[b"abc"]);
        assert_eq!(String::from_utf8(replayed).unwrap(), "\n[knockon left out 3 bytes here]\n");
        assert!(summary.is_truncated);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn fault_3_a_full_disk_is_told_and_stops_nobody() {
        let mut spool = Spool::create(Path::new("/dev/full"), 1 << 20).unwrap();
        spool.take(b"lost");
        spool.take(b"lost, too");
        let summary = spool.finish();
        assert_eq!((summary.bytes, summary.is_truncated), (13, true));
        assert!(summary.fault.unwrap().contains("No space left"));
    }
}
