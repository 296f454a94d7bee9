//! Which pipelines may reach which environments, as far as the configuration alone can tell. A plan is held to the same
//! policy once more, as it knows what else a task needs.

use super::mistake::{Mistake, listed, nearest};
use super::{Configuration, EnvironmentSettings, TaskSettings, Written};
use crate::diagnostic::Diagnostic;

/// Environments and pipelines that are named and not there, and pipelines that would reach an environment that they may
/// not reach.
pub(super) fn violations(configuration: &Configuration) -> Vec<Diagnostic> {
    let mut found = unknown_pipelines(configuration);
    let of_projects = configuration.projects.iter().flat_map(|settings| &settings.tasks);
    let mut told: Vec<Diagnostic> = Vec::new();
    for (name, settings) in configuration.tasks.iter().chain(of_projects) {
        let Some(wanted) = &settings.environment else { continue };
        match configuration.environments.get(&wanted.value) {
            Some(environment) => told.extend(reached(configuration, name, wanted, environment)),
            None => found.push(unknown_environment(configuration, settings, wanted)),
        }
    }
    // Tables of several projects tell of one pipeline's task again and again.
    told.sort();
    told.dedup();
    found.extend(told);
    found
}

fn unknown_pipelines(configuration: &Configuration) -> Vec<Diagnostic> {
    let named = configuration.environments.values().flat_map(|environment| environment.pipelines.iter().flatten());
    let all = configuration.all_pipelines();
    let known: Vec<&str> = all.iter().map(|pipeline| pipeline.name.value.as_str()).collect();
    let unknown = named.filter(|named| !known.contains(&named.value.as_str())).map(|named| {
        let help = match nearest(&named.value, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there are {}", listed(&known)),
        };
        let message = format!("no pipeline is called `{}`", named.value);
        Mistake::new("unknown-pipeline", message, help).at(named.place.clone())
    });
    unknown.collect()
}

fn unknown_environment(configuration: &Configuration, task: &TaskSettings, wanted: &Written<String>) -> Diagnostic {
    let known: Vec<&str> = configuration.environments.keys().map(String::as_str).collect();
    let help = match nearest(&wanted.value, &known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("write `[environment.{}]` in the `knockon.toml` at the root", wanted.value),
    };
    let message = format!("task `{}` runs in an environment that is not there: `{}`", task.name.value, wanted.value);
    Mistake::new("unknown-environment", message, help).at(wanted.place.clone())
}

/// The pipelines that name a task, or the task that it is a part of, and may not reach its environment.
fn reached(
    configuration: &Configuration,
    task: &str,
    wanted: &Written<String>,
    environment: &EnvironmentSettings,
) -> Vec<Diagnostic> {
    let means = |name: &str| task.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let barred =
        configuration.all_pipelines().into_iter().filter(|pipeline| !environment.allows(Some(&pipeline.name.value)));
    let reached =
        barred.filter_map(|pipeline| Some((pipeline, pipeline.tasks.iter().find(|name| means(&name.value))?)));
    let told = reached.map(|(pipeline, named)| {
        let name = &pipeline.name.value;
        // A built-in pipeline stands in no file of the repository; there the task's own line is what can be mended.
        let place = if configuration.pipelines.contains_key(name) { &named.place } else { &wanted.place };
        let allowed: Vec<&str> = environment.pipelines.iter().flatten().map(|name| name.value.as_str()).collect();
        let who = if allowed.is_empty() { "no pipeline".to_owned() } else { format!("only {}", listed(&allowed)) };
        let message = format!(
            "pipeline `{name}` would reach environment `{}` by its task `{task}`, and {who} may",
            environment.name.value
        );
        let help = format!(
            "leave `{}` out of the pipeline, or add `{name}` to `pipelines` of `[environment.{}]`",
            named.value, environment.name.value
        );
        Mistake::new("forbidden-environment", message, help).at(place.clone())
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{path, root};
    use super::super::{FILE_NAME, merge, read};
    use super::*;

    fn told(text: &str) -> String {
        let found = merge(root(text), Vec::new()).1;
        let line = |found: &Diagnostic| {
            let place = found.place.as_ref().unwrap();
            format!(
                "{}:{} {}: {} -- {}",
                place.line,
                place.column,
                found.code,
                found.message,
                found.help.as_ref().unwrap()
            )
        };
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_pipeline_reaches_no_environment_that_does_not_allow_it() {
        insta::assert_snapshot!(told(r#"
[environment.production]
approval = true
pipelines = ["release"]
[environment.qa]
[task.deploy]
environment = "production"
[task.trial]
environment = "qa"
[pipeline.nightly]
tasks = ["build", "deploy", "trial"]
[pipeline.release]
tasks = ["deploy", "trial"]
[project.a.task."image.worker"]
environment = "production"
"#), @r#"
        11:19 forbidden-environment: pipeline `nightly` would reach environment `production` by its task `deploy`, and only `release` may -- leave `deploy` out of the pipeline, or add `nightly` to `pipelines` of `[environment.production]`
        15:15 forbidden-environment: pipeline `pull-request` would reach environment `production` by its task `image.worker`, and only `release` may -- leave `image` out of the pipeline, or add `pull-request` to `pipelines` of `[environment.production]`
        "#);
    }

    #[test]
    fn what_is_not_there_is_named_with_its_mend() {
        insta::assert_snapshot!(told(r#"
[environment.production]
pipelines = ["relase"]
[task.deploy]
environment = "prodution"
[project.a.task.try]
environment = "qa"
"#), @r#"
        3:14 unknown-pipeline: no pipeline is called `relase` -- did you mean `release`?
        5:15 unknown-environment: task `deploy` runs in an environment that is not there: `prodution` -- did you mean `production`?
        7:15 unknown-environment: task `try` runs in an environment that is not there: `qa` -- write `[environment.qa]` in the `knockon.toml` at the root
        "#);
    }

    #[test]
    fn an_environment_that_no_pipeline_may_reach_is_reached_by_none() {
        let text = "[environment.x]\npipelines = []\n[task.build]\nenvironment = \"x\"\n";
        assert_eq!(told(text).lines().count(), 3);
        assert!(told(text).contains("no pipeline may"));
        // Without a pipeline that names the task there is nothing to be said.
        assert_eq!(told("[environment.x]\npipelines = [\"release\"]\n[task.deploy]\nenvironment = \"x\"\n"), "");
    }

    #[test]
    fn a_folder_s_own_file_names_environments_of_the_root() {
        let nested = |text: &str| read(&path(&format!("a/{FILE_NAME}")), text.as_bytes()).0.unwrap();
        let of = |text: &str| merge(root(text), vec![nested("[task.deploy]\nenvironment = \"qa\"\n")]).1;
        assert_eq!(of("[environment.qa]\n"), []);
        assert_eq!(of("")[0].code, "unknown-environment");
    }
}
