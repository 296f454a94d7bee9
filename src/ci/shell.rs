//! The one script that every job runs, and the data that it is given.
//!
//! Names, folders and commands are a repository's own and so nobody's to trust. None of them ever stands in a script or
//! an expression: the script is a constant, and what it is to run comes in one variable, written so that no engine finds
//! anything of its own in it.

use std::fmt::Write as _;

use crate::discover::Command;

/// Runs what [`VARIABLE`] says: words in fours, which are what stops together, a dot for each retry, the folder, and the
/// line. A command that fails ends its own group; the others are run all the same. It has no `$(`, `{{` or `<<`, which
/// engines would read, and fails where the variable is missing.
pub const SCRIPT: &str = r#"knockon_status=0 knockon_failed=
knockon_words=`printf %b "${KNOCKON_COMMANDS:?}"`
eval "set -- $knockon_words"
while [ "$#" -gt 0 ]; do
  knockon_retries=$2
  while [ "$1" != "$knockon_failed" ] && ! (cd "$3" && exec sh -c "$4") </dev/null; do
    if [ -z "$knockon_retries" ]; then
      knockon_status=1 knockon_failed=$1
    else
      knockon_retries=${knockon_retries#.}
    fi
  done
  shift 4
done
exit "$knockon_status"
"#;

/// The variable that [`SCRIPT`] reads.
pub const VARIABLE: &str = "KNOCKON_COMMANDS";

/// The longest value that a variable can have, less some room: Linux hands a process no single string of 128 KiB.
pub const LONGEST: usize = 120_000;

/// The words of several groups of commands, each with the number of its retries, as [`SCRIPT`] reads them.
pub fn words<'a>(groups: impl IntoIterator<Item = Vec<(u32, &'a [Command])>>) -> String {
    let mut words = String::new();
    for (number, group) in groups.into_iter().enumerate() {
        let commands = group.iter().flat_map(|(retries, commands)| commands.iter().map(move |c| (*retries, c)));
        for (retries, command) in commands {
            if !words.is_empty() {
                words.push(' ');
            }
            let retries = ".".repeat(retries as usize);
            let _ = write!(words, "'{}' '{retries}' ", number + 1);
            // A name with `./` before it is no option, and `CDPATH` is not looked at.
            quote(&[b"./", command.folder.as_bytes()].concat(), &mut words);
            words.push(' ');
            quote(command.line.as_bytes(), &mut words);
        }
    }
    // Where there is nothing to run, the script still wants to be told so.
    if words.is_empty() { "'1' '' './' ':'".to_owned() } else { words }
}

/// A word for a POSIX shell, written for `printf %b`.
fn quote(bytes: &[u8], to: &mut String) {
    to.push('\'');
    for (number, part) in bytes.split(|&byte| byte == b'\'').enumerate() {
        if number > 0 {
            to.push_str("'\"'\"'");
        }
        write_inert(part, to);
    }
    to.push('\'');
}

/// Text in which no engine, log or terminal finds anything of its own, and from which `printf %b` makes the bytes again.
pub fn inert(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    write_inert(bytes, &mut text);
    text
}

fn write_inert(bytes: &[u8], to: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // Two colons at the beginning of a line are a command to GitHub.
            let is_second_colon = c == ':' && to.ends_with(':');
            if is_second_colon || !(c.is_alphanumeric() || " '\"-_./:,;=+@&|()>!?*~^`".contains(c)) {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| octal(byte, to));
            } else {
                to.push(c);
            }
        }
        chunk.invalid().iter().for_each(|byte| octal(*byte, to));
    }
}

fn octal(byte: u8, to: &mut String) {
    let _ = write!(to, "\\0{byte:03o}");
}

#[cfg(test)]
mod tests {
    use std::process::Command as Process;

    use proptest::prelude::*;

    use super::*;
    use crate::path::RepoPath;

    /// What the script does with these words, in a folder of its own.
    fn run(words: &str, folder: &std::path::Path) -> (bool, String) {
        let mut process = Process::new("sh");
        process.args(["-e", "-c", SCRIPT]).env(VARIABLE, words).current_dir(folder);
        let output = process.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(folder: &[u8], line: &str) -> Command {
        Command { line: line.to_owned(), folder: RepoPath::from_git(folder).unwrap() }
    }

    #[test]
    fn commands_run_in_order_and_stop_at_the_first_failure_of_their_own_group() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let first =
            [command(b"a", "echo one"), command(b"a/b", "basename \"$PWD\"; false"), command(b"", "echo never")];
        let second = [command(b"", "cat; echo two # remark")];
        let words = words([vec![(0, &first[..])], vec![(0, &second[..])]]);
        assert_eq!(run(&words, folder.path()), (false, "one\nb\ntwo\n".to_owned()));
    }

    #[test]
    fn a_command_is_tried_again_as_often_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let flaky = [command(b"", "echo x >>tries; [ \"$(wc -l <tries)\" -ge 3 ] && echo done")];
        assert_eq!(run(&words([vec![(2, &flaky[..])]]), folder.path()), (true, "done\n".to_owned()));
        std::fs::remove_file(folder.path().join("tries")).unwrap();
        assert_eq!(run(&words([vec![(1, &flaky[..])]]), folder.path()), (false, String::new()));
    }

    #[test]
    fn nothing_to_run_is_said_and_a_missing_variable_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(&words([vec![(0, &[][..])]]), folder.path()), (true, String::new()));
        assert!(!run("", folder.path()).0);
    }

    proptest! {
        #[test]
        fn every_line_and_folder_arrives_as_it_is(line in "[ -~\n\t\u{e9}\u{1f600}]{0,40}", folder in "[ -.0-~\n\u{e9}]{1,12}") {
            prop_assume!(!folder.bytes().all(|byte| byte == b'.'));
            let top = tempfile::tempdir().unwrap();
            std::fs::create_dir(top.path().join(&folder)).unwrap();
            // The line is a word of a line that prints it.
            let quoted = line.replace('\'', "'\\''");
            let commands = [command(folder.as_bytes(), &format!("printf '%s|' '{quoted}' \"${{PWD##*/}}\""))];
            let words = words([vec![(0, &commands[..])]]);
            for sign in ["$", "{", "<", "#", "%", "::", "\n", "]"] {
                prop_assert!(!words.contains(sign), "{} in {}", sign, words);
            }
            // What `##*/` keeps of a folder that ends in a newline is that newline too.
            prop_assert_eq!(run(&words, top.path()), (true, format!("{line}|{folder}|")));
        }
    }

    #[test]
    fn bytes_that_are_no_text_come_back() {
        let folder = tempfile::tempdir().unwrap();
        use std::os::unix::ffi::OsStrExt as _;
        std::fs::create_dir(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe"))).unwrap();
        let commands = [command(b"\xff\xfe", "printf %s \"${PWD##*/}\" | od -An -tx1")];
        assert_eq!(run(&words([vec![(0, &commands[..])]]), folder.path()), (true, " ff fe\n".to_owned()));
    }
}
