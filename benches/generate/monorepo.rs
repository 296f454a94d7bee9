//! A monorepo of Node packages, made from a number alone: an npm workspace that both knockon and Turborepo
//! understand, with the shape that such repositories have. A few packages at the bottom are used by almost all, the
//! middle uses what is near it, and applications that nobody uses stand at the top.
//!
//! Three branches: `base`; `leaf` (checked out), where one file of an application differs from it; and `core`, where
//! one file of the most used package does.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// How many files a package has: two manifests and between 8 and 88 others, 50 on average.
const FEWEST_FILES: u64 = 10;
const MOST_FILES: u64 = 90;
/// One package in this many is an application.
const APPLICATION_EVERY: usize = 5;
/// How many packages of the registry the lockfile holds.
const EXTERNAL_PACKAGES: u64 = 1_200;
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
/// 2020-01-01, and a minute later.
const BASE_TIME: &str = "1577836800 +0000";
const LATER_TIME: &str = "1577836860 +0000";

/// What is to be planted.
pub struct Monorepo {
    packages: Vec<Package>,
}

struct Package {
    folder: String,
    name: String,
    /// Packages of the same repository, by their place in the list: always before this one.
    dependencies: Vec<usize>,
    externals: Vec<u64>,
    files: u64,
}

/// What was planted.
pub struct Planted {
    /// How many files the repository has.
    pub files: usize,
}

impl Monorepo {
    /// A repository with this many packages.
    pub fn new(count: usize) -> Self {
        let mut random = Random(0x6b6e_6f63_6b6f_6e00);
        // The packages that everything rests on: a hundredth of all.
        let bottom = (count / 100).max(2);
        let packages = (0..count)
            .map(|at| {
                let domain = DOMAINS[at % DOMAINS.len()];
                let is_application = at >= bottom && at % APPLICATION_EVERY == APPLICATION_EVERY - 1;
                let place = if is_application { "apps" } else { "packages" };
                let mut package = Package {
                    folder: format!("{place}/{domain}/{domain}-{at:05}"),
                    name: format!("@acme/{domain}-{at:05}"),
                    dependencies: Vec::new(),
                    externals: (0..random.between(3, 9)).map(|_| random.below(EXTERNAL_PACKAGES)).collect(),
                    files: random.between(FEWEST_FILES, MOST_FILES),
                };
                let libraries =
                    |candidate: usize| candidate < bottom || candidate % APPLICATION_EVERY != APPLICATION_EVERY - 1;
                for _ in 0..random.between(1, 3) {
                    package.dependencies.push(random.below(bottom as u64) as usize);
                }
                for _ in 0..random.between(0, 6) {
                    // Near neighbours more often than far ones.
                    let far = (count as u64 / 5).max(20);
                    let back = 1 + random.below(far).min(random.below(far)) as usize;
                    package.dependencies.push(at.saturating_sub(back));
                }
                package.dependencies.retain(|&on| on < at && libraries(on));
                package.dependencies.sort_unstable();
                package.dependencies.dedup();
                package.externals.sort_unstable();
                package.externals.dedup();
                package
            })
            .collect();
        Self { packages }
    }

    /// How many dependencies lead from one package to another.
    pub fn edges(&self) -> usize {
        self.packages.iter().map(|package| package.dependencies.len()).sum()
    }

    /// The folder of the application that branch `leaf` changes.
    pub fn leaf(&self) -> &str {
        let last = self.packages.iter().rfind(|package| package.folder.starts_with("apps/"));
        last.map_or("", |package| &package.folder)
    }

    /// The folder of the package that branch `core` changes.
    pub fn core(&self) -> &str {
        self.packages.first().map_or("", |package| &package.folder)
    }

    /// Creates the repository in a folder that is not there yet, packed as a fresh clone would be.
    pub fn plant(&self, folder: &Path) -> io::Result<Planted> {
        std::fs::create_dir(folder)?;
        git(folder, &["init", "--quiet", "--initial-branch=leaf"])?;
        for setting in ["gc.auto=0", "user.name=bench", "user.email=bench@knockon.example"] {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            git(folder, &["config", name, value])?;
        }
        let mut import = Command::new("git")
            .args(["fast-import", "--quiet", "--done"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .spawn()?;
        let mut stream = Stream { to: BufWriter::new(import.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?), files: 0 };
        stream.commit("base", BASE_TIME, None)?;
        self.write(&mut stream)?;
        let files = stream.files;
        for (branch, folder) in [("leaf", self.leaf()), ("core", self.core())] {
            stream.commit(branch, LATER_TIME, Some("base"))?;
            stream.file(&format!("{folder}/src/index.ts"), "export const changed = true;\n")?;
        }
        stream.to.write_all(b"done\n")?;
        stream.to.flush()?;
        drop(stream);
        ended(import.wait()?, "fast-import")?;
        git(folder, &["repack", "-a", "-d", "-f", "--quiet"])?;
        git(folder, &["reset", "--hard", "--quiet", "leaf"])?;
        Ok(Planted { files })
    }

    fn write(&self, stream: &mut Stream) -> io::Result<()> {
        let root = "{\n  \"name\": \"acme\",\n  \"private\": true,\n  \"packageManager\": \"npm@10.8.2\",\n  \
                    \"workspaces\": [\"apps/*/*\", \"packages/*/*\"],\n  \"scripts\": {\n    \"build\": \"turbo run build\",\n    \
                    \"test\": \"turbo run test\"\n  },\n  \"devDependencies\": {\n    \"turbo\": \"^2.0.0\"\n  }\n}\n";
        stream.file("package.json", root)?;
        let turbo = "{\n  \"tasks\": {\n    \"build\": { \"dependsOn\": [\"^build\"], \"outputs\": [\"dist/**\"] },\n    \
                     \"test\": { \"dependsOn\": [\"build\"], \"outputs\": [] }\n  }\n}\n";
        stream.file("turbo.json", turbo)?;
        let compiler = "{\n  \"compilerOptions\": {\n    \"target\": \"ES2022\",\n    \"module\": \"NodeNext\",\n    \
                        \"strict\": true,\n    \"declaration\": true\n  }\n}\n";
        stream.file("tsconfig.base.json", compiler)?;
        stream.file(".gitignore", "node_modules/\ndist/\n.turbo/\n")?;
        stream.file("README.md", "# acme\n")?;
        stream.file("package-lock.json", &self.lockfile())?;
        let mut random = Random(0x6669_6c65_7300);
        for package in &self.packages {
            self.write_package(package, &mut random, stream)?;
        }
        Ok(())
    }

    fn write_package(&self, package: &Package, random: &mut Random, stream: &mut Stream) -> io::Result<()> {
        let folder = &package.folder;
        let mut manifest = format!(
            "{{\n  \"name\": \"{}\",\n  \"version\": \"1.0.0\",\n  \"private\": true,\n  \"main\": \"dist/index.js\",\n  \
             \"types\": \"dist/index.d.ts\",\n  \"scripts\": {{\n    \"build\": \"tsc -p tsconfig.json\",\n    \
             \"test\": \"node --test dist\",\n    \"lint\": \"eslint src\"\n  }},\n  \"dependencies\": {{\n",
            package.name
        );
        manifest.push_str(&self.dependencies(package, "    "));
        manifest.push_str("  },\n  \"devDependencies\": {\n    \"typescript\": \"^5.4.0\"\n  }\n}\n");
        stream.file(&format!("{folder}/package.json"), &manifest)?;
        let compiler = "{\n  \"extends\": \"../../../tsconfig.base.json\",\n  \"compilerOptions\": {\n    \"rootDir\": \"src\",\n    \
                        \"outDir\": \"dist\"\n  },\n  \"include\": [\"src\"]\n}\n";
        stream.file(&format!("{folder}/tsconfig.json"), compiler)?;
        let mut index = String::new();
        for &on in &package.dependencies {
            let _ = writeln!(index, "export * from \"{}\";", self.packages[on].name);
        }
        stream.file(&format!("{folder}/src/index.ts"), &index)?;
        for file in 3..package.files {
            let (below, ending) = match file % 8 {
                0 => ("src/internal", "ts"),
                1 | 2 => ("src/model", "ts"),
                3 => ("test", "test.ts"),
                4 => ("assets", "json"),
                _ => ("src", "ts"),
            };
            stream.file(&format!("{folder}/{below}/part-{file:02}.{ending}"), &source(random, file, ending))?;
        }
        Ok(())
    }

    /// The lines of a package's dependencies in a manifest or lockfile, each ended.
    fn dependencies(&self, package: &Package, indent: &str) -> String {
        let own = package.dependencies.iter().map(|&on| (self.packages[on].name.clone(), "^1.0.0"));
        let mut all: Vec<_> = own.chain(package.externals.iter().map(|id| (external(*id), "^2.0.0"))).collect();
        all.sort();
        let lines: Vec<String> = all.iter().map(|(name, range)| format!("{indent}\"{name}\": \"{range}\"")).collect();
        if lines.is_empty() { String::new() } else { format!("{}\n", lines.join(",\n")) }
    }

    fn lockfile(&self) -> String {
        let mut random = Random(0x006c_6f63_6b00);
        let mut entries = vec![(
            String::new(),
            "{\n      \"name\": \"acme\",\n      \"workspaces\": [\"apps/*/*\", \"packages/*/*\"]\n    }".to_owned(),
        )];
        for package in &self.packages {
            let (folder, name) = (&package.folder, &package.name);
            let dependencies = self.dependencies(package, "        ");
            entries.push((
                folder.clone(),
                format!(
                    "{{\n      \"name\": \"{name}\",\n      \"version\": \"1.0.0\",\n      \"dependencies\": {{\n{dependencies}      \
                     }},\n      \"devDependencies\": {{\n        \"typescript\": \"^5.4.0\"\n      }}\n    }}"
                ),
            ));
            entries.push((
                format!("node_modules/{name}"),
                format!("{{\n      \"resolved\": \"{folder}\",\n      \"link\": true\n    }}"),
            ));
        }
        let registry = (0..EXTERNAL_PACKAGES).map(|id| (external(id), "2.3.4", id));
        for (name, version, id) in registry.chain([("typescript".to_owned(), "5.4.5", EXTERNAL_PACKAGES)]) {
            // What one package of the registry needs: others that come before it.
            let needs: Vec<String> =
                (0..if id > 3 { random.below(4) } else { 0 }).map(|_| external(random.below(id))).collect();
            let mut needs: Vec<String> = needs.iter().map(|name| format!("        \"{name}\": \"^2.0.0\"")).collect();
            needs.sort();
            needs.dedup();
            let integrity: String = (0..86).map(|_| random.letter()).collect();
            entries.push((
                format!("node_modules/{name}"),
                format!(
                    "{{\n      \"version\": \"{version}\",\n      \"resolved\": \"https://registry.example/{name}/-/{name}-{version}.tgz\",\n      \
                     \"integrity\": \"sha512-{integrity}==\",\n      \"dependencies\": {{\n{}\n      }}\n    }}",
                    needs.join(",\n")
                ),
            ));
        }
        entries.sort();
        let lines: Vec<String> = entries.iter().map(|(place, entry)| format!("    \"{place}\": {entry}")).collect();
        format!(
            "{{\n  \"name\": \"acme\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {{\n{}\n  }}\n}}\n",
            lines.join(",\n")
        )
    }
}

fn external(id: u64) -> String {
    format!("library-{id:04}")
}

/// Between a few lines and a few kilobytes of text that compresses about as source does.
fn source(random: &mut Random, file: u64, ending: &str) -> String {
    let lines = random.between(10, 80);
    let mut text = String::new();
    if ending == "json" {
        let entries: Vec<String> =
            (0..lines).map(|line| format!("  \"key-{line}\": {}", random.below(1_000_000))).collect();
        return format!("{{\n{}\n}}\n", entries.join(",\n"));
    }
    for line in 0..lines {
        let (a, b) = (random.below(10_000), random.below(10_000));
        let _ = writeln!(text, "export const value{file}_{line} = (x: number) => x * {a} + {b};");
    }
    text
}

/// A `git fast-import` stream.
struct Stream {
    to: BufWriter<std::process::ChildStdin>,
    files: usize,
}

impl Stream {
    fn commit(&mut self, branch: &str, time: &str, from: Option<&str>) -> io::Result<()> {
        let who = format!("bench <bench@knockon.example> {time}");
        write!(
            self.to,
            "commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {}\n{branch}\n",
            branch.len()
        )?;
        from.map_or(Ok(()), |from| writeln!(self.to, "from refs/heads/{from}"))
    }

    fn file(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.files += 1;
        write!(self.to, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> io::Result<()> {
    ended(Command::new("git").args(arguments).current_dir(folder).status()?, arguments[0])
}

fn ended(status: std::process::ExitStatus, what: &str) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("git {what} ended with {status}"))) }
}

/// SplitMix64: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than the limit, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn letter(&mut self) -> char {
        char::from(b'a' + self.below(26) as u8)
    }
}
