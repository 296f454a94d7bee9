//! Several services in one Python project: a change of a source reaches those that import it, and nothing that is read is
//! missed.

use super::{check, check_some};

/// `api` and `worker` share `common`; `worker` alone has `jobs`. The project has tests, and so has `api`.
const SERVICES: &str = "\
== py/pyproject.toml
[project]
name = \"shop\"
== py/services/api/Dockerfile
FROM python
COPY services/api services/api
COPY common common
== py/services/api/main.py
from common.money import Money
== py/services/api/tests/test_main.py
from services.api import main
== py/services/worker/Dockerfile
FROM python
COPY services/worker services/worker
== py/services/worker/main.py
import common.errors
def run():
    from jobs import daily
== py/common/__init__.py
== py/common/money.py
from .rounding import rounded
== py/common/rounding.py
rounded = round
== py/common/errors.py
class Failed(Exception): pass
== py/common/unused.py
== py/jobs/daily.py
== py/jobs/hourly.py
== py/templates/page.html
<p>
== py/tests/test_all.py
import services
";

const PROJECT: [&str; 2] = ["py:build", "py:test"];
const API: [&str; 2] = ["py/services/api:build", "py/services/api:test"];

/// What is appended to a file reaches exactly these, besides the project, which reads everything.
#[track_caller]
fn reaches(tree: &str, file: &str, expected: &[&str]) {
    let head = appended(tree, file, "# more");
    check(tree, &head, &sorted(PROJECT.iter().chain(expected)));
}

fn sorted<'a>(tasks: impl Iterator<Item = &'a &'a str>) -> Vec<&'a str> {
    let mut tasks: Vec<&str> = tasks.copied().collect();
    tasks.sort_unstable_by_key(|task| task.split_once(':'));
    tasks
}

#[track_caller]
fn appended(tree: &str, file: &str, line: &str) -> String {
    let title = format!("== {file}\n");
    assert_eq!(tree.matches(&title).count(), 1, "{file}");
    tree.replace(&title, &format!("{title}{line}\n"))
}

#[test]
fn a_source_reaches_the_services_that_import_it() {
    let (worker, image) = ("py/services/worker:build", "py:image.api");
    reaches(SERVICES, "py/common/money.py", &[API[0], API[1], image]);
    reaches(SERVICES, "py/common/rounding.py", &[API[0], API[1], image]);
    reaches(SERVICES, "py/common/errors.py", &[image, worker]);
    reaches(SERVICES, "py/common/__init__.py", &[API[0], API[1], image, worker]);
    reaches(SERVICES, "py/common/unused.py", &[image]);
    reaches(SERVICES, "py/jobs/daily.py", &[worker]);
    reaches(SERVICES, "py/jobs/hourly.py", &[]);
    reaches(SERVICES, "py/services/worker/main.py", &["py:image.worker", worker]);
    reaches(SERVICES, "py/services/api/tests/test_main.py", &[API[0], API[1], image]);
    reaches(SERVICES, "py/tests/test_all.py", &[]);
}

#[test]
fn what_is_no_source_reaches_all_services() {
    let both = [API[0], API[1], "py/services/worker:build"];
    reaches(SERVICES, "py/templates/page.html", &both);
    // What belongs to the project of another ecosystem does not.
    let web = format!("{SERVICES}== py/web/package.json\n{{\"name\": \"web\"}}\n== py/web/x.ts\n1\n");
    check(&web, &appended(&web, "py/web/x.ts", "2"), &["py/web:build"]);
}

#[test]
fn an_import_that_comes_or_goes_is_seen() {
    let more = appended(SERVICES, "py/services/api/main.py", "from jobs import hourly");
    check_some(&more, &appended(&more, "py/jobs/hourly.py", "x = 1"), &API, &["py/services/worker:build"]);
    check_some(SERVICES, &more, &[API[0]], &["py/services/worker:build"]);
    // The module of a name that was somebody else's, and one that is nearer than the last.
    let external = appended(SERVICES, "py/services/api/main.py", "import flask");
    let shadowed = format!("{external}== py/services/flask.py\n");
    check_some(&external, &shadowed, &API, &["py/services/worker:build"]);
    let near = format!("{SERVICES}== py/services/worker/jobs/daily.py\n");
    check_some(
        &near,
        &appended(&near, "py/services/worker/jobs/daily.py", "x"),
        &["py/services/worker:build"],
        &[API[0]],
    );
    check_some(SERVICES, &SERVICES.replace("== py/jobs/daily.py\n", ""), &["py/services/worker:build"], &[API[0]]);
}

/// Every way in which `api` may come to load `jobs.hourly`.
#[test]
fn no_way_to_load_a_source_is_missed() {
    for line in [
        "import jobs.hourly",
        "import jobs.hourly as h, os",
        "from jobs import (\n    daily,  # first\n    hourly as h,\n)",
        "from jobs import *",
        "import os; from jobs import hourly",
        "if TYPE_CHECKING: from jobs import hourly",
        "def f():\n    import jobs.hourly",
        "try:\n    import fast\nexcept ImportError: import jobs.hourly as fast",
        "from ...jobs import hourly",
        "importlib.import_module('jobs.hourly')",
        "__import__('jobs.hourly')",
        "importlib.import_module(name)",
        "uvicorn.run('jobs.hourly:app')",
        "HANDLER = {'class': 'jobs.hourly.Handler'}",
        "load(f'jobs.{name}')",
        "load('jobs.' + name)",
        "load('jobs.%s' % name)",
        "subprocess.run([sys.executable, '-m', 'jobs.hourly'])",
        "subprocess.run('python -m jobs.hourly', shell=True)",
        "subprocess.run([sys.executable, 'jobs/hourly.py'])",
        "subprocess.run([sys.executable, '/app/jobs/hourly.py'])",
        "subprocess.run([sys.executable, 'hourly.py'])",
        "for path in glob('jobs/*.py'): load(path)",
        "load('jobs/' + name + '.py')",
        "exec(open(path).read())",
        "import pkgutil",
        "import pickle",
        "sys.path.append('..')",
        "import hourly",
        "from importlib.metadata import entry_points",
        "from django.conf import settings",
        "INSTALLED_APPS = ['jobs']",
        "import common.lazy",
        "load('a.ini')",
        "load('../../a.ini')",
        "x = f\"{y[\"#\"]}\"; import jobs.hourly",
        "'''\n''' ; import jobs.hourly",
        "x = [1, # (\n 2]\nimport jobs.hourly",
        "x = 'a\\\nb'; import jobs.hourly",
        "import jobs.hourly\\\n  as h",
        "match x:\n  case 1: import jobs.hourly",
        "import common.linked",
        "from . import made\nfrom .made import x",
        "import jobs.made",
        "import twice",
    ] {
        let tree = format!(
            "{}== py/twice.py\n== py/lib/twice.py\nimport jobs.hourly\n== py/common/lazy.py\nimport jobs.hourly\n== py/a.ini\nclass = jobs.hourly.Handler\n== py/common/linked -> ../jobs\n",
            appended(SERVICES, "py/services/api/main.py", line)
        );
        let linked = tree.replace("import common.linked", "import common.linked.hourly");
        check_some(&linked, &appended(&linked, "py/jobs/hourly.py", "x = 1"), &["py/services/api:build"], &[]);
    }
}

#[test]
fn case_96_a_source_that_cannot_be_read_makes_all_sources_count() {
    for broken in ["x = (", "x = '", "import", "from x import", "{{ template }}import jobs.hourly {"] {
        let tree = appended(SERVICES, "py/common/rounding.py", broken);
        let head = appended(&tree, "py/jobs/hourly.py", "x = 1");
        check(&tree, &head, &sorted(PROJECT.iter().chain(&API)));
    }
}

#[test]
fn settings_of_a_service_may_name_modules() {
    for settings in [
        "== py/services/api/gunicorn.conf.py\nx = 'jobs.hourly:app'\n",
        "== py/services/api/start.sh\npython -m jobs.hourly\n",
        "== py/services/api/log.yaml\nclass: jobs.hourly.Handler\n",
        "== py/sitecustomize.py\nimport jobs.hourly\n",
        "== py/conftest.py\nimport jobs.hourly\n",
    ] {
        let tree = format!("{SERVICES}{settings}");
        check_some(&tree, &appended(&tree, "py/jobs/hourly.py", "x = 1"), &["py/services/api:test"], &[]);
    }
    let command =
        SERVICES.replace("COPY common common\n", "COPY common common\nCMD [\"python\", \"-m\", \"jobs.hourly\"]\n");
    check_some(&command, &appended(&command, "py/jobs/hourly.py", "x = 1"), &["py/services/api:build"], &[]);
}

#[test]
fn packages_that_are_installed_under_other_names_make_all_sources_count() {
    for manifest in [
        "== py/setup.py\nfrom setuptools import setup\nsetup(package_dir={'work': 'jobs'})\n",
        "== py/setup.cfg\n[options]\npackage_dir =\n  work = jobs\n",
    ] {
        let tree = format!("{}{manifest}", appended(SERVICES, "py/services/api/main.py", "import work.hourly"));
        check_some(&tree, &appended(&tree, "py/jobs/hourly.py", "x = 1"), &["py/services/api:build"], &[]);
    }
}

/// Packages that can be started, in a tree below `src`.
const PACKAGES: &str = "\
== pyproject.toml
[project]
name = \"shop\"
dependencies = [\"lib @ file:./lib\"]
[project.scripts]
shop-worker = \"shop.worker.cli:main\"
== src/shop/__init__.py
== src/shop/api/__main__.py
from shop.core import one
== src/shop/worker/cli.py
from shop.core.two import x
== src/shop/core/one.py
== src/shop/core/two.py
== tests/test_shop.py
== lib/pyproject.toml
[project]
name = \"lib\"
== lib/lib.py
";

#[test]
fn packages_that_can_be_started_are_services() {
    let project = [".:build", ".:test"];
    let base = PACKAGES;
    for (file, more) in [
        ("src/shop/core/one.py", &["src/shop/api:build"][..]),
        ("src/shop/core/two.py", &["src/shop/worker:build"]),
        ("src/shop/api/__main__.py", &["src/shop/api:build"]),
        ("src/shop/worker/cli.py", &["src/shop/worker:build"]),
        ("src/shop/__init__.py", &["src/shop/api:build", "src/shop/worker:build"]),
        ("lib/lib.py", &["lib:build", "src/shop/api:build", "src/shop/worker:build"]),
    ] {
        check(base, &appended(base, file, "x = 1"), &sorted(project.iter().chain(more)));
    }
    check_some(
        base,
        &base.replace("./lib\"]", "./lib\", \"flask\"]"),
        &["src/shop/api:build", "src/shop/worker:build"],
        &[],
    );
}

#[test]
fn a_project_with_one_service_or_that_other_tools_read_is_one_project() {
    let one = PACKAGES.replace("src/shop/api/__main__.py", "src/shop/api/main.py");
    check(&one, &appended(&one, "src/shop/core/one.py", "x"), &[".:build", ".:test"]);
    let apart = PACKAGES.replace("src/shop/api/", "src/shop/inner/api/");
    check(&apart, &appended(&apart, "src/shop/core/one.py", "x"), &[".:build", ".:test"]);
    let shared = format!("{PACKAGES}== package.json\n{{\"name\": \"web\"}}\n");
    check(&shared, &appended(&shared, "src/shop/core/one.py", "x"), &[".:build", ".:test"]);
}

/// Services that are started with the root on Python's path, and no manifest but what they install.
const APART: &str = "\
== common/requirements.txt
money
== common/x.py
from shared.deep import y
== shared/deep/y.py
== shared/table.csv
1
== tool.py
== api/requirements.txt
flask
== api/app.py
from common.x import y
from own import z
== api/own.py
== own.py
== worker/requirements.txt
flask
== worker/main.py
import tool
== near/requirements.txt
flask
== near/main.py
from ..common import x
== lone/requirements.txt
flask
== lone/main.py
import os
";

#[test]
fn what_is_imported_across_folders_without_a_manifest_is_read() {
    let readers = ["api:build", "common:build", "near:build"];
    let apart = ["lone:build", "worker:build"];
    for file in ["common/x.py", "shared/deep/y.py"] {
        check_some(APART, &appended(APART, file, "x = 1"), &readers, &apart);
    }
    check_some(APART, &appended(APART, "shared/table.csv", "2"), &readers, &apart);
    check_some(APART, &appended(APART, "tool.py", "x = 1"), &["worker:build"], &["api:build", "lone:build"]);
    check_some(APART, &appended(APART, "lone/main.py", "x = 1"), &["lone:build"], &readers);
    // An import that comes is seen, and two projects may import each other.
    let mutual = appended(APART, "common/x.py", "import api.app");
    check_some(
        &mutual,
        &appended(&mutual, "api/own.py", "x = 1"),
        &["api:build", "common:build", "near:build"],
        &apart,
    );
}

#[test]
fn what_one_service_has_itself_is_none_of_the_others_that_share_a_module() {
    // Whichever of the two is asked first, the shared module's own import means the outer file for the other.
    let tree = "\
== shared/x.py
import settings
== settings.py
== a/requirements.txt
flask
== a/main.py
import shared.x
== a/settings.py
== b/requirements.txt
flask
== b/main.py
import shared.x
";
    check_some(tree, &appended(tree, "a/settings.py", "x = 1"), &["a:build"], &["b:build"]);
    check_some(tree, &appended(tree, "settings.py", "x = 1"), &["a:build", "b:build"], &[]);
}
