//! What knockon says that an image reads, held against what a real builder does with it.
//!
//! Each fixture is built target by target, then changed in one place at a time. Nothing is fetched: every image begins
//! `FROM scratch`. What knockon calls unaffected is changed all at once, and the image has to stay the same; what it
//! calls affected is changed alone, and the image has to become another.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use knockon::affect::{Side, Terms, affect};
use knockon::config::Configuration;
use knockon::discover::{FactsMemo, SurveyMemo, discover};
use knockon::tree::{MemoryTree, Mode, Node, Tree, TreeId, changes};
use knockon::workspace::{Workspace, assemble};
use tempfile::TempDir;

use crate::repository::Outcome;

/// A tree and the images that one of its Dockerfiles makes.
struct Fixture {
    name: &'static str,
    tree: &'static str,
    dockerfile: &'static str,
    context: &'static str,
    images: &'static [Image],
}

/// The task that knockon has for an image, and what the builder is told.
struct Image {
    task: &'static str,
    arguments: &'static [&'static str],
}

/// A program that copies `/in` to `/out`, for lines that run one: what a file of the name `tool` holds.
const TOOL: &str = "\
#include <stdio.h>
int main(void) {
    FILE *in = fopen(\"/in\", \"rb\"), *out = fopen(\"/out\", \"wb\");
    if (!in || !out) return 1;
    for (int byte; (byte = getc(in)) != EOF;) putc(byte, out);
    return fclose(out);
}
";

const FIXTURES: [Fixture; 8] = [
    Fixture {
        name: "stages: named targets, one that skips a stage, copies from others by name, number and image",
        tree: "\
== compose.yaml
services:
  build: {build: {context: app, target: build}}
  slim: {build: {context: app, target: SLIM}}
  whole: {build: app}
== app/Dockerfile
FROM scratch AS base
COPY base.txt /
FROM base AS build
COPY src/*.c src/[xy].h /src/
COPY src/deep /deep
FROM scratch AS test
COPY tests /tests
COPY --from=build / /built
FROM scratch AS slim
COPY --from=1 / /all
ADD only.txt /
FROM base
COPY --from=slim /all /all
COPY [\"with space.txt\", \"last.txt\", \"/json/\"]
== app/base.txt
== app/src/a.c
== app/src/b.c
== app/src/x.h
== app/src/z.h
== app/src/deep/er/f
== app/tests/t
== app/only.txt
== app/with space.txt
== app/last.txt
== app/unused.txt
== elsewhere/f
",
        dockerfile: "app/Dockerfile",
        context: "app",
        images: &[
            Image { task: "app:image", arguments: &[] },
            Image { task: "app:image.build", arguments: &["--target", "build"] },
            Image { task: "app:test", arguments: &["--target", "test"] },
            Image { task: "app:image.SLIM", arguments: &["--target", "slim"] },
        ],
    },
    Fixture {
        name: "an ignore file with exceptions and the whole context",
        tree: "\
== whole/Dockerfile
FROM scratch AS test
COPY src /
FROM scratch
COPY . .
== whole/.dockerignore
# no pattern
Dockerfile
.dockerignore
*.md
!keep.md
docs
!docs/kept
**/*.log
!src/deep/*.log
/cache/
secret?.txt
**/node_modules
src/*/tmp
== whole/readme.md
== whole/keep.md
== whole/docs/a
== whole/docs/kept/b
== whole/src/x.log
== whole/src/main
== whole/src/readme.md
== whole/src/deep/y.log
== whole/src/deep/tmp/z
== whole/src/cache/c
== whole/cache/c
== whole/secret1.txt
== whole/secret12.txt
== whole/a/b/node_modules/m
",
        dockerfile: "whole/Dockerfile",
        context: "whole",
        images: &[
            Image { task: "whole:image", arguments: &[] },
            Image { task: "whole:test", arguments: &["--target", "test"] },
        ],
    },
    Fixture {
        name: "a Dockerfile's own ignore file wins",
        tree: "\
== own/Dockerfile
FROM scratch
COPY . /all/
== own/Dockerfile.dockerignore
*
!src
src/*.tmp
== own/.dockerignore
src/kept
!x.tmp
== own/src/kept/f
== own/src/f.tmp
== own/src/f
== own/x.tmp
",
        dockerfile: "own/Dockerfile",
        context: "own",
        images: &[Image { task: "own:image", arguments: &[] }],
    },
    Fixture {
        name: "a context above the Dockerfile, which nothing names, with an ignore file beside each",
        tree: "\
== svc/.dockerignore
a/*.md
shared/left
== svc/a/.dockerignore
main.c
== svc/a/Dockerfile
FROM scratch
COPY a /a
COPY ../shared/ ./lib/*.h /s/
== svc/a/main.c
== svc/a/a.md
== svc/a/deep/a.md
== svc/shared/s
== svc/shared/left
== svc/lib/l.h
== svc/lib/l.c
== shared/s
== lib/l.h
",
        dockerfile: "svc/a/Dockerfile",
        context: "svc",
        images: &[Image { task: "svc/a:image", arguments: &[] }],
    },
    Fixture {
        name: "arguments in sources and bases",
        tree: "\
== compose.yaml
services:
  set: {build: {context: ., dockerfile: arg/Dockerfile, target: set, args: {KIND: two, BASE: b}}}
== arg/Dockerfile
ARG BASE=a
FROM scratch AS a
COPY arg/a.txt /
FROM scratch AS b
COPY arg/b.txt /
FROM ${BASE} AS set
ARG KIND=one
ARG NOTHING
ARG FILE=arg/conf.$KIND
ENV PLACE=arg/env
COPY ${FILE} $PLACE/e.txt /etc/
COPY ${NOTHING:-arg}/default.txt /
== arg/a.txt
== arg/b.txt
== arg/conf.one
== arg/conf.two
== arg/env/e.txt
== arg/env/other.txt
== arg/default.txt
== conf.two
",
        dockerfile: "arg/Dockerfile",
        context: ".",
        images: &[Image { task: "arg:image", arguments: &["--build-arg", "KIND=two", "--build-arg", "BASE=b"] }],
    },
    Fixture {
        name: "bind mounts",
        tree: "\
== mount/Dockerfile
FROM scratch AS data
COPY data.txt /d
FROM scratch AS test
COPY tool /
RUN --mount=type=bind,source=in.txt,target=/in [\"/tool\"]
FROM scratch
COPY tool /
RUN --mount=type=bind,from=data,source=/d,target=/in [\"/tool\"]
== mount/tool
== mount/in.txt
== mount/data.txt
== mount/other.txt
",
        dockerfile: "mount/Dockerfile",
        context: "mount",
        images: &[
            Image { task: "mount:image", arguments: &[] },
            Image { task: "mount:test", arguments: &["--target", "test"] },
        ],
    },
    Fixture {
        name: "folders by name and by glob, continued and commented lines, small letters, flags",
        tree: "\
== copy/Dockerfile
# escape=\\
from scratch as unused
copy unused.txt /
from scratch
copy conf /etc/
COPY --chown=1:1 \\
    # in between
    more.d/*/ \\

    f[0-9]?.txt /x/
COPY ./x/../y/. /y
ADD --chmod=600 /root.txt rel/*/b* /z/
== copy/conf/a
== copy/conf/deep/b
== copy/more.d/one/f
== copy/more.d/two/deep/f
== copy/f1a.txt
== copy/f1.txt
== copy/fa1.txt
== copy/y/y
== copy/x/x
== copy/root.txt
== copy/rel/a/b.txt
== copy/rel/a/c.txt
== copy/rel/b
== copy/unused.txt
",
        dockerfile: "copy/Dockerfile",
        context: "copy",
        images: &[Image { task: "copy:image", arguments: &[] }],
    },
    Fixture {
        name: "symlinks as sources, on the way to them and within them",
        tree: "\
== link/Dockerfile
FROM scratch
COPY to-file /f
COPY to-folder/g /g
COPY folder /folder
== link/to-file -> data/file
== link/to-folder -> data/folder
== link/folder/inner -> ../data/inner
== link/folder/h
== link/data/file
== link/data/folder/g
== link/data/folder/other
== link/data/inner
",
        dockerfile: "link/Dockerfile",
        context: "link",
        images: &[Image { task: "link:image", arguments: &[] }],
    },
];

/// Where knockon says more than the builder, and why.
const NEEDLESS: [&str; 2] = [
    // A stage that another one copies from counts as a whole: what its lines make of a file cannot be known.
    "app:image does not read app/only.txt",
    // What a link leads to counts wherever the link does. A builder that copies a folder leaves the links in it alone.
    "link:image does not read link/data/inner",
];

/// A tree as knockon understands it.
struct Known {
    tree: MemoryTree,
    workspace: Workspace,
}

impl Known {
    fn parse(text: &str) -> Self {
        let tree = MemoryTree::parse(text);
        let discovered = discover(&tree, &SurveyMemo::default(), &FactsMemo::default()).unwrap();
        let workspace = assemble(&tree, discovered, &Configuration::default()).unwrap();
        Self { tree, workspace }
    }

    fn side(&self) -> Side<'_> {
        Side { tree: &self.tree, workspace: &self.workspace }
    }
}

/// The tasks that a change affects by what they read: that nobody owns a file widens nothing here.
fn affected(base: &Known, text: &str) -> BTreeSet<String> {
    let head = Known::parse(text);
    let terms = Terms { unowned_widens: false, ..Terms::default() };
    let differing = changes(&base.tree, &head.tree).unwrap();
    let found = affect(base.side(), head.side(), &differing, &terms).unwrap();
    found.tasks().map(|task| head.workspace.task_id(task).to_string()).collect()
}

/// Every file but docker's own, links and the tool, changed, and a new file in every folder: each as the end of the text
/// of a tree.
fn changes_of(fixture: &Fixture) -> BTreeMap<String, String> {
    let paths = fixture.tree.lines().filter_map(|line| line.strip_prefix("== "));
    let is_fixed = |path: &&str| [" -> ", "ocker", "compose", "tool"].iter().any(|part| path.contains(part));
    let paths = paths.filter(|path| !is_fixed(path));
    let mut found = BTreeMap::new();
    for path in paths {
        let folders = path.match_indices('/').map(|(end, _)| &path[..=end]);
        for place in folders.map(|folder| format!("{folder}new.txt")).chain([path.to_owned()]) {
            let end = format!("== {place}\nchanged\n");
            found.insert(place, end);
        }
    }
    found
}

/// A builder with a store of its own, which goes with it.
struct Builder {
    folder: TempDir,
}

impl Builder {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// The id of the image that a tree gives; its content decides it, as every time stamp is the same.
    fn build(&self, fixture: &Fixture, image: &Image, text: &str, tool: &[u8]) -> String {
        let sources = TempDir::new_in(&self.folder).unwrap();
        let tree = MemoryTree::parse(text);
        write(&tree, tree.root(), sources.path());
        let context = sources.path().join(fixture.context);
        if context.join("tool").exists() {
            fs::write(context.join("tool"), tool).unwrap();
            fs::set_permissions(context.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let place = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("buildah");
        command.env_clear().env("PATH", env::var_os("PATH").unwrap());
        for variable in ["HOME", "TMPDIR", "XDG_RUNTIME_DIR"] {
            command.env(variable, self.folder.path());
        }
        command.arg("--root").arg(place("root")).arg("--runroot").arg(place("run"));
        command.args(["--storage-driver", "vfs", "bud", "--isolation", "chroot", "--timestamp", "0"]);
        command.args(["--layers=false", "--pull-never", "--quiet"]).args(image.arguments);
        command.arg("--file").arg(sources.path().join(fixture.dockerfile)).arg(context);
        let outcome = Outcome::of(command);
        assert_eq!(outcome.status, 0, "{}, {}: {}", fixture.name, image.task, outcome.stderr);
        outcome.stdout().trim().to_owned()
    }
}

/// Writes a folder of a tree to the disk.
fn write(tree: &MemoryTree, folder: TreeId, place: &Path) {
    fs::create_dir_all(place).unwrap();
    for entry in tree.folder(folder).unwrap().iter() {
        let place = place.join(OsStr::from_bytes(&entry.name));
        match entry.node {
            Node::Folder(id) => write(tree, id, &place),
            Node::Content(Mode::Symlink, id) => {
                std::os::unix::fs::symlink(OsStr::from_bytes(&tree.content(id).unwrap()), place).unwrap();
            }
            Node::Content(_, id) => fs::write(place, tree.content(id).unwrap()).unwrap(),
        }
    }
}

/// What knockon and the builder say about a fixture: how many changes made another image, and where they differ.
#[derive(Default)]
struct Comparison {
    changed: usize,
    missed: Vec<String>,
    needless: Vec<String>,
}

fn compare(fixture: &Fixture, tool: &[u8]) -> Comparison {
    let base = Known::parse(fixture.tree);
    let changes = changes_of(fixture);
    let affected: BTreeMap<&str, BTreeSet<String>> = changes
        .iter()
        .map(|(place, end)| (place.as_str(), affected(&base, &format!("{}{end}", fixture.tree))))
        .collect();
    let builder = Builder::new();
    let mut comparison = Comparison::default();
    for image in fixture.images {
        let ids: Vec<String> = base.workspace.task_indices().map(|at| base.workspace.task_id(at).to_string()).collect();
        assert!(ids.iter().any(|id| id == image.task), "{}: no {} in {ids:?}", fixture.name, image.task);
        let unchanged = builder.build(fixture, image, fixture.tree, tool);
        let differs = |ends: &[&str]| {
            builder.build(fixture, image, &format!("{}{}", fixture.tree, ends.concat()), tool) != unchanged
        };
        let (reached, others): (Vec<_>, Vec<_>) =
            changes.iter().partition(|(place, _)| affected[place.as_str()].contains(image.task));
        assert!(!reached.is_empty() && !others.is_empty(), "{}: {} shows nothing", fixture.name, image.task);
        let ends: Vec<&str> = others.iter().map(|(_, end)| end.as_str()).collect();
        if differs(&ends) {
            let alone = others.iter().filter(|(_, end)| differs(&[end.as_str()]));
            comparison.missed.extend(alone.map(|(place, _)| format!("{} reads {place}", image.task)));
            assert!(!comparison.missed.is_empty(), "{}: {} reads what together changes it", fixture.name, image.task);
        }
        for (place, end) in reached {
            if differs(&[end.as_str()]) {
                comparison.changed += 1;
            } else {
                comparison.needless.push(format!("{} does not read {place}", image.task));
            }
        }
    }
    comparison
}

#[test]
fn case_86_images_read_what_a_builder_reads() {
    if Command::new("buildah").arg("--version").output().is_err() {
        let told = "buildah is not here: what images read is NOT held against a builder";
        assert!(env::var_os("BUILDER_REQUIRED").is_none(), "{told}");
        eprintln!("{told}");
        return;
    }
    let folder = TempDir::new().unwrap();
    let tool = folder.path().join("tool");
    fs::write(folder.path().join("tool.c"), TOOL).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-o"]).arg(&tool).arg(folder.path().join("tool.c"));
    Outcome::of(compiler).done();
    let tool = fs::read(tool).unwrap();

    let pending = Mutex::new(FIXTURES.iter());
    let whole = Mutex::new(Comparison::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, |count| count.get().max(2)) {
            scope.spawn(|| {
                loop {
                    let Some(fixture) = pending.lock().unwrap().next() else { return };
                    let mut comparison = compare(fixture, &tool);
                    let mut whole = whole.lock().unwrap();
                    whole.changed += comparison.changed;
                    whole.missed.append(&mut comparison.missed);
                    whole.needless.append(&mut comparison.needless);
                }
            });
        }
    });
    let mut whole = whole.into_inner().unwrap();
    whole.needless.sort();
    assert!(whole.missed.is_empty(), "knockon misses:\n{}", whole.missed.join("\n"));
    assert_eq!(whole.needless, NEEDLESS, "besides, {} changes make another image", whole.changed);
}
