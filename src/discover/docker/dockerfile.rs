//! What a Dockerfile says: its stages, and in each what is copied and what variables are set.

use parse_dockerfile::{Flag, Instruction, Source};
use serde::{Deserialize, Serialize};

use super::here_document;
use crate::discover::syntax::{Lines, Stated, Unreadable, text_of};

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dockerfile {
    /// The character that escapes; a backquote where paths have backslashes.
    pub escape: char,
    /// The `ARG`s above the first `FROM`.
    pub arguments: Vec<Assignment>,
    /// The stages; at least one.
    pub stages: Vec<Stage>,
}

/// From one `FROM` to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name in lower case, as names of stages have no case.
    pub name: Option<String>,
    /// What it begins from, as written.
    pub base: Stated<String>,
    /// What it does, as far as files and variables go.
    pub steps: Vec<Step>,
}

/// An instruction that says something about files or variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// `ARG`.
    Argument(Assignment),
    /// `ENV`.
    Environment(Assignment),
    /// `COPY`, `ADD` or `RUN --mount=type=bind`.
    Copy(Stated<Copy>),
}

/// A variable and the value it gets, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value; none for a bare `ARG`.
    pub value: Option<String>,
}

/// Files that go into a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Whether sources may be URLs.
    pub is_add: bool,
    /// A stage, a named context or an image that they come from; the build context where there is none.
    pub from: Option<String>,
    /// The sources as written.
    pub sources: Vec<String>,
    /// Patterns of what is left out.
    pub excludes: Vec<String>,
    /// Whether the sources keep their parent folders; the excludes are then relative to the context.
    pub parents: bool,
    /// Whether a checksum pins what a URL gives.
    pub pinned: bool,
}

impl Dockerfile {
    /// How much there is to follow: its stages, its steps and the sources of these.
    pub fn weight(&self) -> usize {
        let of_step = |step: &Step| match step {
            Step::Copy(copy) => 1 + copy.value.sources.len(),
            _ => 1,
        };
        self.stages.iter().map(|stage| 1 + stage.steps.iter().map(of_step).sum::<usize>()).sum()
    }
}

/// A Dockerfile with more stages is not read: what a stage reads is followed through all that it is built on.
const MOST_STAGES: usize = 512;

/// Reads a Dockerfile.
pub fn read(bytes: &[u8]) -> Result<Dockerfile, Unreadable> {
    let text = text_of(bytes)?;
    let blank = here_document::blank_out(text);
    let parsed = parse_dockerfile::parse(&blank).map_err(|error| Unreadable {
        message: error.to_string(),
        line: error.line() as u32,
        column: error.column() as u32,
    })?;
    let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |directive| directive.value.value);
    let lines = Lines::new(text);
    let mut dockerfile = Dockerfile { escape, arguments: Vec::new(), stages: Vec::new() };
    for instruction in &parsed.instructions {
        match instruction {
            Instruction::From(from) => {
                let line = lines.line_of(from.from.span.start);
                if dockerfile.stages.len() == MOST_STAGES {
                    return Err(Unreadable::at(line, format!("it has more than {MOST_STAGES} stages")));
                }
                dockerfile.stages.push(Stage {
                    name: from.as_.as_ref().map(|(_, name)| name.value.to_lowercase()),
                    base: lines.stated(line, from.image.value.to_string()),
                    steps: Vec::new(),
                });
            }
            Instruction::Arg(argument) => {
                let assigned = assignments(&argument.arguments.value, escape);
                match dockerfile.stages.last_mut() {
                    Some(stage) => stage.steps.extend(assigned.into_iter().map(Step::Argument)),
                    None => dockerfile.arguments.extend(assigned),
                }
            }
            other => {
                if let Some(stage) = dockerfile.stages.last_mut() {
                    stage.steps.extend(steps(other, escape, &lines));
                }
            }
        }
    }
    Ok(dockerfile)
}

fn steps(instruction: &Instruction<'_>, escape: char, lines: &Lines<'_>) -> Vec<Step> {
    let stated = |start: usize, copy: Copy| Step::Copy(lines.stated(lines.line_of(start), copy));
    match instruction {
        Instruction::Env(environment) => {
            let text = &environment.arguments.value;
            let assigned = match assignments(text, escape) {
                // The old form `ENV NAME all the rest`.
                old if old.first().is_some_and(|first| first.value.is_none()) => {
                    let (name, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
                    vec![Assignment { name: name.to_owned(), value: Some(value.trim().to_owned()) }]
                }
                assigned => assigned,
            };
            assigned.into_iter().map(Step::Environment).collect()
        }
        Instruction::Copy(copy) => vec![stated(copy.copy.span.start, copied(false, &copy.options, &copy.src))],
        Instruction::Add(add) => vec![stated(add.add.span.start, copied(true, &add.options, &add.src))],
        Instruction::Run(run) => {
            let mounts = run.options.iter().filter(|flag| flag.name.value == "mount");
            mounts.filter_map(|flag| Some(stated(run.run.span.start, mounted(&flag.value.as_ref()?.value)?))).collect()
        }
        _ => Vec::new(),
    }
}

fn copied(is_add: bool, options: &[Flag<'_>], sources: &[Source<'_>]) -> Copy {
    let value = |flag: &Flag<'_>| flag.value.as_ref().map(|value| value.value.to_string());
    let is = |name: &'static str| move |flag: &&Flag<'_>| flag.name.value == name;
    let paths = sources.iter().filter_map(|source| match source {
        Source::Path(path) if !path.value.starts_with(here_document::MARK) => Some(path.value.to_string()),
        _ => None,
    });
    Copy {
        is_add,
        from: options.iter().filter(is("from")).filter_map(value).next_back(),
        sources: paths.collect(),
        excludes: options.iter().filter(is("exclude")).filter_map(value).collect(),
        parents: options.iter().filter(is("parents")).any(|flag| value(flag).is_none_or(|value| value != "false")),
        pinned: options.iter().any(|flag| flag.name.value == "checksum"),
    }
}

/// What a `--mount` brings in; a cache, a secret and the like bring in nothing of the context.
fn mounted(options: &str) -> Option<Copy> {
    let (mut kind, mut from, mut source) = ("bind", None, None);
    for option in options.split(',') {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "type" => kind = value,
            "from" => from = Some(value.to_owned()),
            "source" | "src" => source = Some(value.to_owned()),
            _ => {}
        }
    }
    match kind {
        "bind" => {}
        "cache" if from.is_some() => {}
        _ => return None,
    }
    let sources = vec![source.unwrap_or_else(|| ".".to_owned())];
    Some(Copy { is_add: false, from, sources, excludes: Vec::new(), parents: false, pinned: false })
}

/// Words such as `A=1 B="x y" C`, quotes kept for the substitution to read.
fn assignments(text: &str, escape: char) -> Vec<Assignment> {
    let mut words = vec![String::new()];
    let (mut quote, mut escaped) = (None, false);
    for character in text.chars() {
        if escaped {
            escaped = false;
        } else if character == escape && quote != Some('\'') {
            escaped = true;
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        } else if quote.is_none() && character.is_whitespace() {
            words.push(String::new());
            continue;
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let words = words.into_iter().filter(|word| !word.is_empty());
    words
        .map(|word| match word.split_once('=') {
            Some((name, value)) => Assignment { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Assignment { name: word, value: None },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(text: &str) -> Vec<(u32, Copy)> {
        let dockerfile = read(text.as_bytes()).unwrap();
        let steps = dockerfile.stages.into_iter().flat_map(|stage| stage.steps);
        steps
            .filter_map(|step| match step {
                Step::Copy(copy) => Some((copy.line, copy.value)),
                _ => None,
            })
            .collect()
    }

    fn sources(text: &str) -> Vec<(u32, Vec<String>)> {
        copies(text).into_iter().map(|(line, copy)| (line, copy.sources)).collect()
    }

    #[test]
    fn forms_of_copy() {
        let text = "# syntax=docker/dockerfile:1\r\nFROM a\r\ncopy a \\\r\n  # comment\r\n  b c/\r\nCOPY [\"x y\", \"/d\"]\r\n";
        assert_eq!(sources(text), [(3, vec!["a".to_owned(), "b".to_owned()]), (6, vec!["x y".to_owned()])]);
    }

    #[test]
    fn here_documents_hide_what_they_hold() {
        let text = "FROM a\nRUN <<EOF\nCOPY no no\nEOF\nRUN cat > f <<X\nCOPY no no\nX\nCOPY <<A <<\"B\" s /d/\nADD no no\nA\nCOPY no no\nB\nCOPY yes y\n";
        assert_eq!(sources(text), [(8, vec!["s".to_owned()]), (13, vec!["yes".to_owned()])]);
    }

    #[test]
    fn the_escape_directive_changes_continuation() {
        let text = "# escape=`\nFROM a\nCOPY src\\app `\n  c:\\app\n";
        assert_eq!(read(text.as_bytes()).unwrap().escape, '`');
        assert_eq!(sources(text), [(3, vec!["src\\app".to_owned()])]);
    }

    #[test]
    fn options_of_copy_and_mounts() {
        let text = "FROM a\nCOPY --from=b --parents --exclude=*.md --exclude=x --link p q\n\
            RUN --mount=type=cache,target=/c --mount=type=bind,source=go.mod,target=go.mod \\\n --mount=target=/all make\n";
        let copies = copies(text);
        assert_eq!(copies.len(), 3);
        assert_eq!(copies[0].1.from.as_deref(), Some("b"));
        assert!(copies[0].1.parents);
        assert_eq!(copies[0].1.excludes, ["*.md", "x"]);
        assert_eq!(copies[1].1.sources, ["go.mod"]);
        assert_eq!(copies[2].1.sources, ["."]);
    }

    #[test]
    fn variables_in_both_forms() {
        let dockerfile = read(b"ARG A=1 B\nFROM x AS Build\nENV K=\"v w\" L=2\nENV OLD the rest\n").unwrap();
        assert_eq!(dockerfile.arguments.len(), 2);
        assert_eq!(dockerfile.stages[0].name.as_deref(), Some("build"));
        let values = dockerfile.stages[0].steps.iter().filter_map(|step| match step {
            Step::Environment(assignment) => assignment.value.clone(),
            _ => None,
        });
        assert_eq!(values.collect::<Vec<_>>(), ["\"v w\"", "2", "the rest"]);
    }

    #[test]
    fn case_96_more_stages_than_anybody_writes_are_refused() {
        let staged = |count| (0..count).map(|number| format!("FROM a AS test-{number}\n")).collect::<String>();
        assert_eq!(read(staged(MOST_STAGES).as_bytes()).unwrap().stages.len(), MOST_STAGES);
        let refused = read(staged(MOST_STAGES + 1).as_bytes()).unwrap_err();
        assert_eq!((refused.line, refused.message.as_str()), (513, "it has more than 512 stages"));
    }

    #[test]
    fn what_is_no_dockerfile_says_where() {
        assert_eq!(read(b"FROM a\nNONSENSE\n").unwrap_err().line, 2);
        assert!(read(b"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn case_96_no_text_stops_the_reader(words in proptest::collection::vec(
            proptest::sample::select(vec![
                "FROM a AS b", "FROM ", "COPY ", "ADD ", "RUN ", "ONBUILD ", "ENV ", "ARG ", "HEALTHCHECK ", "<<EOF", "EOF", "\\",
                "\n", "\r\n", " ", "\t", "[\"a\"", ",", "]", "\"", "'", "$", "{", "}", "=", "--from=", "--mount=", "# escape=`",
                "`", "#", "é", "x", "\u{1}\u{1}", "\\u12", "<<-\"x\"",
            ]), 0..40)) {
            let text = words.concat();
            let read = read(text.as_bytes());
            if let Ok(dockerfile) = read {
                proptest::prop_assert!(!dockerfile.stages.is_empty());
                super::super::stages::resolve(&dockerfile, &[]);
            }
        }
    }
}
