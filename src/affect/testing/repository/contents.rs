//! Files that are no project's manifest, and what may stand in them.

/// Files of a project that are no manifest, and those that some manifests speak of.
pub(super) const FILES: &[&str] = &[
    "src/main.ts",
    "src/lib.rs",
    "main.go",
    "cmd/one/main.go",
    "cmd/two/main.go",
    "pkg/p.go",
    "x_test.go",
    "tests/t.rs",
    "tests/test_x.py",
    "README.md",
    ".dockerignore",
    "api.proto",
    "tsconfig.json",
    "conf/app.conf",
    "templates/x.yaml",
    "src/test/java/T.java",
    ".gitattributes",
    "src/.gitattributes",
];

/// Files outside every project that some tool inherits.
pub(super) const INHERITED: &[&str] = &[
    "package-lock.json",
    "yarn.lock",
    ".npmrc",
    "svc/.npmrc",
    "Cargo.lock",
    "Directory.Build.props",
    "lib/Directory.Build.props",
    "README.md",
    "scripts/build.sh",
    ".dockerignore",
    "go.sum",
    "go.work",
    "global.json",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    "pnpm-workspace.yaml",
    "buf.work.yaml",
    "uv.lock",
    "pyproject.toml",
    "conftest.py",
    "compose.yaml",
    ".env",
    ".editorconfig",
    ".gitattributes",
    "svc/.gitattributes",
    "shared/.gitattributes",
];

/// Files of a project that count by being there.
pub(super) const APPEARING: &[&str] = &[
    "package-lock.json",
    "yarn.lock",
    "src/main.rs",
    "build.rs",
    "pkg/__init__.py",
    "setup.py",
    "requirements.txt",
    "conftest.py",
    "go.sum",
    "Cargo.lock",
    "Chart.lock",
    "values.yaml",
    "Directory.Build.targets",
    ".npmrc",
    "Dockerfile.dockerignore",
    "buf.yaml",
    "tsconfig.json",
    "knockon.toml",
];

/// What images copy from outside of projects.
pub(super) const COPIED: &[&str] = &["shared/x.conf", "shared/tools/gen.sh", "shared/y.json", "scripts/build.sh"];

/// TypeScript configurations that extend each other.
pub(super) const COMPILER: &[&str] =
    &["tsconfig.base.json", "config/tsconfig.json", "config/tsconfig.strict.json", "svc/tsconfig.json"];

pub(super) const LOCKFILES: &[&str] =
    &["Cargo.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "uv.lock", "go.work.sum"];

/// Names that are not easily written, shown, split or matched.
pub(super) const ODD_NAMES: &[&[u8]] = &[
    b"sp ace.go",
    b"new\nline.ts",
    b"\"quoted\".rs",
    b"back\\slash.md",
    b"st*r.go",
    b"[set].ts",
    b"{a,b}.json",
    b"-rf",
    b"!not.md",
    b"\xff\xfe.go",
    b"caf\xc3\xa9.ts",
    b"cafe\xcc\x81.ts",
    b" lead",
    b"# x",
    b"tab\t.rs",
];

pub(super) const TARGETS: &[&str] = &[
    "../lynx",
    "../ibex/src",
    "src",
    "..",
    "../..",
    "../lib/oryx/src/main.ts",
    "../../lib/yak",
    "link",
    "./src",
    "../link",
    "nothing",
    "/outside",
    "/elsewhere",
    "../../../../far",
    "../ibex/link/main.ts",
    "../../svc/quail",
    "../shared",
];
pub(super) const LINKS: &[&str] = &["link", "src", "src/deep", "conf"];

/// What a file of this name may hold, by number.
pub(super) fn content_of(file: &str, content: u16) -> String {
    let of = |contents: &[&str]| contents[usize::from(content) % contents.len()].to_owned();
    match file.rsplit('/').next().unwrap_or_default() {
        ".dockerignore" | "Dockerfile.dockerignore" => of(&["src\n", "**/*.md\n", "*\n!src\n", "shared/*.conf\n"]),
        "tsconfig.base.json" => of(&["{}", "{\"extends\": \"./config/tsconfig.json\"}", "{ }"]),
        "tsconfig.strict.json" => of(&["{}", "{\"extends\": \"../tsconfig.base.json\"}", "{ }"]),
        "tsconfig.json" if file.starts_with("config/") => of(&["{}", "{\"extends\": \"./tsconfig.strict.json\"}"]),
        "tsconfig.json" => of(&[
            "{}",
            "{\"extends\": \"../tsconfig.base.json\"}",
            "{\"references\": [{\"path\": \"../lynx\"}]}",
            "{\"extends\": \"../../tsconfig.base.json\"}",
            "{\"extends\": \"../tsconfig.json\"}",
            "{\"compilerOptions\": {\"paths\": {\"x\": [\"../ibex/src\"]}}}",
            "{\"extends\": [\"../../config/tsconfig.json\", \"../tsconfig.base.json\"]}",
        ]),
        "api.proto" => of(&[
            "syntax = \"proto3\";\n",
            "import \"lib/oryx/api.proto\";\n",
            "import \"lynx/api.proto\";\n",
            "package x;\n",
        ]),
        "go.work" => of(&["go 1.24\nuse ./ibex\n", "go 1.24\nuse (\n./ibex\n./lynx\n./lib/oryx\n)\n", "go 1.24\n"]),
        "pnpm-workspace.yaml" => of(&["packages: [lib/*, ibex]\n", "packages: ['**']\n", "packages: [svc/*]\n"]),
        "buf.work.yaml" => of(&["version: v1\ndirectories: [ibex, lib/oryx]\n", "version: v1\ndirectories: [lynx]\n"]),
        "buf.yaml" => of(&["version: v1\n", "version: v1\nname: buf.build/x/y\n"]),
        "compose.yaml" => of(&[
            "services:\n  one:\n    build: ./svc/quail\n    env_file: .env\n",
            "services:\n  one:\n    build: {context: ., dockerfile: svc/zebu/Dockerfile, args: {A: \"${A}\"}}\n  two:\n    build: ./ibex\n    depends_on: [one]\n",
            "services:\n  two:\n    build: {context: ./ibex, dockerfile: Dockerfile}\n",
            "services:\n  one:\n    build: ./svc/quail\n    image: ${A}\n    depends_on: [off]\n    volumes: [\"./conf:/conf\"]\n  off: {image: \"${B:-b}\", env_file: README.md}\n",
        ]),
        ".env" => of(&["A=1\n", "A=2\n", "B=1\n", "# why\nB=1\n", "B=1\nA=$B\n", "B=2\nA=$B\nC=1\n"]),
        "Cargo.lock" => cargo_lock(content),
        "package-lock.json" => package_lock(content),
        "yarn.lock" => yarn_lock(content),
        "pnpm-lock.yaml" => pnpm_lock(content),
        "bun.lock" => bun_lock(content),
        "uv.lock" => uv_lock(content),
        "pyproject.toml" => of(&[
            "[tool.uv.workspace]\nmembers = [\"ibex\", \"lynx\", \"lib/*\"]\n[tool.uv.sources]\nlynx = { workspace = true }\n",
            "[tool.uv.workspace]\nmembers = [\"*\"]\n[tool.uv]\nprerelease = \"allow\"\n[tool.ruff]\nx = 1\n",
            "# said\n[tool.uv.workspace]\nmembers = [\"*\"]\n[tool.pytest.ini_options]\nx = 1\n",
            "[tool.pytest.ini_options]\nx = 2\n",
        ]),
        ".npmrc" => of(&["x=1\n", "link-workspace-packages=true\n", ""]),
        "requirements.txt" => of(&["-e ../lynx\n", "-r ../ibex/requirements.txt\n", "x==1\n"]),
        "setup.py" => of(&["from setuptools import setup\nsetup(name='x')\n", "import os\n"]),
        "build.rs" => of(&["fn main() {}\n", "fn main() { let _ = \"../lynx/api.proto\"; }\n"]),
        "values.yaml" => of(&["image: quail\n", "image: zebu\n", "a: 1\n"]),
        ".cargo/config.toml" | "config.toml" => of(&["[build]\n", "paths = [\"lynx\"]\n"]),
        "knockon.toml" => of(&["", "inputs = [\"../shared/**\"]\n", "depends-on = [\"lynx\"]\n"]),
        "__init__.py" => of(&["", "x = 1\n"]),
        name if name.ends_with(".go") => of(&[
            "package main\n",
            "package main\nimport \"example.com/ibex/pkg\"\n",
            "package pkg\n",
            "package main\n// said\n",
            "package pkg\nimport \"example.com/lib/oryx/pkg\"\n",
            "# no go\n",
        ]),
        name if name.starts_with("Directory.Build") => of(&[
            "<Project></Project>",
            "<Project><!-- 1 --></Project>",
            "<Project><ItemGroup><ProjectReference Include=\"$(MSBuildThisFileDirectory)lynx/x.csproj\" /></ItemGroup></Project>",
        ]),
        name if name.ends_with(".json") => format!("{{\"n\": {content}}}"),
        _ => format!("# {content}\n"),
    }
}

/// Two members, and crates of which one needs the other; the number says which versions there are.
fn cargo_lock(content: u16) -> String {
    let package = |name: &str, version: u16, more: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}.0.0\"\n{more}\n")
    };
    let source = "source = \"registry+x\"\n";
    let (outer, inner) = (content % 3, content / 3 % 2);
    let inner_needs = if content.is_multiple_of(5) { "dependencies = [\"lynx\"]" } else { "" };
    let version = if content.is_multiple_of(7) { 5 } else { 4 };
    [
        format!("version = {version}\n"),
        package("ibex", 0, "dependencies = [\"lynx\", \"outer\"]"),
        package("lynx", 0, if content.is_multiple_of(2) { "" } else { "dependencies = [\"inner\"]" }),
        package("lib-oryx", 0, "dependencies = [\"inner\"]"),
        package("outer", outer, &format!("{source}dependencies = [\"inner\"]")),
        package("inner", inner, &format!("{source}{inner_needs}")),
    ]
    .concat()
}

/// What the lockfiles of Node say by a number: versions of two packages, what one of them needs, whether it also needs a
/// package of the workspace, and whether the format is known.
fn chosen_versions(content: u16) -> (u16, u16, bool, bool) {
    (content % 3, content / 3 % 2, content.is_multiple_of(5), !content.is_multiple_of(7))
}

fn package_lock(content: u16) -> String {
    let (outer, inner, needs_lynx, is_known) = chosen_versions(content);
    if content.is_multiple_of(11) {
        return format!(
            "{{\"lockfileVersion\": 1, \"dependencies\": {{\n\"lynx\": {{\"version\": \"{outer}.0.0\", \"requires\": {{\"inner\": \"1\"}}}},\n\"inner\": {{\"version\": \"{inner}.0.0\"}}}}}}\n"
        );
    }
    let version = if is_known { 3 } else { 4 };
    let also = if needs_lynx { ", \"lynx\": \"*\"" } else { "" };
    let root = if content.is_multiple_of(2) { "\"inner\": \"1\"" } else { "" };
    format!(
        "{{\"lockfileVersion\": {version}, \"packages\": {{\n\"\": {{\"devDependencies\": {{{root}}}}},\n\
         \"ibex\": {{\"dependencies\": {{\"outer\": \"1\", \"lynx\": \"*\"}}}},\n\"lynx\": {{\"dependencies\": {{\"inner\": \"1\"}}}},\n\
         \"lib/oryx\": {{\"dependencies\": {{\"lib-yak\": \"*\"}}}},\n\"lib/yak\": {{\"dependencies\": {{\"outer\": \"1\"}}}},\n\
         \"node_modules/lynx\": {{\"resolved\": \"lynx\", \"link\": true}},\n\"node_modules/lib-yak\": {{\"resolved\": \"lib/yak\", \"link\": true}},\n\
         \"node_modules/outer\": {{\"version\": \"{outer}.0.0\", \"dependencies\": {{\"inner\": \"1\"{also}}}}},\n\
         \"node_modules/inner\": {{\"version\": \"{inner}.0.0\"}},\n\"lynx/node_modules/inner\": {{\"version\": \"9.{outer}.0\"}}\n}}}}\n"
    )
}

fn yarn_lock(content: u16) -> String {
    let (outer, inner, needs_lynx, is_known) = chosen_versions(content);
    if content.is_multiple_of(2) {
        let version = if is_known { 1 } else { 2 };
        return format!(
            "# yarn lockfile v{version}\n\n\nlynx@*:\n  version \"{outer}.0.0\"\n  dependencies:\n    inner \"^1\"\n\ninner@^1:\n  version \"{inner}.0.0\"\n"
        );
    }
    let version = if is_known { 8 } else { 99 };
    let also = if needs_lynx { "    lynx: \"workspace:*\"\n" } else { "" };
    format!(
        "__metadata:\n  version: {version}\n\n\"ibex@workspace:ibex\":\n  version: 0.0.0-use.local\n  resolution: \"ibex@workspace:ibex\"\n  dependencies:\n    outer: \"npm:^1\"\n    lynx: \"workspace:*\"\n\n\
         \"lynx@workspace:*, lynx@workspace:lynx\":\n  version: 0.0.0-use.local\n  resolution: \"lynx@workspace:lynx\"\n  dependencies:\n    inner: \"npm:^1\"\n\n\
         \"outer@npm:^1\":\n  version: {outer}.0.0\n  resolution: \"outer@npm:{outer}.0.0\"\n  dependencies:\n    inner: \"npm:^1\"\n{also}\n\
         \"inner@npm:^1\":\n  version: {inner}.0.0\n  resolution: \"inner@npm:{inner}.0.0\"\n\n\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n"
    )
}

fn pnpm_lock(content: u16) -> String {
    let (outer, inner, needs_lynx, is_known) = chosen_versions(content);
    let version = if is_known { "'9.0'" } else { "'10.0'" };
    let also = if needs_lynx { "      lynx: link:lynx\n" } else { "" };
    format!(
        "lockfileVersion: {version}\n\nsettings:\n  autoInstallPeers: {}\n\nimporters:\n\n  .: {{}}\n\n  ibex:\n    dependencies:\n      outer:\n        specifier: '1'\n        version: {outer}.0.0(inner@{inner}.0.0)\n      lynx:\n        specifier: '*'\n        version: link:../lynx\n\n\
         \x20 lynx:\n    dependencies:\n      inner:\n        specifier: '1'\n        version: {inner}.0.0\n\n  lib/oryx:\n    dependencies:\n      lib-yak:\n        specifier: '*'\n        version: link:../yak\n\n  lib/yak: {{}}\n\n\
         packages:\n\n  outer@{outer}.0.0:\n    resolution: {{integrity: sha512-{outer}}}\n\n  inner@{inner}.0.0:\n    resolution: {{integrity: sha512-{inner}}}\n\n\
         snapshots:\n\n  outer@{outer}.0.0(inner@{inner}.0.0):\n    dependencies:\n      inner: {inner}.0.0\n{also}\n  inner@{inner}.0.0: {{}}\n",
        content.is_multiple_of(13)
    )
}

fn bun_lock(content: u16) -> String {
    let (outer, inner, needs_lynx, is_known) = chosen_versions(content);
    let version = if is_known { 1 } else { 99 };
    let also = if needs_lynx { ", \"lynx\": \"*\"" } else { "" };
    format!(
        "{{\n\"lockfileVersion\": {version},\n\"workspaces\": {{\n\"\": {{\"name\": \"root\"}},\n\"ibex\": {{\"name\": \"ibex\", \"dependencies\": {{\"outer\": \"1\", \"lynx\": \"*\"}}}},\n\
         \"lynx\": {{\"name\": \"lynx\", \"dependencies\": {{\"inner\": \"1\"}}}},\n}},\n\"packages\": {{\n\"lynx\": [\"lynx@workspace:lynx\"],\n\
         \"outer\": [\"outer@{outer}.0.0\", \"\", {{\"dependencies\": {{\"inner\": \"1\"{also}}}}}],\n\"inner\": [\"inner@{inner}.0.0\", \"\", {{}}],\n\"lynx/inner\": [\"inner@9.{outer}.0\", \"\", {{}}],\n}}\n}}\n"
    )
}

/// The same for uv: members by their folders, and packages with an extra and a group.
fn uv_lock(content: u16) -> String {
    let package = |name: &str, version: u16, more: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{more}\n")
    };
    let source = "source = { registry = \"x\" }\n";
    let (outer, inner) = (content % 3, content / 3 % 2);
    let extra = if content.is_multiple_of(2) { "" } else { ", extra = [\"more\"]" };
    let version = if content.is_multiple_of(7) { 2 } else { 1 };
    [
        format!("version = {version}\n"),
        package(
            "ibex",
            0,
            &format!("source = {{ editable = \"ibex\" }}\ndependencies = [{{ name = \"outer\"{extra} }}]"),
        ),
        package("lynx", 0, "source = { virtual = \"lynx\" }\n[package.dev-dependencies]\ndev = [{ name = \"inner\" }]"),
        package("root", 0, "source = { virtual = \".\" }\ndependencies = [{ name = \"ibex\" }]"),
        package("outer", outer, &format!("{source}[package.optional-dependencies]\nmore = [{{ name = \"inner\" }}]")),
        package("inner", inner, source),
    ]
    .concat()
}
