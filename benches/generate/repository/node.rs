//! The npm workspace that all packages are members of.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Language, Monorepo, Package};
use super::random::Random;
use super::stream::Stream;

/// How many packages of the registry the lockfile holds.
pub const EXTERNAL_PACKAGES: u64 = 1_200;

const ROOT: &str = r#"{
  "name": "acme",
  "private": true,
  "packageManager": "npm@10.8.2",
  "workspaces": ["apps/*/*", "packages/*/*"],
  "scripts": {
    "build": "turbo run build",
    "test": "turbo run test"
  },
  "devDependencies": {
    "typescript": "^5.4.0"
  }
}
"#;
const ROOT_COMPILER: &str = r#"{
  "compilerOptions": {
    "target": "ES2022",
    "module": "NodeNext",
    "strict": true,
    "declaration": true
  }
}
"#;
const COMPILER: &str = r#"{
  "extends": "../../../tsconfig.base.json",
  "compilerOptions": {
    "rootDir": "src",
    "outDir": "dist"
  },
  "include": ["src"]
}
"#;

/// Writes what all packages share.
pub fn write_root(monorepo: &Monorepo, stream: &mut Stream) -> io::Result<()> {
    stream.file("package.json", ROOT)?;
    stream.file("tsconfig.base.json", ROOT_COMPILER)?;
    stream.file("package-lock.json", &lockfile(monorepo))
}

/// Writes a package's manifest and, where it is written in TypeScript, what that needs.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<()> {
    let folder = &package.folder;
    stream.file(&format!("{folder}/package.json"), &manifest(monorepo, package, None))?;
    if package.language != Language::TypeScript {
        return Ok(());
    }
    stream.file(&format!("{folder}/tsconfig.json"), COMPILER)?;
    let mut index = String::new();
    for on in monorepo.dependencies(package) {
        let _ = writeln!(index, "export * from \"{}\";", on.name());
    }
    stream.file(&format!("{folder}/src/index.ts"), &index)
}

/// A package's manifest, with one more dependency where one is given.
pub fn manifest(monorepo: &Monorepo, package: &Package, added: Option<&Package>) -> String {
    let (build, test) = match package.language {
        Language::TypeScript => ("tsc -p tsconfig.json", "node --test dist"),
        Language::Go => ("go build ./...", "go test ./..."),
        Language::Rust => ("cargo build", "cargo test"),
        Language::Python => ("uv build", "pytest"),
    };
    format!(
        r#"{{
  "name": "{}",
  "version": "1.0.0",
  "private": true,
  "main": "dist/index.js",
  "types": "dist/index.d.ts",
  "scripts": {{
    "build": "{build}",
    "test": "{test}",
    "lint": "eslint src"
  }},
  "dependencies": {{
{}  }},
  "devDependencies": {{
    "typescript": "^5.4.0"
  }}
}}
"#,
        package.name(),
        dependencies(monorepo, package, added, "    ")
    )
}

/// The lines of a package's dependencies in a manifest or lockfile, each ended.
fn dependencies(monorepo: &Monorepo, package: &Package, added: Option<&Package>, indent: &str) -> String {
    let own = monorepo.dependencies(package).chain(added).map(|on| (on.name(), "^1.0.0"));
    let mut all: Vec<_> = own.chain(package.externals.iter().map(|id| (external(*id), "^2.0.0"))).collect();
    all.sort();
    let lines: Vec<String> = all.iter().map(|(name, range)| format!("{indent}\"{name}\": \"{range}\"")).collect();
    if lines.is_empty() { String::new() } else { format!("{}\n", lines.join(",\n")) }
}

fn lockfile(monorepo: &Monorepo) -> String {
    let mut random = Random(0x006c_6f63_6b00);
    let root = r#"{
      "name": "acme",
      "workspaces": ["apps/*/*", "packages/*/*"],
      "devDependencies": {
        "typescript": "^5.4.0"
      }
    }"#;
    let mut entries = vec![(String::new(), root.to_owned())];
    for package in monorepo.packages() {
        let name = package.name();
        let dependencies = dependencies(monorepo, package, None, "        ");
        let member = format!(
            r#"{{
      "name": "{name}",
      "version": "1.0.0",
      "dependencies": {{
{dependencies}      }},
      "devDependencies": {{
        "typescript": "^5.4.0"
      }}
    }}"#
        );
        entries.push((package.folder.clone(), member));
        let link = format!("{{\n      \"resolved\": \"{}\",\n      \"link\": true\n    }}", package.folder);
        entries.push((format!("node_modules/{name}"), link));
    }
    let registry = (0..EXTERNAL_PACKAGES).map(|id| (external(id), "2.3.4", id));
    for (name, version, id) in registry.chain([("typescript".to_owned(), "5.4.5", EXTERNAL_PACKAGES)]) {
        // What one package of the registry needs: others that come before it.
        let needs = if id > 3 { random.below(4) } else { 0 };
        let mut needs: Vec<String> =
            (0..needs).map(|_| format!("        \"{}\": \"^2.0.0\"", external(random.below(id)))).collect();
        needs.sort();
        needs.dedup();
        let entry = format!(
            r#"{{
      "version": "{version}",
      "resolved": "https://registry.example/{name}/-/{name}-{version}.tgz",
      "integrity": "sha512-{}==",
      "dependencies": {{
{}
      }}
    }}"#,
            random.letters(86),
            needs.join(",\n")
        );
        entries.push((format!("node_modules/{name}"), entry));
    }
    entries.sort();
    let lines: Vec<String> = entries.iter().map(|(place, entry)| format!("    \"{place}\": {entry}")).collect();
    format!(
        "{{\n  \"name\": \"acme\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {{\n{}\n  }}\n}}\n",
        lines.join(",\n")
    )
}

fn external(id: u64) -> String {
    format!("library-{id:04}")
}
