#!/usr/bin/env python3
"""Compares projects and edges of knockon's BINARY with what an ecosystem's own tool, or an independent reader, says.

    benches/agree.py CHECKOUT BINARY READER...

READER is one of the functions below. Those of cargo, npm, pnpm, yarn, uv, go and docker ask the tool itself; where it
has no question for this, or would have to run what it builds, a short reader of the ecosystem's rule stands in, which
shares nothing with knockon. Each returns the folders that are projects and the pairs of folders that are edges.

Of knockon, `graph --format json` of the checked-out commit is compared: projects of the ecosystem, and edges that one
of its manifests states, several lines between two folders being one edge. An edge of a folder that is no project of
knockon's counts for the project around it, which owns its files.

Needs Python 3.11 and git, and of each reader its tool in `PATH`: cargo (which asks its registry where there is no
lockfile), npm, pnpm 10.23 or newer, node (yarn's release is taken from the repository), uv, go, docker-compose.
"""

import glob
import json
import os
import pathlib
import posixpath
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree

# Of each reader: knockon's name of the ecosystem, and the files whose lines state its edges.
READERS = {
    "cargo": ("cargo", r"Cargo\.(toml|lock)|config\.toml|build.*\.rs"),
    **dict.fromkeys(("npm", "pnpm", "yarn"), ("node", r"(package|.*tsconfig.*|jsconfig)\.json|pnpm-workspace\.yaml")),
    "uv": ("python", r"pyproject\.toml|setup\.(py|cfg)|.*requirements.*\.txt"),
    "go": ("go", r"go\.(mod|work)|.*\.go"),
    "maven": ("maven", r"pom\.xml"),
    "gradle": ("gradle", r".*\.gradle(\.kts)?|gradle\.properties"),
    "dotnet": ("dotnet", r".*proj|.*\.(sln|slnx|props|targets)"),
    "docker": ("docker", r".*Dockerfile.*|Containerfile|.*compose.*\.ya?ml|skaffold\.yaml|\.env"),
    "helm": ("helm", r"(Chart|requirements)\.yaml"),
    "kustomize": ("kustomize", r"[Kk]ustomization(\.ya?ml)?"),
    "protobuf": ("protobuf", r".*\.proto|buf.*\.yaml"),
}
# Files that make their folder a project of some ecosystem.
MANIFEST = (
    r"go\.mod|package\.json|Cargo\.toml|pom\.xml|.*\.(cs|fs|vb)proj|pyproject\.toml|requirements\.txt|mix\.exs"
    r"|(build|settings)\.gradle(\.kts)?|composer\.json|Gemfile"
)


def run(folder, *words, **variables):
    """What a command prints in a folder; None if it fails."""
    done = subprocess.run(words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        print(f"  ({' '.join(words)} in {folder}: {done.stderr.strip().splitlines()[-1:]})", file=sys.stderr)
        return None
    return done.stdout


def tracked(checkout, pattern):
    """The files of the commit whose names fit, without what package managers install."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, check=True, capture_output=True, text=True).stdout
    inside = re.compile(r"(^|/)(node_modules|bower_components|\.yarn|site-packages)/")
    return [p for p in names.split("\0") if re.fullmatch(pattern, posixpath.basename(p)) and not inside.search(p)]


def folder_of(path):
    return posixpath.dirname(path) or "."


def join(folder, *parts):
    return posixpath.normpath(posixpath.join(folder, *parts))


def around(path, folders):
    """The innermost of the folders that the path is or lies in; None if it lies in none."""
    while path not in folders and path not in (".", "/"):
        path = folder_of(path)
    return path if path in folders else None


def relative(checkout, path):
    return posixpath.normpath(os.path.relpath(os.path.realpath(path), os.path.realpath(checkout)))


def text_of(checkout, path):
    return pathlib.Path(checkout, path).read_text("utf-8-sig", "replace")


def xml_of(checkout, path):
    """The root of a document, its elements without the document's namespace."""
    return ElementTree.fromstring(re.sub(r"\sxmlns=([\"'])[^\"']*\1", "", text_of(checkout, path), count=1))


def yaml_leaves(text):
    """Each scalar of a plain block document as (the keys that lead to it, value); items of lists are the key `-`."""
    open_keys = []
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).rstrip()
        while match := re.match(r"(\s*)(-(?=\s|$)|[^\s\"'#][^\"'{\[]*?:(?=\s|$)|[\"'][^\"']*[\"']:(?=\s|$))\s*", line):
            indent, key = len(match[1]), match[2].rstrip(":").strip("\"'")
            # A list may stand as deep as the key that it belongs to.
            open_keys = [k for k in open_keys if k[0] < indent or (k[0] == indent and key == "-" and k[1] != "-")]
            open_keys.append((indent, key))
            line = " " * match.end() + line[match.end() :]
        if line.strip():
            yield tuple(key for _, key in open_keys), line.strip().strip("\"'")


def cargo(checkout):
    """`cargo metadata` of the root, and of each manifest that no workspace so far has: paths, and what it resolves."""
    projects, edges = set(), set()
    for manifest in sorted(tracked(checkout, r"Cargo\.toml"), key=lambda p: p.count("/")):
        words = ("cargo", "metadata", "--format-version", "1", "--manifest-path", manifest)
        if folder_of(manifest) in projects or not (said := run(checkout, *words)):
            continue
        said = json.loads(said)
        local = [package for package in said["packages"] if not package["source"]]
        at = {package["id"]: relative(checkout, os.path.dirname(package["manifest_path"])) for package in local}
        projects |= set(at.values())
        for package in local:
            paths = [need["path"] for need in package["dependencies"] if need.get("path")]
            edges |= {(at[package["id"]], relative(checkout, path)) for path in paths}
        for node in said["resolve"]["nodes"]:
            edges |= {(at[node["id"]], at[to]) for to in node["dependencies"] if node["id"] in at and to in at}
    return projects, edges


def npm(checkout):
    """`npm query` of the root and the workspaces; the lockfile says what is linked."""
    packages = json.loads(run(checkout, "npm", "query", ":root, .workspace", "--package-lock-only"))
    at = {package["name"]: package["location"] or "." for package in packages}
    edges = set()
    for package in packages:
        # To the root, each workspace is an edge too.
        stated = {name for group in ("dependencies", "devDependencies") for name in package.get(group, {})}
        linked = {name for name in stated & set(at) if {f"node_modules/{name}", at[name]} & set(package["to"])}
        edges |= {(at[package["name"]], at[name]) for name in linked}
    return set(at.values()), edges


def pnpm(checkout):
    """`pnpm ls -r`; what it links is an edge."""
    words = ("pnpm", "ls", "-r", "--json", "--depth", "0", "--lockfile-only")
    projects, edges = set(), set()
    for package in json.loads(run(checkout, *words, pnpm_config_pm_on_fail="ignore")):
        at = relative(checkout, package["path"])
        projects.add(at)
        for group in ("dependencies", "devDependencies", "optionalDependencies"):
            for entry in package.get(group, {}).values():
                if entry["version"].startswith("link:"):
                    edges.add((at, join(at, entry["version"].removeprefix("link:"))))
    return projects, edges


def yarn(checkout):
    """`yarn workspaces list --verbose`, by the release in the repository."""
    release = glob.glob("*.cjs", root_dir=os.path.join(checkout, ".yarn/releases"))[0]
    said = run(checkout, "node", f".yarn/releases/{release}", "workspaces", "list", "--json", "--verbose")
    packages = [json.loads(line) for line in said.splitlines()]
    edges = {(p["location"], to) for p in packages for to in p["workspaceDependencies"]}
    return {p["location"] for p in packages}, edges


def uv(checkout):
    """`uv workspace list --paths` of each lockfile and workspace; the lockfile says which members need which, and where
    there is none, the names of their dependencies do."""
    projects, edges = set(), set()
    manifests = {folder_of(p): tomllib.loads(text_of(checkout, p)) for p in tracked(checkout, r"pyproject\.toml")}
    for root, manifest in manifests.items():
        lock = join(root, "uv.lock")
        locked = lock in tracked(checkout, r"uv\.lock")
        if not locked and "workspace" not in manifest.get("tool", {}).get("uv", {}):
            continue
        said = run(os.path.join(checkout, root), "uv", "workspace", "list", "--paths")
        members = {relative(checkout, path) for path in (said or "").split()}
        projects |= members
        if locked:
            packages = tomllib.loads(text_of(checkout, lock))["package"]
            kinds = ("editable", "virtual", "directory")
            at = {p["name"]: join(root, p["source"][kind]) for p in packages for kind in kinds if kind in p["source"]}
        else:
            packages = [manifests[m]["project"] | manifests[m] for m in members if "project" in manifests[m]]
            at = {manifests[m]["project"]["name"]: m for m in members if "project" in manifests[m]}
        for package in packages:
            groups = [package.get("dependencies", [])]
            for more in ("optional-dependencies", "dev-dependencies", "dependency-groups"):
                groups += package.get(more, {}).values()
            names = [d["name"] if locked else re.split(r"[^\w.-]", d)[0] for group in groups for d in group if d]
            edges |= {(at[package["name"]], at[name]) for name in names if package["name"] in at and name in at}
    return projects, edges


def go(checkout):
    """`go mod edit -json` and `go work edit -json`: replacements by folders, and requirements within a `go.work`."""

    def said(path, what):
        return json.loads(run(checkout, "go", what, "edit", "-json", path, GOTOOLCHAIN="local"))

    def replaced(base, said):
        entries = [(entry["Old"]["Path"], entry["New"]["Path"]) for entry in said.get("Replace") or []]
        return {old: join(base, new) for old, new in entries if new.startswith(".")}

    modules = {folder_of(path): said(path, "mod") for path in tracked(checkout, r"go\.mod")}
    led = {folder: replaced(folder, module) for folder, module in modules.items()}
    for path in tracked(checkout, r"go\.work"):
        base, work = folder_of(path), said(path, "work")
        used = [join(base, use["DiskPath"]) for use in work.get("Use") or []]
        shared = {old: new for folder in used for old, new in led[folder].items()}
        shared |= {modules[folder]["Module"]["Path"]: folder for folder in used} | replaced(base, work)
        led |= dict.fromkeys(used, shared)
    needs = {folder: [r["Path"] for r in module.get("Require") or []] for folder, module in modules.items()}
    return set(modules), {(at, led[at][name]) for at in modules for name in needs[at] if name in led[at]}


def maven(checkout):
    """Each POM, with all profiles; what it and its parents here state for themselves."""
    stated = ("dependencies/dependency", "build/plugins/plugin", "build/plugins/plugin/dependencies/dependency")
    stated += ("build/extensions/extension", "dependencyManagement/dependencies/dependency[scope='import']")
    poms = {folder_of(path): xml_of(checkout, path) for path in tracked(checkout, r"pom\.xml")}

    def group_of(folder):
        return poms[folder].findtext("groupId") or poms[folder].findtext("parent/groupId")

    def lineage(folder):
        """A module, its parent here, and so on."""
        yield folder
        up = join(folder, poms[folder].findtext("parent/relativePath", "..").removesuffix("pom.xml"))
        name = poms[folder].findtext("parent/artifactId")
        if name and up in poms and poms[up].findtext("artifactId") == name:
            yield from lineage(up)

    at = {(group_of(folder), poms[folder].findtext("artifactId")): folder for folder in poms}
    edges = set()
    for folder in poms:
        edges |= {(folder, parent) for parent in [*lineage(folder)][1:2]}
        scopes = [scope for up in lineage(folder) for scope in [poms[up], *poms[up].findall("profiles/profile")]]
        for need in (need for scope in scopes for where in stated for need in scope.findall(where)):
            group = need.findtext("groupId") or "org.apache.maven.plugins"
            group = group_of(folder) if group in ("${project.groupId}", "${pom.groupId}") else group
            if (group, need.findtext("artifactId")) in at:
                edges.add((folder, at[group, need.findtext("artifactId")]))
    return set(poms), edges


def gradle(checkout):
    """Includes of each settings file and `project(…)` in the projects' own scripts, over literal lists unrolled."""

    def unrolled(path):
        text = re.sub(r"(?m)^\s*//.*|/\*(.|\n)*?\*/", "", text_of(checkout, path))
        loop = r"(?s)\[([^\[\]]*)\]\.each\s*\{\s*(\w+)\s*->(.*?)\n\s*\}"
        for values, name, body in re.findall(loop, text):
            for value in re.findall(r"['\"]([^'\"]+)['\"]", values):
                text += "\n" + body.replace("${%s}" % name, value).replace(f"${name}", value)
        return re.sub(loop, "", text)

    projects, edges = set(), set()
    for settings in tracked(checkout, r"settings\.gradle(\.kts)?"):
        root, text = folder_of(settings), unrolled(settings)
        at = {":": root}
        for call in re.findall(r"\binclude\b\s*\(?((?:\s*['\"][^'\"$]+['\"]\s*,?)+)", text):
            for name in re.findall(r"['\"]:?([^'\"]+)['\"]", call):
                at[f":{name}"] = join(root, name.replace(":", "/"))
        moved = r"project\(['\"](:[^'\"$]+)['\"]\)\.projectDir\s*=.*?['\"]([^'\"$]+)['\"]"
        at |= {name: join(root, folder) for name, folder in re.findall(moved, text)}
        projects |= set(at.values())
        for folder in at.values():
            for script in glob.glob("*.gradle*", root_dir=os.path.join(checkout, folder)):
                if not script.startswith("settings"):
                    call = r"\bproject\(\s*(?:path\s*[:=]\s*)?['\"](:[^'\"$]+)['\"]"
                    named = re.findall(call, unrolled(join(folder, script)))
                    edges |= {(folder, at[name]) for name in named if name in at}
    return projects, edges


def dotnet(checkout):
    """`ProjectReference` and `Protobuf` items of project files, and what a solution without one beside it lists."""
    files = tracked(checkout, r".*\.(cs|fs|vb)proj")
    projects, edges = {folder_of(path) for path in files}, set()
    for path in files:
        for item in xml_of(checkout, path).iter():
            if item.tag in ("ProjectReference", "Protobuf") and item.get("Include"):
                to = around(join(folder_of(path), item.get("Include").replace("\\", "/")), projects)
                edges |= {(folder_of(path), to)} if to else set()
    for path in tracked(checkout, r".*\.slnx?"):
        if folder_of(path) not in {".", *map(folder_of, files)}:
            projects.add(folder_of(path))
            for name in re.findall(r"\"([^\"]+\.(?:cs|fs|vb)proj)\"", text_of(checkout, path)):
                edges.add((folder_of(path), folder_of(join(folder_of(path), name.replace("\\", "/")))))
    return projects, edges


def composed(checkout):
    """The services of `docker-compose config`, with all files of a folder laid over each other."""
    services, files = {}, tracked(checkout, r"(docker-)?compose.*\.ya?ml")
    files = [path for path in files if "\nservices:" in text_of(checkout, path)]
    for folder in map(folder_of, files):
        beside = [posixpath.basename(path) for path in files if folder_of(path) == folder]
        beside.sort(key=lambda name: (len(name), name))
        chosen = [word for name in beside for word in ("-f", name)]
        said = run(os.path.join(checkout, folder), "docker-compose", *chosen, "config")
        for keys, value in yaml_leaves(said or ""):
            if keys[0] == "services" and len(keys) > 2:
                service = services.setdefault((folder, keys[1]), {"needs": set()})
                if keys[2] == "depends_on":
                    service["needs"].add(value if keys[3] == "-" else keys[3])
                elif keys[2] in ("build", "image"):
                    service[keys[-1]] = value
    for service in services.values():
        if "context" in service:
            service["context"] = relative(checkout, service["context"])
            service["file"] = join(service["context"], service.get("dockerfile", "Dockerfile"))
    return services


def docker(checkout):
    """Each folder with a Dockerfile; `depends_on` of compose, images that `FROM` names, and the nearest folder below
    the root with a manifest around what `COPY` and `ADD` take. An image takes no files from a project around it."""
    services = composed(checkout)
    at = {name: folder_of(service["file"]) for name, service in services.items() if "file" in service}
    context = {services[name]["file"]: services[name]["context"] for name in at}
    images = {services[name].get("image", ""): folder for name, folder in at.items()}
    needs = [((folder, name), (folder, need)) for folder, name in at for need in services[folder, name]["needs"]]
    edges = {(at[a], at[b]) for a, b in needs if b in at}
    files = tracked(checkout, r"(.*\.)?(Dockerfile|Containerfile)(\.(?!dockerignore)\w+)?")
    owners = {folder_of(path) for path in tracked(checkout, MANIFEST + r"|.*\.proto|.*\.slnx?")} - {"."}
    owners |= {folder_of(path) for path in files if not around(folder_of(path), owners)}
    for path in files:
        own = folder_of(path)
        lines = re.sub(r"\\\r?\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", text_of(checkout, path)))
        for first, *words in filter(None, map(str.split, lines.splitlines())):
            if first == "FROM":
                edges |= {(own, images[word]) for word in words if word in images}
            if first not in ("COPY", "ADD") or any(word.startswith("--from=") for word in words):
                continue
            sources = [word.strip('[]",').lstrip("/") for word in words if not word.startswith("--")][:-1]
            for source in sources:
                # Where compose does not say the context, it is the Dockerfile's folder or the root.
                tried = [context[path]] if path in context else [own, "."]
                found = [glob.glob(join(base, source), root_dir=checkout) for base in tried]
                # A folder around the Dockerfile's own leads to nobody else.
                found = [p for p in map(join, next(filter(None, found), [])) if posixpath.commonpath([p, own]) != p]
                edges |= {(own, to) for to in (around(p, owners | {own}) for p in found) if to}
    return {folder_of(path) for path in files}, edges


def helm(checkout):
    """Each chart; `file://` dependencies."""
    projects, edges = {folder_of(path) for path in tracked(checkout, r"Chart\.yaml")}, set()
    for path in tracked(checkout, r"(Chart|requirements)\.yaml"):
        for keys, value in yaml_leaves(text_of(checkout, path)):
            if keys[-1:] == ("repository",) and value.startswith("file://"):
                edges.add((folder_of(path), join(folder_of(path), value.removeprefix("file://"))))
    return projects, edges


def kustomize(checkout):
    """Each folder with a kustomization; the folders that its lists name."""
    files = tracked(checkout, r"[Kk]ustomization(\.ya?ml)?")
    projects, edges = {folder_of(path) for path in files}, set()
    for path in files:
        for keys, value in yaml_leaves(text_of(checkout, path)):
            if keys[0] in ("resources", "bases", "components", "generators", "transformers") and "://" not in value:
                to = join(folder_of(path), value)
                to = to if os.path.isdir(os.path.join(checkout, to)) else around(to, projects)
                edges |= {(folder_of(path), to)} if to in projects else set()
    return projects, edges


def protobuf(checkout):
    """Modules of buf, and the topmost folders with schemas that lie below no other manifest; imports between files of
    different folders with a manifest, the nearest file that ends so."""
    files = tracked(checkout, r".*\.proto")
    owners = {folder_of(path) for path in tracked(checkout, MANIFEST + r"|Dockerfile")}
    # Of the manifests at the root, that of Go alone says that it owns what lies below.
    owners -= set() if os.path.isfile(os.path.join(checkout, "go.mod")) else {"."}
    modules = {folder_of(path) for path in tracked(checkout, r"buf\.yaml")}
    loose = {folder_of(path) for path in files if not around(path, owners | modules)}
    projects = modules | {folder for folder in loose if not around(folder_of(folder), loose - {"."})}
    edges = set()
    for path in files:
        for name in re.findall(r"(?m)^\s*import\s+(?:public\s+|weak\s+)?\"([^\"]+)\"", text_of(checkout, path)):
            near = {p: len(os.path.commonprefix([p, path])) for p in files if f"/{p}".endswith(f"/{name}")}
            for to in (p for p in near if near[p] == max(near.values())):
                edges.add((around(path, owners | projects), around(to, owners | projects)))
    return projects, {(a, b) for a, b in edges if a and b}


def knockon(checkout, binary, ecosystem, manifests):
    """What knockon says: the ecosystem's projects by kind, its edges with a line of evidence, projects without tasks,
    and for all folders of all projects whose they are."""
    graph = json.loads(run(checkout, binary, "graph", "--format", "json", "--head", "HEAD"))
    edges = {}
    for edge in graph["edges"]:
        said = edge["evidence"]
        if re.fullmatch(manifests, posixpath.basename(said["file"])):
            line = f"{edge['kind']}, {said['file']}:{said['line']}: {said['text']}"
            edges.setdefault((edge["from"], edge["to"]), line)
    at = {project["id"]: project["id"] for project in graph["projects"]}
    at |= {folder["folder"]: project["id"] for project in graph["projects"] for folder in project["joined"]}
    idle = {project["id"] for project in graph["projects"] if not project["tasks"]}
    projects = {p["id"]: p["kind"] for p in graph["projects"] if ecosystem in p["ecosystems"]}
    return projects, edges, idle, at


def main():
    if len(sys.argv) < 4:
        sys.exit(f"{__doc__}\nReaders: {', '.join(READERS)}")
    checkout, binary, readers = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    commit = run(checkout, "git", "rev-parse", "--short=8", "HEAD").strip()
    missing = 0
    for reader in readers:
        projects, edges, idle, at = knockon(checkout, binary, *READERS[reader])
        their_projects, their_edges = globals()[reader](checkout)
        their_projects = {at.get(folder, folder) for folder in their_projects}
        owner = {folder: around(folder, at) for edge in their_edges for folder in edge}
        owner = {folder: folder if of is None or of in idle else at[of] for folder, of in owner.items()}
        their_edges = {(owner[a], owner[b]) for a, b in their_edges}
        their_edges = {(a, b) for a, b in their_edges if a != b}
        print(f"{os.path.basename(checkout)} {commit} {reader}")
        for what, theirs, ours in (("projects", their_projects, projects), ("edges", their_edges, edges)):
            missed, extra = sorted(theirs - set(ours)), sorted(set(ours) - theirs)
            # What has nothing to build cannot be built too seldom.
            idly = [edge for edge in missed if what == "edges" and edge[0] in idle]
            missing += len(missed) - len(idly)
            of_these = f" ({len(idly)} of projects without tasks)" if idly else ""
            both = len(theirs & set(ours))
            print(f"  {what}: {both} in both, {len(missed)} only {reader}'s{of_these}, {len(extra)} only knockon's")
            for sign, items in (("-", missed), ("+", extra)):
                for item in items:
                    name = item if isinstance(item, str) else " -> ".join(item)
                    print(f"    {sign} {name}  {ours.get(item, '')}".rstrip())
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
