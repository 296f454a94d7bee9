//! What one POM says, before any property of it is filled in. Profiles are not judged: what all of them say counts.

use std::sync::Arc;

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Stated, Unreadable, XmlLines, canonical_element, read_xml, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// One `pom.xml`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pom {
    /// Its own coordinates; the artifact at its line.
    pub(super) group: Option<String>,
    pub(super) artifact: Stated<String>,
    pub(super) version: Option<String>,
    pub(super) packaging: String,
    /// The POM that it inherits from.
    pub(super) parent: Option<Parent>,
    /// Folders, or POMs, that it aggregates.
    pub(super) modules: Vec<Stated<String>>,
    /// Properties in the order of the file.
    pub(super) properties: Vec<(String, String)>,
    /// Other artifacts that it names.
    pub(super) references: Vec<Reference>,
    /// Texts of its build that may be paths outside the folder.
    pub(super) mentions: Vec<Mention>,
    /// Whether it moves its sources or reads test sources in its build: then `src/test` is not for tests alone.
    pub(super) odd_sources: bool,
    /// All that it says, by the elements at its top.
    pub(super) fragments: Arc<Fragments>,
    /// What its own build can see.
    pub(super) own: FragmentIndex,
    /// What those that inherit from it can see.
    pub(super) handed_down: FragmentIndex,
}

/// A `<parent>`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parent {
    pub(super) group: String,
    pub(super) artifact: Stated<String>,
    pub(super) version: Option<String>,
    /// As written: empty text means that no path is to be tried.
    pub(super) relative_path: Option<String>,
}

/// An artifact that is named by its coordinates.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reference {
    pub(super) kind: ReferenceKind,
    pub(super) group: String,
    pub(super) artifact: Stated<String>,
    pub(super) version: Option<String>,
    pub(super) scope: Option<String>,
    /// Whether it asks for the other's test classes.
    pub(super) tests: bool,
    /// `group:artifact` of the plugin that it is said for, as written.
    pub(super) plugin: Option<String>,
}

/// What an artifact is named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ReferenceKind {
    /// The module depends on it.
    Dependency,
    /// Its version and scope are managed for those who depend on it.
    Managed,
    /// Its managed dependencies are imported.
    Import,
    /// It takes part in the build: a plugin, an extension, or what a plugin is given.
    Build,
    /// As [`ReferenceKind::Build`], for modules that use the plugin.
    ManagedBuild,
}

/// A text that may be a path.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mention {
    pub(super) path: Stated<String>,
    /// Whether it names a folder of sources or resources.
    pub(super) folder: bool,
    /// The patterns that limit the folder; none for all of it.
    pub(super) includes: Vec<String>,
}

/// The group of plugins that name none.
pub(super) const PLUGIN_GROUP: &str = "org.apache.maven.plugins";

/// Elements that name a folder of sources or resources.
const SOURCE_FOLDERS: [&str; 6] =
    ["directory", "source", "sourceDirectory", "testSourceDirectory", "scriptSourceDirectory", "sourceRoot"];

/// Reads a POM.
pub(super) fn read(bytes: &[u8]) -> Result<Pom, Unreadable> {
    let text = text_of(bytes)?;
    let document = read_xml(text)?;
    let lines = XmlLines::new(text);
    let root = document.root_element();
    if root.tag_name().name() != "project" {
        return Err(Unreadable::at(1, format!("its root element is `{}`, not `project`", root.tag_name().name())));
    }
    let artifact = child(root, "artifactId").ok_or_else(|| Unreadable::at(1, "it has no artifactId"))?;
    let (fragments, own, handed_down) = cut(root, &lines);
    let mut pom = Pom {
        group: text_at(root, "groupId"),
        artifact: lines.stated(artifact, text_in(artifact)),
        version: text_at(root, "version"),
        packaging: text_at(root, "packaging").unwrap_or_else(|| "jar".to_owned()),
        parent: child(root, "parent").and_then(|node| read_parent(node, &lines)),
        modules: Vec::new(),
        properties: Vec::new(),
        references: Vec::new(),
        mentions: Vec::new(),
        odd_sources: false,
        fragments: fragments.sealed(),
        own,
        handed_down,
    };
    for node in root.descendants().filter(Node::is_element) {
        read_element(&mut pom, node, &lines);
    }
    Ok(pom)
}

/// Elements that only sites and published POMs show.
const INERT: [&str; 5] = ["ciManagement", "contributors", "developers", "issueManagement", "mailingLists"];

/// Elements that nobody inherits. What modules there are is in projects and edges.
const NOT_INHERITED: [&str; 4] = ["modules", "name", "prerequisites", "subprojects"];

/// Cuts a POM by the elements at its top, whose order means nothing: what its own build sees, and what it hands down.
fn cut(root: Node<'_, '_>, lines: &XmlLines<'_>) -> (Fragments, FragmentIndex, FragmentIndex) {
    let mut fragments = Fragments::default();
    let frame = canonical_element(root, &|node| node.parent() == Some(root));
    let frame = fragments.add("project", lines.line_of(root), &[&frame]);
    let (mut own, mut handed_down) = (vec![frame], vec![frame]);
    for element in root.children().filter(Node::is_element) {
        let name = element.tag_name().name();
        if INERT.contains(&name) {
            continue;
        }
        let fragment = fragments.add(name, lines.line_of(element), &[&canonical_element(element, &|_| false)]);
        own.push(fragment);
        if !NOT_INHERITED.contains(&name) {
            handed_down.push(fragment);
        }
    }
    let own = fragments.group("what its own build can see", 1, own);
    let handed_down = fragments.group("what it hands down", 1, handed_down);
    (fragments, own, handed_down)
}

fn read_parent(node: Node<'_, '_>, lines: &XmlLines<'_>) -> Option<Parent> {
    let artifact = child(node, "artifactId")?;
    Some(Parent {
        group: text_at(node, "groupId").unwrap_or_default(),
        artifact: lines.stated(artifact, text_in(artifact)),
        version: text_at(node, "version"),
        relative_path: child(node, "relativePath").map(text_in),
    })
}

fn read_element(pom: &mut Pom, node: Node<'_, '_>, lines: &XmlLines<'_>) {
    let name = node.tag_name().name();
    let outer = node.parent_element().map_or("", |outer| outer.tag_name().name());
    match (outer, name) {
        ("modules", "module") | ("subprojects", "subproject") => pom.modules.push(lines.stated(node, text_in(node))),
        ("properties", _) if !within(node, "configuration") => {
            pom.properties.push((name.to_owned(), text_in(node)));
        }
        _ => {}
    }
    if child(node, "artifactId").is_some() {
        pom.references.extend(read_reference(node, lines));
    }
    let leaf = !node.children().any(|below| below.is_element());
    if !leaf || !(within(node, "build") || name == "systemPath") {
        return;
    }
    let text = text_in(node);
    let odd = match name {
        "sourceDirectory" => !text.contains("src/main/"),
        "testSourceDirectory" => !text.contains("src/test/"),
        // What is kept out is not read, and test resources are where they belong.
        "exclude" => false,
        _ => text.contains("src/test") && !within(node, "testResources") && !adds_tests(node),
    };
    pom.odd_sources |= odd;
    // Only what can lead out of the folder is of interest: the folder's own files are inputs already.
    if text.contains('/') && (text.contains("..") || text.contains("${")) && !name.to_lowercase().contains("output") {
        let includes = node.parent_element().and_then(|outer| child(outer, "includes"));
        let includes = includes.into_iter().flat_map(|list| list.children().filter(Node::is_element)).map(text_in);
        pom.mentions.push(Mention {
            path: lines.stated(node, text),
            folder: SOURCE_FOLDERS.contains(&name),
            includes: includes.collect(),
        });
    }
}

fn read_reference(node: Node<'_, '_>, lines: &XmlLines<'_>) -> Option<Reference> {
    let name = node.tag_name().name();
    if matches!(name, "project" | "parent" | "exclusion" | "exclude") || within(node, "reporting") {
        return None;
    }
    let plugin = node.ancestors().find(|outer| outer.tag_name().name() == "plugin");
    let scope = text_at(node, "scope");
    let build = if within(node, "pluginManagement") { ReferenceKind::ManagedBuild } else { ReferenceKind::Build };
    let kind = match (name, plugin) {
        (_, Some(_)) => build,
        ("extension", None) => ReferenceKind::Build,
        ("dependency", None) if !within(node, "dependencyManagement") => ReferenceKind::Dependency,
        ("dependency", None) if scope.as_deref() == Some("import") => ReferenceKind::Import,
        ("dependency", None) => ReferenceKind::Managed,
        _ => return None,
    };
    let key = |node: Node<'_, '_>| {
        let group = text_at(node, "groupId").unwrap_or_else(|| PLUGIN_GROUP.to_owned());
        format!("{group}:{}", text_at(node, "artifactId").unwrap_or_default())
    };
    let artifact = child(node, "artifactId")?;
    let kind_of_file = text_at(node, "type");
    let classifier = text_at(node, "classifier");
    Some(Reference {
        kind,
        group: text_at(node, "groupId").unwrap_or_else(|| PLUGIN_GROUP.to_owned()),
        artifact: lines.stated(artifact, text_in(artifact)),
        version: text_at(node, "version"),
        scope,
        tests: kind_of_file.is_some_and(|kind| kind == "test-jar")
            || classifier.is_some_and(|classifier| classifier.contains("test")),
        plugin: plugin.map(key),
    })
}

/// Whether a plugin is told here which sources belong to the tests.
fn adds_tests(node: Node<'_, '_>) -> bool {
    let execution = node.ancestors().find(|outer| outer.tag_name().name() == "execution");
    let goals = execution.and_then(|execution| child(execution, "goals"));
    goals.is_some_and(|goals| goals.children().filter(Node::is_element).all(|goal| text_in(goal).contains("test")))
}

fn within(node: Node<'_, '_>, name: &str) -> bool {
    node.ancestors().skip(1).any(|outer| outer.tag_name().name() == name)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text_in(node: Node<'_, '_>) -> String {
    // A comment splits the text of an element.
    let parts = node.children().filter(Node::is_text).filter_map(|part| part.text());
    parts.collect::<String>().trim().to_owned()
}

fn text_at(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(text_in).filter(|text| !text.is_empty())
}
