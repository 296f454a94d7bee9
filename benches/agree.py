#!/usr/bin/env python3
"""Compares knockon's projects and edges with what an ecosystem's own tool, or an independent reader, says.

    benches/agree.py CHECKOUT READER... [--knockon BINARY]

READER is one of the functions below. Those of cargo, npm, pnpm, yarn, uv, go and compose ask the tool itself, without
the network; where it cannot be asked without one, or has no question for this, a short reader of the ecosystem's rule
stands in, which shares nothing with knockon. Each returns the folders that are projects and the pairs of folders that
are edges, `.` being the root. What is compared of knockon is `graph --format json` of the checked-out commit: projects
of the ecosystem, and edges that one of its manifests states, several lines between two folders being one edge.

Needs Python 3.11 and git, and of each reader its tool in `PATH`: cargo, npm, pnpm 10.23 or newer, node (yarn's release
is taken from the repository), uv, go, docker-compose.
"""

import argparse
import fnmatch
import glob
import json
import os
import posixpath
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree

# Of each reader: knockon's name of the ecosystem, and the files whose lines state its edges.
NODE = ("node", r"(package|.*tsconfig.*|jsconfig)\.json|pnpm-workspace\.yaml")
DOCKER = ("docker", r".*Dockerfile.*|Containerfile|.*compose.*\.ya?ml|skaffold\.yaml|\.env")
READERS = {
    "cargo": ("cargo", r"Cargo\.(toml|lock)|config\.toml|build.*\.rs"),
    "npm": NODE,
    "pnpm": NODE,
    "yarn": NODE,
    "uv": ("python", r"pyproject\.toml|setup\.(py|cfg)|.*requirements.*\.txt"),
    "go": ("go", r"go\.(mod|work)|.*\.go"),
    "maven": ("maven", r"pom\.xml"),
    "gradle": ("gradle", r".*\.gradle(\.kts)?|gradle\.properties"),
    "dotnet": ("dotnet", r".*proj|.*\.(sln|slnx|props|targets)"),
    "compose": DOCKER,
    "dockerfile": DOCKER,
    "helm": ("helm", r"(Chart|requirements)\.yaml"),
    "kustomize": ("kustomize", r"[Kk]ustomization(\.ya?ml)?"),
    "protobuf": ("protobuf", r".*\.proto|buf.*\.yaml"),
}


# What the readers share.


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


def relative(checkout, path):
    return posixpath.normpath(os.path.relpath(os.path.realpath(path), os.path.realpath(checkout)))


def text_of(checkout, path):
    with open(os.path.join(checkout, path), encoding="utf-8-sig", errors="replace") as file:
        return file.read()


def xml_of(checkout, path):
    """The root of a document, with the names of its elements without namespaces."""
    root = ElementTree.fromstring(text_of(checkout, path))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return root


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


# The readers.


def cargo(checkout):
    """`cargo metadata --no-deps` of the root, and of each manifest that is in no workspace asked before."""
    projects, edges = set(), set()
    for manifest in sorted(tracked(checkout, r"Cargo\.toml"), key=lambda p: p.count("/")):
        folder = folder_of(manifest)
        words = ("cargo", "metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest)
        if folder in projects or not (said := run(checkout, *words, RUSTUP_TOOLCHAIN="stable")):
            continue
        for package in json.loads(said)["packages"]:
            at = relative(checkout, os.path.dirname(package["manifest_path"]))
            projects.add(at)
            edges |= {(at, relative(checkout, d["path"])) for d in package["dependencies"] if d.get("path")}
    return projects, edges


def npm(checkout):
    """`npm query` of the root and the workspaces; the lockfile says what is linked."""
    packages = json.loads(run(checkout, "npm", "query", ":root, .workspace", "--package-lock-only"))
    at = {p["name"]: p["location"] or "." for p in packages}
    links = {f"node_modules/{name}": folder for name, folder in at.items()}
    return set(at.values()), {
        (at[p["name"]], links.get(to, to)) for p in packages for to in p["to"] if links.get(to, to) in at.values()
    }


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
    """`uv workspace list --paths` of each `uv.lock`; the lockfile says which members need which."""
    projects, edges = set(), set()
    for lock in tracked(checkout, r"uv\.lock"):
        root = folder_of(lock)
        if (said := run(os.path.join(checkout, root), "uv", "workspace", "list", "--paths", "-q")) is None:
            continue
        members = {relative(checkout, path) for path in said.split()}
        projects |= members
        packages = tomllib.loads(text_of(checkout, lock))["package"]
        at = {}
        for package in packages:
            for kind in ("editable", "virtual", "directory"):
                if kind in package["source"]:
                    at[package["name"]] = join(root, package["source"][kind])
        for package in packages:
            groups = [package.get("dependencies", [])]
            for more in ("optional-dependencies", "dev-dependencies"):
                groups += package.get(more, {}).values()
            if package["name"] in at:
                own = at[package["name"]]
                edges |= {(own, at[d["name"]]) for group in groups for d in group if d["name"] in at}
    return projects, edges


def go(checkout):
    """`go mod edit -json` and `go work edit -json`: replacements by folders, and requirements within a `go.work`."""
    environment = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    modules = {}
    for manifest in tracked(checkout, r"go\.mod"):
        if said := run(checkout, "go", "mod", "edit", "-json", manifest, **environment):
            modules[folder_of(manifest)] = json.loads(said)
    edges = set()

    def replaced(base, replacements):
        for entry in replacements or []:
            if entry["New"]["Path"].startswith("."):
                yield entry["Old"]["Path"], join(base, entry["New"]["Path"])

    used = {}
    for manifest in tracked(checkout, r"go\.work"):
        work = json.loads(run(checkout, "go", "work", "edit", "-json", manifest, **environment))
        base = folder_of(manifest)
        folders = [join(base, use["DiskPath"]) for use in work.get("Use") or []]
        led = {modules[f]["Module"]["Path"]: f for f in folders}
        for folder in folders:
            led = {**dict(replaced(folder, modules[folder].get("Replace"))), **led}
        led |= dict(replaced(base, work.get("Replace")))
        used |= {folder: led for folder in folders}
    for folder, module in modules.items():
        led = {**dict(replaced(folder, module.get("Replace"))), **used.get(folder, {})}
        edges |= {(folder, led[r["Path"]]) for r in module.get("Require") or [] if r["Path"] in led}
    return set(modules), {edge for edge in edges if edge[1] in modules}


def maven(checkout):
    """The modules from the root's POM on, in all profiles; what they and their parents here depend on."""
    poms, waiting = {}, ["pom.xml"]
    while waiting:
        path = waiting.pop()
        if path not in poms and os.path.isfile(os.path.join(checkout, path)):
            poms[path] = xml_of(checkout, path)
            names = [e.text.strip() for e in poms[path].iter("module") if e.text]
            waiting += [join(folder_of(path), n if n.endswith(".xml") else f"{n}/pom.xml") for n in names]

    def parent_of(path):
        if (parent := poms[path].find("parent")) is None:
            return None
        up = join(folder_of(path), parent.findtext("relativePath", "../pom.xml"))
        up = up if up.endswith(".xml") else f"{up}/pom.xml"
        return up if up in poms and poms[up].findtext("artifactId") == parent.findtext("artifactId") else None

    def chain(path):
        while path:
            yield path
            path = parent_of(path)

    def group_of(path):
        return poms[path].findtext("groupId") or poms[path].findtext("parent/groupId")

    def needs(path):
        """The coordinates that a POM states for itself and whoever inherits from it."""
        root = poms[path]
        for scope in [root, *root.findall("profiles/profile")]:
            yield from scope.findall("dependencies/dependency")
            managed = scope.findall("dependencyManagement/dependencies/dependency")
            yield from (d for d in managed if d.findtext("scope") == "import")
            yield from scope.findall("build/plugins/plugin")
            yield from scope.findall("build/plugins/plugin/dependencies/dependency")
            yield from scope.findall("build/extensions/extension")

    at = {(group_of(path), poms[path].findtext("artifactId")): path for path in poms}
    edges = set()
    for path in poms:
        if parent_of(path):
            edges.add((path, parent_of(path)))
        for source in chain(path):
            for need in needs(source):
                group = need.findtext("groupId") or "org.apache.maven.plugins"
                group = group_of(path) if group in ("${project.groupId}", "${pom.groupId}") else group
                if to := at.get((group, need.findtext("artifactId"))):
                    edges.add((path, to))
    return {folder_of(path) for path in poms}, {(folder_of(a), folder_of(b)) for a, b in edges}


def gradle(checkout):
    """Includes of each settings file, unrolled over literal lists; `project(…)` in the projects' own scripts."""
    projects, edges = set(), set()
    for settings in tracked(checkout, r"settings\.gradle(\.kts)?"):
        root = folder_of(settings)
        text = re.sub(r"(?m)^\s*//.*|/\*(.|\n)*?\*/", "", text_of(checkout, settings))
        pattern = r"\[([^\]]*)\]\.each\s*\{\s*(\w+)\s*->(.*?)\n\}"
        for values, name, body in re.findall(pattern, text, re.S):
            for value in re.findall(r"['\"]([^'\"]+)['\"]", values):
                text += "\n" + body.replace("${%s}" % name, value).replace(f"${name}", value)
        text = re.sub(pattern, "", text, flags=re.S)
        at = {":": root}
        for call in re.findall(r"\binclude\b\s*\(?((?:\s*['\"][^'\"$]+['\"]\s*,?)+)", text):
            for name in re.findall(r"['\"]:?([^'\"]+)['\"]", call):
                at[f":{name}"] = join(root, name.replace(":", "/"))
        moved = r"project\(['\"](:[^'\"$]+)['\"]\)\.projectDir\s*=.*?['\"]([^'\"$]+)['\"]"
        at |= {name: join(root, folder) for name, folder in re.findall(moved, text)}
        projects |= set(at.values())
        for folder in at.values():
            for script in glob.glob("*.gradle*", root_dir=os.path.join(checkout, folder)):
                if script.startswith("settings"):
                    continue
                said = re.sub(r"(?m)^\s*//.*|/\*(.|\n)*?\*/", "", text_of(checkout, join(folder, script)))
                for name in re.findall(r"\bproject\(\s*(?:path\s*[:=]\s*)?['\"](:[^'\"$]+)['\"]", said):
                    if name in at:
                        edges.add((folder, at[name]))
    return projects, edges


def dotnet(checkout):
    """`ProjectReference` and `Protobuf` items of project files, and the projects that a solution below the root lists."""
    files = tracked(checkout, r".*\.(cs|fs|vb)proj")
    projects, edges = {folder_of(path) for path in files}, set()
    for path in files:
        for item in xml_of(checkout, path).iter():
            if item.tag in ("ProjectReference", "Protobuf") and item.get("Include"):
                to = folder_of(join(folder_of(path), item.get("Include").replace("\\", "/")))
                while to not in projects and to not in (".", "/"):
                    to = folder_of(to)
                if to in projects:
                    edges.add((folder_of(path), to))
    for path in tracked(checkout, r".*\.slnx?"):
        if folder_of(path) != ".":
            projects.add(folder_of(path))
            for name in re.findall(r"\"([^\"]+\.(?:cs|fs|vb)proj)\"", text_of(checkout, path)):
                edges.add((folder_of(path), folder_of(join(folder_of(path), name.replace("\\", "/")))))
    return projects, edges


def composed(checkout):
    """Of each service that `docker-compose config` builds: image, context, Dockerfile, and whom it depends on."""
    services = {}
    files = tracked(checkout, r"(docker-)?compose.*\.ya?ml")
    for path in sorted(files, key=len):
        # Files beside the main one are laid over it.
        base = [p for p in files if folder_of(p) == folder_of(path) and re.search(r"compose\.ya?ml$", p)]
        chosen = [word for p in dict.fromkeys([*base[:1], path]) for word in ("-f", posixpath.basename(p))]
        folder = os.path.join(checkout, folder_of(path))
        said = run(folder, "docker-compose", *chosen, "config")
        for keys, value in yaml_leaves(said or ""):
            if keys[0] == "services" and len(keys) > 2:
                service = services.setdefault((folder_of(path), keys[1]), {"needs": set()})
                if keys[2] == "build" and len(keys) == 4:
                    service[keys[3]] = value
                elif keys[2] == "image":
                    service["image"] = value
                elif keys[2] == "depends_on":
                    service["needs"].add(value if keys[3] == "-" else keys[3])
    for service in services.values():
        if "context" in service:
            service["context"] = relative(checkout, service["context"])
            service["file"] = join(service["context"], service.get("dockerfile", "Dockerfile"))
    return services


def compose(checkout):
    """The Dockerfiles that compose builds, and `depends_on` between them."""
    services = composed(checkout)
    at = {name: folder_of(service["file"]) for name, service in services.items() if "file" in service}
    edges = set()
    for (folder, name), service in services.items():
        for need in service["needs"]:
            if (folder, name) in at and (folder, need) in at:
                edges.add((at[folder, name], at[folder, need]))
    return set(at.values()), edges


def dockerfile(checkout):
    """Each folder with a Dockerfile; to the nearest folder with a manifest around what `COPY` and `ADD` name."""
    services = [service for service in composed(checkout).values() if "file" in service]
    context = {service["file"]: service["context"] for service in services}
    images = {service.get("image", ""): folder_of(service["file"]) for service in services}
    files = tracked(checkout, r"(.*\.)?(Dockerfile|Containerfile)(\.(?!dockerignore)\w+)?")
    manifest = r".*Dockerfile|go\.mod|package\.json|Cargo\.toml|pom\.xml|.*proj|pyproject\.toml|requirements\.txt"
    owners = {folder_of(p) for p in tracked(checkout, manifest + r"|(build|settings)\.gradle(\.kts)?|.*\.proto|.*\.sln")}
    edges = set()
    for path in files:
        base, own = context.get(path, folder_of(path)), folder_of(path)
        lines = re.sub(r"\\\r?\n", " ", re.sub(r"(?m)^\s*#.*\n?", "", text_of(checkout, path)))
        for line in lines.splitlines():
            words = line.split()
            if words[:1] == ["FROM"]:
                edges |= {(own, images[word]) for word in words[1:] if word in images}
            if not words or words[0].upper() not in ("COPY", "ADD") or "--from=" in line:
                continue
            sources = [word.strip("[]\",") for word in words[1:] if not word.startswith("--")][:-1]
            for source in sources:
                if "://" in source or "$" in source:
                    continue
                found = join(base, source.lstrip("/"))
                for each in glob.glob(found, root_dir=checkout) or [found]:
                    to = join(each)
                    while to not in owners and to != ".":
                        to = folder_of(to)
                    if to in owners:
                        edges.add((own, to))
    return {folder_of(path) for path in files}, edges


def helm(checkout):
    """Each chart outside another's `charts`; `file://` dependencies."""
    projects = {folder_of(path) for path in tracked(checkout, r"Chart\.yaml")}
    projects = {p for p in projects if not any(p.startswith(f"{q}/charts/") for q in projects)}
    edges = set()
    for folder in projects:
        for name in ("Chart.yaml", "requirements.yaml"):
            if os.path.isfile(os.path.join(checkout, folder, name)):
                for keys, value in yaml_leaves(text_of(checkout, join(folder, name))):
                    if keys[-1:] == ("repository",) and value.startswith("file://"):
                        edges.add((folder, join(folder, value.removeprefix("file://"))))
    return projects, edges


def kustomize(checkout):
    """Each folder with a kustomization; the folders that its lists name."""
    files = tracked(checkout, r"[Kk]ustomization(\.ya?ml)?")
    projects, edges = {folder_of(path) for path in files}, set()
    for path in files:
        for keys, value in yaml_leaves(text_of(checkout, path)):
            if keys[0] in ("resources", "bases", "components", "generators", "transformers") and "://" not in value:
                to = join(folder_of(path), value)
                edges |= {(folder_of(path), p) for p in (to, folder_of(to)) if p in projects}
    return projects, edges


def protobuf(checkout):
    """The topmost folders with schemas that lie below no other manifest; imports of their files by others."""
    files = tracked(checkout, r".*\.proto")
    manifest = r"go\.mod|package\.json|Cargo\.toml|pom\.xml|.*\.csproj|pyproject\.toml|build\.gradle|.*Dockerfile"
    owners = {folder_of(path) for path in tracked(checkout, manifest)} - {"."}

    def owner(path, among):
        folder = folder_of(path)
        while folder not in among and folder != ".":
            folder = folder_of(folder)
        return folder if folder in among else None

    loose = {folder_of(path) for path in files if not owner(path, owners)}
    projects = {f for f in loose if not owner(f, loose)}
    edges = set()
    for path in files:
        for name in re.findall(r"(?m)^\s*import\s+(?:public\s+|weak\s+)?\"([^\"]+)\"", text_of(checkout, path)):
            near = [p for p in files if p == name or p.endswith(f"/{name}")]
            shared = [len(posixpath.commonpath([folder_of(p), folder_of(path)])) for p in near]
            for to in [p for p, length in zip(near, shared) if length == max(shared)]:
                edges.add((owner(path, owners | projects), owner(to, owners | projects)))
    return projects, {(a, b) for a, b in edges if a and b}


# The comparison.


def knockon(checkout, binary, ecosystem, manifests):
    """What knockon says of one ecosystem: projects, edges with a line of evidence each, folders joined to projects."""
    graph = json.loads(run(checkout, binary, "graph", "--format", "json", "--head", "HEAD"))
    projects = {p["id"]: p["kind"] for p in graph["projects"] if ecosystem in p["ecosystems"]}
    edges = {}
    for edge in graph["edges"]:
        said = edge["evidence"]
        if re.fullmatch(manifests, posixpath.basename(said["file"])):
            line = f"{edge['kind']}, {said['file']}:{said['line']}: {said['text']}"
            edges.setdefault((edge["from"], edge["to"]), line)
    joined = {folder["folder"]: p["id"] for p in graph["projects"] for folder in p["joined"]}
    return projects, edges, joined


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout")
    parser.add_argument("readers", nargs="+", choices=READERS, metavar="READER")
    parser.add_argument("--knockon", default="knockon", metavar="BINARY")
    arguments = parser.parse_intermixed_args()
    commit = run(arguments.checkout, "git", "rev-parse", "--short=8", "HEAD").strip()
    missing = 0
    for reader in arguments.readers:
        projects, edges, joined = knockon(arguments.checkout, arguments.knockon, *READERS[reader])
        their_projects, their_edges = globals()[reader](arguments.checkout)
        their_projects = {joined.get(p, p) for p in their_projects}
        their_edges = {(joined.get(a, a), joined.get(b, b)) for a, b in their_edges}
        their_edges = {(a, b) for a, b in their_edges if a != b}
        print(f"{os.path.basename(os.path.abspath(arguments.checkout))} {commit} {reader}")
        for what, theirs, ours in (("projects", their_projects, projects), ("edges", their_edges, edges)):
            missed, extra = sorted(theirs - set(ours)), sorted(set(ours) - theirs)
            missing += len(missed)
            print(f"  {what}: {len(theirs & set(ours))} in both, {len(missed)} only {reader}'s, {len(extra)} only knockon's")
            for item in missed:
                print(f"    - {item if isinstance(item, str) else ' -> '.join(item)}")
            for item in extra:
                print(f"    + {item if isinstance(item, str) else ' -> '.join(item)}  ({ours[item]})")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
