//! Make: a folder whose only manifest is a Makefile is a project, if it has targets that build or test.
//!
//! A Makefile with another one above it is a part of what that one makes, and one in a project of another ecosystem is
//! that project's. At the root it orchestrates others, so it makes no project there.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::surroundings::Surroundings;
use super::syntax::{Lines, Stated, Unreadable, text_of};
use super::{
    Admission, Command, DanglingClaim, Doubtful, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape,
    Links, ProjectClaim, Reading, Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// Makefiles.
pub(super) struct Make;

/// In the order in which GNU make takes them.
const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// What a Makefile says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Makefile {
    targets: BTreeSet<String>,
    includes: Vec<Stated<String>>,
    /// Words that climb, as far as they are literal.
    climbs: Vec<Stated<String>>,
    /// Includes that are worked out.
    computed: Vec<Stated<String>>,
}

impl Ecosystem for Make {
    type Facts = Makefile;

    const NAME: &'static str = "make";

    fn recognises(name: &[u8]) -> bool {
        NAMES.iter().any(|known| name == known.as_bytes())
    }

    fn read(_name: &[u8], bytes: &[u8]) -> Result<Makefile, Unreadable> {
        let text = text_of(bytes)?;
        let lines = Lines::new(text);
        let mut makefile = Makefile::default();
        for (number, line) in text.lines().enumerate() {
            let number = number as u32 + 1;
            let content = line.split(" #").next().unwrap_or_default().trim_end();
            if content.trim_start().starts_with('#') {
                continue;
            }
            if let Some(files) =
                ["include ", "-include ", "sinclude "].iter().find_map(|word| content.strip_prefix(word))
            {
                for file in files.split_whitespace() {
                    let stated = lines.stated(number, file.to_owned());
                    match file.contains('$') {
                        true => makefile.computed.push(stated),
                        false => makefile.includes.push(stated),
                    }
                }
                continue;
            }
            if let (false, Some((targets, rest))) = (content.starts_with('\t'), content.split_once(':')) {
                let assigns = rest.starts_with('=') || targets.contains('=') || targets.starts_with('.');
                if !assigns {
                    let named = targets.split_whitespace().filter(|target| matches!(*target, "all" | "build" | "test"));
                    makefile.targets.extend(named.map(str::to_owned));
                }
            }
            for word in content.split(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ':' | ',' | ';')) {
                let word = ["-I", "-L"].iter().find_map(|flag| word.strip_prefix(flag)).unwrap_or(word);
                let known = ["$(CURDIR)/", "$(PWD)/", "${CURDIR}/", "${PWD}/"];
                let word = known.iter().find_map(|base| word.strip_prefix(base)).unwrap_or(word);
                let literal = match word.find(['$', '*', '%', '(', ')']) {
                    Some(at) => word[..at].rfind('/').map_or("", |slash| &word[..slash]),
                    None => word,
                };
                if literal.split('/').any(|segment| segment == "..") {
                    makefile.climbs.push(lines.stated(number, literal.to_owned()));
                }
            }
        }
        Ok(makefile)
    }

    fn link(landscape: &Landscape<'_, Makefile>, links: &mut Links) {
        let mut surroundings = Surroundings::new(landscape, |_| true);
        let folders: BTreeSet<RepoPath> = landscape.manifests().iter().map(|manifest| manifest.folder()).collect();
        for folder in folders.iter().filter(|folder| !folder.is_root()) {
            let nested = folder.ancestors().skip(1).any(|above| folders.contains(&above));
            if nested || surroundings.project_around(folder).is_some() {
                continue;
            }
            let file = NAMES.iter().map(|name| folder.child(name.as_bytes())).find(|path| landscape.has_manifest(path));
            let Some(file) = file else { continue };
            match landscape.facts(&file) {
                Some(said) if said.targets.is_empty() => {}
                said => claim_project(landscape, folder, &file, said, links),
            }
        }
    }
}

fn claim_project(
    landscape: &Landscape<'_, Makefile>,
    folder: &RepoPath,
    file: &RepoPath,
    said: Option<&Makefile>,
    links: &mut Links,
) {
    let evidence = Evidence::new(file, 0, "");
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Code,
        aliases: Vec::new(),
        admission: Admission::Admitted,
        ground: Ground::Own,
        evidence: evidence.clone(),
    });
    // A recipe may go into any folder below, whoever owns it.
    let mut inputs = vec![Input { selection: Selection::all(folder), evidence: evidence.clone() }];
    let mut seen = BTreeSet::new();
    let includes = said.into_iter().flat_map(|said| said.includes.iter().map(|path| (path, true)));
    let climbs = said.into_iter().flat_map(|said| said.climbs.iter().map(|path| (path, false)));
    for (path, is_include) in includes.chain(climbs) {
        let evidence = path.evidence(file);
        match folder.resolve(path.value.as_bytes()) {
            Ok(target) if target.is_within(folder) => {}
            Ok(target) if landscape.exists(&target) => {
                if seen.insert(target.clone()) {
                    inputs.push(Input { selection: Selection::all(&target), evidence: evidence.clone() });
                    let (from, to) = (folder.clone(), EdgeTarget::Path(target));
                    links.edges.push(EdgeClaim { from, to, kind: EdgeKind::Build, evidence });
                }
            }
            Ok(target) if is_include => {
                let name = target.name().unwrap_or_default().to_vec();
                let (from, wanted) = (folder.clone(), Some(target));
                links.dangling.push(DanglingClaim { from, wanted, name, kind: EdgeKind::Build, evidence });
            }
            Ok(_) => {}
            Err(_) => {
                let message = format!("`{}` lies outside the repository, so its changes are not seen", path.value);
                let finding = Diagnostic::warning("outside-repository", message).at(&evidence);
                links.diagnostics.push(finding.help("name a path of the repository"));
            }
        }
    }
    for include in said.into_iter().flat_map(|said| &said.computed) {
        let message = format!("the include `{}` is worked out, so the file is not known", include.value);
        let finding = Diagnostic::warning("computed-path", message).at(&include.evidence(file));
        links.doubt(Doubtful::Project(folder.clone()), finding.help("write the path as a literal"));
    }
    let has = |target: &str| said.is_none_or(|said| said.targets.contains(target));
    let build = if has("build") { Some("make build") } else { has("all").then_some("make all") };
    let upstream = Reading::Along(vec![EdgeKind::Build, EdgeKind::Schema], "build".to_owned());
    let mut task = |name: &str, line: &str, reads: Vec<Reading>| {
        links.tasks.push(TaskClaim {
            folder: folder.clone(),
            name: name.to_owned(),
            inputs: inputs.clone(),
            slices: Vec::new(),
            reads,
            command: Some(Command { line: line.to_owned(), folder: folder.clone() }),
            tool: "make".to_owned(),
            builds_upstream: true,
            outputs: (name == "test").then(Vec::new),
        });
    };
    if let Some(line) = build {
        task("build", line, vec![upstream.clone()]);
    }
    if has("test") {
        task("test", "make test", vec![Reading::Own("build".to_owned()), upstream]);
    }
}
