//! The manifests of a place, of the roots, and of the configuration.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::path;

/// One manifest, or two things that stand beside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manifest {
    Plain,
    Node,
    Go,
    Cargo,
    Dotnet,
    Python,
    Docker,
    Chart,
    Maven,
    /// A package with a lockfile of its own.
    Stray,
}

pub(super) const MANIFESTS: &[Manifest] = {
    use Manifest::*;
    &[Plain, Node, Node, Go, Cargo, Dotnet, Python, Docker, Docker, Chart, Maven, Stray]
};

/// The names of all manifests of places.
pub(super) const NAMES: &[&str] =
    &["package.json", "go.mod", "Cargo.toml", "Dockerfile", "Chart.yaml", "x.csproj", "pyproject.toml", "pom.xml"];

/// What one place holds: its manifests refer to other places.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) manifests: Vec<Manifest>,
    pub(super) refers: Vec<&'static str>,
    /// Whether references name a folder, and not only the other project.
    pub(super) by_path: bool,
    /// Which of several ways to write a Dockerfile.
    pub(super) way: u16,
}

fn name_of(place: &str) -> String {
    place.replace('/', "-")
}

impl Place {
    /// The manifests with their names.
    pub(super) fn written(&self, at: &str) -> Vec<(&'static str, String)> {
        let mut written = Vec::new();
        for manifest in &self.manifests {
            match manifest {
                Manifest::Plain => {}
                Manifest::Node => written.push(("package.json", self.node(at))),
                Manifest::Stray => {
                    written.push(("package.json", self.node(at)));
                    written.push(("package-lock.json", "{}".to_owned()));
                }
                Manifest::Go => written.push(("go.mod", self.go(at))),
                Manifest::Cargo => written.push(("Cargo.toml", self.cargo(at))),
                Manifest::Dotnet => written.push(("x.csproj", self.dotnet(at))),
                Manifest::Python => written.push(("pyproject.toml", self.python(at))),
                Manifest::Docker => written.push(("Dockerfile", self.docker())),
                Manifest::Chart => written.push(("Chart.yaml", self.chart(at))),
                Manifest::Maven => written.push(("pom.xml", self.maven(at))),
            }
        }
        written
    }

    fn relative(at: &str, other: &str) -> String {
        String::from_utf8(path(at).relative_to(&path(other))).unwrap()
    }

    fn node(&self, at: &str) -> String {
        let range = |other: &&str| match self.by_path {
            true => format!("\"{}\": \"file:{}\"", name_of(other), Self::relative(at, other)),
            false => format!("\"{}\": \"*\"", name_of(other)),
        };
        let listed: Vec<String> = self.refers.iter().map(range).collect();
        format!(
            "{{\"name\": \"{}\", \"scripts\": {{\"build\": \"x\", \"test\": \"y\"}}, \"dependencies\": {{{}}}}}",
            name_of(at),
            listed.join(", ")
        )
    }

    fn go(&self, at: &str) -> String {
        let mut text = format!("module example.com/{at}\n");
        for other in &self.refers {
            let _ = writeln!(text, "require example.com/{other} v0.0.0");
            if self.by_path {
                let _ = writeln!(text, "replace example.com/{other} => {}", Self::relative(at, other));
            }
        }
        text
    }

    fn cargo(&self, at: &str) -> String {
        let mut text = format!("[package]\nname = \"{}\"\nversion = \"0.1.0\"\n[dependencies]\n", name_of(at));
        for other in &self.refers {
            let _ = writeln!(text, "{} = {{ path = \"{}\" }}", name_of(other), Self::relative(at, other));
        }
        text
    }

    fn dotnet(&self, at: &str) -> String {
        let mut text = "<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup>\n".to_owned();
        for other in &self.refers {
            let _ = writeln!(text, "<ProjectReference Include=\"{}/x.csproj\" />", Self::relative(at, other));
        }
        text + "</ItemGroup></Project>\n"
    }

    fn python(&self, at: &str) -> String {
        let mut text = format!("[project]\nname = \"{}\"\n[tool.uv.sources]\n", name_of(at));
        for other in &self.refers {
            let _ = writeln!(text, "{} = {{ path = \"{}\" }}", name_of(other), Self::relative(at, other));
        }
        text
    }

    fn docker(&self) -> String {
        let mut text = match self.way % 4 {
            0 => "FROM scratch\n".to_owned(),
            1 => "FROM scratch\nCOPY shared/x.conf /etc/\n".to_owned(),
            2 => "FROM scratch AS test\nCOPY shared /shared\nFROM scratch\nCOPY --from=test /x /x\n".to_owned(),
            _ => "FROM scratch\nCOPY shared/*.json scripts /etc/\n".to_owned(),
        };
        for other in &self.refers {
            let _ = writeln!(text, "COPY {}{other} /x/", if self.by_path { "" } else { "./" });
        }
        if self.way.is_multiple_of(3) { text + "COPY . .\n" } else { text }
    }

    fn chart(&self, at: &str) -> String {
        let mut text = format!("apiVersion: v2\nname: {}\nversion: 0.1.0\n", name_of(at));
        for (number, other) in self.refers.iter().enumerate() {
            let heading = if number == 0 { "dependencies:\n" } else { "" };
            let (name, folder) = (name_of(other), Self::relative(at, other));
            let _ = write!(text, "{heading}  - name: {name}\n    version: 0.1.0\n    repository: file://{folder}\n");
        }
        text
    }

    fn maven(&self, at: &str) -> String {
        let mut text = "<project><groupId>g</groupId>".to_owned();
        if self.by_path {
            let parent = Self::relative(at, "");
            let _ = write!(
                text,
                "<parent><groupId>g</groupId><artifactId>root</artifactId><version>1</version><relativePath>{parent}</relativePath></parent>"
            );
        }
        let _ = writeln!(text, "<artifactId>{}</artifactId><version>1</version><dependencies>", name_of(at));
        for other in &self.refers {
            let artifact = name_of(other);
            let _ = writeln!(
                text,
                "<dependency><groupId>g</groupId><artifactId>{artifact}</artifactId><version>1</version></dependency>"
            );
        }
        text + "</dependencies></project>\n"
    }
}

/// The manifests of the root, by three numbers; none is none.
pub(super) fn roots([node, cargo, others]: [u16; 3]) -> [(&'static str, Option<&'static str>); 4] {
    let of = |texts: &[Option<&'static str>], number: u16| texts[usize::from(number) % texts.len()];
    [
        (
            "package.json",
            of(
                &[
                    None,
                    Some("{\"private\": true, \"workspaces\": [\"ibex\", \"lynx\", \"lib/*\"]}"),
                    Some("{\"private\": true, \"workspaces\": [\"**\"]}"),
                    Some(
                        "{\"name\": \"root\", \"scripts\": {\"build\": \"x\"}, \"workspaces\": [\"svc/*\", \"ibex\"]}",
                    ),
                ],
                node,
            ),
        ),
        (
            "Cargo.toml",
            of(
                &[
                    None,
                    Some("[workspace]\nmembers = [\"ibex\", \"lib/*\"]\n"),
                    Some("[workspace]\nmembers = [\"svc/*\", \"lynx\"]\nexclude = [\"svc/zebu\"]\n"),
                    Some("[package]\nname = \"root\"\nversion = \"0.1.0\"\n[workspace]\nmembers = [\"ibex\"]\n"),
                ],
                cargo,
            ),
        ),
        ("Dockerfile", of(&[None, None, None, None, Some("FROM scratch\nCOPY ibex svc /x/\n")], others)),
        (
            "pom.xml",
            of(
                &[
                    None,
                    None,
                    Some(
                        "<project><groupId>g</groupId><artifactId>root</artifactId><version>1</version><packaging>pom</packaging><modules><module>ibex</module><module>lib/oryx</module></modules></project>",
                    ),
                    Some(
                        "<project><groupId>g</groupId><artifactId>root</artifactId><version>1</version><packaging>pom</packaging></project>",
                    ),
                ],
                others,
            ),
        ),
    ]
}

const IGNORED: &[&str] = &["**/*.md", "lib/**", "**/src/**", "!**/*.ts", "ibex/**", "shared/**"];
const INPUTS: &[&str] = &["src/**", "**/*.go", "../../scripts/**", "!**/*.md", "link/**", "../lynx/**", "../shared/*"];
const TASKS: &[&str] =
    &["", "inputs = [\"**/*.ts\"]", "depends-on = [\"build\", \"^build\"]", "env = [\"CI\"]", "command = \"make\""];

/// What the root's `knockon.toml` says.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) workspace: [u16; 3],
    pub(super) projects: Vec<(&'static str, [u16; 3])>,
}

fn picked(of: &[&'static str], number: u16) -> &'static str {
    of[usize::from(number) % of.len()]
}

impl Settings {
    pub(super) fn written(&self) -> String {
        let [ignore, unowned, task] = self.workspace;
        // A list of what is ignored begins with something that is.
        let globs = [picked(IGNORED, ignore), picked(IGNORED, ignore / 8)];
        let globs: BTreeSet<&str> = globs.into_iter().take(usize::from(ignore % 3)).collect();
        let globs: Vec<String> =
            globs.into_iter().rev().skip_while(|glob| glob.starts_with('!')).map(|glob| format!("{glob:?}")).collect();
        let unowned = picked(&["all", "none"], unowned);
        let mut text = format!("[workspace]\nunowned = \"{unowned}\"\nignore = [{}]\n", globs.join(", "));
        let _ = write!(text, "[task.test]\n{}\n", picked(TASKS, task));
        for (at, numbers) in &self.projects {
            let _ = write!(text, "[project.{at:?}]\n{}", table(at, *numbers, &format!("project.{at:?}.")));
        }
        text
    }
}

/// The table of a project: in its folder's own file, or behind a prefix in the root's.
pub(super) fn table(at: &str, [first, second, third]: [u16; 3], prefix: &str) -> String {
    let mut text = String::new();
    let other = picked(super::PLACES, first);
    if first % 3 != 0 && other != at {
        let _ = writeln!(text, "depends-on = [{other:?}]");
    }
    // What climbs out of the repository is an error; a folder with its own file may move up.
    let climbs = !prefix.is_empty() && at.contains('/');
    let glob =
        |number| if climbs { picked(INPUTS, number) } else { picked(INPUTS, number).trim_start_matches("../../") };
    if second % 3 == 1 {
        let _ = writeln!(text, "inputs = [{:?}]", glob(second));
    }
    if third % 2 == 1 {
        let _ = writeln!(text, "[{prefix}task.build]");
        if third % 3 == 0 {
            let _ = writeln!(text, "inputs = [{:?}]", glob(third));
        }
        for (bit, line) in
            ["depends-on = [\"^build\"]", "command = \"make 1\"", "outputs = [\"out/**\"]", "env = [\"CI\"]"]
                .into_iter()
                .enumerate()
        {
            if third >> (bit + 3) & 1 == 1 {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}
