//! A bucket of an S3-compatible store: the files of an archive as objects.
//!
//! The functions here block, as those of files do. The requests run on threads of their own,
//! so that they can be made from any thread.

mod error;
mod requests;
mod settings;

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::{BackoffConfig, ClientOptions, ObjectStore as _, RetryConfig};
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};
use tokio::task::block_in_place;

pub use error::BucketError;
use requests::Object;
pub(super) use requests::ReadObject;
pub use settings::{BucketAddress, BucketCredentials, BucketSettings, HeadPlace};

use crate::domain::capture::Digest;
use crate::world::disk::private_dir;

/// The most requests at the same time, and with [`requests`] the most memory.
const REQUESTS_AT_ONCE: usize = 16;

/// A store that is busy answers later; one that is down is reported within a minute.
const RETRIES: usize = 6;
const RETRY_TIME: Duration = Duration::from_secs(45);
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A store that sends nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(30);

/// What the store gives to tell versions of an object apart; it may give nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectVersion(Option<String>);

/// An object of the archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedObject {
    /// Its path within the archive.
    pub inside: String,
    pub bytes: u64,
}

/// A bucket with the threads that make the requests.
pub(super) struct Bucket {
    address: BucketAddress,
    store: Arc<AmazonS3>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// The blobs whose bytes this process has read or written, as they were then.
    known: Mutex<HashMap<Digest, ObjectVersion>>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.address)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed on a thread of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Bucket {
    /// Prepares requests to a bucket. It makes none.
    pub(super) fn new(settings: &BucketSettings) -> Result<Self, BucketError> {
        let wrong = |what: String| BucketError::Settings { place: settings.address.to_string(), what };
        // An error means that there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = client(settings).build().map_err(|error| wrong(error.to_string()))?;
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(2).thread_name("store").enable_all().build();
        Ok(Self {
            address: settings.address.clone(),
            store: Arc::new(store),
            runtime: Some(runtime.map_err(|error| wrong(error.to_string()))?),
            known: Mutex::default(),
        })
    }

    pub(super) fn address(&self) -> &BucketAddress {
        &self.address
    }

    /// The address of a file of the archive, for a person.
    pub(super) fn address_of(&self, inside: &str) -> String {
        self.address.address_of(inside)
    }

    fn object(&self, inside: &str) -> Object {
        Object {
            key: object_store::path::Path::from(self.address.key_of(inside)),
            place: self.address_of(inside),
        }
    }

    /// Runs a request on the threads of the bucket and waits for it.
    fn run<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, BucketError>> + Send + 'static,
    ) -> Result<T, BucketError> {
        let ended = || BucketError::Ended { place: self.address.to_string() };
        let (send, result) = mpsc::channel();
        self.runtime.as_ref().ok_or_else(ended)?.spawn(async move {
            let _ = send.send(request.await);
        });
        let wait = || result.recv();
        // The other tasks of a thread of a runtime go on while it waits.
        let received = match Handle::try_current() {
            Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => block_in_place(wait),
            _ => wait(),
        };
        received.map_err(|_| ended())?
    }

    /// Stores bytes and reads them back.
    pub(super) fn put(&self, inside: &str, bytes: Vec<u8>) -> Result<(), BucketError> {
        let (store, to) = (Arc::clone(&self.store), self.object(inside));
        self.run(async move { requests::put(&store, &to, bytes).await.map(|_| ()) })
    }

    /// Stores files as the blobs with these digests, several at once, and reads them back.
    pub(super) fn put_blobs(&self, blobs: Vec<(Digest, PathBuf)>) -> Result<(), BucketError> {
        let store = Arc::clone(&self.store);
        let blobs: Vec<_> = blobs
            .into_iter()
            .map(|(digest, path)| (digest, path, self.object(&super::blob_inside(digest))))
            .collect();
        let stored = self.run(async move {
            let put = |(digest, path, to): (Digest, PathBuf, Object)| {
                let store = Arc::clone(&store);
                async move { Ok((digest, requests::put_file(&store, &to, &path, digest).await?)) }
            };
            stream::iter(blobs).map(put).buffer_unordered(REQUESTS_AT_ONCE).try_collect::<Vec<_>>().await
        })?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(stored);
        Ok(())
    }

    pub(super) fn has(&self, inside: &str) -> Result<bool, BucketError> {
        let (store, object) = (Arc::clone(&self.store), self.object(inside));
        self.run(async move { Ok(requests::version(&store, &object).await?.is_some()) })
    }

    /// Reads an object into memory. `None` if there is none.
    pub(super) fn get(&self, inside: &str) -> Result<Option<Vec<u8>>, BucketError> {
        let (store, from) = (Arc::clone(&self.store), self.object(inside));
        self.run(async move {
            let mut bytes = Vec::new();
            let found = requests::read(&store, &from, |chunk| {
                bytes.extend_from_slice(chunk);
                Ok(())
            });
            Ok(found.await?.map(|_| bytes))
        })
    }

    /// Writes an object to a file. `None` if there is none.
    pub(super) fn download(&self, inside: &str, to: File) -> Result<Option<ReadObject>, BucketError> {
        let (store, from) = (Arc::clone(&self.store), self.object(inside));
        self.run(async move { requests::download(&store, &from, &to).await })
    }

    /// The digest of the bytes of an object; `None` if there is none.
    pub(super) fn hash(&self, inside: &str) -> Result<Option<Digest>, BucketError> {
        let (store, object) = (Arc::clone(&self.store), self.object(inside));
        let read = self.run(async move { requests::read(&store, &object, |_| Ok(())).await })?;
        Ok(read.map(|read| read.digest))
    }

    /// Writes objects to files, several at once, through temporary ones.
    pub(super) fn download_all(
        &self,
        files: Vec<(String, PathBuf)>,
        temporary: PathBuf,
    ) -> Result<(), BucketError> {
        let store = Arc::clone(&self.store);
        let files: Vec<_> = files.into_iter().map(|(inside, to)| (self.object(&inside), to)).collect();
        self.run(async move {
            let download = |(from, to): (Object, PathBuf)| {
                let (store, temporary) = (Arc::clone(&store), &temporary);
                async move {
                    let local = |source| BucketError::Local { place: from.place.clone(), source };
                    let file = tempfile::NamedTempFile::new_in(temporary).map_err(local)?;
                    if requests::download(&store, &from, file.as_file()).await?.is_some() {
                        file.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(local)?;
                        private_dir(to.parent().unwrap_or(temporary)).map_err(local)?;
                        file.persist(&to).map_err(|error| local(error.error))?;
                    }
                    Ok(())
                }
            };
            stream::iter(files).map(download).buffer_unordered(REQUESTS_AT_ONCE).try_collect::<()>().await
        })
    }

    /// Hashes the blobs with these digests, unless this process knows their version. A digest
    /// is followed by that of the bytes; `None` if there is no such blob.
    pub(super) fn hash_blobs(
        &self,
        blobs: impl IntoIterator<Item = Digest>,
    ) -> Result<Vec<(Digest, Option<Digest>)>, BucketError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (store, known) = (Arc::clone(&self.store), Arc::new(known));
        let blobs: Vec<_> =
            blobs.into_iter().map(|digest| (digest, self.object(&super::blob_inside(digest)))).collect();
        let found = self.run(async move {
            let hash = |(digest, object): (Digest, Object)| {
                let (store, known) = (Arc::clone(&store), Arc::clone(&known));
                async move {
                    let version = requests::version(&store, &object).await?;
                    let is_known =
                        |version: &ObjectVersion| version.0.is_some() && known.get(&digest) == Some(version);
                    if version.as_ref().is_none_or(is_known) {
                        return Ok((digest, version.map(|version| (digest, version))));
                    }
                    let read = requests::read(&store, &object, |_| Ok(())).await?;
                    Ok((digest, read.map(|read| (read.digest, read.version))))
                }
            };
            stream::iter(blobs).map(hash).buffer_unordered(REQUESTS_AT_ONCE).try_collect::<Vec<_>>().await
        })?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = |(digest, found): (Digest, Option<(Digest, ObjectVersion)>)| {
            let found = found.map(|(hashed, version)| {
                if hashed == digest {
                    known.insert(digest, version);
                }
                hashed
            });
            (digest, found)
        };
        Ok(found.into_iter().map(answer).collect())
    }

    /// Hashes objects, several at once. `handle` gets each on the calling thread, in no order;
    /// its first error ends the work.
    pub(super) fn hash_each<E: From<BucketError>>(
        &self,
        objects: Vec<ListedObject>,
        mut handle: impl FnMut(&str, Result<Option<ReadObject>, BucketError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let ended = || BucketError::Ended { place: self.address.to_string() };
        let store = Arc::clone(&self.store);
        let objects: Vec<_> =
            objects.into_iter().map(|object| (self.object(&object.inside), object.inside)).collect();
        let (send, results) = mpsc::channel();
        self.runtime.as_ref().ok_or_else(ended)?.spawn(async move {
            let hash = |(object, inside): (Object, String)| {
                let store = Arc::clone(&store);
                async move { (inside, requests::read(&store, &object, |_| Ok(())).await) }
            };
            let mut hashed = stream::iter(objects).map(hash).buffer_unordered(REQUESTS_AT_ONCE);
            while let Some(result) = hashed.next().await {
                // After an error the receiver is closed, and the rest is not read.
                if send.send(result).is_err() {
                    return;
                }
            }
        });
        for (inside, read) in results {
            handle(&inside, read)?;
        }
        Ok(())
    }

    /// The objects of a part of the archive, sorted.
    pub(super) fn list(&self, part: &str) -> Result<Vec<ListedObject>, BucketError> {
        let (store, part) = (Arc::clone(&self.store), self.object(part));
        let above = self.address.key_of("");
        self.run(async move {
            let listed: Result<Vec<_>, _> = store.list(Some(&part.key)).try_collect().await;
            let listed = listed.map_err(|error| BucketError::of("list", part.place, error))?;
            let inside = |key: &str| key.strip_prefix(&*above).unwrap_or(key).to_owned();
            let mut objects: Vec<_> = listed
                .iter()
                .map(|meta| ListedObject { inside: inside(meta.location.as_ref()), bytes: meta.size })
                .collect();
            objects.sort();
            Ok(objects)
        })
    }

    /// Gives an object another key.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), BucketError> {
        let (store, from, to) = (Arc::clone(&self.store), self.object(from), self.object(to));
        self.run(async move { requests::rename(&store, &from, &to).await })
    }

    /// Removes an object, if there is one.
    pub(super) fn remove(&self, inside: &str) -> Result<(), BucketError> {
        let (store, object) = (Arc::clone(&self.store), self.object(inside));
        self.run(async move { requests::remove(&store, &object).await })
    }
}

fn client(settings: &BucketSettings) -> AmazonS3Builder {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    };
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIME)
        .with_read_timeout(SILENCE)
        .with_timeout_disabled();
    // The usual variables: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_REGION and others.
    let mut client = AmazonS3Builder::from_env()
        .with_bucket_name(&settings.address.bucket)
        .with_client_options(options)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIME });
    if let Some(endpoint) = &settings.endpoint {
        client = client.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(region) = &settings.region {
        client = client.with_region(region);
    }
    if let Some(credentials) = &settings.credentials {
        client = client
            .with_access_key_id(&credentials.access_key_id)
            .with_secret_access_key(&credentials.secret_access_key);
        if let Some(token) = &credentials.session_token {
            client = client.with_token(token);
        }
    }
    client
}
