//! A server as a run uses it: what is believed of it, who may write to it, and what becomes of its faults.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use super::health::Health;
use super::seal::{PublicKey, Signer, Unsealed, seal, unseal};
use super::{Departing, InTime, LONGEST_SILENCE, Namespace, RemoteError, RemoteKey, RemoteResult, Server, Written};
use crate::store::cache::{Cache, CacheError, HandedOut, Kept, Outputs, ResultKey};
use crate::store::elsewhere::Elsewhere;

/// A server may be this slow, in bytes a second, and no slower.
pub(super) const SLOWEST: u64 = 64 * 1024;
/// A result of more bytes than this is neither fetched nor sent.
pub(super) const LARGEST: u64 = 16 << 30;

/// What is believed of a server, and what it is given.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The namespaces that results are looked for in, in this order.
    pub reads: Vec<Namespace>,
    /// The namespace that results are sent to, if they are sent.
    pub writes: Option<Namespace>,
    /// What those of [`Namespace::Trusted`] have to be signed with, if that is asked for.
    pub public_key: Option<PublicKey>,
    /// What they are signed with where they are sent.
    pub signer: Option<Signer>,
}

/// A server that cannot be used as it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The text is no URL.
    #[error("`{0}` is no URL")]
    NoUrl(String),
    /// Nobody knows how to speak to it.
    #[error("`{0}:` is no protocol of a remote")]
    Scheme(String),
    /// Everything would be said in the clear.
    #[error("`{0}` would be spoken to in the clear: use TLS, or set KNOCKON_REMOTE_INSECURE=1")]
    Insecure(String),
    /// A token that cannot be sent.
    #[error("KNOCKON_REMOTE_TOKEN holds what no header can")]
    BadToken,
    /// Signed results are asked for, and could not be signed.
    #[error("the repository asks for signed results: set KNOCKON_REMOTE_SIGNING_KEY to send any to `trusted`")]
    NoSigner,
    /// They would be signed with a key that the repository does not ask for.
    #[error("KNOCKON_REMOTE_SIGNING_KEY belongs to the public key {signer}, and the repository asks for {asked}")]
    OtherSigner {
        /// The other half of the key that signs.
        signer: Box<PublicKey>,
        /// What is asked for.
        asked: Box<PublicKey>,
    },
    /// The server cannot be used like this.
    #[error(transparent)]
    Server(#[from] RemoteError),
    /// This machine gives no thread to wait for it.
    #[error("nothing can wait for it: {0}")]
    NoRuntime(#[from] std::io::Error),
}

/// A cache elsewhere. Nothing that goes wrong with it is more than told.
#[derive(Debug)]
pub struct RemoteCache {
    server: Box<dyn Server>,
    trust: Trust,
    health: Health,
    doubts: Mutex<Vec<String>>,
}

impl RemoteCache {
    /// Prepares to speak to the server at a URL. `secrets` gives the variables that servers read their credentials from,
    /// and none for a server that must not have them.
    pub fn open(url: &str, trust: Trust, secrets: &dyn Fn(&str) -> Option<String>) -> Result<Self, SetupError> {
        let url = Url::parse(url).map_err(|_| SetupError::NoUrl(url.to_owned()))?;
        if trust.writes == Some(Namespace::Trusted)
            && let Some(asked) = &trust.public_key
        {
            let signer = trust.signer.as_ref().ok_or(SetupError::NoSigner)?.public_key();
            if signer != *asked {
                return Err(SetupError::OtherSigner { signer: Box::new(signer), asked: Box::new(asked.clone()) });
            }
        }
        Ok(Self::new(super::open(&url, secrets)?, trust))
    }

    pub(super) fn new(server: Box<dyn Server>, trust: Trust) -> Self {
        Self { server, trust, health: Health::default(), doubts: Mutex::default() }
    }

    fn fetch_from(&self, namespace: &Namespace, cache: &Cache, key: &ResultKey, outputs: &[Outputs<'_>]) -> bool {
        let name = RemoteKey { namespace: namespace.clone(), key: *key };
        let fetched = self.health.ask(|| {
            let Some(mut found) = self.server.find(&name)? else { return Ok(false) };
            match unseal(namespace, found.manifest(), self.key_for(namespace)) {
                Ok(manifest) => {
                    let manifest = manifest.to_vec();
                    take_in(&mut *found, &manifest, cache, key, outputs)
                }
                Err(Unsealed::Other) => Err(RemoteError::Wrong("what it has is no result".to_owned())),
                Err(Unsealed::Unsigned) => {
                    self.doubt("a result is not signed with the key that the repository asks for, and not used");
                    Ok(false)
                }
            }
        });
        fetched.unwrap_or(false)
    }

    /// Holds what a server has against what was made here.
    fn compare(&self, name: &RemoteKey, result: &HandedOut) -> Result<Option<Kept>, RemoteError> {
        let Some(found) = self.server.find(name)? else { return Ok(None) };
        let theirs = unseal(&name.namespace, found.manifest(), self.key_for(&name.namespace)).ok();
        let Some(paths) = theirs.and_then(|theirs| result.differences(&name.key, theirs)) else {
            return Err(RemoteError::Wrong("what it has in the place of a result is none".to_owned()));
        };
        Ok(Some(if paths.is_empty() { Kept::Same } else { Kept::Different { paths } }))
    }

    fn doubt(&self, told: &str) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        if !doubts.iter().any(|doubt| doubt == told) {
            doubts.push(told.to_owned());
        }
    }

    fn key_for(&self, namespace: &Namespace) -> Option<&PublicKey> {
        self.trust.public_key.as_ref().filter(|_| *namespace == Namespace::Trusted)
    }
}

impl Elsewhere for RemoteCache {
    fn fetch(&self, cache: &Cache, key: &ResultKey, outputs: &[Outputs<'_>]) -> Option<String> {
        let found = self.trust.reads.iter().find(|namespace| self.fetch_from(namespace, cache, key, outputs));
        found.map(ToString::to_string)
    }

    fn send(&self, cache: &Cache, key: &ResultKey) -> Option<Kept> {
        let namespace = self.trust.writes.as_ref()?;
        let result = cache.hand_out(key).ok()?;
        let length = result.blobs.iter().map(|blob| blob.length).sum();
        if length > LARGEST {
            self.doubt("a result is too large to be sent");
            return None;
        }
        let name = RemoteKey { namespace: namespace.clone(), key: *key };
        let signer = self.trust.signer.as_ref().filter(|_| *namespace == Namespace::Trusted);
        let manifest = seal(namespace, &result.manifest, signer);
        let departing = Departing {
            manifest: &manifest,
            blobs: &result.blobs,
            open: &|blob| result.open(blob),
            deadline: deadline(length),
        };
        let sent = self.health.ask(|| match self.server.keep(&name, &departing)? {
            Written::Kept => Ok(Some(Kept::Stored)),
            Written::There => self.compare(&name, &result),
        });
        sent.flatten()
    }

    fn takes_results(&self) -> bool {
        self.trust.writes.is_some()
    }

    fn told(&self) -> Vec<String> {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        self.health.told().into_iter().chain(doubts.iter().cloned()).collect()
    }
}

/// Takes a result into the cache, from where it can be restored.
fn take_in(
    found: &mut dyn RemoteResult,
    manifest: &[u8],
    cache: &Cache,
    key: &ResultKey,
    outputs: &[Outputs<'_>],
) -> Result<bool, RemoteError> {
    let mut arriving = cache.arrival(key, manifest, outputs).map_err(wrong)?;
    if arriving.bytes() > LARGEST {
        return Err(RemoteError::Wrong("a result is too large".to_owned()));
    }
    for blob in arriving.wanted() {
        let deadline = deadline(blob.length);
        arriving.take(&blob, |to| found.read(&blob, &mut InTime { inner: to, deadline })).map_err(wrong)??;
    }
    arriving.keep().map_err(wrong)?;
    Ok(true)
}

fn wrong(reason: CacheError) -> RemoteError {
    match reason {
        CacheError::Store(reason) => RemoteError::Here(reason),
        reason => RemoteError::Wrong(reason.to_string()),
    }
}

/// When so many bytes have to be there.
pub(super) fn deadline(length: u64) -> Instant {
    Instant::now() + LONGEST_SILENCE + Duration::from_secs(length / SLOWEST)
}
