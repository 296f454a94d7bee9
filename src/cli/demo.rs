//! `knockon demo`: a small repository that shows what an answer looks like.

use std::path::Path;

use super::Exit;
use super::commands::{Failure, Session};
use crate::git::plant;
use crate::plan::PipelineChoice;
use crate::planner::{HeadChoice, RangeChoice};
use crate::report::json::PlanReport;
use crate::report::text;

impl Session<'_> {
    /// Plants the repository, and plans and explains its newest commit.
    pub(super) fn demo(&self, directory: Option<&Path>) -> Result<Exit, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Demo(error.to_string());
        let commits = crate::demo::commits().map_err(|error| failed(&error))?;
        let directory = match directory {
            Some(directory) => directory.to_owned(),
            None => new_temporary_folder()?,
        };
        plant(&directory, &commits).map_err(|error| failed(&error))?;
        let planner = self.planner(&directory)?;
        let choice = RangeChoice {
            base: Some("HEAD~1".to_owned()),
            head: HeadChoice::Revision("HEAD".to_owned()),
            ..RangeChoice::default()
        };
        let answer = planner.affected(&choice)?;
        let all = PipelineChoice::default();
        let plan = planner.plan(&answer, &all)?;
        let report = PlanReport::new(&answer.decision, answer.head.workspace(), &answer.affected, &all, &plan);
        let look = self.output.look;
        let mut told = format!("A repository with {} commits is in {}\n", commits.len(), directory.display());
        if let Some(newest) = commits.last() {
            told.push_str(&format!(
                "Its newest commit: {}\n\n$ knockon plan --base HEAD~1 --head HEAD\n",
                newest.message.trim()
            ));
        }
        told.push_str(&text::plan_text(&report, look));
        let farthest = report
            .affected
            .projects
            .iter()
            .max_by_key(|project| (project.kind == crate::workspace::ProjectKind::Service, project.distance));
        if let Some(project) = farthest.and_then(|project| answer.head.workspace().project(&project.id)) {
            told.push_str(&format!("\n$ knockon explain {} --base HEAD~1 --head HEAD\n", project.name));
            told.push_str(&text::explain_project(answer.head.workspace(), &answer.affected, project, look));
        }
        told.push_str(&format!("\nTry it there: cd {}, and `git log --oneline`\n", directory.display()));
        self.output.answer(&told)?;
        Ok(Exit::Done)
    }
}

/// A new folder for a demo, which stays for whoever wants to look at it.
fn new_temporary_folder() -> Result<std::path::PathBuf, Failure> {
    let mut number = std::process::id();
    loop {
        let folder = std::env::temp_dir().join(format!("knockon-demo-{number}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number = number.wrapping_add(1),
            Err(error) => return Err(error.into()),
        }
    }
}
