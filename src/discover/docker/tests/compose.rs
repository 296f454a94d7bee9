//! Behaviour of Dockerfiles that compose, skaffold or bake build.

use std::collections::BTreeSet;

use super::{inputs, lines};

const COMPOSED: &str = "\
== compose.yaml
services:
  ad:
    image: ${IMAGE}:${TAG}-ad
    build:
      context: ./
      dockerfile: ${AD_DOCKERFILE}
      args:
        AGENT: ${AGENT_VERSION}
        PLAIN: \"a b\"
    env_file: ad.env
    depends_on: [cart]
  cart:
    image: ${IMAGE}:${TAG}-cart
    build: {context: ./, dockerfile: \"${CART_DOCKERFILE:-src/cart/src/Dockerfile}\"}
== .env
IMAGE=ghcr.io/o/demo
TAG=1
AD_DOCKERFILE=./src/ad/Dockerfile
AGENT_VERSION=2.3
== ad.env
== src/ad/Dockerfile
FROM x
COPY src/ad/ .
COPY pb/ proto
== src/ad/A.java
== src/cart/src/Dockerfile
FROM x
COPY src/cart .
== src/cart/src/c.cs
== pb/demo.proto
";

#[test]
fn case_86_compose_names_context_and_dockerfile_by_variables() {
    assert_eq!(
        inputs(COMPOSED, "src/ad:image"),
        ["pb All [] src/ad/Dockerfile:3", "src/ad All [] src/ad/Dockerfile:2", "src/ad/Dockerfile All [] .env:3",]
    );
    assert_eq!(
        lines(COMPOSED, &["task src/ad", "edge src/ad", "Warning"]),
        [
            "edge src/ad -> owner of pb Image src/ad/Dockerfile:3",
            "edge src/ad -> src/cart/src Deploy compose.yaml:11",
            "task src/ad:compose `docker compose -f compose.yaml config --quiet ad`",
            "task src/ad:image `docker build -f src/ad/Dockerfile -t ad --build-arg AGENT=2.3 --build-arg 'PLAIN=a b' .`",
        ]
    );
    let projects = lines(COMPOSED, &["project"]);
    assert_eq!(projects[0], "project src/ad Image Admitted [ad] Own");
}

#[test]
fn case_96_a_long_dockerfile_is_followed_in_some_ways_only() {
    let mut tree = "== compose.yaml\nservices:\n".to_owned();
    for number in 0..300 {
        tree.push_str(&format!("  s{number}: {{build: {{context: a, args: {{A: x{number}}}}}}}\n"));
    }
    let short = format!("{tree}== a/Dockerfile\nFROM x\nARG A\nCOPY $A .\n== a/x0/f\n== a/x299/f\n== a/other\n");
    let long = short.replace("COPY $A .\n", &format!("COPY $A .\n{}", "COPY x0 .\n".repeat(1000)));
    let whole = |tree: &str| lines(tree, &["input"]).iter().filter(|line| line.contains("<- a All []")).count();
    assert_eq!(whole(&short), 0);
    // 99 ways of 2004 steps each are within the bound.
    assert_eq!(whole(&long), 300 - 99);
}

#[test]
fn case_96_a_long_chain_of_extends_is_told_and_cut() {
    let mut tree = "== compose.yaml\nservices:\n".to_owned();
    for number in 0..4000 {
        tree.push_str(&format!("  s{number}: {{extends: s{}}}\n", number + 1));
    }
    let told = lines(&tree, &["Warning"]);
    assert_eq!(told.len(), 4000 - 1 - 64);
    let wanted = "Warning compose-extends-deep: service s0 extends more than 64 others compose.yaml:66";
    assert!(told.iter().any(|line| line == wanted), "{:?}", told.first());
}

#[test]
fn a_key_of_the_environment_reaches_only_who_uses_it() {
    let changed = COMPOSED.replace("AGENT_VERSION=2.3", "AGENT_VERSION=2.4");
    let of = |tree: &str, project: &str| lines(tree, &[&format!("task {project}"), &format!("input {project}")]);
    assert_ne!(of(COMPOSED, "src/ad:"), of(&changed, "src/ad:"));
    assert_eq!(of(COMPOSED, "src/cart/src:"), of(&changed, "src/cart/src:"));
}

#[test]
fn a_variable_without_a_value_is_named_and_the_context_worked_out() {
    let tree = "== compose.yml\nservices:\n  a:\n    build: ${WHERE}\n== a/Dockerfile\nFROM x\nCOPY f .\n== a/f\n";
    assert_eq!(lines(tree, &["Warning"]).len(), 1);
    assert!(inputs(tree, "a:image").contains(&"a/f All [] a/Dockerfile:2".to_owned()));
}

#[test]
fn case_86_extends_merges_and_a_cycle_ends() {
    let tree = "\
== app/compose.yml
services:
  web:
    extends: {file: ../base/docker-compose.base.yml, service: node}
    build:
      target: dev
  loop:
    extends: other
  other:
    extends: loop
== base/docker-compose.base.yml
services:
  node:
    build:
      context: ../svc
== svc/Dockerfile
FROM x AS dev
COPY f .
FROM dev
COPY g .
== svc/f
== svc/g
";
    assert_eq!(
        lines(tree, &["task", "Warning"]),
        [
            "Warning compose-extends-cycle: service loop extends itself in the end app/compose.yml:7",
            "Warning compose-extends-cycle: service other extends itself in the end app/compose.yml:9",
            "task svc:compose `docker compose -f compose.yml config --quiet web`",
            "task svc:compose `docker compose -f docker-compose.base.yml config --quiet node`",
            "task svc:image `docker build -f svc/Dockerfile -t svc svc`",
            "task svc:image.dev `docker build -f svc/Dockerfile --target dev -t svc-dev svc`",
        ]
    );
    assert!(inputs(tree, "svc:image.dev").iter().all(|input| !input.starts_with("svc/g")));
}

#[test]
fn a_layer_without_context_builds_what_lies_under_it() {
    let tree = "\
== docker-compose.yml
services:
  a: {build: ./a}
== docker-compose.override.yml
services:
  a:
    build:
      args: {DEBUG: 1}
== a/Dockerfile
FROM x
COPY f .
== a/f
";
    assert_eq!(
        lines(tree, &["task", "Warning"]),
        [
            "task a:compose `docker compose -f docker-compose.yml config --quiet a`",
            "task a:image `docker build -f a/Dockerfile -t a --build-arg DEBUG=1 a`",
            "task a:image `docker build -f a/Dockerfile -t a a`",
        ]
    );
}

#[test]
fn case_86_named_contexts_are_inputs_and_edges() {
    let tree = "\
== compose.yaml
services:
  base: {build: base}
  app:
    build:
      context: app
      additional_contexts:
        lib: ../lib/x/..
        shared: lib
        root: service:base
== base/Dockerfile
FROM x
COPY b .
== base/b
== app/Dockerfile
FROM root
COPY --from=shared f .
RUN --mount=type=bind,from=shared,source=g,target=/g make
== lib/f
== lib/g
";
    let tree = tree.replace("        lib: ../lib/x/..\n", "");
    let read = inputs(&tree, "app:image");
    assert!(read.contains(&"lib/f All [] app/Dockerfile:2".to_owned()), "{read:?}");
    assert!(read.contains(&"lib/g All [] app/Dockerfile:3".to_owned()), "{read:?}");
    assert_eq!(
        lines(&tree, &["edge", "reads"]),
        [
            "edge app -> base Image app/Dockerfile:1",
            "edge app -> owner of lib/f Image app/Dockerfile:2",
            "edge app -> owner of lib/g Image app/Dockerfile:3",
            "reads app:image <- base:image",
        ]
    );
}

#[test]
fn several_dockerfiles_and_contexts() {
    let tree = "\
== compose.yaml
services:
  a: {build: {context: a, dockerfile: ../Dockerfile.node}}
  b: {build: {context: b, dockerfile: ../Dockerfile.node}}
  c: {build: {context: c}}
  d: {build: {context: ., dockerfile: c/Dockerfile}}
== Dockerfile.node
FROM x
COPY src .
== a/package.json
== a/src/a.js
== b/package.json
== b/src/b.js
== c/Dockerfile
FROM x
COPY f .
== c/f
== f
";
    let read = |task| inputs(tree, task);
    assert!(read("a:image.node").iter().any(|line| line.starts_with("a/src All")));
    assert!(read("b:image.node").iter().any(|line| line.starts_with("b/src All")));
    let both = read("c:image");
    assert!(both.iter().any(|line| line.starts_with("c/f All")) && both.iter().any(|line| line.starts_with("f All")));
}

#[test]
fn a_dockerfile_with_another_name_or_none_reads_its_context() {
    let tree = "\
== compose.yaml
services:
  a: {build: {context: a, dockerfile: build.docker}}
  b: {build: {context: b, dockerfile_inline: \"FROM x\\nCOPY f .\"}}
  c: {build: c}
== a/build.docker
FROM x
== a/f
== b/package.json
";
    for (project, line) in [("a", 2), ("b", 3)] {
        let read = inputs(tree, &format!("{project}:image"));
        assert!(read.contains(&format!("{project} All [] compose.yaml:{line}")), "{read:?}");
    }
    assert_eq!(lines(tree, &["task b:image"]), ["task b:image `docker compose -f compose.yaml build b`"]);
    let warnings = lines(tree, &["Warning"]);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].starts_with("Warning dockerfile-missing: service c"), "{warnings:?}");
}

#[test]
fn skaffold_names_contexts_and_bases() {
    let tree = "\
== skaffold.yaml
kind: Config
build:
  artifacts:
    - image: acme/base
      context: base
    - image: acme/app
      context: .
      docker:
        dockerfile: app/Dockerfile
        target: slim
      requires: [{image: acme/base, alias: BASE}]
    - image: acme/java
      context: java
      jib: {}
---
kind: Config
build:
  artifacts:
    - image: acme/other
      context: other
== base/Dockerfile
FROM x
== app/Dockerfile
ARG BASE
FROM $BASE AS slim
COPY app/f .
FROM slim
COPY app/g .
== app/f
== app/g
== other/Dockerfile
FROM x
";
    assert_eq!(
        lines(tree, &["task app", "task other", "reads", "Warning"]),
        [
            "reads app:image <- base:image",
            "reads app:image.slim <- base:image",
            "task app:image `docker build -f app/Dockerfile -t app --build-arg BASE=acme/base .`",
            "task app:image.slim `docker build -f app/Dockerfile --target slim -t app-slim --build-arg BASE=acme/base .`",
            "task other:image `docker build -f other/Dockerfile -t other other`",
        ]
    );
}

#[test]
fn bake_targets_inherit_and_refer_to_each_other() {
    let tree = "\
== docker-bake.json
{\"target\": {
  \"common\": {\"context\": \"lib\"},
  \"app\": {\"context\": \"app\", \"contexts\": {\"root\": \"target:more\"}},
  \"more\": {\"inherits\": [\"common\"], \"args\": {\"A\": \"1\"}}
}}
== lib/Dockerfile
FROM x
== app/Dockerfile
FROM root
";
    assert_eq!(
        lines(tree, &["reads", "task lib", "Warning"]),
        [
            "reads app:image <- lib:image",
            "task lib:image `docker build -f lib/Dockerfile -t lib --build-arg A=1 lib`",
            "task lib:image `docker build -f lib/Dockerfile -t lib lib`",
        ]
    );
}

/// `web` is built here and needs `db`; `lone` needs nobody.
const DEPLOYED: &str = "\
== compose.yaml
x-logging: &logging {driver: \"${DRIVER}\"}
services:
  web:
    build: web
    logging: *logging
    depends_on: [db]
    environment: [\"PORT=${WEB_PORT:-80}\", HANDED]
    env_file: [{path: web.env, required: false}]
    networks: {front: {}}
    configs: [{source: site}]
    volumes: [\"./conf/${NAME}.yml:/etc/x.yml:ro\", data:/var, /abs:/abs, .git:/g]
  db:
    image: db:${DB}
    volumes: [{type: bind, source: ./db, target: /db}]
  lone: {build: lone}
networks: {front: {name: $FRONT}, back: {name: $BACK}}
configs: {site: {file: site.conf}}
volumes: {data: {}}
== compose.override.yaml
services:
  db: {labels: [a]}
== .env
NAME=x
NESTED=1
WEB_PORT=$NESTED
UNUSED=1
== web.env
== site.conf
== conf/x.yml
== db/init.sql
== web/Dockerfile
FROM x
== lone/Dockerfile
FROM x
";

#[test]
fn case_86_a_service_reads_what_its_entry_names() {
    assert_eq!(
        inputs(DEPLOYED, "web:compose"),
        [
            "conf/x.yml All [] compose.yaml:11",
            "db All [] compose.yaml:14",
            "site.conf All [] compose.yaml:17",
            "web.env All [] compose.yaml:8",
        ]
    );
    assert_eq!(
        lines(DEPLOYED, &["slice web:", "task web:compose"]),
        [
            "slice web:compose <- .env `COMPOSE_*`",
            "slice web:compose <- .env `NAME`",
            "slice web:compose <- .env `WEB_PORT`",
            "slice web:compose <- compose.override.yaml `services.db`",
            "slice web:compose <- compose.yaml `configs.site`",
            "slice web:compose <- compose.yaml `networks.front`",
            "slice web:compose <- compose.yaml `services.db`",
            "slice web:compose <- compose.yaml `services.web`",
            "slice web:compose <- compose.yaml `volumes.data`",
            "task web:compose `docker compose -f compose.yaml config --quiet web`",
        ]
    );
    assert_eq!(lines(DEPLOYED, &["slice lone:"]).len(), 2);
}

#[test]
fn case_86_a_service_reads_those_that_it_takes_over() {
    let tree = "\
== app/compose.yml
services:
  web: {build: ../svc, extends: {file: ../base/compose.yml, service: node}}
  other: {build: ../svc, extends: {file: ../base/plain.yml, service: node}, links: [\"web:w\"], ipc: \"service:web\"}
== base/compose.yml
services:
  node: {extends: root, env_file: e}
  root: {image: x}
== base/plain.yml
== base/e
== svc/Dockerfile
FROM x
";
    assert_eq!(
        lines(tree, &["slice"]),
        [
            "slice svc:compose <- app/compose.yml `services.other`",
            "slice svc:compose <- app/compose.yml `services.web`",
            "slice svc:compose <- app/compose.yml `services.web`",
            "slice svc:compose <- base/compose.yml `services.node`",
            "slice svc:compose <- base/compose.yml `services.node`",
            "slice svc:compose <- base/compose.yml `services.root`",
            "slice svc:compose <- base/compose.yml `services.root`",
        ]
    );
    let read: BTreeSet<String> = inputs(tree, "svc:compose").into_iter().collect();
    let read: Vec<&str> = read.iter().map(String::as_str).collect();
    assert_eq!(read, ["base/e All [] base/compose.yml:2", "base/plain.yml All [] app/compose.yml:3"]);
}

#[test]
fn case_96_services_that_all_need_each_other_are_not_told_apart() {
    let of = |count: usize| {
        let mut tree = "== a/Dockerfile\nFROM x\n== compose.yaml\nservices:\n".to_owned();
        for number in 0..count {
            tree.push_str(&format!("  s{number}: {{build: a, links: [s{}]}}\n", (number + 1) % count));
        }
        lines(&tree, &["slice"]).len()
    };
    assert_eq!(of(200), 200 * 200);
    assert_eq!(of(1000), 0);
}

#[test]
fn files_that_include_others_are_not_told_apart() {
    let tree =
        DEPLOYED.replace("== compose.override.yaml\n", "== compose.override.yaml\ninclude: [other/compose.yaml]\n");
    assert_eq!(lines(&tree, &["slice", "task web:compose"]), [""; 0]);
}
