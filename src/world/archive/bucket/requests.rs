//! The requests to a store, and the proof that it has what was sent.
//!
//! A store may accept bytes with a wrong checksum, so what was written is read back and hashed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use futures_util::StreamExt as _;
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};

use super::{BucketError, ObjectVersion};
use crate::domain::capture::Digest;

/// A larger body is sent in parts of this size, so that it is never in memory as a whole.
const PART_BYTES: u64 = 8 << 20;

/// An object with its address for messages.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub key: Key,
    pub place: String,
}

/// What was read of an object.
#[derive(Clone, Debug)]
pub(in crate::world::archive) struct ReadObject {
    pub digest: Digest,
    pub bytes: u64,
    pub version: ObjectVersion,
}

impl Object {
    fn failed(&self, doing: &'static str) -> impl Fn(object_store::Error) -> BucketError {
        move |error| BucketError::of(doing, self.place.clone(), error)
    }
}

/// Stores bytes under a key, and reads them back.
pub(super) async fn put(store: &AmazonS3, to: &Object, bytes: Vec<u8>) -> Result<ObjectVersion, BucketError> {
    let digest = Digest::of(&bytes);
    store.put(&to.key, PutPayload::from(bytes)).await.map_err(to.failed("write"))?;
    prove(store, to, digest).await
}

/// Stores a file under a key, and reads it back.
pub(super) async fn put_file(
    store: &AmazonS3,
    to: &Object,
    path: &Path,
    digest: Digest,
) -> Result<ObjectVersion, BucketError> {
    let unreadable = |source| BucketError::Local { place: to.place.clone(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() <= PART_BYTES {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        store.put(&to.key, PutPayload::from(bytes)).await.map_err(to.failed("write"))?;
    } else {
        put_parts(store, to, file).await?;
    }
    prove(store, to, digest).await
}

async fn put_parts(store: &AmazonS3, to: &Object, file: File) -> Result<(), BucketError> {
    let unreadable = |source| BucketError::Local { place: to.place.clone(), source };
    let mut upload = store.put_multipart(&to.key).await.map_err(to.failed("write"))?;
    let mut parts = async || {
        let mut rest = &file;
        loop {
            let mut part = Vec::new();
            (&mut rest).take(PART_BYTES).read_to_end(&mut part).map_err(unreadable)?;
            if part.is_empty() {
                break;
            }
            upload.put_part(PutPayload::from(part)).await.map_err(to.failed("write"))?;
        }
        upload.complete().await.map_err(to.failed("write"))?;
        Ok(())
    };
    let sent = parts().await;
    if sent.is_err() {
        // The store removes the parts at some time if this fails too.
        let _ = upload.abort().await;
    }
    sent
}

/// Reads back what was written. Other bytes are removed, because nothing refers to them yet.
async fn prove(store: &AmazonS3, to: &Object, digest: Digest) -> Result<ObjectVersion, BucketError> {
    match read(store, to, |_| Ok(())).await? {
        Some(found) if found.digest == digest => Ok(found.version),
        Some(_) => {
            let _ = store.delete(&to.key).await;
            Err(BucketError::WrongBytes { place: to.place.clone() })
        }
        None => Err(BucketError::WrongBytes { place: to.place.clone() }),
    }
}

/// Reads an object. `None` if there is none.
pub(super) async fn read(
    store: &AmazonS3,
    from: &Object,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<Option<ReadObject>, BucketError> {
    let Some(found) = found(store.get(&from.key).await, from, "read")? else { return Ok(None) };
    let version = ObjectVersion(found.meta.e_tag.clone());
    let (mut chunks, mut hasher, mut bytes) = (found.into_stream(), Sha256::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(from.failed("read"))?;
        hasher.update(&chunk);
        bytes += chunk.len() as u64;
        each(&chunk).map_err(|source| BucketError::Local { place: from.place.clone(), source })?;
    }
    Ok(Some(ReadObject { digest: Digest::from_bytes(hasher.finalize().into()), bytes, version }))
}

/// Writes an object to a file. `None` if there is none.
pub(super) async fn download(
    store: &AmazonS3,
    from: &Object,
    mut to: &File,
) -> Result<Option<ReadObject>, BucketError> {
    read(store, from, |chunk| to.write_all(chunk)).await
}

/// The version of an object; `None` if there is none.
pub(super) async fn version(store: &AmazonS3, of: &Object) -> Result<Option<ObjectVersion>, BucketError> {
    Ok(found(store.head(&of.key).await, of, "look at")?.map(|meta| ObjectVersion(meta.e_tag)))
}

/// Removes an object, if there is one.
pub(super) async fn remove(store: &AmazonS3, object: &Object) -> Result<(), BucketError> {
    found(store.delete(&object.key).await, object, "remove").map(|_| ())
}

/// Gives an object another key.
pub(super) async fn rename(store: &AmazonS3, from: &Object, to: &Object) -> Result<(), BucketError> {
    store.copy(&from.key, &to.key).await.map_err(from.failed("copy"))?;
    remove(store, from).await
}

fn found<T>(
    result: Result<T, object_store::Error>,
    object: &Object,
    doing: &'static str,
) -> Result<Option<T>, BucketError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) => match BucketError::of(doing, object.place.clone(), error) {
            BucketError::Failed { source, .. } if matches!(*source, object_store::Error::NotFound { .. }) => {
                Ok(None)
            }
            error => Err(error),
        },
    }
}
