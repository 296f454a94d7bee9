//! What TypeScript configurations lead to outside their package: configurations that they extend or refer to, and
//! places that stand for import names.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::NodeFacts;
use super::layout::Layout;
use super::tsconfig::{Mapping, TsConfig};
use crate::diagnostic::{Diagnostic, Evidence};
use crate::discover::syntax::Stated;
use crate::discover::{Admission, DanglingClaim, EdgeKind, Input, Landscape};
use crate::path::{PathError, RepoPath};
use crate::selection::{Filter, Rule, Selection, escape_glob};

/// The configurations that tools look for by themselves, the nearest above what they compile.
const DEFAULTS: [&str; 2] = ["tsconfig.json", "jsconfig.json"];

/// An inherited table with more places than this is read as the few folders that hold them all.
const MOST_INHERITED_PLACES: usize = 32;

/// What the configurations of one package lead to.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// Files outside the package.
    pub inputs: Vec<Input>,
    /// Places whose owners the package depends on.
    pub places: BTreeSet<(RepoPath, Evidence)>,
    /// Packages it depends on.
    pub sites: BTreeSet<(usize, Evidence)>,
    /// Configurations that are not there.
    pub dangling: Vec<DanglingClaim>,
}

/// What all configurations lead to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By package.
    pub reached: BTreeMap<usize, Reached>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// A configuration together with all that it extends, the nearest first.
struct Chain<'a> {
    /// The file and what it says.
    links: Vec<(RepoPath, &'a TsConfig)>,
    /// Each file that something on the way extends, found or not, with the line that says so.
    extended: Vec<(Extended, Evidence)>,
}

#[derive(Clone)]
enum Extended {
    File(RepoPath),
    Missing(RepoPath),
    Package(usize, Option<RepoPath>),
    /// The folder of a configuration whose name does not tell that it is one, or that is broken: what it extends in
    /// turn is not known.
    Around(RepoPath),
}

/// Follows the configurations of all packages.
pub(super) fn follow(landscape: &Landscape<'_, NodeFacts>, layout: &Layout<'_>) -> Found {
    let mut follower =
        Follower { landscape, layout, found: Found::default(), noted: HashSet::new(), chains: HashMap::new() };
    let mut compiled_by_default: HashSet<usize> = HashSet::new();
    for manifest in landscape.manifests() {
        let Ok(NodeFacts::TsConfig(config)) = manifest.facts else { continue };
        let Some(site) = layout.enclosing(manifest.path) else { continue };
        if DEFAULTS.iter().any(|name| *manifest.path == layout.sites[site].folder.child(name.as_bytes())) {
            compiled_by_default.insert(site);
        }
        follower.configuration(site, manifest.path, config, false);
        // A stray takes no files from the package around it, whose tests may compile it.
        if layout.sites[site].admission == Admission::Stray {
            let around = manifest.path.ancestors().filter_map(|ancestor| layout.at(&ancestor));
            let around = around.into_iter().find(|&at| layout.sites[at].admission == Admission::Admitted);
            if let Some(around) = around {
                follower.configuration(around, manifest.path, config, true);
            }
        }
    }
    for (site, package) in layout.sites.iter().enumerate() {
        if !compiled_by_default.contains(&site)
            && let Some(above) = package.folder.parent().and_then(|parent| landscape.nearest(&parent, &DEFAULTS))
        {
            follower.inherited_by_probing(site, &above);
        }
    }
    follower.found
}

struct Follower<'l, 'a> {
    landscape: &'l Landscape<'a, NodeFacts>,
    layout: &'l Layout<'a>,
    found: Found,
    /// Which findings were made in which files already.
    noted: HashSet<(RepoPath, &'static str)>,
    chains: HashMap<RepoPath, Rc<Chain<'a>>>,
}

impl<'a> Follower<'_, 'a> {
    /// Follows one configuration of a package.
    fn configuration(&mut self, site: usize, file: &RepoPath, config: &'a TsConfig, foreign: bool) {
        self.options(site, file, foreign);
        let folder = file.parent().unwrap_or_else(RepoPath::root);
        for reference in &config.references {
            let evidence = reference.evidence(file);
            let Some(path) = self.resolve(&folder, &folder, &reference.value, &evidence) else { continue };
            let candidates = [path.clone(), path.child(b"tsconfig.json"), with_suffix(&path)];
            match candidates.iter().find(|candidate| self.landscape.is_file(candidate)) {
                Some(found) => self.reach(site, found, None, &evidence),
                None if foreign => {}
                None => {
                    let wanted = if ends_with_json(&path) { path } else { path.child(b"tsconfig.json") };
                    self.dangle(site, wanted, evidence);
                }
            }
        }
        let chain = self.chain(file);
        let include = chain.links.iter().find_map(|(from, config)| Some((from, config.include.as_ref()?)));
        for (from, glob) in include.into_iter().flat_map(|(from, globs)| globs.iter().map(move |glob| (from, glob))) {
            self.place(site, &folder, from, &glob.value, &glob.evidence(from), true);
        }
        let files = chain.links.iter().find_map(|(from, config)| Some((from, config.files.as_ref()?)));
        for (from, listed) in files.into_iter().flat_map(|(from, files)| files.iter().map(move |file| (from, file))) {
            self.place(site, &folder, from, &listed.value, &listed.evidence(from), true);
        }
    }

    /// A package without a configuration of its own is compiled by the nearest above it.
    fn inherited_by_probing(&mut self, site: usize, file: &RepoPath) {
        let evidence = Evidence::new(file, 0, "");
        self.reached(site).inputs.push(Input { selection: Selection::all(file), evidence });
        self.options(site, file, false);
    }

    /// What a configuration extends, and the options that it has from there or states itself.
    fn options(&mut self, site: usize, file: &RepoPath, foreign: bool) {
        let chain = self.chain(file);
        for (extended, evidence) in &chain.extended {
            match extended {
                Extended::File(path) => self.reach(site, path, None, evidence),
                Extended::Package(package, path) => {
                    if let Some(path) = path {
                        self.reach(site, path, Some(*package), evidence);
                    } else if *package != site {
                        self.reached(site).sites.insert((*package, evidence.clone()));
                    }
                }
                Extended::Around(around) => {
                    if self.layout.enclosing(around) != Some(site) || !around.is_within(&self.layout.sites[site].folder)
                    {
                        let selection = Selection::all(around).only(["*.json"]);
                        self.reached(site).inputs.push(Input { selection, evidence: evidence.clone() });
                    }
                }
                Extended::Missing(wanted) => {
                    // A broken link further up is told once, by whoever states it.
                    if !foreign && evidence.file == *file {
                        self.dangle(site, wanted.clone(), evidence.clone());
                    }
                }
            }
        }
        let folder = file.parent().unwrap_or_else(RepoPath::root);
        let first = |of: fn(&TsConfig) -> Option<&[Stated<String>]>| {
            chain.links.iter().find_map(|(from, config)| Some((from, of(config)?)))
        };
        let base_url = first(|config| config.base_url.as_ref().map(std::slice::from_ref));
        let root_dirs = first(|config| config.root_dirs.as_deref());
        let type_roots = first(|config| config.type_roots.as_deref());
        for (from, places) in [base_url, root_dirs, type_roots].into_iter().flatten() {
            for place in places {
                self.place(site, &folder, from, &place.value, &place.evidence(from), false);
            }
        }
        let Some((from, mappings)) = chain.links.iter().find_map(|(from, config)| Some((from, config.paths.as_ref()?)))
        else {
            return;
        };
        let base = base_url.map_or((from, "."), |(from, places)| (from, places.first().map_or(".", |at| &at.value)));
        self.mappings(site, &folder, (from, mappings), base);
    }

    /// Places that stand for import names, relative to `baseUrl`.
    fn mappings(
        &mut self,
        site: usize,
        folder: &RepoPath,
        (from, mappings): (&RepoPath, &[Mapping]),
        (base_from, base): (&RepoPath, &str),
    ) {
        let base_folder = base_from.parent().unwrap_or_else(RepoPath::root);
        let Ok(base) = base_folder.resolve(substituted(base, folder, &base_folder).as_bytes()) else { return };
        let own = self.layout.sites[site].folder.clone();
        let inherited = !from.is_within(&own);
        if inherited && mappings.len() > MOST_INHERITED_PLACES {
            // So many places times so many packages would cost more than the folders that hold them all.
            let mut roots: BTreeMap<RepoPath, Evidence> = BTreeMap::new();
            for mapping in mappings {
                let resolved = base.resolve(literal(&mapping.place.value).0.as_bytes());
                let first =
                    resolved.ok().and_then(|path| path.segments().next().map(|name| RepoPath::root().child(name)));
                if let Some(first) = first.filter(|first| self.landscape.exists(first)) {
                    roots.entry(first).or_insert_with(|| mapping.place.evidence(from));
                }
            }
            let inputs = roots.into_iter().map(|(root, evidence)| Input { selection: Selection::all(&root), evidence });
            self.reached(site).inputs.extend(inputs);
            if let Some(first) = mappings.first() {
                self.note_wide(from, &first.place);
            }
            return;
        }
        for mapping in mappings {
            let evidence = mapping.place.evidence(from);
            if mapping.name == "*" && self.contains_package(site, &base, &mapping.place.value) {
                self.note_open(from, &evidence);
                continue;
            }
            let written = substituted(&mapping.place.value, folder, &base);
            let wide = self.at_place(site, &base, &written, &evidence, true);
            if wide && inherited {
                self.note_wide(from, &mapping.place);
            }
        }
    }

    fn contains_package(&self, site: usize, base: &RepoPath, place: &str) -> bool {
        let resolved = base.resolve(literal(place).0.as_bytes());
        let own = &self.layout.sites[site].folder;
        resolved.is_ok_and(|path| path != *own && own.is_within(&path))
    }

    /// A place that an option of `from` names.
    fn place(
        &mut self,
        site: usize,
        folder: &RepoPath,
        from: &RepoPath,
        written: &str,
        evidence: &Evidence,
        compiled: bool,
    ) {
        let base = from.parent().unwrap_or_else(RepoPath::root);
        let written = substituted(written, folder, &base);
        if !compiled && self.contains_package(site, &base, &written) {
            self.note_open(from, evidence);
            return;
        }
        self.at_place(site, &base, &written, evidence, compiled);
    }

    /// Adds a place outside the package, with at most one level of wildcards taken as a glob. Returns whether the
    /// place holds the package itself and so opens everything beside it.
    fn at_place(&mut self, site: usize, base: &RepoPath, written: &str, evidence: &Evidence, globs: bool) -> bool {
        let (prefix, pattern) = literal(written);
        let Some(path) = self.resolve(base, base, prefix, evidence) else { return false };
        let own = &self.layout.sites[site].folder;
        let owner = self.layout.enclosing(&path);
        if owner == Some(site) && path.is_within(own) {
            return false;
        }
        let mut selected = path.clone();
        if !self.landscape.exists(&selected) {
            // An import name may stand for a module without its extension.
            let Some(file) =
                SOURCE_SUFFIXES.iter().map(|suffix| suffixed(&path, suffix)).find(|p| self.landscape.is_file(p))
            else {
                // What another package's build makes is read by its result.
                if pattern.is_empty() && owner.is_some_and(|owner| owner != site) && !own.is_within(&path) {
                    self.reached(site).places.insert((path, evidence.clone()));
                }
                return false;
            };
            selected = file;
        }
        let mut selection = Selection::all(&selected);
        if globs && !pattern.is_empty() {
            selection = selection.filtered(Filter::new(&selected, rules(pattern)));
        }
        self.reached(site).inputs.push(Input { selection, evidence: evidence.clone() });
        if own.is_within(&selected) {
            return true;
        }
        // Sources of a package inside this one, such as a fixture, are compiled as files: its result is not read.
        if selected.is_within(own) {
            return false;
        }
        self.reached(site).places.insert((selected, evidence.clone()));
        false
    }

    /// A configuration outside the package is read by it, and its owner's result too.
    fn reach(&mut self, site: usize, file: &RepoPath, package: Option<usize>, evidence: &Evidence) {
        if self.layout.enclosing(file) == Some(site) && file.is_within(&self.layout.sites[site].folder) {
            return;
        }
        let reached = self.reached(site);
        reached.inputs.push(Input { selection: Selection::all(file), evidence: evidence.clone() });
        match package {
            Some(package) => drop(reached.sites.insert((package, evidence.clone()))),
            None => drop(reached.places.insert((file.clone(), evidence.clone()))),
        }
    }

    fn dangle(&mut self, site: usize, wanted: RepoPath, evidence: Evidence) {
        let from = self.layout.sites[site].folder.clone();
        let name = wanted.name().unwrap_or_default().to_owned();
        let claim = DanglingClaim { from, wanted: Some(wanted), name, kind: EdgeKind::Build, evidence };
        self.reached(site).dangling.push(claim);
    }

    fn reached(&mut self, site: usize) -> &mut Reached {
        self.found.reached.entry(site).or_default()
    }

    /// A path that a configuration writes; none if it leaves the repository or leads to installed packages.
    fn resolve(&mut self, base: &RepoPath, folder: &RepoPath, written: &str, evidence: &Evidence) -> Option<RepoPath> {
        let written = substituted(written, folder, base);
        match base.resolve(written.as_bytes()) {
            Ok(path) => {
                let installed = path.segments().any(|segment| segment == b"node_modules");
                (!installed).then_some(path)
            }
            Err(PathError::Segment) => None,
            Err(PathError::Escapes | PathError::Absolute) => {
                if self.noted.insert((evidence.file.clone(), "outside-repository")) {
                    let message = format!("`{written}` leads out of the repository, where no change is seen");
                    self.found.diagnostics.push(Diagnostic::warning("outside-repository", message).at(evidence));
                }
                None
            }
        }
    }

    fn note_wide(&mut self, file: &RepoPath, place: &Stated<String>) {
        if self.noted.insert((file.clone(), "wide-paths")) {
            let message =
                "its `paths` let every package that extends it import the others' sources, so that each reads them all";
            let help = "state `paths` in the packages that need them";
            self.found.diagnostics.push(Diagnostic::note("wide-paths", message).at(&place.evidence(file)).help(help));
        }
    }

    /// What a configuration that was not read may extend: the files beside it, and its package, which an edge leads to.
    fn unread(&mut self, file: &RepoPath, evidence: &Evidence) -> Extended {
        let owned = self
            .layout
            .enclosing(file)
            .is_some_and(|site| self.layout.rooted_at(&self.layout.sites[site].folder).is_none());
        if !owned && self.noted.insert((file.clone(), "unread-configuration")) {
            let message =
                format!("`{file}` is not read as a configuration; the JSON files beside it count as what it extends");
            let help = "give it a name that begins with `tsconfig`";
            self.found.diagnostics.push(Diagnostic::note("unread-configuration", message).at(evidence).help(help));
        }
        Extended::Around(file.parent().unwrap_or_else(RepoPath::root))
    }

    fn note_open(&mut self, file: &RepoPath, evidence: &Evidence) {
        if self.noted.insert((file.clone(), "open-import-root")) {
            let message = "imports are looked up in a folder that holds whole packages; only dependencies that a package states are followed there";
            self.found.diagnostics.push(Diagnostic::note("open-import-root", message).at(evidence));
        }
    }

    /// The configuration and all that it extends, each file once: a cycle ends where it closes.
    fn chain(&mut self, file: &RepoPath) -> Rc<Chain<'a>> {
        if let Some(known) = self.chains.get(file) {
            return Rc::clone(known);
        }
        let mut chain = Chain { links: Vec::new(), extended: Vec::new() };
        let mut seen = HashSet::new();
        let mut pending = vec![file.clone()];
        while let Some(file) = pending.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            let Some(NodeFacts::TsConfig(config)) = self.landscape.facts(&file) else { continue };
            // Of several, the last counts most; the stack is emptied from its end.
            for stated in &config.extends {
                let evidence = stated.evidence(&file);
                let Some(extended) = self.extended(&file, &stated.value, &evidence) else { continue };
                if let Extended::File(path) | Extended::Package(_, Some(path)) = &extended {
                    if seen.contains(path) {
                        continue;
                    }
                    if self.landscape.facts(path).is_none() {
                        chain.extended.push((self.unread(path, &evidence), evidence.clone()));
                    }
                    pending.push(path.clone());
                }
                chain.extended.push((extended, evidence));
            }
            chain.links.push((file, config));
        }
        let chain = Rc::new(chain);
        self.chains.insert(file.clone(), Rc::clone(&chain));
        chain
    }

    /// What an `extends` means; none if it means an installed package, or a file that a tool makes.
    fn extended(&mut self, file: &RepoPath, written: &str, evidence: &Evidence) -> Option<Extended> {
        let folder = file.parent().unwrap_or_else(RepoPath::root);
        if written.starts_with('.') || written.starts_with('/') {
            let path = self.resolve(&folder, &folder, written, evidence)?;
            let candidates = [path.clone(), with_suffix(&path), path.child(b"tsconfig.json")];
            if let Some(found) = candidates.into_iter().find(|candidate| self.landscape.is_file(candidate)) {
                return Some(Extended::File(found));
            }
            // `.nuxt/tsconfig.json` and its kin are written by a tool before anything is compiled.
            let made =
                path.below(&folder).is_some_and(|below| below.segments().next().is_some_and(|s| s.starts_with(b".")));
            let wanted = if ends_with_json(&path) { path } else { with_suffix(&path) };
            return (!made).then_some(Extended::Missing(wanted));
        }
        let split = written.match_indices('/').nth(usize::from(written.starts_with('@'))).map(|(at, _)| at);
        let (name, below) = split.map_or((written, ""), |at| (&written[..at], &written[at + 1..]));
        let workspace = self.layout.enclosing(file).and_then(|site| self.layout.sites[site].workspace);
        let package = *self.layout.named(name, workspace).first()?;
        let path = self.layout.sites[package].folder.resolve(below.as_bytes()).ok();
        let found = path.and_then(|path| {
            let candidates = [path.clone(), with_suffix(&path), path.child(b"tsconfig.json")];
            candidates.into_iter().find(|candidate| self.landscape.is_file(candidate))
        });
        Some(Extended::Package(package, found))
    }
}

/// Extensions that an import name leaves out.
const SOURCE_SUFFIXES: [&str; 7] = [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx"];

fn suffixed(path: &RepoPath, suffix: &str) -> RepoPath {
    match (path.parent(), path.name()) {
        (Some(parent), Some(name)) => parent.child(&[name, suffix.as_bytes()].concat()),
        _ => path.clone(),
    }
}

fn with_suffix(path: &RepoPath) -> RepoPath {
    suffixed(path, ".json")
}

fn ends_with_json(path: &RepoPath) -> bool {
    path.as_bytes().ends_with(b".json")
}

/// `${configDir}` stands for the folder of the configuration that is compiled, not of the one that states it.
fn substituted(written: &str, folder: &RepoPath, base: &RepoPath) -> String {
    match written.strip_prefix("${configDir}") {
        Some(rest) => {
            let way = base.relative_to(folder);
            format!("{}/{}", String::from_utf8_lossy(&way), rest.trim_start_matches('/'))
        }
        None => written.replace('\\', "/"),
    }
}

/// The folders or the file before the first wildcard, and the rest.
fn literal(written: &str) -> (&str, &str) {
    match written.find(['*', '?']) {
        Some(wildcard) => match written[..wildcard].rfind('/') {
            Some(slash) => (&written[..slash], &written[slash + 1..]),
            None => ("", written),
        },
        None => (written, ""),
    }
}

/// A place below a folder, with what may follow it: files, and everything in a folder that it names. In `paths` a
/// `*` crosses folders.
fn rules(pattern: &str) -> Vec<Rule> {
    let segments: Vec<String> = pattern
        .split('/')
        .map(|segment| {
            if segment == "**" {
                return segment.to_owned();
            }
            let pieces: Vec<String> = segment.split('*').map(escape_glob).collect();
            pieces.join("*").replace("[?]", "?")
        })
        .collect();
    let glob = segments.join("/");
    let deep = format!("**/{glob}");
    let globs = if glob.starts_with("**") { vec![glob] } else { vec![glob, deep] };
    globs.into_iter().flat_map(|glob| [Rule::include(format!("{glob}/**")), Rule::include(glob)]).collect()
}
