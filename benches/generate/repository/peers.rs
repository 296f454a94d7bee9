//! What Turborepo, Nx and moon need to see the packages.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Monorepo, Package};
use super::stream::Stream;

const TURBO: &str = r#"{
  "tasks": {
    "build": { "dependsOn": ["^build"], "outputs": ["dist/**"] },
    "test": { "dependsOn": ["build"], "outputs": [] }
  }
}
"#;
const NX: &str = r#"{
  "defaultBase": "base",
  "neverConnectToCloud": true,
  "targetDefaults": {
    "build": { "cache": true, "dependsOn": ["^build"], "outputs": ["{projectRoot}/dist"] },
    "test": { "cache": true, "dependsOn": ["build"] }
  }
}
"#;
const MOON: &str = "projects:\n  - 'apps/*/*'\n  - 'packages/*/*'\n\
                    vcs:\n  client: 'git'\n  defaultBranch: 'base'\ntelemetry: false\n";

/// Writes the settings at the root.
pub fn write_root(stream: &mut Stream) -> io::Result<()> {
    stream.file("turbo.json", TURBO)?;
    stream.file("nx.json", NX)?;
    stream.file(".moon/workspace.yml", MOON)
}

/// Writes a package's `moon.yml`. moon would read its dependencies from `package.json` with a plugin, which it fetches
/// from the network; stated here they are the same and cost no connection.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<()> {
    let mut text = String::from("dependsOn:\n");
    for on in monorepo.dependencies(package) {
        let _ = writeln!(text, "  - '{}'", on.id);
    }
    if package.dependencies.is_empty() {
        text = String::from("dependsOn: []\n");
    }
    text.push_str("tasks:\n  build:\n    command: 'npm run build'\n    deps:\n      - '^:build'\n");
    stream.file(&format!("{}/moon.yml", package.folder), &text)
}
