//! Skaffold and bake say the same of an image as compose does, in other words: both are read into its facts.

use super::compose::{Build, ComposeFile, Extends, Service};
use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_json, read_yaml, text_of};

/// Builders that need no Dockerfile.
const OTHER_BUILDERS: [&str; 6] = ["bazel", "buildpacks", "custom", "jib", "jibMaven", "ko"];

/// Reads a `skaffold.yaml`: an artifact is what compose calls a service, under the name of its image.
pub fn read_skaffold(bytes: &[u8]) -> Result<ComposeFile, Unreadable> {
    let documents = read_yaml(bytes)?;
    let lines = Lines::new(text_of(bytes)?);
    let mut file = ComposeFile::default();
    for document in &documents {
        let profiles = document.get("profiles").map(Located::items).unwrap_or_default();
        for config in std::iter::once(document).chain(profiles) {
            let artifacts = config.at(&["build", "artifacts"]).map(Located::items).unwrap_or_default();
            file.services.extend(artifacts.iter().filter_map(|artifact| read_artifact(artifact, &lines)));
        }
    }
    Ok(file)
}

fn read_artifact(artifact: &Located, lines: &Lines<'_>) -> Option<Service> {
    if OTHER_BUILDERS.iter().any(|builder| artifact.get(builder).is_some()) {
        return None;
    }
    let image = text(artifact.get("image")?, lines)?;
    let docker = artifact.get("docker").or_else(|| artifact.get("kaniko"));
    let field = |key: &str| docker.and_then(|docker| docker.get(key)).and_then(|value| text(value, lines));
    let mut arguments = pairs(docker.and_then(|docker| docker.get("buildArgs")), lines);
    // The image of a required artifact is handed over as a build argument.
    for required in artifact.get("requires").map(Located::items).unwrap_or_default() {
        let Some(name) = required.get("image").and_then(Located::scalar) else { continue };
        let alias = required.get("alias").and_then(Located::scalar).unwrap_or_else(|| name.clone());
        arguments.push(lines.stated(required.line, (alias, Some(name))));
    }
    let build = Build {
        stated: image.with(()),
        context: artifact
            .get("context")
            .and_then(|context| text(context, lines))
            .or_else(|| Some(image.with(".".into()))),
        dockerfile: field("dockerfile"),
        inline: None,
        target: field("target"),
        arguments,
        contexts: Vec::new(),
    };
    Some(Service { name: image.clone(), image: Some(image), build: Some(build), extends: None, depends_on: Vec::new() })
}

/// Reads a `docker-bake.json`: a target is what compose calls a service.
pub fn read_bake(bytes: &[u8]) -> Result<ComposeFile, Unreadable> {
    let document = read_json(bytes)?;
    let lines = Lines::new(text_of(bytes)?);
    let mut file = ComposeFile::default();
    for (name, target) in document.get("target").into_iter().flat_map(Located::entries) {
        let field = |key: &str| target.get(key).and_then(|value| text(value, &lines));
        let contexts = pairs(target.get("contexts"), &lines).into_iter();
        let contexts = contexts.filter_map(|pair| {
            let (name, value) = pair.value.clone();
            let value = value?;
            let value = value.strip_prefix("target:").map(|target| format!("service:{target}")).unwrap_or(value);
            Some(pair.with((name, value)))
        });
        let inherits = target.get("inherits").map(Located::items).unwrap_or_default();
        file.services.push(Service {
            name: lines.stated(name.line, name.text.clone()),
            image: target.get("tags").and_then(|tags| text(tags.items().first()?, &lines)),
            build: Some(Build {
                stated: lines.stated(name.line, ()),
                context: field("context"),
                dockerfile: field("dockerfile"),
                inline: field("dockerfile-inline").map(|inline| inline.with(())),
                target: field("target"),
                arguments: pairs(target.get("args"), &lines),
                contexts: contexts.collect(),
            }),
            extends: inherits.last().and_then(|inherited| {
                let service = inherited.scalar()?;
                Some(lines.stated(inherited.line, Extends { file: None, service }))
            }),
            depends_on: Vec::new(),
        });
    }
    Ok(file)
}

fn text(value: &Located, lines: &Lines<'_>) -> Option<Stated<String>> {
    Some(lines.stated(value.line, value.scalar()?))
}

fn pairs(table: Option<&Located>, lines: &Lines<'_>) -> Vec<Stated<(String, Option<String>)>> {
    let entries = table.into_iter().flat_map(Located::entries);
    entries.map(|(key, value)| lines.stated(key.line, (key.text.clone(), value.scalar()))).collect()
}
