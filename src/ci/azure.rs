//! Azure Pipelines: a whole pipeline in which each job waits for the jobs that it needs, or variables with a matrix for
//! each layer of a pipeline that is there already.

use super::document::Node;
use super::entry::with_remark;
use super::feedback::{Annotation, Feedback};
use super::layers::{Leg, layers};
use super::{
    CiError, Emission, Engine, Entry, Form, Grammar, Job, JobGraph, Options, Setup, has_room, shell, variables, within,
};

pub(super) const ENGINE: Engine = Engine {
    name: "azure",
    title: TITLE,
    emit,
    forms: &[Form::Matrix, Form::Workflow],
    entry: Some(Entry { path: "azure-pipelines.yml", text: entry_text }),
    feedback: Some(FEEDBACK),
};

const TITLE: &str = "Azure Pipelines";

/// No limit is documented; more than a few are read by nobody.
const FEEDBACK: Feedback = Feedback { variable: "TF_BUILD", annotation, most: 10, summary: None };

const NAMES: Grammar = Grammar { signs: "_", filler: '_', digit_first: false, lower: false, longest: 100 };

/// The job that succeeds if all others did. A pipeline has to have one.
const GATE: &str = "knockon";

/// The most jobs of a matrix: a limit that is widely told and that no documentation was found for.
const MOST_LEGS: usize = 256;

/// Azure parses files of 600 kB to 2 MB, as it says itself.
const MOST_BYTES: usize = 2_000_000;

/// What is known of the length of a line in a log from which a variable is set.
const MOST_OUTPUT: usize = 1_000_000;

/// A leg takes more bytes than this.
const LEAST_BYTES: usize = 20;

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    match options.form.unwrap_or(Form::Workflow) {
        Form::Workflow => workflow(graph, options).map(Emission::Document),
        Form::Matrix => {
            set_variables(graph, options.layers.unwrap_or(super::USUAL_LAYERS)).map(Emission::LoggingCommands)
        }
    }
}

fn workflow(graph: &JobGraph, options: &Options) -> Result<String, CiError> {
    has_room(TITLE, graph, shell::SCRIPT.len(), MOST_BYTES)?;
    let names = NAMES.names(&graph.ids(), &[GATE]);
    let name = |at: usize| Node::from(names[at].as_str());
    let mut jobs = Vec::new();
    for (at, job) in graph.jobs.iter().enumerate() {
        let needs = job.needs.iter().map(|&need| name(need)).collect();
        jobs.push(task(job, name(at), needs, options.image.as_deref())?);
    }
    // By the usual condition a job runs if all that it depends on has succeeded.
    let gate = Node::map()
        .with("job", GATE)
        .with_some("dependsOn", Node::unless_empty(graph.last().into_iter().map(name).collect()))
        .with("steps", vec![Node::map().with("checkout", "none"), Node::map().with("bash", "true")]);
    jobs.push(gate);
    let pool = Node::map().with("vmImage", "ubuntu-latest");
    let text = Node::map().with("trigger", "none").with("pool", pool).with("jobs", jobs).yaml()?;
    within(TITLE, "bytes of YAML", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(text)
}

fn task(job: &Job, name: Node, needs: Vec<Node>, image: Option<&str>) -> Result<Node, CiError> {
    let run = Node::map()
        .with("bash", shell::SCRIPT)
        .with("displayName", job.title())
        .with("env", Node::Map(variables(job)?));
    let head = |kind: &str| {
        Node::map()
            .with(kind, name.clone())
            .with("displayName", job.title())
            .with_some("dependsOn", Node::unless_empty(needs.clone()))
            .with_some("container", image)
            .with_some("timeoutInMinutes", job.timeout.map(|timeout| super::minutes(timeout).to_string()))
    };
    let Some(environment) = &job.environment else {
        return Ok(head("job").with("steps", [run]));
    };
    // A deployment does not fetch the sources by itself. Who has to approve is a matter of the environment's own checks.
    let steps = [Node::map().with("checkout", "self"), run];
    let deploy = Node::map().with("deploy", Node::map().with("steps", steps));
    // A text with a dot in it would name a resource of an environment, whose checks would be those of another.
    Ok(head("deployment")
        .with("environment", Node::map().with("name", environment.inert_name()))
        .with("strategy", Node::map().with("runOnce", deploy)))
}

/// Lines that set variables of the step, by which later jobs are made.
fn set_variables(graph: &JobGraph, most_layers: usize) -> Result<String, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_OUTPUT)?;
    if let Some(job) = graph.jobs.iter().find(|job| job.environment.is_some()) {
        return Err(CiError::Unsupported {
            engine: TITLE,
            what: "environments for the jobs of a matrix",
            task: job.title(),
            mend: "use --format workflow, or a pipeline without it",
        });
    }
    let layers = layers(TITLE, graph, most_layers, MOST_LEGS)?;
    let mut values = vec![
        ("any".to_owned(), (!graph.jobs.is_empty()).to_string()),
        ("count".to_owned(), graph.jobs.len().to_string()),
        ("layers".to_owned(), layers.len().to_string()),
    ];
    for number in 0..most_layers {
        let legs = layers.get(number).map_or(&[][..], |legs| legs);
        values.push((format!("layer{number}"), matrix(graph, legs)?));
        values.push((format!("minutes{number}"), minutes(graph, legs).to_string()));
    }
    let set = |(name, value): &(String, String)| {
        format!("##vso[task.setvariable variable={name};isOutput=true]{}\n", data(value))
    };
    let text: String = values.iter().map(set).collect();
    within(TITLE, "bytes of variables", text.len(), MOST_OUTPUT, super::SHARD)?;
    Ok(text)
}

/// What a command is given, in which only these would be read.
fn data(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command that shows a finding with its place.
fn annotation(annotation: &Annotation) -> String {
    let property = |text: &str| data(text).replace(';', "%3B").replace(']', "%5D");
    let level = if annotation.is_error { "error" } else { "warning" };
    let mut properties = format!("type={level};code={}", property(&annotation.title));
    if let Some(file) = &annotation.file {
        properties.push_str(&format!(";sourcepath={}", property(file)));
    }
    for (name, number) in [("linenumber", annotation.line), ("columnnumber", annotation.column)] {
        if number > 0 {
            properties.push_str(&format!(";{name}={number}"));
        }
    }
    format!("##vso[task.logissue {properties}]{}\n", data(&annotation.message))
}

/// What Azure gives a job that says nothing.
const USUAL_MINUTES: u64 = 60;

/// How long each leg of a layer may take. Azure has one time-out for a job and not for its legs: the longest.
fn minutes(graph: &JobGraph, legs: &[Leg]) -> u64 {
    legs.iter().map(|leg| leg.minutes(graph).unwrap_or(USUAL_MINUTES)).max().unwrap_or(USUAL_MINUTES)
}

fn matrix(graph: &JobGraph, legs: &[Leg]) -> Result<String, CiError> {
    let first = |leg: &Leg| leg.jobs(graph).next().map(Job::id).unwrap_or_default();
    let names = NAMES.names(&legs.iter().map(first).collect::<Vec<_>>(), &[]);
    let mut matrix = Node::map();
    for (leg, name) in legs.iter().zip(names) {
        // A matrix makes variables of these, and their names are read by the step.
        let variables = Node::map().with("KNOCKON_TASK", leg.title(graph)).with(shell::VARIABLE, leg.commands(graph)?);
        matrix = matrix.with(name, variables);
    }
    matrix.json()
}

/// A job that plans, one for each layer, and the gate.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let layer = |number: usize| format!("layer{number}");
    let output = |name: &str| format!("dependencies.plan.outputs['plan.{name}']");
    let call = setup.call(&format!("ci azure --format matrix --layers {}", setup.layers))?;
    let whole = Node::map().with("checkout", "self").with("fetchDepth", "0");
    let plan = Node::map()
        .with("job", "plan")
        .with("steps", [whole, Node::map().with("bash", format!("set -e\n{call}")).with("name", "plan")]);
    let mut jobs = vec![plan];
    let mut results = Node::map().with("PLANNED", "$[ dependencies.plan.result ]");
    results = results.with("LAYERS", format!("$[ {} ]", output("layers")));
    let mut told = Vec::new();
    for number in 0..setup.layers {
        let before = number.checked_sub(1).map(layer);
        let needs: Vec<String> = std::iter::once("plan".to_owned()).chain(before).collect();
        // An empty matrix would run a job with empty variables.
        let condition = format!("and(succeeded(), ne({}, '{{}}'))", output(&layer(number)));
        let matrix = format!("$[ {} ]", output(&layer(number)));
        let job = Node::map()
            .with("job", layer(number))
            .with("dependsOn", needs)
            .with("condition", condition)
            .with("strategy", Node::map().with("matrix", matrix))
            .with("timeoutInMinutes", format!("$[ {} ]", output(&format!("minutes{number}"))))
            .with_some("container", setup.image.as_deref())
            .with("steps", [Node::map().with("bash", shell::SCRIPT)]);
        jobs.push(job);
        results = results.with(format!("RESULT{number}"), format!("$[ dependencies.{}.result ]", layer(number)));
        told.push(format!("$RESULT{number}"));
    }
    let script = LAYERS_SCRIPT.replace("RESULTS", &told.join(" "));
    let needs: Vec<String> = std::iter::once("plan".to_owned()).chain((0..setup.layers).map(layer)).collect();
    let gate = Node::map()
        .with("job", GATE)
        .with("dependsOn", needs)
        .with("condition", "always()")
        .with("variables", results)
        .with("steps", [Node::map().with("checkout", "none"), Node::map().with("bash", script)]);
    jobs.push(gate);
    let pool = Node::map().with("vmImage", "ubuntu-latest");
    let branches = Node::map().with("branches", Node::map().with("include", ["*"]));
    Ok(with_remark(&Node::map().with("trigger", branches).with("pool", pool).with("jobs", jobs).yaml()?))
}

/// Succeeds if planning did, and exactly as many layers as the plan has. What was skipped was not needed then.
const LAYERS_SCRIPT: &str = "[ \"$PLANNED\" = Succeeded ] || exit 1
done=0
for result in RESULTS; do
  case $result in
    Succeeded) done=`expr $done + 1` ;;
    Skipped) ;;
    *) exit 1 ;;
  esac
done
[ \"$done\" -eq \"$LAYERS\" ]
";
