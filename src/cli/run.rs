//! `knockon run` and `knockon last`: the plan, run.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write as _};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread::available_parallelism;
use std::time::Duration;

use super::Exit;
use super::arguments::{Format, RunArguments, ShownOutput};
use super::cache::{GRACE, USUAL_LIMIT};
use super::commands::{Failure, Session, doubtful, find_task, until_the_end};
use super::plan::WantedPlan;
use super::run_watch::Watch;
use crate::ci::LogReader;
use crate::path::RepoPath;
use crate::plan::{PipelineChoice, Plan, PlannedTask, Selected, TreeKind};
use crate::planner::{Answer, HeadChoice, Planner, View};
use crate::report::json::PlanReport;
use crate::report::run::{Progress, RunReport, TestResults, junit, summary_text, trace};
use crate::report::text;
use crate::run::process::{LABEL, Limits, Warden};
use crate::run::scheduler::{OnFailure, Place};
use crate::run::{Cluster, Overlaps, Settings, Spools, Tools, Turn, Work, execute, signals, test_results, works};
use crate::store::{Cache, Elsewhere, Ledger, RunRecord, RunSummary, shorten};
use crate::tree::{Node, Tree, node_at};
use crate::workspace::TaskIndex;

/// The ledger of runs, beside the git directory.
const LEDGER: &str = "knockon/ledger.jsonl";
/// It has no more bytes than this after a run: some tens of thousands of lines.
const LONGEST_LEDGER: u64 = 8 << 20;

impl Session<'_> {
    /// Runs what `plan` prints.
    pub(super) fn run_tasks(&self, asked: &RunArguments) -> Result<Exit, Failure> {
        if asked.wanted.range.head.is_some() {
            let help = "`run` works on what is on disk: check the revision out, and say its base";
            return Err(Failure::Usage(help.to_owned()));
        }
        // Before anything is looked at, as another run may be changing it.
        let turn = if asked.dry_run { None } else { self.turn()? };
        let WantedPlan { planner, answer, pipeline, .. } = self.wanted(&asked.wanted)?;
        let pipeline = self.selecting(asked, answer, pipeline)?;
        self.output.findings(&answer.diagnostics);
        let plan = planner.plan(answer, &pipeline)?;
        if asked.dry_run {
            let report = PlanReport::new(&answer.decision, answer.head.workspace(), &answer.affected, &pipeline, &plan);
            self.output.answer(&text::plan_text(&report, self.output.look))?;
            return Ok(doubtful(&asked.wanted.range, answer));
        }
        self.output.doubts(&answer.affected);
        let elsewhere = match asked.no_cache {
            true => None,
            false => self.elsewhere(asked, planner, answer)?,
        };
        let exit = self.execute(asked, planner, answer, plan, turn.as_ref(), elsewhere.as_deref())?;
        Ok(if exit == Exit::Done { doubtful(&asked.wanted.range, answer) } else { exit })
    }

    /// The right to change the work tree, if there is one.
    fn turn(&self) -> Result<Option<Turn>, Failure> {
        let planner = self.planner(&self.common.directory)?;
        let Some(work_tree) = planner.work_tree() else { return Ok(None) };
        let is_within_a_run = self.surroundings.variable(LABEL).is_some();
        let waits = || self.output.note("another run is at work here; this one waits for it");
        Ok(Some(Turn::take(work_tree, is_within_a_run, waits)))
    }

    /// The tasks that the command line names: a task itself, whether it is affected or not; or a name, which means those
    /// that are affected, or with `--all` every project's.
    fn selecting(
        &self,
        asked: &RunArguments,
        answer: &Answer,
        pipeline: PipelineChoice,
    ) -> Result<PipelineChoice, Failure> {
        let everything = self.common.all;
        if asked.tasks.is_empty() && !everything {
            return Ok(pipeline);
        }
        let workspace = answer.head.workspace();
        let mut chosen: BTreeSet<TaskIndex> = BTreeSet::new();
        let mut names = Vec::new();
        for wanted in &asked.tasks {
            match wanted.contains(':') {
                true => chosen.extend(workspace.task_index(&find_task(workspace, wanted)?.id)),
                false => names.push(wanted.clone()),
            }
        }
        let by_name = match (&names[..], &pipeline.selected) {
            ([], _) if !asked.tasks.is_empty() => Selected::Named(Vec::new()),
            ([], of_pipeline) => of_pipeline.clone(),
            _ => Selected::Named(names),
        };
        if let Selected::Named(names) = &by_name {
            for name in names {
                let single = Selected::Named(vec![name.clone()]);
                if !workspace.task_indices().any(|task| single.includes(workspace.task_name(task))) {
                    return Err(Failure::Usage(format!("no project has a task `{name}`; `knockon check` counts them")));
                }
            }
        }
        let all: Vec<TaskIndex> = match everything {
            true => workspace.task_indices().collect(),
            false => answer.affected.tasks().collect(),
        };
        chosen.extend(all.into_iter().filter(|task| by_name.includes(workspace.task_name(*task))));
        Ok(PipelineChoice { selected: Selected::Tasks(chosen), ..pipeline })
    }

    fn execute(
        &self,
        asked: &RunArguments,
        planner: &'static Planner,
        answer: &'static Answer,
        plan: Plan,
        turn: Option<&Turn>,
        elsewhere: Option<&dyn Elsewhere>,
    ) -> Result<Exit, Failure> {
        let Some(work_tree) = planner.work_tree() else {
            return Err(Failure::Usage("a bare repository has no files to run tasks on".to_owned()));
        };
        let state = planner.git_directory();
        let (disk, plan) = on_disk(planner, answer, plan)?;
        let variables: BTreeMap<OsString, OsString> = self.surroundings.variables.iter().cloned().collect();
        let ledger_file = state.join(LEDGER);
        let ledger = Ledger::read(&ledger_file).unwrap_or_default();
        let overlaps = Overlaps::of_plan(disk.workspace(), &plan);
        let mut works =
            works(disk.workspace(), &plan, &ledger, &overlaps, &mut Tools::new(&variables, planner.memo().cloned()));
        self.output.findings(&overlaps.findings(|task| works.iter().any(|work| work.id == *task)));
        let cluster = self.cluster(asked, disk, &mut works)?;
        let cache = Cache::beside(state);
        let place = self.place();
        let spools = Spools::make(&[&state.join("knockon/runs"), &std::env::temp_dir()])?;
        let room = asked.jobs.map_or_else(|| available_parallelism().map_or(1, |cores| cores.get()), usize::from);
        let reader = LogReader::of(&self.variables());
        let on_terminal = io::stderr().is_terminal() && !reader.folds();
        let expected = works.iter().map(|work| work.job.expected).sum::<Duration>();
        let expected = (!ledger.durations.is_empty()).then_some(expected);
        let mut watch = Watch {
            streams: self.output,
            works: &works,
            cache: &cache,
            shown: asked.output.unwrap_or(if reader.folds() { ShownOutput::All } else { ShownOutput::Failed }),
            reader,
            progress: Progress::new(works.len(), room, expected, on_terminal),
            unfinished: BTreeMap::new(),
            is_deaf: false,
        };
        let is_source = |path: &RepoPath| is_source(&*disk.tree, path);
        let is_unchanged = |places: &[Place]| unchanged(planner, &works, places);
        let settings = Settings {
            work_tree,
            variables: &variables,
            room,
            on_failure: match (asked.keep_going, asked.fail_fast) {
                (true, _) => OnFailure::KeepGoing,
                (_, true) => OnFailure::Stop,
                _ => OnFailure::Finish,
            },
            cache: (!asked.no_cache).then_some(&cache),
            elsewhere,
            cluster: cluster.as_deref(),
            reuses: !asked.force,
            ledger: Some(&ledger_file),
            place: &place,
            spools: spools.folder(),
            streams: watch.shown == ShownOutput::Stream,
            // Without one everything runs all the same.
            warden: Warden::new(turn.and_then(Turn::share)).ok(),
            limits: Limits::default(),
            is_source: &is_source,
            is_unchanged: &is_unchanged,
        };
        let (tell, requests) = channel();
        signals::listen(move |request| {
            // A run that is over needs no request.
            let _ = tell.send(request);
        })?;
        let run = execute(&works, &settings, &requests, &mut watch);
        watch.progress.finish();
        for told in elsewhere.map(Elsewhere::told).unwrap_or_default() {
            self.output.warning(&format!("the remote: {told}"));
        }
        for told in cluster.as_deref().map(Cluster::told).unwrap_or_default() {
            self.output.warning(&format!("the cluster: {told}"));
        }
        self.output.answer(&summary_text(&run, self.output.look))?;
        if let Err(error) = run.keep(&RunRecord::file(state)) {
            self.output.warning(&format!("`knockon last` will not know of this run: {error}"));
        }
        // What is too much of the past, or not told of it, costs nothing but time.
        let _ = shorten(&ledger_file, LONGEST_LEDGER);
        let _ = RunSummary::of(&run).remember(state);
        if !asked.no_cache
            && let Err(error) = cache.prune_daily(USUAL_LIMIT, GRACE)
        {
            self.output.warning(&format!("results that nobody uses stay: {error}"));
        }
        self.reports(asked, &run, work_tree, &works)?;
        Ok(match run.signal {
            Some(signal) => Exit::Signal(signal),
            None if run.is_good() => Exit::Done,
            None => Exit::Failed,
        })
    }

    fn reports(&self, asked: &RunArguments, run: &RunRecord, work_tree: &Path, works: &[Work]) -> Result<(), Failure> {
        if let Some(file) = &asked.report {
            write(file, &serde_json::to_vec_pretty(&RunReport::new(run)).map_err(io::Error::other)?)?;
        }
        if let Some(file) = &asked.trace {
            write(file, &serde_json::to_vec(&trace(run)).map_err(io::Error::other)?)?;
        }
        if let Some(file) = &asked.junit {
            let files = test_results(run, works, work_tree);
            let results = files.iter().filter_map(|(task, bytes)| TestResults::read(task, bytes)).collect();
            write(file, junit(run, results).map_err(io::Error::other)?.as_bytes())?;
        }
        Ok(())
    }

    /// Tells of the last run.
    pub(super) fn last(&self, format: Format) -> Result<Exit, Failure> {
        let planner = self.planner(&self.common.directory)?;
        let Some(run) = RunRecord::read(&RunRecord::file(planner.git_directory()))? else {
            return Err(Failure::Usage("nothing was run here yet".to_owned()));
        };
        match format {
            Format::Text => {
                let lines: String =
                    run.tasks.iter().map(|task| crate::report::run::task_line(task, self.output.look)).collect();
                self.output.answer(&(lines + &summary_text(&run, self.output.look)))?;
            }
            Format::Json => self.output.json(&RunReport::new(&run))?,
        }
        Ok(Exit::Done)
    }
}

/// Whether git sees what stands at a path, or it belongs to a repository within this one. What cannot be told is.
fn is_source(tree: &dyn Tree, path: &RepoPath) -> bool {
    path.ancestors().any(|at| match node_at(tree, &at) {
        Ok(None) => false,
        Ok(Some(Node::Folder(_))) => at == *path,
        Ok(Some(_)) | Err(_) => true,
    })
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = std::fs::File::create(file).and_then(|mut to| to.write_all(bytes));
    written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())).into())
}

/// What is on disk, and the plan with the fingerprints that its tasks have there: a task runs on what is on disk,
/// whichever tree said that it is affected.
fn on_disk(planner: &Planner, answer: &'static Answer, plan: Plan) -> Result<(&'static View, Plan), Failure> {
    if answer.head.name.kind == TreeKind::WorkTree {
        return Ok((&answer.head, plan));
    }
    let disk: &'static View = until_the_end(planner.view(&HeadChoice::WorkTree)?.0);
    let (there, here) = (answer.head.workspace(), disk.workspace());
    let place = |task: TaskIndex| here.task_index(&there.task_id(task));
    let wanted: BTreeSet<TaskIndex> = plan.tasks.iter().filter_map(|planned| place(planned.task)).collect();
    let prints = planner.fingerprints(disk, &wanted)?.tasks;
    let tasks = plan.tasks.into_iter().filter_map(|planned| {
        let task = place(planned.task)?;
        let needs = planned.needs.iter().filter_map(|need| place(*need)).collect();
        Some(PlannedTask { task, fingerprint: *prints.get(&task)?, needs, ..planned })
    });
    Ok((disk, Plan { tasks: tasks.collect(), withheld: plan.withheld }))
}

/// For each of some tasks whether its fingerprint is still what it was.
fn unchanged(planner: &Planner, works: &[Work], places: &[Place]) -> Result<Vec<bool>, String> {
    let (view, _) = planner.view(&HeadChoice::WorkTree).map_err(|error| error.to_string())?;
    let workspace = view.workspace();
    let tasks: Vec<Option<TaskIndex>> = places.iter().map(|place| workspace.task_index(&works[*place].id)).collect();
    let wanted = tasks.iter().flatten().copied().collect();
    let prints = planner.fingerprints(&view, &wanted).map_err(|error| error.to_string())?.tasks;
    let is_same = |(place, task): (&Place, &Option<TaskIndex>)| {
        task.and_then(|task| prints.get(&task)) == Some(&works[*place].fingerprint)
    };
    Ok(places.iter().zip(&tasks).map(is_same).collect())
}
