//! Servers that speak the Remote Execution API, version 2: what they know of actions is used as a cache of results.
//!
//! A result is kept as that of an action which nobody means to run: its command is the name of the result. The action, its
//! command and its empty input root are kept, too, as there are servers that read them. Its files are the manifest and
//! the blobs that this names. Blobs have the names by which the manifest knows them, and the digests (SHA-256) by which
//! the server does.

mod blobs;
mod client;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::ops::Bound;

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use bazel_remote_apis::build::bazel::remote::execution::v2::action_cache_client::ActionCacheClient;
use prost::Message as _;
use tonic::Code;
use url::Url;

pub(crate) use blobs::{Absent, Counting, Digest, Uploads, add_bytes, room_for};
pub(crate) use client::{Client, fault, in_time};

use super::connection::InTimeFuture;
use super::{
    Departing, LONGEST_MANIFEST, LONGEST_SILENCE, RemoteError, RemoteKey, RemoteResult, Server, SetupError, Written,
};
use crate::store::cache::Blob;

/// The manifest among the files of a result.
const MANIFEST: &str = "manifest";
/// What a server is told of the files of a result fits in one message, or the result is not sent.
const LONGEST_RESULT: usize = 4 << 20;

/// A server, used as a cache.
#[derive(Debug)]
pub(super) struct Reapi(Client);

impl Reapi {
    /// Prepares to speak to `grpc://host:port/instance` or `grpcs://…`.
    pub(super) fn open(url: &Url, secrets: &dyn Fn(&str) -> Option<String>) -> Result<Self, SetupError> {
        Ok(Self(Client::open(url, secrets)?))
    }

    /// The files of a result, if it and all of them are there.
    async fn look_up(&self, action: &Digest) -> Result<Option<BTreeMap<String, Digest>>, RemoteError> {
        let client = &self.0;
        let request = client.request(api::GetActionResultRequest {
            instance_name: client.instance(),
            action_digest: Some(action.message()),
            digest_function: api::digest_function::Value::Sha256 as i32,
            ..Default::default()
        });
        let mut stub = ActionCacheClient::new(client.channel());
        let result = match stub.get_action_result(request).in_time(LONGEST_SILENCE).await? {
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            answer => answer.map_err(|status| fault(&status))?.into_inner(),
        };
        let digest = |file: &api::OutputFile| Ok((file.path.clone(), Digest::read(file.digest.as_ref())?));
        let files: BTreeMap<String, Digest> =
            result.output_files.iter().map(digest).collect::<Result<_, RemoteError>>()?;
        let wanted: Vec<Digest> = files.values().copied().collect();
        // Servers forget what nobody asked for lately, and not all look whether a result is whole.
        Ok(client.missing(&wanted).await?.is_empty().then_some(files))
    }
}

impl Server for Reapi {
    fn find<'a>(&'a self, key: &RemoteKey) -> Result<Option<Box<dyn RemoteResult + 'a>>, RemoteError> {
        self.0.wait(async {
            let capabilities = self.0.capabilities().await?;
            let action = Action::of(key);
            let Some(files) = self.look_up(&action.digest).await? else { return Ok(None) };
            let wrong = |reason: &str| RemoteError::Wrong(reason.to_owned());
            let manifest = *files.get(MANIFEST).ok_or_else(|| wrong("a result without a manifest"))?;
            if manifest.length > LONGEST_MANIFEST {
                return Err(wrong("a manifest that is too long"));
            }
            let mut found = Found { client: &self.0, batch: capabilities.batch, files, fetched: BTreeMap::new() };
            let mut bytes = Vec::new();
            match found.hand_on(MANIFEST, &manifest, &mut bytes).await {
                Ok(()) => Ok(Some(Box::new(FoundManifest { manifest: bytes, found }) as Box<dyn RemoteResult>)),
                Err(Absent::Gone) => Ok(None),
                Err(Absent::Fault(reason)) => Err(reason),
            }
        })
    }

    fn keep(&self, key: &RemoteKey, result: &Departing<'_>) -> Result<Written, RemoteError> {
        self.0.wait(async {
            let client = &self.0;
            if client.capabilities().await?.refuses_results {
                return Err(RemoteError::Refused("it takes no results".to_owned()));
            }
            let action = Action::of(key);
            if self.look_up(&action.digest).await?.is_some() {
                return Ok(Written::There);
            }
            let mut uploads = Uploads::new();
            let mut output_files = Vec::with_capacity(result.blobs.len() + 1);
            let file = |path: String, digest: &Digest| api::OutputFile {
                path,
                digest: Some(digest.message()),
                ..Default::default()
            };
            for bytes in action.parts {
                add_bytes(&mut uploads, bytes);
            }
            for blob in result.blobs {
                let digest = digest_of(blob, &mut result.read(blob)?)?;
                let open = move || result.read(blob).map(|from| Box::new(from) as Box<dyn Read>);
                uploads.insert(digest, Box::new(open));
                output_files.push(file(name_of(blob), &digest));
            }
            output_files.push(file(MANIFEST.to_owned(), &add_bytes(&mut uploads, result.manifest.to_vec())));
            let request = api::UpdateActionResultRequest {
                instance_name: client.instance(),
                action_digest: Some(action.digest.message()),
                action_result: Some(api::ActionResult { output_files, ..Default::default() }),
                results_cache_policy: None,
                digest_function: api::digest_function::Value::Sha256 as i32,
            };
            if request.encoded_len() > LONGEST_RESULT {
                return Err(RemoteError::Full("a result of too many files".to_owned()));
            }
            client.upload(&uploads).await?;
            let mut stub = ActionCacheClient::new(client.channel());
            in_time(LONGEST_SILENCE, stub.update_action_result(client.request(request))).await?;
            Ok(Written::Kept)
        })
    }
}

/// The action that a result is kept under.
struct Action {
    digest: Digest,
    /// The action, its command and its input root.
    parts: [Vec<u8>; 3],
}

impl Action {
    fn of(key: &RemoteKey) -> Self {
        let name = key.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let command = api::Command { arguments: vec!["knockon".to_owned(), name], ..Default::default() };
        let (command, root) = (command.encode_to_vec(), api::Directory::default().encode_to_vec());
        let action = api::Action {
            command_digest: Some(Digest::of(&command).message()),
            input_root_digest: Some(Digest::of(&root).message()),
            ..Default::default()
        };
        let action = action.encode_to_vec();
        Self { digest: Digest::of(&action), parts: [action, command, root] }
    }
}

/// The digest by which the server knows a blob. What the cache does not hold as it should is not sent, as it would stay.
fn digest_of(blob: &Blob, from: &mut dyn Read) -> io::Result<Digest> {
    let mut own = blake3::Hasher::new();
    let mut counting = Counting::new(&mut own);
    io::copy(from, &mut counting)?;
    let digest = counting.digest();
    match *own.finalize().as_bytes() == blob.digest {
        true => Ok(digest),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "the cache holds other bytes than it should")),
    }
}

/// What a blob is called among the files of a result.
fn name_of(blob: &Blob) -> String {
    blob.digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a result that a server has.
struct Found<'a> {
    client: &'a Client,
    /// How many bytes come at once.
    batch: usize,
    files: BTreeMap<String, Digest>,
    /// What came with something else, and was not asked for yet.
    fetched: BTreeMap<Digest, Vec<u8>>,
}

impl Found<'_> {
    async fn hand_on(&mut self, name: &str, digest: &Digest, to: &mut dyn Write) -> Result<(), Absent> {
        let here = match self.fetched.remove(digest) {
            Some(bytes) => Some(bytes),
            None if room_for(digest, self.batch).is_none() => None,
            None => {
                self.fetched = self.client.read_batch(&self.next(name, digest)).await?;
                self.fetched.remove(digest)
            }
        };
        match here {
            Some(bytes) => Ok(to.write_all(&bytes).map_err(RemoteError::Here)?),
            None => self.client.read(digest, to).await,
        }
    }

    /// What is asked for together with a file: those that will be asked for after it, as many as fit. The manifest is asked
    /// for before all.
    fn next(&self, name: &str, digest: &Digest) -> Vec<Digest> {
        let begin = if name == MANIFEST { Bound::Unbounded } else { Bound::Excluded(name) };
        let mut taken = room_for(digest, self.batch).unwrap_or(self.batch);
        let mut wanted = BTreeSet::from([*digest]);
        for (name, digest) in self.files.range::<str, _>((begin, Bound::Unbounded)) {
            let Some(room) = room_for(digest, self.batch).filter(|_| name != MANIFEST) else { continue };
            if taken + room > self.batch {
                break;
            }
            taken += room;
            wanted.insert(*digest);
        }
        wanted.into_iter().collect()
    }
}

/// A result that a server has, and whose manifest was read.
struct FoundManifest<'a> {
    manifest: Vec<u8>,
    found: Found<'a>,
}

impl RemoteResult for FoundManifest<'_> {
    fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    fn read(&mut self, blob: &Blob, to: &mut dyn Write) -> Result<(), RemoteError> {
        let name = name_of(blob);
        let wrong = || RemoteError::Wrong("a manifest that names what its result does not have".to_owned());
        let digest = *self.found.files.get(&name).filter(|digest| digest.length == blob.length).ok_or_else(wrong)?;
        Ok(self.found.client.wait(self.found.hand_on(&name, &digest, to))?)
    }
}
