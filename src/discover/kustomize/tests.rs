use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Kustomize>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_87_an_overlay_reads_its_base_and_files_elsewhere() {
    check(
        "== k8s/delivery/base/kustomization.yaml\nresources:\n- deployment.yaml\n- https://example.com/x.yaml\n- github.com/acme/x//base?ref=v1\n- github.com/acme/y\n== k8s/delivery/base/deployment.yaml\n\
         == k8s/delivery/overlays/prod/kustomization.yml\nbases: [../../base]\ncomponents:\n- ../../../common\npatches:\n- path: ../../../patches/replicas.yaml\n- patch: |-\n    a: b\n\
         configMapGenerator:\n- name: x\n  files:\n  - key=../../../config/a.json\n  env: ../../../config/x.env\nimages:\n- name: acr.io/drone/delivery\n  newTag: v1\n- name: gone.io/other\npatchesStrategicMerge:\n- ../gone.yaml\n- |-\n  kind: Deployment\n\
         == k8s/common/Kustomization\nkind: Component\n== k8s/patches/replicas.yaml\n== k8s/config/a.json\n== k8s/config/x.env\n",
        &[
            "project k8s/delivery/overlays/prod Chart Admitted [] Own",
            "edge k8s/delivery/overlays/prod -> k8s/delivery/base Build k8s/delivery/overlays/prod/kustomization.yml:1",
            "edge k8s/delivery/overlays/prod -> k8s/common Build k8s/delivery/overlays/prod/kustomization.yml:3",
            "reads k8s/delivery/overlays/prod:manifests <- k8s/delivery/base:manifests",
            "input k8s/delivery/overlays/prod:manifests <- k8s/patches/replicas.yaml All [] k8s/delivery/overlays/prod/kustomization.yml:5",
            "input k8s/delivery/overlays/prod:manifests <- k8s/config/a.json All [] k8s/delivery/overlays/prod/kustomization.yml:11",
            "input k8s/delivery/overlays/prod:manifests <- k8s/config/x.env All [] k8s/delivery/overlays/prod/kustomization.yml:12",
            "dangling k8s/delivery/overlays/prod wants gone.yaml k8s/delivery/overlays/prod/kustomization.yml:18",
            "join k8s/delivery/overlays/prod by Name(\"delivery\")",
            "join k8s/delivery/overlays/prod by Image(\"delivery\")",
            "task k8s/delivery/overlays/prod:manifests `kustomize build`",
            "task k8s/common:manifests ``",
        ],
        &["example.com", "acme"],
    );
}

#[test]
fn a_kustomization_inside_a_project_takes_no_files_from_it() {
    check(
        "== go.mod\n== config/crd/kustomization.yaml\nresources: [x.yaml]\n== config/crd/x.yaml\n== pkg/testdata/kustomization.yaml\n== svc/package.json\n== svc/k8s/kustomization.yaml\nresources: [../../config/crd]\n",
        &[
            "task .:manifests `kustomize build`",
            "input .:manifests <- config/crd All [] config/crd/kustomization.yaml:0",
            "input svc:manifests <- svc/k8s All [] svc/k8s/kustomization.yaml:0",
            "edge svc -> . Deploy svc/k8s/kustomization.yaml:1",
            "reads svc:manifests <- .:manifests",
        ],
        &["project", "testdata"],
    );
}

#[test]
fn files_in_the_folder_of_a_nested_kustomization_are_inputs_too() {
    check(
        "== k/kustomization.yaml\nresources:\n- sub/a.yaml\nhelmCharts:\n- name: x\n  valuesFile: ../values.yaml\n== k/sub/a.yaml\n== k/sub/kustomization.yaml\n== values.yaml\n",
        &[
            "input k:manifests <- k/sub/a.yaml All [] k/kustomization.yaml:2",
            "input k:manifests <- values.yaml All [] k/kustomization.yaml:5",
            "task k:manifests `kustomize build --enable-helm`",
        ],
        &[],
    );
}

#[test]
fn one_of_a_controller_is_none_of_ours() {
    check(
        "== a/kustomization.yaml\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  path: ./x\n== kustomization.yaml\nresources: [b/x.yaml]\n== b/x.yaml\n",
        &["project . Chart Admitted [] Shared([\"b/x.yaml\"])"],
        &["project a"],
    );
}

#[test]
fn case_96_one_that_cannot_be_read_is_still_a_project() {
    check(
        "== a/kustomization.yaml\n[\n",
        &["project a Chart Admitted [] Own", "task a:manifests `kustomize build`"],
        &[],
    );
}
