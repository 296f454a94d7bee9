//! The schema of `knockon.toml`, key by key.

pub(super) mod delivery;
pub(super) mod remote;

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::document::{Field, Reader, Source, fields};
use super::mistake::{Mistake, listed, nearest};
use super::pattern::{PathPattern, outside};
use super::value::{ProjectReference, TaskReference, TaskScope, parse_duration, parse_name, parse_variable};
use super::{Configuration, ProjectSettings, TaskSettings, UnownedPolicy, WorkspaceSettings, Written};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::path::RepoPath;

/// A file beyond this many bytes is not read: no configuration that people write comes near it.
const LARGEST_FILE: usize = 1024 * 1024;

/// The keys of each table, for those who mistype one.
pub(super) const ROOT_KEYS: [&str; 6] = ["workspace", "project", "task", "pipeline", "environment", "remote"];
pub(super) const WORKSPACE_KEYS: [&str; 3] = ["default-branch", "unowned", "ignore"];
pub(super) const PROJECT_KEYS: [&str; 5] = ["name", "owners", "depends-on", "inputs", "task"];
pub(super) const TASK_KEYS: [&str; 9] =
    ["command", "depends-on", "inputs", "outputs", "env", "timeout", "retries", "weight", "environment"];

/// Reads the `knockon.toml` at `file`: the one at the root, or the one in a project's folder. An error, and so any
/// doubt about what was meant, leaves no configuration.
pub fn read(file: &RepoPath, bytes: &[u8]) -> (Option<Configuration>, Vec<Diagnostic>) {
    let text = match text_of(file, bytes) {
        Ok(text) => text,
        Err(diagnostic) => return (None, vec![diagnostic]),
    };
    let source = Source::new(file, text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let place = source.place(error.span().map_or(0, |span| span.start));
            let message = format!("this is no TOML: {}", error.message().trim().replace('\n', ", "));
            let help = "keys are written `key = \"text\"`, lists `[\"a\", \"b\"]`, tables `[task.test]`";
            return (None, vec![Mistake::new("bad-syntax", message, help).at(place)]);
        }
    };
    let mut reader = Reader::new(source);
    let folder = file.parent().unwrap_or_else(RepoPath::root);
    let top = fields(table.get_ref());
    let configuration = if folder.is_root() { root(&mut reader, &top) } else { nested(&mut reader, &folder, &top) };
    let mut diagnostics = reader.diagnostics;
    // As the file is read by tables, two passes may have found what stands in one of them.
    diagnostics.sort_by_key(|found| found.place.as_ref().map(|place| (place.line, place.column)));
    let failed = diagnostics.iter().any(|found| found.severity == Severity::Error);
    ((!failed).then_some(configuration), diagnostics)
}

fn text_of<'b>(file: &RepoPath, bytes: &'b [u8]) -> Result<&'b str, Diagnostic> {
    let place = |line, column| Place { file: file.clone(), line, column, text: String::new() };
    if bytes.len() > LARGEST_FILE {
        let message = format!("the file has {} bytes, and at most {LARGEST_FILE} are read", bytes.len());
        let mistake = Mistake::new("too-large", message, "keep only configuration in it");
        return Err(mistake.at(place(0, 0)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let before = valid.rsplit('\n').next().unwrap_or_default();
        let place = Place { text: before.to_owned(), ..Source::new(file, &valid).place(valid.len()) };
        Mistake::new("bad-syntax", "the file is not UTF-8 text", "save it as UTF-8").at(place)
    })
}

fn root(reader: &mut Reader<'_>, top: &[Field<'_>]) -> Configuration {
    let mut configuration = Configuration::default();
    for &field in top {
        match field.key {
            "workspace" => configuration.workspace = workspace(reader, field),
            "task" => configuration.tasks = tasks(reader, field),
            "pipeline" => configuration.pipelines = delivery::pipelines(reader, field),
            "environment" => configuration.environments = delivery::environments(reader, field),
            "remote" => configuration.remote = remote::remote(reader, field),
            "project" => {
                for entry in reader.table(field, "[project.\"src/delivery\"]") {
                    let project = match ProjectReference::parse(entry.key) {
                        Ok(project) => reader.key(entry).with(project),
                        Err(mistake) => {
                            reader.mistake(entry.at, mistake);
                            continue;
                        }
                    };
                    let inner = reader.table(entry, "[project.\"src/delivery\"]");
                    configuration.projects.push(project_table(reader, project, "the project's table", &inner));
                }
            }
            key if PROJECT_KEYS.contains(&key) => {
                let message = format!("`{key}` is said about one project, and this file is about all");
                let help = "write it below `[project.\"path or name\"]`, or `[project.\".\"]` for the root";
                reader.mistake(field.at, Mistake::new("misplaced-key", message, help));
            }
            _ => reader.unknown(field, "the root's file", &ROOT_KEYS),
        }
    }
    configuration.projects.sort_by(|a, b| a.project.value.cmp(&b.project.value));
    reader.diagnostics.extend(said_twice(&configuration.projects));
    configuration
}

fn nested(reader: &mut Reader<'_>, folder: &RepoPath, top: &[Field<'_>]) -> Configuration {
    let place = Place { line: 0, column: 0, text: String::new(), ..reader.source.place(0) };
    let project = Written::new(ProjectReference::Folder(folder.clone()), place);
    let (misplaced, own): (Vec<_>, Vec<_>) = top
        .iter()
        .copied()
        .partition(|field: &Field<'_>| ROOT_KEYS.contains(&field.key) && !PROJECT_KEYS.contains(&field.key));
    for field in misplaced {
        let message = format!("`{}` can only stand in the `knockon.toml` at the root", field.key);
        let help = match field.key {
            "project" => {
                "this file is the project's table already: write `name = \"…\"`, `[task.test]` at its top level"
            }
            _ => "write it there",
        };
        reader.mistake(field.at, Mistake::new("misplaced-key", message, help));
    }
    let settings = project_table(reader, project, "a project's file", &own);
    Configuration { projects: vec![settings], ..Configuration::default() }
}

fn workspace(reader: &mut Reader<'_>, field: Field<'_>) -> WorkspaceSettings {
    let mut settings = WorkspaceSettings::default();
    for field in reader.table(field, "[workspace]") {
        match field.key {
            "default-branch" => settings.default_branch = reader.text(field, "default-branch = \"main\"", branch_name),
            "unowned" => settings.unowned = reader.text(field, "unowned = \"all\"", unowned),
            "ignore" => {
                settings.ignore = reader.list(field, "ignore = [\"docs/**\"]", PathPattern::parse);
                for pattern in &settings.ignore {
                    reader.diagnostics.extend(climbs_out(pattern, &RepoPath::root()));
                }
                if let Some(first) = settings.ignore.first().filter(|first| first.value.excludes) {
                    let mistake = Mistake::new(
                        "bad-glob",
                        format!("`{}` makes an exception from nothing", first.value),
                        "write what is ignored before it, such as `docs/**`",
                    );
                    reader.diagnostics.push(mistake.at(first.place.clone()));
                }
            }
            _ => reader.unknown(field, "`[workspace]`", &WORKSPACE_KEYS),
        }
    }
    settings
}

fn unowned(text: &str) -> Result<UnownedPolicy, Mistake> {
    let words = UnownedPolicy::WORDS.map(|(word, _)| word);
    UnownedPolicy::WORDS.iter().find(|(word, _)| *word == text).map(|(_, policy)| *policy).ok_or_else(|| {
        let help = match nearest(text, &words) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("write one of {}", listed(&words)),
        };
        Mistake::new("bad-value", format!("`{text}` is no policy for files that nobody owns"), help)
    })
}

/// A branch as `default-branch` names it: short, one branch, nothing that git reads as an option or an expression.
fn branch_name(text: &str) -> Result<String, Mistake> {
    if let Some(short) = text.strip_prefix("refs/heads/") {
        let message = format!("`{text}` is a whole reference");
        return Err(Mistake::new("bad-branch", message, format!("write `{short}`")));
    }
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    if text.is_empty()
        || text.starts_with(['-', '/'])
        || text.contains("..")
        || text.contains("@{")
        || text.contains(odd)
    {
        let message = format!("`{text}` is no name of a branch");
        return Err(Mistake::new("bad-branch", message, "write one branch, such as `main`"));
    }
    Ok(text.to_owned())
}

fn project_table(
    reader: &mut Reader<'_>,
    project: Written<ProjectReference>,
    table: &str,
    entries: &[Field<'_>],
) -> ProjectSettings {
    let mut settings = ProjectSettings::new(project);
    for &field in entries {
        match field.key {
            "name" => settings.name = reader.text(field, "name = \"delivery\"", parse_name),
            "owners" => settings.owners = reader.list(field, "owners = [\"@shipping\"]", owner),
            "depends-on" => {
                settings.depends_on =
                    reader.list(field, "depends-on = [\"shared/telemetry\"]", ProjectReference::parse);
            }
            "inputs" => settings.inputs = reader.list(field, "inputs = [\"../../tools/**\"]", PathPattern::parse),
            "task" => settings.tasks = tasks(reader, field),
            _ => reader.unknown(field, table, &PROJECT_KEYS),
        }
    }
    check_project(reader, &settings);
    settings
}

fn check_project(reader: &mut Reader<'_>, settings: &ProjectSettings) {
    for dependency in &settings.depends_on {
        let own_name = settings.name.as_ref().map(|name| ProjectReference::Word(name.value.clone()));
        if dependency.value == settings.project.value || own_name.as_ref() == Some(&dependency.value) {
            let message = format!("the project depends on itself: `{}`", dependency.value);
            let mistake = Mistake::new("self-dependency", message, "leave it out");
            reader.diagnostics.push(mistake.at(dependency.place.clone()));
        }
    }
    let Some(folder) = settings.project.value.folder() else { return };
    let of_tasks = settings.tasks.values().flat_map(|task| task.inputs.iter().chain(&task.outputs).flatten());
    for pattern in settings.inputs.iter().chain(of_tasks) {
        reader.diagnostics.extend(climbs_out(pattern, folder));
    }
}

fn climbs_out(pattern: &Written<PathPattern>, folder: &RepoPath) -> Option<Diagnostic> {
    pattern.value.root(folder).is_err().then(|| outside(pattern, folder))
}

fn owner(text: &str) -> Result<String, Mistake> {
    if text.trim().is_empty() {
        return Err(Mistake::new("bad-value", "an owner has no name", "write a team or a person, such as `@shipping`"));
    }
    Ok(text.to_owned())
}

fn tasks(reader: &mut Reader<'_>, field: Field<'_>) -> BTreeMap<String, TaskSettings> {
    let mut tasks = BTreeMap::new();
    for entry in reader.table(field, "[task.test]") {
        match parse_name(entry.key) {
            Ok(name) => {
                let settings = task_table(reader, entry);
                tasks.insert(name, settings);
            }
            Err(mistake) => reader.mistake(entry.at, mistake),
        }
    }
    tasks
}

fn task_table(reader: &mut Reader<'_>, entry: Field<'_>) -> TaskSettings {
    let mut settings = TaskSettings::new(reader.key(entry));
    for field in reader.table(entry, "[task.test]") {
        match field.key {
            "command" => settings.command = reader.text(field, "command = \"dotnet test\"", command),
            "depends-on" => {
                let list = reader.list(field, "depends-on = [\"build\", \"^build\"]", TaskReference::parse);
                for reference in &list {
                    if reference.value.scope == TaskScope::Own && reference.value.task == settings.name.value {
                        let message = format!("the task depends on itself: `{}`", reference.value);
                        let help = format!("write `^{}` for the projects that it depends on", reference.value);
                        let mistake = Mistake::new("self-dependency", message, help);
                        reader.diagnostics.push(mistake.at(reference.place.clone()));
                    }
                }
                settings.depends_on = Some(list);
            }
            "inputs" => settings.inputs = Some(reader.list(field, "inputs = [\"**/*.cs\"]", PathPattern::parse)),
            "outputs" => settings.outputs = Some(reader.list(field, "outputs = [\"dist/**\"]", PathPattern::parse)),
            "env" => settings.env = Some(reader.list(field, "env = [\"CI\"]", parse_variable)),
            "timeout" => settings.timeout = reader.text(field, "timeout = \"10m\"", parse_duration),
            "retries" => settings.retries = reader.number(field, "retries = 1"),
            "weight" => settings.weight = reader.number(field, "weight = 2"),
            "environment" => settings.environment = reader.text(field, "environment = \"qa\"", parse_name),
            _ => reader.unknown(field, &format!("`[task.{}]`", entry.key), &TASK_KEYS),
        }
    }
    settings
}

fn command(text: &str) -> Result<String, Mistake> {
    if text.trim().is_empty() || text.contains('\0') {
        let help = "write the line for the shell, such as `dotnet test`, or leave the key out";
        return Err(Mistake::new("bad-value", "the command is empty or holds a NUL character", help));
    }
    Ok(text.to_owned())
}

/// What is said about one project in two tables, and the names that two projects share, as far as the configuration
/// alone can tell.
pub(super) fn said_twice(projects: &[ProjectSettings]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut folders: BTreeMap<&ProjectReference, &ProjectSettings> = BTreeMap::new();
    let mut names: BTreeMap<&str, &ProjectSettings> = BTreeMap::new();
    for settings in projects {
        if let Some(first) = folders.insert(&settings.project.value, settings) {
            let (first, second) = in_order(&first.project, &settings.project);
            let message = format!("project `{}` has two tables, the other in line {}", second.value, first.place.line);
            diagnostics.push(Mistake::new("duplicate-project", message, "join them").at(second.place.clone()));
        }
        let Some(name) = &settings.name else { continue };
        let Some(first) = names.insert(&name.value, settings) else { continue };
        let Some(first) = first.name.as_ref().filter(|_| first.project.value != settings.project.value) else {
            continue;
        };
        let (first, second) = in_order(first, name);
        let message =
            format!("two projects are named `{}`, the other at {}:{}", name.value, first.place.file, first.place.line);
        diagnostics.push(Mistake::new("duplicate-name", message, "write another name").at(second.place.clone()));
    }
    for settings in projects {
        let ProjectReference::Word(word) = &settings.project.value else { continue };
        let Some(named) = names.get(word.as_str()).filter(|named| named.project.value != settings.project.value) else {
            continue;
        };
        let message =
            format!("project `{word}` has two tables, by its name here and by its folder `{}`", named.project.value);
        let help = format!("write all of it below `[project.\"{}\"]`", named.project.value);
        diagnostics.push(Mistake::new("duplicate-project", message, help).at(settings.project.place.clone()));
    }
    diagnostics
}

/// Two values in the order of their places.
fn in_order<'w, T>(one: &'w Written<T>, other: &'w Written<T>) -> (&'w Written<T>, &'w Written<T>) {
    if one.place <= other.place { (one, other) } else { (other, one) }
}

#[cfg(test)]
mod tests;
