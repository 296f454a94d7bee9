//! Protocol buffers: folders of schemas, what they import, and copies of one schema that drift apart.

mod buf;
mod proto;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::buf::{is_generation, link_generation, read_lock};
use self::proto::{Proto, read_proto};
use super::locked::Locked;
use super::surroundings::Surroundings;
use super::syntax::{Lines, Located, Stated, Unreadable, read_yaml, text_of};
use super::{
    Admission, DanglingClaim, Ecosystem, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, Landscape, Links,
    ProjectClaim, Reading, Role, TaskClaim,
};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::path::RepoPath;
use crate::selection::Selection;

/// Protocol buffers.
pub(super) struct Protobuf;

/// What one file says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Facts {
    /// A `.proto` file.
    Proto(Proto),
    /// `buf.yaml`.
    Module(Module),
    /// `buf.work.yaml`: the folders of modules.
    Workspace(Vec<Stated<String>>),
    /// `buf.gen.yaml`: the folders and files that code is generated from; the folder itself where it names none.
    Generation(Vec<Stated<String>>),
    /// `buf.lock`.
    Lock(Locked),
}

/// What a `buf.yaml` says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Module {
    name: Option<Stated<String>>,
    /// The folders of its modules or roots; none where the file's own folder is the module.
    folders: Vec<Stated<String>>,
}

impl Ecosystem for Protobuf {
    type Facts = Facts;

    const NAME: &'static str = "protobuf";

    fn recognises(name: &[u8]) -> bool {
        name.ends_with(b".proto") || matches!(name, b"buf.yaml" | b"buf.work.yaml" | b"buf.lock") || is_generation(name)
    }

    fn read(name: &[u8], bytes: &[u8]) -> Result<Facts, Unreadable> {
        if name.ends_with(b".proto") {
            return read_proto(bytes).map(Facts::Proto);
        }
        let documents = read_yaml(bytes)?;
        let lines = Lines::new(text_of(bytes)?);
        let document = documents.first();
        let texts = |list: Option<&Located>| {
            let items = list.map_or(&[][..], Located::items).iter();
            items.filter_map(|item| Some(lines.stated(item.line, item.text()?.to_owned()))).collect::<Vec<_>>()
        };
        if name == b"buf.lock" {
            return Ok(Facts::Lock(read_lock(document)));
        }
        if is_generation(name) {
            let inputs = document.and_then(|document| document.get("inputs")).map_or(&[][..], Located::items);
            let places = inputs.iter().filter_map(|input| input.get("directory").or_else(|| input.get("proto_file")));
            let mut places: Vec<_> =
                places.filter_map(|place| Some(lines.stated(place.line, place.text()?.to_owned()))).collect();
            if inputs.is_empty() {
                places.push(lines.stated(1, ".".to_owned()));
            }
            return Ok(Facts::Generation(places));
        }
        if name == b"buf.work.yaml" {
            return Ok(Facts::Workspace(texts(document.and_then(|document| document.get("directories")))));
        }
        let name = document.and_then(|document| document.get("name"));
        let mut folders = texts(document.and_then(|document| document.at(&["build", "roots"])));
        let modules = document.and_then(|document| document.get("modules")).map_or(&[][..], Located::items);
        let paths = modules.iter().filter_map(|module| module.get("path"));
        folders.extend(paths.filter_map(|path| Some(lines.stated(path.line, path.text()?.to_owned()))));
        let name = name.and_then(|name| Some(lines.stated(name.line, name.text()?.to_owned())));
        Ok(Facts::Module(Module { name, folders }))
    }

    fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
        let schemas = Schemas::of(landscape);
        for (folder, schema) in &schemas.projects {
            claim_schema(landscape, &schemas, folder, schema, links);
        }
        let index = Index::of(landscape, &schemas);
        let mut surroundings = Surroundings::new(landscape, |_| true);
        for manifest in landscape.manifests() {
            match manifest.facts {
                Ok(Facts::Proto(proto)) => {
                    link_imports(landscape, (&schemas, &index), &mut surroundings, (manifest.path, proto), links);
                }
                Ok(Facts::Generation(places)) => link_generation(landscape, &schemas, manifest.path, places, links),
                _ => {}
            }
        }
        report_drift(landscape, links);
    }
}

/// A folder of schemas that is a project.
struct Schema {
    evidence: Evidence,
    name: Option<String>,
    /// The file that makes the folder a module, if one does.
    configuration: Option<RepoPath>,
}

/// All folders of schemas that are projects, and the folders that imports begin at.
struct Schemas {
    projects: BTreeMap<RepoPath, Schema>,
    roots: BTreeSet<RepoPath>,
}

impl Schemas {
    fn of(landscape: &Landscape<'_, Facts>) -> Self {
        let mut projects: BTreeMap<RepoPath, Schema> = BTreeMap::new();
        let mut roots: BTreeSet<RepoPath> = BTreeSet::new();
        for manifest in landscape.manifests() {
            let folder = manifest.folder();
            let (folders, is_workspace) = match manifest.facts {
                Ok(Facts::Module(module)) => (module.folders.as_slice(), false),
                Ok(Facts::Workspace(folders)) => (folders.as_slice(), true),
                Err(_) if manifest.path.name() == Some(b"buf.yaml") => (&[][..], false),
                _ => continue,
            };
            let mut modules: Vec<(RepoPath, Evidence)> = folders
                .iter()
                .filter_map(|stated| {
                    Some((folder.resolve(stated.value.as_bytes()).ok()?, stated.evidence(manifest.path)))
                })
                .filter(|(module, _)| landscape.is_folder(module))
                .collect();
            if modules.is_empty() && !is_workspace {
                let evidence = match manifest.facts {
                    Ok(Facts::Module(Module { name: Some(name), .. })) => name.evidence(manifest.path),
                    Err(unreadable) => Evidence::new(manifest.path, unreadable.line, ""),
                    _ => Evidence::new(manifest.path, 0, ""),
                };
                modules.push((folder, evidence));
            }
            let name = match manifest.facts {
                Ok(Facts::Module(module)) if modules.len() == 1 => module.name.as_ref().map(|name| name.value.clone()),
                _ => None,
            };
            for (module, evidence) in modules {
                roots.insert(module.clone());
                let schema = Schema { evidence, name: name.clone(), configuration: Some(manifest.path.clone()) };
                match projects.get(&module) {
                    Some(known) if known.name.is_some() => {}
                    _ => drop(projects.insert(module, schema)),
                }
            }
        }
        let mut surroundings = Surroundings::new(landscape, |_| true);
        let protos = landscape.manifests().iter().filter(|manifest| is_proto(manifest.path));
        // Folders in order, so that each comes before those below it.
        let folders: BTreeSet<RepoPath> = protos.map(|manifest| manifest.folder()).collect();
        for folder in folders {
            // Schemas that lie loose at the root do not make one project of the whole repository.
            let covers = |above: &RepoPath, schema: &Schema| schema.configuration.is_some() || !above.is_root();
            let covered =
                folder.ancestors().any(|above| projects.get(&above).is_some_and(|schema| covers(&above, schema)));
            // Schemas in a project of another ecosystem are part of that project.
            let is_foreign = surroundings.project_around(&folder).is_some_and(|around| !around.is_root());
            if !covered && !is_foreign {
                let evidence = Evidence::new(&folder, 0, "");
                projects.insert(folder, Schema { evidence, name: None, configuration: None });
            }
        }
        Self { projects, roots }
    }

    /// The schema project that a file belongs to.
    fn home_of(&self, file: &RepoPath) -> Option<RepoPath> {
        file.ancestors().skip(1).find(|folder| match self.projects.get(folder) {
            // The root takes only the schemas that lie in it, unless it is a module.
            Some(schema) => {
                schema.configuration.is_some() || !folder.is_root() || file.parent().as_ref() == Some(folder)
            }
            None => false,
        })
    }

    /// The project of another ecosystem that a file belongs to although it is part of a module around that project.
    fn project_inside(&self, file: &RepoPath, surroundings: &mut Surroundings<'_, Facts>) -> Option<RepoPath> {
        let home = self.home_of(file)?;
        let around = surroundings.project_around(&file.parent()?)?;
        (around != home && around.is_within(&home)).then_some(around)
    }
}

fn is_proto(path: &RepoPath) -> bool {
    path.as_bytes().ends_with(b".proto")
}

fn claim_schema(
    landscape: &Landscape<'_, Facts>,
    schemas: &Schemas,
    folder: &RepoPath,
    schema: &Schema,
    links: &mut Links,
) {
    let nested = folder.ancestors().skip(1).find(|above| {
        schemas.projects.get(above).is_some_and(|enclosing| {
            // Modules that one file names stand beside each other, whatever their folders.
            enclosing.configuration.is_some() && enclosing.configuration != schema.configuration
        })
    });
    let named = schemas.roots.contains(folder)
        && schema.configuration.as_ref().is_none_or(|file| file.parent().as_ref() != Some(folder));
    let evidence = match &schema.configuration {
        Some(_) => schema.evidence.clone(),
        None => {
            let entries = landscape.entries(folder);
            let first = entries.iter().map(|entry| folder.child(&entry.name)).find(is_proto);
            Evidence::new(&first.unwrap_or_else(|| folder.clone()), 0, "")
        }
    };
    // A Go module at the root owns what lies below: schemas beside it do not make that shared ground.
    let is_shared = folder.is_root() && Surroundings::new(landscape, |_| true).project_around(folder).is_none();
    let ground = match (is_shared, &schema.configuration) {
        (false, _) => Ground::Own,
        (true, None) => Ground::Shared(vec!["*.proto".to_owned()]),
        (true, Some(_)) => Ground::Shared(["**/*.proto", "buf.lock", "buf.yaml"].map(str::to_owned).to_vec()),
    };
    links.projects.push(ProjectClaim {
        folder: folder.clone(),
        role: Role::Schema,
        aliases: schema.name.clone().into_iter().collect(),
        admission: if nested.is_some() && !named { Admission::Stray } else { Admission::Admitted },
        ground,
        evidence: evidence.clone(),
    });
    // A lockfile does not say which module needs which: each entry counts.
    let locks = landscape.all_above(folder, &["buf.lock"]).into_iter();
    let locks: BTreeMap<RepoPath, &Locked> = locks
        .filter_map(|file| match landscape.facts(&file)? {
            Facts::Lock(locked) => Some((file, locked)),
            _ => None,
        })
        .collect();
    let slices = locks.iter().filter_map(|(file, locked)| locked.claims(file, locked.names())).flatten().collect();
    links.fragments.extend(locks.iter().map(|(file, locked)| (file.clone(), locked.fragments.clone())));
    let owned = Selection::owned(folder).slicing(locks.keys());
    let mut inputs = vec![Input { selection: owned, evidence }];
    if let Some(file) = schema.configuration.as_ref().filter(|file| !file.is_within(folder)) {
        inputs.push(Input { selection: Selection::all(file), evidence: schema.evidence.clone() });
    }
    for file in landscape.all_above(folder, &["buf.lock", "buf.work.yaml"]) {
        if locks.contains_key(&file) {
            continue;
        }
        inputs.push(Input { selection: Selection::all(&file), evidence: Evidence::new(&file, 0, "") });
    }
    links.tasks.push(TaskClaim {
        folder: folder.clone(),
        name: "build".to_owned(),
        inputs,
        slices,
        reads: vec![Reading::Along(vec![EdgeKind::Schema], "build".to_owned())],
        command: None,
        tool: "buf".to_owned(),
        builds_upstream: true,
        outputs: None,
    });
}

/// Schemas by file name, to find what an import means.
struct Index<'a> {
    by_name: HashMap<&'a [u8], Vec<&'a RepoPath>>,
    roots: &'a BTreeSet<RepoPath>,
    roots_as_written: HashSet<&'a [u8]>,
}

impl<'a> Index<'a> {
    fn of(landscape: &'a Landscape<'a, Facts>, schemas: &'a Schemas) -> Self {
        let mut by_name: HashMap<&[u8], Vec<&RepoPath>> = HashMap::new();
        for manifest in landscape.manifests().iter().filter(|manifest| is_proto(manifest.path)) {
            by_name.entry(manifest.path.name().unwrap_or_default()).or_default().push(manifest.path);
        }
        let roots_as_written = schemas.roots.iter().map(RepoPath::as_bytes).collect();
        Self { by_name, roots: &schemas.roots, roots_as_written }
    }

    /// The files that an import may mean: by the folders above the importing file, then by the modules, then by how
    /// a path ends. Of several, those that share most of their path with the importing file.
    fn find(&self, importer: &RepoPath, import: &str) -> Vec<&'a RepoPath> {
        let wanted = import.as_bytes();
        let name = wanted.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let candidates = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let ends_so = |path: &RepoPath| -> Option<usize> {
            let root = path.as_bytes().strip_suffix(wanted)?;
            (root.is_empty() || root.ends_with(b"/")).then_some(root.len().saturating_sub(1))
        };
        let fitting: Vec<(&RepoPath, &[u8])> = candidates
            .iter()
            .filter(|path| **path != importer)
            .filter_map(|path| Some((*path, &path.as_bytes()[..ends_so(path)?])))
            .collect();
        let is_above = |root: &[u8]| {
            root.is_empty() || importer.as_bytes().strip_prefix(root).is_some_and(|rest| rest.starts_with(b"/"))
        };
        let module = importer.ancestors().find(|above| self.roots.contains(above));
        if let Some(module) = module
            && let Some((path, _)) = fitting.iter().find(|(_, root)| *root == module.as_bytes())
        {
            return vec![path];
        }
        if let Some((path, _)) = fitting.iter().filter(|(_, root)| is_above(root)).max_by_key(|(_, root)| root.len()) {
            return vec![path];
        }
        let in_modules: Vec<_> = fitting.iter().filter(|(_, root)| self.roots_as_written.contains(root)).collect();
        let rest = if in_modules.is_empty() { fitting.iter().collect() } else { in_modules };
        let shared = |path: &RepoPath| importer.segments().zip(path.segments()).take_while(|(a, b)| a == b).count();
        let most = rest.iter().map(|(path, _)| shared(path)).max();
        rest.into_iter().filter(|(path, _)| Some(shared(path)) == most).map(|(path, _)| *path).collect()
    }
}

fn link_imports(
    landscape: &Landscape<'_, Facts>,
    (schemas, index): (&Schemas, &Index<'_>),
    surroundings: &mut Surroundings<'_, Facts>,
    (file, proto): (&RepoPath, &Proto),
    links: &mut Links,
) {
    let folder = file.parent().unwrap_or_else(RepoPath::root);
    let home = schemas.home_of(file);
    let inner = schemas.project_inside(file, surroundings);
    for import in &proto.imports {
        let evidence = import.evidence(file);
        let found = index.find(file, &import.value);
        if found.is_empty() {
            let from = home.clone().unwrap_or_else(|| folder.clone());
            report_missing(landscape, index, file, from, &import.value, evidence, links);
            continue;
        }
        for target in found {
            let leaves = match &home {
                Some(_) => schemas.home_of(target) != home || schemas.project_inside(target, surroundings) != inner,
                None => !target.is_within(&folder),
            };
            if !leaves {
                continue;
            }
            // The edge leads to whoever owns the imported file, whatever module that is part of.
            let loose = home.is_none().then_some(&folder);
            for from in home.iter().chain(&inner).chain(loose) {
                let to = EdgeTarget::Path(target.clone());
                let claim = EdgeClaim { from: from.clone(), to, kind: EdgeKind::Schema, evidence: evidence.clone() };
                links.edges.push(claim);
            }
        }
    }
}

/// An import that leads nowhere comes from elsewhere, unless its first folder stands where imports begin.
fn report_missing(
    landscape: &Landscape<'_, Facts>,
    index: &Index<'_>,
    file: &RepoPath,
    from: RepoPath,
    import: &str,
    evidence: Evidence,
    links: &mut Links,
) {
    if import.starts_with("google/") {
        return;
    }
    let Some((first, _)) = import.split_once('/') else { return };
    let module = file.ancestors().find(|above| index.roots.contains(above)).unwrap_or_else(RepoPath::root);
    let Ok(wanted) = module.resolve(import.as_bytes()) else { return };
    let Ok(begins) = module.resolve(first.as_bytes()) else { return };
    if landscape.is_folder(&begins) && !landscape.has_manifest(&wanted) {
        links.dangling.push(DanglingClaim {
            from,
            name: wanted.name().unwrap_or_default().to_vec(),
            wanted: Some(wanted),
            kind: EdgeKind::Schema,
            evidence,
        });
    }
}

/// Says where files with one name and package differ: copies of one schema that no longer agree.
fn report_drift(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    type Copies<'a> = Vec<(&'a RepoPath, &'a Proto)>;
    let mut copies: BTreeMap<(&[u8], &str), Copies<'_>> = BTreeMap::new();
    for manifest in landscape.manifests() {
        if let Ok(Facts::Proto(proto)) = manifest.facts
            && let Some(package) = &proto.package
        {
            let key = (manifest.path.name().unwrap_or_default(), package.value.as_str());
            copies.entry(key).or_default().push((manifest.path, proto));
        }
    }
    for ((_, package), files) in copies {
        let [(first, canonical), others @ ..] = files.as_slice() else { continue };
        let different: Vec<String> = others
            .iter()
            .filter(|(_, proto)| proto.digest != canonical.digest)
            .map(|(path, _)| format!("`{path}`"))
            .collect();
        if different.is_empty() {
            continue;
        }
        let message = format!("`{first}` of package {package} differs from {}", different.join(", "));
        let mend =
            "copies of one schema that differ break whoever speaks it: keep one, and import or copy it in the build";
        let place = canonical.package.as_ref().map(|package| package.evidence(first));
        let note = Diagnostic::note("proto-drift", message).help(mend);
        links.diagnostics.push(match place {
            Some(evidence) => note.at(&evidence),
            None => note,
        });
    }
}
