//! Bazel: a module is one project, with all packages below it. What its targets read, Bazel knows better.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::packages::{Need, doubt_computed, folder_of};
use super::script::{Kind, Notation, Script, Token, value_of};
use super::syntax::{Stated, Unreadable};
use super::{
    Admission, Command, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links, ProjectClaim,
    Reading, Role, TaskClaim,
};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;
use crate::selection::Selection;

/// Modules of Bazel.
pub(super) struct Bazel;

const NOTATION: Notation = Notation { comment: "#", interpolation: "{", has_single_quotes: true };
const NAMES: [&str; 3] = ["MODULE.bazel", "WORKSPACE.bazel", "WORKSPACE"];

/// What a `MODULE.bazel` or a `WORKSPACE` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Module {
    name: Option<Stated<String>>,
    /// Other modules by path; none where the path is worked out.
    modules: Vec<Stated<Option<String>>>,
}

impl Ecosystem for Bazel {
    type Facts = Module;

    const NAME: &'static str = "bazel";

    fn recognises(name: &[u8]) -> bool {
        NAMES.iter().any(|known| name == known.as_bytes())
    }

    fn read(_name: &[u8], bytes: &[u8]) -> Result<Module, Unreadable> {
        let script = Script::read(bytes, NOTATION)?;
        let mut module = Module::default();
        for (at, token) in script.tokens.iter().enumerate() {
            let (Kind::Word(word), Some(Token { kind: Kind::Sign(b'('), .. })) =
                (token.kind, script.tokens.get(at + 1))
            else {
                continue;
            };
            match word {
                "module" | "workspace" if module.name.is_none() => {
                    if let [Token { kind: Kind::Text(name), .. }, ..] = value_of(script.enclosed(at + 1), "name") {
                        module.name = Some(script.stated(token, (*name).to_owned()));
                    }
                }
                "local_path_override" | "local_repository" | "new_local_repository" => {
                    match value_of(script.enclosed(at + 1), "path") {
                        [text @ Token { kind: Kind::Text(path), .. }, ..] if script.is_literal(path) => {
                            module.modules.push(script.stated(text, Some((*path).to_owned())));
                        }
                        [computed, ..] => module.modules.push(script.stated(computed, None)),
                        [] => {}
                    }
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn link(landscape: &Landscape<'_, Module>, links: &mut Links) {
        let folders: BTreeSet<RepoPath> = landscape.manifests().iter().map(|manifest| manifest.folder()).collect();
        let mut wanted = BTreeSet::new();
        let mut needs: BTreeMap<RepoPath, Vec<Need>> = BTreeMap::new();
        for manifest in landscape.manifests() {
            let folder = manifest.folder();
            for module in manifest.facts.into_iter().flat_map(|said| &said.modules) {
                let evidence = module.evidence(manifest.path);
                // A folder of the machine is no concern of the repository.
                let Some(path) = module.value.as_ref().map(|path| path.trim_start_matches("%workspace%/")) else {
                    doubt_computed(&folder, "a module", &evidence, links);
                    continue;
                };
                let found = match folder.resolve(path.as_bytes()) {
                    Ok(found) if landscape.is_folder(&found) => Some(found),
                    _ => folder_of(landscape, &folder, path, &NAMES, &evidence, links),
                };
                if let Some(found) = found.filter(|found| *found != folder) {
                    wanted.insert(found.clone());
                    let need = Need { folder: found, kind: EdgeKind::Build, evidence };
                    needs.entry(folder.clone()).or_default().push(need);
                }
            }
        }
        for folder in &folders {
            let nested = folder.ancestors().skip(1).any(|above| folders.contains(&above));
            let admission = if nested && !wanted.contains(folder) { Admission::Stray } else { Admission::Admitted };
            let needs = needs.remove(folder).unwrap_or_default();
            claim_module(landscape, folder, needs, &folders, admission, links);
        }
    }
}

fn claim_module(
    landscape: &Landscape<'_, Module>,
    folder: &RepoPath,
    needs: Vec<Need>,
    folders: &BTreeSet<RepoPath>,
    admission: Admission,
    links: &mut Links,
) {
    let file = NAMES.iter().map(|name| folder.child(name.as_bytes())).find(|path| landscape.has_manifest(path));
    let file = file.unwrap_or_else(|| folder.clone());
    let name = landscape.facts(&file).and_then(|module| module.name.as_ref());
    let evidence = name.map_or_else(|| Evidence::new(&file, 0, ""), |name| name.evidence(&file));
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Code,
        aliases: name.map(|name| name.value.clone()).into_iter().collect(),
        admission,
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    // Packages lie in the folders of other projects too.
    let mut inputs = vec![Input { selection: Selection::all(folder), evidence }];
    for need in needs {
        let (from, evidence) = (folder.clone(), need.evidence);
        let to = match folders.contains(&need.folder) {
            true => EdgeTarget::Project(need.folder.clone()),
            false => {
                let selection = Selection::all(&need.folder);
                inputs.push(Input { selection, evidence: evidence.clone() });
                EdgeTarget::Path(need.folder.clone())
            }
        };
        links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Build, evidence });
    }
    for name in ["build", "test"] {
        let upstream = Reading::Along(vec![EdgeKind::Build], "build".to_owned());
        links.tasks.push(TaskClaim {
            folder: folder.clone(),
            name: name.to_owned(),
            inputs: inputs.clone(),
            slices: Vec::new(),
            reads: if name == "test" { vec![Reading::Own("build".to_owned()), upstream] } else { vec![upstream] },
            command: Some(Command { line: format!("bazel {name} //..."), folder: folder.clone() }),
            tool: "bazel".to_owned(),
            builds_upstream: true,
            outputs: (name == "test").then(Vec::new),
        });
    }
}
