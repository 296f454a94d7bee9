//! An action on its way through a cluster, followed to its end, and found again where the connection breaks.

use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2::capabilities_client::CapabilitiesClient;
use bazel_remote_apis::build::bazel::remote::execution::v2::execution_client::ExecutionClient;
use bazel_remote_apis::google::longrunning::operations_client::OperationsClient;
use bazel_remote_apis::google::longrunning::{CancelOperationRequest, Operation, operation};
use prost::Message as _;
use tonic::{Code, Status, Streaming};

use super::order::Order;
use super::{api, sha256};
use crate::run::process::Stop;
use crate::store::RemoteError;
use crate::store::reapi::{Client, fault, in_time};

/// So often somebody looks whether the task is still wanted.
const TICK: Duration = Duration::from_millis(50);
/// The longest time for an answer to a plain question.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
/// When so long nothing came, the cluster is asked whether it is there at all.
const LONGEST_QUIET: Duration = Duration::from_secs(60);
/// So often a connection may break while one action is followed.
const MOST_BREAKS: u32 = 5;
/// What goes by besides a task's own time: waiting for a machine, and moving files.
const PATIENCE: Duration = Duration::from_secs(3600);
/// The longest that anything takes.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How an action ended.
pub(super) enum Executed {
    /// Its command ended, well or not.
    Ended {
        result: Box<api::ActionResult>,
        /// Whether it ended some time before.
        is_cached: bool,
    },
    /// It took longer than it may.
    TimedOut,
    /// Nobody wants it any more.
    Stopped,
}

/// Has an action executed. An error is the cluster's, not the action's.
pub(super) async fn execute(
    client: &Client,
    order: &Order<'_>,
    is_fresh: bool,
    stop: &Stop,
) -> Result<Executed, RemoteError> {
    let end = Instant::now() + order.timeout.map_or(LONGEST, |timeout| (timeout + PATIENCE).min(LONGEST));
    let mut stub = ExecutionClient::new(client.channel());
    let mut name = None;
    let mut breaks = 0;
    loop {
        let opened = match &name {
            None => {
                let request = client.request(api::ExecuteRequest {
                    instance_name: client.instance(),
                    skip_cache_lookup: is_fresh,
                    action_digest: Some(order.action.message()),
                    digest_function: sha256(),
                    ..Default::default()
                });
                in_time(LONGEST_QUIET, stub.execute(request)).await
            }
            Some(name) => {
                let request = client.request(api::WaitExecutionRequest { name: String::clone(name) });
                in_time(LONGEST_QUIET, stub.wait_execution(request)).await
            }
        };
        let broken = match opened {
            Ok(stream) => match follow(client, stream.into_inner(), &mut name, stop, end).await? {
                Followed::To(executed) => return Ok(executed),
                Followed::Lost(reason) => reason,
            },
            // It forgot what it was asked, or never keeps it: then it is asked anew.
            Err(RemoteError::Wrong(reason)) if name.is_some() => {
                name = None;
                RemoteError::Wrong(reason)
            }
            Err(reason @ (RemoteError::Unreachable(_) | RemoteError::Slow)) => reason,
            Err(reason) => return Err(reason),
        };
        breaks += 1;
        if breaks > MOST_BREAKS {
            return Err(broken);
        }
        if stop.is_asked() {
            return Ok(Executed::Stopped);
        }
        tokio::time::sleep(Duration::from_millis(100 << breaks)).await;
    }
}

/// How far an action was followed.
enum Followed {
    To(Executed),
    /// The connection broke.
    Lost(RemoteError),
}

async fn follow(
    client: &Client,
    mut stream: Streaming<Operation>,
    name: &mut Option<String>,
    stop: &Stop,
    end: Instant,
) -> Result<Followed, RemoteError> {
    let mut heard = Instant::now();
    loop {
        if stop.is_asked() {
            cancel(client, name.take()).await;
            return Ok(Followed::To(Executed::Stopped));
        }
        if Instant::now() >= end {
            cancel(client, name.take()).await;
            return Err(RemoteError::Slow);
        }
        if heard.elapsed() >= LONGEST_QUIET {
            let request = client.request(api::GetCapabilitiesRequest { instance_name: client.instance() });
            let mut stub = CapabilitiesClient::new(client.channel());
            if let Err(reason) = in_time(LONGEST_ANSWER, stub.get_capabilities(request)).await {
                return Ok(Followed::Lost(reason));
            }
            heard = Instant::now();
        }
        let message = tokio::select! {
            message = stream.message() => message,
            () = tokio::time::sleep(TICK) => continue,
        };
        heard = Instant::now();
        let operation = match message {
            Ok(Some(operation)) => operation,
            Ok(None) => {
                let reason = "it hung up before the action was over".to_owned();
                return Ok(Followed::Lost(RemoteError::Unreachable(reason)));
            }
            Err(status) => {
                return match fault(&status) {
                    reason @ (RemoteError::Unreachable(_) | RemoteError::Slow) => Ok(Followed::Lost(reason)),
                    reason => Err(reason),
                };
            }
        };
        if !operation.name.is_empty() {
            *name = Some(operation.name);
        }
        match operation.result {
            Some(operation::Result::Response(any)) => return ended(&any.value).map(Followed::To),
            Some(operation::Result::Error(status)) => {
                return Err(fault(&Status::new(Code::from_i32(status.code), status.message)));
            }
            None if operation.done => {
                return Err(RemoteError::Wrong("an action is over and has no result".to_owned()));
            }
            None => {}
        }
    }
}

fn ended(response: &[u8]) -> Result<Executed, RemoteError> {
    let wrong = |reason: &str| RemoteError::Wrong(reason.to_owned());
    let response = api::ExecuteResponse::decode(response).map_err(|_| wrong("what it says of an action is damaged"))?;
    let status = response.status.unwrap_or_default();
    match Code::from_i32(status.code) {
        Code::Ok => {
            let result = response.result.ok_or_else(|| wrong("an action is over and has no result"))?;
            Ok(Executed::Ended { result: Box::new(result), is_cached: response.cached_result })
        }
        Code::DeadlineExceeded => Ok(Executed::TimedOut),
        code => Err(fault(&Status::new(code, status.message))),
    }
}

/// Tells the cluster that nobody waits for an action any more; it may go on all the same.
async fn cancel(client: &Client, name: Option<String>) {
    let Some(name) = name else { return };
    let mut stub = OperationsClient::new(client.channel());
    let request = client.request(CancelOperationRequest { name });
    let _ = in_time(Duration::from_secs(1), stub.cancel_operation(request)).await;
}
