//! Links Python projects: what each refers to, and its tasks.

use std::collections::{BTreeMap, BTreeSet};

use super::Facts;
use super::elsewhere::Elsewhere;
use super::inherited::has_tests;
use super::projects::{Project, Projects};
use super::reference::{Dependency, Source, normalise};
use super::requirements::Requirements;
use super::services::{claim_services, services};
use super::slices::{Locks, Reader, claim_fragments};
use super::tasks::{claim_tasks, surrounding_of};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::discover::{
    Admission, DanglingClaim, Doubtful, EdgeClaim, EdgeKind, EdgeTarget, Landscape, Links, ProjectClaim, Role,
};
use crate::path::{PathError, RepoPath};

/// What a project refers to, before it is known which projects the workspaces admit.
#[derive(Default)]
struct References {
    /// Folders of projects.
    projects: BTreeSet<(RepoPath, EdgeKind, Evidence)>,
    /// Files and folders outside that are no Python project, and whether tests alone read them.
    places: BTreeSet<(RepoPath, EdgeKind, Evidence)>,
}

pub(super) fn link(landscape: &Landscape<'_, Facts>, links: &mut Links) {
    let projects = Projects::of(landscape);
    let is_project = |folder: &RepoPath| projects.all.contains_key(folder);
    let mut references: BTreeMap<&RepoPath, References> = BTreeMap::new();
    let mut tested: BTreeSet<&RepoPath> = BTreeSet::new();
    for (folder, project) in &projects.all {
        if has_tests(landscape, project, &is_project) {
            tested.insert(folder);
        }
        let mut linker = Linker {
            landscape,
            projects: &projects,
            project,
            has_tests: tested.contains(folder),
            sources: sources_of(Some(project)),
            workspace_sources: sources_of(projects.workspace_of(folder).filter(|root| root.folder != *folder)),
            found: References::default(),
            links,
        };
        linker.follow();
        references.insert(folder, linker.found);
    }
    let admitted = admitted(landscape, &projects, &references);
    let locks = Locks::of(landscape);
    let services = services(landscape, &projects, &admitted);
    let is_admitted = |folder: &RepoPath| admitted.contains(folder);
    let mut elsewhere = Elsewhere::new(landscape, &projects);
    for (folder, project) in &projects.all {
        let admission = if admitted.contains(folder) { Admission::Admitted } else { Admission::Stray };
        claim_project(landscape, &projects, project, admission, links);
        if project.is_virtual() {
            continue;
        }
        let Some(found) = references.get(folder) else { continue };
        for (to, kind, evidence) in &found.projects {
            let to = if admitted.contains(to) { EdgeTarget::Project(to.clone()) } else { EdgeTarget::Path(to.clone()) };
            links.edges.push(EdgeClaim { from: folder.clone(), to, kind: *kind, evidence: evidence.clone() });
        }
        for (to, kind, evidence) in &found.places {
            if landscape.is_folder(to) {
                let to = EdgeTarget::Path(to.clone());
                links.edges.push(EdgeClaim { from: folder.clone(), to, kind: *kind, evidence: evidence.clone() });
            }
        }
        let reader =
            Reader { landscape, projects: &projects, locks: &locks, project, has_tests: tested.contains(folder) };
        // An import is no edge: nothing of the other project need be built first, and two may import each other.
        let mut places = found.places.clone();
        places.extend(elsewhere.of(project));
        let surrounding = surrounding_of(&reader, &places);
        let services = services.get(folder).map_or(&[][..], Vec::as_slice);
        claim_tasks(&reader, &surrounding, services, links);
        if !services.is_empty() {
            claim_services(&reader, services, &surrounding, &is_admitted, links);
        }
    }
    claim_fragments(landscape, links);
}

/// The projects that no enclosing project leaves out. What an admitted one refers to by path is admitted.
fn admitted(
    landscape: &Landscape<'_, Facts>,
    projects: &Projects<'_>,
    references: &BTreeMap<&RepoPath, References>,
) -> BTreeSet<RepoPath> {
    const OWN_LOCKS: [&[u8]; 4] = [b"uv.lock", b"poetry.lock", b"pdm.lock", b"Pipfile.lock"];
    let stands = |folder: &RepoPath| {
        let Some(enclosing) = projects.enclosing(folder) else { return true };
        let unreadable = || enclosing.manifests.iter().any(|manifest| manifest.facts.is_err());
        let within_workspace = || match projects.workspace_above(folder) {
            Some(_) => projects.workspace_of(folder).is_some(),
            None => projects.is_tooling_root(landscape, enclosing) || unreadable(),
        };
        OWN_LOCKS.iter().any(|lock| landscape.is_file(&folder.child(lock))) || within_workspace()
    };
    let mut admitted: BTreeSet<RepoPath> = projects.all.keys().filter(|folder| stands(folder)).cloned().collect();
    let mut pending: Vec<RepoPath> = admitted.iter().cloned().collect();
    while let Some(folder) = pending.pop() {
        for (reached, ..) in references.get(&folder).into_iter().flat_map(|found| &found.projects) {
            if admitted.insert(reached.clone()) {
                pending.push(reached.clone());
            }
        }
    }
    admitted
}

fn claim_project(
    landscape: &Landscape<'_, Facts>,
    projects: &Projects<'_>,
    project: &Project<'_>,
    admission: Admission,
    links: &mut Links,
) {
    let mut aliases: Vec<String> = project.name().map(|(_, name)| name.value.clone()).into_iter().collect();
    aliases.extend(aliases.first().map(|name| normalise(name)));
    aliases.dedup();
    links.projects.push(ProjectClaim {
        folder: project.folder.clone(),
        role: if project.is_virtual() { Role::Workspace } else { Role::Code },
        aliases,
        admission,
        ground: projects.ground_of(landscape, project),
        evidence: project.evidence(),
    });
}

/// Where dependencies come from, by normalised name.
type Sources<'a> = BTreeMap<&'a str, Vec<&'a Stated<Source>>>;

fn sources_of<'a>(project: Option<&Project<'a>>) -> Sources<'a> {
    let mut sources = Sources::new();
    for (name, source) in project.and_then(Project::pyproject).map_or(&[][..], |read| &read.sources) {
        sources.entry(name).or_default().push(source);
    }
    sources
}

/// Follows what one project refers to.
struct Linker<'a, 'b> {
    landscape: &'a Landscape<'a, Facts>,
    projects: &'a Projects<'a>,
    project: &'a Project<'a>,
    has_tests: bool,
    sources: Sources<'a>,
    /// What the workspace root states for its members.
    workspace_sources: Sources<'a>,
    found: References,
    links: &'b mut Links,
}

/// Where a written path leads.
enum Reached {
    Project(RepoPath),
    Place(RepoPath),
    /// The project itself, or a part of it.
    Own,
    Missing(RepoPath),
    Outside,
    Unusable,
}

impl<'a> Linker<'a, '_> {
    fn follow(&mut self) {
        let project = self.project;
        for manifest in &project.manifests {
            let path = manifest.path;
            let Ok(facts) = manifest.facts else { continue };
            match facts {
                Facts::Pyproject(read) => {
                    for dependency in &read.dependencies {
                        self.dependency(path, dependency, true);
                    }
                    // A workspace root states sources for its members.
                    if read.workspace.is_none() {
                        let listed =
                            |name: &String| read.dependencies.iter().any(|d| d.value.name.as_ref() == Some(name));
                        for (_, source) in read.sources.iter().filter(|(name, _)| !listed(name)) {
                            self.sourced(&project.folder, path, source, EdgeKind::Build, None);
                        }
                    }
                    self.outside(path, &read.outside);
                }
                Facts::Setup(read) => {
                    for dependency in &read.dependencies {
                        self.dependency(path, dependency, false);
                    }
                    self.outside(path, &read.outside);
                    for computed in &read.computed {
                        self.computed(path, computed);
                    }
                }
                Facts::Pipfile(dependencies) => {
                    for dependency in dependencies {
                        self.dependency(path, dependency, true);
                    }
                }
                Facts::Requirements(read) => self.requirements(path, read),
                Facts::Lock(_) | Facts::Source(_) | Facts::NoSource(_) => {}
            }
        }
    }

    /// A dependency of a manifest that states paths relative to its own folder.
    fn dependency(&mut self, file: &RepoPath, dependency: &Stated<Dependency>, is_locked: bool) {
        let kind = self.kind(dependency.value.kind);
        let folder = &self.project.folder;
        if dependency.value.source != Source::Name {
            self.sourced(
                folder,
                file,
                &dependency.with(dependency.value.source.clone()),
                kind,
                dependency.value.name.as_ref(),
            );
            return;
        }
        let Some(name) = &dependency.value.name else { return };
        if let Some(sources) = self.sources.get(name.as_str()).filter(|_| is_locked).cloned() {
            for source in sources {
                self.sourced(folder, file, source, kind, Some(name));
            }
            return;
        }
        let workspace = self.projects.workspace_of(folder);
        if let (Some(root), Some(sources)) = (workspace, self.workspace_sources.get(name.as_str()).cloned()) {
            for source in sources {
                let here = dependency.with(source.value.clone());
                self.sourced(&root.folder, file, &here, kind, Some(name));
            }
            return;
        }
        // Tools that lock take a plain name from an index, but for members of one workspace.
        let manager = self.project.pyproject().and_then(|read| read.manager);
        let takes_installed = manager.is_none() || !is_locked;
        if takes_installed || workspace.is_some() {
            self.named(name, kind, &dependency.evidence(file), !takes_installed);
        }
    }

    /// Claims the projects that have a name.
    fn named(&mut self, name: &str, kind: EdgeKind, evidence: &Evidence, members_only: bool) -> bool {
        let own = self.projects.workspace_of(&self.project.folder).map(|root| &root.folder);
        let known = self.projects.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let is_member =
            |folder: &&RepoPath| own.is_some() && self.projects.workspace_of(folder).map(|root| &root.folder) == own;
        let mut folders: Vec<&RepoPath> = known.iter().filter(is_member).collect();
        if folders.is_empty() && !members_only {
            // Vendored copies and fixtures share names with what they copy.
            folders = known
                .iter()
                .filter(|folder| self.projects.enclosing(folder).is_none_or(|above| !above.is_package()))
                .collect();
        }
        for folder in &folders {
            if **folder != self.project.folder {
                self.found.projects.insert(((*folder).clone(), kind, evidence.clone()));
            }
        }
        !folders.is_empty()
    }

    /// A dependency whose source is stated, relative to `base`.
    fn sourced(
        &mut self,
        base: &RepoPath,
        file: &RepoPath,
        source: &Stated<Source>,
        kind: EdgeKind,
        name: Option<&String>,
    ) {
        let evidence = source.evidence(file);
        match &source.value {
            Source::Name | Source::Elsewhere => {}
            Source::Workspace => {
                let Some(name) = name else { return };
                if !self.named(name, kind, &evidence, true) {
                    let message = format!("`{name}` is no member of a workspace that this project belongs to");
                    let mend = "name its folder in `tool.uv.workspace.members` of the workspace root";
                    let warning = Diagnostic::warning("unknown-workspace-member", message).at(&evidence).help(mend);
                    self.links.diagnostics.push(warning);
                }
            }
            Source::Path(path) => self.path(std::slice::from_ref(base), path, kind, &evidence),
            Source::Computed(path) => self.warn_computed(path, &evidence),
        }
    }

    fn requirements(&mut self, file: &RepoPath, read: &'a Requirements) {
        let home = &self.project.folder;
        let mut seen = BTreeSet::from([file.clone()]);
        let mut pending: Vec<(RepoPath, &'a Requirements)> = vec![(file.clone(), read)];
        while let Some((file, read)) = pending.pop() {
            // pip takes paths from where it is started: the file's folder, the project, or a folder above.
            let mut bases: Vec<RepoPath> = file.parent().into_iter().collect();
            bases.extend(home.ancestors().filter(|above| Some(above) != file.parent().as_ref()));
            for dependency in &read.dependencies {
                let kind = self.kind(dependency.value.kind);
                let evidence = dependency.evidence(&file);
                match (&dependency.value.source, &dependency.value.name) {
                    (Source::Path(path), _) => self.path(&bases, path, kind, &evidence),
                    (Source::Computed(path), _) => self.warn_computed(path, &evidence),
                    (Source::Name, Some(name)) => {
                        self.named(name, kind, &evidence, false);
                    }
                    _ => {}
                }
            }
            for stated in read.links.iter().filter(|stated| !stated.value.is_empty()) {
                self.path(&bases, &stated.value, EdgeKind::Build, &stated.evidence(&file));
            }
            for stated in read.files.iter().filter(|stated| !stated.value.is_empty()) {
                let evidence = stated.evidence(&file);
                let base = file.parent().unwrap_or_else(RepoPath::root);
                let included = match base.resolve(stated.value.as_bytes()) {
                    Ok(included) => included,
                    Err(error) => {
                        self.unreachable(&error, &stated.value, &evidence);
                        continue;
                    }
                };
                if !self.landscape.is_file(&included) {
                    self.dangling(included, EdgeKind::Build, evidence);
                    continue;
                }
                if !self.owns(&included) && !seen.contains(&included) {
                    self.found.places.insert((included.clone(), EdgeKind::Build, evidence.clone()));
                }
                match self.landscape.facts(&included) {
                    Some(Facts::Requirements(next)) if seen.insert(included.clone()) => pending.push((included, next)),
                    Some(_) => {}
                    None if self.landscape.has_manifest(&included) => {}
                    None => {
                        let message = format!("`{included}` is read as a file alone, not for the paths that it names");
                        let mend = "name it `requirements-….txt`, so that what it refers to is followed";
                        let note = Diagnostic::note("unread-requirements", message).at(&evidence).help(mend);
                        self.links.diagnostics.push(note);
                    }
                }
            }
        }
    }

    /// Paths that a manifest names besides its dependencies. One that leads nowhere is read by nobody.
    fn outside(&mut self, file: &RepoPath, paths: &[Stated<String>]) {
        for stated in paths {
            let evidence = stated.evidence(file);
            match self.project.folder.resolve(stated.value.as_bytes()) {
                Ok(path) if self.landscape.exists(&path) && !self.owns(&path) => {
                    self.found.places.insert((path, EdgeKind::Build, evidence));
                }
                Ok(_) => {}
                Err(error) => self.unreachable(&error, &stated.value, &evidence),
            }
        }
    }

    /// A program reads something above its folder that is not known: all of it is read.
    fn computed(&mut self, file: &RepoPath, stated: &Stated<String>) {
        let evidence = stated.evidence(file);
        let Ok(path) = self.project.folder.resolve(stated.value.as_bytes()) else { return };
        let message = format!("a path above the folder is computed, so everything below `{path}` counts as read");
        let mend = "write the path as literals, such as `os.path.join(\"..\", \"VERSION\")`";
        self.links.diagnostics.push(Diagnostic::warning("computed-path", message).at(&evidence).help(mend));
        self.found.places.insert((path, EdgeKind::Build, evidence));
    }

    fn warn_computed(&mut self, path: &str, evidence: &Evidence) {
        let message = format!("a variable decides where `{path}` leads, so what it depends on is not known");
        let mend = "write a path relative to the file, or name the project in `depends-on` of knockon.toml";
        let finding = Diagnostic::warning("computed-path", message).at(evidence).help(mend);
        self.links.doubt(Doubtful::Project(self.project.folder.clone()), finding);
    }

    fn path(&mut self, bases: &[RepoPath], written: &str, kind: EdgeKind, evidence: &Evidence) {
        match self.reach(bases, written) {
            Reached::Project(folder) => {
                self.found.projects.insert((folder, kind, evidence.clone()));
            }
            Reached::Place(path) => {
                self.found.places.insert((path, kind, evidence.clone()));
            }
            Reached::Own | Reached::Unusable => {}
            Reached::Missing(path) => self.dangling(path, kind, evidence.clone()),
            Reached::Outside => self.unreachable(&PathError::Escapes, written, evidence),
        }
    }

    fn reach(&self, bases: &[RepoPath], written: &str) -> Reached {
        let resolved: Vec<_> = bases.iter().map(|base| base.resolve(written.as_bytes())).collect();
        let found: Vec<&RepoPath> = resolved.iter().filter_map(|path| path.as_ref().ok()).collect();
        let package = |path: &&&RepoPath| self.projects.all.get(**path).is_some_and(Project::is_package);
        if let Some(folder) = found.iter().find(package) {
            let own = **folder == self.project.folder;
            return if own { Reached::Own } else { Reached::Project((*folder).clone()) };
        }
        match found.iter().find(|path| self.landscape.exists(path)) {
            Some(path) if self.owns(path) => Reached::Own,
            Some(path) if self.projects.all.contains_key(*path) => Reached::Project((*path).clone()),
            Some(path) => Reached::Place((*path).clone()),
            None => match resolved.first() {
                Some(Ok(path)) => Reached::Missing(path.clone()),
                Some(Err(PathError::Segment)) | None => Reached::Unusable,
                Some(Err(_)) => Reached::Outside,
            },
        }
    }

    /// Whether a path is the project's folder or lies below it, outside every project nested there.
    fn owns(&self, path: &RepoPath) -> bool {
        let home = path.ancestors().find(|above| self.projects.all.contains_key(above));
        home.as_ref() == Some(&self.project.folder)
            && matches!(self.projects.ground_of(self.landscape, self.project), crate::discover::Ground::Own)
    }

    /// Edges of development alone have no reader in a project without tests, so its build reads them.
    fn kind(&self, stated: EdgeKind) -> EdgeKind {
        if self.has_tests { stated } else { EdgeKind::Build }
    }

    fn dangling(&mut self, wanted: RepoPath, kind: EdgeKind, evidence: Evidence) {
        self.links.dangling.push(DanglingClaim {
            from: self.project.folder.clone(),
            name: wanted.name().unwrap_or_default().to_vec(),
            wanted: Some(wanted),
            kind,
            evidence,
        });
    }

    fn unreachable(&mut self, error: &PathError, written: &str, evidence: &Evidence) {
        if *error == PathError::Segment {
            return;
        }
        let message = format!("`{written}` lies outside the repository");
        let mend = "changes there are not seen: move it into the repository, or take it from an index";
        self.links.diagnostics.push(Diagnostic::warning("outside-repository", message).at(evidence).help(mend));
    }
}
