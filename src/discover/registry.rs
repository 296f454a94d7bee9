//! The ecosystems that are known, and the way from a tree to their links.

use std::any::Any;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::kept::{Memo, read_facts};
use super::landscape::{Landscape, Manifest, Places};
use super::probes::Probes;
use super::survey::{Found, SurveyMemo, survey};
use super::syntax::Unreadable;
use super::{Ecosystem, Links};
use crate::path::RepoPath;
use crate::tree::{ContentId, Node, Tree, TreeError, node_at};

/// The place of an ecosystem in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EcosystemIndex(u8);

/// What one manifest says, whatever its ecosystem.
#[derive(Clone)]
pub struct Facts(Arc<dyn Any + Send + Sync>);

/// An ecosystem with the type of its facts erased.
struct Registered {
    name: &'static str,
    recognises: fn(&[u8]) -> bool,
    reads_on_demand: fn(&[u8]) -> bool,
    read: fn(&[u8], &[u8]) -> Result<Facts, Unreadable>,
    link: fn(&[ReadManifest], &Places<'_>, &Reader<'_>) -> (Links, Probes),
    keep: fn(&Facts) -> Option<Vec<u8>>,
    recall: fn(&[u8]) -> Option<Facts>,
}

/// Reads a source of one ecosystem.
type Reader<'a> = dyn Fn(&RepoPath, ContentId) -> Result<Facts, Unreadable> + Sync + 'a;

/// A manifest's path and what reading it gave.
type ReadManifest = (RepoPath, Result<Facts, Unreadable>);

const fn register<E: Ecosystem>() -> Registered {
    Registered {
        name: E::NAME,
        recognises: E::recognises,
        reads_on_demand: E::reads_on_demand,
        read: |name, bytes| E::read(name, bytes).map(|facts| Facts(Arc::new(facts))),
        link: |read, places, reader| {
            let manifests = read
                .iter()
                .filter_map(|(path, facts)| {
                    let facts = match facts {
                        Ok(facts) => Ok(facts.0.downcast_ref::<E::Facts>()?),
                        Err(unreadable) => Err(unreadable),
                    };
                    Some(Manifest { path, facts })
                })
                .collect();
            let mut links = Links::default();
            let reader = |path: &RepoPath, id| {
                let facts = reader(path, id)?.0.downcast::<E::Facts>();
                facts.map_err(|_| Unreadable::at(0, "it is read by another ecosystem"))
            };
            let landscape = Landscape::new(manifests, places, &reader);
            E::link(&landscape, &mut links);
            (links, landscape.into_probes())
        },
        keep: |facts| postcard::to_allocvec(facts.0.downcast_ref::<E::Facts>()?).ok(),
        recall: |bytes| match postcard::take_from_bytes::<E::Facts>(bytes) {
            Ok((facts, [])) => Some(Facts(Arc::new(facts))),
            _ => None,
        },
    }
}

/// One line for each ecosystem.
static REGISTRY: &[Registered] = &[
    register::<super::bazel::Bazel>(),
    register::<super::cargo::Cargo>(),
    register::<super::cmake::Cmake>(),
    register::<super::docker::Docker>(),
    register::<super::dotnet::Dotnet>(),
    register::<super::elixir::Elixir>(),
    register::<super::go::Go>(),
    register::<super::gradle::Gradle>(),
    register::<super::helm::Helm>(),
    register::<super::kustomize::Kustomize>(),
    register::<super::make::Make>(),
    register::<super::maven::Maven>(),
    register::<super::node::Node>(),
    register::<super::php::Php>(),
    register::<super::pipelines::Pipelines>(),
    register::<super::protobuf::Protobuf>(),
    register::<super::python::Python>(),
    register::<super::ruby::Ruby>(),
    register::<super::swift::Swift>(),
    register::<super::terraform::Terraform>(),
];

/// The names of all ecosystems, in the order of the registry.
pub fn ecosystems() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|registered| registered.name)
}

/// The ecosystems that want to read a file of this name.
pub(super) fn recognised_by(name: &[u8]) -> impl Iterator<Item = EcosystemIndex> {
    REGISTRY
        .iter()
        .enumerate()
        .filter(move |(_, registered)| (registered.recognises)(name))
        .map(|(index, _)| EcosystemIndex(index as u8))
}

impl EcosystemIndex {
    /// The ecosystem's name.
    pub fn name(self) -> &'static str {
        REGISTRY[usize::from(self.0)].name
    }

    pub(super) fn number(self) -> u8 {
        self.0
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        let number = u8::try_from(number).ok()?;
        (usize::from(number) < REGISTRY.len()).then_some(Self(number))
    }

    /// Facts of this ecosystem as bytes.
    pub(super) fn keep(self, facts: &Facts) -> Option<Vec<u8>> {
        (REGISTRY[usize::from(self.0)].keep)(facts)
    }

    /// The facts that [`EcosystemIndex::keep`] made bytes of.
    pub(super) fn recall(self, bytes: &[u8]) -> Option<Facts> {
        (REGISTRY[usize::from(self.0)].recall)(bytes)
    }
}

/// What a manifest's facts depend on: its ecosystem, its file name and its bytes.
pub(super) type FactsKey = (EcosystemIndex, Box<[u8]>, ContentId);

/// Facts by content id: a manifest that two trees share is read once.
pub type FactsMemo = Memo<FactsKey, Result<Facts, Unreadable>>;

impl FactsMemo {
    fn get(&self, key: &FactsKey) -> Option<Result<Facts, Unreadable>> {
        if let Some(known) = self.known().get(key) {
            return Some(known.clone());
        }
        let facts = read_facts(&*self.kept()?, key)?;
        self.known().insert(key.clone(), facts.clone());
        Some(facts)
    }
}

/// A manifest that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableManifest {
    /// Where it lies.
    pub path: RepoPath,
    /// Whose it is.
    pub ecosystem: &'static str,
    /// What is wrong with it.
    pub reason: Unreadable,
}

/// What all ecosystems claim about one tree.
#[derive(Debug, Clone, Default)]
pub struct Linked {
    /// The claims of each ecosystem, in the order of the registry.
    pub links: Vec<(&'static str, Links)>,
    /// Manifests that could not be read.
    pub unreadable: Vec<UnreadableManifest>,
    /// Symbolic links and the target that each writes.
    pub symlinks: Vec<(RepoPath, Arc<[u8]>)>,
    /// Configurations and their bytes.
    pub configurations: Vec<(RepoPath, Arc<[u8]>)>,
    /// Where else somebody looked.
    pub probes: Probes,
    /// Whether the content of a manifest could not be had. It may be there another time.
    pub is_partial: bool,
}

/// Whether what a source says is the same in two trees, to each ecosystem that reads such files on demand.
pub(super) fn says_the_same(path: &RepoPath, before: &dyn Tree, after: &dyn Tree) -> Result<bool, TreeError> {
    let name = path.name().unwrap_or_default();
    let content = |tree: &dyn Tree| match node_at(tree, path)? {
        Some(Node::Content(mode, id)) if mode.is_file() => tree.content(id).map(Some),
        _ => Ok(None),
    };
    let (Some(before), Some(after)) = (content(before)?, content(after)?) else { return Ok(false) };
    let readers = REGISTRY.iter().filter(|registered| (registered.reads_on_demand)(name));
    Ok(readers.clone().next().is_some()
        && readers.into_iter().all(|registered| {
            let said = |bytes: &[u8]| (registered.keep)(&(registered.read)(name, bytes).ok()?);
            said(&before).is_some_and(|before| said(&after) == Some(before))
        }))
}

/// What all manifests of one tree say, each for itself.
pub struct Read<'a> {
    tree: &'a dyn Tree,
    memo: &'a FactsMemo,
    by_ecosystem: Vec<Vec<ReadManifest>>,
    linked: Linked,
}

/// Reads every manifest of a tree and links what they say.
pub fn discover(tree: &dyn Tree, surveys: &SurveyMemo, memo: &FactsMemo) -> Result<Linked, TreeError> {
    read(tree, surveys, memo)?.link()
}

/// Reads every manifest of a tree.
pub fn read<'a>(tree: &'a dyn Tree, surveys: &SurveyMemo, memo: &'a FactsMemo) -> Result<Read<'a>, TreeError> {
    let mut linked = Linked::default();
    let mut manifests: Vec<(EcosystemIndex, RepoPath, ContentId)> = Vec::new();
    for found in survey(tree, surveys)?.found() {
        match found {
            Found::Manifest(ecosystem, path, id) => manifests.push((ecosystem, path, id)),
            Found::Symlink(path, id) => linked.symlinks.push((path, tree.content(id)?)),
            Found::Configuration(path, id) => linked.configurations.push((path, tree.content(id)?)),
        }
    }
    let is_partial = AtomicBool::new(false);
    let read: Vec<_> = manifests
        .into_par_iter()
        .map(|(ecosystem, path, id)| {
            let facts = facts_of(tree, memo, ecosystem, &path, id, &is_partial);
            (ecosystem, path, facts)
        })
        .collect();
    let mut by_ecosystem: Vec<Vec<ReadManifest>> = vec![Vec::new(); REGISTRY.len()];
    for (ecosystem, path, facts) in read {
        if let Err(reason) = &facts {
            let (path, reason) = (path.clone(), reason.clone());
            linked.unreadable.push(UnreadableManifest { path, ecosystem: ecosystem.name(), reason });
        }
        by_ecosystem[usize::from(ecosystem.0)].push((path, facts));
    }
    linked.is_partial = is_partial.into_inner();
    Ok(Read { tree, memo, by_ecosystem, linked })
}

impl Read<'_> {
    /// Links what the manifests say, and the sources that are asked for then.
    pub fn link(self) -> Result<Linked, TreeError> {
        let Self { tree, memo, by_ecosystem, mut linked } = self;
        let places = Places::new(tree);
        let is_partial = AtomicBool::new(linked.is_partial);
        // The largest first: one that is begun last is waited for alone.
        let mut largest_first: Vec<(usize, Vec<ReadManifest>)> = by_ecosystem.into_iter().enumerate().collect();
        largest_first.sort_by_key(|(_, read)| Reverse(read.len()));
        let mut claimed: Vec<(usize, (Links, Probes))> = largest_first
            .into_par_iter()
            .with_max_len(1)
            .map(|(index, read)| {
                let ecosystem = EcosystemIndex(index as u8);
                let source = |path: &RepoPath, id| facts_of(tree, memo, ecosystem, path, id, &is_partial);
                (index, (REGISTRY[index].link)(&read, &places, &source))
            })
            .collect();
        claimed.sort_by_key(|(index, _)| *index);
        linked.is_partial = is_partial.into_inner();
        for (name, (_, (links, probes))) in ecosystems().zip(claimed) {
            linked.links.push((name, links));
            linked.probes.extend(probes);
        }
        match places.failure() {
            Some(error) => Err(error),
            None => Ok(linked),
        }
    }
}

fn facts_of(
    tree: &dyn Tree,
    memo: &FactsMemo,
    ecosystem: EcosystemIndex,
    path: &RepoPath,
    id: ContentId,
    is_partial: &AtomicBool,
) -> Result<Facts, Unreadable> {
    let name = path.name().unwrap_or_default();
    let key = (ecosystem, Box::from(name), id);
    if let Some(known) = memo.get(&key) {
        return known;
    }
    let bytes = tree.content(id).map_err(|error| {
        is_partial.store(true, Ordering::Relaxed);
        Unreadable::at(0, error.to_string())
    })?;
    let facts = (REGISTRY[usize::from(ecosystem.0)].read)(name, &bytes);
    memo.put(key, facts.clone());
    facts
}
