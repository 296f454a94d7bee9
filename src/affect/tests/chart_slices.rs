//! Lock files of Helm, read in slices.

use super::check;

/// A chart with a locked dependency, an archive beside it, and a chart that it is packaged with.
const CHART: &str = "\
== a/Chart.yaml
apiVersion: v2
name: a
version: 1.0.0
dependencies:
- {name: redis, version: ^18, repository: x}
- {name: nats, version: 1.2.3, repository: x}
== a/Chart.lock
dependencies:
- name: redis
  repository: x
  version: 18.1.0
- name: nats
  repository: x
  version: 1.2.3
digest: sha256:1
generated: \"2026-01-01T00:00:00Z\"
== a/charts/redis-18.1.0.tgz
one
== a/charts/sub/Chart.yaml
name: sub
version: 1.0.0
== a/charts/sub/Chart.lock
dependencies: []
digest: sha256:2
== b/Chart.yaml
apiVersion: v2
name: b
version: 1.0.0
dependencies:
- {name: a, version: 1.0.0, repository: \"file://../a\"}
";

const BOTH: [&str; 2] = ["a:chart", "b:chart"];

#[test]
fn case_87_what_a_chart_locks_reaches_who_packages_it() {
    check(CHART, &CHART.replace("18.1.0\n- name", "18.2.0\n- name"), &BOTH);
    check(CHART, &CHART.replace("repository: x\n  version: 1.2.3", "repository: y\n  version: 1.2.3"), &BOTH);
    check(CHART, &CHART.replace("digest: sha256:1", "- name: new\ndigest: sha256:1"), &BOTH);
    check(CHART, &CHART.replace("== a/charts/redis-18.1.0.tgz\none", "== a/charts/redis-18.1.0.tgz\ntwo"), &BOTH);
    // A chart inside another one is packaged as it lies there.
    check(CHART, &CHART.replace("sha256:2", "sha256:3"), &BOTH);
}

#[test]
fn case_87_when_a_lock_file_was_written_and_how_reaches_nobody() {
    check(CHART, &CHART.replace("2026-01-01", "2026-02-02").replace("sha256:1", "sha256:7"), &[]);
    let turned = CHART.replace(
        "- name: redis\n  repository: x\n  version: 18.1.0\n- name: nats\n  repository: x\n  version: 1.2.3\n",
        "# again\n- {name: nats, version: 1.2.3, repository: x}\n- {version: 18.1.0, name: redis, repository: x}\n",
    );
    check(CHART, &turned, &[]);
}

#[test]
fn case_87_a_lock_file_that_is_no_table_is_read_as_a_whole() {
    let two = CHART.replace("generated:", "---\ngenerated:");
    check(&two, &two.replace("2026-01-01", "2026-02-02"), &BOTH);
    let older = CHART.replace("a/Chart.lock", "a/requirements.lock");
    check(&older, &older.replace("2026-01-01", "2026-02-02"), &[]);
    check(CHART, &older, &BOTH);
}
