//! GitHub Actions: a matrix for each layer of a workflow that is there already, or a whole workflow with a job for each
//! task.

use super::document::Node;
use super::entry::with_remark;
use super::feedback::{Annotation, Feedback, SummaryFile};
use super::layers::{Leg, layers};
use super::{
    CiError, Emission, Engine, Entry, Form, Grammar, Job, JobEnvironment, JobGraph, Options, Setup, has_room, shell,
    variables, within,
};

pub(super) const ENGINE: Engine = Engine {
    name: "github",
    title: TITLE,
    emit,
    forms: &[Form::Matrix, Form::Workflow],
    entry: Some(Entry { path: ".github/workflows/knockon.yml", text: entry_text }),
    feedback: Some(FEEDBACK),
};

const TITLE: &str = "GitHub Actions";

const FEEDBACK: Feedback = Feedback {
    variable: "GITHUB_ACTIONS",
    annotation,
    most: 10,
    summary: Some(SummaryFile { variable: "GITHUB_STEP_SUMMARY", most: 1_048_576 }),
};

const NAMES: Grammar = Grammar { signs: "-_", filler: '-', digit_first: false, lower: false, longest: 100 };

/// The job that is over when all others are, and succeeds if they did: the one to require.
const GATE: &str = "knockon";

/// The most jobs that the matrices of one run make.
const MOST_LEGS: usize = 256;

/// The most bytes of a job's outputs, which GitHub counts as UTF-16.
const MOST_OUTPUT: usize = 1_000_000;

/// A job takes more bytes than this, in a leg of many too.
const LEAST_BYTES: usize = 20;

/// The most bytes of a workflow.
const MOST_BYTES: usize = 500_000;

/// The sources, by the digest of a version that is known: v5.0.0.
pub(super) const CHECKOUT: &str = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8";

/// Succeeds if every job that had to run did, and succeeded.
const GATE_SCRIPT: &str = "for result in $RESULTS; do [ \"$result\" = success ] || exit 1; done\n";

fn emit(graph: &JobGraph, options: &Options) -> Result<Emission, CiError> {
    match options.form.unwrap_or(Form::Matrix) {
        Form::Matrix => outputs(graph, options.layers.unwrap_or(super::USUAL_LAYERS)).map(Emission::Outputs),
        Form::Workflow => workflow(graph).map(Emission::Document),
    }
}

/// `name=value` for each output. All are on one line: what is in them has no line break left.
fn outputs(graph: &JobGraph, most_layers: usize) -> Result<String, CiError> {
    has_room(TITLE, graph, LEAST_BYTES, MOST_OUTPUT)?;
    let layers = layers(TITLE, graph, most_layers, MOST_LEGS)?;
    let mut text = format!("any={}\ncount={}\nlayers={}\n", !graph.jobs.is_empty(), graph.jobs.len(), layers.len());
    for number in 0..most_layers {
        let legs = layers.get(number).map_or(&[][..], |legs| legs);
        let include = legs.iter().map(|leg| entry(graph, leg)).collect::<Result<Vec<_>, _>>()?;
        let value = Node::map().with("include", include).json()?;
        text.push_str(&format!("layer{number}={value}\n"));
    }
    let size = text.encode_utf16().count() * 2;
    within(TITLE, "bytes of outputs, counted as UTF-16", size, MOST_OUTPUT, super::SHARD)?;
    Ok(text)
}

fn entry(graph: &JobGraph, leg: &Leg) -> Result<Node, CiError> {
    Ok(Node::map()
        .with("task", leg.title(graph))
        .with("commands", leg.commands(graph)?)
        .with("timeout", leg.minutes(graph).unwrap_or(USUAL_MINUTES))
        .with_some("environment", leg.environment(graph).map(JobEnvironment::inert_name)))
}

/// What GitHub gives a job that says nothing.
const USUAL_MINUTES: u64 = 360;

fn workflow(graph: &JobGraph) -> Result<String, CiError> {
    has_room(TITLE, graph, shell::SCRIPT.len(), MOST_BYTES)?;
    let names = NAMES.names(&graph.ids(), &[GATE]);
    let mut jobs = Node::map();
    for (job, name) in graph.jobs.iter().zip(&names) {
        let needs = job.needs.iter().map(|&need| Node::from(names[need].as_str())).collect();
        jobs = jobs.with(name.as_str(), task(job, needs)?);
    }
    // A job that is needed by another was looked at by that one.
    let last = graph.last().into_iter().map(|at| Node::from(names[at].as_str())).collect();
    let text = Node::map()
        .with("name", "knockon plan")
        .with("on", Node::map().with("workflow_call", Node::map()).with("workflow_dispatch", Node::map()))
        .with("permissions", Node::map().with("contents", "read"))
        .with("jobs", jobs.with(GATE, gate(last)))
        .yaml()?;
    within(TITLE, "bytes of a workflow", text.len(), MOST_BYTES, super::SHARD)?;
    Ok(text)
}

fn task(job: &Job, needs: Vec<Node>) -> Result<Node, CiError> {
    Ok(Node::map()
        .with("name", job.title())
        .with_some("needs", Node::unless_empty(needs))
        .with("runs-on", "ubuntu-latest")
        .with("timeout-minutes", job.timeout.map_or(USUAL_MINUTES, super::minutes))
        .with_some("environment", job.environment.as_ref().map(JobEnvironment::inert_name))
        .with("steps", [checkout(), run(Node::Map(variables(job)?), shell::SCRIPT)]))
}

fn gate(needs: Vec<Node>) -> Node {
    let results = if needs.is_empty() { "" } else { "${{ join(needs.*.result, ' ') }}" };
    let variables = Node::map().with("RESULTS", results);
    Node::map()
        .with_some("needs", Node::unless_empty(needs))
        .with("if", "${{ always() }}")
        .with("runs-on", "ubuntu-latest")
        .with("timeout-minutes", 5_u64)
        .with("steps", [run(variables, GATE_SCRIPT)])
}

fn checkout() -> Node {
    Node::map().with("uses", CHECKOUT).with("with", Node::map().with("persist-credentials", false))
}

fn run(variables: Node, script: &str) -> Node {
    Node::map().with("env", variables).with("shell", "sh").with("run", script)
}

/// A command that shows a finding beside its line.
fn annotation(annotation: &Annotation) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let level = if annotation.is_error { "error" } else { "warning" };
    let mut properties = format!("title={}", property(&annotation.title));
    if let Some(file) = &annotation.file {
        properties.push_str(&format!(",file={}", property(file)));
    }
    for (name, number) in [("line", annotation.line), ("col", annotation.column)] {
        if number > 0 {
            properties.push_str(&format!(",{name}={number}"));
        }
    }
    format!("::{level} {properties}::{}\n", data(&annotation.message))
}

/// A job that plans, one for each layer, and the gate.
fn entry_text(setup: &Setup) -> Result<String, CiError> {
    let layer = |number: usize| format!("layer{number}");
    let mut outputs = Node::map().with("layers", "${{ steps.plan.outputs.layers }}");
    let mut jobs = Vec::new();
    for number in 0..setup.layers {
        outputs = outputs.with(layer(number), format!("${{{{ steps.plan.outputs.{} }}}}", layer(number)));
        let before = number.checked_sub(1).map_or("plan".to_owned(), layer);
        let needs = if number == 0 { vec!["plan".to_owned()] } else { vec!["plan".to_owned(), before] };
        let matrix = format!("${{{{ fromJSON(needs.plan.outputs.{}) }}}}", layer(number));
        let of_matrix = |name: &str| format!("${{{{ matrix.{name} }}}}");
        let variables = Node::map()
            .with("KNOCKON_TASK", of_matrix("task"))
            .with("KNOCKON_ENVIRONMENT", of_matrix("environment"))
            .with(shell::VARIABLE, of_matrix("commands"));
        let job = Node::map()
            .with("name", of_matrix("task"))
            .with("needs", needs)
            .with("if", format!("${{{{ fromJSON(needs.plan.outputs.layers) > {number} }}}}"))
            .with("strategy", Node::map().with("fail-fast", false).with("matrix", matrix))
            .with("runs-on", "ubuntu-latest")
            .with("timeout-minutes", of_matrix("timeout"))
            .with("environment", of_matrix("environment"))
            .with("steps", [checkout(), run(variables, shell::SCRIPT)]);
        jobs.push((layer(number), job));
    }
    let whole = Node::map().with("persist-credentials", false).with("fetch-depth", 0_u64);
    let call = setup.call(&format!("ci github --layers {}", setup.layers))?;
    let steps = [
        Node::map().with("uses", CHECKOUT).with("with", whole),
        Node::map().with("id", "plan").with("shell", "sh").with("run", call),
    ];
    let plan = Node::map()
        .with("runs-on", "ubuntu-latest")
        .with("timeout-minutes", 15_u64)
        .with("outputs", outputs)
        .with("steps", steps);
    let results = Node::map()
        .with("RESULTS", "${{ join(needs.*.result, ' ') }}")
        .with("LAYERS", "${{ needs.plan.outputs.layers }}");
    let needs: Vec<String> = std::iter::once("plan".to_owned()).chain((0..setup.layers).map(layer)).collect();
    let gate = Node::map()
        .with("needs", needs)
        .with("if", "${{ always() }}")
        .with("runs-on", "ubuntu-latest")
        .with("timeout-minutes", 5_u64)
        .with("steps", [run(results, LAYERS_SCRIPT)]);
    let all =
        Node::Map(std::iter::once(("plan".to_owned(), plan)).chain(jobs).chain([(GATE.to_owned(), gate)]).collect());
    let events =
        Node::map().with("push", Node::map()).with("pull_request", Node::map()).with("merge_group", Node::map());
    let document = Node::map()
        .with("name", "knockon")
        .with("on", events)
        .with("permissions", Node::map().with("contents", "read"))
        .with("jobs", all);
    Ok(with_remark(&document.yaml()?))
}

/// Succeeds if planning did, and exactly as many layers as the plan has. What was skipped was not needed then.
const LAYERS_SCRIPT: &str = "done=0
for result in $RESULTS; do
  case $result in
    success) done=$((done + 1)) ;;
    skipped) ;;
    *) exit 1 ;;
  esac
done
[ \"$done\" -eq \"$((${LAYERS:?} + 1))\" ]
";
