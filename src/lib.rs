//! knockon answers one question about a monorepo of services: **what does this change knock on to?**
//!
//! It compares two trees of a git repository and says which tasks (builds, tests, images, charts) the difference can
//! alter the result of, each with the line of a file that proves it. This page is the guided tour of the library behind
//! the command; `ARCHITECTURE.md` is the map, and `docs/` describes commands, configuration and ecosystems.
//!
//! # The rule
//! A task is affected if and only if its [fingerprint](fingerprint::Fingerprint) at the head differs from its
//! fingerprint at the base, or knockon cannot know; and when it cannot know, it says so by a [`workspace::Doubt`], and
//! plans it.
//!
//! # The way of the data
//! ```text
//! git ─► tree ─► discover ─► workspace ─► fingerprint ─► affect ─► plan ─► report
//!                   ▲            ▲
//!                   └── config ──┘
//! ```
//! 1. [`git::Repository`] gives trees: a commit, the index, the work tree, nothing. All are a [`tree::Tree`]: a root
//!    id, folders by id, contents by id. Two folders with one id are equal, so [`tree::changes`] reads only what differs.
//! 2. [`discover::discover`] surveys a tree for manifests, reads each into the facts of its [`discover::Ecosystem`], and
//!    lets every ecosystem link its facts into claims: [`discover::Links`]. What can be known of a folder or a manifest
//!    alone is kept by id ([`discover::SurveyMemo`], [`discover::FactsMemo`]), so the second tree costs what differs.
//! 3. [`workspace::assemble`] joins the claims and the [`config::Configuration`] into one [`workspace::Workspace`]:
//!    projects, edges with their [`diagnostic::Evidence`], owners of paths, and [`workspace::Task`]s with their inputs,
//!    each a [`selection::Selection`].
//! 4. [`fingerprint::resolve`] finds the files that a task reads; [`fingerprint::fingerprints`] digests all that can
//!    change its result.
//! 5. [`affect::affect`] compares a base and a head and gives each affected task with its [`affect::Cause`]s. It finds
//!    without fingerprinting everything what fingerprinting everything would find.
//! 6. [`mod@plan`] puts affected tasks and what they need into layers.
//! 7. [`planner::Planner`] does all of this for a repository: it is the one entry that every command calls. [`report`]
//!    turns its answers into text and JSON, and [`cli`] turns arguments into one call. [`ci`] knows what CI engines say of
//!    their runs, which the planner takes for suggestions.
//! 8. [`run::execute`] runs a plan, and [`store::Cache`] keeps what its tasks made.
//!
//! From `discover` to `plan` everything is pure: handed values and trees, it never sees a process, a clock, an
//! environment variable, a socket, a file or git. So it can be tried without a repository:
//!
//! ```
//! use knockon::affect::{Cause, Side, Terms, affect};
//! use knockon::config::Configuration;
//! use knockon::discover::{FactsMemo, SurveyMemo, discover};
//! use knockon::tree::{MemoryTree, changes};
//! use knockon::workspace::assemble;
//!
//! let written = "\
//! == app/go.mod
//! module example/app
//! replace example/lib => ../lib
//! == lib/go.mod
//! module example/lib
//! == lib/lib.go
//! package lib
//! ";
//! let base = MemoryTree::parse(written);
//! let head = MemoryTree::parse(&written.replace("package lib", "package lib // better"));
//!
//! let (surveys, facts) = (SurveyMemo::default(), FactsMemo::default());
//! let understand = |tree: &MemoryTree| assemble(tree, discover(tree, &surveys, &facts)?, &Configuration::default());
//! let (before, after) = (understand(&base)?, understand(&head)?);
//!
//! let base = Side { tree: &base, workspace: &before };
//! let head = Side { tree: &head, workspace: &after };
//! let affected = affect(base, head, &changes(base.tree, head.tree)?, &Terms::default())?;
//!
//! let tasks: Vec<String> = affected.tasks().map(|task| after.task_id(task).to_string()).collect();
//! assert_eq!(tasks, ["app:build", "app:test", "lib:build", "lib:test"]);
//! let first = affected.tasks().next().ok_or("nothing is affected")?;
//! let build = affected.task(&after, first).ok_or("it is not affected")?;
//! let Some(Cause::Upstream { evidence: Some(line), .. }) = build.causes.first() else { return Err("no edge".into()) };
//! assert_eq!((line.file.to_string().as_str(), line.line), ("app/go.mod", 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds everywhere
//! - Paths are bytes ([`path::RepoPath`]), and are escaped where people read them.
//! - What a user can cure is a [`diagnostic::Diagnostic`] with a place and a mend; a broken manifest never stops an
//!   answer, it widens it.
//! - Nothing that can be seen depends on the order of a hash map, a directory or threads.
//! - What cannot be known statically makes inputs wider or raises a doubt.
//!
//! # Limits
//! Plans are run on Unix alone. The Rust interface may change with every version; the JSON that
//! [`report::json`] describes carries a version of its own.

pub mod affect;
pub mod ci;
pub mod cli;
mod codec;
pub mod config;
pub mod demo;
pub mod diagnostic;
pub mod discover;
pub mod fingerprint;
pub mod git;
pub mod path;
pub mod plan;
pub mod planner;
pub mod report;
pub mod run;
pub mod selection;
pub mod store;
pub mod tree;
pub mod workspace;
