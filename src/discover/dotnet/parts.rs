//! Files of .NET in slices: the elements of MSBuild files, the central version of each package, and lockfiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::facts::attribute;
use crate::discover::syntax::{XmlLines, canonical_element, read_json};
use crate::discover::{FragmentIndex, Fragments};

/// An MSBuild file, cut into its elements.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parts {
    pub(super) fragments: Arc<Fragments>,
    /// All that it says.
    pub(super) all: FragmentIndex,
    /// All but the central versions of packages.
    pub(super) rest: FragmentIndex,
    /// Central versions, by the package in lower case.
    pub(super) versions: BTreeMap<String, FragmentIndex>,
    /// Whether it says more of central versions than what each package has.
    pub(super) computes_versions: bool,
}

/// Cuts an MSBuild file. A central version is a part of its own where it is a plain item of the file.
pub(super) fn cut_build_file(root: Node<'_, '_>, lines: &XmlLines<'_>) -> Parts {
    let mut fragments = Fragments::default();
    let is_apart = |node: Node<'_, '_>| is_version(node) || is_group_of_versions(node);
    let rest = fragments.add_elements(root, lines, &is_apart);
    // Several items of one package stand under one name, in their order, each behind the list that it is in.
    let mut items: BTreeMap<String, (u32, Vec<Vec<u8>>)> = BTreeMap::new();
    for group in root.children().filter(Node::is_element) {
        let list = canonical_element(group, &|node| node.parent() == Some(group));
        for node in group.children().filter(|node| is_version(*node)) {
            let Some(package) = package_of(node) else { continue };
            let (_, said) = items.entry(package).or_insert_with(|| (lines.line_of(node), Vec::new()));
            said.extend([list.clone(), canonical_element(node, &|_| false)]);
        }
    }
    let transforms = |text: &str| text.to_ascii_lowercase().contains("@(packageversion");
    let computes_versions = root.descendants().any(|node| {
        let is_item = node.tag_name().name() == "PackageVersion" && node.attributes().len() > 0;
        is_item && !is_version(node)
            || node.attributes().any(|attribute| transforms(attribute.value()))
            || node.is_text() && node.text().is_some_and(transforms)
    });
    let mut versions = BTreeMap::new();
    for (package, (line, said)) in items {
        let said: Vec<&[u8]> = said.iter().map(Vec::as_slice).collect();
        let fragment = fragments.add(format!("PackageVersion {package}"), line, &said);
        versions.insert(package, fragment);
    }
    let all = fragments.group("all", 1, versions.values().copied().chain([rest]));
    Parts { fragments: fragments.sealed(), all, rest, versions, computes_versions }
}

/// Whether an element is the version of one package, in a list at the top of the file.
fn is_version(node: Node<'_, '_>) -> bool {
    let group = node.parent_element().filter(|parent| parent.tag_name().name() == "ItemGroup");
    let is_top = group.and_then(|group| group.parent_element()).is_some_and(|root| root.parent_element().is_none());
    is_top && package_of(node).is_some()
}

/// Whether an element is a list of versions and nothing else.
fn is_group_of_versions(node: Node<'_, '_>) -> bool {
    let mut items = node.children().filter(Node::is_element).peekable();
    node.tag_name().name() == "ItemGroup" && items.peek().is_some() && items.all(is_version)
}

/// The package, in lower case, that a `PackageVersion` gives a version by its plain name.
fn package_of(node: Node<'_, '_>) -> Option<String> {
    let changes = ["Update", "Remove", "Exclude"].iter().any(|name| attribute(node, name).is_some());
    let package = attribute(node, "Include").filter(|_| node.tag_name().name() == "PackageVersion" && !changes)?;
    let is_plain = !package.contains(['$', '@', '%', '*', '?', ';']);
    is_plain.then(|| package.trim().to_ascii_lowercase())
}

/// The newest version of lockfiles that is known.
const NEWEST: u64 = 2;

/// Cuts a `packages.lock.json`: all of it is its project's. None where it is not understood, which is no fault: its project
/// reads its bytes.
pub(super) fn cut_lockfile(bytes: &[u8]) -> Option<(Arc<Fragments>, FragmentIndex)> {
    let document = read_json(bytes).ok()?;
    let version = document.get("version").and_then(|version| version.scalar()?.parse::<u64>().ok());
    if !version.is_some_and(|version| (1..=NEWEST).contains(&version)) {
        return None;
    }
    let mut fragments = Fragments::default();
    let mut all = fragments.add_table("", &document, |key| key == "dependencies");
    for (framework, packages) in document.get("dependencies").into_iter().flat_map(|frameworks| frameworks.entries()) {
        all.push(fragments.add(framework.text.clone(), framework.line, &[]));
        all.extend(fragments.add_table(&format!("{}: ", framework.text), packages, |_| false));
    }
    let all = fragments.group("all", 1, all);
    Some((fragments.sealed(), all))
}
