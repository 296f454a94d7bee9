//! Images of applications, built from the root of the repository.

use std::fmt::Write as _;
use std::io;

use super::monorepo::{Monorepo, Package};
use super::stream::Stream;

/// Writes a Dockerfile of two stages that copies the application's folder and those that it depends on.
pub fn write(monorepo: &Monorepo, package: &Package, stream: &mut Stream) -> io::Result<()> {
    let (folder, name) = (&package.folder, package.name());
    let mut text = String::from(
        "FROM node:20-alpine AS build\nWORKDIR /repository\n\
         COPY package.json package-lock.json tsconfig.base.json ./\n",
    );
    for copied in monorepo.dependencies(package).chain([package]) {
        let _ = writeln!(text, "COPY {0} {0}", copied.folder);
    }
    let _ = write!(
        text,
        "RUN npm ci && npm run build --workspace {name}\n\n\
         FROM node:20-alpine\nWORKDIR /application\n\
         COPY --from=build /repository/{folder}/dist ./dist\nCMD [\"node\", \"dist/index.js\"]\n"
    );
    stream.file(&format!("{folder}/Dockerfile"), &text)
}
