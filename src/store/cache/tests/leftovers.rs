//! What is in the work tree when a result is restored.

use super::*;

const OUT: [&str; 1] = ["out/**"];

/// A place where a result with `svc/out/dir/file` and `svc/out/link` is kept and the work tree is empty.
fn kept() -> Place {
    let place = Place::new();
    place.write("svc/out/dir/file", "kept");
    place.link("dir", "svc/out/link");
    place.keep(1, &OUT).unwrap();
    place.empty_tree();
    place
}

fn expected() -> Vec<(Vec<u8>, String)> {
    let place = kept();
    place.restore(1, &OUT).unwrap();
    listing(&place.tree())
}

/// Something that is done to a work tree.
type Act<'a> = &'a dyn Fn(&Place);

#[test]
fn leftovers_go_and_sources_stay() {
    let place = kept();
    for file in ["svc/out/old", "svc/out/gone/deep/x", "svc/out/git/README", "svc/src/main", "svc/out/dir/stale"] {
        place.write(file, file);
    }
    place.link("/etc", "svc/out/away");
    fs::create_dir_all(place.tree().join("svc/out/void")).unwrap();
    let restored = place.restore_beside(1, &OUT, &["svc/out/git/README"]).unwrap();
    // Three files, a symlink, and the folders `gone`, `gone/deep` and `void`.
    assert_eq!((restored.written, restored.removed), (2, 7));
    let mut left = listing(&place.tree());
    left.retain(|(name, _)| !expected().iter().any(|(other, _)| other == name));
    let left: Vec<_> = left.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
    assert_eq!(left, ["svc/out/git", "svc/out/git/README", "svc/src", "svc/src/main"]);
    assert!(place.is_tidy());
}

#[test]
fn what_stands_where_an_output_belongs_gives_way() {
    let expected = expected();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "outside").unwrap();
    let beyond = |place: &Place, at: &str| {
        let at = place.tree().join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(outside.path(), at).unwrap();
    };
    let ways: [(&str, Act<'_>); 9] = [
        ("another file", &|place| place.write("svc/out/dir/file", "other")),
        ("a file of the same length", &|place| place.write("svc/out/dir/file", "KEPT")),
        ("a symlink for a file", &|place| place.link("../../../../x", "svc/out/dir/file")),
        ("a symlink to a folder outside", &|place| beyond(place, "svc/out/dir")),
        ("the whole folder is outside", &|place| beyond(place, "svc/out")),
        ("a file for a folder", &|place| place.write("svc/out/dir", "file")),
        ("a file for the whole folder", &|place| place.write("svc/out", "file")),
        ("a folder for a file", &|place| place.write("svc/out/dir/file/deep/x", "x")),
        ("a folder for a symlink", &|place| place.write("svc/out/link/x", "x")),
    ];
    for (way, make) in ways {
        let place = kept();
        make(&place);
        place.restore(1, &OUT).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(listing(&place.tree()), expected, "{way}");
        assert_eq!(fs::read_to_string(outside.path().join("file")).unwrap(), "outside", "{way}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "{way}");
        assert!(place.is_tidy(), "{way}");
    }
}

#[test]
fn what_is_not_the_tasks_to_remove_is_in_the_way() {
    let outside = tempfile::tempdir().unwrap();
    let ways: [(&str, &str, Act<'_>); 5] = [
        ("svc", "", &|place| symlink(outside.path(), place.tree().join("svc")).unwrap()),
        ("svc", "", &|place| fs::write(place.tree().join("svc"), "file").unwrap()),
        ("svc/out", "svc/out", &|place| place.link("elsewhere", "svc/out")),
        ("svc/out/dir", "svc/out/dir", &|place| place.write("svc/out/dir", "tracked")),
        ("svc/out/link", "svc/out/link/tracked", &|place| place.write("svc/out/link/tracked", "tracked")),
    ];
    for (at, source, make) in ways {
        let place = kept();
        make(&place);
        place.write("other", "other");
        let before = listing(&place.tree());
        let error = place.restore_beside(1, &OUT, &[source]).unwrap_err();
        assert_eq!(error.to_string(), format!("`{at}` is in the way of an output"));
        assert_eq!(listing(&place.tree()), before, "{at}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(place.is_tidy(), "{at}");
    }
}

#[test]
fn fault_6_a_result_with_more_than_the_outputs_is_not_restored() {
    let place = kept();
    let error = place.restore(1, &["out/dir/**"]).unwrap_err();
    assert_eq!(error.to_string(), "the result holds `svc/out/link`, which is no output of the task");
    assert_eq!(listing(&place.tree()), []);
}
