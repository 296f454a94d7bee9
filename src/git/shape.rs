//! What kind of repository this is, and which engine can read it.

use super::engine::{Engine, Library};
use super::layout::Layout;
use super::object::Hash;
use super::plumbing::Plumbing;
use super::{GitEnvironment, GitError};
use crate::diagnostic::Diagnostic;

/// The engine for a repository.
pub(super) struct Choice {
    pub(super) engine: Box<dyn Engine>,
    pub(super) hash: Hash,
    /// Said when the git binary had to be used.
    pub(super) notes: Vec<Diagnostic>,
    /// What to run when an object is missing.
    pub(super) mend: String,
}

/// The parts of the configuration that say how the repository is stored.
struct Format {
    hash: Hash,
    /// What libgit2 cannot read.
    beyond_library: Option<String>,
    partial: bool,
}

/// Chooses libgit2 wherever it can read the repository.
pub(super) fn choose(layout: &Layout, environment: &GitEnvironment) -> Result<Choice, GitError> {
    let format = format(layout)?;
    let mend = if format.partial {
        "this is a partial clone, and knockon opens no connection; run `git fetch --refetch --no-filter`"
    } else {
        "run `git fsck`, or fetch again"
    };
    let shape = match format.beyond_library {
        Some(shape) => shape,
        None => match Library::open(layout, environment) {
            Ok(library) => {
                let engine = Box::new(library);
                return Ok(Choice { engine, hash: format.hash, notes: Vec::new(), mend: mend.to_owned() });
            }
            Err(error) if error.code() == git2::ErrorCode::Owner => {
                return Err(GitError::Foreign(layout.top().to_owned()));
            }
            Err(error) => error.message().to_owned(),
        },
    };
    through_plumbing(layout, environment, format.hash, &shape, mend)
}

/// Reads everything through the git binary.
pub(super) fn through_plumbing(
    layout: &Layout,
    environment: &GitEnvironment,
    hash: Hash,
    shape: &str,
    mend: &str,
) -> Result<Choice, GitError> {
    let plumbing = Plumbing::open(layout, environment, hash, shape)?;
    let notes = vec![note(&plumbing, shape)];
    Ok(Choice { engine: Box::new(plumbing), hash, notes, mend: mend.to_owned() })
}

/// Says that the git binary is used, and why.
pub(super) fn note(plumbing: &Plumbing, shape: &str) -> Diagnostic {
    let binary = plumbing.binary().display();
    Diagnostic::note("git-binary", format!("the repository is read through `{binary}`, because it uses {shape}"))
}

fn format(layout: &Layout) -> Result<Format, GitError> {
    let file = layout.common_dir.join("config");
    let mut format = Format { hash: Hash::Sha1, beyond_library: None, partial: false };
    if !file.is_file() {
        return Ok(format);
    }
    let broken = |error: git2::Error| GitError::corrupt(file.display(), error.message());
    let config = git2::Config::open(&file).map_err(broken)?;
    if config.get_string("extensions.objectformat").is_ok_and(|name| name.eq_ignore_ascii_case("sha256")) {
        format.hash = Hash::Sha256;
        format.beyond_library = Some("SHA-256 object ids".to_owned());
    }
    if config.get_string("extensions.refstorage").is_ok_and(|name| !name.eq_ignore_ascii_case("files")) {
        format.beyond_library = Some("the reftable format of references".to_owned());
    }
    let mut entries = config.entries(None).map_err(broken)?;
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.name().unwrap_or_default();
        format.partial |=
            name == "extensions.partialclone" || (name.starts_with("remote.") && name.ends_with(".promisor"));
    }
    Ok(format)
}

/// What an index file holds that libgit2 cannot read: the signature of a mandatory extension says so.
pub(super) fn index_shape(bytes: &[u8]) -> Option<&'static str> {
    let holds = |signature: &[u8]| bytes.windows(4).any(|window| window == signature);
    if !bytes.starts_with(b"DIRC") {
        None
    } else if holds(b"link") {
        Some("a split index")
    } else if holds(b"sdir") {
        Some("a sparse index")
    } else {
        None
    }
}
