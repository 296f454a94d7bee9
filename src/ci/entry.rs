//! Files that are committed once, and call knockon for each plan.

use super::CiError;

/// A file that a repository has for an engine.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Where the engine looks for it.
    pub path: &'static str,
    /// Writes it.
    pub text: fn(&Setup) -> Result<String, CiError>,
}

/// What such a file depends on.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// How many layers it has room for.
    pub layers: usize,
    /// Where the binary is; it is installed by cargo if that is not said.
    pub binary: Option<String>,
    /// The image that jobs run in.
    pub image: Option<String>,
}

impl Setup {
    /// The lines that call knockon with these arguments.
    pub(super) fn call(&self, arguments: &str) -> Result<String, CiError> {
        const INSTALL: &str = "export PATH=\"$HOME/.cargo/bin:$PATH\"\n\
            command -v knockon >/dev/null || cargo install --locked knockon\n";
        let Some(binary) = &self.binary else { return Ok(format!("{INSTALL}knockon {arguments}\n")) };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./+-".contains(&byte);
        if binary.is_empty() || binary.starts_with('-') || !binary.bytes().all(is_plain) {
            return Err(CiError::BadBinary { binary: binary.clone() });
        }
        Ok(format!("{binary} {arguments}\n"))
    }
}

/// What stands above what is written, so that nobody wonders.
pub(super) fn with_remark(yaml: &str) -> String {
    format!("# Written by `knockon ci ENGINE --init`; write it again with --force, or change it.\n{yaml}")
}
