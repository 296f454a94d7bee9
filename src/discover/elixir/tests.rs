use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Elixir>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn paths_are_edges_and_packages_from_elsewhere_are_slices() {
    check(
        "== a/mix.exs\ndefmodule A.MixProject do\n  def project, do: [app: :a, deps: deps()]\n  defp deps do\n    [\n      {:b, path: \"../b\"}, # {:no, path: \"../no\"}\n      {:c, \"~> 1.0\", path: \"../c\", only: [:test]},\n      {:gone, path: \"../gone\"},\n      {:plug, \"~> 1.0\"},\n    ]\n  end\nend\n\
         == b/mix.exs\n== c/mix.exs\n== a/test/x.exs\n== a/deps/plug/mix.exs\n",
        &[
            "project a Code Admitted [a] Own",
            "edge a -> b Build a/mix.exs:5",
            "edge a -> c Test a/mix.exs:6",
            "dangling a wants mix.exs a/mix.exs:7",
            "task a:build `mix compile`",
            "task a:test `mix test`",
            "input a:build <- a Owned [!test/**] a/mix.exs:2",
        ],
        &["no", "a/deps", "task b:test"],
    );
}

#[test]
fn an_umbrella_depends_on_its_applications_which_share_its_lockfile() {
    check(
        "== mix.exs\n[apps_path: \"apps\"]\n== config/config.exs\n== mix.lock\n%{\n  \"plug\": {:hex, :plug, \"1.0.0\", \"aa\", [:mix], [{:mime, \"~> 1.0\", [hex: :mime]}], \"hexpm\", \"bb\"},\n  \"mime\": {:hex, :mime, \"1.0.0\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n  \"jason\": {:hex, :jason, \"1.0.0\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n}\n\
         == apps/web/mix.exs\n[app: :web, config_path: \"../../config/config.exs\", lockfile: \"../../mix.lock\", deps: [{:core, in_umbrella: true}, {:plug, \"~> 1\"}]]\n\
         == apps/core/mix.exs\n[app: :core, lockfile: \"../../mix.lock\", deps: [{:jason, \"~> 1\"}]]\n",
        &[
            "edge . -> apps/web Build mix.exs:0",
            "edge apps/web -> apps/core Build apps/web/mix.exs:1",
            "project apps/core Code Admitted [core] Own",
            "slice apps/web:build <- mix.lock `plug`",
            "slice apps/core:build <- mix.lock `jason`",
            "input apps/web:build <- config All [] apps/web/mix.exs:1",
        ],
        &["slice apps/web:build <- mix.lock `jason`", "input apps/web:build <- mix.lock"],
    );
}

#[test]
fn a_lockfile_of_what_is_not_understood_counts_as_a_whole() {
    for lock in [
        "%{\n  \"plug\": {:git, \"https://x\", \"aa\", []},\n}\n",
        "%{\n  \"plug\": {:hex, :plug,\n",
        "%{\n  \"other\": {:hex, :other, \"1\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n}\n",
    ] {
        let tree = format!("== a/mix.exs\n[app: :a, deps: [{{:plug, \"~> 1\"}}]]\n== a/mix.lock\n{lock}");
        check(&tree, &["input a:build <- a Owned [!test/**] a/mix.exs:1"], &["slice"]);
    }
    // What the library needs is locked beside who builds it.
    check(
        "== a/mix.exs\n[deps: [{:b, path: \"../b\"}]]\n== a/mix.lock\n%{}\n== b/mix.exs\n[deps: [{:plug, \"~> 1\"}]]\n",
        &["input a:build <- a Owned [!test/**] a/mix.exs:0"],
        &["slice"],
    );
}

#[test]
fn a_path_that_is_worked_out_is_a_doubt() {
    let links =
        links_of::<Elixir>("== a/mix.exs\n[deps: [{:b, path: Path.join(x, \"b\")}, {:c, path: \"../#{x}\"}]]\n");
    assert_eq!(links.doubts.len(), 2);
}

#[test]
fn a_project_inside_another_is_a_fixture_unless_it_is_wanted() {
    check(
        "== mix.exs\n== installer/templates/mix.exs\n<%= x %>\n",
        &["project installer/templates Code Stray [] Own"],
        &[],
    );
}
