//! What a compose file says about images: which services are built from which context, and on whom they depend.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entries::{self, Entry};
use crate::discover::Fragments;
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_yaml, text_of};

/// A compose file, all its documents together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeFile {
    /// Its services.
    pub services: Vec<Service>,
    /// The files that it includes.
    pub includes: Vec<Stated<String>>,
    /// All its entries, one by one.
    pub entries: Vec<Entry>,
    /// What they say.
    pub fragments: Arc<Fragments>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: Stated<String>,
    /// The image that it runs, or that its build is called.
    pub image: Option<Stated<String>>,
    /// How it is built.
    pub build: Option<Build>,
    /// The service that it takes over.
    pub extends: Option<Stated<Extends>>,
    /// The services that it waits for.
    pub depends_on: Vec<Stated<String>>,
}

/// Another service, perhaps of another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extends {
    /// The file; this one if there is none.
    pub file: Option<String>,
    /// The service.
    pub service: String,
}

/// How a service is built. All texts are as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The line of `build`.
    pub stated: Stated<()>,
    /// The context.
    pub context: Option<Stated<String>>,
    /// The Dockerfile, relative to the context.
    pub dockerfile: Option<Stated<String>>,
    /// A Dockerfile in the compose file itself.
    pub inline: Option<Stated<()>>,
    /// The stage to build.
    pub target: Option<Stated<String>>,
    /// Build arguments.
    pub arguments: Vec<Stated<(String, Option<String>)>>,
    /// Named contexts.
    pub contexts: Vec<Stated<(String, String)>>,
}

/// Reads a compose file.
pub fn read(bytes: &[u8]) -> Result<ComposeFile, Unreadable> {
    let documents = read_yaml(bytes)?;
    let lines = Lines::new(text_of(bytes)?);
    let (entries, fragments) = entries::read(&documents, &lines);
    let mut file = ComposeFile { entries, fragments: fragments.sealed(), ..ComposeFile::default() };
    for document in &documents {
        for (name, service) in document.get("services").into_iter().flat_map(Located::entries) {
            file.services.push(read_service(lines.stated(name.line, name.text.clone()), service, &lines));
        }
        for include in document.get("include").map(Located::items).unwrap_or_default() {
            let paths = include.get("path").unwrap_or(include);
            file.includes.extend(text(paths, &lines));
            file.includes.extend(paths.items().iter().filter_map(|path| text(path, &lines)));
        }
    }
    Ok(file)
}

fn text(value: &Located, lines: &Lines<'_>) -> Option<Stated<String>> {
    Some(lines.stated(value.line, value.scalar()?))
}

/// The pairs of a table, or of a list of `KEY=VALUE`.
fn pairs(value: &Located, lines: &Lines<'_>) -> Vec<Stated<(String, Option<String>)>> {
    let table = value.entries().map(|(key, value)| lines.stated(key.line, (key.text.clone(), value.scalar())));
    let list = value.items().iter().filter_map(|item| {
        let text = item.scalar()?;
        let pair = match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text, None),
        };
        Some(lines.stated(item.line, pair))
    });
    table.chain(list).collect()
}

fn read_service(name: Stated<String>, service: &Located, lines: &Lines<'_>) -> Service {
    let extends = service.get("extends").and_then(|extends| {
        let extended = match extends.text() {
            Some(service) => Extends { file: None, service: service.to_owned() },
            None => Extends {
                file: extends.get("file").and_then(Located::scalar),
                service: extends.get("service").and_then(Located::scalar)?,
            },
        };
        Some(lines.stated(extends.line, extended))
    });
    let depends_on = service.get("depends_on").map(|depends| pairs(depends, lines)).unwrap_or_default();
    Service {
        name,
        image: service.get("image").and_then(|image| text(image, lines)),
        build: service
            .entries()
            .find(|(key, _)| key.text == "build")
            .and_then(|(key, build)| read_build(lines.stated(key.line, ()), build, lines)),
        extends,
        depends_on: depends_on.into_iter().map(|pair| pair.with(pair.value.0.clone())).collect(),
    }
}

fn read_build(stated: Stated<()>, build: &Located, lines: &Lines<'_>) -> Option<Build> {
    let field = |key: &str| build.get(key).and_then(|value| text(value, lines));
    let listed = |key: &str| build.get(key).map(|value| pairs(value, lines)).unwrap_or_default();
    let context = match build.scalar() {
        Some(_) => text(build, lines),
        None if build.is_table() => field("context"),
        None => return None,
    };
    let contexts = listed("additional_contexts").into_iter();
    Some(Build {
        stated,
        context,
        dockerfile: field("dockerfile"),
        inline: field("dockerfile_inline").map(|inline| inline.with(())),
        target: field("target"),
        arguments: listed("args"),
        contexts: contexts.filter_map(|pair| Some(pair.with((pair.value.0.clone(), pair.value.1.clone()?)))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_everything() {
        let text = "x-args: &a\n  K: 1\nservices:\n  a:\n    build: ./a\n    depends_on: [b]\n  b:\n    image: r/b:${T}\n    build:\n      context: .\n      args:\n        <<: *a\n        L:\n      additional_contexts:\n        - lib=../lib\n    depends_on:\n      c: {condition: service_started}\n---\nservices:\n  c:\n    extends: {file: x.yml, service: y}\n    build:\n      args: [M=2, N]\ninclude:\n  - one.yml\n  - path: [two.yml]\n";
        let file = read(text.as_bytes()).unwrap();
        let [a, b, c] = &file.services[..] else { panic!("{file:?}") };
        assert_eq!(a.build.as_ref().unwrap().context.as_ref().unwrap().value, "./a");
        assert_eq!(a.depends_on[0].value, "b");
        let build = b.build.as_ref().unwrap();
        let mut arguments: Vec<_> = build.arguments.iter().map(|a| a.value.clone()).collect();
        arguments.sort();
        assert_eq!(arguments, [("K".to_owned(), Some("1".to_owned())), ("L".to_owned(), None)]);
        assert_eq!(build.contexts[0].value, ("lib".to_owned(), "../lib".to_owned()));
        assert_eq!(b.depends_on[0].value, "c");
        assert_eq!(c.extends.as_ref().unwrap().value.file.as_deref(), Some("x.yml"));
        assert_eq!(c.build.as_ref().unwrap().arguments.len(), 2);
        let includes: Vec<_> = file.includes.iter().map(|include| &*include.value).collect();
        assert_eq!(includes, ["one.yml", "two.yml"]);
    }

    #[test]
    fn tags_that_compose_knows_do_no_harm() {
        let file = read(b"services:\n  a:\n    ports: !reset []\n    build: !override\n      context: x\n").unwrap();
        assert_eq!(file.services[0].build.as_ref().unwrap().context.as_ref().unwrap().value, "x");
    }
}
