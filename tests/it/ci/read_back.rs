//! What each engine makes of an emitted form, by its own rules of order.

mod documents;
mod kubernetes;
mod matrices;

use std::collections::{BTreeMap, BTreeSet};

use knockon::ci::{Emission, Engine, Form, Job};
use knockon::discover::Command;
use knockon::path::RepoPath;

/// What an engine would do.
pub struct Interpreted {
    /// What it runs, by name. Where several jobs are one, each has the name and its number.
    pub runs: BTreeMap<String, Run>,
    /// Whether jobs wait for what they need and nothing else.
    pub exact: bool,
    /// Whether one job is over when all are, and fails if one did.
    pub gate: bool,
    /// The name of what runs some commands.
    by_commands: BTreeMap<Vec<Command>, Vec<String>>,
    by_title: BTreeMap<String, String>,
}

/// One job as an engine runs it.
#[derive(Debug, Default, Clone)]
pub struct Run {
    /// What people read.
    pub title: String,
    /// The names of what has to have succeeded.
    pub after: BTreeSet<String>,
    /// The layer: whatever is in a lower one has to have succeeded too. Such a name begins with the number of its layer.
    pub layer: Option<usize>,
    /// What it runs.
    pub commands: Vec<Command>,
    /// Whether somebody is asked first.
    pub approved: bool,
    /// Where it deploys to.
    pub environment: Option<String>,
    /// The minutes after which it is stopped, if that is not left to the engine.
    pub minutes: Option<u64>,
}

impl Run {
    /// Whether it only begins when that has succeeded.
    pub fn is_after(&self, other: &str) -> bool {
        let is_lower = |layer: usize| other[..3].parse::<usize>().unwrap() < layer;
        self.after.contains(other) || self.layer.is_some_and(is_lower)
    }
}

impl Interpreted {
    pub fn new(runs: BTreeMap<String, Run>, exact: bool, gate: bool) -> Self {
        let mut by_commands: BTreeMap<Vec<Command>, Vec<String>> = BTreeMap::new();
        let mut by_title = BTreeMap::new();
        for (name, run) in &runs {
            by_commands.entry(run.commands.clone()).or_default().push(name.clone());
            by_title.insert(run.title.clone(), name.clone());
        }
        Self { runs, exact, gate, by_commands, by_title }
    }

    /// The names of what runs, by how many others have to be over one after the other before it begins.
    pub fn layers(&self) -> Vec<Vec<String>> {
        let mut layer_of: BTreeMap<&str, usize> = BTreeMap::new();
        // Nothing waits in a circle, which was looked at before.
        while layer_of.len() < self.runs.len() {
            for (name, run) in &self.runs {
                let above = |need: &String| layer_of.get(need.as_str()).map(|layer| layer + 1);
                if let Some(above) = run.after.iter().map(above).collect::<Option<Vec<usize>>>() {
                    layer_of.insert(name, run.layer.unwrap_or(0) + above.into_iter().max().unwrap_or(0));
                }
            }
        }
        let mut layers = vec![Vec::new(); layer_of.values().max().map_or(0, |last| last + 1)];
        for (name, layer) in layer_of {
            layers[layer].push(name.to_owned());
        }
        layers
    }

    /// The name of what runs a job: by its title, or where several were put together by what it runs.
    pub fn find(&self, job: &Job) -> String {
        let commands = match &job.commands[..] {
            [] => vec![Command { line: ":".to_owned(), folder: RepoPath::root() }],
            commands => commands.to_vec(),
        };
        if let Some(name) = self.by_title.get(&job.title()) {
            assert!(self.runs[name].commands.starts_with(&commands), "{name}: {:?}", self.runs[name].commands);
            if self.runs[name].commands == commands {
                return name.clone();
            }
        }
        match self.by_commands.get(&commands).map(|names| &names[..]) {
            Some([name]) => name.clone(),
            other => panic!("{} is run by {other:?}", job.title()),
        }
    }
}

pub fn interpret(engine: &Engine, form: Option<Form>, emission: &Emission) -> Interpreted {
    match (engine.name, form, emission) {
        ("github", None | Some(Form::Matrix), Emission::Outputs(text)) => matrices::github(text),
        ("github", Some(Form::Workflow), Emission::Document(text)) => documents::github(text),
        ("gitlab", _, Emission::Document(text)) => documents::gitlab(text),
        ("azure", None | Some(Form::Workflow), Emission::Document(text)) => documents::azure(text),
        ("azure", Some(Form::Matrix), Emission::LoggingCommands(text)) => matrices::azure(text),
        ("buildkite", _, Emission::Parts(parts)) => documents::buildkite(parts),
        ("circleci", _, Emission::Document(text)) => documents::circleci(text),
        ("jenkins", _, Emission::Document(text)) => matrices::jenkins(text),
        ("argo", _, Emission::Document(text)) => kubernetes::argo(text),
        ("tekton", _, Emission::Document(text)) => kubernetes::tekton(text),
        (name, ..) => panic!("{name} in this form is not known: {emission:?}"),
    }
}

/// What `KNOCKON_COMMANDS` says: strands of commands.
pub fn strands(words: &str) -> Vec<Vec<Command>> {
    let bytes = unescaped(words);
    let mut found: Vec<Vec<u8>> = Vec::new();
    let (mut word, mut quote, mut is_in_word) = (Vec::new(), None, false);
    for &byte in &bytes {
        match (quote, byte) {
            (None, b' ') => {
                if std::mem::take(&mut is_in_word) {
                    found.push(std::mem::take(&mut word));
                }
            }
            (None, b'\'' | b'"') => (quote, is_in_word) = (Some(byte), true),
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => word.push(byte),
            (None, _) => panic!("a word stands without quotes in {words}"),
        }
    }
    assert!(quote.is_none() && is_in_word, "{words}");
    found.push(word);
    assert!(found.len().is_multiple_of(4), "{words}");
    let mut strands: Vec<(Vec<u8>, Vec<Command>)> = Vec::new();
    for four in found.chunks(4) {
        assert!(four[1].iter().all(|&byte| byte == b'.'), "{words}");
        let command = Command {
            folder: RepoPath::from_git(four[2].strip_prefix(b"./").unwrap()).unwrap(),
            line: String::from_utf8(four[3].clone()).unwrap(),
        };
        match strands.last_mut() {
            Some((number, commands)) if *number == four[0] => commands.push(command),
            _ => strands.push((four[0].clone(), vec![command])),
        }
    }
    strands.into_iter().map(|(_, commands)| commands).collect()
}

/// The commands of a job that stands alone.
fn one_strand(words: &str) -> Vec<Command> {
    let strands = strands(words);
    assert_eq!(strands.len(), 1);
    strands.into_iter().flatten().collect()
}

/// A graph in which jobs wait for what they need and nothing else.
fn exact(runs: BTreeMap<String, Run>, gate: bool) -> Interpreted {
    check_order(&runs);
    Interpreted::new(contracted(runs), true, gate)
}

/// What `printf %b` prints.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'\\' {
            assert_eq!(after[0], b'0', "{text}");
            let digits = std::str::from_utf8(&after[1..4]).unwrap();
            bytes.push(u8::from_str_radix(digits, 8).unwrap());
            rest = &after[4..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

/// A list of strings; a single string is one too.
pub fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Null => Vec::new(),
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(list) => list.iter().map(text).collect(),
        other => panic!("{other} is no list of texts"),
    }
}

pub fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// How many minutes a value says, as a number or a text, if it says any and not what the engine would take by itself.
fn minutes(value: &serde_json::Value, usual: u64) -> Option<u64> {
    let number = match value {
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) => text.parse().unwrap_or_else(|_| panic!("{text} is no number of minutes")),
        number => number.as_u64().unwrap_or_else(|| panic!("{number} is no number of minutes")),
    };
    Some(number).filter(|&number| number != usual)
}

fn map(value: &serde_json::Value) -> &serde_json::Map<String, serde_json::Value> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no map"))
}

/// Reads YAML; one key twice is an error.
pub fn yaml(text: &str) -> serde_json::Value {
    let mut options = serde_saphyr::Options::default();
    options.budget = None;
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// Takes out what runs nothing: who waits for it waits for what it waits for. What it asks of people stays asked.
fn contracted(mut runs: BTreeMap<String, Run>) -> BTreeMap<String, Run> {
    let idle: Vec<String> =
        runs.iter().filter(|(_, run)| run.commands.is_empty()).map(|(name, _)| name.clone()).collect();
    for name in &idle {
        let gone = runs[name].clone();
        assert!(!gone.after.contains(name), "{name} waits for itself");
        for run in runs.values_mut().filter(|run| run.after.contains(name)) {
            run.after.remove(name);
            run.after.extend(gone.after.iter().cloned());
            run.approved |= gone.approved;
        }
    }
    runs.retain(|name, _| !idle.contains(name));
    runs
}

/// That everything that is waited for is there, and nothing waits in a circle.
fn check_order(runs: &BTreeMap<String, Run>) {
    let mut over: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<(&String, &Run)> = runs.iter().collect();
    for (name, run) in runs {
        for need in &run.after {
            assert!(runs.contains_key(need), "{name} waits for {need}, which is nowhere");
        }
    }
    while !waiting.is_empty() {
        let before = waiting.len();
        let ready: Vec<&str> = waiting
            .iter()
            .filter(|(_, run)| run.after.iter().all(|need| over.contains(need.as_str())))
            .map(|(name, _)| name.as_str())
            .collect();
        over.extend(&ready);
        waiting.retain(|(name, _)| !over.contains(name.as_str()));
        assert!(waiting.len() < before, "{} jobs wait for each other", before);
    }
}

/// Whether a job waits, directly or not, for all others.
fn waits_for_all(runs: &BTreeMap<String, Run>, gate: &str) -> bool {
    let mut seen = BTreeSet::from([gate.to_owned()]);
    let mut pending = vec![gate.to_owned()];
    while let Some(name) = pending.pop() {
        for need in &runs[&name].after {
            if seen.insert(need.clone()) {
                pending.push(need.clone());
            }
        }
    }
    seen.len() == runs.len()
}
