//! The base of a CI engine's run: its candidates, one after another, held against the repository.
//!
//! What an engine says is never believed where it would make the answer smaller than the repository's own history does. A
//! candidate that is not here, that is no ancestor, or that would leave nothing to compare is passed by, and said.

use std::collections::BTreeSet;

use super::{Chooser, Range};
use crate::git::{Commit, CommitId, GitError, MergeBases};
use crate::plan::{Candidate, Event, FetchCommand, Said, Step, is_whole_id, is_zeros};
use crate::planner::PlannerError;

/// What came of a candidate.
enum Attempt {
    /// It is the base.
    Taken { bases: Vec<CommitId>, why: String },
    /// It is not.
    Passed(Passed),
}

/// Why a candidate is not the base.
struct Passed {
    why: String,
    /// The name of the doubt that is left if no other candidate is better.
    doubt: &'static str,
    /// What would have to be fetched for it.
    fetch: Option<FetchCommand>,
}

/// No base can be told from what is known.
const NO_BASE: &str = "no-base";
/// A commit is not in this clone.
const MISSING: &str = "missing-base";
/// The history here is too short to prove anything.
const SHALLOW: &str = "shallow";
/// A branch is not in this clone as it is where it was cloned from.
const STALE: &str = "stale-branch";

impl Attempt {
    fn passed(why: impl Into<String>) -> Self {
        Attempt::Passed(Passed { why: why.into(), doubt: NO_BASE, fetch: None })
    }

    fn lacking(why: impl Into<String>, doubt: &'static str, fetch: FetchCommand) -> Self {
        Attempt::Passed(Passed { why: why.into(), doubt, fetch: Some(fetch) })
    }
}

/// Something of the repository, or why the candidate that needs it is passed by.
type Sought<T> = Result<Result<T, Attempt>, PlannerError>;

/// The candidates of one event.
struct Trial<'c, 'a> {
    chooser: &'c Chooser<'a>,
    event: &'c Event,
    configured: Option<&'c str>,
    head: Commit,
    /// Whether the branch that a request is to be merged into is in this clone: then no commit is taken in its place.
    has_target: bool,
}

impl Chooser<'_> {
    /// Compares with the first candidate of an event that holds, or with the empty tree.
    pub(super) fn since_event(&self, event: &Event, configured: Option<&str>) -> Result<Range, PlannerError> {
        let Some(head) = self.head_commit else {
            return self.everything("no-commit", "there is no commit yet: everything is new");
        };
        let mut trial = Trial { chooser: self, event, configured, head, has_target: false };
        let mut steps: Vec<Step> = trial.other_head().into_iter().collect();
        let (mut lacking, mut reasons) = (BTreeSet::new(), Vec::new());
        let default_said_by = match (configured, &event.default_branch) {
            (Some(_), _) => "knockon.toml",
            (None, Some(said)) => &said.by,
            (None, None) => "the repository",
        };
        let mut step = |candidate: &Candidate, taken: bool, why: &str| {
            let (candidate, said_by) = told(candidate, default_said_by);
            steps.push(Step { candidate, said_by, taken, why: why.to_owned() });
        };
        for candidate in &event.candidates {
            match trial.attempt(candidate)? {
                Attempt::Taken { bases, why } => {
                    step(candidate, true, &why);
                    let load = |id: &CommitId| self.repository.resolve(&id.to_string());
                    let commits = bases.iter().map(load).collect::<Result<Vec<_>, _>>()?;
                    let mut range = self.range(commits, None, format!("{event}{why}"), Vec::new());
                    range.decision.steps = steps;
                    return Ok(range);
                }
                Attempt::Passed(passed) => {
                    step(candidate, false, &passed.why);
                    lacking.extend(passed.fetch);
                    reasons.push((passed.doubt, told(candidate, default_said_by).0, passed.why));
                }
            }
        }
        let fetch = lacking.first().cloned();
        // What is lacking can be mended, so it is told before what never was there.
        let doubt = reasons.iter().map(|(doubt, ..)| *doubt).find(|doubt| *doubt != NO_BASE).unwrap_or(NO_BASE);
        let mut detail = match &reasons[..] {
            [] => format!("{event}no commit is given that was built before; give one with --base or --base-file"),
            reasons => {
                let told: Vec<String> =
                    reasons.iter().map(|(_, candidate, why)| format!("{candidate} is passed by: {why}")).collect();
                format!("{event}{}", told.join("; "))
            }
        };
        if let Some(fetch) = &fetch {
            detail.push_str(&format!("; run `{fetch}`, or let --deepen run it"));
        }
        let mut range = self.everything(doubt, &detail)?;
        range.decision.steps = steps;
        Ok(range.lacking(lacking))
    }
}

impl Trial<'_, '_> {
    /// A step that says that another commit is planned than the engine speaks of.
    fn other_head(&self) -> Option<Step> {
        let said = self.event.head.as_ref().filter(|said| said.text != self.head.id.to_string())?;
        Some(Step {
            candidate: format!("head {}", shown(&said.text)),
            said_by: said.by.clone(),
            taken: false,
            why: format!("what is here is {}, and that is planned", self.head.id),
        })
    }

    fn attempt(&mut self, candidate: &Candidate) -> Result<Attempt, PlannerError> {
        match candidate {
            Candidate::Before(said) => self.before(said),
            Candidate::LastGreen(said) => self.last_green(said),
            Candidate::Target { branch, tip } => self.target(&branch.text, tip.as_ref()),
            Candidate::MergedInto { request } => self.merged_into(&request.text),
            Candidate::TargetCommit(said) => self.target_commit(said),
            Candidate::DefaultBranch => self.default_branch(),
            Candidate::Refused { why, .. } => Ok(Attempt::passed(why)),
        }
    }

    /// A commit by its id, or why it cannot be used.
    fn commit(&self, id: &str) -> Sought<Commit> {
        if is_zeros(id) {
            return Ok(Err(Attempt::passed("it is all zeros: there was nothing before")));
        }
        if !is_whole_id(id) {
            return Ok(Err(Attempt::passed("it is no whole id of a commit")));
        }
        match self.chooser.repository.resolve(id) {
            Ok(commit) => Ok(Ok(commit)),
            Err(GitError::UnknownRevision { .. } | GitError::MissingObject { .. }) => {
                let why = "it is not in this clone: it was rewritten, or the history is cut";
                let fetch =
                    FetchCommand::Commit { commit: id.to_owned(), shallow: self.chooser.repository.is_shallow() };
                Ok(Err(Attempt::lacking(why, MISSING, fetch)))
            }
            // An id of a file, say.
            Err(GitError::RefusedRevision { reason, .. }) => Ok(Err(Attempt::passed(reason))),
            Err(error) => Err(error.into()),
        }
    }

    fn before(&self, said: &Said) -> Result<Attempt, PlannerError> {
        let commit = match self.commit(&said.text)? {
            Ok(commit) => commit,
            Err(attempt) => return Ok(attempt),
        };
        if commit.id == self.head.id {
            return Ok(Attempt::passed("it is the head itself, and nothing would be compared"));
        }
        let why = match self.chooser.repository.merge_bases(commit.id, self.head.id)? {
            MergeBases::Proved(bases) if bases == [commit.id] => {
                "what the branch was before, and the head descends from"
            }
            MergeBases::Unproved { .. } | MergeBases::None { .. } if self.chooser.repository.is_shallow() => {
                "what the branch was before, compared as it is: the history between is cut"
            }
            _ => return Ok(Attempt::passed("the head does not descend from it: the branch was rewritten")),
        };
        Ok(Attempt::Taken { bases: vec![commit.id], why: why.to_owned() })
    }

    fn last_green(&self, said: &Said) -> Result<Attempt, PlannerError> {
        let commit = match self.commit(&said.text)? {
            Ok(commit) => commit,
            Err(attempt) => return Ok(attempt),
        };
        let as_it_is = |why: &str| Attempt::Taken { bases: vec![commit.id], why: why.to_owned() };
        Ok(match self.chooser.repository.merge_bases(commit.id, self.head.id)? {
            MergeBases::Proved(bases) if bases == [commit.id] => {
                as_it_is("the last good build, which the head descends from")
            }
            MergeBases::Proved(bases) if bases == [self.head.id] => {
                as_it_is("the last good build, which is ahead of the head, and compared as it is")
            }
            MergeBases::Proved(bases) => {
                Attempt::Taken { bases, why: "the merge base of the last good build and the head".to_owned() }
            }
            MergeBases::Unproved { .. } | MergeBases::None { .. } => {
                as_it_is("the last good build, compared as it is: no history leads to it")
            }
        })
    }

    fn target(&mut self, branch: &str, tip: Option<&Said>) -> Result<Attempt, PlannerError> {
        let (name, target) = match self.branch(branch)? {
            Ok(found) => found,
            Err(attempt) => return Ok(attempt),
        };
        self.has_target = true;
        let bases = match self.with_branch(branch, &name, target)? {
            Ok(bases) if bases == [self.head.id] => {
                return Ok(Attempt::passed(format!("the head lies on {name}, and nothing would be compared")));
            }
            Ok(bases) => bases,
            Err(attempt) => return Ok(attempt),
        };
        self.held_against_tip(branch, &name, target, bases, tip)
    }

    /// Whether the branch is here as the engine knows it. One that is behind has an older merge base, in which a change
    /// can be hidden that was made and taken back since.
    fn held_against_tip(
        &self,
        branch: &str,
        name: &str,
        target: CommitId,
        mut bases: Vec<CommitId>,
        tip: Option<&Said>,
    ) -> Result<Attempt, PlannerError> {
        let why = merge_base_of(&bases, name);
        let Some(tip) = tip.filter(|tip| is_whole_id(&tip.text) && !is_zeros(&tip.text)) else {
            return Ok(Attempt::Taken { bases, why });
        };
        let repository = self.chooser.repository;
        let Ok(commit) = self.commit(&tip.text)? else {
            // The first parent of the merge that is planned shows where the branch was.
            let into = repository.parents(self.head.id).unwrap_or_default();
            if let [into, _] = into[..]
                && repository.merge_bases(into, target)? == MergeBases::Proved(vec![into])
            {
                return Ok(Attempt::Taken { bases, why });
            }
            let why = format!("{name} may be behind {}, which {} says and this clone lacks", tip.text, tip.by);
            return Ok(Attempt::lacking(why, STALE, FetchCommand::Branch { branch: branch.to_owned() }));
        };
        if repository.merge_bases(commit.id, target)? == MergeBases::Proved(vec![commit.id]) {
            return Ok(Attempt::Taken { bases, why });
        }
        match repository.merge_bases(commit.id, self.head.id)? {
            MergeBases::Proved(further) if further != [self.head.id] => {
                let why = format!(
                    "{why}; and that of {}, which {} says and {name} does not hold: it is behind, or the request was \
                     retargeted. What differs from any counts",
                    tip.text, tip.by
                );
                bases.extend(further);
                bases.sort();
                bases.dedup();
                Ok(Attempt::Taken { bases, why })
            }
            MergeBases::Proved(_) | MergeBases::None { .. } => Ok(Attempt::Taken { bases, why }),
            MergeBases::Unproved { reason, .. } => Ok(Attempt::lacking(reason, SHALLOW, self.history(Some(branch)))),
        }
    }

    fn merged_into(&self, request: &str) -> Result<Attempt, PlannerError> {
        if !is_whole_id(request) {
            return Ok(Attempt::passed("the request's head is not known, so the head may be any merge"));
        }
        if request == self.head.id.to_string() {
            return Ok(Attempt::passed("the head is the request's own commit"));
        }
        let parents = match self.chooser.repository.parents(self.head.id) {
            Err(GitError::CutHistory { .. }) => {
                let fetch = FetchCommand::Parents { commit: self.head.id.to_string() };
                return Ok(Attempt::lacking("the history is cut at the head", SHALLOW, fetch));
            }
            parents => parents?,
        };
        let into = match parents[..] {
            [into, merged] if merged.to_string() == request => into,
            _ => return Ok(Attempt::passed(format!("the head is no merge of {request}"))),
        };
        Ok(match self.commit(&into.to_string())? {
            Ok(_) => Attempt::Taken { bases: vec![into], why: "what the request was merged into".to_owned() },
            Err(attempt) => attempt,
        })
    }

    fn target_commit(&self, said: &Said) -> Result<Attempt, PlannerError> {
        if self.has_target {
            return Ok(Attempt::passed("the branch itself is here, and a commit in its place may be stale"));
        }
        let commit = match self.commit(&said.text)? {
            Ok(commit) => commit,
            // By itself it would prove nothing: the branch's history is to be fetched.
            Err(Attempt::Passed(passed)) => return Ok(Attempt::Passed(Passed { fetch: None, ..passed })),
            Err(attempt) => return Ok(attempt),
        };
        Ok(match self.chooser.repository.merge_bases(commit.id, self.head.id)? {
            MergeBases::Proved(bases) if bases == [self.head.id] => {
                Attempt::passed("the head lies on it, and nothing would be compared")
            }
            MergeBases::Proved(bases) => {
                let why = merge_base_of(&bases, &said.text);
                Attempt::Taken { bases, why }
            }
            MergeBases::Unproved { reason, .. } | MergeBases::None { reason } => self.unproved(reason, None),
        })
    }

    fn default_branch(&self) -> Result<Attempt, PlannerError> {
        let (short, (name, commit)) = match self.find_default_branch()? {
            Ok(found) => found,
            Err(attempt) => return Ok(attempt),
        };
        let run_of = self.event.at.as_ref().map(|at| at.name());
        if run_of == Some(short.as_str()) {
            let why = format!("the run is of {short} itself, and what was pushed cannot be told");
            return Ok(Attempt::passed(why));
        }
        Ok(match self.with_branch(&short, &name, commit)? {
            // Whose run it is has to be known: the head of the default branch itself is compared with nothing.
            Ok(bases) if bases == [self.head.id] && run_of.is_none() => {
                Attempt::passed(format!("the head lies on {name}, and what was pushed cannot be told"))
            }
            Ok(bases) => {
                let why = merge_base_of(&bases, &name);
                Attempt::Taken { bases, why }
            }
            Err(attempt) => attempt,
        })
    }

    /// The default branch by its short name, its name here, and its commit.
    fn find_default_branch(&self) -> Sought<(String, (String, CommitId))> {
        let said = self.event.default_branch.as_ref().map(|said| said.text.as_str());
        if let Some(name) = self.configured.or(said) {
            return Ok(self.branch(name)?.map(|found| (name.to_owned(), found)));
        }
        Ok(match self.chooser.repository.default_branch(None)? {
            Some(found) => {
                let short = found.name.strip_prefix("origin/").unwrap_or(&found.name).to_owned();
                Ok((short, (found.name, found.commit.id)))
            }
            None => Err(Attempt::passed("no default branch is known; name it in knockon.toml")),
        })
    }

    /// A branch's name here and its commit.
    fn branch(&self, branch: &str) -> Sought<(String, CommitId)> {
        if !crate::git::is_branch_name(branch) {
            return Ok(Err(Attempt::passed("it is no name of a branch")));
        }
        let found = self.chooser.repository.branch(branch)?;
        Ok(found.map(|(name, commit)| (name, commit.id)).ok_or_else(|| {
            let fetch = match self.chooser.repository.is_shallow() {
                true => self.history(Some(branch)),
                false => FetchCommand::Branch { branch: branch.to_owned() },
            };
            Attempt::lacking("the branch is not in this clone", MISSING, fetch)
        }))
    }

    /// The merge bases of a branch and the head, or why there is no telling.
    fn with_branch(&self, branch: &str, name: &str, commit: CommitId) -> Sought<Vec<CommitId>> {
        Ok(match self.chooser.repository.merge_bases(commit, self.head.id)? {
            MergeBases::Proved(bases) => Ok(bases),
            MergeBases::Unproved { reason, .. } => Err(self.unproved(reason, Some(branch))),
            MergeBases::None { reason } => Err(self.unproved(format!("{name}: {reason}"), Some(branch))),
        })
    }

    fn unproved(&self, reason: String, branch: Option<&str>) -> Attempt {
        match self.chooser.repository.is_shallow() {
            true => Attempt::lacking(reason, SHALLOW, self.history(branch)),
            false => Attempt::Passed(Passed { why: reason, doubt: "no-merge-base", fetch: None }),
        }
    }

    fn history(&self, branch: Option<&str>) -> FetchCommand {
        FetchCommand::History {
            branch: branch.map(str::to_owned),
            head: self.head.id.to_string(),
            commits: self.chooser.deepen_by,
        }
    }
}

fn merge_base_of(bases: &[CommitId], name: &str) -> String {
    match bases {
        [_] => format!("the merge base of {} and the head", shown(name)),
        _ => format!("{} merge bases of {} and the head; what differs from any counts", bases.len(), shown(name)),
    }
}

/// What a candidate is, and who names it.
fn told(candidate: &Candidate, default_said_by: &str) -> (String, String) {
    let of = |what: &str, said: &Said| (format!("{what} {}", shown(&said.text)), said.by.clone());
    match candidate {
        Candidate::Before(said) => of("the commit before the push", said),
        Candidate::LastGreen(said) => of("the last good build", said),
        Candidate::Target { branch, .. } => of("the merge base with the target branch", branch),
        Candidate::MergedInto { request } => of("the other parent of the merge of", request),
        Candidate::TargetCommit(said) => of("the merge base with the target's commit", said),
        Candidate::DefaultBranch => ("the merge base with the default branch".to_owned(), default_said_by.to_owned()),
        Candidate::Refused { what, .. } => (shown(&what.text), what.by.clone()),
    }
}

/// Text of an environment, which may hold anything, as a part of a sentence.
fn shown(text: &str) -> String {
    crate::path::harmless(text).to_string()
}
