//! Pipelines and the environments that they reach, as the root's file tells them.

use std::collections::BTreeMap;

use super::super::document::{Field, Reader};
use super::super::mistake::{Mistake, listed, nearest};
use super::super::value::parse_name;
use super::super::{EnvironmentSettings, EventKind, PipelineSettings, RefPattern};

pub(in super::super) const PIPELINE_KEYS: [&str; 5] = ["events", "branches", "tags", "except", "tasks"];
pub(in super::super) const ENVIRONMENT_KEYS: [&str; 2] = ["approval", "pipelines"];

pub(super) fn pipelines(reader: &mut Reader<'_>, field: Field<'_>) -> BTreeMap<String, PipelineSettings> {
    let mut pipelines = BTreeMap::new();
    for entry in reader.table(field, "[pipeline.validation]") {
        match parse_name(entry.key) {
            Ok(name) => {
                let settings = pipeline_table(reader, entry);
                pipelines.insert(name, settings);
            }
            Err(mistake) => reader.mistake(entry.at, mistake),
        }
    }
    pipelines
}

fn pipeline_table(reader: &mut Reader<'_>, entry: Field<'_>) -> PipelineSettings {
    let name = reader.key(entry);
    let mut settings = PipelineSettings::new(name);
    let before = reader.diagnostics.len();
    let inner = reader.table(entry, "[pipeline.validation]");
    let mut tasks_at = entry.at;
    for field in inner {
        match field.key {
            "events" => settings.events = reader.list(field, "events = [\"push\"]", event),
            "branches" => settings.branches = reader.list(field, "branches = [\"feature/*\"]", RefPattern::parse),
            "tags" => settings.tags = reader.list(field, "tags = [\"v{version}\"]", RefPattern::parse),
            "except" => settings.except = reader.list(field, "except = [\"feature/old/*\"]", RefPattern::parse),
            "tasks" => {
                settings.tasks = reader.list(field, "tasks = [\"build\", \"test\"]", pipeline_task);
                tasks_at = field.at;
            }
            _ => reader.unknown(field, &format!("`[pipeline.{}]`", entry.key), &PIPELINE_KEYS),
        }
    }
    let clean = reader.diagnostics.len() == before;
    if clean && settings.tasks.is_empty() {
        let message = format!("pipeline `{}` has no task", entry.key);
        reader.mistake(tasks_at, Mistake::new("empty-list", message, "write `tasks = [\"build\", \"test\"]`"));
    }
    if let Some(first) =
        settings.except.first().filter(|_| clean && settings.branches.is_empty() && settings.tags.is_empty())
    {
        let message = format!("pipeline `{}` makes exceptions from no branches", entry.key);
        let mistake = Mistake::new("empty-list", message, "write `branches = [\"*\"]` for all branches");
        reader.diagnostics.push(mistake.at(first.place.clone()));
    }
    settings
}

/// A pipeline names tasks as such: in which projects they run is what a plan is about.
fn pipeline_task(text: &str) -> Result<String, Mistake> {
    let bare = text.rsplit(':').next().unwrap_or(text).trim_start_matches('^');
    parse_name(text).map_err(|mistake| match parse_name(bare) {
        Ok(bare) if text.contains([':', '^']) => {
            let message =
                format!("`{text}` is no task's name: a pipeline runs a task in each project that is affected");
            Mistake::new("bad-reference", message, format!("write `{bare}`"))
        }
        _ => mistake,
    })
}

fn event(text: &str) -> Result<EventKind, Mistake> {
    let words = EventKind::WORDS.map(|(word, _)| word);
    EventKind::WORDS.iter().find(|(word, _)| *word == text).map(|(_, event)| *event).ok_or_else(|| {
        let help = match nearest(text, &words) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("write one of {}", listed(&words)),
        };
        Mistake::new("bad-value", format!("`{text}` is no event"), help)
    })
}

pub(super) fn environments(reader: &mut Reader<'_>, field: Field<'_>) -> BTreeMap<String, EnvironmentSettings> {
    let mut environments = BTreeMap::new();
    for entry in reader.table(field, "[environment.qa]") {
        match parse_name(entry.key) {
            Ok(name) => {
                let settings = environment_table(reader, entry);
                environments.insert(name, settings);
            }
            Err(mistake) => reader.mistake(entry.at, mistake),
        }
    }
    environments
}

fn environment_table(reader: &mut Reader<'_>, entry: Field<'_>) -> EnvironmentSettings {
    let mut settings = EnvironmentSettings { name: reader.key(entry), approval: None, pipelines: None };
    for field in reader.table(entry, "[environment.qa]") {
        match field.key {
            "approval" => settings.approval = reader.truth(field, "approval = true"),
            "pipelines" => settings.pipelines = Some(reader.list(field, "pipelines = [\"release\"]", parse_name)),
            _ => reader.unknown(field, &format!("`[environment.{}]`", entry.key), &ENVIRONMENT_KEYS),
        }
    }
    settings
}
