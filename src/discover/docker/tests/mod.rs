//! Behaviour of docker's files together.

mod compose;
mod pipelines;

use super::Docker;
use crate::discover::testing::{describe, links_of};

/// The lines about a tree that begin with one of these words.
fn lines(tree: &str, starts: &[&str]) -> Vec<String> {
    let links = links_of::<Docker>(tree);
    let text = describe(&links);
    text.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).map(str::to_owned).collect()
}

fn inputs(tree: &str, task: &str) -> Vec<String> {
    let start = format!("input {task} <- ");
    lines(tree, &[&start]).into_iter().map(|line| line[start.len()..].to_owned()).collect()
}

const SHIPPING: &str = "\
== src/shipping/delivery/Dockerfile
FROM sdk AS build
COPY Common/*.csproj ./Common/
COPY Service/. ./Service/
FROM build AS testrunner
COPY Tests/. .
FROM build AS publish
RUN publish
FROM runtime AS final
COPY --from=publish /out .
COPY scripts/. ./
== src/shipping/delivery/Common/Common.csproj
== src/shipping/delivery/Service/a.cs
== src/shipping/delivery/Tests/t.cs
== src/shipping/delivery/scripts/run.sh
== src/shipping/scheduler/Dockerfile
FROM sdk AS build
COPY delivery/Common/. ./Common/
COPY scheduler/Service/. ./Service/
== src/shipping/scheduler/Service/b.cs
== src/shipping/scheduler/Service/.dockerignore
bin
";

#[test]
fn the_context_is_the_nearest_folder_with_all_sources() {
    assert_eq!(
        inputs(SHIPPING, "src/shipping/scheduler:image"),
        [
            "src/shipping/delivery/Common All [] src/shipping/scheduler/Dockerfile:2",
            "src/shipping/scheduler/Dockerfile All [] src/shipping/scheduler/Dockerfile:0",
            "src/shipping/scheduler/Service All [] src/shipping/scheduler/Dockerfile:3",
        ]
    );
    let edges = lines(SHIPPING, &["edge src/shipping/scheduler", "layout src/shipping/scheduler"]);
    assert_eq!(
        edges,
        [
            "edge src/shipping/scheduler -> owner of src/shipping/delivery/Common Image src/shipping/scheduler/Dockerfile:2",
            "edge src/shipping/scheduler -> owner of src/shipping/scheduler/Service Image src/shipping/scheduler/Dockerfile:3",
            "layout src/shipping/scheduler copies src/shipping/delivery/Common src/shipping/scheduler/Dockerfile:2",
            "layout src/shipping/scheduler copies src/shipping/scheduler/Service src/shipping/scheduler/Dockerfile:3",
        ]
    );
}

#[test]
fn a_file_from_outside_the_project_is_part_of_the_layout() {
    let tree = "\
== svc/go.mod
== svc/main.go
== pb/a.proto
== svc/Dockerfile
FROM x
COPY svc/ ./
COPY svc/go.mod ./
COPY pb/a.proto protos/
";
    assert_eq!(
        lines(tree, &["layout"]),
        ["layout svc copies pb/a.proto svc/Dockerfile:4", "layout svc copies svc svc/Dockerfile:2"]
    );
}

#[test]
fn a_target_reads_its_own_stages() {
    let image = inputs(SHIPPING, "src/shipping/delivery:image");
    let test = inputs(SHIPPING, "src/shipping/delivery:test");
    assert!(image.iter().any(|input| input.starts_with("src/shipping/delivery/scripts All")));
    assert!(image.iter().all(|input| !input.contains("Tests")), "{image:?}");
    assert!(test.iter().any(|input| input.starts_with("src/shipping/delivery/Tests All")));
    assert!(test.iter().all(|input| !input.contains("scripts")), "{test:?}");
    assert!(image.contains(
        &"src/shipping/delivery/Common All [*.csproj *.csproj/**] src/shipping/delivery/Dockerfile:2".to_owned()
    ));
    assert_eq!(
        lines(SHIPPING, &["task src/shipping/delivery"]),
        [
            "task src/shipping/delivery:image `docker build -f src/shipping/delivery/Dockerfile -t delivery src/shipping/delivery`",
            "task src/shipping/delivery:test `docker build -f src/shipping/delivery/Dockerfile --target testrunner -t delivery-test src/shipping/delivery && docker run --rm delivery-test`",
        ]
    );
}

#[test]
fn an_ignore_file_beside_a_project_has_no_effect() {
    let links = links_of::<Docker>(SHIPPING);
    let [finding] = &links.diagnostics[..] else { panic!("{}", describe(&links)) };
    assert_eq!(finding.code, "dockerignore-without-effect");
    assert!(finding.help.as_ref().unwrap().contains("src/shipping/.dockerignore"), "{finding:?}");
}

#[test]
fn case_86_ignore_files_narrow_the_whole_context() {
    let tree = "== a/Dockerfile\nFROM x\nCOPY . .\n== a/.dockerignore\n*.md\n!keep.md\n/docs/\n== a/main.c\n";
    assert_eq!(
        inputs(tree, "a:image"),
        [
            "a All [!*.md !*.md/** keep.md keep.md/** !docs !docs/**] a/Dockerfile:2",
            "a/.dockerignore All [] a/.dockerignore:0",
            "a/Dockerfile All [] a/Dockerfile:0",
        ]
    );
    let own = format!("{tree}== a/Dockerfile.dockerignore\nmain.c\n");
    let read = inputs(&own, "a:image");
    assert!(read.contains(&"a All [!main.c !main.c/**] a/Dockerfile:2".to_owned()), "{read:?}");
    assert!(read.contains(&"a/Dockerfile.dockerignore All [] a/Dockerfile.dockerignore:0".to_owned()));
    assert_eq!(lines(&own, &["Warning"]).len(), 1, "the context's own is without effect then");
}

#[test]
fn case_86_sources_climb_no_higher_than_the_context() {
    let tree = "== svc/a/Dockerfile\nFROM x\nCOPY ../shared /s\nCOPY a/main.c /m\n== svc/shared/s.c\n== svc/a/main.c\n";
    let read = inputs(tree, "svc/a:image");
    assert!(read.contains(&"svc/shared All [] svc/a/Dockerfile:2".to_owned()), "{read:?}");
    assert!(read.contains(&"svc/a/main.c All [] svc/a/Dockerfile:3".to_owned()), "{read:?}");
}

#[test]
fn case_86_base_images_that_are_built_here() {
    let tree = "\
== docker-compose.yml
services:
  runtime:
    image: registry.example.com/acme/runtime:1
    build: images/rt
== images/rt/Dockerfile
FROM debian
COPY r .
== images/rt/r
== a/Dockerfile
ARG BASE=registry.example.com/acme/runtime:1
FROM ${BASE}
== tools/Dockerfile
FROM alpine
== b/Dockerfile
FROM acme/tools:latest
== c/Dockerfile
FROM alpine AS tools
FROM tools
FROM registry.example.com/acme/tools
FROM acme/tools@sha256:00
== d/Dockerfile
ARG BASE
FROM $BASE
";
    assert_eq!(
        lines(tree, &["edge", "reads", "Warning"]),
        [
            "Warning docker-base-computed: the base image depends on BASE, which has no value here d/Dockerfile:2",
            "edge a -> images/rt Image a/Dockerfile:2",
            "edge b -> tools Image b/Dockerfile:1",
            "reads a:image <- images/rt:image",
            "reads b:image <- tools:image",
        ]
    );
}

#[test]
fn build_outputs_are_read_as_results() {
    let tree = "\
== svc/a/Dockerfile
FROM x
COPY target/*.jar app.jar
COPY package.json yarn.lock* ./
== svc/a/package.json
== svc/b/Dockerfile
FROM x
COPY svc/b/f .
COPY svc/a/dist /dist
== svc/b/f
";
    assert_eq!(
        lines(tree, &["reads", "Note", "edge svc/b -> owner of svc/a"]),
        [
            "Note docker-build-output: svc/a/dist is not in the repository, so it counts as the result of a build svc/b/Dockerfile:3",
            "Note docker-build-output: target/*.jar is not in the repository, so it counts as the result of a build svc/a/Dockerfile:2",
            "edge svc/b -> owner of svc/a Image svc/b/Dockerfile:3",
            "reads svc/a:image <- own build",
            "reads svc/b:image <- ^build along [Image]",
        ]
    );
}

#[test]
fn a_build_output_alone_tells_the_context() {
    let tree = "== svc/a/Dockerfile\nFROM x\nCOPY svc/a/target/app.jar /\n== svc/a/pom.xml\n";
    assert_eq!(lines(tree, &["task"]), ["task svc/a:image `docker build -f svc/a/Dockerfile -t a .`"]);
    assert_eq!(lines(tree, &["reads"]), ["reads svc/a:image <- own build"]);
}

#[test]
fn a_computed_source_widens_to_the_context() {
    let tree = "== a/Dockerfile\nFROM x\nARG WHAT\nCOPY $WHAT /w\n== a/.dockerignore\nno\n== a/f\n";
    assert!(inputs(tree, "a:image").contains(&"a All [!no !no/**] a/Dockerfile:3".to_owned()));
    assert_eq!(
        lines(tree, &["Warning"]),
        [
            "Warning docker-source-computed: a source depends on WHAT, which has no value here: the whole context is read a/Dockerfile:3"
        ]
    );
}

#[test]
fn no_folder_that_fits_is_said_and_every_source_read() {
    let tree = "== a/b/Dockerfile\nFROM x\nCOPY one two /\nCOPY three /\n== a/b/one\n== a/b/two\n== a/three\n";
    let read = inputs(tree, "a/b:image");
    for input in ["a/b/one", "a/b/two", "a/three"] {
        assert!(read.iter().any(|line| line.starts_with(&format!("{input} All"))), "{read:?}");
    }
    assert_eq!(lines(tree, &["Warning docker-context-unknown"]).len(), 1);
}

#[test]
fn an_image_belongs_to_the_project_that_is_its_context() {
    let tree = "\
== compose.yaml
services:
  api: {build: {context: services/api, dockerfile: ../../docker/api.Dockerfile}}
== docker/api.Dockerfile
FROM x
COPY . .
== docker/tools.Dockerfile
FROM x
COPY scripts /s
== scripts/s.sh
== services/api/package.json
== services/a/docker/Dockerfile
FROM x
COPY package.json src ./
== services/a/package.json
== services/a/src/x.js
";
    assert_eq!(
        lines(tree, &["project", "task"]),
        [
            "project docker Image Admitted [] Own",
            "project services/a Image Admitted [] Own",
            "project services/api Image Admitted [api] Own",
            "task docker:image.tools `docker build -f docker/tools.Dockerfile -t docker-tools .`",
            "task services/a:image `docker build -f services/a/docker/Dockerfile -t a services/a`",
            "task services/api:compose `docker compose -f compose.yaml config --quiet api`",
            "task services/api:image.api `docker build -f docker/api.Dockerfile -t api-api services/api`",
        ]
    );
}

#[test]
fn an_image_inside_a_project_takes_nothing_from_it() {
    let tree = "\
== svc/go.mod
== svc/genproto/Dockerfile
FROM x
== svc/.devcontainer/Dockerfile
FROM x
== other/genproto/Dockerfile
FROM x
";
    assert_eq!(
        lines(tree, &["project", "task"]),
        [
            "project other/genproto Image Admitted [] Own",
            "project svc Image Admitted [] Own",
            "project svc/genproto Image Stray [] Own",
            "task other/genproto:image `docker build -f other/genproto/Dockerfile -t other-genproto other/genproto`",
            "task svc/genproto:image `docker build -f svc/genproto/Dockerfile -t svc-genproto svc/genproto`",
            "task svc:image.devcontainer `docker build -f svc/.devcontainer/Dockerfile -t svc-devcontainer svc/.devcontainer`",
        ]
    );
}

#[test]
fn a_folder_of_dockerfiles_alone_is_no_context_for_all() {
    let tree = "== x/docker/Dockerfile\nFROM x\nCOPY . .\n== x/main.c\n";
    assert_eq!(lines(tree, &["task"]), ["task x/docker:image `docker build -f x/docker/Dockerfile -t docker x`"]);
}

#[test]
fn excludes_and_parents() {
    let tree = "== Dockerfile\nFROM x\nCOPY --exclude=*.md src /s\nCOPY --parents --exclude=a --exclude=**/b lib/**/x.c /l\n== src/a.md\n== lib/x.c\n";
    let read = inputs(tree, ".:image");
    assert!(read.contains(&"src All [!*.md !*.md/**] Dockerfile:2".to_owned()), "{read:?}");
    assert!(read.contains(&"lib All [**/x.c **/x.c/** !**/b !**/b/**] Dockerfile:3".to_owned()), "{read:?}");
}

#[test]
fn what_is_fetched_is_noted() {
    let tree = "== a/Dockerfile\nFROM x\nADD https://e.org/$V.jar /j\nADD --checksum=sha256:0 https://e.org/b /b\nADD git@e.org:r.git /g\nCOPY .git /h\n";
    assert_eq!(lines(tree, &["Note not-reproducible"]).len(), 3);
    assert_eq!(inputs(tree, "a:image").len(), 1);
    assert_eq!(lines(tree, &["reads", "Warning"]), [""; 0]);
}

#[test]
fn an_unreadable_dockerfile_still_has_an_image() {
    let tree = "== a/Dockerfile\nNONSENSE\n== a/f\n";
    assert_eq!(
        lines(tree, &["project", "input"]),
        [
            "input a:image <- a All [] a/Dockerfile:0",
            "input a:image <- a/Dockerfile All [] a/Dockerfile:0",
            "project a Image Admitted [] Own",
        ]
    );
}

#[test]
fn names_that_are_read() {
    use crate::discover::Ecosystem;
    for name in ["Dockerfile", "Dockerfile.dev", "worker.Dockerfile", "Containerfile", ".dockerignore", ".env"] {
        assert!(Docker::recognises(name.as_bytes()), "{name}");
    }
    for name in ["compose.yaml", "compose.full.yml", "docker-compose-dev.yaml", "Dockerfile.dockerignore"] {
        assert!(Docker::recognises(name.as_bytes()), "{name}");
    }
    for name in ["composer.yaml", "Dockerfile.md", "Dockerfile.j2", "MyDockerfile", ".env.local", "a.yaml"] {
        assert!(!Docker::recognises(name.as_bytes()), "{name}");
    }
}
