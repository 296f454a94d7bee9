use super::*;
use crate::discover::testing::{describe, inputs_of, links_of};

const SERVICES: &str = "\
== requirements.txt
flask
== a/Dockerfile
FROM python
== a/main.py
import shared.one
== b/Dockerfile
FROM python
== b/main.py
import importlib
from shared import two
== shared/one.py
== shared/two.py
== .python-version
3.13
";

#[test]
fn each_service_reads_what_it_imports_and_what_is_no_source() {
    let links = links_of::<Python>(SERVICES);
    assert_eq!(
        inputs_of(&links, "a", "build"),
        [". All [!**/*.py]", ".python-version All []", "a Owned []", "shared/one.py All []"]
    );
    assert_eq!(inputs_of(&links, "b", "build")[3..], ["shared/two.py All []"]);
    assert!(!describe(&links).contains("task a:test"));
}

#[test]
fn where_it_is_not_certain_what_is_imported_all_sources_count() {
    let text = SERVICES.replace("import importlib\n", "import importlib\nimportlib.import_module(x)\n");
    let links = links_of::<Python>(&text);
    assert_eq!(inputs_of(&links, "b", "build")[0], ". All []");
    assert_eq!(inputs_of(&links, "a", "build")[0], ". All [!**/*.py]");
    let described = describe(&links);
    let note =
        "Note import-computed: what is imported is worked out, so every source of `.` counts for `b` b/main.py:2";
    assert!(described.contains(note), "{described}");
}

#[test]
fn a_folder_of_somebody_else_is_no_service() {
    for text in [
        SERVICES.replace("b/", "docs/b/"),
        SERVICES.replace("b/", "tests/b/"),
        SERVICES.replace("== b/main.py", "== b/package.json\n{}\n== b/main.py"),
        SERVICES.replace("== b/main.py", "== b/requirements.txt\n== b/main.py"),
        SERVICES.replace("b/main.py", "b/main.rb"),
        SERVICES.replace("== requirements.txt\nflask\n", ""),
    ] {
        let described = describe(&links_of::<Python>(&text));
        assert!(!described.contains("project a "), "{described}");
    }
}
