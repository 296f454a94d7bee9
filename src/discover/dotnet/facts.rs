//! What one MSBuild or solution file says, before any property of it is expanded.

use std::sync::Arc;

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::parts::{Parts, cut_build_file, cut_lockfile};
use crate::discover::syntax::{Lines, Stated, Unreadable, XmlLines, read_xml, text_of};
use crate::discover::{FragmentIndex, Fragments};

/// What a file of the .NET ecosystem says.
#[derive(Debug, Serialize, Deserialize)]
pub enum DotnetFacts {
    /// A project, or a file that projects import.
    Build(BuildFile),
    /// A solution and the paths of the projects that it lists.
    Solution(Vec<Stated<String>>),
    /// `packages.lock.json` and all of its packages; nothing of one that is not understood.
    Lock(Option<(Arc<Fragments>, FragmentIndex)>),
}

/// The statements of an MSBuild file. Conditions are not judged: both sides are taken.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BuildFile {
    /// SDKs, in lower case and without their versions.
    pub(super) sdks: Vec<String>,
    /// Properties in the order of the file.
    pub(super) properties: Vec<Property>,
    /// Files that are imported by path.
    pub(super) imports: Vec<Import>,
    /// Items and other places that name files or packages.
    pub(super) items: Vec<Item>,
    /// All that it says; nothing where that is not MSBuild.
    pub(super) parts: Option<Parts>,
}

/// A property's definition.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Property {
    /// The name in lower case: MSBuild does not tell cases apart.
    pub(super) name: String,
    /// The text between its tags.
    pub(super) value: Stated<String>,
}

/// An `<Import Project="…">`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Import {
    /// The path as written.
    pub(super) project: Stated<String>,
    /// Whether it, or what encloses it, has a condition: then the file may be missing by intent.
    pub(super) conditional: bool,
}

/// An item, or another place that names something.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Item {
    /// What is named.
    pub(super) kind: ItemKind,
    /// The text as written.
    pub(super) value: Stated<String>,
    /// The condition on the item and on what encloses it, in lower case.
    pub(super) condition: String,
}

/// What an [`Item`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ItemKind {
    /// Another project.
    Project,
    /// A NuGet package or a referenced assembly.
    Package,
    /// Files that the build reads.
    Files,
    /// Schemas that code is generated from.
    Schema,
    /// A folder that schemas are imported from.
    SchemaFolder,
    /// A folder of sources that the build reads whole.
    SourceFolder,
    /// Something that may be a path: taken only when a file or project stands there.
    Mention,
    /// Files that the SDK's default globs leave out.
    Removed,
}

/// Items whose Include names files that the build reads.
const FILE_ITEMS: [&str; 13] = [
    "Compile",
    "Content",
    "None",
    "EmbeddedResource",
    "AdditionalFiles",
    "Resource",
    "Page",
    "ApplicationDefinition",
    "Analyzer",
    "TypeScriptCompile",
    "EditorConfigFiles",
    "GlobalAnalyzerConfigFiles",
    "OpenApiReference",
];

/// Items whose Include is a name and no path.
const NAME_ITEMS: [&str; 9] = [
    "PackageVersion",
    "PackageDownload",
    "Using",
    "InternalsVisibleTo",
    "FrameworkReference",
    "AssemblyAttribute",
    "Folder",
    "Service",
    "RuntimeHostConfigurationOption",
];

/// Properties that only an editor reads.
const EDITOR_PROPERTIES: [&str; 2] = ["dockercomposeprojectpath", "dockerfilecontext"];

/// Where NuGet writes down what it restored, beside a project.
pub(super) const LOCKFILE: &[u8] = b"packages.lock.json";

const PROJECTS: [&str; 3] = ["csproj", "fsproj", "vbproj"];
const SOLUTIONS: [&str; 2] = ["sln", "slnx"];
const IMPORTED: [&str; 4] = ["props", "targets", "projitems", "proj"];

/// Whether the name is a project's.
pub(super) fn is_project(name: &[u8]) -> bool {
    has_extension(name, &[&PROJECTS])
}

/// Whether the name is a solution's.
pub(super) fn is_solution(name: &[u8]) -> bool {
    has_extension(name, &[&SOLUTIONS])
}

/// Whether the name is that of a file that projects import.
pub(super) fn is_imported(name: &[u8]) -> bool {
    has_extension(name, &[&IMPORTED])
}

/// Whether the name is one of the three.
pub(super) fn is_recognised(name: &[u8]) -> bool {
    name == LOCKFILE || has_extension(name, &[&PROJECTS, &SOLUTIONS, &IMPORTED])
}

fn has_extension(name: &[u8], extensions: &[&[&str]]) -> bool {
    let Some(dot) = name.iter().rposition(|&b| b == b'.') else { return false };
    let is = |extension: &&str| name[dot + 1..].eq_ignore_ascii_case(extension.as_bytes());
    dot > 0 && extensions.iter().any(|extensions| extensions.iter().any(is))
}

/// Reads a project, a solution or an imported file.
pub(super) fn read(name: &[u8], bytes: &[u8]) -> Result<DotnetFacts, Unreadable> {
    if name == LOCKFILE {
        return Ok(DotnetFacts::Lock(cut_lockfile(bytes)));
    }
    if has_extension(name, &[&["sln"]]) {
        // Old solutions are written in the code page of their author; the paths in them are what matters.
        let text = String::from_utf8_lossy(bytes);
        return Ok(DotnetFacts::Solution(solution_projects(text_of(text.as_bytes())?)));
    }
    let decoded = decode_utf16(bytes);
    let text = text_of(decoded.as_deref().map_or(bytes, str::as_bytes))?;
    let plain_text = !text.trim_start().starts_with('<');
    if is_imported(name) && plain_text {
        // Other tools call their files `*.props` too.
        return Ok(DotnetFacts::Build(BuildFile::default()));
    }
    let document = read_xml(text)?;
    let root = document.root_element();
    let lines = XmlLines::new(text);
    if has_extension(name, &[&["slnx"]]) {
        let projects = root.descendants().filter(|node| node.tag_name().name() == "Project");
        let listed = projects.filter_map(|node| Some(lines.stated(node, node.attribute("Path")?.to_owned())));
        return Ok(DotnetFacts::Solution(listed.collect()));
    }
    if root.tag_name().name() == "Project" {
        return Ok(DotnetFacts::Build(build_file(root, &lines)));
    }
    if is_imported(name) {
        return Ok(DotnetFacts::Build(BuildFile::default()));
    }
    Err(Unreadable::at(1, format!("its root element is `{}`, not `Project`", root.tag_name().name())))
}

/// The text of bytes that begin with a byte order mark of UTF-16, which Visual Studio can write.
fn decode_utf16(bytes: &[u8]) -> Option<String> {
    let from: fn([u8; 2]) -> u16 = match bytes.get(..2)? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

fn solution_projects(text: &str) -> Vec<Stated<String>> {
    let lines = Lines::new(text);
    let mut listed = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.trim_start().starts_with("Project(") {
            continue;
        }
        // Project("{type}") = "name", "path", "{id}"
        let Some(path) = line.split('"').nth(5) else { continue };
        // A solution folder is listed the same way, with its name as its path.
        if path.to_ascii_lowercase().ends_with("proj") {
            listed.push(lines.stated(index as u32 + 1, path.to_owned()));
        }
    }
    listed
}

fn build_file(root: Node<'_, '_>, lines: &XmlLines<'_>) -> BuildFile {
    let mut file = BuildFile { parts: Some(cut_build_file(root, lines)), ..BuildFile::default() };
    if let Some(sdks) = root.attribute("Sdk") {
        file.sdks.extend(sdks.split(';').map(sdk_name));
    }
    for node in root.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let parent = node.parent_element().map_or("", |parent| parent.tag_name().name());
        match (parent, name) {
            (_, "Import") => match (attribute(node, "Sdk"), attribute(node, "Project")) {
                (Some(sdk), _) => file.sdks.push(sdk_name(sdk)),
                (None, Some(path)) => file.imports.push(Import {
                    project: lines.stated(node, path.to_owned()),
                    conditional: !condition_of(node).is_empty(),
                }),
                (None, None) => {}
            },
            ("Project", "Sdk") => file.sdks.extend(attribute(node, "Name").map(sdk_name)),
            (_, "Exec") => {
                if let Some(command) = attribute(node, "Command") {
                    let words = command.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '='));
                    for word in words.filter(|word| word.contains(['/', '\\'])) {
                        file.push(ItemKind::Mention, node, lines, word);
                    }
                }
            }
            ("PropertyGroup", _) => read_property(&mut file, node, lines),
            ("ItemGroup" | "ItemDefinitionGroup", _) => read_item(&mut file, node, lines),
            _ => {}
        }
    }
    file
}

impl BuildFile {
    fn push(&mut self, kind: ItemKind, node: Node<'_, '_>, lines: &XmlLines<'_>, value: &str) {
        let value = lines.stated(node, value.to_owned());
        self.items.push(Item { kind, value, condition: condition_of(node) });
    }
}

fn read_property(file: &mut BuildFile, node: Node<'_, '_>, lines: &XmlLines<'_>) {
    let name = node.tag_name().name().to_ascii_lowercase();
    let value = node.text().unwrap_or_default().trim();
    if value.contains(['/', '\\']) && !EDITOR_PROPERTIES.contains(&name.as_str()) {
        let kind = if name == "sparoot" { ItemKind::SourceFolder } else { ItemKind::Mention };
        file.push(kind, node, lines, value);
    }
    file.properties.push(Property { name, value: lines.stated(node, value.to_owned()) });
}

fn read_item(file: &mut BuildFile, node: Node<'_, '_>, lines: &XmlLines<'_>) {
    let name = node.tag_name().name();
    let kind = match name {
        "ProjectReference" => ItemKind::Project,
        "PackageReference" | "GlobalPackageReference" | "Reference" => ItemKind::Package,
        "Protobuf" => ItemKind::Schema,
        _ if FILE_ITEMS.contains(&name) => ItemKind::Files,
        _ => ItemKind::Mention,
    };
    if !NAME_ITEMS.contains(&name) {
        for value in ["Include", "Update"].into_iter().filter_map(|which| attribute(node, which)) {
            file.push(kind, node, lines, value);
        }
        if let Some(value) = attribute(node, "Remove")
            && matches!(kind, ItemKind::Files)
        {
            file.push(ItemKind::Removed, node, lines, value);
        }
    }
    // Metadata stands in attributes or in elements, as the author likes.
    let metadata = [
        ("ProtoRoot", ItemKind::SchemaFolder),
        ("AdditionalImportDirs", ItemKind::SchemaFolder),
        ("HintPath", ItemKind::Mention),
        ("SourceUri", ItemKind::Mention),
    ];
    for (metadatum, kind) in metadata {
        if let Some(value) = attribute(node, metadatum) {
            file.push(kind, node, lines, value);
        }
        for child in node.children().filter(|child| child.tag_name().name() == metadatum) {
            file.push(kind, child, lines, child.text().unwrap_or_default().trim());
        }
    }
}

/// MSBuild reads attribute names in any case.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name().eq_ignore_ascii_case(name)).map(|attribute| attribute.value())
}

fn sdk_name(written: &str) -> String {
    written.split('/').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn condition_of(node: Node<'_, '_>) -> String {
    let conditions = node.ancestors().take(4).filter_map(|ancestor| attribute(ancestor, "Condition"));
    conditions.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}
