//! What cannot be known of a tree, and how far that reaches.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::assemble::all;
use super::draft::Draft;
use super::{ProjectId, Task};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::{Admission, Doubtful, Linked, Role};
use crate::path::RepoPath;

/// What cannot be known, and how far that reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Doubt {
    /// What cannot be known: a stable name, such as `unreadable-manifest`.
    pub reason: String,
    /// The same for people, with the place and the mend.
    pub detail: String,
    /// How far the plan is widened by it.
    pub scope: Scope,
}

/// How far a doubt reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every task.
    All,
    /// The tasks of one ecosystem at or below a folder.
    Ecosystem {
        /// The ecosystem.
        name: String,
        /// The folder.
        below: RepoPath,
    },
    /// The tasks of one project.
    Project(ProjectId),
}

impl Doubt {
    /// Whether a task is among those that the doubt reaches.
    pub fn reaches(&self, task: &Task) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Ecosystem { name, below } => {
                task.ecosystems.iter().any(|ecosystem| ecosystem == name) && task.id.project.0.is_within(below)
            }
            Scope::Project(project) => task.id.project == *project,
        }
    }
}

impl Draft {
    /// Takes over what the ecosystems cannot know.
    pub(super) fn doubt(&mut self, linked: &Linked) {
        self.doubt_the_unreadable(linked);
        self.doubt_as_claimed(linked);
        self.doubts.sort();
        self.doubts.dedup();
    }

    /// What a manifest that cannot be read hides. One that would declare a project may declare what others refer to, so
    /// it reaches its whole ecosystem; any other reaches the project that it lies in.
    fn doubt_the_unreadable(&mut self, linked: &Linked) {
        let declares: BTreeSet<&RepoPath> = all(linked, |links| &links.projects)
            .filter(|(_, claim)| claim.role != Role::Image && claim.admission == Admission::Admitted)
            .map(|(_, claim)| &claim.evidence.file)
            .collect();
        for broken in &linked.unreadable {
            let folder = broken.path.parent().unwrap_or_else(RepoPath::root);
            let place = self.place_of(&folder);
            let message = format!("{} cannot be read: {}", broken.path, broken.reason);
            let evidence = Evidence::new(&broken.path, broken.reason.line, "");
            let at = match broken.reason.line {
                0 => broken.path.to_string(),
                line => format!("{}:{line}", broken.path),
            };
            let scope = match place {
                _ if declares.contains(&broken.path) => {
                    Scope::Ecosystem { name: broken.ecosystem.to_owned(), below: RepoPath::root() }
                }
                None => Scope::Ecosystem { name: broken.ecosystem.to_owned(), below: RepoPath::root() },
                Some((place, project)) if place == folder => Scope::Project(project),
                // A fixture deep inside a project is a file of that project like any other.
                Some(_) => {
                    self.diagnostics.push(
                        Diagnostic::note("unreadable-manifest", message)
                            .at(&evidence)
                            .help("nothing is planned for it: a change of it reaches the project that it lies in"),
                    );
                    continue;
                }
            };
            self.diagnostics.push(
                Diagnostic::warning("unreadable-manifest", message)
                    .at(&evidence)
                    .help("mend the file; until then whatever it could reach is planned with every change"),
            );
            let reason = "unreadable-manifest".to_owned();
            self.doubts.push(Doubt { reason, detail: format!("{at} cannot be read: {}", broken.reason), scope });
        }
    }

    /// What the ecosystems themselves cannot know.
    fn doubt_as_claimed(&mut self, linked: &Linked) {
        for (ecosystem, (about, finding)) in all(linked, |links| &links.doubts) {
            let scope = match about {
                Doubtful::Below(folder) => Scope::Ecosystem { name: ecosystem.to_owned(), below: folder.clone() },
                Doubtful::Project(folder) => match self.place_of(folder) {
                    Some((_, project)) => Scope::Project(project),
                    None => continue,
                },
            };
            let at =
                finding.place.as_ref().map(|place| format!(" ({}:{})", place.file, place.line)).unwrap_or_default();
            let detail = format!("{}{at}", finding.message);
            self.doubts.push(Doubt { reason: finding.code.clone(), detail, scope });
        }
    }
}
