//! What a cluster is to do for a task: its commands, its files and where what it makes will lie.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use prost::Message as _;

use super::api;
use super::inputs::Inputs;
use crate::discover::Command;
use crate::fingerprint::resolve;
use crate::path::RepoPath;
use crate::run::work::Errand;
use crate::store::reapi::{Digest, Uploads, add_bytes};
use crate::tree::Tree;
use crate::workspace::{Task, Workspace};

/// An action, and all that a server has to have of it.
pub(super) struct Order<'a> {
    pub(super) action: Digest,
    pub(super) uploads: Uploads<'a>,
    pub(super) timeout: Option<Duration>,
}

impl<'a> Order<'a> {
    /// What a task is on a cluster; or why it can be none there.
    pub(super) fn of(workspace: &Workspace, tree: &dyn Tree, errand: &Errand<'a>) -> Result<Self, String> {
        let work = errand.work;
        if work.key.is_err() {
            return Err("what it makes is not known, or not its own".to_owned());
        }
        let outputs = output_paths(&work.folder, &work.outputs)?;
        let mut inputs = Inputs::new(errand.work_tree);
        let task = workspace.task(&work.id).ok_or("it is not known any more")?;
        add_read(workspace, tree, task, &mut inputs)?;
        for command in &work.commands {
            inputs.folder(&command.folder)?;
        }
        let (root, mut uploads) = inputs.finish();
        let timeout = work.timeout;
        let variable = |name: &String| {
            let value = errand.variables.get(OsStr::new(name))?.to_str()?.to_owned();
            Some(api::command::EnvironmentVariable { name: name.clone(), value })
        };
        let command = api::Command {
            arguments: vec!["/bin/sh".to_owned(), "-c".to_owned(), script(&work.commands)?],
            environment_variables: work.variables.iter().filter_map(variable).collect(),
            output_paths: outputs.iter().map(text).collect::<Result<_, _>>()?,
            ..Default::default()
        };
        let command = add_bytes(&mut uploads, command.encode_to_vec());
        let action = api::Action {
            command_digest: Some(command.message()),
            input_root_digest: Some(root.message()),
            timeout: timeout.map(|timeout| bazel_remote_apis::google::protobuf::Duration {
                seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
                nanos: i32::try_from(timeout.subsec_nanos()).unwrap_or_default(),
            }),
            ..Default::default()
        };
        let action = add_bytes(&mut uploads, action.encode_to_vec());
        Ok(Self { action, uploads, timeout })
    }
}

/// Adds the files that a task reads, and what those tasks made whose results it reads, and they of theirs.
fn add_read(workspace: &Workspace, tree: &dyn Tree, task: &Task, inputs: &mut Inputs<'_>) -> Result<(), String> {
    add_own(workspace, tree, task, inputs)?;
    let Some(first) = workspace.task_index(&task.id) else { return Ok(()) };
    let (mut seen, mut pending) = (BTreeSet::from([first]), vec![first]);
    while let Some(at) = pending.pop() {
        let builds_upstream = workspace.task_at(at).builds_upstream;
        for read in workspace.results_read_by(at) {
            let made = workspace.task_at(read);
            let are_sources = made.commands.is_empty();
            if builds_upstream || are_sources {
                add_own(workspace, tree, made, inputs)?;
            }
            match &made.outputs {
                _ if are_sources => {}
                None if builds_upstream => {}
                None => return Err(format!("it reads what {} makes, and that is not known", made.id)),
                Some(patterns) => {
                    for path in output_paths(&made.id.project.0, patterns)? {
                        inputs.all_below(&path)?;
                    }
                }
            }
            if seen.insert(read) {
                pending.push(read);
            }
        }
    }
    Ok(())
}

/// Adds the files that a task reads by itself, those that its fingerprint has only a part of as they are.
fn add_own(workspace: &Workspace, tree: &dyn Tree, task: &Task, inputs: &mut Inputs<'_>) -> Result<(), String> {
    let own = resolve(workspace, tree, task).map_err(|error| error.to_string())?;
    for path in own.keys().chain(task.slices.iter().map(|slice| &slice.file)) {
        inputs.file(path)?;
    }
    Ok(())
}

/// The paths below which everything lies that patterns match. The patterns themselves are looked at when it is here.
fn output_paths(folder: &RepoPath, patterns: &[String]) -> Result<Vec<RepoPath>, String> {
    let mut paths = BTreeSet::new();
    for pattern in patterns.iter().filter(|pattern| !pattern.starts_with('!')) {
        let is_plain = |segment: &&str| !segment.contains(['*', '?', '[', '{', '\\']);
        let prefix: Vec<&str> = pattern.trim_end_matches('/').split('/').take_while(is_plain).collect();
        let path = folder.resolve(prefix.join("/").as_bytes()).ok();
        // A folder that the task reads from is not one that it makes.
        let path = path.filter(|path| !path.is_root() && !folder.is_within(path));
        paths.insert(path.ok_or_else(|| format!("its outputs `{pattern}` lie below no folder of their own"))?);
    }
    let outermost = |path: &&RepoPath| !paths.iter().any(|other| other != *path && path.is_within(other));
    Ok(paths.iter().filter(outermost).cloned().collect())
}

/// One line of shell for each command, each in a shell and a folder of its own, up to the first that fails.
fn script(commands: &[Command]) -> Result<String, String> {
    let line = |command: &Command| {
        let folder = if command.folder.is_root() { ".".to_owned() } else { text(&command.folder)? };
        Ok(format!("(cd {} && exec /bin/sh -c {}) || exit $?\n", quoted(&format!("./{folder}")), quoted(&command.line)))
    };
    commands.iter().map(line).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as messages have it.
pub(super) fn text(path: &RepoPath) -> Result<String, String> {
    let text = str::from_utf8(path.as_bytes()).map_err(|_| format!("`{path}` is no text"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    #[test]
    fn patterns_become_the_folders_that_they_begin_with() {
        let paths = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            output_paths(&path("app"), &patterns).map(|paths| paths.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(paths(&["out/**", "!out/cache/**"]).unwrap(), ["app/out"]);
        assert_eq!(paths(&["target/*.jar", "target/classes/**"]).unwrap(), ["app/target"]);
        assert_eq!(paths(&["program", "../gen/app/**"]).unwrap(), ["app/program", "gen/app"]);
        assert_eq!(paths(&[]).unwrap(), [""; 0]);
        for pattern in ["*.jar", "**", "../**", ".", "../../out", "../app/*"] {
            assert!(paths(&[pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn commands_run_in_their_folders_until_one_fails() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["it's", "b"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let command = |folder: &str, line: &str| Command { line: line.to_owned(), folder: path(folder) };
        let commands = [
            command("it's", "echo 'one two' > file; cd .."),
            command("b", "echo three > file; exit 3"),
            command("b", "echo never > file"),
        ];
        let mut shell = std::process::Command::new("/bin/sh");
        let status = shell.arg("-c").arg(script(&commands).unwrap()).current_dir(folder.path()).status().unwrap();
        assert_eq!(status.code(), Some(3));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((read("it's/file"), read("b/file")), ("one two\n".to_owned(), "three\n".to_owned()));
    }
}
