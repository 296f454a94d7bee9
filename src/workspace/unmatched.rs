//! Patterns of the configuration that match nothing: more often a slip than a wish.

use super::draft::Draft;
use crate::config::{Configuration, PathPattern, Written, select};
use crate::diagnostic::Diagnostic;
use crate::path::RepoPath;
use crate::selection::Selection;
use crate::tree::{Node, Tree, TreeError, node_at};

impl Draft {
    /// Warns of each pattern that selects files and finds none in the tree. What it would select is an input all the
    /// same once it is there.
    pub(super) fn warn_of_unmatched(
        &mut self,
        tree: &dyn Tree,
        configuration: &Configuration,
    ) -> Result<(), TreeError> {
        for pattern in &configuration.workspace.ignore {
            self.warn_if_unmatched(tree, pattern, &RepoPath::root())?;
        }
        for settings in &configuration.projects {
            let Ok(project) = self.find(&settings.project) else { continue };
            let of_tasks = settings.tasks.values().filter_map(|task| task.inputs.as_ref()).flatten();
            for pattern in settings.inputs.iter().chain(of_tasks) {
                self.warn_if_unmatched(tree, pattern, &project.0)?;
            }
        }
        Ok(())
    }

    fn warn_if_unmatched(
        &mut self,
        tree: &dyn Tree,
        pattern: &Written<PathPattern>,
        folder: &RepoPath,
    ) -> Result<(), TreeError> {
        // A pattern that keeps out and matches nothing does no harm; one that leaves the repository is an error already.
        let Ok(selections) = select(std::slice::from_ref(pattern), folder) else { return Ok(()) };
        if pattern.value.excludes {
            return Ok(());
        }
        for selection in &selections {
            self.probes.look_for_any(selection);
            if selects_any(tree, selection)? {
                return Ok(());
            }
        }
        let message = format!("`{}` matches no file, seen from folder `{folder}`", pattern.value);
        let finding = Diagnostic::warning("unmatched-pattern", message).at_place(pattern.place.clone());
        let help = "`*` stays within a folder, `**` crosses folders; patterns are relative to the project's folder";
        self.diagnostics.push(finding.help(help));
        Ok(())
    }
}

fn selects_any(tree: &dyn Tree, selection: &Selection) -> Result<bool, TreeError> {
    let Some(node) = node_at(tree, &selection.base)? else { return Ok(false) };
    let mut pending = vec![(selection.base.clone(), node)];
    while let Some((path, node)) = pending.pop() {
        match node {
            Node::Folder(id) => {
                pending.extend(tree.folder(id)?.iter().map(|entry| (path.child(&entry.name), entry.node)));
            }
            Node::Content(..) if selection.matches(&path) => return Ok(true),
            Node::Content(..) => {}
        }
    }
    Ok(false)
}
