//! `knockon audit filters --write` and `--check`: the lists of the filters, held against what they would have to be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::Exit;
use super::arguments::{Format, OneTree};
use super::audit::described;
use super::commands::{Failure, Session};
use crate::ci::filters::{self, Audit, Drift};
use crate::diagnostic::{Diagnostic, Severity};
use crate::path::RepoPath;
use crate::planner::View;
use crate::report::additions::{Edits, changes_text};
use crate::report::audit::{ChangeReport, FiltersReport};
use crate::tree::{Node, node_at};

/// What is added may make a filter serve more projects, and so miss more; this often it is asked again.
const MOST_ROUNDS: usize = 16;

impl Session<'_> {
    /// Prints what would be written, and writes nothing.
    pub(super) fn check_filters(&self, tree: &OneTree, strict: bool, format: Format) -> Result<Exit, Failure> {
        let (_, view, diagnostics) = self.view(tree)?;
        self.output.findings(&diagnostics);
        let mut sources = BTreeMap::new();
        let (report, drift) = drift_of(&view, |path| {
            if let Some(Node::Content(mode, content)) = node_at(&*view.tree, path)?
                && mode.is_file()
            {
                let bytes = view.tree.content(content)?.to_vec();
                sources.insert(path.clone(), bytes.clone());
                return Ok(Some(bytes));
            }
            Ok(None)
        })?;
        let changed = |(path, after): (RepoPath, Vec<u8>)| {
            let before = sources.remove(&path)?;
            Some((path, (before, after)))
        };
        let edits: Edits = drift.files.into_iter().filter_map(changed).collect();
        let changes = drift.changes.into_iter().map(reported).collect();
        let is_drifted = !edits.is_empty();
        let exit = self.tell_changes(report, changes, &drift.left, &edits, strict, format)?;
        Ok(if is_drifted && exit != Exit::Usage { Exit::Drift } else { exit })
    }

    /// Writes to the work tree until nothing is left to write.
    pub(super) fn write_filters(&self, strict: bool, format: Format) -> Result<Exit, Failure> {
        let mut edits = Edits::new();
        let mut changes = Vec::new();
        for round in 1.. {
            let (planner, view, diagnostics) = self.view(&OneTree { head: None, staged: false })?;
            let Some(top) = planner.work_tree() else {
                return Err(Failure::Usage("the repository is bare, and has no files to write to".to_owned()));
            };
            if round == 1 {
                self.output.findings(&diagnostics);
            }
            let mut sources = BTreeMap::new();
            let (report, drift) = drift_of(&view, |path| {
                let bytes = plain_file(top, path)?;
                sources.extend(bytes.clone().map(|bytes| (path.clone(), bytes)));
                Ok(bytes)
            })?;
            if drift.files.is_empty() || round > MOST_ROUNDS {
                return self.tell_changes(report, changes, &drift.left, &edits, strict, format);
            }
            for (path, after) in drift.files {
                let Some(before) = sources.remove(&path) else { continue };
                replace(top, &path, &before, &after)?;
                edits.entry(path).or_insert_with(|| (before, Vec::new())).1 = after;
            }
            changes.extend(drift.changes.into_iter().map(reported));
        }
        Ok(Exit::Done)
    }

    fn tell_changes(
        &self,
        mut report: FiltersReport,
        changes: Vec<ChangeReport>,
        left: &[Diagnostic],
        edits: &Edits,
        strict: bool,
        format: Format,
    ) -> Result<Exit, Failure> {
        match format {
            Format::Text => {
                self.output.all_findings(left);
                self.output.answer(&changes_text(edits, &changes, self.output.look))?;
            }
            Format::Json => {
                report.findings.extend(left.iter().cloned());
                report.changes = Some(changes);
                self.output.json(&report)?;
            }
        }
        let is_refused = left.iter().any(|finding| finding.severity == Severity::Error);
        Ok(match () {
            () if is_refused => Exit::Usage,
            () if strict && report.has_misses() => Exit::Doubt,
            () => Exit::Done,
        })
    }
}

fn reported(change: filters::ListChange) -> ChangeReport {
    ChangeReport { behind: change.behind, add: change.add }
}

/// What the filters of a tree lack, with what the files say that they stand in.
fn drift_of(
    view: &View,
    mut read: impl FnMut(&RepoPath) -> Result<Option<Vec<u8>>, Failure>,
) -> Result<(FiltersReport, Drift), Failure> {
    let pipelines = filters::read(&*view.tree)?;
    let audit = filters::audit(&pipelines, view.workspace(), &*view.tree)?;
    let mut sources = BTreeMap::new();
    for path in filters::drifted_files(&pipelines, &audit) {
        if let Some(bytes) = read(&path)? {
            sources.insert(path, bytes);
        }
    }
    let drift = filters::drift(&pipelines, &audit, &sources);
    let Audit { pipelines: number, filters: audited, findings } = audit;
    let mut report = FiltersReport::new(view.name.clone(), number, findings);
    report.filters = audited.into_iter().map(|filter| described(filter, None)).collect();
    Ok((report, drift))
}

/// The bytes of a file of the work tree; none where a symbolic link leads there, or something else stands.
fn plain_file(top: &Path, path: &RepoPath) -> Result<Option<Vec<u8>>, Failure> {
    let Ok(text) = std::str::from_utf8(path.as_bytes()) else { return Ok(None) };
    let mut place = top.to_owned();
    for segment in text.split('/') {
        place.push(segment);
        match fs::symlink_metadata(&place) {
            Ok(about) if about.is_symlink() => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unwritable(path, &error)),
        }
    }
    if !place.is_file() {
        return Ok(None);
    }
    fs::read(&place).map(Some).map_err(|error| unwritable(path, &error))
}

/// Gives a file new bytes, all of them or none. One that is no longer what was read stays as it is.
fn replace(top: &Path, path: &RepoPath, before: &[u8], after: &[u8]) -> Result<(), Failure> {
    let known = plain_file(top, path)?.filter(|known| known == before);
    let (Some(_), Ok(text)) = (known, std::str::from_utf8(path.as_bytes())) else {
        return Err(Failure::Usage(format!("{path} changed meanwhile, and was not written")));
    };
    let place = top.join(text);
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = place.with_file_name(name);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        file.write_all(after)?;
        fs::set_permissions(&unfinished, fs::metadata(&place)?.permissions())?;
        fs::rename(&unfinished, &place)
    };
    write().map_err(|error: io::Error| {
        let _ = fs::remove_file(&unfinished);
        unwritable(path, &error)
    })
}

fn unwritable(path: &RepoPath, error: &io::Error) -> Failure {
    Failure::Output(io::Error::new(error.kind(), format!("{path}: {error}")))
}
