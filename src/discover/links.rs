//! What an ecosystem claims about a tree: projects, edges, inputs and tasks, each with its evidence. The workspace
//! joins the claims of all ecosystems into one graph.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fragments::{Fragments, SliceClaim};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// What an edge carries. A task follows only the kinds that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// Its result is read by the build.
    Build,
    /// Its result is read by tests alone.
    Test,
    /// It is copied into the image, or the image is based on it.
    Image,
    /// It is deployed with it: a chart, a compose service. Nothing is rebuilt.
    Deploy,
    /// It is a schema that code is generated from.
    Schema,
}

/// What a manifest makes of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Code that is built.
    Code,
    /// A runtime image.
    Image,
    /// A deployable package of manifests.
    Chart,
    /// A schema that others generate code from.
    Schema,
    /// The root of a workspace: it has members, and nothing to build of its own.
    Workspace,
}

/// Whether the ecosystem's own workspace rule admits the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Admission {
    /// A member of its workspace, or standing alone where no workspace encloses it: it owns its folder.
    Admitted,
    /// Nested where the enclosing workspace or package does not name it (excluded, a fixture): it takes no files from
    /// the enclosing project, and is a project besides only with a sign of standing alone.
    Stray,
}

/// Whose the files of the folder are that no rule gives to the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// The project's own, but for nested projects.
    Own,
    /// Shared ground, but for those that these globs (relative to the folder) match: the way of a workspace root.
    Shared(Vec<String>),
}

/// A manifest makes a folder a project.
#[derive(Debug, Clone)]
pub struct ProjectClaim {
    /// The folder.
    pub folder: RepoPath,
    /// What it is.
    pub role: Role,
    /// Other names that people and manifests know it by: an npm name, Maven coordinates, a module path.
    pub aliases: Vec<String>,
    /// Whether the workspace rule admits it.
    pub admission: Admission,
    /// Whose its remaining files are.
    pub ground: Ground,
    /// The manifest, at the line that gives the project its name.
    pub evidence: Evidence,
}

/// A project is a part of the one around it and takes its folder from that. Whatever else is done in the whole (a script, a
/// task of the configuration) is about its parts too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartClaim {
    /// The folder of the part.
    pub part: RepoPath,
    /// The folder of the whole.
    pub whole: RepoPath,
}

/// Where an edge leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeTarget {
    /// The project with this folder.
    Project(RepoPath),
    /// The project that owns this file or folder; with a folder also the projects below it. Nobody's: no edge.
    Path(RepoPath),
}

/// One project depends on another.
#[derive(Debug, Clone)]
pub struct EdgeClaim {
    /// The folder of the project that depends.
    pub from: RepoPath,
    /// What it depends on.
    pub to: EdgeTarget,
    /// What the edge carries.
    pub kind: EdgeKind,
    /// The line that says so.
    pub evidence: Evidence,
}

/// Files that a task reads, and the line they are known from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// The files.
    pub selection: Selection,
    /// How that is known.
    pub evidence: Evidence,
}

/// Whose result a task reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Another task of the same project. `None` evidence would be noise: it is the way of its ecosystem.
    Own(String),
    /// The named task of each project that an edge of these kinds leads to. A project without that task is read by
    /// its files.
    Along(Vec<EdgeKind>, String),
    /// One given task of another project, such as the image that a Dockerfile begins `FROM`.
    Task(RepoPath, String, Evidence),
}

/// What to run, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// The line for a POSIX shell.
    pub line: String,
    /// The folder it runs in.
    pub folder: RepoPath,
}

/// A task of a project. Claims with one project and name are merged: all inputs, readings and commands.
#[derive(Debug, Clone)]
pub struct TaskClaim {
    /// The project's folder.
    pub folder: RepoPath,
    /// The task's name, such as `build`.
    pub name: String,
    /// What it reads.
    pub inputs: Vec<Input>,
    /// What it reads of files that are read in slices.
    pub slices: Vec<SliceClaim>,
    /// Whose results it reads.
    pub reads: Vec<Reading>,
    /// What to run; nothing where the files themselves are the result.
    pub command: Option<Command>,
    /// The tool that runs it, as far as it is known: `dotnet`, `cargo`.
    pub tool: String,
    /// Whether the tool builds what it reads by itself (`cargo`, `go`, `dotnet`), so that reading a result does not
    /// mean that another task has to run first.
    pub builds_upstream: bool,
    /// The files that it makes, as globs relative to the project's folder; empty where its result is that it passed, and
    /// none where nobody can say or where it makes something else than files, such as an image.
    pub outputs: Option<Vec<String>>,
}

/// An image copies a path of the repository to a place in its file system. With it, references are resolved that
/// are right only inside the image.
#[derive(Debug, Clone)]
pub struct LayoutClaim {
    /// The folder of the project whose image it is.
    pub project: RepoPath,
    /// The source in the repository, a file or a folder.
    pub source: RepoPath,
    /// The COPY line.
    pub evidence: Evidence,
}

/// A reference to something that is not there. It may still be there inside an image.
#[derive(Debug, Clone)]
pub struct DanglingClaim {
    /// The folder of the project that refers.
    pub from: RepoPath,
    /// The path as resolved from the manifest; none where it leaves the repository.
    pub wanted: Option<RepoPath>,
    /// The file name that is looked for.
    pub name: Vec<u8>,
    /// The edge that it would be.
    pub kind: EdgeKind,
    /// The line that refers.
    pub evidence: Evidence,
}

/// By what a chart or a manifest elsewhere belongs to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinWish {
    /// The service has this name.
    Name(String),
    /// The service's image has this repository name.
    Image(String),
}

/// A folder that belongs to a service that stands elsewhere.
#[derive(Debug, Clone)]
pub struct JoinClaim {
    /// The folder, itself claimed as a project.
    pub folder: RepoPath,
    /// The service it belongs to.
    pub wish: JoinWish,
    /// The line that says so.
    pub evidence: Evidence,
}

/// A file of no project speaks of a path: the tasks of whoever owns that read the file. Of a folder with projects below it,
/// those of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MentionClaim {
    /// What is spoken of.
    pub path: RepoPath,
    /// The file, and the line that mentions the path.
    pub input: Input,
}

/// What something reaches that cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubtful {
    /// The tasks of the project of this folder.
    Project(RepoPath),
    /// The ecosystem's tasks at or below this folder.
    Below(RepoPath),
}

/// All that the ecosystems claim about one tree.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// Folders that are projects.
    pub projects: Vec<ProjectClaim>,
    /// Projects that are parts of another one.
    pub parts: Vec<PartClaim>,
    /// Dependencies.
    pub edges: Vec<EdgeClaim>,
    /// Tasks.
    pub tasks: Vec<TaskClaim>,
    /// What images copy.
    pub layouts: Vec<LayoutClaim>,
    /// References to nothing.
    pub dangling: Vec<DanglingClaim>,
    /// Folders that belong together.
    pub joins: Vec<JoinClaim>,
    /// Files that speak of paths of projects.
    pub mentions: Vec<MentionClaim>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
    /// What cannot be known, and the finding that says so.
    pub doubts: Vec<(Doubtful, Diagnostic)>,
    /// Files whose whole meaning is in these claims: a change to one matters by what it changes in them.
    pub understood: Vec<RepoPath>,
    /// Files that tasks read in slices: a change to one matters by what it changes in those.
    pub fragments: Vec<(RepoPath, Arc<Fragments>)>,
}

impl Links {
    /// States that something cannot be known. It is told as a finding, and widens every plan as far as it reaches.
    pub fn doubt(&mut self, about: Doubtful, finding: Diagnostic) {
        self.diagnostics.push(finding.clone());
        self.doubts.push((about, finding));
    }
}
