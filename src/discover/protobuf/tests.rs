use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Protobuf>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_88_services_import_a_shared_schema() {
    check(
        "== pb/demo.proto\nsyntax = \"proto3\";\npackage demo;\nimport \"common/money.proto\";\nimport \"google/protobuf/any.proto\";\n\
         == pb/common/money.proto\npackage common;\n== types/v1/t.proto\nimport \"pb/demo.proto\";\n\
         == svc/go.mod\n== svc/proto/api.proto\nimport \"demo.proto\";\nimport \"proto/other.proto\";\n== svc/proto/other.proto\n== package.json\n",
        &[
            "project pb Schema Admitted [] Own",
            "project types/v1 Schema Admitted [] Own",
            "edge types/v1 -> owner of pb/demo.proto Schema types/v1/t.proto:1",
            "edge svc/proto -> owner of pb/demo.proto Schema svc/proto/api.proto:1",
            "task pb:build ``",
            "input pb:build <- pb Owned [] pb/demo.proto:0",
            "reads pb:build <- ^build along [Schema]",
        ],
        &["project svc", "project pb/common", "edge pb ", "dangling"],
    );
}

#[test]
fn case_88_buf_modules_import_along_their_workspace() {
    check(
        "== buf.work.yaml\nversion: v1\ndirectories:\n  - orders\n  - shared\n== orders/buf.yaml\nversion: v1\nname: buf.build/acme/orders\n\
         == orders/acme/orders/v1/o.proto\nimport \"acme/money/v1/m.proto\";\nimport \"acme/gone/v1/g.proto\";\nimport \"validate/validate.proto\";\n\
         == shared/buf.yaml\nversion: v1\n== shared/acme/money/v1/m.proto\n== copy/acme/money/v1/m.proto\n",
        &[
            "project orders Schema Admitted [buf.build/acme/orders] Own",
            "project shared Schema Admitted [] Own",
            "edge orders -> owner of shared/acme/money/v1/m.proto Schema orders/acme/orders/v1/o.proto:1",
            "dangling orders wants g.proto orders/acme/orders/v1/o.proto:2",
            "input orders:build <- buf.work.yaml All [] buf.work.yaml:0",
        ],
        &["validate", "-> owner of copy"],
    );
}

#[test]
fn modules_of_the_second_version_stand_in_their_own_folders() {
    check(
        "== buf.yaml\nversion: v2\nmodules:\n  - path: proto/a\n  - path: proto/b\n== proto/a/a.proto\nimport \"b.proto\";\n== proto/b/b.proto\n",
        &[
            "project proto/a Schema Admitted [] Own",
            "project proto/b Schema Admitted [] Own",
            "edge proto/a -> owner of proto/b/b.proto Schema proto/a/a.proto:1",
            "input proto/a:build <- buf.yaml All [] buf.yaml:3",
        ],
        &["project ."],
    );
}

#[test]
fn a_module_around_other_projects_leaves_them_their_imports() {
    check(
        "== buf.yaml\nversion: v2\nmodules:\n  - path: .\n    excludes: [third_party]\n== a.proto\nimport \"b.proto\";\n== b.proto\n\
         == third_party/buf.yaml\nversion: v1\n== third_party/rules/r.proto\n== svc/go.mod\n== svc/s.proto\nimport \"rules/r.proto\";\n",
        &[
            "edge svc -> owner of third_party/rules/r.proto Schema svc/s.proto:1",
            "edge . -> owner of third_party/rules/r.proto Schema svc/s.proto:1",
        ],
        &["owner of b.proto"],
    );
}

#[test]
fn copies_that_drift_apart_are_told() {
    check(
        "== pb/demo.proto\npackage demo;\nmessage A {}\n== svc/go.mod\n== svc/demo.proto\npackage demo; // the same\nmessage A {}\n== web/package.json\n== web/demo.proto\npackage demo;\n",
        &["Note proto-drift: `pb/demo.proto` of package demo differs from `web/demo.proto` pb/demo.proto:1"],
        &["`svc/demo.proto`"],
    );
}

#[test]
fn an_import_means_the_nearest_of_several() {
    check(
        "== a/x/importer.proto\nimport \"m/money.proto\";\n== a/third/m/money.proto\n== b/third/m/money.proto\n",
        &["edge a/x -> owner of a/third/m/money.proto Schema a/x/importer.proto:1"],
        &["owner of b/third/m"],
    );
}

#[test]
fn schemas_at_the_root_take_no_other_ground() {
    check(
        "== a.proto\npackage a;\n== svc/go.mod\n== svc/b.proto\nimport \"a.proto\";\n== lib/c.proto\n",
        &[
            "project . Schema Admitted [] Shared([\"*.proto\"])",
            "edge svc -> owner of a.proto Schema svc/b.proto:1",
            "project lib Schema Admitted [] Own",
        ],
        &["project svc"],
    );
}

#[test]
fn schemas_beside_a_module_of_go_at_the_root_leave_it_its_ground() {
    check("== go.mod\n== buf.yaml\nversion: v1\n== api/a.proto\n", &["project . Schema Admitted [] Own"], &[]);
    check(
        "== package.json\n== buf.yaml\nversion: v1\n== api/a.proto\n",
        &["project . Schema Admitted [] Shared([\"**/*.proto\", \"buf.lock\", \"buf.yaml\"])"],
        &[],
    );
}

#[test]
fn case_96_a_broken_module_is_still_a_project() {
    check(
        "== m/buf.yaml\n[\n== m/x/a.proto\n",
        &["project m Schema Admitted [] Own", "task m:build ``"],
        &["project m/x"],
    );
}

#[test]
fn who_generates_code_reads_the_schemas() {
    check(
        "== proto/buf.yaml\nversion: v1\n== proto/a.proto\n== svc/go.mod\n== svc/buf.gen.yaml\nversion: v2\ninputs:\n  - directory: ../proto\n  - module: buf.build/acme/x\n  - directory: ../gone\n\
         == all/buf.gen.go.yaml\nversion: v1\nplugins: []\n== all/x/buf.yaml\n== all/x/x.proto\n",
        &[
            "edge svc -> proto Schema svc/buf.gen.yaml:3",
            "edge all -> all/x Schema all/buf.gen.go.yaml:1",
            "dangling svc wants gone svc/buf.gen.yaml:5",
        ],
        &["acme", "all -> proto"],
    );
}

#[test]
fn case_91_the_lockfile_is_read_by_module() {
    check(
        "== buf.yaml\nversion: v2\nmodules:\n  - path: a\n== a/a.proto\n== buf.lock\nversion: v2\ndeps:\n  - name: buf.build/acme/x\n    commit: aa\n",
        &["slice a:build <- buf.lock `buf.build/acme/x`"],
        &["<- buf.lock All"],
    );
    let slices = |text: &str| read_lock(read_yaml(text.as_bytes()).unwrap().first()).fragments.slices();
    let one = slices("# a\nversion: v1\ndeps:\n- remote: r\n  owner: o\n  repository: x\n  commit: c\n");
    assert_eq!(one, slices("version: v1\ndeps: [{commit: c, remote: r, owner: o, repository: x}]\n"));
    assert_ne!(one, slices("version: v1\ndeps: [{commit: d, remote: r, owner: o, repository: x}]\n"));
}
