//! Which server a run shares results through, and how far it is trusted.

use super::Exit;
use super::arguments::RunArguments;
use super::commands::{Failure, Session};
use crate::config::{EventKind, RemoteSettings};
use crate::plan::Event;
use crate::planner::{Answer, HeadChoice, Planner, View};
use crate::run::{Cluster, RemoteCluster, Work};
use crate::store::{Elsewhere, Namespace, NoKey, PublicKey, RemoteCache, SetupError, Signer, Trust};

/// The server, for those who name it outside the repository; it alone is given credentials.
const REMOTE: &str = "KNOCKON_REMOTE";
/// The namespace that results are sent to.
const WRITE: &str = "KNOCKON_REMOTE_WRITE";
/// What results for protected branches are signed with.
const SIGNING_KEY: &str = "KNOCKON_REMOTE_SIGNING_KEY";
/// What they have to be signed with, whatever the repository asks for.
const PUBLIC_KEY: &str = "KNOCKON_REMOTE_PUBLIC_KEY";
/// Asks no server, whatever the configuration names.
const OFF: &str = "off";

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::Usage(format!("the remote cannot be used: {error}"))
    }
}

impl Session<'_> {
    /// The server that results are shared through, if there is one.
    pub(super) fn elsewhere(
        &self,
        asked: &RunArguments,
        planner: &Planner,
        answer: &Answer,
    ) -> Result<Option<Box<dyn Elsewhere>>, Failure> {
        let named = asked.remote.clone().or_else(|| self.variable(REMOTE));
        let settings = &answer.head.configuration().remote;
        let configured = settings.url.as_ref().map(|url| url.value.clone());
        let may_have_credentials = named.is_some();
        let Some(url) = named.or(configured).filter(|url| url != OFF) else { return Ok(None) };
        // Also where somebody names a base.
        let event = self.event().filter(|event| event.provider.is_some());
        let writes = match asked.remote_write.clone().or_else(|| self.variable(WRITE)) {
            Some(text) => Some(namespace(&text, event.as_ref())?),
            None => None,
        };
        let signer = self.signer()?;
        let public_key = match self.variable(PUBLIC_KEY) {
            Some(key) => Some(key_of(PUBLIC_KEY, PublicKey::read(&key))?),
            None => pinned(planner, answer)?,
        };
        let reads = match (&writes, &event) {
            (Some(Namespace::Trusted), _) | (None, Some(_)) => vec![Namespace::Trusted],
            (Some(own), _) => vec![own.clone(), Namespace::Trusted],
            (None, None) => vec![Namespace::Local, Namespace::Trusted],
        };
        let trust = Trust { reads, writes, public_key, signer };
        let secrets = |name: &str| self.variable(name).filter(|_| may_have_credentials);
        Ok(Some(Box::new(RemoteCache::open(&url, trust, &secrets)?)))
    }

    /// The cluster that tasks run on, if there is one. What is made there is kept under names of its own.
    pub(super) fn cluster<'a>(
        &self,
        asked: &RunArguments,
        disk: &'a View,
        works: &mut [Work],
    ) -> Result<Option<Box<dyn Cluster + 'a>>, Failure> {
        let Some(url) = &asked.remote_execute else { return Ok(None) };
        let secrets = |name: &str| self.variable(name);
        let cluster = RemoteCluster::open(url, &secrets, disk.workspace(), &*disk.tree)
            .map_err(|error| Failure::Usage(format!("the cluster cannot be used: {error}")))?;
        for key in works.iter_mut().filter_map(|work| work.key.as_mut().ok()) {
            *key = RemoteCluster::key(url, key);
        }
        Ok(Some(Box::new(cluster)))
    }

    /// Prints the key that the signing key's results are held against.
    pub(super) fn public_key(&self) -> Result<Exit, Failure> {
        let help = format!("set {SIGNING_KEY} to 64 hexadecimal digits that nobody can guess: `openssl rand -hex 32`");
        let signer = self.signer()?.ok_or(Failure::Usage(help))?;
        self.output.answer(&format!("{}\n", signer.public_key()))?;
        Ok(Exit::Done)
    }

    fn signer(&self) -> Result<Option<Signer>, Failure> {
        self.variable(SIGNING_KEY).map(|key| key_of(SIGNING_KEY, Signer::read(&key))).transpose()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let mut variables = self.surroundings.variables.iter();
        let value = variables.find(|(variable, _)| variable == name).and_then(|(_, value)| value.to_str());
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// Reads where results are to be sent. Whoever runs what a request to merge brings along is not trusted, whoever says so.
fn namespace(text: &str, event: Option<&Event>) -> Result<Namespace, Failure> {
    let namespace = Namespace::read(text).ok_or_else(|| {
        Failure::Usage(format!("`{text}` is no namespace of a remote: write `trusted`, `pr-12` or `local`"))
    })?;
    let is_request = event.is_some_and(|event| event.kind == EventKind::PullRequest);
    if namespace == Namespace::Trusted && is_request {
        let help = "this runs for a request to merge, and what it makes is not to be trusted: send it to `pr-…`";
        return Err(Failure::Usage(help.to_owned()));
    }
    Ok(namespace)
}

fn key_of<K>(variable: &str, key: Result<K, NoKey>) -> Result<K, Failure> {
    key.map_err(|error| Failure::Usage(format!("{variable} is no key: {error}")))
}

/// The key that the repository asks for: at the base, so that no change can bring its own.
fn pinned(planner: &Planner, answer: &Answer) -> Result<Option<PublicKey>, Failure> {
    let at = |settings: &RemoteSettings| {
        let key = settings.public_key.as_ref().map(|key| PublicKey::read(&key.value));
        key.transpose().map_err(|error| Failure::Usage(format!("`public-key` in knockon.toml: {error}")))
    };
    match &answer.decision.base.commit {
        Some(base) => at(&planner.view(&HeadChoice::Revision(base.clone()))?.0.configuration().remote),
        None => at(&answer.head.configuration().remote),
    }
}
