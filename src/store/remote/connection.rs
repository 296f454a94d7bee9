//! What all protocols share: time that is bounded, and what may be said in the clear.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::{RemoteError, SetupError};

/// Lets a server that is no neighbour be spoken to without TLS.
const INSECURE: &str = "KNOCKON_REMOTE_INSECURE";

/// Refuses a server to which everything would be said in the clear, unless it is on this machine or somebody asks for it.
pub(super) fn insecure(url: &Url, secrets: &dyn Fn(&str) -> Option<String>) -> Result<(), SetupError> {
    let host = url.host_str().unwrap_or_default();
    // Of a scheme that `url` does not know it leaves the host as it is written.
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

/// What waits for servers: one thread, and whoever asks.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// A wait that ends in time.
pub(super) trait InTimeFuture: Future + Sized {
    /// Waits no longer than this.
    async fn in_time(self, longest: Duration) -> Result<Self::Output, RemoteError> {
        tokio::time::timeout(longest, self).await.map_err(|_| RemoteError::Slow)
    }
}

impl<F: Future> InTimeFuture for F {}
