//! `knockon audit`: the repository's own CI, held against what is inferred.

use std::collections::BTreeMap;

use super::Exit;
use super::arguments::{Format, OneTree};
use super::commands::{Failure, Session};
use crate::ci::filters::{self, Audit, AuditedFilter, Pipelines};
use crate::path::RepoPath;
use crate::report::audit::{
    BuildsReport, DeadReport, FilterHistory, FilterReport, FiltersReport, MissedReport, PathCount, ServedReport,
    filters_text,
};

/// The files that called for missed builds, of which so many are told.
const MOST_PATHS: usize = 5;

impl Session<'_> {
    pub(super) fn audit_filters(
        &self,
        tree: &OneTree,
        history: Option<u32>,
        strict: bool,
        format: Format,
    ) -> Result<Exit, Failure> {
        let (_, view, diagnostics) = self.view(tree)?;
        self.output.findings(&diagnostics);
        let pipelines = filters::read(&*view.tree)?;
        let Audit { pipelines: number, filters: audited, findings } =
            filters::audit(&pipelines, view.workspace(), &*view.tree)?;
        let mut report = FiltersReport::new(view.name.clone(), number, findings);
        let mut builds: Vec<Option<BuildsReport>> = audited.iter().map(|_| None).collect();
        if let Some(commits) = history {
            let revision = tree.head.as_deref().unwrap_or("HEAD");
            report.history = Some(self.replay_filters(revision, commits, &pipelines, &audited, &mut builds)?);
        }
        report.filters = audited.into_iter().zip(builds).map(|(filter, builds)| described(filter, builds)).collect();
        match format {
            Format::Text => {
                self.output.all_findings(&report.findings);
                self.output.answer(&filters_text(&report, self.output.look))?;
            }
            Format::Json => self.output.json(&report)?,
        }
        Ok(if strict && report.has_misses() { Exit::Doubt } else { Exit::Done })
    }

    /// Asks the last commits which of the builds that they called for the filters of today would have missed.
    fn replay_filters(
        &self,
        revision: &str,
        commits: u32,
        pipelines: &Pipelines,
        audited: &[AuditedFilter],
        builds: &mut [Option<BuildsReport>],
    ) -> Result<FilterHistory, Failure> {
        // A replay goes through more trees than are worth keeping.
        let planner = self.planner(&self.common.directory)?.without_memo();
        let (_, mut replay) = planner.replay(revision, false)?;
        let mut history = FilterHistory::default();
        let mut paths: Vec<BTreeMap<RepoPath, usize>> = audited.iter().map(|_| BTreeMap::new()).collect();
        builds.iter_mut().for_each(|builds| *builds = Some(BuildsReport::default()));
        for _ in 0..commits {
            let Some(replayed) = replay.next() else { break };
            let replayed = replayed?;
            history.commits += 1;
            let Ok(planned) = replayed.planned else {
                history.refused += 1;
                continue;
            };
            let answer = planned.answer;
            let mut is_missed = false;
            for ((filter, builds), paths) in audited.iter().zip(builds.iter_mut()).zip(&mut paths) {
                let (workspace, affected) = (answer.head.workspace(), &answer.affected);
                let called = filters::called_for(pipelines, filter, workspace, affected, &answer.changes);
                let (Some(called), Some(builds)) = (called, builds) else { continue };
                builds.called_for += 1;
                history.builds += 1;
                if called.is_missed {
                    is_missed = true;
                    builds.missed += 1;
                    history.missed_builds += 1;
                    called.paths.into_iter().for_each(|path| *paths.entry(path).or_default() += 1);
                }
            }
            history.missed_commits += usize::from(is_missed);
        }
        for (builds, paths) in builds.iter_mut().flatten().zip(paths) {
            let mut often: Vec<(RepoPath, usize)> = paths.into_iter().collect();
            often.sort_by_key(|(_, commits)| std::cmp::Reverse(*commits));
            let often = often.into_iter().take(MOST_PATHS);
            builds.paths = often.map(|(path, commits)| PathCount { path, commits }).collect();
        }
        Ok(history)
    }
}

pub(super) fn described(filter: AuditedFilter, builds: Option<BuildsReport>) -> FilterReport {
    let served = |served: filters::Served| ServedReport { project: served.project, evidence: served.evidence };
    let dead = |dead: filters::DeadPattern| DeadReport { pattern: dead.pattern, place: dead.place, help: dead.help };
    let missed = |missed: filters::MissedInputs| MissedReport {
        folder: missed.folder,
        files: missed.files,
        example: missed.example,
        task: missed.task,
        evidence: missed.evidence,
        kept_out_by: missed.kept_out_by,
        add: missed.add,
    };
    FilterReport {
        engine: filter.engine.name().to_owned(),
        names: filter.names,
        place: filter.place,
        patterns: filter.patterns,
        serves: filter.serves.into_iter().map(served).collect(),
        tasks: filter.tasks,
        missed: filter.missed.into_iter().map(missed).collect(),
        dead: filter.dead.into_iter().map(dead).collect(),
        matches_own_file: filter.matches_own_file,
        documents_kept_out: filter.documents_kept_out,
        builds,
    }
}
