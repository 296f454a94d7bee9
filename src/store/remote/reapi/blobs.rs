//! Blobs on their way to and from a server: small ones many at a time, others as streams.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2 as api;
use bazel_remote_apis::build::bazel::remote::execution::v2::content_addressable_storage_client::ContentAddressableStorageClient;
use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use bazel_remote_apis::google::bytestream::{ReadRequest, WriteRequest};
use bazel_remote_apis::google::rpc;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

use super::client::{Client, fault, in_time};
use crate::store::remote::connection::InTimeFuture;
use crate::store::remote::shared::deadline;
use crate::store::remote::{LONGEST_SILENCE, RemoteError};

/// So many digests are asked for at once: they are well below what a message may have.
const MOST_DIGESTS: usize = 16 << 10;
/// What the digest of a blob takes in a message, and then some.
const DIGEST_ROOM: usize = 128;
/// So many bytes of a stream are sent at a time.
const PIECE: u64 = 256 << 10;
/// So many pieces wait to be sent.
const PIECES: usize = 2;

/// The SHA-256 digest of some bytes, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest {
    pub(crate) hash: [u8; 32],
    pub(crate) length: u64,
}

impl Digest {
    /// That of some bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { hash: Sha256::digest(bytes).into(), length: bytes.len() as u64 }
    }

    /// Reads one that a server names.
    pub(crate) fn read(said: Option<&api::Digest>) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Wrong("it names something without a digest".to_owned());
        let said = said.ok_or_else(wrong)?;
        let digits = said.hash.as_bytes();
        let is_written_so = digits.len() == 64 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if !is_written_so {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(said.hash.as_bytes().chunks_exact(2)) {
            let digits = str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self { hash, length: u64::try_from(said.size_bytes).map_err(|_| wrong())? })
    }

    /// As it is written in messages.
    pub(crate) fn message(&self) -> api::Digest {
        let hash = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        api::Digest { hash, size_bytes: i64::try_from(self.length).unwrap_or(i64::MAX) }
    }
}

/// As it is written in the names of streams.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "/{}", self.length)
    }
}

/// Bytes that are digested on their way.
pub(crate) struct Counting<W> {
    to: W,
    hasher: Sha256,
    length: u64,
}

impl<W: Write> Counting<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, hasher: Sha256::new(), length: 0 }
    }

    pub(crate) fn digest(self) -> Digest {
        Digest { hash: self.hasher.finalize().into(), length: self.length }
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Opens the bytes of a blob that is to be sent.
pub(crate) type Open<'a> = Box<dyn Fn() -> io::Result<Box<dyn Read + 'a>> + 'a>;

/// Blobs that a server is to have, by their digests.
pub(crate) type Uploads<'a> = BTreeMap<Digest, Open<'a>>;

/// Adds some bytes to those that a server is to have.
pub(crate) fn add_bytes(uploads: &mut Uploads<'_>, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(&bytes);
    uploads.insert(digest, Box::new(move || Ok(Box::new(io::Cursor::new(bytes.clone())))));
    digest
}

impl Client {
    /// The blobs that the server does not have, each once, however often it says so.
    pub(crate) async fn missing(&self, wanted: &[Digest]) -> Result<BTreeSet<Digest>, RemoteError> {
        let mut missing = BTreeSet::new();
        for some in wanted.chunks(MOST_DIGESTS) {
            let request = self.request(api::FindMissingBlobsRequest {
                instance_name: self.instance(),
                blob_digests: some.iter().map(Digest::message).collect(),
                digest_function: api::digest_function::Value::Sha256 as i32,
            });
            let answer = in_time(LONGEST_SILENCE, self.storage().find_missing_blobs(request)).await?.into_inner();
            for digest in &answer.missing_blob_digests {
                missing.insert(Digest::read(Some(digest))?);
            }
        }
        Ok(missing)
    }

    /// Sends the blobs that the server does not have.
    pub(crate) async fn upload(&self, uploads: &Uploads<'_>) -> Result<(), RemoteError> {
        let capabilities = self.capabilities().await?;
        let wanted: Vec<Digest> = uploads.keys().copied().collect();
        let mut batch = Vec::new();
        let mut taken = 0;
        for digest in self.missing(&wanted).await? {
            let Some(open) = uploads.get(&digest) else {
                return Err(RemoteError::Wrong("it asks for what nobody has".to_owned()));
            };
            if digest.length > capabilities.largest_blob {
                return Err(RemoteError::Full(format!("a file has {} bytes", digest.length)));
            }
            let Some(room) = room_for(&digest, capabilities.batch) else {
                self.write(&digest, &mut *open()?).await?;
                continue;
            };
            if taken + room > capabilities.batch {
                self.update(std::mem::take(&mut batch)).await?;
                taken = 0;
            }
            let mut data = Vec::new();
            open()?.take(digest.length + 1).read_to_end(&mut data)?;
            if Digest::of(&data) != digest {
                return Err(changed());
            }
            taken += room;
            batch.push((digest, data));
        }
        if batch.is_empty() { Ok(()) } else { self.update(batch).await }
    }

    async fn update(&self, batch: Vec<(Digest, Vec<u8>)>) -> Result<(), RemoteError> {
        let longest = time_for(batch.iter().map(|(digest, _)| digest.length).sum());
        let requests = batch.into_iter().map(|(digest, data)| api::batch_update_blobs_request::Request {
            digest: Some(digest.message()),
            data,
            compressor: 0,
        });
        let request = self.request(api::BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests: requests.collect(),
            digest_function: api::digest_function::Value::Sha256 as i32,
        });
        let answer = in_time(longest, self.storage().batch_update_blobs(request)).await?.into_inner();
        answer.responses.iter().try_for_each(|response| of_blob(response.status.as_ref()))
    }

    async fn write(&self, digest: &Digest, from: &mut dyn Read) -> Result<(), RemoteError> {
        let (sender, receiver) = mpsc::channel(PIECES);
        let mut request = Request::new(ReceiverStream::new(receiver));
        self.authorize(&mut request);
        let mut stub = ByteStreamClient::new(self.channel());
        let answered = in_time(time_for(digest.length), stub.write(request));
        let sent = self.send(digest, from, sender);
        let (answer, ()) = tokio::try_join!(answered, sent)?;
        // The server may have it by now, from somebody else, and says so early.
        match u64::try_from(answer.into_inner().committed_size) == Ok(digest.length) {
            true => Ok(()),
            false => Err(RemoteError::Wrong("it took another number of bytes than it was sent".to_owned())),
        }
    }

    async fn send(
        &self,
        digest: &Digest,
        from: &mut dyn Read,
        to: mpsc::Sender<WriteRequest>,
    ) -> Result<(), RemoteError> {
        // What it is called has only to be different from all else that is being sent.
        let upload = format!("{:08x}-0000-4000-8000-{:012x}", std::process::id(), next_number());
        let mut resource_name = self.below_instance(&format!("uploads/{upload}/blobs/{digest}"));
        let mut offset = 0;
        while offset < digest.length {
            let length = PIECE.min(digest.length - offset);
            let mut data = Vec::new();
            from.take(length).read_to_end(&mut data)?;
            if data.len() as u64 != length {
                return Err(changed());
            }
            let message = WriteRequest {
                resource_name: std::mem::take(&mut resource_name),
                write_offset: i64::try_from(offset).unwrap_or(i64::MAX),
                finish_write: offset + length == digest.length,
                data,
            };
            match to.send(message).in_time(LONGEST_SILENCE).await? {
                Ok(()) => offset += length,
                // It has answered.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Some blobs, all in one message. One that is not there is told by [`Absent`].
    pub(crate) async fn read_batch(&self, wanted: &[Digest]) -> Result<BTreeMap<Digest, Vec<u8>>, Absent> {
        let request = self.request(api::BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: wanted.iter().map(Digest::message).collect(),
            acceptable_compressors: Vec::new(),
            digest_function: api::digest_function::Value::Sha256 as i32,
        });
        let longest = time_for(wanted.iter().map(|digest| digest.length).sum());
        let answer = in_time(longest, self.storage().batch_read_blobs(request)).await?.into_inner();
        let mut found = BTreeMap::new();
        for response in answer.responses {
            let digest = Digest::read(response.digest.as_ref())?;
            if response.status.as_ref().is_some_and(|status| status.code == Code::NotFound as i32) {
                return Err(Absent::Gone);
            }
            of_blob(response.status.as_ref())?;
            if Digest::of(&response.data) != digest {
                return Err(other_bytes().into());
            }
            found.insert(digest, response.data);
        }
        if !wanted.iter().all(|digest| found.contains_key(digest)) {
            return Err(RemoteError::Wrong("it answers with fewer blobs than it was asked for".to_owned()).into());
        }
        Ok(found)
    }

    /// Hands on a blob, however large, and no more than its length. It was right if this is no error.
    pub(crate) async fn read(&self, digest: &Digest, to: &mut dyn Write) -> Result<(), Absent> {
        let until = deadline(digest.length);
        let name = self.below_instance(&format!("blobs/{digest}"));
        let request = self.request(ReadRequest { resource_name: name, read_offset: 0, read_limit: 0 });
        let mut stub = ByteStreamClient::new(self.channel());
        let mut stream = stub.read(request).in_time(LONGEST_SILENCE).await??.into_inner();
        let mut counting = Counting::new(to);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = stream.message().in_time(left.min(LONGEST_SILENCE)).await??;
            let Some(message) = message else { break };
            if counting.length + message.data.len() as u64 > digest.length {
                return Err(other_bytes().into());
            }
            counting.write_all(&message.data).map_err(RemoteError::Here)?;
        }
        if counting.digest() == *digest { Ok(()) } else { Err(other_bytes().into()) }
    }

    fn storage(&self) -> ContentAddressableStorageClient<tonic::transport::Channel> {
        ContentAddressableStorageClient::new(self.channel())
    }

    fn below_instance(&self, name: &str) -> String {
        let instance = self.instance();
        if instance.is_empty() { name.to_owned() } else { format!("{instance}/{name}") }
    }
}

/// Why there are no bytes.
#[derive(Debug)]
pub(crate) enum Absent {
    /// The server does not have them.
    Gone,
    /// Something else.
    Fault(RemoteError),
}

impl From<RemoteError> for Absent {
    fn from(reason: RemoteError) -> Self {
        Self::Fault(reason)
    }
}

impl From<Status> for Absent {
    fn from(status: Status) -> Self {
        if status.code() == Code::NotFound { Self::Gone } else { Self::Fault(fault(&status)) }
    }
}

impl From<Absent> for RemoteError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Gone => Self::Wrong("it does not have what it named".to_owned()),
            Absent::Fault(reason) => reason,
        }
    }
}

/// How much of a message a blob takes; none where it takes more than there is.
pub(crate) fn room_for(digest: &Digest, batch: usize) -> Option<usize> {
    let room = usize::try_from(digest.length).ok()?.checked_add(DIGEST_ROOM)?;
    (room <= batch).then_some(room)
}

/// How long so many bytes may take.
fn time_for(length: u64) -> Duration {
    deadline(length).saturating_duration_since(Instant::now())
}

fn of_blob(status: Option<&rpc::Status>) -> Result<(), RemoteError> {
    match status {
        Some(status) if status.code != Code::Ok as i32 => {
            Err(fault(&Status::new(Code::from_i32(status.code), &status.message)))
        }
        _ => Ok(()),
    }
}

fn changed() -> RemoteError {
    RemoteError::Here(io::Error::new(io::ErrorKind::InvalidData, "a file changed while it was sent"))
}

fn other_bytes() -> RemoteError {
    RemoteError::Wrong("other bytes than those that were asked for".to_owned())
}

fn next_number() -> u64 {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
