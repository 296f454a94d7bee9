//! A server in memory that keeps to the protocol, or breaks it as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bazel_remote_apis::build::bazel::remote::execution::v2::action_cache_server::{ActionCache, ActionCacheServer};
use bazel_remote_apis::build::bazel::remote::execution::v2::capabilities_server::{
    Capabilities as CapabilitiesService, CapabilitiesServer,
};
use bazel_remote_apis::build::bazel::remote::execution::v2::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};
use bazel_remote_apis::google::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::super::*;

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Honest,
    /// It answers everything with this.
    Says(Code),
    /// It never answers what it is asked for results.
    Silent,
    /// It sends a first piece of a stream, and then nothing.
    Stalls,
    /// It sends one byte after the other, slowly.
    Drips,
    /// It sends other bytes than those that were asked for.
    OtherBytes,
    /// It sends more bytes than it was asked for.
    Endless,
    /// It sends messages without any bytes for ever.
    Empty,
    /// It names a manifest of so many bytes as it does not have.
    HugeManifest,
    /// It names files without digests.
    NoDigests,
    /// It names more files than a message can have.
    ManyFiles,
    /// It has lost the largest blob that it had.
    Forgets,
    /// It says of itself that it takes no results.
    ReadOnly,
    /// It digests in another way.
    OtherDigests,
    /// It takes writes, and says that nothing was written.
    TakesNothing,
    /// It says of each blob a hundred times that it is missing.
    AsksAgain,
    /// It says that blobs are missing of which nobody spoke.
    AsksForOthers,
}

/// A server in memory.
pub(super) struct Fake {
    pub(super) mood: Mutex<Mood>,
    pub(super) blobs: Mutex<BTreeMap<Digest, Vec<u8>>>,
    pub(super) results: Mutex<BTreeMap<Digest, api::ActionResult>>,
    /// The methods that were called, in their order.
    pub(super) calls: Mutex<Vec<&'static str>>,
    /// The token that it wants to see.
    token: Option<&'static str>,
}

/// Ends the server when it is dropped.
pub(super) struct Running {
    pub(super) fake: Arc<Fake>,
    pub(super) url: Url,
    _stop: tokio::sync::oneshot::Sender<()>,
}

pub(super) fn start(mood: Mood, token: Option<&'static str>) -> Running {
    let fake = Arc::new(Fake {
        mood: Mutex::new(mood),
        blobs: Mutex::default(),
        results: Mutex::default(),
        calls: Mutex::default(),
        token,
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let served = Arc::clone(&fake);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            tell.send(incoming.local_addr().unwrap()).unwrap();
            let services = Server::builder()
                .add_service(CapabilitiesServer::from_arc(Arc::clone(&served)))
                .add_service(ActionCacheServer::from_arc(Arc::clone(&served)))
                .add_service(ContentAddressableStorageServer::from_arc(Arc::clone(&served)))
                .add_service(ByteStreamServer::from_arc(served));
            tokio::select! {
                served = services.serve_with_incoming(incoming) => served.unwrap(),
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    let url = Url::parse(&format!("grpc://{}/an/instance", told.recv().unwrap())).unwrap();
    Running { fake, url, _stop: stop }
}

impl Fake {
    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    fn called<T>(&self, method: &'static str, request: &Request<T>, instance: Option<&str>) -> Result<(), Status> {
        self.calls.lock().unwrap().push(method);
        if let Mood::Says(code) = self.mood() {
            return Err(Status::new(code, "said\nso"));
        }
        let shown = request.metadata().get("authorization").map(|value| value.to_str().unwrap());
        if shown != self.token.map(|token| format!("Bearer {token}")).as_deref() {
            return Err(Status::unauthenticated("no such token"));
        }
        match instance {
            None | Some("an/instance") => Ok(()),
            Some(_) => Err(Status::invalid_argument("another instance")),
        }
    }

    /// What it says to have under a digest.
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let blobs = self.blobs.lock().unwrap();
        let largest = blobs.keys().max_by_key(|digest| digest.length).copied();
        let mut bytes = blobs.get(digest).cloned()?;
        match self.mood() {
            Mood::Forgets if largest == Some(*digest) => return None,
            Mood::OtherBytes => bytes[0] ^= 1,
            Mood::Endless => bytes.push(0),
            _ => {}
        }
        Some(bytes)
    }
}

fn digest(said: Option<&api::Digest>) -> Result<Digest, Status> {
    Digest::read(said).map_err(|reason| Status::invalid_argument(reason.to_string()))
}

fn of_name(name: &str) -> Result<Digest, Status> {
    let (hash, length) = name.rsplit_once("blobs/").and_then(|(_, rest)| rest.split_once('/')).unwrap_or_default();
    let size_bytes = length.parse().map_err(|_| Status::invalid_argument("a name without a length"))?;
    digest(Some(&api::Digest { hash: hash.to_owned(), size_bytes }))
}

#[tonic::async_trait]
impl CapabilitiesService for Fake {
    async fn get_capabilities(
        &self,
        request: Request<api::GetCapabilitiesRequest>,
    ) -> Result<Response<api::ServerCapabilities>, Status> {
        self.called("GetCapabilities", &request, Some(&request.get_ref().instance_name))?;
        let function = match self.mood() {
            Mood::OtherDigests => api::digest_function::Value::Sha1,
            _ => api::digest_function::Value::Sha256,
        };
        let update_enabled = self.mood() != Mood::ReadOnly;
        Ok(Response::new(api::ServerCapabilities {
            cache_capabilities: Some(api::CacheCapabilities {
                digest_functions: vec![function as i32],
                action_cache_update_capabilities: Some(api::ActionCacheUpdateCapabilities { update_enabled }),
                max_batch_total_size_bytes: 64 << 10,
                ..Default::default()
            }),
            ..Default::default()
        }))
    }
}

#[tonic::async_trait]
impl ActionCache for Fake {
    async fn get_action_result(
        &self,
        request: Request<api::GetActionResultRequest>,
    ) -> Result<Response<api::ActionResult>, Status> {
        self.called("GetActionResult", &request, Some(&request.get_ref().instance_name))?;
        if self.mood() == Mood::Silent {
            std::future::pending::<()>().await;
        }
        let digest = digest(request.into_inner().action_digest.as_ref())?;
        let found = self.results.lock().unwrap().get(&digest).cloned();
        let mut found = found.ok_or_else(|| Status::not_found("no result"))?;
        for file in &mut found.output_files {
            let Some(digest) = &mut file.digest else { continue };
            match self.mood() {
                Mood::HugeManifest if file.path == MANIFEST => digest.size_bytes = 1 << 40,
                Mood::NoDigests => digest.hash = "é".repeat(32),
                _ => {}
            }
        }
        if self.mood() == Mood::ManyFiles {
            let file = found.output_files[0].clone();
            found.output_files = vec![file; 100_000];
        }
        Ok(Response::new(found))
    }

    async fn update_action_result(
        &self,
        request: Request<api::UpdateActionResultRequest>,
    ) -> Result<Response<api::ActionResult>, Status> {
        self.called("UpdateActionResult", &request, Some(&request.get_ref().instance_name))?;
        let request = request.into_inner();
        let action = digest(request.action_digest.as_ref())?;
        // As servers do that look whether a result is whole, and of what.
        let part = |digest: Digest| match digest.length {
            0 => Ok(Vec::new()),
            _ => self.blob(&digest).ok_or_else(|| Status::failed_precondition("a part is missing")),
        };
        let read = api::Action::decode(&*part(action)?).map_err(|_| Status::invalid_argument("no action"))?;
        api::Command::decode(&*part(digest(read.command_digest.as_ref())?)?).unwrap();
        api::Directory::decode(&*part(digest(read.input_root_digest.as_ref())?)?).unwrap();
        let result = request.action_result.ok_or_else(|| Status::invalid_argument("no result"))?;
        assert!(result.stdout_raw.is_empty() && result.stderr_raw.is_empty());
        for file in &result.output_files {
            part(digest(file.digest.as_ref())?)?;
        }
        self.results.lock().unwrap().insert(action, result.clone());
        Ok(Response::new(result))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Fake {
    type GetTreeStream = ReceiverStream<Result<api::GetTreeResponse, Status>>;
    type GetChunkMappingStream = ReceiverStream<Result<api::GetChunkMappingResponse, Status>>;

    async fn find_missing_blobs(
        &self,
        request: Request<api::FindMissingBlobsRequest>,
    ) -> Result<Response<api::FindMissingBlobsResponse>, Status> {
        self.called("FindMissingBlobs", &request, Some(&request.get_ref().instance_name))?;
        let mut missing = request.into_inner().blob_digests;
        match self.mood() {
            Mood::AsksForOthers => missing = vec![Digest::of(b"what nobody has").message()],
            // What it names wrongly it says it has.
            Mood::HugeManifest => missing.clear(),
            _ => missing.retain(|said| said.size_bytes > 0 && self.blob(&digest(Some(said)).unwrap()).is_none()),
        }
        if self.mood() == Mood::AsksAgain {
            missing = vec![missing; 100].concat();
        }
        Ok(Response::new(api::FindMissingBlobsResponse { missing_blob_digests: missing }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<api::BatchUpdateBlobsRequest>,
    ) -> Result<Response<api::BatchUpdateBlobsResponse>, Status> {
        self.called("BatchUpdateBlobs", &request, Some(&request.get_ref().instance_name))?;
        let requests = request.into_inner().requests;
        if requests.iter().map(|request| request.data.len()).sum::<usize>() > 64 << 10 {
            return Err(Status::resource_exhausted("more than it said"));
        }
        let mut responses = Vec::new();
        for api::batch_update_blobs_request::Request { digest: said, data, .. } in requests {
            let is_right = digest(said.as_ref())? == Digest::of(&data) && self.mood() != Mood::TakesNothing;
            let code = if is_right { Code::Ok } else { Code::InvalidArgument };
            if is_right {
                self.blobs.lock().unwrap().insert(Digest::of(&data), data);
            }
            let status = Some(bazel_remote_apis::google::rpc::Status { code: code as i32, ..Default::default() });
            responses.push(api::batch_update_blobs_response::Response { digest: said, status });
        }
        Ok(Response::new(api::BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<api::BatchReadBlobsRequest>,
    ) -> Result<Response<api::BatchReadBlobsResponse>, Status> {
        self.called("BatchReadBlobs", &request, Some(&request.get_ref().instance_name))?;
        let response = |said: api::Digest| {
            let data = self.blob(&digest(Some(&said))?);
            let code = if data.is_some() { Code::Ok } else { Code::NotFound };
            Ok::<_, Status>(api::batch_read_blobs_response::Response {
                digest: Some(said),
                data: data.unwrap_or_default(),
                status: Some(bazel_remote_apis::google::rpc::Status { code: code as i32, ..Default::default() }),
                ..Default::default()
            })
        };
        let responses = request.into_inner().digests.into_iter().map(response).collect::<Result<_, _>>()?;
        Ok(Response::new(api::BatchReadBlobsResponse { responses }))
    }

    async fn get_tree(&self, _: Request<api::GetTreeRequest>) -> Result<Response<Self::GetTreeStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn split_blob(&self, _: Request<api::SplitBlobRequest>) -> Result<Response<api::SplitBlobResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn get_chunk_mapping(
        &self,
        _: Request<api::GetChunkMappingRequest>,
    ) -> Result<Response<Self::GetChunkMappingStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn splice_blob(
        &self,
        _: Request<api::SpliceBlobRequest>,
    ) -> Result<Response<api::SpliceBlobResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<api::RegisterChunkMappingRequest>>,
    ) -> Result<Response<api::RegisterChunkMappingResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

#[tonic::async_trait]
impl ByteStream for Fake {
    type ReadStream = ReceiverStream<Result<ReadResponse, Status>>;

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        self.called("Read", &request, None)?;
        let name = &request.get_ref().resource_name;
        if !name.starts_with("an/instance/blobs/") {
            return Err(Status::invalid_argument("another instance"));
        }
        let bytes = self.blob(&of_name(name)?).ok_or_else(|| Status::not_found("no blob"))?;
        let mood = self.mood();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let send = |data: &[u8]| sender.send(Ok(ReadResponse { data: data.to_vec() }));
            match mood {
                Mood::Stalls => {
                    let _ = send(&bytes[..10]).await;
                    std::future::pending::<()>().await;
                }
                Mood::Empty => while send(b"").await.is_ok() {},
                Mood::Drips => {
                    for byte in &bytes {
                        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                        if send(&[*byte]).await.is_err() {
                            return;
                        }
                    }
                }
                Mood::Endless => while send(&bytes).await.is_ok() {},
                _ => {
                    for piece in bytes.chunks(50_000) {
                        let _ = send(piece).await;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Result<Response<WriteResponse>, Status> {
        self.called("Write", &request, None)?;
        let mut pieces = request.into_inner();
        let (mut bytes, mut digest, mut is_finished) = (Vec::new(), None, false);
        while let Some(piece) = pieces.message().await? {
            if digest.is_none() {
                assert!(piece.resource_name.starts_with("an/instance/uploads/"), "{}", piece.resource_name);
                digest = Some(of_name(&piece.resource_name)?);
            }
            assert_eq!(piece.write_offset, bytes.len() as i64);
            bytes.extend(piece.data);
            is_finished = piece.finish_write;
        }
        let committed_size = if self.mood() == Mood::TakesNothing { 0 } else { bytes.len() as i64 };
        if !is_finished || digest != Some(Digest::of(&bytes)) {
            return Err(Status::invalid_argument("other bytes"));
        }
        self.blobs.lock().unwrap().insert(Digest::of(&bytes), bytes);
        Ok(Response::new(WriteResponse { committed_size }))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Result<Response<QueryWriteStatusResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}
