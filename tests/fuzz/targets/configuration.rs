//! The reader of `knockon.toml`. The first byte chooses between the root's file and a project's.

#![no_main]

use knockon::config::{EventKind, RefName, TaskSettings, read, select, written};
use knockon::diagnostic::Severity;
use knockon::path::RepoPath;
use knockon_fuzz::inside;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [place, bytes @ ..] = data else { return };
    let (root, nested) = (RepoPath::root().child(b"knockon.toml"), RepoPath::root().child(b"a").child(b"knockon.toml"));
    let file = if place % 2 == 0 { &root } else { &nested };
    let (configuration, findings) = read(file, bytes);
    assert_eq!((&configuration, &findings), (&read(file, bytes).0, &read(file, bytes).1));
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(configuration.is_none(), failed, "{findings:?}");
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() + 1;
    for place in findings.iter().filter_map(|finding| finding.place.as_ref()) {
        assert!(place.file == *file && place.line as usize <= lines, "{place:?}");
    }
    let Some(configuration) = configuration else { return };

    let printed = written::print(&configuration).unwrap();
    let (again, findings) = read(&root, printed.as_bytes());
    assert_eq!(again.as_ref(), Some(&configuration), "{printed}\n{findings:#?}");

    for pipeline in configuration.pipelines.values() {
        let at = RefName::parse("release/a/1");
        let selected = || pipeline.selected_by(EventKind::Push, at.as_ref());
        assert_eq!(selected(), selected());
    }
    for project in &configuration.projects {
        let Some(folder) = project.project.value.folder() else { continue };
        inside(folder);
        let of_tasks = |list: fn(&TaskSettings) -> &Option<_>| project.tasks.values().filter_map(list_of(list));
        let lists = of_tasks(|task| &task.inputs).chain(of_tasks(|task| &task.outputs)).chain([&project.inputs]);
        for patterns in lists {
            for selection in select(patterns, folder).expect("what was read does not leave the repository") {
                inside(&selection.base);
                selection.matches(&root);
                selection.matches(&nested);
            }
        }
    }
});

fn list_of<T>(list: fn(&TaskSettings) -> &Option<T>) -> impl Fn(&TaskSettings) -> Option<&T> {
    move |task| list(task).as_ref()
}
