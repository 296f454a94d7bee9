//! What the manifests of a tree say. One file per ecosystem: it recognises its manifests by name, reads their bytes
//! into facts, and links the facts of one tree into projects, edges, inputs and tasks.
//!
//! Everything here is pure. Facts are a function of a manifest's name and bytes alone, so they can be kept by
//! content id; whatever depends on where a manifest lies is decided when facts are linked.

mod bazel;
mod cargo;
mod cmake;
mod docker;
mod dotnet;
mod elixir;
mod fragments;
#[cfg(fuzzing)]
pub mod fuzzing;
mod go;
mod gradle;
mod helm;
mod kept;
mod kustomize;
mod landscape;
mod links;
mod locked;
mod make;
mod maven;
mod node;
mod packages;
mod php;
mod pipelines;
mod probes;
mod protobuf;
mod python;
mod registry;
mod ruby;
mod script;
mod shell;
mod surroundings;
mod survey;
mod swift;
pub mod syntax;
mod terraform;
#[cfg(test)]
pub(crate) mod testing;

pub use fragments::{Fragment, FragmentDigest, FragmentIndex, Fragments, SliceClaim};
pub use kept::{KeptParts, forget, keep, news, recall};
pub use landscape::{Landscape, Manifest};
pub use links::{
    Admission, Command, DanglingClaim, Doubtful, EdgeClaim, EdgeKind, EdgeTarget, Ground, Input, JoinClaim, JoinWish,
    LayoutClaim, Links, MentionClaim, PartClaim, ProjectClaim, Reading, Role, TaskClaim,
};
pub use probes::{PathHashes, Places, Probes, RestsOn};
pub use registry::{EcosystemIndex, Facts, FactsMemo, Linked, Read, UnreadableManifest, discover, ecosystems, read};
pub use survey::{Found, Survey, SurveyMemo, is_read, survey};

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::syntax::Unreadable;

/// One ecosystem: how its manifests look, what they say, and how they join into a graph.
pub trait Ecosystem: Send + Sync + 'static {
    /// What one manifest says. A pure function of its name and bytes: no path, no other file.
    type Facts: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The ecosystem's name in outputs, such as `node`.
    const NAME: &'static str;

    /// Whether a file with this name is to be read.
    fn recognises(name: &[u8]) -> bool;

    /// Whether a file with this name is read where linking asks for it: a source of which only a few say anything.
    fn reads_on_demand(_name: &[u8]) -> bool {
        false
    }

    /// Reads a manifest, or a source that linking asks for.
    fn read(name: &[u8], bytes: &[u8]) -> Result<Self::Facts, Unreadable>;

    /// Links all facts of one tree.
    fn link(landscape: &Landscape<'_, Self::Facts>, links: &mut Links);
}
