use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Python>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_95_requirements_reach_a_library_and_files_outside() {
    check(
        "== svc/api/requirements.txt\n-r ../../shared/base.txt\n-e ../lib[extra] ; python_version > '3'\nflask==1\n\
         == shared/base.txt\n-c constraints.txt\n-r base.txt\n../svc/lib2\n== shared/constraints.txt\nflask==1\n\
         == svc/lib/pyproject.toml\n[project]\nname = \"lib\"\n== svc/lib2/setup.py\nfrom setuptools import setup\nsetup(name='lib2')\n\
         == .python-version\n3.13\n== svc/api/main.py\n",
        &[
            "project svc/api Code Admitted [] Own",
            "project svc/lib Code Admitted [lib] Own",
            "project svc/lib2 Code Admitted [lib2] Own",
            "edge svc/api -> svc/lib Build svc/api/requirements.txt:2",
            "edge svc/api -> svc/lib2 Build shared/base.txt:3",
            "input svc/api:build <- svc/api Owned [] svc/api/requirements.txt:0",
            "input svc/api:build <- shared/base.txt All [] svc/api/requirements.txt:1",
            "input svc/api:build <- shared/constraints.txt All [] shared/base.txt:1",
            "input svc/api:build <- .python-version All [] .python-version:0",
            "reads svc/api:build <- ^build along [Build, Schema]",
            "task svc/api:build ``",
            "task svc/lib:build `python -m build`",
        ],
        &["project shared", ":test", "dangling"],
    );
}

#[test]
fn case_95_a_uv_workspace_admits_its_members() {
    check(
        "== pyproject.toml\n[tool.uv.workspace]\nmembers = [\"packages/*\"]\nexclude = [\"packages/old\"]\n[tool.uv.sources]\nshared-core = { workspace = true }\n\
         == uv.lock\n\
         == packages/api/pyproject.toml\n[project]\nname = \"api\"\ndependencies = [\n \"Shared_Core>=1\",\n \"tools\",\n \"flask\",\n]\n[dependency-groups]\ndev = [\"fixtures\"]\n[tool.uv.sources]\ntools = { path = \"../../tools/gen\", editable = true }\nfixtures = { workspace = true }\nghost = { workspace = true }\n[build-system]\nrequires = []\nbuild-backend = \"uv_build\"\n\
         == packages/api/tests/test_a.py\n\
         == packages/core/pyproject.toml\n[project]\nname = \"shared.core\"\n\
         == packages/fixtures/pyproject.toml\n[project]\nname = \"fixtures\"\n\
         == packages/old/pyproject.toml\n[project]\nname = \"old\"\n\
         == tools/gen/pyproject.toml\n[project]\nname = \"tools\"\n",
        &[
            "project . Workspace Admitted [] Shared([\"pyproject.toml\"])",
            "project packages/api Code Admitted [api] Own",
            "project packages/core Code Admitted [shared.core,shared-core] Own",
            "project packages/old Code Stray [old] Own",
            "project tools/gen Code Admitted [tools] Own",
            "edge packages/api -> packages/core Build packages/api/pyproject.toml:4",
            "edge packages/api -> tools/gen Build packages/api/pyproject.toml:11",
            "edge packages/api -> packages/fixtures Test packages/api/pyproject.toml:12",
            "input packages/api:build <- uv.lock All [] uv.lock:0",
            "slice packages/api:build <- pyproject.toml `what acts on all members`",
            "task packages/api:build `uv build`",
            "task packages/api:test `uv run pytest`",
            "reads packages/api:test <- ^build along [Build, Schema, Test]",
            "task packages/core:build ``",
        ],
        &["task .:", "edge .", "dangling"],
    );
}

#[test]
fn case_95_a_workspace_root_with_a_package_shares_its_ground() {
    check(
        "== pyproject.toml\n[project]\nname = \"root\"\n[tool.uv.workspace]\nmembers = [\"libs/*\"]\n== src/root/a.py\n== tests/test_a.py\n== libs/a/pyproject.toml\n[project]\nname = \"a\"\n== docs/readme.md\n",
        &[
            "project . Code Admitted [root] Shared([\"*.py\", \"*requirements.txt\", \"LICENSE*\", \"MANIFEST.in\", \"Pipfile\", \"README*\", \"constraints*.txt\", \"pyproject.toml\", \"requirements*.txt\", \"requirements/**\", \"setup.cfg\", \"py.typed\", \"src/**\", \"tests/**\"])",
            "project libs/a Code Admitted [a] Own",
            "task .:test `uv run pytest`",
        ],
        &[],
    );
}

#[test]
fn case_95_poetry_path_sources_and_groups() {
    check(
        "== a/pyproject.toml\n[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\npython = \"^3.12\"\nb = { path = \"../b\", develop = true }\nd = \"^1\"\n[tool.poetry.group.test.dependencies]\nc = [{ path = \"../c\" }]\n[build-system]\nbuild-backend = \"poetry.core.masonry.api\"\n== a/test_a.py\n\
         == b/pyproject.toml\n[tool.poetry]\nname = \"b\"\npackage-mode = false\n== c/pyproject.toml\n[project]\nname = \"c\"\n== d/pyproject.toml\n[project]\nname = \"d\"\n",
        &[
            "edge a -> b Build a/pyproject.toml:5",
            "edge a -> c Test a/pyproject.toml:8",
            "task a:build `poetry build`",
            "task a:test `poetry run pytest`",
            "task b:build ``",
        ],
        // poetry takes a plain name from an index.
        &["edge a -> d"],
    );
}

#[test]
fn case_95_pdm_hatch_and_pipenv_paths() {
    check(
        "== a/pyproject.toml\n[project]\nname = \"a\"\n[tool.pdm.dev-dependencies]\ndev = [\n \"-e file:///${PROJECT_ROOT}/../lib#egg=lib\",\n]\n== a/tests/x.py\n\
         == b/pyproject.toml\n[project]\nname = \"b\"\ndependencies = [\"lib @ {root:parent:uri}/lib\"]\n\
         == c/Pipfile\n[packages]\nlib = { path = \"../lib\", editable = true }\nself = { path = \".\" }\n[dev-packages]\nb = { path = \"../b\" }\n== c/tests/x.py\n\
         == lib/setup.cfg\n[metadata]\nname = lib\n",
        &[
            "edge a -> lib Test a/pyproject.toml:5",
            "edge b -> lib Build b/pyproject.toml:3",
            "edge c -> lib Build c/Pipfile:2",
            "edge c -> b Test c/Pipfile:5",
            "task c:test `pipenv run python -m pytest`",
        ],
        &["dangling"],
    );
}

#[test]
fn several_requirements_files_make_one_project() {
    check(
        "== a/requirements.txt\nx\n== a/requirements-dev.txt\n-r requirements.txt\n-e ../tools\n== a/requirements/base.txt\n-e ../lib\n== a/tests/test_a.py\n== lib/setup.py\nsetup()\n== tools/setup.py\nsetup()\n",
        &[
            "project a Code Admitted [] Own",
            "edge a -> lib Build a/requirements/base.txt:1",
            "edge a -> tools Test a/requirements-dev.txt:2",
        ],
        &["project a/requirements ", "dangling"],
    );
}

#[test]
fn pip_takes_paths_from_where_it_is_started() {
    check(
        "== a/setup.py\nsetup()\n== a/requirements/dev.txt\n-e .\n./libs/x\n== libs/x/setup.py\nsetup()\n",
        &["edge a -> libs/x Build a/requirements/dev.txt:2"],
        &["dangling", "project a/requirements"],
    );
}

#[test]
fn a_program_is_read_by_its_literals_and_told_of_the_rest() {
    check(
        "== libs/a/setup.py\nfrom setuptools import setup\nversion = open('../VERSION').read()\nsetup(name='a', install_requires=['b'])\n== libs/VERSION\n1\n\
         == libs/b/setup.py\nimport os\nroot = os.path.dirname(os.path.dirname(__file__))\nsetup(name='b')\n",
        &[
            "edge libs/a -> libs/b Build libs/a/setup.py:3",
            "input libs/a:build <- libs/VERSION All [] libs/a/setup.py:2",
            "input libs/b:build <- libs All [] libs/b/setup.py:2",
            "Warning computed-path: a path above the folder is computed, so everything below `libs` counts as read libs/b/setup.py:2",
        ],
        &[],
    );
}

#[test]
fn namespace_packages_stay_apart() {
    check(
        "== a/pyproject.toml\n[project]\nname = \"acme-a\"\n== a/src/acme/a/x.py\n== b/pyproject.toml\n[project]\nname = \"acme.b\"\ndependencies = [\"acme_a\"]\n== b/src/acme/b/y.py\n",
        &[
            "project a Code Admitted [acme-a] Own",
            "project b Code Admitted [acme.b,acme-b] Own",
            "edge b -> a Build b/pyproject.toml:3",
        ],
        &[],
    );
}

#[test]
fn what_leads_nowhere_is_told() {
    check(
        "== a/requirements.txt\n-e ../gone\n-r missing.txt\n-e ../../far\n-e ${LIBS}/x\n== b/pyproject.toml\n[project]\nname = \"b\"\ndependencies = [\"c\"]\n[tool.uv.sources]\nc = { workspace = true }\n",
        &[
            "dangling a wants gone a/requirements.txt:1",
            "dangling a wants missing.txt a/requirements.txt:2",
            "Warning computed-path: a variable decides where `${LIBS}/x` leads, so what it depends on is not known a/requirements.txt:4",
            "Warning unknown-workspace-member: `c` is no member of a workspace that this project belongs to b/pyproject.toml:5",
            "Warning outside-repository: `../../far` lies outside the repository a/requirements.txt:3",
        ],
        &["edge"],
    );
}

#[test]
fn settings_of_tools_at_the_root_make_no_project() {
    check(
        "== pyproject.toml\n[tool.ruff]\nline-length = 100\n[tool.pytest.ini_options]\naddopts = '-q'\n== conftest.py\n== a/setup.py\nsetup()\n== a/test_x.py\n== b/pyproject.toml\n[tool.black]\n== b/x.py\n",
        &[
            "slice a:test <- pyproject.toml `tool.pytest`",
            "input a:test <- conftest.py All [] conftest.py:0",
            "project a Code Admitted [] Own",
            "project b Code Admitted [] Own",
        ],
        &["project .", "input a:build <- pyproject.toml"],
    );
}

#[test]
fn a_tooling_root_leaves_the_ground_to_others() {
    let links = links_of::<Python>("== requirements.txt\nmkdocs\n== svc/requirements.txt\nflask\n== web/index.js\n");
    let text = describe(&links);
    assert!(text.contains("project . Code Admitted [] Shared("), "{text}");
    assert!(text.contains("project svc Code Admitted [] Own"), "{text}");
}

#[test]
fn what_is_nested_in_a_package_is_stray_unless_it_is_reached() {
    check(
        "== a/pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"p @ file:plugins/p\"]\n== a/docs/requirements.txt\nsphinx\n== a/plugins/p/setup.py\nsetup(name='p')\n== a/plugins/q/setup.py\nsetup(name='q')\n== a/own/pyproject.toml\n[project]\nname = \"own\"\n== a/own/poetry.lock\n",
        &[
            "project a/docs Code Stray [] Own",
            "project a/plugins/p Code Admitted [p] Own",
            "project a/plugins/q Code Stray [q] Own",
            "project a/own Code Admitted [own] Own",
            "edge a -> a/plugins/p Build a/pyproject.toml:3",
        ],
        &[],
    );
}

#[test]
fn paths_that_tools_read_outside_are_inputs() {
    check(
        "== a/pyproject.toml\n[project]\nname = \"a\"\nreadme = \"../README.md\"\n[tool.hatch.build.force-include]\n\"../schema\" = \"schema\"\n[tool.ruff]\nextend = \"../ruff.toml\"\n== README.md\n== schema/x.json\n== ruff.toml\n",
        &[
            "input a:build <- README.md All [] a/pyproject.toml:3",
            "input a:build <- schema All [] a/pyproject.toml:5",
            "edge a -> owner of schema Build a/pyproject.toml:5",
        ],
        &["ruff.toml All"],
    );
}

#[test]
fn case_96_an_unreadable_manifest_is_still_a_project() {
    assert!(Python::read(b"pyproject.toml", b"[project").is_err());
    check(
        "== a/pyproject.toml\n[project\n== a/b/setup.py\nsetup()\n",
        &[
            "project a Code Admitted [] Own",
            "project a/b Code Admitted [] Own",
            "input a:build <- a Owned [] a/pyproject.toml:1",
        ],
        &[],
    );
}

proptest::proptest! {
    #[test]
    fn case_96_no_bytes_stop_the_readers(text in "(install_requires|setup\\(|parent|dirname|\\.\\.|\\.|/|,|\\[|\\{|'|\"|\\\\|#|@|file:|\\$\\{PROJECT_ROOT\\}|%|=| |\n|é|-e |-r|;|a){0,60}") {
        for name in [&b"pyproject.toml"[..], b"setup.py", b"setup.cfg", b"Pipfile", b"requirements.txt"] {
            drop(Python::read(name, text.as_bytes()));
        }
    }
}

#[test]
fn case_96_a_lockfile_of_many_ambiguous_names_costs_no_more_than_its_length() {
    // One name, and each entry wants it by name, by version, and by as many extras.
    let entry = |n: usize| {
        format!(
            "[[package]]\nname = \"a\"\nversion = \"{n}\"\nsource = {{ registry = \"x\" }}\ndependencies = [{{ name = \"a\", extra = [\"e{n}\"] }}, {{ name = \"a\", version = \"{n}\" }}]\n[package.optional-dependencies]\ne{n} = [{{ name = \"a\" }}]\n"
        )
    };
    let lock = format!("version = 1\n{}", (0..20_000).map(entry).collect::<String>());
    let Ok(Facts::Lock(Some(lock))) = Python::read(b"uv.lock", lock.as_bytes()) else { panic!("it is a lockfile") };
    let needs: usize = lock.fragments.iter().map(|(_, fragment)| fragment.needs.len()).sum();
    assert!(needs < 200_000, "{needs}");
    let entry = |n: usize| format!("[[package]]\nname = \"a\"\nversion = \"{n}\"\n[package.dependencies]\na = \"1\"\n");
    let lock = format!("{}[metadata]\nlock-version = \"2.1\"\n", (0..20_000).map(entry).collect::<String>());
    let Ok(Facts::Lock(Some(lock))) = Python::read(b"poetry.lock", lock.as_bytes()) else { panic!("it is a lockfile") };
    let needs: usize = lock.fragments.iter().map(|(_, fragment)| fragment.needs.len()).sum();
    assert!(needs < 100_000, "{needs}");
}
