//! The files that a task reads in one tree.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::path::RepoPath;
use crate::selection::Reach;
use crate::tree::{ContentId, Mode, Node, Tree, TreeError};
use crate::workspace::{Task, Workspace};

/// One file that a task reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResolvedInput {
    /// Its mode.
    pub mode: Mode,
    /// Its content.
    pub content: ContentId,
    /// Which of the task's inputs covers it first.
    pub input: usize,
}

/// How many symbolic links one path may pass through.
const MOST_LINKS: usize = 40;

/// How many places of one input are looked at by way of links. Links that lead to each other name a few files in more
/// ways than anyone can look at; beyond this number every file that links lead to is an input, whatever its name.
const MOST_LINKED: usize = 1_000_000;

/// For how many a place counts that lies behind several links: real trees have few.
const NESTED: usize = 100;

/// Every file that a task reads, by path. A symbolic link counts itself, and so does what it points to.
pub fn resolve(
    workspace: &Workspace,
    tree: &dyn Tree,
    task: &Task,
) -> Result<BTreeMap<RepoPath, ResolvedInput>, TreeError> {
    let mut resolver = Resolver { workspace, tree, task, found: BTreeMap::new() };
    for index in 0..task.inputs.len() {
        resolver.input(index)?;
    }
    Ok(resolver.found)
}

struct Resolver<'a> {
    workspace: &'a Workspace,
    tree: &'a dyn Tree,
    task: &'a Task,
    found: BTreeMap<RepoPath, ResolvedInput>,
}

/// A place in the walk: the name that the task knows it by, where it really stands, and how many links lie between.
struct Step {
    name: RepoPath,
    real: RepoPath,
    node: Node,
    links: usize,
    /// The links that the walk went through, first to last.
    followed: Rc<[RepoPath]>,
}

impl Resolver<'_> {
    fn input(&mut self, index: usize) -> Result<(), TreeError> {
        let selection = &self.task.inputs[index].selection;
        let owned = selection.reach == Reach::Owned;
        let Some(first) = self.stand_at(&selection.base, &selection.base, 0, index)? else { return Ok(()) };
        let mut pending = vec![first];
        let mut linked = 0;
        while let Some(step) = pending.pop() {
            linked += match step.links {
                0 => 0,
                1 => 1,
                _ => NESTED,
            };
            if linked > MOST_LINKED {
                let (through_links, own): (Vec<_>, Vec<_>) = pending.drain(..).partition(|step| step.links > 0);
                self.all_behind(through_links.into_iter().chain([step]).collect(), index)?;
                pending = own;
                linked = 0;
                continue;
            }
            match step.node {
                Node::Folder(_) if owned && self.belongs_to_others(&step.name) => {}
                Node::Folder(_) => self.enter(&step, &mut pending)?,
                Node::Content(mode, content) => {
                    let covered = !self.workspace.is_ignored(&step.name)
                        && self.workspace.reads_path(self.task, index, &step.name);
                    if covered {
                        self.take(&step.real, mode, content, index);
                    }
                    if mode == Mode::Symlink && step.links < MOST_LINKS && !self.names_nothing_new(&step, index) {
                        pending.extend(self.follow(&step, index)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether following a link would name files again and find none: it was followed on the way here, or it leads to a
    /// folder around itself that is walked anyway.
    fn names_nothing_new(&self, step: &Step, index: usize) -> bool {
        let base = &self.task.inputs[index].selection.base;
        let target = self.workspace.symlinks.target(&step.real);
        let around = target.is_some_and(|target| step.real.is_within(target) && target.is_within(base));
        step.followed.contains(&step.real) || (around && step.links == 0)
    }

    fn enter(&self, step: &Step, pending: &mut Vec<Step>) -> Result<(), TreeError> {
        let Node::Folder(id) = step.node else { return Ok(()) };
        pending.extend(self.tree.folder(id)?.iter().map(|entry| Step {
            name: step.name.child(&entry.name),
            real: step.real.child(&entry.name),
            node: entry.node,
            links: step.links,
            followed: Rc::clone(&step.followed),
        }));
        Ok(())
    }

    fn follow(&mut self, step: &Step, index: usize) -> Result<Option<Step>, TreeError> {
        let Some(target) = self.workspace.symlinks.target(&step.real).cloned() else { return Ok(None) };
        let followed = step.followed.iter().chain([&step.real]).cloned().collect();
        let there = self.stand_at(&step.name, &target, step.links + 1, index)?;
        Ok(there.map(|there| Step { followed, ..there }))
    }

    /// Takes everything at and below these places and behind the links that they hold, each real place once.
    fn all_behind(&mut self, places: Vec<Step>, index: usize) -> Result<(), TreeError> {
        let mut pending = places;
        let mut seen = BTreeSet::new();
        while let Some(step) = pending.pop() {
            if !seen.insert(step.real.clone()) {
                continue;
            }
            match step.node {
                Node::Folder(_) => self.enter(&step, &mut pending)?,
                Node::Content(mode, content) => {
                    self.take(&step.real, mode, content, index);
                    if mode == Mode::Symlink {
                        pending.extend(self.follow(&Step { links: 0, followed: Rc::from([]), ..step }, index)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// What stands at `real`, every link on the way followed and counted as an input.
    fn stand_at(
        &mut self,
        name: &RepoPath,
        real: &RepoPath,
        mut links: usize,
        index: usize,
    ) -> Result<Option<Step>, TreeError> {
        let mut wanted = real.clone();
        'restart: loop {
            let mut here = RepoPath::root();
            let mut node = Node::Folder(self.tree.root());
            let segments: Vec<Vec<u8>> = wanted.segments().map(<[u8]>::to_vec).collect();
            for (at, segment) in segments.iter().enumerate() {
                let Node::Folder(id) = node else { return Ok(None) };
                let entries = self.tree.folder(id)?;
                let Ok(found) = entries.binary_search_by(|entry| (*entry.name).cmp(segment)) else { return Ok(None) };
                node = entries[found].node;
                here = here.child(segment);
                let last = at + 1 == segments.len();
                if let (Node::Content(Mode::Symlink, content), false) = (node, last) {
                    // A link in a folder of installed packages is not known, and leads nowhere.
                    if self.workspace.symlinks.has(&here) {
                        self.take(&here, Mode::Symlink, content, index);
                    }
                    let Some(target) = self.workspace.symlinks.target(&here) else { return Ok(None) };
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(None);
                    }
                    wanted = segments[at + 1..].iter().fold(target.clone(), |path, rest| path.child(rest));
                    continue 'restart;
                }
            }
            return Ok(Some(Step { name: name.clone(), real: here, node, links, followed: Rc::from([]) }));
        }
    }

    fn take(&mut self, path: &RepoPath, mode: Mode, content: ContentId, input: usize) {
        self.found.entry(path.clone()).or_insert(ResolvedInput { mode, content, input });
    }

    /// Whether a folder and everything below it belongs to other projects.
    fn belongs_to_others(&self, folder: &RepoPath) -> bool {
        self.workspace.is_held_by_others(folder, &self.task.id.project)
    }
}
