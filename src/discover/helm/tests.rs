use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Helm>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_87_a_file_dependency_is_packaged_with_the_chart() {
    check(
        "== charts/delivery/Chart.yaml\napiVersion: v2\nname: delivery\nversion: 1.0.0\ndependencies:\n  - name: common\n    version: 1.x.x\n    repository: file://../common\n  - name: redis\n    version: ~18\n    repository: '@bitnami'\n\
         == charts/delivery/values.yaml\nimage:\n  repository: acr.io/drone/delivery\n\
         == charts/common/Chart.yaml\napiVersion: v2\nname: common\ntype: library\nversion: 1.2.0\n",
        &[
            "project charts/common Chart Admitted [common] Own",
            "project charts/delivery Chart Admitted [delivery] Own",
            "edge charts/delivery -> charts/common Build charts/delivery/Chart.yaml:7",
            "task charts/common:chart `helm package charts/common`",
            "task charts/delivery:chart `helm dependency build charts/delivery && helm package charts/delivery`",
            "input charts/delivery:chart <- charts/delivery Owned [] charts/delivery/Chart.yaml:2",
            "reads charts/delivery:chart <- ^chart along [Build]",
            "join charts/delivery by Name(\"delivery\")",
            "join charts/delivery by Image(\"delivery\")",
        ],
        // A library chart deploys no service, and a chart repository is not ours.
        &["join charts/common", "dangling", "redis"],
    );
}

#[test]
fn case_87_a_lock_out_of_step_is_told_with_both_lines() {
    let chart = "== a/Chart.yaml\nname: a\ndependencies:\n- name: redis\n  version: ^18.1.0\n  repository: https://x\n- name: nats\n  version: 1.2.3\n  repository: https://x\n- name: new\n  version: '*'\n  repository: https://x\n";
    check(
        &format!(
            "{chart}== a/Chart.lock\ndependencies:\n- name: redis\n  version: 17.0.0\n- name: nats\n  version: 1.2.3\n- name: old\n  version: 1.0.0\n"
        ),
        &[
            "Warning chart-lock-out-of-step: dependency `redis` wants ^18.1.0, and Chart.lock:2 has 17.0.0 a/Chart.yaml:3",
            "Warning chart-lock-out-of-step: dependency `new` is not in Chart.lock a/Chart.yaml:9",
            "Warning chart-lock-out-of-step: `old` is locked, and Chart.yaml does not name it a/Chart.lock:6",
        ],
        &["`nats`"],
    );
    check(
        &format!(
            "{chart}== a/Chart.lock\ndependencies:\n- name: redis\n  version: 18.4.0\n- name: nats\n  version: v1.2.3\n- name: new\n  version: 9.0.0-rc1\n"
        ),
        &[],
        &["`redis`", "`nats`"],
    );
}

#[test]
fn ranges_that_helm_writes_are_understood_or_let_pass() {
    for (locked, range, fits) in [
        ("1.2.3", "1.2.3", true),
        ("1.2.4", "1.2.3", false),
        ("1.2.4", "1.2", true),
        ("1.3.0", "1.2", false),
        ("1.3.0", "1.x.x", true),
        ("2.0.0", "1.x", false),
        ("2.0.0", ">= 1.0.0 < 3.0.0", true),
        ("3.0.0", ">= 1.0.0, < 3.0.0", false),
        ("5.0.0", "1.x || 5.x", true),
        ("5.0.0", "1.0 - 2.0", true),
        ("0.1.0", "v0.1.0", true),
    ] {
        assert_eq!(chart::may_satisfy(locked, range), fits, "{locked} for {range}");
    }
}

#[test]
fn charts_of_the_first_api_state_dependencies_in_their_own_file() {
    check(
        "== a/Chart.yaml\nname: a\n== a/requirements.yaml\ndependencies:\n- name: b\n  version: 0.1.0\n  repository: \"file://../b\"\n== b/Chart.yaml\nname: b\n\
         == a/requirements.lock\ndependencies:\n- name: b\n  version: 0.2.0\n",
        &[
            "edge a -> b Build a/requirements.yaml:4",
            "Warning chart-lock-out-of-step: dependency `b` wants 0.1.0, and requirements.lock:2 has 0.2.0 a/requirements.yaml:4",
        ],
        &[],
    );
}

#[test]
fn a_vendored_chart_is_part_of_its_parent() {
    check(
        "== a/Chart.yaml\nname: a\ndependencies:\n- name: sub\n  repository: file://charts/sub\n== a/charts/sub/Chart.yaml\nname: sub\n== a/charts/sub/values.yaml\nimage: x/sub:1\n",
        &["project a/charts/sub Chart Stray [sub] Own", "edge a -> owner of a/charts/sub Build a/Chart.yaml:4"],
        &["join a/charts/sub"],
    );
}

#[test]
fn what_a_dependency_cannot_reach_is_told() {
    check(
        "== a/Chart.yaml\nname: a\ndependencies:\n- name: gone\n  repository: file://../gone\n- name: far\n  repository: file://../../far\n",
        &[
            "dangling a wants gone a/Chart.yaml:4",
            "Warning outside-repository: dependency `far` lies outside the repository a/Chart.yaml:6",
        ],
        &["edge"],
    );
}

#[test]
fn images_are_found_wherever_values_name_them() {
    check(
        "== c/Chart.yaml\nname: umbrella\n== c/values-prod.yaml\nweb:\n  image:\n    repository: registry:5000/team/web-ui\nworkers:\n- image: team/worker:1.0@sha256:ab\nproxyImage: proxy\nbroken:\n  image:\n    repository:\n    tag: x\n  other: {image: '{{ .Values.x }}'}\n",
        &[
            "join c by Image(\"proxy\")",
            "join c by Image(\"web-ui\")",
            "join c by Image(\"worker\")",
            "join c by Name(\"umbrella\")",
        ],
        &["Values"],
    );
}

#[test]
fn case_96_a_broken_chart_is_still_a_project() {
    assert!(Helm::read(b"Chart.yaml", b"name: [").is_err());
    assert!(Helm::read(b"values.yaml", b"a: [").is_err());
    assert!(matches!(Helm::read(b"values.yaml", b"a: {{ .Values.x }}\n{{- end }}"), Ok(Facts::Template)));
    check(
        "== a/Chart.yaml\nname: [\n== b/Chart.yaml\nname: b\n== b/templates/values.yaml\n{{- if .x }}\na: 1\n{{ end }}\n",
        &["project a Chart Admitted [] Own", "task a:chart `helm package a`"],
        &["templated-values"],
    );
}

#[test]
fn a_chart_at_the_root_takes_only_what_helm_packages() {
    let links = links_of::<Helm>("== Chart.yaml\nname: a\n== values.yaml\na: 1\n== src/main.py\n");
    let Ground::Shared(globs) = &links.projects[0].ground else { panic!("it owns everything") };
    assert!(globs.iter().any(|glob| glob == "values.yaml") && !globs.iter().any(|glob| glob == "**"));
    assert_eq!(links.tasks[0].command.as_ref().unwrap().line, "helm package .");
}

#[test]
fn folders_cannot_steer_the_shell() {
    assert_eq!(shell_word("-rf/$(id)"), "'./-rf/$(id)'");
    assert_eq!(shell_word("it's"), r"'it'\''s'");
}
