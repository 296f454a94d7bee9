//! A monorepo of several languages with the shape that such repositories have: a few packages at the bottom are used by
//! almost all, the middle uses what is near it, and applications that nobody uses stand at the top.
//!
//! Every package is a member of one npm workspace, so that tools that see JavaScript alone see the same graph. Of ten
//! packages one is a Go module too, one a crate and one a Python project, as are of ten applications six; every fifth
//! application is built into an image, and every tenth has a chart.
//!
//! | branch | differs from `base` by |
//! |---|---|
//! | `leaf` (checked out) | one file of an application |
//! | `core` | one file of the most used package |
//! | `leaf-new` | `leaf` and one new file of that application |
//! | `leaf-manifest` | one more dependency in that application's `package.json` |

use std::io;
use std::path::Path;

use super::random::Random;
use super::source::{Syntax, source};
use super::stream::{Planted, Stream, git};
use super::{charts, containers, go, node, peers, python, rust};

/// How many files a package has, manifests included: 30 on average.
const FEWEST_FILES: u64 = 10;
const MOST_FILES: u64 = 50;
/// One package in this many is an application.
const APPLICATION_EVERY: usize = 5;
const DOMAINS: [&str; 16] = [
    "accounts",
    "billing",
    "catalogue",
    "checkout",
    "delivery",
    "geography",
    "identity",
    "inventory",
    "ledger",
    "messaging",
    "orders",
    "pricing",
    "returns",
    "search",
    "telemetry",
    "warehouse",
];

/// What is to be planted.
pub struct Monorepo {
    packages: Vec<Package>,
}

/// What a package is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// TypeScript.
    TypeScript,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Python.
    Python,
}

/// A package.
pub struct Package {
    /// Its folder, three below the root: `packages/billing/billing-00001`.
    pub folder: String,
    /// The last part of its folder, which no other has.
    pub id: String,
    /// Packages of the same repository, by their place in the list: always before this one.
    pub dependencies: Vec<usize>,
    /// Packages of the registry, by number.
    pub externals: Vec<u64>,
    /// What it is written in.
    pub language: Language,
    has_image: bool,
    has_chart: bool,
    files: u64,
}

impl Monorepo {
    /// A repository with this many packages.
    pub fn new(count: usize) -> Self {
        let mut random = Random(0x6b6e_6f63_6b6f_6e00);
        // The packages that everything rests on: a hundredth of all.
        let bottom = (count / 100).max(2);
        Self { packages: (0..count).map(|at| Package::new(at, count, bottom, &mut random)).collect() }
    }

    /// All packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// What a package depends on here.
    pub fn dependencies<'all>(&'all self, package: &'all Package) -> impl Iterator<Item = &'all Package> {
        package.dependencies.iter().map(|&on| &self.packages[on])
    }

    /// What a package depends on here that is written in the same language.
    pub fn same_language<'all>(&'all self, package: &'all Package) -> impl Iterator<Item = &'all Package> {
        self.dependencies(package).filter(|on| on.language == package.language)
    }

    /// How many dependencies lead from one package to another.
    pub fn edges(&self) -> usize {
        self.packages.iter().map(|package| package.dependencies.len()).sum()
    }

    /// The application that the branches `leaf…` change.
    pub fn leaf(&self) -> &Package {
        let application = |package: &&Package| package.has_image && package.language == Language::TypeScript;
        self.packages.iter().rfind(application).unwrap_or(&self.packages[self.packages.len() - 1])
    }

    /// The package that branch `core` changes.
    pub fn core(&self) -> &Package {
        &self.packages[0]
    }

    /// Creates the repository in a folder that is not there yet, packed as a fresh clone would be.
    pub fn plant(&self, folder: &Path) -> io::Result<Planted> {
        let mut stream = Stream::create(folder, "leaf")?;
        stream.commit("base", None)?;
        self.write(&mut stream)?;
        let files = stream.files;

        let changed = "export const changed = true;\n";
        let (leaf, core) = (self.leaf(), self.core());
        stream.commit("leaf", Some("base"))?;
        stream.file(&format!("{}/src/index.ts", leaf.folder), changed)?;
        stream.commit("core", Some("base"))?;
        stream.file(&format!("{}/src/index.ts", core.folder), changed)?;
        stream.commit("leaf-new", Some("leaf"))?;
        stream.file(&format!("{}/src/new.ts", leaf.folder), changed)?;
        stream.commit("leaf-manifest", Some("base"))?;
        stream.file(&format!("{}/package.json", leaf.folder), &node::manifest(self, leaf, self.undeclared(leaf)))?;

        stream.finish()?;
        git(folder, &["reset", "--hard", "--quiet", "leaf"])?;
        Ok(Planted { files })
    }

    /// The first package that a package could depend on and does not.
    fn undeclared(&self, package: &Package) -> Option<&Package> {
        let free = |at: &usize| is_library(*at) && !package.dependencies.contains(at);
        (0..self.packages.len()).find(free).map(|at| &self.packages[at])
    }

    fn write(&self, stream: &mut Stream) -> io::Result<()> {
        stream.file(".gitignore", "node_modules\ndist/\ntarget/\n.turbo/\n.nx/\n.moon/cache/\n")?;
        stream.file("README.md", "# acme\n")?;
        peers::write_root(stream)?;
        node::write_root(self, stream)?;
        rust::write_root(self, stream)?;
        let mut random = Random(0x6669_6c65_7300);
        for package in &self.packages {
            self.write_package(package, &mut random, stream)?;
        }
        Ok(())
    }

    fn write_package(&self, package: &Package, random: &mut Random, stream: &mut Stream) -> io::Result<()> {
        let before = stream.files;
        node::write(self, package, stream)?;
        peers::write(self, package, stream)?;
        let syntax = match package.language {
            Language::TypeScript => Syntax::TypeScript,
            Language::Go => go::write(self, package, stream)?,
            Language::Rust => rust::write(self, package, stream)?,
            Language::Python => python::write(self, package, stream)?,
        };
        if package.has_image {
            containers::write(self, package, stream)?;
        }
        if package.has_chart {
            charts::write(package, stream)?;
        }
        for file in (stream.files - before) as u64..package.files {
            let syntax = if file % 8 == 4 { Syntax::Json } else { syntax };
            let path = match (file % 8, syntax) {
                (0, _) => format!("src/internal/part_{file:02}"),
                (1 | 2, _) => format!("src/model/part_{file:02}"),
                (3, Syntax::Go) => format!("test/part_{file:02}_test"),
                (3, _) => format!("test/test_part_{file:02}"),
                (4, _) => format!("assets/part_{file:02}"),
                _ => format!("src/part_{file:02}"),
            };
            let path = format!("{}/{path}.{}", package.folder, syntax.ending());
            stream.file(&path, &source(random, syntax))?;
        }
        Ok(())
    }
}

impl Package {
    fn new(at: usize, count: usize, bottom: usize, random: &mut Random) -> Self {
        let domain = DOMAINS[at % DOMAINS.len()];
        let language = language(at);
        let application = at / APPLICATION_EVERY;
        let (place, has_image, has_chart) = if is_library(at) {
            ("packages", false, false)
        } else {
            ("apps", application % 5 == 4, application % 10 == 9)
        };
        let externals = (0..random.between(3, 9)).map(|_| random.below(node::EXTERNAL_PACKAGES)).collect();
        let files = random.between(FEWEST_FILES, MOST_FILES);

        let mut dependencies = Vec::new();
        for _ in 0..random.between(1, 3) {
            dependencies.push(random.below(bottom as u64) as usize);
        }
        for _ in 0..random.between(0, 6) {
            // Near neighbours more often than far ones.
            let far = (count as u64 / 5).max(20);
            let back = 1 + random.below(far).min(random.below(far)) as usize;
            dependencies.push(at.saturating_sub(back));
        }
        if let Some(last_digit) = library_digit(language) {
            // The few of a language lie ten apart, so chance alone would hardly ever join them.
            for _ in 0..random.between(0, 2) {
                let tens = (at / 10).saturating_sub(random.between(1, 20) as usize);
                dependencies.push(tens * 10 + last_digit);
            }
        }
        dependencies.retain(|&on| on < at && is_library(on));
        let mut package = Self {
            folder: format!("{place}/{domain}/{domain}-{at:05}"),
            id: format!("{domain}-{at:05}"),
            dependencies,
            externals,
            language,
            has_image,
            has_chart,
            files,
        };
        package.dependencies.sort_unstable();
        package.dependencies.dedup();
        package.externals.sort_unstable();
        package.externals.dedup();
        package
    }

    /// Its name in npm.
    pub fn name(&self) -> String {
        format!("@acme/{}", self.id)
    }
}

fn is_library(at: usize) -> bool {
    at % APPLICATION_EVERY != APPLICATION_EVERY - 1
}

fn language(at: usize) -> Language {
    let languages = [Language::Go, Language::Rust, Language::Python];
    if is_library(at) {
        languages.into_iter().find(|&of| library_digit(of) == Some(at % 10)).unwrap_or(Language::TypeScript)
    } else {
        languages.get(at / APPLICATION_EVERY % 5).copied().unwrap_or(Language::TypeScript)
    }
}

/// The last digit of the places of libraries in a language; TypeScript has all others.
fn library_digit(language: Language) -> Option<usize> {
    match language {
        Language::TypeScript => None,
        Language::Go => Some(3),
        Language::Rust => Some(6),
        Language::Python => Some(8),
    }
}
