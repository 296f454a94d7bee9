//! Tasks that other machines run, through the Remote Execution API.
//!
//! A task there has the files that its fingerprint is made of, what the tasks made whose results it reads, and the
//! environment variables that it declares; nothing else. What it makes comes back into a folder of its own, and from there
//! into the work tree in the way of the cache. Whatever the cluster cannot do is done here, and told.

mod inputs;
mod operation;
mod order;
mod outputs;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use url::Url;

use self::operation::Executed;
use self::order::Order;
use super::process::{How, Stop};
use super::work::{Cluster, Errand};
use crate::store::reapi::Client;
use crate::store::{RemoteError, ResultKey, SetupError};
use crate::tree::Tree;
use crate::workspace::Workspace;

/// A cluster that failed so often one time behind the other is not asked any more.
const MOST_FAULTS: u32 = 3;
/// So often an action is tried again whose end the cluster cannot tell.
const MOST_TRIES: u32 = 2;

/// A cluster, and the files that its tasks read.
pub struct RemoteCluster<'a> {
    client: Client,
    workspace: &'a Workspace,
    tree: &'a dyn Tree,
    faults: AtomicU32,
    /// Why tasks ran here after all, and how many.
    told: Mutex<BTreeMap<String, usize>>,
}

impl<'a> RemoteCluster<'a> {
    /// Prepares to speak to the cluster at a URL, `grpcs://host:port/instance`. `secrets` gives the variables that it reads
    /// credentials from.
    pub fn open(
        url: &str,
        secrets: &dyn Fn(&str) -> Option<String>,
        workspace: &'a Workspace,
        tree: &'a dyn Tree,
    ) -> Result<Self, SetupError> {
        let parsed = Url::parse(url).map_err(|_| SetupError::NoUrl(url.to_owned()))?;
        if !matches!(parsed.scheme(), "grpc" | "grpcs") {
            return Err(SetupError::Scheme(parsed.scheme().to_owned()));
        }
        let client = Client::open(&parsed, secrets)?;
        Ok(Self { client, workspace, tree, faults: AtomicU32::new(0), told: Mutex::default() })
    }

    /// What a result is kept under that is made there: its programs are not those of this machine.
    pub fn key(url: &str, key: &ResultKey) -> ResultKey {
        let mut hasher = blake3::Hasher::new_derive_key("knockon 2026 result made on a cluster v1");
        hasher.update(&key.0);
        hasher.update(url.as_bytes());
        ResultKey(*hasher.finalize().as_bytes())
    }

    fn carry_out(&self, errand: &Errand<'_>, order: &Order<'_>, stop: &Stop) -> Result<How, RemoteError> {
        self.client.wait(async {
            let mut is_fresh = errand.is_fresh;
            let mut tries = 0;
            let result = loop {
                self.client.upload(&order.uploads).await?;
                match operation::execute(&self.client, order, is_fresh, stop).await {
                    Ok(Executed::Stopped) => return Ok(How::Stopped),
                    Ok(Executed::TimedOut) => return Ok(How::TimedOut),
                    // Another may have failed for a reason that is gone; whether to try again is not the cluster's to say.
                    Ok(Executed::Ended { result, is_cached: true }) if result.exit_code != 0 && !is_fresh => {
                        is_fresh = true;
                    }
                    Ok(Executed::Ended { result, .. }) => break *result,
                    Err(reason @ RemoteError::Refused(_)) => return Err(reason),
                    Err(reason) if tries == MOST_TRIES => return Err(reason),
                    Err(_) => {
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                    }
                }
            };
            outputs::print(&self.client, &result, errand).await?;
            if result.exit_code != 0 {
                return Ok(How::Exited(result.exit_code));
            }
            outputs::fetch(&self.client, &result, errand.landing).await?;
            Ok(How::Passed)
        })
    }

    fn tell(&self, reason: &str) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner).entry(reason.to_owned()).or_default() += 1;
    }
}

impl Cluster for RemoteCluster<'_> {
    fn run(&self, errand: &Errand<'_>, stop: &Stop) -> Result<How, String> {
        let ran = if self.faults.load(Ordering::Relaxed) >= MOST_FAULTS {
            Err(format!("it failed {MOST_FAULTS} times, and is not asked any more"))
        } else {
            Order::of(self.workspace, self.tree, errand).and_then(|order| {
                let ran = self.carry_out(errand, &order, stop);
                match ran {
                    Ok(_) => self.faults.store(0, Ordering::Relaxed),
                    Err(_) => drop(self.faults.fetch_add(1, Ordering::Relaxed)),
                }
                ran.map_err(|reason| reason.to_string())
            })
        };
        ran.inspect_err(|reason| self.tell(reason))
    }

    fn refused(&self, reason: &str) {
        self.tell(reason);
    }

    fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(reason, count): (&String, &usize)| match count {
            1 => format!("a task was run here: {reason}"),
            count => format!("{count} tasks were run here: {reason}"),
        };
        told.iter().map(line).collect()
    }
}

impl fmt::Debug for RemoteCluster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCluster").field("client", &self.client).finish_non_exhaustive()
    }
}

fn sha256() -> i32 {
    api::digest_function::Value::Sha256 as i32
}
