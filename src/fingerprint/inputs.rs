//! The files that a task reads in one tree.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::path::RepoPath;
use crate::selection::Reach;
use crate::tree::{ContentId, Entry, Mode, Node, Tree, TreeError};
use crate::workspace::{Reason, Task, Workspace};

/// Says how the files beside and below it are checked out.
const ATTRIBUTES: &[u8] = b".gitattributes";

/// One file that a task reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResolvedInput {
    /// Its mode.
    pub mode: Mode,
    /// Its content.
    pub content: ContentId,
    /// Which of the task's inputs covers it first. Of attributes that none covers: why a file is read that they apply to.
    pub reason: Reason,
}

/// Whether a file says how those beside and below it are checked out. Whoever reads one of these reads it too.
pub fn is_attributes(path: &RepoPath) -> bool {
    path.name() == Some(ATTRIBUTES)
}

/// How many symbolic links one path may pass through.
const MOST_LINKS: usize = 40;

/// How many places of one input are looked at by way of links. Links that lead to each other name a few files in more
/// ways than anyone can look at; beyond this number every file that links lead to is an input, whatever its name.
const MOST_LINKED: usize = 100_000;

/// For how many a place counts that lies behind several links: real trees have few.
const NESTED: usize = 100;

/// Every file that a task reads, by path. A symbolic link counts itself, and so does what it points to; with each file
/// come the attributes of its folder and of those above.
pub fn resolve(
    workspace: &Workspace,
    tree: &dyn Tree,
    task: &Task,
) -> Result<BTreeMap<RepoPath, ResolvedInput>, TreeError> {
    let (found, attributes) = Default::default();
    let mut resolver = Resolver { workspace, tree, task, found, attributes };
    for index in 0..task.inputs.len() {
        resolver.input(index)?;
    }
    resolver.attributes()?;
    Ok(resolver.found)
}

struct Resolver<'a> {
    workspace: &'a Workspace,
    tree: &'a dyn Tree,
    task: &'a Task,
    found: BTreeMap<RepoPath, ResolvedInput>,
    /// Folders that the walk came through and that hold attributes.
    attributes: BTreeMap<RepoPath, (Mode, ContentId)>,
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
                        self.take(&step.real, mode, content, Reason::Input(index));
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
        // A pattern may match the longer name alone.
        let around = around && self.task.inputs[index].selection.filters.is_empty();
        step.followed.contains(&step.real) || (around && step.links == 0)
    }

    fn enter(&mut self, step: &Step, pending: &mut Vec<Step>) -> Result<(), TreeError> {
        let Node::Folder(id) = step.node else { return Ok(()) };
        let entries = self.tree.folder(id)?;
        self.look_for_attributes(&step.real, &entries);
        pending.extend(entries.iter().map(|entry| Step {
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
                    self.take(&step.real, mode, content, Reason::Input(index));
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
                self.look_for_attributes(&here, &entries);
                let Ok(found) = entries.binary_search_by(|entry| (*entry.name).cmp(segment)) else { return Ok(None) };
                node = entries[found].node;
                here = here.child(segment);
                let last = at + 1 == segments.len();
                if let (Node::Content(Mode::Symlink, content), false) = (node, last) {
                    // A link in a folder of installed packages is not known, and leads nowhere.
                    if self.workspace.symlinks.has(&here) {
                        self.take(&here, Mode::Symlink, content, Reason::Input(index));
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

    fn take(&mut self, path: &RepoPath, mode: Mode, content: ContentId, reason: Reason) {
        self.found.entry(path.clone()).or_insert(ResolvedInput { mode, content, reason });
    }

    /// Notes the attributes of a folder. Which files of it are read is known later.
    fn look_for_attributes(&mut self, folder: &RepoPath, entries: &[Entry]) {
        let Ok(at) = entries.binary_search_by(|entry| (*entry.name).cmp(ATTRIBUTES)) else { return };
        if let Node::Content(mode, content) = entries[at].node {
            self.attributes.insert(folder.clone(), (mode, content));
        }
    }

    /// Takes the attributes that apply to any file that is read, as a whole or in slices.
    fn attributes(&mut self) -> Result<(), TreeError> {
        let mut sliced: BTreeMap<&RepoPath, usize> = BTreeMap::new();
        for (at, slice) in self.task.slices.iter().enumerate() {
            sliced.entry(&slice.file).or_insert(at);
        }
        for file in sliced.keys() {
            let mut node = Node::Folder(self.tree.root());
            let mut here = RepoPath::root();
            for segment in file.segments() {
                let Node::Folder(id) = node else { break };
                let entries = self.tree.folder(id)?;
                self.look_for_attributes(&here, &entries);
                let Ok(at) = entries.binary_search_by(|entry| (*entry.name).cmp(segment)) else { break };
                (node, here) = (entries[at].node, here.child(segment));
            }
        }
        for (folder, (mode, content)) in std::mem::take(&mut self.attributes) {
            let path = folder.child(ATTRIBUTES);
            let whole = first_below(&self.found, &folder).map(|input| input.reason);
            let reason = whole.or_else(|| first_below(&sliced, &folder).map(|at| Reason::Slice(*at)));
            if let Some(reason) = reason.filter(|_| !self.workspace.is_ignored(&path)) {
                self.take(&path, mode, content, reason);
            }
        }
        Ok(())
    }

    /// Whether a folder and everything below it belongs to other projects.
    fn belongs_to_others(&self, folder: &RepoPath) -> bool {
        self.workspace.is_held_by_others(folder, &self.task.id.project)
    }
}

/// What is known of the first of these files that lies below a folder.
fn first_below<'a, P: Borrow<RepoPath> + Ord, T>(files: &'a BTreeMap<P, T>, folder: &RepoPath) -> Option<&'a T> {
    // No name sorts before this one.
    let (path, known) = files.range::<RepoPath, _>(folder.child(&[1])..).next()?;
    path.borrow().is_within(folder).then_some(known)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::tree::MemoryTree;
    use crate::workspace::testing::{path, workspace_of};
    use crate::workspace::{ProjectId, TaskId};

    /// The paths that the build of a project reads, sorted.
    fn read(text: &str, project: &str) -> Vec<String> {
        let tree = MemoryTree::parse(text);
        let workspace = workspace_of(&tree);
        let task = workspace.task(&TaskId::new(&ProjectId(path(project)), "build")).unwrap();
        resolve(&workspace, &tree, task).unwrap().keys().map(ToString::to_string).collect()
    }

    fn reads(text: &str, file: &str) -> bool {
        read(text, "a").iter().any(|path| path == file)
    }

    #[test]
    fn case_7_a_file_is_read_through_forty_links_and_no_more() {
        // Each of `way/0`, `way/1` … points to the next; the last points to the file, or to the folder around it.
        let way = |count: usize, link: &str, last: &str| {
            let mut text = format!("== a/go.mod\nmodule x/a\n== a/link -> {link}\n== shared/x\n1\n");
            for at in 0..count {
                let next = if at + 1 == count { last.to_owned() } else { (at + 1).to_string() };
                let _ = writeln!(text, "== way/{at} -> {next}");
            }
            text
        };
        // With the link in the project itself.
        for (more, is_read) in [(1, true), (38, true), (39, true), (40, false), (41, false)] {
            assert_eq!(reads(&way(more, "../way/0", "../shared/x"), "shared/x"), is_read, "{more} files");
            assert_eq!(reads(&way(more, "../way/0/x", "../shared"), "shared/x"), is_read, "{more} folders");
        }
        assert!(!reads(&way(2, "../way/0/x", "0"), "shared/x"), "folders that lead to each other");
    }

    #[test]
    fn case_7_a_pattern_may_match_only_the_name_behind_a_link_to_the_folder_around_it() {
        let text = "\
== a/go.mod
module x/a
== a/x
1
== a/up -> .
== knockon.toml
[project.a.task.build]
inputs = [\"*/x\"]
";
        assert!(reads(text, "a/x"), "it is a/up/x too");
        assert!(!reads(&text.replace("*/x", "*/y"), "a/x"));
    }

    #[test]
    fn case_7_links_behind_a_link_that_is_kept_out_are_no_inputs() {
        let text = "\
== a/go.mod
module x/a
== a/lib -> ../way/one
== way/one -> ../shared/x
== shared/x
1
== knockon.toml
[project.a.task.build]
inputs = [\"*.mod\"]
";
        assert_eq!(read(text, "a"), ["a/go.mod"]);
        let all = text.replace("*.mod", "*");
        assert_eq!(read(&all, "a"), ["a/go.mod", "a/lib", "shared/x", "way/one"]);
    }

    #[test]
    fn case_7_the_links_of_a_nested_project_lead_the_outer_one_nowhere() {
        let text = "\
== a/go.mod
module x/a
== a/in/go.mod
module x/in
== a/in/lib -> ../../way/x
== way -> shared
== shared/x
1
";
        assert_eq!(read(text, "a"), ["a/go.mod"]);
        assert_eq!(read(text, "a/in"), ["a/in/go.mod", "a/in/lib", "shared/x", "way"]);
    }

    #[test]
    fn case_7_a_few_links_that_lead_back_are_followed_once_each_and_files_are_chosen_by_name() {
        let filter = "== knockon.toml\n[project.a.task.build]\ninputs = [\"**\", \"!**/*.md\"]\n";
        let around = "== a/one -> .\n== a/two -> .\n== a/three -> .\n";
        let to_and_fro = "== a/one -> ../b\n== a/two -> ../b\n== b/one -> ../a\n== b/two -> ../a\n== b/y.md\n";
        for links in [around, to_and_fro] {
            let read = read(&format!("== a/go.mod\nmodule x/a\n== a/x.md\n{links}{filter}"), "a");
            assert!(read.contains(&"a/two".to_owned()));
            assert!(!read.iter().any(|path| path.ends_with(".md")), "{read:?}");
        }
    }

    #[test]
    fn many_files_are_no_thicket_of_links() {
        let count = 10_050;
        let mut text = "== a/go.mod\nmodule x/a\n== a/link -> ../shared\n== shared/a-skip\n".to_owned();
        for at in 0..count {
            let _ = write!(text, "== a/skip{at}\n== shared/f{at}\n");
        }
        text.push_str("== knockon.toml\n[project.a.task.build]\ninputs = [\"**\", \"!**/*skip*\"]\n");
        let read = read(&text, "a");
        assert_eq!(read.len(), count + 2);
        assert!(!read.iter().any(|path| path.contains("skip")));
    }

    #[test]
    fn case_7_in_a_thicket_of_links_all_that_they_lead_to_is_read_and_nothing_else() {
        let mut text = "\
== a/before.md
== a/before.go
== a/go.mod
module x/a
== one/deep/y.md
== two/deep/tail -> ../../hop/in
== hop -> far
== far/in/only.md
== far/other.md
== knockon.toml
[project.a.task.build]
inputs = [\"**\", \"!**/*.md\"]
"
        .to_owned();
        for (from, to) in [("a", "one"), ("one", "two"), ("two", "a")] {
            for number in 0..14 {
                let _ = writeln!(text, "== {from}/deep/link{number} -> ../../{to}/deep");
            }
        }
        let read = read(&text, "a");
        let has = |file: &str| read.iter().any(|path| path == file);
        for file in ["a/before.go", "a/go.mod", "one/deep/link3", "one/deep/y.md", "hop", "far/in/only.md"] {
            assert!(has(file), "{file}");
        }
        // Names that no link leads to are chosen as ever.
        assert!(!has("a/before.md") && !has("far/other.md"));
    }
}
