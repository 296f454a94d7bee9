//! `knockon plan`, `knockon release` and `knockon record`: what is to be run, and how it ended.

use std::collections::BTreeSet;
use std::path::Path;

use super::Exit;
use super::arguments::{Format, OneTree, PlanArguments, Wanted};
use super::commands::{Failure, Session, doubtful, find_task, until_the_end};
use crate::config::{EventKind, RefName};
use crate::plan::{Event, PipelineChoice, PipelineRequest};
use crate::planner::{Answer, Planner};
use crate::report::json::PlanReport;
use crate::report::text;
use crate::store::{Ledger, Record, is_whole};

/// What a plan is made from.
pub(super) struct WantedPlan {
    pub(super) planner: &'static Planner,
    pub(super) answer: &'static Answer,
    /// The pipeline that it follows.
    pub(super) pipeline: PipelineChoice,
    /// What the ledger says that was named; nothing where none was.
    pub(super) ledger: Ledger,
}

impl Session<'_> {
    /// Plans what a change calls for; or, where a ref names a service and a version, what its release does.
    pub(super) fn plan(&self, asked: &PlanArguments) -> Result<Exit, Failure> {
        let WantedPlan { planner, answer, pipeline, .. } = self.wanted(&asked.wanted)?;
        let steps = match asked.why_base {
            true if asked.format == Format::Text => text::steps_text(&answer.decision, self.output.look),
            _ => String::new(),
        };
        self.planned(planner, answer, &pipeline, &steps, asked.format)?;
        Ok(doubtful(&asked.wanted.range, answer))
    }

    /// The answer that a plan is made from, and the pipeline that it follows.
    pub(super) fn wanted(&self, asked: &Wanted) -> Result<WantedPlan, Failure> {
        let (planner, choice) = self.asked(&asked.range)?;
        let request = request(asked, choice.event.as_ref())?;
        let planner = until_the_end(planner);
        let (head, diagnostics) = planner.view(&choice.head)?;
        let pipeline = planner.pipeline(&head, &request)?;
        let ledger = asked.ledger.as_deref().map(|file| self.ledger(file)).unwrap_or_default();
        let answer = match (&pipeline.service, &asked.ledger) {
            (Some(_), _) => planner.uncompared(head, diagnostics, BY_NAME),
            (None, None) => planner.affected_in(head, diagnostics, &choice)?,
            (None, Some(_)) => {
                let answer = planner.affected_in(head, diagnostics, &choice)?;
                planner.with_unpassed(answer, &pipeline, &ledger)?
            }
        };
        Ok(WantedPlan { planner, answer: until_the_end(answer), pipeline, ledger })
    }

    /// Plans the release of one service.
    pub(super) fn release(
        &self,
        service: &str,
        version: &str,
        tree: &OneTree,
        format: Format,
    ) -> Result<Exit, Failure> {
        let (planner, head, diagnostics) = self.view(tree)?;
        let request = PipelineRequest::Release { service: service.to_owned(), version: version.to_owned() };
        let pipeline = planner.pipeline(&head, &request)?;
        let answer = planner.uncompared(head, diagnostics, BY_NAME);
        self.planned(&planner, &answer, &pipeline, "", format)?;
        Ok(Exit::Done)
    }

    /// What a ledger says. What cannot be read of it costs time: it counts as never having passed.
    fn ledger(&self, file: &Path) -> Ledger {
        match Ledger::read(file) {
            Ok(ledger) => {
                if ledger.damaged > 0 {
                    let lines = ledger.damaged;
                    self.output.warning(&format!(
                        "{lines} of the lines of {} cannot be read, and count for nothing",
                        file.display()
                    ));
                }
                ledger
            }
            Err(error) => {
                self.output.warning(&format!("no task counts as passed: {} cannot be read: {error}", file.display()));
                Ledger::default()
            }
        }
    }

    /// Records how a task ended.
    pub(super) fn record(&self, wanted: &str, tree: &OneTree, record: Record, file: &Path) -> Result<Exit, Failure> {
        let (planner, view, _) = self.view(tree)?;
        let task = find_task(view.workspace(), wanted)?;
        let mut fingerprint = record.fingerprint.clone();
        if fingerprint.is_empty() {
            let wanted: BTreeSet<_> = view.workspace().task_index(&task.id).into_iter().collect();
            let prints = planner.fingerprints(&view, &wanted)?;
            fingerprint = prints.tasks.into_values().next().map(|print| print.to_string()).unwrap_or_default();
        }
        if !is_whole(&fingerprint) {
            return Err(Failure::Usage(format!("`{fingerprint}` is no fingerprint; `plan --format json` has them")));
        }
        Record { task: task.id.to_string(), fingerprint, ..record }.append(file)?;
        Ok(Exit::Done)
    }

    /// Prints a plan.
    fn planned(
        &self,
        planner: &Planner,
        answer: &Answer,
        pipeline: &PipelineChoice,
        before: &str,
        format: Format,
    ) -> Result<(), Failure> {
        self.output.findings(&answer.diagnostics);
        let plan = planner.plan(answer, pipeline)?;
        let workspace = answer.head.workspace();
        let report = PlanReport::new(&answer.decision, workspace, &answer.affected, pipeline, &plan);
        match format {
            Format::Text => {
                self.output.answer(&(before.to_owned() + &text::plan_text(&report, self.output.look)))?;
                self.output.hint_at(workspace.diagnostics());
            }
            Format::Json => {
                self.output.doubts(&answer.affected);
                self.output.json(&report)?;
            }
        }
        Ok(())
    }
}

/// Why nothing is compared.
const BY_NAME: &str = "a release is of a service by name, and nothing is compared";

/// What the flags ask for; without any, what the CI engine runs for.
fn request(asked: &Wanted, event: Option<&Event>) -> Result<PipelineRequest, Failure> {
    if let Some(name) = &asked.pipeline {
        return Ok(PipelineRequest::Named(name.clone()));
    }
    if let Some(text) = &asked.reference {
        let Some(at) = RefName::parse(text) else {
            return Err(Failure::Usage(format!(
                "`{text}` is no branch or tag; write `refs/heads/…`, `refs/tags/…` or a branch"
            )));
        };
        let usual = if matches!(at, RefName::Tag(_)) { EventKind::Tag } else { EventKind::Push };
        return Ok(PipelineRequest::Run { event: asked.event.unwrap_or(usual), at: Some(at) });
    }
    let event = event.filter(|event| event.provider.is_some());
    Ok(event.map_or(PipelineRequest::None, |event| PipelineRequest::Run { event: event.kind, at: event.selecting() }))
}
