//! Command lines of scripts that build images: from which context, by which Dockerfile, as far as that is literal.

use serde::{Deserialize, Serialize};

use super::stages::Argument;
use crate::path::RepoPath;

/// A build that a pipeline states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedBuild {
    /// The context, from the root of the repository.
    pub context: String,
    /// The Dockerfile: the first of these that exists.
    pub dockerfiles: Vec<String>,
    /// The stage, if it is named.
    pub target: Option<String>,
    /// Build arguments.
    pub arguments: Vec<Argument>,
}

impl NamedBuild {
    /// A build; none if its stage hangs on a variable.
    pub fn new(
        context: &RepoPath,
        dockerfiles: &[RepoPath],
        target: Option<String>,
        mut arguments: Vec<Argument>,
    ) -> Option<Self> {
        let text = |path: &RepoPath| match path.is_root() {
            true => ".".to_owned(),
            false => String::from_utf8_lossy(path.as_bytes()).into_owned(),
        };
        arguments.sort();
        arguments.dedup();
        let dockerfiles = dockerfiles.iter().map(text).collect();
        let is_known = target.as_deref().is_none_or(is_literal);
        is_known.then(|| Self { context: text(context), dockerfiles, target, arguments })
    }
}

/// Variables of the engines that stand for the root of the repository.
const ROOT_VARIABLES: [&str; 16] = [
    "github.workspace",
    "GITHUB_WORKSPACE",
    "Build.SourcesDirectory",
    "Build.Repository.LocalPath",
    "System.DefaultWorkingDirectory",
    "BUILD_SOURCESDIRECTORY",
    "BUILD_REPOSITORY_LOCALPATH",
    "SYSTEM_DEFAULTWORKINGDIRECTORY",
    "CI_PROJECT_DIR",
    "BITBUCKET_CLONE_DIR",
    "TRAVIS_BUILD_DIR",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "DRONE_WORKSPACE",
    "CI_WORKSPACE",
    "WORKSPACE",
    "env.WORKSPACE",
];

/// Options of builders that have no value.
const SWITCHES: [&str; 20] = [
    "--no-cache",
    "--pull",
    "--push",
    "--load",
    "--rm",
    "--force-rm",
    "--quiet",
    "-q",
    "--squash",
    "--compress",
    "--check",
    "--debug",
    "-D",
    "--disable-content-trust",
    "--layers",
    "--tls-verify",
    "--all-platforms",
    "--skip-unused-stages",
    "--pull-always",
    "--cleanup",
];

/// Options of builders that have one.
const WITH_VALUE: [&str; 44] = [
    "-t",
    "--tag",
    "-f",
    "--file",
    "--build-arg",
    "--target",
    "--cache-from",
    "--cache-to",
    "--platform",
    "--label",
    "--network",
    "--progress",
    "--secret",
    "--ssh",
    "-o",
    "--output",
    "--build-context",
    "--iidfile",
    "--metadata-file",
    "--builder",
    "--add-host",
    "--shm-size",
    "--ulimit",
    "-m",
    "--memory",
    "--memory-swap",
    "-c",
    "--cpu-shares",
    "--cpu-quota",
    "--cpuset-cpus",
    "--isolation",
    "--attest",
    "--annotation",
    "--allow",
    "--no-cache-filter",
    "--provenance",
    "--sbom",
    "--cgroup-parent",
    "--security-opt",
    "--format",
    "--arch",
    "--os",
    "--jobs",
    "--volume",
];

/// Words that may stand before a command.
const BEFORE_COMMANDS: [&str; 12] =
    ["if", "then", "else", "elif", "do", "while", "until", "time", "sudo", "exec", "!", "{"];

/// How many folders a script may go into, one in the other.
const MOST_OPEN: usize = 64;

/// Where a path leads that a pipeline writes, from a folder of which it may not be known which it is.
pub fn place_of(written: &str, folder: Option<&RepoPath>) -> Option<RepoPath> {
    let written = written.trim();
    let (base, rest) = match leading_variable(written) {
        Some(("PWD" | "pwd", rest)) => (folder?.clone(), rest),
        Some((name, rest)) if ROOT_VARIABLES.contains(&name) => (RepoPath::root(), rest),
        Some(_) => return None,
        None if written.starts_with(['/', '~', '-']) || written.is_empty() => return None,
        None => (folder?.clone(), written),
    };
    let is_path = rest.is_empty() || rest.starts_with('/') || rest.len() == written.len();
    let is_literal = !rest.contains(['$', '`', '*', '?', '%', '\\']) && !rest.contains("{{") && !rest.contains("://");
    let rest = if rest.len() == written.len() { rest } else { rest.trim_start_matches('/') };
    let rest = if rest.is_empty() { "." } else { rest };
    (is_path && is_literal).then(|| base.resolve(rest.as_bytes()).ok())?
}

/// The variable that a text begins with, and what follows it.
fn leading_variable(text: &str) -> Option<(&str, &str)> {
    for (open, close) in [("${{", "}}"), ("${", "}"), ("$(", ")"), ("`", "`")] {
        if let Some(inner) = text.strip_prefix(open) {
            let (name, rest) = inner.split_once(close)?;
            return Some((name.trim(), rest));
        }
    }
    let name = text.strip_prefix('$')?;
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    Some(name.split_at(end))
}

/// The builds of a script that begins in a folder, each with its line, counted from 0.
pub fn builds_of(script: &str, folder: Option<&RepoPath>) -> Vec<(u32, NamedBuild)> {
    let mut builds = Vec::new();
    let mut here = folder.cloned();
    let mut left: Vec<Option<RepoPath>> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut begun = 0;
    for token in tokens_of(script) {
        match token {
            Token::Word(line, word) => {
                if words.is_empty() {
                    begun = line;
                }
                words.push(word);
            }
            Token::End => run(&mut words, begun, &mut here, &mut left, &mut builds),
            Token::Open => {
                words.clear();
                left.push(here.clone());
            }
            Token::Close => {
                run(&mut words, begun, &mut here, &mut left, &mut builds);
                here = left.pop().flatten();
            }
        }
        if left.len() > MOST_OPEN {
            return builds;
        }
    }
    builds
}

/// Takes one command, which goes somewhere or builds something.
fn run(
    words: &mut Vec<String>,
    line: u32,
    here: &mut Option<RepoPath>,
    left: &mut Vec<Option<RepoPath>>,
    builds: &mut Vec<(u32, NamedBuild)>,
) {
    let words = std::mem::take(words);
    let is_before = |word: &&String| {
        let is_assignment = word
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        is_assignment || BEFORE_COMMANDS.contains(&word.as_str())
    };
    let command: Vec<&str> = words.iter().skip_while(is_before).map(String::as_str).collect();
    match command.as_slice() {
        ["cd", to] => *here = place_of(to, here.as_ref()),
        ["cd", ..] => *here = None,
        ["pushd", to, ..] => {
            left.push(here.clone());
            *here = place_of(to, here.as_ref());
        }
        ["popd", ..] => *here = left.pop().flatten(),
        ["docker" | "podman" | "nerdctl", "build", options @ ..]
        | ["docker" | "podman", "buildx" | "image" | "builder", "build", options @ ..]
        | ["buildah", "bud" | "build", options @ ..] => {
            builds.extend(of_options(options, here.as_ref()).map(|build| (line, build)));
        }
        ["/kaniko/executor" | "executor", options @ ..] => {
            builds.extend(of_kaniko(options, here.as_ref()).map(|build| (line, build)));
        }
        _ => {}
    }
}

/// What stands behind `docker build`; none unless all that matters is known.
pub fn of_options(words: &[&str], here: Option<&RepoPath>) -> Option<NamedBuild> {
    let mut words = words.iter().copied();
    let (mut file, mut target, mut context, mut arguments) = (None, None, None, Vec::new());
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => (option, Some(value)),
            _ => (word, None),
        };
        if !word.starts_with('-') {
            if context.replace(word).is_some() {
                return None;
            }
        } else if SWITCHES.contains(&option) {
        } else if WITH_VALUE.contains(&option) {
            let value = value.or_else(|| words.next())?;
            match option {
                "-f" | "--file" => file = Some(value),
                "--target" => target = Some(value.to_owned()),
                "--build-arg" => arguments.extend(argument_of(value)),
                // It is one more place that is copied from.
                "--build-context" => return None,
                _ => {}
            }
        } else {
            return None;
        }
    }
    let context = place_of(context?, here)?;
    let dockerfile = match file {
        Some(file) => place_of(file, here)?,
        None => context.child(b"Dockerfile"),
    };
    NamedBuild::new(&context, &[dockerfile], target, arguments)
}

fn of_kaniko(words: &[&str], here: Option<&RepoPath>) -> Option<NamedBuild> {
    let value = |names: [&str; 2]| {
        words.iter().enumerate().find_map(|(at, word)| match word.split_once('=') {
            Some((option, value)) if names.contains(&option) => Some(value),
            _ if names.contains(word) => words.get(at + 1).copied(),
            _ => None,
        })
    };
    if value(["--context-sub-path", "--context-sub-path"]).is_some() {
        return None;
    }
    let context = value(["--context", "-c"])?;
    let context = place_of(context.strip_prefix("dir://").unwrap_or(context), here)?;
    let target = value(["--target", "--target"]).map(str::to_owned);
    // A name is looked up from where kaniko runs, and then from the context.
    let dockerfiles = match value(["--dockerfile", "-f"]) {
        Some(file) => vec![place_of(file, here)?, place_of(file, Some(&context))?],
        None => vec![context.child(b"Dockerfile")],
    };
    let arguments = words.iter().filter_map(|word| word.strip_prefix("--build-arg=")).filter_map(argument_of);
    NamedBuild::new(&context, &dockerfiles, target, arguments.collect())
}

/// `NAME=value`; the value is not known where it hangs on a variable.
pub fn argument_of(written: &str) -> Option<Argument> {
    let (name, value) =
        written.trim().split_once('=').map_or((written.trim(), None), |(name, value)| (name, Some(value)));
    let value = value.filter(|value| is_literal(value)).map(str::to_owned);
    (!name.is_empty()).then(|| (name.to_owned(), value))
}

/// Whether a text hangs on no variable.
fn is_literal(text: &str) -> bool {
    !text.contains(['$', '`']) && !text.contains("{{")
}

/// A piece of a script.
enum Token {
    /// A word without its quotes; its line, counted from 0.
    Word(u32, String),
    /// A command ends.
    End,
    /// A shell inside begins.
    Open,
    /// It ends.
    Close,
}

/// Cuts a script into words and the ends of commands. Of what a variable or a substitution stands for only the text is kept.
fn tokens_of(script: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut line = 0;
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '\\' => {
                let next = rest[1..].chars().next();
                taken += next.map_or(0, char::len_utf8);
                match next {
                    Some('\n') => line += 1,
                    Some(next) => word.get_or_insert_default().push(next),
                    None => {}
                }
            }
            '\'' => {
                let inner = rest[1..].split('\'').next().unwrap_or_default();
                word.get_or_insert_default().push_str(inner);
                line += inner.matches('\n').count() as u32;
                taken = (inner.len() + 2).min(rest.len());
            }
            '"' => {
                let length = quoted(&rest[1..]);
                let inner = &rest[1..=length];
                word.get_or_insert_default().push_str(inner);
                line += inner.matches('\n').count() as u32;
                taken = (length + 2).min(rest.len());
            }
            '$' | '`' => {
                let length = substituted(rest);
                word.get_or_insert_default().push_str(&rest[..length]);
                line += rest[..length].matches('\n').count() as u32;
                taken = length;
            }
            '#' if word.is_none() => taken = rest.find('\n').unwrap_or(rest.len()),
            _ if first.is_whitespace() || matches!(first, ';' | '&' | '|' | '(' | ')') => {
                tokens.extend(word.take().map(|word| Token::Word(line, word)));
                match first {
                    '\n' => {
                        tokens.push(Token::End);
                        line += 1;
                    }
                    ';' | '&' | '|' => tokens.push(Token::End),
                    '(' => tokens.push(Token::Open),
                    ')' => tokens.push(Token::Close),
                    _ => {}
                }
            }
            _ => word.get_or_insert_default().push(first),
        }
        rest = &rest[taken..];
    }
    tokens.extend(word.take().map(|word| Token::Word(line, word)));
    tokens.push(Token::End);
    tokens
}

/// How long a text is up to the double quote that ends it.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// How long a substitution is that a text begins with.
fn substituted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let close = match bytes {
        [b'`', ..] => return text[1..].find('`').map_or(text.len(), |end| end + 2),
        [b'$', b'(', ..] => b')',
        [b'$', b'{', ..] => b'}',
        _ => return 1,
    };
    let open = bytes[1];
    let mut depth = 0;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        depth += i64::from(*byte == open) - i64::from(*byte == close);
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The builds of a script as `context dockerfile target`.
    fn builds(script: &str) -> Vec<String> {
        let said = |(_, build): (u32, NamedBuild)| {
            let target = build.target.unwrap_or_default();
            format!("{} {} {target}", build.context, build.dockerfiles[0]).trim_end().to_owned()
        };
        builds_of(script, Some(&RepoPath::root())).into_iter().map(said).collect()
    }

    #[test]
    fn a_literal_build_is_read_wherever_it_stands() {
        for (script, expected) in [
            ("docker build -t x:$TAG -f src/a/Dockerfile .", ". src/a/Dockerfile"),
            (
                "docker buildx build --push --platform=linux/amd64 --file 'src/a/Dockerfile' ./src # why",
                "src src/a/Dockerfile",
            ),
            ("cd src/a && docker build --target test .", "src/a src/a/Dockerfile test"),
            (
                "sudo DOCKER_BUILDKIT=1 podman build \\\n  --build-arg A=$B \\\n  \"$CI_PROJECT_DIR/src/a\"",
                "src/a src/a/Dockerfile",
            ),
            ("X=1 docker build --build-arg \"A=b c\" $(pwd)", ". Dockerfile"),
            ("docker build ${{ github.workspace }}/src -f ${{github.workspace}}/a/Dockerfile", "src a/Dockerfile"),
            ("docker build $(Build.SourcesDirectory)/src", "src src/Dockerfile"),
            ("if true; then buildah bud -f a/Dockerfile a; fi", "a a/Dockerfile"),
            ("(cd x; make)\ndocker build src/a", "src/a src/a/Dockerfile"),
            ("pushd x; ls; popd; docker image build src/a >/dev/null", ""),
            ("pushd x; ls; popd; docker image build src/a", "src/a src/a/Dockerfile"),
            (
                "/kaniko/executor --context \"dir://$CI_PROJECT_DIR/a\" --dockerfile=$CI_PROJECT_DIR/b/Dockerfile --target t",
                "a b/Dockerfile t",
            ),
        ] {
            assert_eq!(builds(script), Vec::from_iter([expected].into_iter().filter(|e| !e.is_empty())), "{script}");
        }
        assert_eq!(builds("docker build a\ncd b\ndocker build .\n").len(), 2);
        assert_eq!(builds_of("\ndocker build \\\n a", Some(&RepoPath::root()))[0].0, 1);
    }

    #[test]
    fn what_hangs_on_a_variable_is_no_evidence() {
        for script in [
            "docker build $CONTEXT",
            "docker build -f $FILE .",
            "docker build $ARGS -f a/Dockerfile .",
            "cd $DIR && docker build .",
            "cd ../..\ndocker build .",
            "cd -; docker build .",
            "docker build --unknown value .",
            "docker build - < Dockerfile",
            "docker build https://example.com/x.git",
            "docker build /srv/x",
            "docker build --build-context lib=../lib .",
            "docker build --target $T .",
            "docker build",
            "docker buildx bake x",
            "# docker build .",
            "echo docker build .",
            "docker build src/*",
        ] {
            assert_eq!(builds(script), [""; 0], "{script}");
        }
    }

    #[test]
    fn case_96_scripts_without_an_end_cost_little() {
        for script in ["'", "\"", "$(", "${", "`", "\\", "\"\\", "((((", "$"] {
            assert_eq!(builds(&script.repeat(1000)), [""; 0], "{script}");
        }
    }
}
