//! The two ways to read git's data: libgit2 in process, and git's plumbing for what libgit2 cannot read.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::index::Index;
use super::layout::Layout;
use super::loose::Loose;
use super::object::{Hash, Kind, from_oid};
use super::packed::Packed;
use super::{GitEnvironment, GitError, index_file};
use crate::tree::ObjectId;

/// Raw access to one repository. Everything that could be told apart between engines is built above this, once.
pub(super) trait Engine: Send + Sync {
    /// An object, none when it is not in the store. Its bytes are checked against its id.
    fn object(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, GitError>;
    /// The length of a blob in bytes.
    fn length(&self, id: ObjectId) -> Result<Option<u64>, GitError>;
    /// What a reference, given by its full name, leads to. None when it does not exist or leads nowhere yet.
    fn reference(&self, name: &str) -> Result<Option<ObjectId>, GitError>;
    /// The name that a symbolic reference holds.
    fn symbolic(&self, name: &str) -> Result<Option<String>, GitError>;
    /// The full names of all references.
    fn references(&self) -> Result<Vec<String>, GitError>;
    /// The objects whose ids begin with some digits; beyond two it may stop looking.
    fn with_prefix(&self, digits: &str) -> Result<Vec<ObjectId>, GitError>;
    /// What a form that speaks of this clone, such as `@{upstream}` or `@{-1}`, leads to.
    fn local_form(&self, text: &str) -> Result<Option<ObjectId>, GitError>;
    /// What an index file holds.
    fn index(&self, file: &Path) -> Result<Index, GitError>;
    /// Closes what is open and takes room.
    fn close(&self);
}

/// libgit2. A handle of it serves one thread at a time, so idle ones are kept for whoever comes next.
pub(super) struct Library {
    layout: Layout,
    environment: GitEnvironment,
    loose: Loose,
    packed: Packed,
    idle: Mutex<Vec<git2::Repository>>,
    /// Held by whoever uses a handle, and alone by whoever closes them all.
    in_use: RwLock<()>,
    reads: AtomicUsize,
}

/// After so many reads handles are closed. libgit2 maps packs as a whole, and each look at another place makes some more of
/// them this process's memory, until the last handle goes.
const READS_OF_A_HANDLE: usize = 1024;

impl Library {
    /// Opens the repository; an error tells why libgit2 will not read it.
    ///
    /// Two settings of libgit2 are turned off, for the whole process because it has them no finer. It compares the
    /// bytes of an object with its id by a digest that also looks for collisions; [`Engine::object`] compares them
    /// too, by a plain digest. And it keeps what it has read, which is kept above already, in its final form.
    pub(super) fn open(layout: &Layout, environment: &GitEnvironment) -> Result<Self, git2::Error> {
        git2::opts::strict_hash_verification(false);
        git2::opts::enable_caching(false);
        let named = environment.object_directory.iter().chain(&environment.alternate_object_directories).cloned();
        let loose = Loose::new(std::iter::once(layout.common_dir.join("objects")).chain(named));
        let packed = Packed::new(loose.folders().map(Path::to_owned));
        let (layout, environment) = (layout.clone(), environment.clone());
        let library = Self {
            layout,
            environment,
            loose,
            packed,
            idle: Mutex::default(),
            in_use: RwLock::default(),
            reads: AtomicUsize::default(),
        };
        let first = library.handle()?;
        library.idle().push(first);
        Ok(library)
    }

    fn handle(&self) -> Result<git2::Repository, git2::Error> {
        let none: [&str; 0] = [];
        let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::NO_DOTGIT;
        let repository = git2::Repository::open_ext(&self.layout.git_dir, flags, none)?;
        let stores = self.environment.object_directory.iter().chain(&self.environment.alternate_object_directories);
        for path in stores.filter_map(|path| path.to_str()) {
            repository.odb()?.add_disk_alternate(path)?;
        }
        Ok(repository)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<git2::Repository>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, read: impl FnOnce(&git2::Repository) -> Result<T, GitError>) -> Result<T, GitError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) % READS_OF_A_HANDLE == READS_OF_A_HANDLE - 1 {
            self.close();
        }
        let _in_use = self.in_use.read().unwrap_or_else(PoisonError::into_inner);
        let idle = self.idle().pop();
        let handle = match idle {
            Some(handle) => handle,
            None => self.handle()?,
        };
        let result = read(&handle);
        self.idle().push(handle);
        result
    }
}

fn oid(id: ObjectId) -> Result<git2::Oid, GitError> {
    git2::Oid::from_bytes(id.as_bytes()).map_err(GitError::from)
}

/// None where the thing does not exist.
fn existing<T>(result: Result<T, git2::Error>) -> Result<Option<T>, git2::Error> {
    use git2::ErrorCode::{InvalidSpec, NotFound, UnbornBranch};
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.code(), NotFound | InvalidSpec | UnbornBranch) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Engine for Library {
    fn object(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        if let Some(found) = self.loose.object(id)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.packed.object(id) {
            return Ok(Some(found));
        }
        self.with(|repository| {
            let store = repository.odb()?;
            let read = existing(store.read(oid(id)?)).map_err(|error| GitError::corrupt(id, error.message()))?;
            let Some(object) = read else { return Ok(None) };
            let kind = match object.kind() {
                git2::ObjectType::Commit => Kind::Commit,
                git2::ObjectType::Tree => Kind::Tree,
                git2::ObjectType::Blob => Kind::Blob,
                git2::ObjectType::Tag => Kind::Tag,
                git2::ObjectType::Any => return Err(GitError::corrupt(id, "an unknown kind of object")),
            };
            // What zlib's checksum lets through, a flipped bit in a pack's index or in a delta's base, shows here.
            if Hash::Sha1.digest(kind, object.data())? != id {
                return Err(GitError::corrupt(id, "its content has another id"));
            }
            Ok(Some((kind, object.data().to_vec())))
        })
    }

    fn length(&self, id: ObjectId) -> Result<Option<u64>, GitError> {
        if let Some(found) = self.loose.length(id)? {
            return Ok(Some(found));
        }
        self.with(|repository| {
            let read = existing(repository.odb()?.read_header(oid(id)?));
            let read = read.map_err(|error| GitError::corrupt(id, error.message()))?;
            Ok(read.map(|(length, _)| length as u64))
        })
    }

    fn reference(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        self.with(|repository| match existing(repository.refname_to_id(name)) {
            Ok(found) => found.map(from_oid).transpose(),
            Err(error) => Err(GitError::corrupt(name, error.message())),
        })
    }

    fn symbolic(&self, name: &str) -> Result<Option<String>, GitError> {
        self.with(|repository| {
            let found = existing(repository.find_reference(name))?;
            Ok(found.and_then(|reference| reference.symbolic_target().ok().flatten().map(str::to_owned)))
        })
    }

    fn references(&self) -> Result<Vec<String>, GitError> {
        self.with(|repository| {
            // A broken reference has no name to propose; whoever asks for it by name is told.
            let readable = repository.references()?.flatten();
            let names = readable.filter_map(|reference| reference.name().ok().map(str::to_owned)).collect();
            Ok(names)
        })
    }

    fn with_prefix(&self, digits: &str) -> Result<Vec<ObjectId>, GitError> {
        self.with(|repository| match existing(repository.find_object_by_prefix(digits, None)) {
            Ok(found) => found.map(|object| from_oid(object.id())).into_iter().collect(),
            // libgit2 does not say which ones; two equal stand-ins say "more than one".
            Err(error) if error.code() == git2::ErrorCode::Ambiguous => {
                let stand_in = from_oid(git2::Oid::ZERO_SHA1)?;
                Ok(vec![stand_in, stand_in])
            }
            Err(error) => Err(error.into()),
        })
    }

    fn local_form(&self, text: &str) -> Result<Option<ObjectId>, GitError> {
        self.with(|repository| match existing(repository.revparse_single(text)) {
            Ok(found) => found.map(|object| from_oid(object.id())).transpose(),
            Err(error) => Err(error.into()),
        })
    }

    fn index(&self, file: &Path) -> Result<Index, GitError> {
        let bytes = std::fs::read(file).map_err(|error| GitError::unreadable(file, &error))?;
        index_file::read(&bytes).map_err(|reason| GitError::corrupt(format!("index `{}`", file.display()), reason))
    }

    fn close(&self) {
        self.packed.forget();
        let _alone = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        self.idle().clear();
    }
}
