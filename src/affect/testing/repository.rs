//! Small random repositories of several ecosystems, and random edits of them, for the laws that hold for all.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::Known;
use crate::path::RepoPath;
use crate::tree::{MemoryTree, Mode};

/// Folders that may be projects; some lie in others.
const PLACES: &[&str] = &["a", "b", "lib/c", "lib/d", "svc/e", "svc/e/inner", "svc/f", "charts/e"];

/// Files of a project that are no manifest, and those that some manifests speak of.
const FILES: &[&str] = &[
    "src/main.ts",
    "src/lib.rs",
    "main.go",
    "x_test.go",
    "tests/t.rs",
    "README.md",
    ".dockerignore",
    "api.proto",
    "tsconfig.json",
];

/// Files outside every project that some tool inherits.
const INHERITED: &[&str] = &[
    "package-lock.json",
    ".npmrc",
    "Cargo.lock",
    "Directory.Build.props",
    "tsconfig.base.json",
    "README.md",
    "scripts/build.sh",
    ".dockerignore",
    "go.sum",
];

const IGNORED: &[&str] = &["**/*.md", "lib/**", "**/src/**", "!**/*.ts", "a/**"];
const INPUTS: &[&str] = &["src/**", "**/*.go", "../../scripts/**", "!**/*.md", "link/**", "../b/**"];
const TARGETS: &[&str] = &[
    "../b",
    "../a/src",
    "src",
    "..",
    "../..",
    "../lib/c/src/main.ts",
    "../../lib/d",
    "link",
    "./src",
    "../link",
    "nothing",
    "/outside",
    "/elsewhere",
    "../../../../far",
    "../a/link/main.ts",
    "../../svc/e",
];
const LINKS: &[&str] = &["link", "src", "src/deep"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Node,
    Go,
    Cargo,
    Dotnet,
    Python,
    Docker,
    Chart,
    Stray,
}

/// What one place holds: its manifests refer to other places.
#[derive(Debug, Clone)]
struct Place {
    kinds: Vec<Kind>,
    refers: Vec<Index>,
    by_path: bool,
}

#[derive(Debug, Clone)]
struct Settings {
    project: Index,
    depends_on: Vec<Index>,
    inputs: Option<&'static str>,
    task_inputs: Option<&'static str>,
    task_reads: Option<&'static str>,
    command: Option<u8>,
    outputs: Option<u8>,
    environment: bool,
}

#[derive(Debug, Clone)]
enum Edit {
    Write(Index, Index, u8),
    Inherit(Index, u8),
    Touch(Index, u8),
    Delete(Index),
    DeleteFolder(Index),
    Move(Index, Index),
    Executable(Index),
    Break(Index),
    Link(Index, Index, Index),
    Place(Index, Place),
    Roots(Roots),
    Configure(Option<(Vec<&'static str>, Vec<Settings>, Option<&'static str>)>),
}

/// Which workspaces the root declares.
#[derive(Debug, Clone, Copy)]
struct Roots {
    node: u8,
    cargo: u8,
    docker: bool,
}

/// A repository, as the edits that make it of nothing. It prints as its files.
#[derive(Clone)]
pub(crate) struct Repository {
    start: Vec<Edit>,
}

type Files = BTreeMap<RepoPath, (Mode, Vec<u8>)>;

fn place() -> impl Strategy<Value = Place> {
    use Kind::*;
    let kind = select(vec![Plain, Node, Node, Go, Cargo, Dotnet, Python, Docker, Docker, Chart, Stray]);
    (prop::collection::vec(kind, 1..3), prop::collection::vec(any::<Index>(), 0..3), any::<bool>())
        .prop_map(|(kinds, refers, by_path)| Place { kinds, refers, by_path })
}

fn settings() -> impl Strategy<Value = Settings> {
    let depends_on = prop::collection::vec(any::<Index>(), 0..2);
    let reads = select(vec!["\"build\"", "\"^build\"", "\"build\", \"^build\"", ""]);
    let (inputs, task_inputs) = (prop::option::of(select(INPUTS)), prop::option::of(select(INPUTS)));
    let task =
        (task_inputs, prop::option::of(reads), prop::option::of(0..2u8), prop::option::of(0..2u8), any::<bool>());
    (any::<Index>(), depends_on, inputs, task).prop_map(
        |(project, depends_on, inputs, (task_inputs, task_reads, command, outputs, environment))| Settings {
            project,
            depends_on,
            inputs,
            task_inputs,
            task_reads,
            command,
            outputs,
            environment,
        },
    )
}

fn roots() -> impl Strategy<Value = Roots> {
    (0..4u8, 0..4u8, prop::bool::weighted(0.2)).prop_map(|(node, cargo, docker)| Roots { node, cargo, docker })
}

fn edit() -> impl Strategy<Value = Edit> {
    let configuration = (
        prop::collection::vec(select(IGNORED), 0..3),
        prop::collection::vec(settings(), 0..3),
        prop::option::of(select(vec![
            "inputs = [\"**/*.ts\"]",
            "depends-on = [\"build\", \"^build\"]",
            "env = [\"CI\"]",
        ])),
    );
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), index(), 0..3u8).prop_map(|(place, file, content)| Edit::Write(place, file, content)),
        2 => (index(), 0..3u8).prop_map(|(file, content)| Edit::Inherit(file, content)),
        3 => (index(), any::<u8>()).prop_map(|(file, content)| Edit::Touch(file, content)),
        3 => index().prop_map(Edit::Delete),
        1 => index().prop_map(Edit::DeleteFolder),
        2 => (index(), index()).prop_map(|(file, place)| Edit::Move(file, place)),
        1 => index().prop_map(Edit::Executable),
        1 => index().prop_map(Edit::Break),
        4 => (index(), index(), index()).prop_map(|(place, name, target)| Edit::Link(place, name, target)),
        5 => (index(), place()).prop_map(|(at, place)| Edit::Place(at, place)),
        1 => roots().prop_map(Edit::Roots),
        2 => prop::option::weighted(0.8, configuration).prop_map(Edit::Configure),
    ]
}

/// A repository of three to seven projects.
pub(crate) fn repositories() -> impl Strategy<Value = Repository> {
    let places = prop::collection::vec((any::<Index>(), place()), 3..8);
    let written = prop::collection::vec((any::<Index>(), any::<Index>(), 0..3u8), 4..14);
    let others = prop::collection::vec(edit(), 0..8);
    (roots(), places, written, others).prop_map(|(roots, places, written, others)| {
        let mut start = vec![Edit::Roots(roots)];
        start.extend(places.into_iter().map(|(at, place)| Edit::Place(at, place)));
        start.extend(written.into_iter().map(|(place, file, content)| Edit::Write(place, file, content)));
        start.extend(others);
        Repository { start }
    })
}

/// Edits that make a head of a base.
#[derive(Debug, Clone)]
pub(crate) struct Edits(Vec<Edit>);

pub(crate) fn edits() -> impl Strategy<Value = Edits> {
    prop::collection::vec(edit(), 1..5).prop_map(Edits)
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&print(&self.files()))
    }
}

/// The files as [`MemoryTree::parse`] reads them.
pub(crate) fn print(files: &Files) -> String {
    let line = |(path, (mode, bytes)): (&RepoPath, &(Mode, Vec<u8>))| {
        let text = String::from_utf8_lossy(bytes);
        match mode {
            Mode::Symlink => format!("== {path} -> {text}\n"),
            Mode::Executable => format!("== {path} *\n{text}\n"),
            _ => format!("== {path}\n{text}\n"),
        }
    };
    format!("\n{}", files.iter().map(line).collect::<String>())
}

impl Repository {
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        self.start.iter().for_each(|edit| apply(&mut files, edit));
        files
    }

    pub(crate) fn known(&self) -> Known {
        known(&self.files())
    }

    pub(crate) fn edited(&self, edits: &Edits) -> Files {
        let mut files = self.files();
        edits.0.iter().for_each(|edit| apply(&mut files, edit));
        files
    }
}

pub(crate) fn known(files: &Files) -> Known {
    let listed = files.iter().map(|(path, (mode, bytes))| (path.clone(), *mode, bytes.clone()));
    Known::of(MemoryTree::from_contents(listed))
}

fn chosen(at: &Index, of: &[&'static str]) -> &'static str {
    of[at.index(of.len())]
}

fn path(text: &str) -> RepoPath {
    RepoPath::from_git(text.as_bytes()).unwrap()
}

/// Puts a file where nothing else can stand any more: neither below it nor in its way.
pub(crate) fn put(files: &mut Files, path: RepoPath, mode: Mode, bytes: impl Into<Vec<u8>>) {
    files.retain(|other, _| !other.is_within(&path) && !path.is_within(other));
    files.insert(path, (mode, bytes.into()));
}

fn apply(files: &mut Files, edit: &Edit) {
    let existing = |files: &Files, at: &Index| {
        let of = |path: &&RepoPath| path.name() != Some(b"knockon.toml");
        let all: Vec<RepoPath> = files.keys().filter(of).cloned().collect();
        (!all.is_empty()).then(|| all[at.index(all.len())].clone())
    };
    match edit {
        Edit::Write(place, file, content) => {
            let file = format!("{}/{}", chosen(place, PLACES), chosen(file, FILES));
            put(files, path(&file), Mode::File, content_of(&file, *content));
        }
        Edit::Inherit(file, content) => {
            let file = chosen(file, INHERITED);
            put(files, path(file), Mode::File, content_of(file, *content));
        }
        Edit::Touch(at, content) => {
            if let Some(path) = existing(files, at)
                && let Some((mode, bytes)) = files.get_mut(&path)
                && mode.is_file()
            {
                // A manifest stays one.
                let comment = if path.as_bytes().ends_with(b".json") {
                    " ".repeat(1 + usize::from(content % 3))
                } else {
                    format!("\n# {content}")
                };
                bytes.extend_from_slice(comment.as_bytes());
            }
        }
        Edit::Delete(at) => {
            existing(files, at).map(|path| files.remove(&path));
        }
        Edit::DeleteFolder(at) => {
            let folder = path(chosen(at, PLACES));
            files.retain(|path, _| !path.is_within(&folder));
        }
        Edit::Move(at, place) => {
            if let Some(from) = existing(files, at)
                && let Some((mode, bytes)) = files.remove(&from)
            {
                put(files, path(chosen(place, PLACES)).child(from.name().unwrap()), mode, bytes);
            }
        }
        Edit::Executable(at) => {
            if let Some(path) = existing(files, at)
                && let Some((mode @ (Mode::File | Mode::Executable), _)) = files.get_mut(&path)
            {
                *mode = if *mode == Mode::File { Mode::Executable } else { Mode::File };
            }
        }
        Edit::Break(at) => {
            if let Some(path) = existing(files, at)
                && let Some((Mode::File, bytes)) = files.get_mut(&path)
            {
                *bytes = b"<{[broken".to_vec();
            }
        }
        Edit::Link(place, name, target) => {
            let link = path(chosen(place, PLACES)).child(chosen(name, LINKS).as_bytes());
            put(files, link, Mode::Symlink, chosen(target, TARGETS));
        }
        Edit::Place(at, place) => write_place(files, chosen(at, PLACES), place),
        Edit::Roots(roots) => write_roots(files, *roots),
        Edit::Configure(None) => {
            files.remove(&path("knockon.toml"));
        }
        Edit::Configure(Some((ignore, projects, task))) => {
            put(files, path("knockon.toml"), Mode::File, configuration(ignore, projects, *task));
        }
    }
}

fn content_of(file: &str, content: u8) -> String {
    match file.rsplit('/').next() {
        Some(".dockerignore") => ["src\n", "**/*.md\n", "*\n!src\n"][usize::from(content)].to_owned(),
        Some("tsconfig.json") => {
            ["{}", "{\"extends\": \"../tsconfig.base.json\"}", "{\"references\": [{\"path\": \"../b\"}]}"]
                [usize::from(content)]
            .to_owned()
        }
        Some(name) if name.ends_with(".json") => format!("{{\"n\": {content}}}"),
        Some("api.proto") => ["syntax = \"proto3\";\n", "import \"lib/c/api.proto\";\n", "import \"b/api.proto\";\n"]
            [usize::from(content)]
        .to_owned(),
        Some("Directory.Build.props") => format!("<Project><!-- {content} --></Project>"),
        _ => format!("# {content}\n"),
    }
}

fn name_of(place: &str) -> String {
    place.replace('/', "-")
}

fn write_place(files: &mut Files, at: &str, place: &Place) {
    let folder = path(at);
    for manifest in ["package.json", "go.mod", "Cargo.toml", "Dockerfile", "Chart.yaml", "x.csproj", "pyproject.toml"] {
        files.remove(&folder.child(manifest.as_bytes()));
    }
    let others: Vec<&str> =
        place.refers.iter().map(|other| chosen(other, PLACES)).filter(|other| *other != at).collect();
    let relative = |other: &str| String::from_utf8(folder.relative_to(&path(other))).unwrap();
    for kind in &place.kinds {
        let (name, text) = match kind {
            Kind::Plain => continue,
            Kind::Node | Kind::Stray => {
                let mut text =
                    format!("{{\"name\": \"{}\", \"scripts\": {{\"build\": \"x\"}}, \"dependencies\": {{", name_of(at));
                let listed: Vec<String> = others
                    .iter()
                    .map(|other| match place.by_path {
                        true => format!("\"{}\": \"file:{}\"", name_of(other), relative(other)),
                        false => format!("\"{}\": \"*\"", name_of(other)),
                    })
                    .collect();
                text += &listed.join(", ");
                text += "}}";
                if *kind == Kind::Stray {
                    put(files, folder.child(b"package-lock.json"), Mode::File, "{}");
                }
                ("package.json", text)
            }
            Kind::Go => {
                let mut text = format!("module example.com/{at}\n");
                for other in &others {
                    let _ = writeln!(text, "require example.com/{other} v0.0.0");
                    if place.by_path {
                        let _ = writeln!(text, "replace example.com/{other} => {}", relative(other));
                    }
                }
                ("go.mod", text)
            }
            Kind::Cargo => {
                let mut text = format!("[package]\nname = \"{}\"\nversion = \"0.1.0\"\n[dependencies]\n", name_of(at));
                for other in &others {
                    let _ = writeln!(text, "{} = {{ path = \"{}\" }}", name_of(other), relative(other));
                }
                ("Cargo.toml", text)
            }
            Kind::Dotnet => {
                let mut text = "<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup>\n".to_owned();
                for other in &others {
                    let _ = writeln!(text, "<ProjectReference Include=\"{}/x.csproj\" />", relative(other));
                }
                ("x.csproj", text + "</ItemGroup></Project>\n")
            }
            Kind::Python => {
                let mut text = format!("[project]\nname = \"{}\"\n[tool.uv.sources]\n", name_of(at));
                for other in &others {
                    let _ = writeln!(text, "{} = {{ path = \"{}\" }}", name_of(other), relative(other));
                }
                ("pyproject.toml", text)
            }
            Kind::Docker => {
                let mut text = "FROM scratch\n".to_owned();
                for other in &others {
                    let _ = writeln!(text, "COPY {}{other} /x/", if place.by_path { "" } else { "./" });
                }
                ("Dockerfile", text + "COPY . .\n")
            }
            Kind::Chart => {
                let mut text = format!("apiVersion: v2\nname: {}\nversion: 0.1.0\ndependencies:\n", name_of(at));
                for other in &others {
                    let _ = write!(
                        text,
                        "  - name: {}\n    version: 0.1.0\n    repository: file://{}\n",
                        name_of(other),
                        relative(other)
                    );
                }
                if others.is_empty() {
                    text = text.replace("dependencies:\n", "");
                }
                ("Chart.yaml", text)
            }
        };
        put(files, folder.child(name.as_bytes()), Mode::File, text);
    }
}

fn write_roots(files: &mut Files, roots: Roots) {
    let mut file = |name: &str, text: Option<&str>| match text {
        Some(text) => put(files, path(name), Mode::File, text),
        None => drop(files.remove(&path(name))),
    };
    let node = [
        None,
        Some("{\"private\": true, \"workspaces\": [\"a\", \"b\", \"lib/*\"]}"),
        Some("{\"private\": true, \"workspaces\": [\"**\"]}"),
        Some("{\"name\": \"root\", \"scripts\": {\"build\": \"x\"}, \"workspaces\": [\"svc/*\", \"a\"]}"),
    ];
    file("package.json", node[usize::from(roots.node)]);
    let cargo = [
        None,
        Some("[workspace]\nmembers = [\"a\", \"lib/*\"]\n"),
        Some("[workspace]\nmembers = [\"svc/*\", \"b\"]\nexclude = [\"svc/f\"]\n"),
        Some("[package]\nname = \"root\"\nversion = \"0.1.0\"\n[workspace]\nmembers = [\"a\"]\n"),
    ];
    file("Cargo.toml", cargo[usize::from(roots.cargo)]);
    file("Dockerfile", roots.docker.then_some("FROM scratch\nCOPY a svc /x/\n"));
}

fn configuration(ignore: &[&str], projects: &[Settings], task: Option<&str>) -> String {
    let quoted = |items: &[&str]| items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ");
    // A list of what is ignored begins with something that is.
    let ignore: Vec<&str> = ignore.iter().copied().skip_while(|glob| glob.starts_with('!')).collect();
    let mut text = format!("[workspace]\nignore = [{}]\n", quoted(&ignore));
    let mut seen = Vec::new();
    for settings in projects {
        let at = chosen(&settings.project, PLACES);
        if seen.contains(&at) {
            continue;
        }
        seen.push(at);
        let others: Vec<&str> =
            settings.depends_on.iter().map(|other| chosen(other, PLACES)).filter(|o| *o != at).collect();
        let others: std::collections::BTreeSet<&str> = others.into_iter().collect();
        let others: Vec<&str> = others.into_iter().collect();
        let _ = writeln!(text, "[project.{at:?}]\ndepends-on = [{}]", quoted(&others));
        if let Some(inputs) = settings.inputs {
            let _ = writeln!(text, "inputs = [{}]", quoted(&[inputs]));
        }
        let _ = writeln!(text, "[project.{at:?}.task.build]");
        for (key, value) in [
            ("inputs", settings.task_inputs.map(|glob| format!("{glob:?}"))),
            ("depends-on", settings.task_reads.filter(|reads| !reads.starts_with("\"build")).map(str::to_owned)),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = [{value}]");
            }
        }
        if let Some(command) = settings.command {
            let _ = writeln!(text, "command = \"make {command}\"");
        }
        if let Some(outputs) = settings.outputs {
            let _ = writeln!(text, "outputs = [\"out{outputs}/**\"]");
        }
        if settings.environment {
            text.push_str("env = [\"CI\"]\n");
        }
    }
    if let Some(task) = task {
        let _ = writeln!(text, "[task.test]\n{task}");
    }
    text
}
