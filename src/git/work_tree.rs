//! The work tree: what is on disk, whether git was told of it or not.
//!
//! Index entries whose `lstat` proves them unchanged keep the index's id; all others are hashed here. Git's own
//! status is not asked, because it would run the filters that the repository names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::attributes::Attributes;
use super::content_id::{self, Failure, Form};
use super::directory::{Facts, Kind as DiskKind};
use super::findings::{Finding, Findings};
use super::ignore_rules::IgnoreRules;
use super::index::{Index, IndexEntry};
use super::layout::Layout;
use super::listed_tree::{Folders, Listed};
use super::nested::{self, Nested};
use super::object::{Kind, mode_of};
use super::objects::Objects;
use super::settings::Settings;
use super::walk::{Walked, on_disk, walk};
use super::{GitEnvironment, GitError};
use crate::diagnostic::Diagnostic;
use crate::path::RepoPath;
use crate::tree::{ContentId, Entry, Mode, ObjectId, Tree, TreeError, TreeId};

/// All that is needed to read a work tree.
pub(super) struct Reader<'a> {
    pub(super) layout: &'a Layout,
    pub(super) top: &'a Path,
    pub(super) environment: &'a GitEnvironment,
    pub(super) settings: &'a Settings,
    pub(super) objects: &'a Arc<Objects>,
    /// When the index was written, as far as the file system says.
    pub(super) index_written: Option<(i64, u32)>,
    /// How many repositories this one is nested in.
    pub(super) depth: usize,
}

/// What a look at one path gave.
struct Look {
    path: RepoPath,
    /// None where nothing is.
    node: Option<(Mode, ContentId)>,
    /// Whether that is just what the index holds.
    kept: bool,
    source: Option<Source>,
    findings: Vec<Finding>,
}

impl Look {
    fn nothing(path: &RepoPath) -> Self {
        Self { path: path.clone(), node: None, kept: false, source: None, findings: Vec::new() }
    }

    fn content(path: &RepoPath, mode: Mode, id: ObjectId) -> Self {
        Self { node: Some((mode, ContentId(id))), ..Self::nothing(path) }
    }

    /// Just what the index holds.
    fn kept(entry: &IndexEntry) -> Self {
        let node = mode_of(entry.bits).map(|mode| (mode, ContentId(entry.id)));
        Self { node, kept: true, ..Self::nothing(&entry.path) }
    }
}

impl Reader<'_> {
    /// Reads the work tree beside an index.
    pub(super) fn read(&self, index: &Index) -> Result<(Arc<dyn Tree>, Vec<Diagnostic>), GitError> {
        let entries = &index.entries;
        let attributes = Attributes::new(self.layout, self.settings, Arc::clone(self.objects), entries);
        let outer = [self.settings.excludes_file.clone(), Some(self.layout.common_dir.join("info/exclude"))];
        let outer: Vec<IgnoreRules> = outer.iter().flatten().map(|path| IgnoreRules::read(path)).collect();
        let any_filter = attributes.any_filter();
        let known = |entry: &IndexEntry, facts| self.entry(entry, facts, &attributes, any_filter);
        let mut walked = walk(self.top, self.environment, entries, outer, known)?;
        let mut looks = std::mem::take(&mut walked.looks);
        looks.extend(self.not_walked(&walked, entries, &attributes, any_filter)?);
        looks.extend(self.unknown(&walked, &attributes, entries)?);
        let mut findings = Findings::default();
        for path in &walked.special {
            findings.add(Finding::Special, path);
        }
        let mut listed = Vec::with_capacity(entries.len() + looks.len());
        for entry in walked.kept.iter().flat_map(|range| &entries[range.clone()]) {
            let Some(mode) = mode_of(entry.bits) else { continue };
            listed.push(Listed { path: entry.path.clone(), mode, id: ContentId(entry.id), kept: true });
        }
        looks.sort_by(|a, b| a.path.cmp(&b.path));
        let mut sources = HashMap::new();
        for look in looks {
            for finding in look.findings {
                findings.add(finding, &look.path);
            }
            let Some((mode, id)) = look.node else { continue };
            if let Some(source) = look.source {
                sources.entry(id).or_insert(source);
            }
            listed.push(Listed { path: look.path, mode, id, kept: look.kept });
        }
        let folders = Folders::build(listed, &index.folders, self.objects.hash)?;
        let tree = WorkTree { folders, sources, objects: Arc::clone(self.objects) };
        Ok((Arc::new(tree), findings.diagnostics()))
    }

    /// Looks at the entries that the walk left out: submodules, and those in folders that it did not see.
    fn not_walked(
        &self,
        walked: &Walked<Look>,
        entries: &[IndexEntry],
        attributes: &Attributes,
        any_filter: bool,
    ) -> Result<Vec<Look>, GitError> {
        let elsewhere: Vec<usize> = walked.elsewhere.iter().cloned().flatten().collect();
        let folders = self.real_folders(elsewhere.iter().chain(&walked.submodules).map(|&at| &entries[at]));
        let is_submodule = |at: usize| entries[at].bits == Mode::Submodule.bits();
        let real = |entry: &IndexEntry| entry.path.parent().is_none_or(|parent| folders.contains(&parent));
        // A path in conflict has up to three entries and one place on disk.
        let first = |at: usize| at == 0 || entries[at - 1].path != entries[at].path;
        let files = elsewhere.par_iter().filter(|&&at| first(at) && !is_submodule(at)).map(|&at| {
            let entry = &entries[at];
            let look = match self.look(&entry.path, real(entry)) {
                Ok((_, facts)) => self.entry(entry, Ok(facts), attributes, any_filter)?,
                Err(error) => self.entry(entry, Err(error), attributes, any_filter)?,
            };
            Ok(look.unwrap_or_else(|| Look::kept(entry)))
        });
        let mut looks: Vec<Look> = files.collect::<Result<_, GitError>>()?;
        let submodules = elsewhere.iter().filter(|&&at| first(at) && is_submodule(at));
        for &at in submodules.chain(&walked.submodules) {
            looks.push(self.submodule(&entries[at], real(&entries[at]), attributes)?);
        }
        Ok(looks)
    }

    /// The folders of index entries that are folders on disk, all the way up: an entry below a symlink to a folder
    /// is not on disk, whatever the path leads to.
    fn real_folders<'e>(&self, entries: impl Iterator<Item = &'e IndexEntry>) -> HashSet<RepoPath> {
        let mut folders = BTreeSet::new();
        let mut last: Option<RepoPath> = None;
        for parent in entries.filter_map(|entry| entry.path.parent()) {
            if last.as_ref() == Some(&parent) {
                continue;
            }
            for folder in parent.ancestors() {
                if !folders.insert(folder) {
                    break;
                }
            }
            last = Some(parent);
        }
        let folders: Vec<RepoPath> = folders.into_iter().collect();
        let on_disk = |folder: &RepoPath| match on_disk(self.top, folder).map(|disk| Facts::at(&disk)) {
            Some(Ok(facts)) => facts.kind == DiskKind::Folder || folder.is_root(),
            // What cannot be looked at is looked at again entry by entry, and named.
            Some(Err(error)) => !is_absent(&error),
            None => true,
        };
        let states: Vec<bool> = folders.par_iter().map(on_disk).collect();
        let mut real = HashSet::new();
        for (folder, is_real) in folders.into_iter().zip(states) {
            if is_real && folder.parent().is_none_or(|parent| real.contains(&parent)) {
                real.insert(folder);
            }
        }
        real
    }

    /// What stands in the place of an entry; none if it is just what the index holds.
    fn entry(
        &self,
        entry: &IndexEntry,
        facts: Result<Facts, Error>,
        attributes: &Attributes,
        any_filter: bool,
    ) -> Result<Option<Look>, GitError> {
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) if is_absent(&error) => return Ok(Some(self.absent(entry))),
            Err(error) => return self.unreadable(&entry.path, &error.to_string()).map(Some),
        };
        if facts.kind == DiskKind::Folder {
            return Ok(Some(Look::nothing(&entry.path)));
        }
        let in_index = mode_of(entry.bits);
        let mode = self.mode_on_disk(&facts, in_index);
        let trusted = self.is_trusted(entry, &facts, in_index);
        let asks_filter = trusted && any_filter && facts.length < 1024;
        if trusted && mode == in_index && !asks_filter {
            return Ok(None);
        }
        let Some(disk) = on_disk(self.top, &entry.path) else {
            return self.unreadable(&entry.path, UNSPEAKABLE).map(Some);
        };
        if let (true, Some(mode)) = (trusted, mode) {
            let mut look = Look::content(&entry.path, mode, entry.id);
            look.kept = Some(mode) == in_index;
            if asks_filter && self.is_unfetched(&entry.path, &disk, attributes) {
                look.findings.push(Finding::LfsPointer);
            }
            return Ok(Some(look));
        }
        let flags = entry.flags;
        let indexed = (!flags.intent_to_add && entry.stage == 0).then_some(entry.id);
        let mut look = self.examine(&entry.path, &disk, &facts, mode, indexed, attributes)?;
        if entry.stage > 0 {
            look.findings.push(Finding::Conflict);
        }
        if (flags.assume_unchanged || flags.skip_worktree) && look.node.is_none_or(|(_, id)| Some(id.0) != indexed) {
            look.findings.push(Finding::Hidden);
        }
        Ok(Some(look))
    }

    /// Whether `lstat` proves that a file still has the content that the index holds.
    fn is_trusted(&self, entry: &IndexEntry, facts: &Facts, in_index: Option<Mode>) -> bool {
        let flags = entry.flags;
        let same_kind = matches!(
            (in_index, facts.kind),
            (Some(Mode::Symlink), DiskKind::Symlink) | (Some(Mode::File | Mode::Executable), DiskKind::File)
        );
        entry.stage == 0
            && !(flags.assume_unchanged || flags.skip_worktree || flags.intent_to_add)
            && same_kind
            && entry
                .stat
                .is_some_and(|stat| facts.stat == Some(stat) && !stat.is_racy(self.index_written) && stat.length > 0)
    }

    /// `lstat`, below real folders only.
    fn look(&self, path: &RepoPath, in_real_folder: bool) -> Result<(PathBuf, Facts), Error> {
        if !in_real_folder {
            return Err(ErrorKind::NotFound.into());
        }
        let disk = on_disk(self.top, path).ok_or_else(|| Error::other(UNSPEAKABLE))?;
        let facts = Facts::at(&disk)?;
        Ok((disk, facts))
    }

    /// A sparse checkout leaves files out of the work tree; they are not deleted.
    fn absent(&self, entry: &IndexEntry) -> Look {
        let is_left_out = entry.flags.skip_worktree && entry.stage == 0;
        if is_left_out { Look::kept(entry) } else { Look::nothing(&entry.path) }
    }

    /// The mode of what is on disk; none for a pipe and the like.
    fn mode_on_disk(&self, facts: &Facts, in_index: Option<Mode>) -> Option<Mode> {
        match facts.kind {
            DiskKind::Symlink => return Some(Mode::Symlink),
            DiskKind::Special | DiskKind::Folder => return None,
            DiskKind::File => {}
        }
        // Where symlinks cannot be made, git writes their target into a plain file.
        if !self.settings.symlinks && in_index == Some(Mode::Symlink) {
            return Some(Mode::Symlink);
        }
        let executable = facts.executable.filter(|_| self.settings.file_mode);
        Some(match executable.unwrap_or(in_index == Some(Mode::Executable)) {
            true => Mode::Executable,
            false => Mode::File,
        })
    }

    fn is_unfetched(&self, path: &RepoPath, disk: &Path, attributes: &Attributes) -> bool {
        content_id::form_of(path, attributes, self.settings) == Form::Filtered { lfs: true }
            && content_id::read_file(disk).is_ok_and(|bytes| content_id::is_lfs_pointer(&bytes))
    }

    /// Hashes what is on disk.
    fn examine(
        &self,
        path: &RepoPath,
        disk: &Path,
        facts: &Facts,
        mode: Option<Mode>,
        indexed: Option<ObjectId>,
        attributes: &Attributes,
    ) -> Result<Look, GitError> {
        let Some(mode) = mode else {
            return Ok(Look { findings: vec![Finding::Special], ..Look::nothing(path) });
        };
        if facts.kind == DiskKind::Symlink {
            return match fs::read_link(disk) {
                Ok(target) => {
                    let id = self.objects.hash.id(Kind::Blob, target.as_os_str().as_encoded_bytes())?;
                    let mut look = Look::content(path, mode, id);
                    look.source = Some(Source::Link(disk.to_owned()));
                    Ok(look)
                }
                Err(error) => self.unreadable(path, &error.to_string()),
            };
        }
        // Git converts a plain file that stands for a symlink, too.
        let form = || content_id::form_of(path, attributes, self.settings);
        let (id, form, pointer) = match content_id::identify(disk, indexed, self.objects, form) {
            Ok(found) => found,
            Err(Failure::Disk(error)) if is_absent(&error) => return Ok(Look::nothing(path)),
            Err(failure) => return self.unreadable(path, &failure.to_string()),
        };
        let mut look = Look::content(path, mode, id.0);
        if Some(id.0) != indexed {
            look.source = Some(Source::File { disk: disk.to_owned(), form, indexed });
        }
        look.findings.extend(match form {
            _ if pointer => Some(Finding::LfsPointer),
            Form::Filtered { .. } => Some(Finding::Filtered),
            Form::Encoded => Some(Finding::Encoded),
            Form::Raw | Form::Text { .. } => None,
        });
        Ok(look)
    }

    /// An id that no content has: what cannot be read counts as changed.
    fn unreadable(&self, path: &RepoPath, reason: &str) -> Result<Look, GitError> {
        let mut look = Look::content(path, Mode::File, self.made_up(path, "unreadable")?);
        look.source = Some(Source::Unreadable(reason.to_owned()));
        look.findings.push(Finding::Unreadable);
        Ok(look)
    }

    fn made_up(&self, path: &RepoPath, what: &str) -> Result<ObjectId, GitError> {
        self.objects.hash.id(Kind::Blob, &[b"knockon: ", what.as_bytes(), b"\0", path.as_bytes()].concat())
    }

    fn submodule(&self, entry: &IndexEntry, in_real_folder: bool, attributes: &Attributes) -> Result<Look, GitError> {
        let (disk, facts) = match self.look(&entry.path, in_real_folder) {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(self.absent(entry)),
            Err(error) => return self.unreadable(&entry.path, &error.to_string()),
        };
        if facts.kind != DiskKind::Folder {
            let mode = self.mode_on_disk(&facts, None);
            return self.examine(&entry.path, &disk, &facts, mode, None, attributes);
        }
        self.nested(&entry.path, &disk, Some(entry.id))
    }

    /// A submodule or a nested repository: its commit, or a made-up id when more than a commit is in it.
    fn nested(&self, path: &RepoPath, disk: &Path, indexed: Option<ObjectId>) -> Result<Look, GitError> {
        let state = nested::state(disk, self.environment, self.depth + 1);
        let mut findings = Vec::new();
        findings.extend(indexed.is_none().then_some(Finding::Nested));
        let id = match state {
            // A submodule that is not checked out: an empty folder.
            Nested::None => indexed,
            Nested::Clean(commit) if commit.as_bytes().len() == self.objects.hash.length() => Some(commit),
            Nested::Clean(commit) => Some(self.made_up(path, &commit.to_string())?),
            Nested::Dirty(state) => {
                findings.push(Finding::Dirty);
                Some(self.made_up(path, &state)?)
            }
            Nested::Unreadable(reason) => {
                findings.push(Finding::Unreadable);
                Some(self.made_up(path, &reason)?)
            }
        };
        let mut look = id.map_or_else(|| Look::nothing(path), |id| Look::content(path, Mode::Submodule, id));
        look.findings = findings;
        Ok(look)
    }

    /// Looks at what the index does not know.
    fn unknown(
        &self,
        walked: &Walked<Look>,
        attributes: &Attributes,
        entries: &[IndexEntry],
    ) -> Result<Vec<Look>, GitError> {
        let file = |path: &RepoPath| match self.look(path, true) {
            Ok((disk, facts)) if facts.kind != DiskKind::Folder => {
                let mode = self.mode_on_disk(&facts, None);
                self.examine(path, &disk, &facts, mode, None, attributes)
            }
            // It became a folder, or went away, since the walk saw it.
            Ok(_) => Ok(Look::nothing(path)),
            Err(error) if is_absent(&error) => Ok(Look::nothing(path)),
            Err(error) => self.unreadable(path, &error.to_string()),
        };
        let mut looks: Vec<Look> = walked.files.par_iter().map(file).collect::<Result<_, _>>()?;
        for path in &walked.nested {
            if let Some(disk) = on_disk(self.top, path) {
                looks.push(self.nested(path, &disk, None)?);
            }
        }
        for (path, reason) in &walked.unreadable {
            let mut look = self.unreadable(path, reason)?;
            if path.is_root() || entries.iter().any(|entry| entry.path.is_within(path)) {
                // Its known files are looked at one by one; an unknown one stands for those that nobody could list.
                let stand_in = path.child(b"(unreadable)");
                look = self.unreadable(&stand_in, reason)?;
            }
            looks.push(look);
        }
        Ok(looks)
    }
}

const UNSPEAKABLE: &str = "the name cannot be written on this operating system";

fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Where a content is that the object store may not have.
enum Source {
    File { disk: PathBuf, form: Form, indexed: Option<ObjectId> },
    Link(PathBuf),
    Unreadable(String),
}

/// The work tree as it was when it was read.
struct WorkTree {
    folders: Folders,
    sources: HashMap<ContentId, Source>,
    objects: Arc<Objects>,
}

impl Tree for WorkTree {
    fn root(&self) -> TreeId {
        self.folders.root
    }

    fn folder(&self, id: TreeId) -> Result<Arc<[Entry]>, TreeError> {
        self.folders.by_id.get(&id).map_or_else(|| self.objects.folder(id), |entries| Ok(Arc::clone(entries)))
    }

    fn content(&self, id: ContentId) -> Result<Arc<[u8]>, TreeError> {
        let failed = |reason: String| TreeError::Content(id, reason);
        let bytes = match self.sources.get(&id) {
            None => return self.objects.content(id),
            Some(Source::Unreadable(reason)) => return Err(failed(reason.clone())),
            Some(Source::Link(disk)) => {
                let target = fs::read_link(disk).map_err(|error| failed(error.to_string()))?;
                target.as_os_str().as_encoded_bytes().to_vec()
            }
            Some(Source::File { disk, form, indexed }) => {
                let bytes = content_id::read_file(disk).map_err(|error| failed(error.to_string()))?;
                form.stored(&bytes, || self.objects.read((*indexed)?, Kind::Blob).ok()).into_owned()
            }
        };
        let read = self.objects.hash.id(Kind::Blob, &bytes).map_err(|error| failed(error.to_string()))?;
        if read != id.0 {
            return Err(failed("the file was changed while knockon ran".to_owned()));
        }
        Ok(bytes.into())
    }

    fn size(&self, id: ContentId) -> Result<u64, TreeError> {
        match self.sources.get(&id) {
            None => self.objects.size(id),
            Some(Source::File { disk, form: Form::Raw | Form::Filtered { .. } | Form::Encoded, .. }) => {
                let metadata = fs::symlink_metadata(disk);
                metadata.map(|found| found.len()).map_err(|error| TreeError::Content(id, error.to_string()))
            }
            Some(_) => self.content(id).map(|bytes| bytes.len() as u64),
        }
    }
}
