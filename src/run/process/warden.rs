//! Ends what runs when knockon itself is killed.
//!
//! A shell reads from a pipe which groups of processes run. The pipe is closed when knockon is gone, however it went; then
//! the shell kills the groups that are left, and ends.

use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::group::Group;

/// Signals that a terminal sends are not for it. Who is killed may still write for a moment, so it waits that long; where
/// nobody reaps them, they look alive for ever.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM TSTP
groups=' '
while read -r sign group; do
    case $sign in
    +) groups="$groups$group " ;;
    -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
for group in $groups; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 -- "-$group" && sleep 0.05; done
done
"#;

/// Whoever ends the groups that it is told of and that are not over when knockon is gone. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Warden(Arc<Post>);

#[derive(Debug)]
struct Post {
    shell: Child,
    /// Open as long as knockon lives.
    line: Mutex<Option<ChildStdin>>,
}

impl Warden {
    /// Begins to stand by. A lock stays locked until it is done.
    pub fn new(lock: Option<File>) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(SCRIPT).current_dir("/").env_clear().process_group(0);
        command.stdin(Stdio::piped()).stdout(lock.map_or_else(Stdio::null, Stdio::from)).stderr(Stdio::null());
        let mut shell = command.spawn()?;
        let line = Mutex::new(shell.stdin.take());
        Ok(Self(Arc::new(Post { shell, line })))
    }

    /// A group was started. Where nobody listens any more, it is as if there was no warden.
    pub(super) fn began(&self, group: Group) {
        let _ = self.tell('+', group);
    }

    /// A group is over. From then on its number may be another's.
    pub(super) fn over(&self, group: Group) {
        let _ = self.tell('-', group);
    }

    fn tell(&self, sign: char, group: Group) -> io::Result<()> {
        let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
        let line = line.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        line.write_all(format!("{sign} {}\n", group.leader()).as_bytes())
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        drop(self.line.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.shell.wait();
    }
}
