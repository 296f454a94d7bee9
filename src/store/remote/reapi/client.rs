//! A connection to a server of the Remote Execution API, for callers that wait.
//!
//! Connections and clocks are seen to in a thread of their own, and nothing else is: what a caller asks for is carried on in
//! the thread of the caller, who so reads and writes files without keeping others waiting.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2::capabilities_client::CapabilitiesClient;
use bazel_remote_apis::build::bazel::remote::execution::v2::{
    GetCapabilitiesRequest, ServerCapabilities, digest_function,
};
use tokio::runtime::Runtime;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use url::Url;

use crate::store::remote::connection::{InTimeFuture, insecure, runtime, speak_tls};
use crate::store::remote::{LONGEST_CONNECT, LONGEST_SILENCE, RemoteError, SetupError};

/// A peer that is gone is noticed by the system after three of these.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// So many bytes of one answer, and of all together, may be on their way.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// Servers and clients of gRPC take no larger messages unless they are told to.
const LARGEST_MESSAGE: usize = 4 << 20;
/// What a message has besides the bytes of its blobs.
const FRAMING: usize = 64 << 10;
/// So much of what a server says of a fault is told.
const LONGEST_REASON: usize = 200;

/// The token that a server is shown.
pub(super) const TOKEN: &str = "KNOCKON_REMOTE_TOKEN";

/// A connection to a server, made when it is needed first, and again whenever it was lost.
#[derive(Debug)]
pub(crate) struct Client {
    channel: Channel,
    instance: String,
    authorization: Option<MetadataValue<Ascii>>,
    capabilities: OnceLock<Capabilities>,
    runtime: &'static Runtime,
}

/// What a server can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capabilities {
    /// How many bytes of blobs one message may have.
    pub(crate) batch: usize,
    /// The largest blob that it takes.
    pub(crate) largest_blob: u64,
    /// Whether it says that it takes no results of actions that were run elsewhere.
    pub(crate) refuses_results: bool,
}

impl Client {
    /// Prepares to speak to `grpc://host:port/instance` or `grpcs://…`.
    pub(crate) fn open(url: &Url, secrets: &dyn Fn(&str) -> Option<String>) -> Result<Self, SetupError> {
        let wrong = |reason: &str| SetupError::Server(RemoteError::Wrong(reason.to_owned()));
        let host = url.host_str().ok_or_else(|| wrong("the URL names no host"))?;
        let has_more = url.query().is_some() || url.fragment().is_some();
        if has_more || !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("the URL has more than a host, a port and the name of an instance"));
        }
        let is_plain = url.scheme() == "grpc";
        if is_plain {
            insecure(url, secrets)?;
        }
        let port = url.port().unwrap_or(if is_plain { 80 } else { 443 });
        let scheme = if is_plain { "http" } else { "https" };
        let address = format!("{scheme}://{host}:{port}");
        let endpoint = Endpoint::from_shared(address).map_err(|reason| wrong(&reason.to_string()))?;
        let mut endpoint = endpoint
            .connect_timeout(LONGEST_CONNECT)
            .tcp_keepalive(Some(KEEP_ALIVE))
            .tcp_keepalive_interval(Some(KEEP_ALIVE))
            .tcp_keepalive_retries(Some(3))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if !is_plain {
            speak_tls();
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(|reason| wrong(&innermost(&reason)))?;
        }
        let authorization = match secrets(TOKEN) {
            None => None,
            Some(token) => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {token}").parse().map_err(|_| wrong(&format!("{TOKEN} is no token")))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let runtime = runtime()?;
        let channel = {
            let _entered = runtime.enter();
            endpoint.connect_lazy()
        };
        let instance = url.path().trim_matches('/').to_owned();
        Ok(Self { channel, instance, authorization, capabilities: OnceLock::new(), runtime })
    }

    /// The name of the part of the server that is spoken to.
    pub(crate) fn instance(&self) -> String {
        self.instance.clone()
    }

    /// The connection, as a service's stub takes it.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A message with what the server is to know of who sends it.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        self.authorize(&mut request);
        request
    }

    /// Adds what the server is to know of who sends a message.
    pub(crate) fn authorize<T>(&self, request: &mut Request<T>) {
        if let Some(value) = &self.authorization {
            request.metadata_mut().insert("authorization", value.clone());
        }
    }

    /// Waits for what is asked of the server.
    pub(crate) fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// What the server can do. It is asked once.
    pub(crate) async fn capabilities(&self) -> Result<Capabilities, RemoteError> {
        if let Some(known) = self.capabilities.get() {
            return Ok(*known);
        }
        let request = self.request(GetCapabilitiesRequest { instance_name: self.instance() });
        let mut stub = CapabilitiesClient::new(self.channel());
        let answer = in_time(LONGEST_SILENCE, stub.get_capabilities(request)).await?;
        let capabilities = Capabilities::read(&answer.into_inner())?;
        Ok(*self.capabilities.get_or_init(|| capabilities))
    }
}

impl Capabilities {
    fn read(said: &ServerCapabilities) -> Result<Self, RemoteError> {
        let missing = || RemoteError::Wrong("the server keeps no results".to_owned());
        let cache = said.cache_capabilities.as_ref().ok_or_else(missing)?;
        let functions = &cache.digest_functions;
        if !functions.is_empty() && !functions.contains(&(digest_function::Value::Sha256 as i32)) {
            return Err(RemoteError::Wrong("the server does not digest with SHA-256".to_owned()));
        }
        let room = LARGEST_MESSAGE - FRAMING;
        Ok(Self {
            // No limit is that of gRPC, and so is one beyond it.
            batch: match usize::try_from(cache.max_batch_total_size_bytes) {
                Ok(0) | Err(_) => room,
                Ok(limit) => limit.min(room),
            },
            largest_blob: match u64::try_from(cache.max_cas_blob_size_bytes) {
                Ok(0) | Err(_) => u64::MAX,
                Ok(limit) => limit,
            },
            refuses_results: cache.action_cache_update_capabilities.as_ref().is_some_and(|said| !said.update_enabled),
        })
    }
}

/// Waits for an answer, and no longer than so long.
pub(crate) async fn in_time<T>(
    longest: Duration,
    asked: impl Future<Output = Result<T, Status>>,
) -> Result<T, RemoteError> {
    asked.in_time(longest).await?.map_err(|status| fault(&status))
}

/// What a status means that is no success.
pub(crate) fn fault(status: &Status) -> RemoteError {
    let broken = std::error::Error::source(status);
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => RemoteError::Refused(said(status.message())),
        Code::ResourceExhausted => RemoteError::Full(said(status.message())),
        Code::DeadlineExceeded => RemoteError::Slow,
        _ if let Some(reason) = broken => RemoteError::Unreachable(innermost(reason)),
        Code::Unavailable => RemoteError::Unreachable(said(status.message())),
        code => RemoteError::Wrong(format!("{code:?}: {}", said(status.message()))),
    }
}

/// What a server says, as it can be shown.
pub(crate) fn said(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_REASON).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.replace(char::is_control, " ")
}

fn innermost(reason: &dyn std::error::Error) -> String {
    let mut reason = reason;
    while let Some(source) = reason.source() {
        reason = source;
    }
    said(&reason.to_string())
}
