//! What packages of a workspace reach through lockfiles of each format.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Lock;
use crate::discover::FragmentIndex;
use crate::discover::syntax::Stated;

use super::super::package::Dependency;

fn read(name: &str, text: &str) -> Lock {
    Lock::read(name.as_bytes(), text.as_bytes()).unwrap()
}

/// The names of all entries that are reached from some, sorted.
fn reached(lock: &Lock, from: impl IntoIterator<Item = FragmentIndex>) -> Vec<String> {
    let fragments = lock.fragments.as_ref().unwrap();
    let (mut pending, mut seen) = (from.into_iter().collect::<Vec<_>>(), BTreeSet::new());
    while let Some(at) = pending.pop() {
        if seen.insert(at) {
            pending.extend(&fragments.get(at).unwrap().needs);
        }
    }
    let mut names: Vec<_> = seen.into_iter().map(|at| fragments.get(at).unwrap().name.to_string()).collect();
    names.sort();
    names
}

/// What a package of the workspace has of its own, without itself.
fn of(lock: &Lock, folder: &str) -> Vec<String> {
    let mut names = reached(lock, [lock.importer(folder).unwrap().external]);
    names.retain(|name| name != if folder.is_empty() { "." } else { folder });
    names
}

fn asked(lock: &Lock, name: &str, wanted: &str) -> Vec<String> {
    let wanted = Stated { value: wanted.to_owned(), line: 1, text: Arc::default() };
    reached(lock, lock.request(&Dependency { name: name.to_owned(), wanted }))
}

#[test]
fn case_91_npm_finds_the_nearest_folder_of_packages() {
    let text = r#"{"lockfileVersion": 3, "packages": {
        "": {"devDependencies": {"x": "1"}},
        "packages/a": {"dependencies": {"x": "2", "y": "1", "b": "*"}, "peerDependencies": {"p": "1"}},
        "packages/b": {"optionalDependencies": {"x": "1"}},
        "node_modules/b": {"resolved": "packages/b", "link": true},
        "node_modules/x": {"version": "1.0.0"},
        "node_modules/y": {"version": "1.0.0", "dependencies": {"x": "3", "@s/z": "1", "gone": "1"}},
        "node_modules/y/node_modules/x": {"version": "3.0.0", "dependencies": {"@s/z": "1"}},
        "node_modules/@s/z": {"version": "1.0.0", "dependencies": {"y": "1"}},
        "node_modules/p": {"version": "1.0.0"},
        "packages/a/node_modules/x": {"version": "2.0.0"}}}"#;
    for version in ["2", "3"] {
        let lock = read(
            "package-lock.json",
            &text.replace("\"lockfileVersion\": 3", &format!("\"lockfileVersion\": {version}")),
        );
        let of_a = [
            "node_modules/@s/z",
            "node_modules/p",
            "node_modules/y",
            "node_modules/y/node_modules/x",
            "packages/a/node_modules/x",
        ];
        assert_eq!(of(&lock, "packages/a"), of_a);
        assert_eq!(lock.importer("packages/a").unwrap().members, ["packages/b"]);
        assert_eq!(of(&lock, "packages/b"), ["node_modules/x"]);
        assert_eq!(of(&lock, ""), ["node_modules/x"]);
        let linked = reached(&lock, [lock.importer("packages/a").unwrap().linked]);
        assert!(linked.contains(&"node_modules/x".to_owned()) && linked.contains(&"packages/b".to_owned()));
        assert!(lock.importer("packages/c").is_none());
    }
}

#[test]
fn case_91_the_first_version_of_npm_nests() {
    let lock = read(
        "npm-shrinkwrap.json",
        r#"{"lockfileVersion": 1, "dependencies": {
            "a": {"version": "1.0.0", "requires": {"b": "1", "c": "1"}, "dependencies": {"b": {"version": "2.0.0", "requires": {"c": "1"}}}},
            "b": {"version": "1.0.0", "requires": {"d": "1"}}, "c": {"version": "1.0.0", "requires": {"a": "1"}},
            "d": {"version": "1.0.0"}}}"#,
    );
    assert_eq!(asked(&lock, "a", "^1"), ["a", "a/b", "c"]);
    assert_eq!(asked(&lock, "b", "^1"), ["b", "d"]);
    assert_eq!(asked(&lock, "z", "^1"), [""; 0]);
}

#[test]
fn case_91_the_three_versions_of_pnpm_name_entries_differently() {
    let ninth = "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n\nimporters:\n\n  .: {}\n\n  packages/a:\n    dependencies:\n      '@s/x':\n        specifier: ^1.0.0\n        version: 1.0.0(y@2.0.0)\n      other:\n        specifier: npm:z@1\n        version: z@1.0.0\n      b:\n        specifier: workspace:*\n        version: link:../b\n\n  packages/b: {}\n\npackages:\n\n  '@s/x@1.0.0':\n    resolution: {integrity: sha512-a==}\n    engines: {node: '>=6', npm: '>= 5'}\n    peerDependencies:\n      y: '*'\n\n  y@2.0.0:\n    resolution: {integrity: sha512-b==}\n    deprecated: |-\n      many words\n      on lines\n\n  z@1.0.0:\n    resolution: {tarball: https://example.com/z.tgz}\n    os: [linux, darwin]\n\nsnapshots:\n\n  '@s/x@1.0.0(y@2.0.0)':\n    dependencies:\n      y: 2.0.0\n    transitivePeerDependencies:\n      - supports-color\n\n  y@2.0.0: {}\n\n  z@1.0.0:\n    optional: true\n";
    let lock = read("pnpm-lock.yaml", ninth);
    let of_a = ["@s/x@1.0.0", "@s/x@1.0.0(y@2.0.0)", "y@2.0.0", "z@1.0.0", "z@1.0.0 as installed"];
    assert_eq!(of(&lock, "packages/a"), of_a);
    assert_eq!(lock.importer("packages/a").unwrap().members, ["packages/b"]);
    assert_eq!(reached(&lock, lock.common), ["settings", "settings"]);

    let sixth = "lockfileVersion: '6.0'\n\nimporters:\n\n  packages/a:\n    dependencies:\n      '@s/x':\n        specifier: ^1.0.0\n        version: 1.0.0(y@2.0.0)\n      other:\n        specifier: npm:z@1\n        version: /z@1.0.0\n\npackages:\n\n  /@s/x@1.0.0(y@2.0.0):\n    resolution: {integrity: sha512-a==}\n    dependencies:\n      y: 2.0.0\n    dev: false\n\n  /y@2.0.0:\n    resolution: {integrity: sha512-b==}\n\n  /z@1.0.0:\n    resolution: {integrity: sha512-c==}\n";
    assert_eq!(of(&read("pnpm-lock.yaml", sixth), "packages/a"), ["/@s/x@1.0.0(y@2.0.0)", "/y@2.0.0", "/z@1.0.0"]);

    let fifth = "lockfileVersion: 5.4\n\nspecifiers:\n  '@s/x': ^1.0.0\n  git: github:x/git\n\ndependencies:\n  '@s/x': 1.0.0_y@2.0.0\n  git: github.com/x/git/abc\n\npackages:\n\n  /@s/x/1.0.0_y@2.0.0:\n    resolution: {integrity: sha512-a==}\n    dependencies:\n      y: 2.0.0\n\n  /y/2.0.0:\n    resolution: {integrity: sha512-b==}\n\n  github.com/x/git/abc:\n    resolution: {tarball: https://example.com/x}\n    name: git\n";
    assert_eq!(of(&read("pnpm-lock.yaml", fifth), ""), ["/@s/x/1.0.0_y@2.0.0", "/y/2.0.0", "github.com/x/git/abc"]);
}

#[test]
fn case_91_both_readers_of_yaml_give_the_same() {
    let plain = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: '1'\n        version: 1.0.0\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-a==, sizes: [1, 2]}\n    hasBin: true\n    cpu: [arm64]\nsnapshots:\n  a@1.0.0: {}\n";
    // An anchor is nothing that the managers write.
    let other = plain.replace("cpu: [arm64]", "cpu: &x [arm64]").replace("hasBin: true", "\"hasBin\" : true # yes");
    let slices = |text: &str| {
        let lock = read("pnpm-lock.yaml", text);
        lock.fragments.as_ref().unwrap().slices()[lock.importer("").unwrap().external.number()]
    };
    assert_eq!(slices(plain), slices(&other));
    assert_ne!(slices(plain), slices(&other.replace("arm64", "x64")));
}

#[test]
fn case_91_yarn_finds_entries_by_what_is_asked_for() {
    let text = "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\n\"@s/x@^1\", \"@s/x@^1.2\":\n  version \"1.2.0\"\n  resolved \"https://example.com/x.tgz#abc\"\n  dependencies:\n    y \"^1 || ^2\"\n    \"@s/w\" \"*\"\n\n\"@s/w@*\":\n  version \"1.0.0\"\n\n\"y@^1 || ^2\":\n  version \"2.0.0\"\n  optionalDependencies:\n    \"@s/x\" \"^1\"\n\ny@1.0.0:\n  version \"1.0.0\"\n";
    let lock = read("yarn.lock", text);
    assert_eq!(asked(&lock, "@s/x", "^1.2"), ["@s/w@1.0.0", "@s/x@1.2.0", "y@2.0.0"]);
    assert_eq!(asked(&lock, "y", "1.0.0"), ["y@1.0.0"]);
    // A resolution leads elsewhere than what was asked for.
    assert_eq!(asked(&lock, "y", "^7"), ["@s/w@1.0.0", "@s/x@1.2.0", "any y", "y@1.0.0", "y@2.0.0"]);
    assert_eq!(asked(&lock, "z", "^7"), [""; 0]);
    assert!(read("yarn.lock", &text.replace("lockfile v1", "lockfile v2")).fragments.is_none());
}

#[test]
fn case_91_later_yarn_names_packages_of_the_workspace() {
    let text = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"a@workspace:packages/a\":\n  version: 0.0.0-use.local\n  resolution: \"a@workspace:packages/a\"\n  dependencies:\n    b: \"workspace:^\"\n    typescript: \"npm:^5\"\n    x: \"npm:^1\"\n    z: \"npm:^9\"\n  languageName: unknown\n  linkType: soft\n\n\"b@workspace:^, b@workspace:packages/b\":\n  version: 0.0.0-use.local\n  resolution: \"b@workspace:packages/b\"\n\n\"typescript@npm:^5\":\n  version: 5.0.0\n  resolution: \"typescript@npm:5.0.0\"\n\n\"typescript@patch:typescript@npm%3A^5#optional!builtin<compat/typescript>\":\n  version: 5.0.0\n  resolution: \"typescript@patch:typescript@npm%3A5.0.0#optional!builtin<compat/typescript>::version=5.0.0&hash=b45daf\"\n\n\"x@npm:^1, x@npm:^1.1\":\n  version: 1.1.0\n  resolution: \"x@npm:1.1.0\"\n  dependencies:\n    b: \"workspace:^\"\n\n\"z@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"z@npm:1.0.0\"\n  conditions: os=darwin\n";
    let lock = read("yarn.lock", text);
    assert_eq!(lock.importer("packages/a").unwrap().members, ["packages/b"]);
    let patched =
        "typescript@patch:typescript@npm%3A5.0.0#optional!builtin<compat/typescript>::version=5.0.0&hash=b45daf";
    let of_a = [
        "any typescript",
        "packages/b",
        "packages/b with members",
        "typescript@npm:5.0.0",
        patched,
        "x@npm:1.1.0",
        "z@npm:1.0.0",
    ];
    assert_eq!(of(&lock, "packages/a"), of_a);
    let older = text.replace("version: 8\n", "version: 4\n").replace("\"npm:^1\"\n", "^1\n");
    assert!(of(&read("yarn.lock", &older), "packages/a").contains(&"x@npm:1.1.0".to_owned()));
    assert!(read("yarn.lock", &text.replace("version: 8\n", "version: 99\n")).fragments.is_none());
}

#[test]
fn case_91_bun_nests_by_names() {
    let lock = read(
        "bun.lock",
        r#"{"lockfileVersion": 1, "trustedDependencies": ["x"], "workspaces": {
            "": {"name": "root"},
            "packages/a": {"name": "@s/a", "dependencies": {"x": "1", "b": "workspace:*"}},
            "packages/b": {"name": "b", "devDependencies": {"x": "2"}},
        }, "packages": {
            "@s/a": ["@s/a@workspace:packages/a"], "b": ["b@workspace:packages/b"],
            "x": ["x@2.0.0", "", {"dependencies": {"@s/y": "1"}}, "sha512-a"],
            "@s/a/x": ["x@1.0.0", "", {"peerDependencies": {"@s/y": "2"}}, "sha512-b"],
            "@s/a/x/@s/y": ["@s/y@2.0.0", "", {}, "sha512-c"], "@s/y": ["@s/y@1.0.0", "", {}, "sha512-d"],
        }}"#,
    );
    assert_eq!(of(&lock, "packages/a"), ["@s/a/x", "@s/a/x/@s/y"]);
    assert_eq!(of(&lock, "packages/b"), ["@s/y", "x"]);
    assert_eq!(lock.importer("packages/a").unwrap().members, ["packages/b"]);
    assert_eq!(reached(&lock, lock.common), ["settings", "trustedDependencies"]);
}

#[test]
fn case_91_what_is_not_known_or_not_readable_is_not_cut() {
    for (name, text) in [
        ("package-lock.json", "{\"lockfileVersion\": 4, \"packages\": {}}"),
        ("package-lock.json", "{}"),
        ("bun.lock", "{\"lockfileVersion\": 99, \"workspaces\": {}}"),
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\nimporters:\n  .: {}\n"),
        ("pnpm-lock.yaml", ""),
        // A dependency that is nowhere.
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        version: 1.0.0\n",
        ),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        vers"),
        ("yarn.lock", "__metadata:\n  version: x\n"),
    ] {
        assert!(read(name, text).fragments.is_none(), "{name} {text}");
    }
    for (name, text) in [
        ("package-lock.json", "{\"lockfileVersion\": 3,\n<<<<<<< ours\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n<<<<<<< ours\nimporters:\n"),
        ("yarn.lock", "a@1:\n  version \"1\"\n<<<<<<< ours\n"),
        ("yarn.lock", "a@1:\n  version \"1\"\n=======\n  version \"2\"\n>>>>>>> theirs\n"),
        ("yarn.lock", "a@1:\n  version \"1"),
        ("yarn.lock", "__metadata:\n  version: 8\n<<<<<<< ours\n"),
    ] {
        assert!(Lock::read(name.as_bytes(), text.as_bytes()).is_err(), "{name} {text}");
    }
}

#[test]
fn case_96_hostile_lockfiles_cost_no_more_than_their_length() {
    // A reader that begins anew for each entry would take minutes.
    let many = |entry: &dyn Fn(usize) -> String, count: usize| (0..count).map(entry).collect::<Vec<_>>().join(",");
    let deep = |at: usize| "node_modules/x/".repeat(at % 60);
    let chain =
        many(&|at| format!("\"{}node_modules/x\":{{\"dependencies\":{{\"y\":\"1\",\"x\":\"1\"}}}}", deep(at)), 4_000);
    let long = format!("{}node_modules/x", "node_modules/x/".repeat(20_000));
    let members = many(
        &|at| {
            format!(
                "\"m{at}\":{{\"dependencies\":{{\"m{}\":\"*\"}}}},\"node_modules/m{at}\":{{\"resolved\":\"m{at}\",\"link\":true}}",
                (at + 1) % 10_000
            )
        },
        10_000,
    );
    let nested = format!("{}{}", "{\"dependencies\":{\"x\":".repeat(60), "{}".to_owned() + &"}}".repeat(60));
    let name = "n".repeat(300_000);
    let wide = format!(
        "{{\"lockfileVersion\":1,\"dependencies\":{{\"{name}\":{{\"dependencies\":{{{}}}}}}}}}",
        many(&|at| format!("\"{at}\":{{}}"), 4_000)
    );
    let requests = (0..20_000)
        .map(|at| format!("a@{at}:\n  version \"1\"\n  dependencies:\n    a \"none\"\n    b \"^1\"\n\n"))
        .collect::<String>();
    let same = "a@1:\n  version \"1\"\n  dependencies:\n    a \"1\"\n".repeat(20_000);
    let snapshots = (0..6_000)
        .map(|at| format!("  a@1{}:\n    dependencies:\n      a: 1\n", "(".repeat(at % 40)))
        .collect::<String>();
    for (file, text, is_cut) in [
        ("package-lock.json", format!("{{\"lockfileVersion\":3,\"packages\":{{{chain}}}}}"), true),
        ("package-lock.json", format!("{{\"lockfileVersion\":3,\"packages\":{{\"{long}\":{{}}}}}}"), false),
        ("package-lock.json", format!("{{\"lockfileVersion\":3,\"packages\":{{{members}}}}}"), true),
        ("package-lock.json", nested.replacen('{', "{\"lockfileVersion\":1,", 1), true),
        ("package-lock.json", wide, false),
        ("yarn.lock", requests, true),
        ("yarn.lock", same, true),
        ("yarn.lock", format!("{}\n", "\"".repeat(600_000)), false),
        ("pnpm-lock.yaml", format!("lockfileVersion: '9.0'\npackages:\n  a@1: {{}}\nsnapshots:\n{snapshots}"), true),
        ("pnpm-lock.yaml", format!("lockfileVersion: '9.0'\na: {}", "[".repeat(20_000)), false),
    ] {
        let fragments = Lock::read(file.as_bytes(), text.as_bytes()).ok().and_then(|lock| lock.fragments);
        let slices = fragments.map(|fragments| fragments.slices());
        assert_eq!(slices.is_some(), is_cut, "{file}: {}…", &text[..60]);
    }
}
