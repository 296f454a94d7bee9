//! What is kept comes back as it was.

use super::*;

#[test]
fn case_85_a_result_comes_back_as_it_was() {
    let place = Place::new();
    place.write("svc/dist/app.js", "let a;");
    place.write("svc/dist/empty.txt", "");
    place.write("svc/dist/large.bin", vec![7; 3 * super::super::content::PIECE + 5]);
    place.write("svc/dist/exact.bin", vec![8; super::super::content::PIECE]);
    place.write("svc/dist/bin/run", "#!/bin/sh\n");
    place.write("svc/dist/same/one", "twice");
    place.write("svc/dist/same/two", "twice");
    place.write("svc/dist/a\nb", "newline");
    place.write("svc/dist/[x]*?", "magic");
    place.write("svc/log", "a log");
    fs::write(place.tree().join("svc/dist").join(std::ffi::OsStr::from_bytes(b"odd\xff\xfe")), "bytes").unwrap();
    fs::set_permissions(place.tree().join("svc/dist/bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(place.tree().join("svc/dist/void/inner")).unwrap();
    place.link("app.js", "svc/dist/latest");
    place.link("../../src/./asset", "svc/dist/asset");
    place.link("nowhere", "svc/dist/dangling");
    let outputs = ["dist/**", "log"];
    let before = listing(&place.tree());
    assert_eq!(place.keep(1, &outputs).unwrap(), Kept::Stored);
    // What no task wrote is not touched.
    place.empty_tree();
    place.write("svc/src/main.js", "source");
    let restored = place.restore(1, &outputs).unwrap();
    assert_eq!((restored.written, restored.unchanged, restored.removed), (15, 0, 0));
    fs::remove_dir_all(place.tree().join("svc/src")).unwrap();
    assert_eq!(listing(&place.tree()), before);
    // What is right is left as it is.
    let modified = |file: &str| fs::metadata(place.tree().join(file)).unwrap().modified().unwrap();
    let (app, log) = (modified("svc/dist/app.js"), modified("svc/log"));
    place.write("svc/dist/app.js", "let b;");
    let restored = place.restore(1, &outputs).unwrap();
    assert_eq!((restored.written, restored.bytes, restored.unchanged, restored.removed), (1, 6, 14, 0));
    assert_eq!(listing(&place.tree()), before);
    assert!(modified("svc/dist/app.js") >= app && modified("svc/log") == log);
    assert!(place.is_tidy());
}

#[test]
fn what_a_task_printed_and_how_it_ended_is_kept() {
    let place = Place::new();
    let printed: Vec<u8> = (0..1_000_000u32).flat_map(|number| number.to_le_bytes()).collect();
    let file = place.printed(&printed);
    let ending = Ending { duration: Duration::new(3, 999_999_999), attempts: 3, printed: &file };
    place.cache.keep(&key(1), &place.tree(), &[], &ending).unwrap();
    let result = place.cache.find(&key(1)).unwrap();
    assert_eq!((result.duration(), result.attempts(), result.printed()), (ending.duration, 3, 4_000_000));
    assert_eq!((*result.key(), result.paths().len()), (key(1), 0));
    let mut replayed = Vec::new();
    place.cache.replay(&result, &mut replayed).unwrap();
    assert!(replayed == printed);
    // Nothing was printed: there is nothing to be had.
    let ending = Ending { printed: &place.printed(b""), ..ending };
    place.cache.keep(&key(2), &place.tree(), &[], &ending).unwrap();
    let mut replayed = Vec::new();
    place.cache.replay(&place.cache.find(&key(2)).unwrap(), &mut replayed).unwrap();
    assert!(replayed.is_empty());
}

#[test]
fn a_second_result_is_told_and_does_not_take_the_place_of_the_first() {
    let place = Place::new();
    place.write("svc/out/a", "first");
    place.write("svc/out/b", "same");
    assert_eq!(place.keep(1, &["out/**"]).unwrap(), Kept::Stored);
    assert_eq!(place.keep(1, &["out/**"]).unwrap(), Kept::Same);
    place.write("svc/out/a", "second");
    place.write("svc/out/c", "more");
    let manifests = place.files("results").iter().map(fs::read).collect::<Result<Vec<_>, _>>().unwrap();
    let blobs = place.files("blobs");
    let paths = vec![path("svc/out/a"), path("svc/out/c")];
    assert_eq!(place.keep(1, &["out/**"]).unwrap(), Kept::Different { paths });
    // What was taken in of the second stays until somebody prunes.
    assert_eq!(place.files("results").iter().map(fs::read).collect::<Result<Vec<_>, _>>().unwrap(), manifests);
    place.restore(1, &["out/**"]).unwrap();
    assert_eq!(fs::read_to_string(place.tree().join("svc/out/a")).unwrap(), "first");
    assert!(!place.tree().join("svc/out/c").exists());
    // Of the first something is lost: the second is all there is.
    place.write("svc/out/a", "second");
    fs::remove_file(&blobs[0]).unwrap();
    assert_eq!(place.keep(1, &["out/**"]).unwrap(), Kept::Stored);
    place.empty_tree();
    place.restore(1, &["out/**"]).unwrap();
    assert_eq!(fs::read_to_string(place.tree().join("svc/out/a")).unwrap(), "second");
}

#[test]
fn patterns_say_what_is_kept() {
    let place = Place::new();
    for file in
        ["svc/dist/a.js", "svc/dist/a.map", "svc/dist/cache/x", "svc/dist/cache/keep", "shared/gen/g", "svc/src/s"]
    {
        place.write(file, file);
    }
    let kept = |number, outputs: &[&str]| {
        assert_eq!(place.keep(number, outputs).unwrap(), Kept::Stored);
        place.cache.find(&key(number)).unwrap().paths().map(ToString::to_string).collect::<Vec<_>>()
    };
    let outputs = ["dist/**", "!**/*.map", "!dist/cache/**", "dist/cache/keep", "../shared/gen/**"];
    assert_eq!(kept(1, &outputs), ["shared/gen/g", "svc/dist/a.js", "svc/dist/cache/keep"]);
    // An exception to nothing keeps nothing.
    assert_eq!(kept(2, &["!dist/**"]), [""; 0]);
    assert_eq!(kept(3, &["./dist/*.js", "nowhere/**"]), ["svc/dist/a.js"]);
    for (wrong, why) in
        [("../../x", "leaves"), ("[x", "unclosed"), ("", "no path"), ("a/../b", "no path"), ("a//b", "no path")]
    {
        let error = place.keep(4, &[wrong]).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    assert!(place.cache.find(&key(4)).is_none());
}

#[test]
fn what_cannot_be_restored_is_refused_by_name() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let refused = |make: &dyn Fn(), outputs: &[&str]| {
        place.empty_tree();
        place.write("svc/out/fine", "fine");
        make();
        let error = place.keep(1, outputs).unwrap_err().to_string();
        assert!(place.cache.find(&key(1)).is_none() && place.files("blobs").is_empty(), "{error}");
        error
    };
    std::fs::create_dir_all(place.cache.folder().join("blobs")).unwrap();
    let out = ["out/**"];
    for target in ["/etc/passwd", "../../../x", "a/../../x", "../../.git/config", "x/.."] {
        let error = refused(&|| place.link(target, "svc/out/link"), &out);
        assert_eq!(error, "the output `svc/out/link` is a symbolic link that leads out of the work tree", "{target}");
    }
    let behind = "`svc/data` is a symbolic link, and what lies behind it is not followed";
    assert_eq!(refused(&|| symlink(&outside, place.tree().join("svc/data")).unwrap(), &["out/**", "data/**"]), behind);
    let inner = "`svc/data` is a symbolic link, and what lies behind it is not followed";
    assert_eq!(refused(&|| place.link("out", "svc/data"), &["data/fine"]), inner);
    let socket = || drop(std::os::unix::net::UnixListener::bind(place.tree().join("svc/out/socket")).unwrap());
    assert_eq!(
        refused(&socket, &out),
        "the output `svc/out/socket` is neither a file nor a folder nor a symbolic link"
    );
    assert_eq!(
        refused(&|| place.write("svc/out/in/.git/HEAD", ""), &out),
        "the output `svc/out/in` is a git repository"
    );
    let partly = "the output `svc/out` is a folder, and no pattern matches what is in it: write `svc/out/**`";
    assert_eq!(refused(&|| {}, &["out"]), partly);
    assert_eq!(refused(&|| place.write(&format!("svc/out/{}x", "d/".repeat(200)), ""), &out).split('`').count(), 3);
}

#[test]
fn names_in_git_are_no_outputs() {
    let place = Place::new();
    place.write(".git/config", "[core]");
    place.write("svc/sub/.git", "gitdir: elsewhere");
    place.write("svc/sub/x.o", "object");
    let outputs = [Outputs { folder: &RepoPath::root(), patterns: &patterns(&["**/*.o", "config"]) }];
    let ending = Ending { duration: Duration::ZERO, attempts: 1, printed: &place.printed(b"") };
    place.cache.keep(&key(1), &place.tree(), &outputs, &ending).unwrap();
    let result = place.cache.find(&key(1)).unwrap();
    assert_eq!(result.paths().collect::<Vec<_>>(), [&path("svc/sub/x.o")]);
    fs::remove_file(place.tree().join("svc/sub/x.o")).unwrap();
    let before = listing(&place.tree().join(".git"));
    place.cache.restore(&result, &place.tree(), &outputs, &|_| false).unwrap();
    assert_eq!(listing(&place.tree().join(".git")), before);
    assert!(place.tree().join("svc/sub/x.o").exists());
}
