//! Results on a server of Turborepo's remote cache, which keeps one body under one name.
//!
//! ```text
//! knockon packed 1     16 bytes
//! manifest             its length, 8 bytes with the lowest first, and it
//! each blob            its digest, 32 bytes; its length, as above; its bytes
//! ```
//! The protocol is that of <https://turborepo.dev/docs/openapi>. It has no way to say that something is only to be kept
//! where nothing is, so that of two who send one result at the same moment the second may overwrite the first.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::channel;
use tokio::sync::mpsc::error::SendTimeoutError;
use url::Url;

use super::connection::{InTimeFuture, Incoming, client, insecure, runtime, told};
use super::shared::LARGEST;
use super::{
    Blob, Departing, LONGEST_MANIFEST, RemoteError, RemoteKey, RemoteResult, ResultKey, Server, SetupError, Written,
};

/// How the URL of such a server begins, before the scheme that it is spoken to by.
pub(super) const SCHEME: &str = "turborepo+";
const TOKEN: &str = "KNOCKON_REMOTE_TOKEN";

const MAGIC: &[u8; 16] = b"knockon packed 1";
const DIGEST: usize = 32;
const LENGTH: usize = 8;
/// So many bytes of a file are sent at once.
const PIECE: usize = 256 * 1024;
/// So many of these wait to be sent.
const WAITING: usize = 4;

/// A server of Turborepo's remote cache.
#[derive(Debug)]
pub(super) struct Turborepo {
    /// Where its artifacts are, with whose they are.
    place: Url,
    client: Client,
    runtime: &'static Runtime,
    /// The longest that nothing may move.
    silence: Duration,
}

/// Prepares to speak to a server: `turborepo+https://host/?team=NAME`.
pub(super) fn open(
    url: &Url,
    secrets: &dyn Fn(&str) -> Option<String>,
    silence: Duration,
) -> Result<Turborepo, SetupError> {
    let text = url.as_str().strip_prefix(SCHEME).unwrap_or_default();
    let url = Url::parse(text).map_err(|_| SetupError::NoUrl(url.to_string()))?;
    if url.scheme() != "https" {
        insecure(&url, secrets)?;
    }
    let team = url.query_pairs().find(|(name, _)| name == "team").map(|(_, team)| team.into_owned());
    let mut place = url.clone();
    place.set_query(None);
    if let Some(team) = team {
        // As Vercel tells them apart.
        let name = if team.starts_with("team_") { "teamId" } else { "slug" };
        place.query_pairs_mut().append_pair(name, &team);
    }
    let mut headers = HeaderMap::new();
    if let Some(token) = secrets(TOKEN) {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| SetupError::BadToken)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let client =
        client(headers, url.scheme() != "https", silence).map_err(|reason| SetupError::Server(fault(&reason)))?;
    Ok(Turborepo { place, client, runtime: runtime()?, silence })
}

impl Turborepo {
    fn ask(&self, method: Method, key: &RemoteKey) -> RequestBuilder {
        let mut place = self.place.clone();
        let folder = place.path().trim_end_matches('/').to_owned();
        place.set_path(&format!("{folder}/v8/artifacts/{}", ResultKey(key.digest())));
        self.client.request(method, place)
    }

    /// The answer, if there is such a thing.
    async fn answer(&self, request: RequestBuilder) -> Result<Option<Response>, RemoteError> {
        let answer = request.send().in_time(self.silence).await?.map_err(|reason| fault(&reason))?;
        match answer.status() {
            status if status.is_success() => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(refusal(status)),
        }
    }
}

impl Server for Turborepo {
    fn find<'a>(&'a self, key: &RemoteKey) -> Result<Option<Box<dyn RemoteResult + 'a>>, RemoteError> {
        self.runtime.block_on(async {
            let answer = self.answer(self.ask(Method::GET, key)).await?;
            let Some(answer) = answer else { return Ok(None) };
            let stream = answer.bytes_stream().map(|piece| piece.map_err(|reason| fault(&reason))).boxed();
            let mut body = Unpacking { incoming: Incoming::new(stream, self.silence), here: Bytes::new() };
            if body.exactly(MAGIC.len()).await? != MAGIC {
                return Err(RemoteError::Wrong("what it has is no result".to_owned()));
            }
            let length = body.length().await?;
            if length > LONGEST_MANIFEST {
                return Err(RemoteError::Wrong("a manifest is too long".to_owned()));
            }
            let manifest = body.exactly(usize::try_from(length).unwrap_or(usize::MAX)).await?;
            Ok(Some(Box::new(Found { runtime: self.runtime, manifest, body, passed_by: 0 }) as Box<dyn RemoteResult>))
        })
    }

    fn keep(&self, key: &RemoteKey, result: &Departing<'_>) -> Result<Written, RemoteError> {
        let there = self.runtime.block_on(self.answer(self.ask(Method::HEAD, key)))?;
        if there.is_some() {
            return Ok(Written::There);
        }
        // Files are read here while the thread of the runtime sends what was read.
        let (pieces, mut read) = channel(WAITING);
        let body = Body::wrap_stream(futures::stream::poll_fn(move |context| read.poll_recv(context)));
        let put = self
            .ask(Method::PUT, key)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, packed_length(result))
            .body(body);
        let sent = self.runtime.spawn(put.send().in_time(result.left()));
        // Who does not take any more says why.
        let packed = pack(result, |piece| {
            let taken = self.runtime.block_on(pieces.send_timeout(piece, self.silence));
            // Who takes nothing more does not say why.
            if let Err(SendTimeoutError::Timeout(_)) = taken {
                sent.abort();
            }
            taken.is_ok()
        });
        drop(pieces);
        let answer = self.runtime.block_on(sent).map_err(|_| RemoteError::Slow)?;
        packed?;
        let status = answer?.map_err(|reason| fault(&reason))?.status();
        if status.is_success() { Ok(Written::Kept) } else { Err(refusal(status)) }
    }
}

/// How long a result is as one body.
fn packed_length(result: &Departing<'_>) -> u64 {
    let frames = result.blobs.iter().map(|blob| (DIGEST + LENGTH) as u64 + blob.length);
    (MAGIC.len() + LENGTH + result.manifest.len()) as u64 + frames.sum::<u64>()
}

/// Hands on a result as one body, as long as somebody takes it. What cannot be read ends it before its time.
fn pack(result: &Departing<'_>, take: impl Fn(std::io::Result<Bytes>) -> bool) -> Result<(), RemoteError> {
    let head = [&MAGIC[..], &(result.manifest.len() as u64).to_le_bytes(), result.manifest].concat();
    let mut goes_on = take(Ok(head.into()));
    for blob in result.blobs {
        goes_on = goes_on && take(Ok([&blob.digest[..], &blob.length.to_le_bytes()].concat().into()));
        let mut file = result.read(blob)?;
        while goes_on {
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    piece.truncate(read);
                    goes_on = take(Ok(piece.into()));
                }
                Err(reason) => {
                    take(Err(reason.kind().into()));
                    return Err(reason.into());
                }
            }
        }
    }
    Ok(())
}

/// A body on its way here.
struct Unpacking {
    incoming: Incoming,
    /// What arrived and is not read.
    here: Bytes,
}

impl Unpacking {
    /// The next bytes, no more than this, and at least one.
    async fn some(&mut self, most: u64) -> Result<Bytes, RemoteError> {
        while self.here.is_empty() {
            let next = self.incoming.next().await?;
            self.here = next.ok_or_else(|| RemoteError::Wrong("a result is cut short".to_owned()))?;
        }
        let taken = usize::try_from(most).unwrap_or(usize::MAX).min(self.here.len());
        Ok(self.here.split_to(taken))
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, RemoteError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            bytes.extend_from_slice(&self.some((length - bytes.len()) as u64).await?);
        }
        Ok(bytes)
    }

    async fn length(&mut self) -> Result<u64, RemoteError> {
        let bytes = self.exactly(LENGTH).await?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// A result that the server has.
struct Found {
    runtime: &'static Runtime,
    manifest: Vec<u8>,
    body: Unpacking,
    /// How many bytes nobody wanted.
    passed_by: u64,
}

impl RemoteResult for Found {
    fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    fn read(&mut self, blob: &Blob, to: &mut dyn Write) -> Result<(), RemoteError> {
        let Self { runtime, body, passed_by, .. } = self;
        runtime.block_on(async {
            loop {
                let digest = body.exactly(DIGEST).await?;
                let mut left = body.length().await?;
                let is_wanted = digest == blob.digest;
                if !is_wanted {
                    *passed_by = passed_by.saturating_add(left);
                }
                // They are sorted, and none is empty.
                if digest[..] > blob.digest[..] || left == 0 || *passed_by > LARGEST || is_wanted && left != blob.length
                {
                    return Err(RemoteError::Wrong("some of a result is not there".to_owned()));
                }
                while left > 0 {
                    let piece = body.some(left).await?;
                    left -= piece.len() as u64;
                    if is_wanted {
                        to.write_all(&piece)?;
                    }
                }
                if is_wanted {
                    return Ok(());
                }
            }
        })
    }
}

/// What a connection's fault means.
fn fault(reason: &reqwest::Error) -> RemoteError {
    if reason.is_timeout() {
        return RemoteError::Slow;
    }
    RemoteError::Unreachable(told(reason))
}

/// What a status means that is neither success nor absence.
fn refusal(status: StatusCode) -> RemoteError {
    let told = format!("status {}", status.as_u16());
    match status.as_u16() {
        // A server that was given no token says that the request is a bad one.
        400 | 401 | 403 => RemoteError::Refused(told),
        413 | 429 | 507 => RemoteError::Full(told),
        500.. => RemoteError::Unreachable(told),
        _ => RemoteError::Wrong(told),
    }
}
