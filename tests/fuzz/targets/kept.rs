//! What is kept between runs, damaged. The digest of the memo refuses such bytes before anybody reads them; should it ever
//! not, nothing panics and nothing takes more memory than the bytes. The first four bytes choose a part, a place and what
//! is put there; the rest takes its place.

#![no_main]

use std::sync::LazyLock;

use knockon::affect::{Side, Terms, affect};
use knockon::path::RepoPath;
use knockon::tree::{Change, ChangeKind, MemoryTree};
use knockon::workspace::fuzzing::{from_kept, to_kept};
use knockon_fuzz::{Known, around};
use libfuzzer_sys::fuzz_target;

static TREE: LazyLock<MemoryTree> = LazyLock::new(|| {
    around("package.json", 0x80, b"{ \"name\": \"x\", \"dependencies\": { \"a\": \"file:../a\" } }")
});
static WHOLE: LazyLock<Known> = LazyLock::new(|| Known::new(TREE.clone()));
static PARTS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| to_kept(WHOLE.workspace()));

fuzz_target!(|data: &[u8]| {
    let Some(([part, high, low, length], put)) = data.split_first_chunk() else { return };
    let mut parts = PARTS.clone();
    let part = &mut parts[usize::from(*part) % 3];
    let at = (usize::from(*high) << 8 | usize::from(*low)) % (part.len() + 1);
    let end = part.len().min(at + usize::from(*length));
    part.splice(at..end, put.iter().copied());
    let Some(workspace) = from_kept(parts) else { return };
    let path = RepoPath::from_git(b"a/package.json").unwrap();
    for task in workspace.task_indices() {
        // An index that is damaged may find nothing, or another task than its row tells of.
        let _ = (workspace.task(&workspace.task_id(task)), workspace.task_at(task));
        workspace.results_read_by(task).chain(workspace.readers_of_result(task)).for_each(drop);
    }
    workspace.readers_of(&path).iter().for_each(drop);
    workspace.projects().for_each(drop);
    let _ = (workspace.edges().len(), workspace.diagnostics().len(), workspace.is_nobodys(&path));
    let change = Change { path, kind: ChangeKind::Modified };
    let empty = MemoryTree::default();
    workspace.rests_on.is_touched_by(&change, &empty, &empty).unwrap();
    for sides in [[&workspace, WHOLE.workspace()], [WHOLE.workspace(), &workspace]] {
        let [base, head] = sides.map(|workspace| Side { tree: &*TREE, workspace });
        affect(base, head, std::slice::from_ref(&change), &Terms::default()).unwrap();
    }
});
