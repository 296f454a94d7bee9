//! Paths: a folder, a NUL byte, and what a manifest in it writes.

#![no_main]

use knockon::path::RepoPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&b| b == 0);
    let (folder, written) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(folder) = RepoPath::from_git(folder) else { return };
    assert_eq!(serde_json::from_str::<RepoPath>(&serde_json::to_string(&folder).unwrap()).unwrap(), folder);
    assert!(!folder.to_string().chars().any(char::is_control), "{folder:?} steers a terminal");
    assert_eq!(folder.segments().fold(RepoPath::root(), |path, segment| path.child(segment)), folder);
    if let Some(parent) = folder.parent() {
        assert!(folder.is_within(&parent) && !parent.is_within(&folder));
        assert_eq!(parent.join(&folder.below(&parent).unwrap()), folder);
    }
    let Ok(target) = folder.resolve(written) else { return };
    assert_eq!(RepoPath::from_git(target.as_bytes()), Ok(target.clone()), "a resolved path is no path of git's");
    assert_eq!(folder.resolve(&folder.relative_to(&target)), Ok(target.clone()));
    assert_eq!(target.below(&folder).is_some(), target.is_within(&folder));
});
