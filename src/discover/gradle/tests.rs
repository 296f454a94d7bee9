use super::Gradle;
use crate::discover::Ecosystem;
use crate::discover::testing::{describe, links_of};

mod dependencies;
mod inputs;
mod settings;
mod syntax;

/// The claims of one kind, as `describe` writes them.
fn claims(tree: &str, beginning: &str) -> Vec<String> {
    let all = describe(&links_of::<Gradle>(tree));
    all.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

/// Projects as `folder admission`.
fn projects(tree: &str) -> Vec<String> {
    let word = |line: &String, at: usize| line.split(' ').nth(at).unwrap_or_default().to_owned();
    claims(tree, "project ").iter().map(|line| format!("{} {}", word(line, 1), word(line, 3))).collect()
}

/// Edges as `from -> to kind`.
fn edges(tree: &str) -> Vec<String> {
    let cut = |line: &String| {
        let line = line.strip_prefix("edge ").unwrap_or(line);
        line.rsplit_once(' ').map_or(line, |(edge, _)| edge).to_owned()
    };
    let mut edges: Vec<String> = claims(tree, "edge ").iter().map(cut).collect();
    edges.dedup();
    edges
}

/// What a task reads, without the evidence.
fn inputs(tree: &str, task: &str) -> Vec<String> {
    let beginning = format!("input {task} <- ");
    let cut = |line: &String| {
        let line = line.strip_prefix(&beginning).unwrap_or(line);
        line.rsplit_once(' ').map_or(line, |(input, _)| input).to_owned()
    };
    claims(tree, &beginning).iter().map(cut).collect()
}
