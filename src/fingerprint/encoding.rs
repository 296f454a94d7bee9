//! The injective encoding under a fingerprint: every field carries its length, every list its count, and every kind of
//! digest a domain of its own, so that no two different inputs can give the same bytes.

use std::sync::LazyLock;

use super::Fingerprint;
use crate::workspace::{TaskIndex, Workspace};

/// Named in every digest; another encoding gets another name, so that old fingerprints never match new ones.
const CONTEXT: &str = "knockon 2026-11 task fingerprint v2";

/// Writes fields into a digest.
pub(super) struct Encoder(blake3::Hasher);

impl Encoder {
    /// Begins a digest of one kind.
    pub(super) fn new(kind: &[u8]) -> Self {
        static BEGUN: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(CONTEXT));
        let mut encoder = Self(BEGUN.clone());
        encoder.bytes(kind);
        encoder
    }

    /// A field: its length as 8 bytes, little end first, then its bytes.
    pub(super) fn bytes(&mut self, field: &[u8]) -> &mut Self {
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// How many items of a list follow, as 8 bytes, little end first.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.0.update(&(count as u64).to_le_bytes());
        self
    }

    /// A number as 4 bytes, little end first.
    pub(super) fn number(&mut self, number: u32) -> &mut Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// A text that may be missing: 0, or 1 and the text. Missing is not empty.
    pub(super) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            None => self.number(0),
            Some(text) => self.number(1).bytes(text.as_bytes()),
        }
    }

    /// A task's project and name, as two fields.
    pub(super) fn task(&mut self, workspace: &Workspace, task: TaskIndex) -> &mut Self {
        self.bytes(workspace.project_folder(task)).bytes(workspace.task_name(task).0.as_bytes())
    }

    /// The digest.
    pub(super) fn finish(&self) -> Fingerprint {
        Fingerprint(*self.0.finalize().as_bytes())
    }
}
