//! Results in an object store: S3, Azure Blob, Google Cloud Storage, or a folder that is shared.
//!
//! ```text
//! v1/trusted/results/ab/cdef…    a sealed manifest, by the fingerprint; written once
//! v1/trusted/blobs/ab/cdef…      bytes, by their digest
//! ```

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    WriteMultipart,
};
use reqwest::header::HeaderMap;
use tokio::runtime::Runtime;
use url::Url;

use super::connection::{InTimeFuture, Incoming, client, insecure, runtime, told};
use super::{
    Blob, Departing, LONGEST_MANIFEST, RemoteError, RemoteKey, RemoteResult, ResultKey, Server, SetupError, Written,
};

/// Bytes beyond this are sent in parts, so that no more than a few of them are in memory.
const PART: u64 = 8 << 20;
/// So many parts of one blob are on their way at once.
const PARTS: usize = 2;
/// So many blobs are.
const BLOBS: usize = 4;

/// The variables that a store's credentials and its place are read from, by the names that its own tools have for them.
const OF_S3: [&str; 11] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
];
const OF_AZURE: [&str; 9] = [
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CLIENT_ID",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_TENANT_ID",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_STORAGE_USE_EMULATOR",
    "AZURE_FEDERATED_TOKEN_FILE",
];
const OF_GOOGLE: [&str; 3] = ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"];
/// Any of these is a credential; without one a store is asked as anybody would ask it, and no service of the machine's
/// own is asked for any.
const CREDENTIALS: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CLIENT_ID",
    "AZURE_STORAGE_USE_EMULATOR",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// An object store.
#[derive(Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    below: Path,
    runtime: &'static Runtime,
    /// The longest that nothing may come.
    silence: Duration,
}

/// Gives the stores' clients what asks for them.
#[derive(Debug)]
struct Connector {
    /// Whether some of it is said in the clear.
    is_open: bool,
    silence: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = client(HeaderMap::new(), self.is_open, self.silence);
        client.map(HttpClient::new).map_err(|reason| Error::Generic { store: "HTTP", source: reason.into() })
    }
}

/// Prepares to speak to a store: `s3://bucket/folder`, `az://container/folder`, `gs://bucket/folder`, `file:///folder`.
pub(super) fn open(
    url: &Url,
    secrets: &dyn Fn(&str) -> Option<String>,
    silence: Duration,
) -> Result<Objects, SetupError> {
    let wrong = |reason: Error| SetupError::Server(fault(&reason));
    let below = Path::from_url_path(url.path()).map_err(|reason| wrong(reason.into()))?;
    let store: Arc<dyn ObjectStore> = match url.scheme() {
        "file" => Arc::new(LocalFileSystem::new()),
        scheme => {
            let names = match scheme {
                "s3" => &OF_S3[..],
                "az" => &OF_AZURE,
                _ => &OF_GOOGLE,
            };
            let said: Vec<(&str, String)> = names.iter().filter_map(|name| Some((*name, secrets(name)?))).collect();
            let is_anonymous = !said.iter().any(|(name, _)| CREDENTIALS.contains(name));
            let is_open = allows_http(&said, secrets)?;
            let place = &url[..url::Position::BeforePath];
            macro_rules! built {
                ($builder:ident) => {{
                    let connector = Connector { is_open, silence };
                    let builder = $builder::new().with_url(place).with_http_connector(connector);
                    let builder = builder.with_retry(retries(silence));
                    let builder =
                        said.iter().fold(builder, |builder, (name, value)| match name.to_ascii_lowercase().parse() {
                            Ok(key) => builder.with_config(key, value),
                            Err(_) => builder,
                        });
                    Arc::new(builder.with_skip_signature(is_anonymous).build().map_err(wrong)?)
                }};
            }
            match scheme {
                "s3" => built!(AmazonS3Builder),
                "az" => built!(MicrosoftAzureBuilder),
                _ => built!(GoogleCloudStorageBuilder),
            }
        }
    };
    Ok(Objects { store, below, runtime: runtime()?, silence })
}

/// Whether whoever names the endpoint may name one that is spoken to in the clear.
fn allows_http(said: &[(&str, String)], secrets: &dyn Fn(&str) -> Option<String>) -> Result<bool, SetupError> {
    let endpoints = said.iter().filter(|(name, _)| name.contains("ENDPOINT"));
    let open: Vec<Url> =
        endpoints.filter_map(|(_, place)| Url::parse(place).ok()).filter(|url| url.scheme() == "http").collect();
    open.iter().try_for_each(|url| insecure(url, secrets))?;
    let emulates = said.iter().any(|(name, _)| *name == "AZURE_STORAGE_USE_EMULATOR");
    Ok(emulates || !open.is_empty())
}

/// What fails is tried again for no longer than a request may take.
fn retries(silence: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
        max_retries: 2,
        retry_timeout: silence,
    }
}

impl Objects {
    fn place(&self, key: &RemoteKey, kind: &str, name: [u8; 32]) -> Path {
        let digits = ResultKey(name).to_string();
        let (shelf, rest) = digits.split_at_checked(2).unwrap_or(("", &digits));
        let namespace = key.namespace.to_string();
        ["v1", &namespace, kind, shelf, rest].into_iter().fold(self.below.clone(), |path, part| path.join(part))
    }

    fn blob(&self, key: &RemoteKey, blob: &Blob) -> Path {
        self.place(key, "blobs", blob.digest)
    }

    fn result(&self, key: &RemoteKey) -> Path {
        self.place(key, "results", key.key.0)
    }

    /// Opens what lies at a place, if anything does.
    async fn get(&self, place: &Path) -> Result<Option<GetResult>, RemoteError> {
        match self.store.get(place).in_time(self.silence).await? {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(reason) => Err(fault(&reason)),
        }
    }

    /// How many bytes lie at a place, if any do.
    async fn length(&self, place: &Path) -> Result<Option<u64>, RemoteError> {
        match self.store.head(place).in_time(self.silence).await? {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(reason) => Err(fault(&reason)),
        }
    }

    async fn send(&self, place: &Path, blob: &Blob, result: &Departing<'_>) -> Result<(), RemoteError> {
        if self.length(place).await? == Some(blob.length) {
            return Ok(());
        }
        let mut bytes = result.read(blob)?;
        if blob.length <= PART {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole)?;
            let put = self.store.put(place, whole.into()).in_time(result.left()).await?;
            return put.map(|_| ()).map_err(|reason| fault(&reason));
        }
        let upload = self.store.put_multipart(place).in_time(self.silence).await?.map_err(|reason| fault(&reason))?;
        let part = usize::try_from(PART).unwrap_or(usize::MAX);
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part);
        let sent = async {
            let mut piece = vec![0; 1 << 20];
            loop {
                let read = bytes.read(&mut piece)?;
                if read == 0 {
                    return Ok(());
                }
                upload.wait_for_capacity(PARTS).in_time(result.left()).await?.map_err(|reason| fault(&reason))?;
                upload.write(&piece[..read]);
            }
        };
        match sent.await {
            Ok(()) => upload.finish().in_time(result.left()).await?.map(|_| ()).map_err(|reason| fault(&reason)),
            Err(reason) => {
                // What was sent so far is nobody's; a store removes it in its own time if this does not.
                let _ = upload.abort().in_time(self.silence).await;
                Err(reason)
            }
        }
    }
}

impl Server for Objects {
    fn find<'a>(&'a self, key: &RemoteKey) -> Result<Option<Box<dyn RemoteResult + 'a>>, RemoteError> {
        self.runtime.block_on(async {
            let Some(found) = self.get(&self.result(key)).await? else { return Ok(None) };
            let mut manifest = Vec::new();
            let mut pieces = Pieces::new(found, LONGEST_MANIFEST, self.silence)?;
            while let Some(piece) = pieces.next().await? {
                manifest.extend_from_slice(&piece);
            }
            Ok(Some(Box::new(Found { objects: self, key: key.clone(), manifest }) as Box<dyn RemoteResult>))
        })
    }

    fn keep(&self, key: &RemoteKey, result: &Departing<'_>) -> Result<Written, RemoteError> {
        self.runtime.block_on(async {
            let place = self.result(key);
            // Also where the result is there: a store may have forgotten some of its bytes since.
            let sends = result.blobs.iter().map(|blob| async move {
                let place = self.blob(key, blob);
                self.send(&place, blob, result).await
            });
            let mut sends = futures::stream::iter(sends).buffer_unordered(BLOBS);
            while let Some(sent) = sends.next().await {
                sent?;
            }
            let manifest = Bytes::copy_from_slice(result.manifest);
            let once = PutOptions::from(PutMode::Create);
            match self.store.put_opts(&place, manifest.into(), once).in_time(result.left()).await? {
                Ok(_) => Ok(Written::Kept),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Written::There),
                Err(reason) => Err(fault(&reason)),
            }
        })
    }
}

/// A result that the store has.
struct Found<'a> {
    objects: &'a Objects,
    key: RemoteKey,
    manifest: Vec<u8>,
}

impl RemoteResult for Found<'_> {
    fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    fn read(&mut self, blob: &Blob, to: &mut dyn Write) -> Result<(), RemoteError> {
        self.objects.runtime.block_on(async {
            let found = self.objects.get(&self.objects.blob(&self.key, blob)).await?;
            let found = found.ok_or_else(|| RemoteError::Wrong("some of a result is not there".to_owned()))?;
            let mut pieces = Pieces::new(found, blob.length, self.objects.silence)?;
            while let Some(piece) = pieces.next().await? {
                to.write_all(&piece)?;
            }
            Ok(())
        })
    }
}

/// The bytes of an object on their way here.
struct Pieces {
    incoming: Incoming,
    left: u64,
}

impl Pieces {
    fn new(found: GetResult, most: u64, silence: Duration) -> Result<Self, RemoteError> {
        if found.meta.size > most {
            return Err(too_many());
        }
        let stream = found.into_stream().map(|piece| piece.map_err(|reason| fault(&reason))).boxed();
        Ok(Self { incoming: Incoming::new(stream, silence), left: most })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let Some(piece) = self.incoming.next().await? else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(too_many)?;
        Ok(Some(piece))
    }
}

fn too_many() -> RemoteError {
    RemoteError::Wrong("more bytes than there should be".to_owned())
}

/// What a store's fault means. Of its own words the innermost are told: the others can hold what it was asked with.
fn fault(reason: &Error) -> RemoteError {
    let told = told(reason);
    match reason {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => RemoteError::Refused(told),
        Error::Generic { .. } => RemoteError::Unreachable(told),
        _ => RemoteError::Wrong(told),
    }
}
