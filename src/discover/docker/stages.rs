//! The stages of a Dockerfile once its variables are known: what each begins from and what it copies.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::dockerfile::{Assignment, Copy, Dockerfile, Step};
use super::variables::{Dialect, Expanded, LONGEST_VALUE, Lookup, expand};
use crate::discover::syntax::Stated;

/// A build argument and its value; without one it comes from the environment of who builds.
pub type Argument = (String, Option<String>);

/// A stage.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// Its name in lower case.
    pub name: Option<&'a str>,
    /// What it begins from.
    pub base: Base,
    /// The `FROM` line.
    pub from: &'a Stated<String>,
    /// What it copies.
    pub copies: Vec<ResolvedCopy<'a>>,
}

/// What a stage begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// An earlier stage.
    Stage(usize),
    /// An image or a named context.
    Image(Expanded),
}

/// Where the files of a copy come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The build context.
    Context,
    /// Another stage.
    Stage(usize),
    /// A named context or an image.
    Named(String),
    /// It cannot be known: any stage.
    Unknown,
}

/// One copy.
#[derive(Debug)]
pub struct ResolvedCopy<'a> {
    /// The instruction.
    pub copy: &'a Stated<Copy>,
    /// Where its files come from.
    pub origin: Origin,
    /// The sources that are paths.
    pub sources: Vec<String>,
    /// The URL or git sources.
    pub remote: Vec<String>,
    /// A variable that a source needs and that is not known.
    pub computed: Option<String>,
    /// The patterns of what is left out, as far as they are known.
    pub excludes: Vec<String>,
}

#[derive(Clone)]
struct Variable {
    lookup: Lookup,
    is_environment: bool,
}

/// The variables of a stage. What the stages below it set is shared and not copied: a file could make each of many
/// stages inherit many.
#[derive(Default)]
struct Scope {
    own: BTreeMap<String, Variable>,
    inherited: Option<Rc<Scope>>,
}

impl Scope {
    fn above(below: &Rc<Scope>) -> Self {
        let inherited = if below.own.is_empty() { below.inherited.clone() } else { Some(Rc::clone(below)) };
        Self { own: BTreeMap::new(), inherited }
    }

    fn get(&self, name: &str) -> Option<&Variable> {
        let mut scopes = std::iter::successors(Some(self), |scope| scope.inherited.as_deref());
        scopes.find_map(|scope| scope.own.get(name))
    }

    fn insert(&mut self, name: String, variable: Variable) {
        self.own.insert(name, variable);
    }
}

/// What BuildKit sets by itself. Their values have no slash, so a wildcard stands for them.
const PLATFORM_PARTS: [&str; 6] = ["TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDOS", "BUILDARCH", "BUILDVARIANT"];

/// Resolves the stages of a Dockerfile that is built with the given arguments.
pub fn resolve<'a>(dockerfile: &'a Dockerfile, arguments: &[Argument]) -> Vec<Resolved<'a>> {
    let dialect = Dialect::Dockerfile(dockerfile.escape);
    let mut global = Scope::default();
    for argument in &dockerfile.arguments {
        declare(&mut global, argument, dialect, arguments, None);
    }
    let mut scopes: Vec<Rc<Scope>> = Vec::new();
    let mut stages: Vec<Resolved<'a>> = Vec::new();
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        let image = expand(&stage.base.value, dialect, &|name| match global.get(name) {
            Some(variable) => variable.lookup.clone(),
            None => platform(name).unwrap_or(Lookup::Unset),
        });
        let earlier = image.unknown.is_empty().then(|| stage_named(&stages, &image.text)).flatten();
        let mut scope = earlier.map(|at| Scope::above(&scopes[at])).unwrap_or_default();
        let base = earlier.map_or(Base::Image(image), Base::Stage);
        let mut copies = Vec::new();
        for step in &stage.steps {
            match step {
                Step::Argument(argument) => declare(&mut scope, argument, dialect, arguments, Some(&global)),
                Step::Environment(assignment) => {
                    let value = assignment.value.as_deref().unwrap_or_default();
                    let lookup = value_of(expand(value, dialect, &|name| known(&scope, name)));
                    scope.insert(assignment.name.clone(), Variable { lookup, is_environment: true });
                }
                Step::Copy(copy) => {
                    let stage = |name: &str| match stage_named(&stages, name) {
                        // The own number would be a loop, a later one does not exist yet; a name may still come.
                        None => dockerfile
                            .stages
                            .iter()
                            .skip(number + 1)
                            .position(|s| s.name.as_deref() == Some(&*name.to_lowercase()))
                            .map(|at| number + 1 + at),
                        earlier => earlier,
                    };
                    copies.push(resolve_copy(copy, dockerfile.escape, &scope, &stage));
                }
            }
        }
        scopes.push(Rc::new(scope));
        stages.push(Resolved { name: stage.name.as_deref(), base, from: &stage.base, copies });
    }
    stages
}

fn platform(name: &str) -> Option<Lookup> {
    match name {
        _ if PLATFORM_PARTS.contains(&name) => Some(Lookup::Value("*".to_owned())),
        "TARGETPLATFORM" | "BUILDPLATFORM" => Some(Lookup::Value("*/*".to_owned())),
        _ => None,
    }
}

fn value_of(expanded: Expanded) -> Lookup {
    match expanded.known() {
        Ok(value) if value.len() <= LONGEST_VALUE => Lookup::Value(value),
        _ => Lookup::Unknown,
    }
}

/// A variable that no line sets may still come with the base image.
fn known(scope: &Scope, name: &str) -> Lookup {
    scope.get(name).map_or(Lookup::Unknown, |variable| variable.lookup.clone())
}

fn declare(scope: &mut Scope, argument: &Assignment, dialect: Dialect, arguments: &[Argument], global: Option<&Scope>) {
    // What `ENV` set wins over every later `ARG`.
    if scope.get(&argument.name).is_some_and(|variable| variable.is_environment) {
        return;
    }
    let given = arguments.iter().find(|(name, _)| *name == argument.name);
    let lookup = match (given, &argument.value) {
        (Some((_, Some(value))), _) => Lookup::Value(value.clone()),
        (Some((_, None)), _) => Lookup::Unknown,
        (None, Some(value)) => value_of(expand(value, dialect, &|name| match scope.get(name) {
            Some(variable) => variable.lookup.clone(),
            None if global.is_none() => platform(name).unwrap_or(Lookup::Unset),
            None => Lookup::Unknown,
        })),
        (None, None) => match global.and_then(|global| global.get(&argument.name)) {
            Some(variable) => variable.lookup.clone(),
            None => platform(&argument.name).unwrap_or(Lookup::Unset),
        },
    };
    scope.insert(argument.name.clone(), Variable { lookup, is_environment: false });
}

/// The stage that a name or a number means.
pub fn stage_named(stages: &[Resolved<'_>], name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    let by_name = stages.iter().position(|stage| stage.name == Some(lower.as_str()));
    by_name.or_else(|| name.parse().ok().filter(|&at| at < stages.len()))
}

fn resolve_copy<'a>(
    copy: &'a Stated<Copy>,
    escape: char,
    scope: &Scope,
    stage: &dyn Fn(&str) -> Option<usize>,
) -> ResolvedCopy<'a> {
    let expanded = |text: &str| expand(text, Dialect::Dockerfile(escape), &|name| known(scope, name)).known();
    let origin = match copy.value.from.as_deref().map(expanded) {
        None => Origin::Context,
        Some(Err(_)) => Origin::Unknown,
        Some(Ok(name)) => stage(&name).map_or_else(|| Origin::Named(name), Origin::Stage),
    };
    let mut resolved = ResolvedCopy {
        copy,
        origin,
        sources: Vec::new(),
        remote: Vec::new(),
        computed: None,
        excludes: copy.value.excludes.iter().filter_map(|exclude| expanded(exclude).ok()).collect(),
    };
    for source in &copy.value.sources {
        if copy.value.is_add && is_remote(source) {
            resolved.remote.push(source.clone());
            continue;
        }
        match expanded(source) {
            Ok(source) if copy.value.is_add && is_remote(&source) => resolved.remote.push(source),
            // Where the backslash does not escape, it separates.
            Ok(source) if escape == '`' => resolved.sources.push(source.replace('\\', "/")),
            Ok(source) => resolved.sources.push(source),
            Err(variable) => resolved.computed = Some(variable),
        }
    }
    resolved
}

/// Whether a source of `ADD` is fetched from elsewhere.
pub fn is_remote(source: &str) -> bool {
    ["http://", "https://", "ftp://", "git://", "ssh://", "git@"].iter().any(|start| source.starts_with(start))
}

/// The stages that a target needs, itself among them.
pub fn reachable(stages: &[Resolved<'_>], target: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![target];
    while let Some(at) = pending.pop() {
        if at >= stages.len() || !reached.insert(at) {
            continue;
        }
        let stage = &stages[at];
        if let Base::Stage(base) = stage.base {
            pending.push(base);
        }
        for copy in &stage.copies {
            match copy.origin {
                Origin::Stage(other) => pending.push(other),
                Origin::Unknown => return (0..stages.len()).collect(),
                Origin::Context | Origin::Named(_) => {}
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::dockerfile::read;
    use super::*;

    fn sources(text: &str, arguments: &[Argument]) -> Vec<String> {
        let dockerfile = read(text.as_bytes()).unwrap();
        let stages = resolve(&dockerfile, arguments);
        let copies = stages.iter().flat_map(|stage| &stage.copies);
        copies
            .flat_map(|copy| {
                let computed = copy.computed.iter().map(|variable| format!("?{variable}"));
                copy.sources.iter().cloned().chain(computed).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn arguments_have_scopes() {
        let text = "ARG A=1\nFROM x AS b\nCOPY $A .\nARG A\nCOPY $A .\nENV E=$A/e\nARG E=2\nFROM b\nCOPY ${E} ${B:-d} .\nARG B\nCOPY ${B:-d} .";
        assert_eq!(sources(text, &[]), ["?A", "1", "1/e", "?B", "d"]);
        let given = [("A".to_owned(), Some("9".to_owned())), ("B".to_owned(), None)];
        assert_eq!(sources(text, &given), ["?A", "9", "9/e", "?B", "?B"]);
    }

    #[test]
    fn case_96_variables_that_all_stages_inherit_cost_no_more_than_their_length() {
        let variables: String = (0..100_000).map(|number| format!("ENV V{number}={number}\n")).collect();
        let stages: String = (1..500).map(|number| format!("FROM s{} AS s{number}\n", number - 1)).collect();
        let text = format!("FROM x AS s0\n{variables}{stages}COPY $V7 .\nENV V7=own\nCOPY $V7 .\n");
        assert_eq!(sources(&text, &[]), ["7", "own"]);
    }

    #[test]
    fn the_platform_is_a_wildcard() {
        assert_eq!(sources("FROM x\nARG TARGETARCH\nCOPY bin/$TARGETARCH/a /", &[]), ["bin/*/a"]);
    }

    #[test]
    fn a_target_reaches_what_it_needs() {
        let text = "ARG BASE=build\nFROM a AS Build\nFROM build AS test\nCOPY t .\nFROM ${BASE} AS publish\nFROM b\nCOPY --from=PUBLISH x .\nRUN --mount=from=5,target=/x y\nFROM c";
        let dockerfile = read(text.as_bytes()).unwrap();
        let stages = resolve(&dockerfile, &[]);
        let of = |target| reachable(&stages, target).into_iter().collect::<Vec<_>>();
        assert_eq!(of(3), [0, 2, 3]);
        assert_eq!(of(1), [0, 1]);
        assert_eq!(of(4), [4]);
        let computed = read(b"FROM a\nFROM b\nCOPY --from=$X a .\nFROM c").unwrap();
        assert_eq!(reachable(&resolve(&computed, &[]), 1).into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    }
}
