//! Output that a CI engine takes no commands from.
//!
//! Engines look for commands in everything that a job prints: GitHub for lines that begin with `::`, Azure for `##vso[`
//! anywhere. What a task prints is not knockon's, and may well repeat what a pull request says.

use std::io::{self, Write};

/// How an engine is kept from taking commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogCommands {
    /// It takes none.
    None,
    /// It is told to take none until a token comes, which nobody must be able to guess (GitHub, Gitea, Forgejo).
    StoppedUntil(String),
    /// What makes them commands is broken up (Azure).
    BrokenUp,
}

/// A writer of output that is harmless. [`HarmlessLog::finish`] has to be called when the output is over.
#[derive(Debug)]
pub struct HarmlessLog<W> {
    to: W,
    commands: LogCommands,
    /// The last bytes that were written, as far as they matter.
    before: Vec<u8>,
    has_begun: bool,
}

/// What stands before the bracket of a command for Azure. The shorter one is for how lines look.
const BEFORE_BRACKET: [&[u8]; 2] = [b"##vso", b"##"];

impl<W: Write> HarmlessLog<W> {
    /// Harmless output to somewhere.
    pub fn new(to: W, commands: LogCommands) -> Self {
        Self { to, commands, before: Vec::new(), has_begun: false }
    }

    /// Lets the engine take commands again, and gives back where the output went.
    pub fn finish(mut self) -> io::Result<W> {
        if let (LogCommands::StoppedUntil(token), true) = (&self.commands, self.has_begun) {
            let end_of_line = if self.before == b"\n" { "" } else { "\n" };
            writeln!(self.to, "{end_of_line}::{token}::")?;
        }
        Ok(self.to)
    }

    /// Writes with a space before each bracket that would make a command.
    fn break_up(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = 0;
        for at in memchr::memchr_iter(b'[', bytes) {
            let begin = at.saturating_sub(BEFORE_BRACKET[0].len());
            let mut before = if begin == 0 { self.before.clone() } else { Vec::new() };
            before.extend(&bytes[begin..at]);
            let ends_with = |end: &&[u8]| {
                before.len() >= end.len() && { before[before.len() - end.len()..].eq_ignore_ascii_case(end) }
            };
            if BEFORE_BRACKET.iter().any(ends_with) {
                self.to.write_all(&bytes[written..at])?;
                self.to.write_all(b" ")?;
                written = at;
            }
        }
        self.to.write_all(&bytes[written..])
    }
}

impl<W: Write> Write for HarmlessLog<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        match &self.commands {
            LogCommands::StoppedUntil(token) if !self.has_begun => {
                writeln!(self.to, "::stop-commands::{token}")?;
                self.to.write_all(bytes)?;
            }
            LogCommands::None | LogCommands::StoppedUntil(_) => self.to.write_all(bytes)?,
            LogCommands::BrokenUp => self.break_up(bytes)?,
        }
        self.has_begun = true;
        let longest = match self.commands {
            LogCommands::BrokenUp => BEFORE_BRACKET[0].len(),
            LogCommands::None | LogCommands::StoppedUntil(_) => 1,
        };
        self.before.extend(&bytes[bytes.len().saturating_sub(longest)..]);
        let over = self.before.len().saturating_sub(longest);
        self.before.drain(..over);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmless(commands: LogCommands, parts: &[&str]) -> String {
        let mut log = HarmlessLog::new(Vec::new(), commands);
        parts.iter().for_each(|part| log.write_all(part.as_bytes()).unwrap());
        String::from_utf8(log.finish().unwrap()).unwrap()
    }

    #[test]
    fn fault_15_github_is_told_to_take_no_commands_until_the_token() {
        let stopped = || LogCommands::StoppedUntil("t0k3n".to_owned());
        assert_eq!(
            harmless(stopped(), &["a\n::set-env name=x::y\n", "::error::z\n"]),
            "::stop-commands::t0k3n\na\n::set-env name=x::y\n::error::z\n::t0k3n::\n"
        );
        // The token is read at the beginning of a line only.
        assert_eq!(harmless(stopped(), &["no newline"]), "::stop-commands::t0k3n\nno newline\n::t0k3n::\n");
        assert_eq!(harmless(stopped(), &["\n", "x"]), "::stop-commands::t0k3n\n\nx\n::t0k3n::\n");
        assert_eq!(harmless(stopped(), &[]), "");
    }

    #[test]
    fn fault_15_commands_for_azure_are_broken_up_wherever_they_stand_and_are_cut() {
        let text = "x ##vso[task.setvariable variable=a]b\n##[error]c\n##VSO[task.y]z\n## [a](b) #[c] #vso[d]\n##";
        let wanted = "x ##vso [task.setvariable variable=a]b\n## [error]c\n##VSO [task.y]z\n## [a](b) #[c] #vso[d]\n##";
        assert_eq!(harmless(LogCommands::BrokenUp, &[text]), wanted);
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            assert_eq!(harmless(LogCommands::BrokenUp, &[first, second]), wanted, "{cut}");
        }
        let bytes: Vec<&str> = text.split("").collect();
        assert_eq!(harmless(LogCommands::BrokenUp, &bytes), wanted);
    }

    #[test]
    fn fault_15_elsewhere_nothing_is_changed() {
        let text = "::error::x\n##vso[y]";
        assert_eq!(harmless(LogCommands::None, &[text]), text);
    }
}
