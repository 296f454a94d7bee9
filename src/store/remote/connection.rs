//! What all protocols share: time that is bounded, and what may be said in the clear.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Client;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::shared::SLOWEST;
use super::{LONGEST_CONNECT, RemoteError, SetupError};

/// Lets a server that is no neighbour be spoken to without TLS.
const INSECURE: &str = "KNOCKON_REMOTE_INSECURE";

/// Refuses a server to which everything would be said in the clear, unless it is on this machine or somebody asks for it.
pub(super) fn insecure(url: &Url, secrets: &dyn Fn(&str) -> Option<String>) -> Result<(), SetupError> {
    let host = url.host_str().unwrap_or_default();
    // A name is no address, whatever its beginning looks like.
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match is_here || secrets(INSECURE).as_deref() == Some("1") {
        true => Ok(()),
        false => Err(SetupError::Insecure(host.to_owned())),
    }
}

/// Chooses who does the arithmetic of TLS, once.
pub(super) fn speak_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else in this process may have chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What waits for servers: one thread, and whoever asks. It is never shut down, which would wait for as long as a name
/// server or a shared folder does not answer.
pub(super) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    match RUNTIME.get() {
        Some(runtime) => Ok(runtime),
        None => {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            Ok(RUNTIME.get_or_init(|| runtime))
        }
    }
}

/// What asks servers over HTTP. It goes nowhere else than it was told, and takes bodies as they are.
///
/// It has no time-out for reading: that one begins with the request, and would end every body that takes longer to send.
pub(super) fn client(headers: HeaderMap, is_open: bool, silence: Duration) -> reqwest::Result<Client> {
    speak_tls();
    let builder = Client::builder()
        .default_headers(headers)
        .user_agent(concat!("knockon/", env!("CARGO_PKG_VERSION")))
        .https_only(!is_open)
        .http1_only()
        // Whoever redirects could lead a token elsewhere, or ask neighbours that only this machine can ask.
        .redirect(Policy::none())
        .connect_timeout(LONGEST_CONNECT)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    // Ends a connection whose other end takes nothing.
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(silence);
    #[cfg(not(target_os = "linux"))]
    let _ = silence;
    builder.build()
}

/// What may be told of what a server said: it is not let loose on a terminal.
pub(super) fn told(said: &dyn Error) -> String {
    let mut innermost = said;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let said = innermost.to_string();
    let line = said.lines().next().unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// A body on its way here, waited for only as long as it comes at some pace.
pub(super) struct Incoming {
    stream: BoxStream<'static, Result<Bytes, RemoteError>>,
    received: u64,
    waited: Duration,
    /// The longest that nothing may come.
    silence: Duration,
}

impl Incoming {
    pub(super) fn new(stream: BoxStream<'static, Result<Bytes, RemoteError>>, silence: Duration) -> Self {
        Self { stream, received: 0, waited: Duration::ZERO, silence }
    }

    /// What comes next; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let earned = self.silence + Duration::from_secs(self.received / SLOWEST);
        let begun = Instant::now();
        let patience = earned.saturating_sub(self.waited).min(self.silence);
        let piece = self.stream.next().in_time(patience).await?.transpose()?;
        self.waited += begun.elapsed();
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}

/// A wait that ends in time.
pub(super) trait InTimeFuture: Future + Sized {
    /// Waits no longer than this.
    async fn in_time(self, longest: Duration) -> Result<Self::Output, RemoteError> {
        tokio::time::timeout(longest, self).await.map_err(|_| RemoteError::Slow)
    }
}

impl<F: Future> InTimeFuture for F {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_this_machine_is_spoken_to_in_the_clear() {
        let is_refused = |url: &str| insecure(&Url::parse(url).unwrap(), &|_| None).is_err();
        for scheme in ["http", "grpc"] {
            for host in ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"] {
                assert!(!is_refused(&format!("{scheme}://{host}:1/path")), "{scheme} {host}");
            }
            for host in ["127.0.0.1.example.org", "127.example.org", "localhost.example.org", "10.0.0.1", "[::2]"] {
                assert!(is_refused(&format!("{scheme}://{host}:1/path")), "{scheme} {host}");
            }
        }
    }
}
