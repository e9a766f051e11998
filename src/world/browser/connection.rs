//! The `DevTools` protocol over pipes: JSON messages that end with a NUL byte.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use super::{BrowserLimits, Error};

/// A session with a target: a tab, a frame, a worker. `None` is the browser itself.
pub(super) type SessionId = Option<String>;

/// An event of a session.
#[derive(Debug)]
pub(super) struct DevToolsEvent {
    pub(super) session: SessionId,
    pub(super) method: String,
    pub(super) params: Value,
}

/// The sending half, and the calls that wait for an answer.
pub(super) struct DevTools {
    requests: AsyncMutex<ChildStdin>,
    calls: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
}

impl DevTools {
    /// The connection, a future that reads until the browser ends, and the events.
    pub(super) fn over(
        requests: ChildStdin,
        answers: ChildStdout,
        limits: &BrowserLimits,
    ) -> (Arc<Self>, impl Future<Output = Error> + use<>, mpsc::UnboundedReceiver<DevToolsEvent>) {
        let connection = Arc::new(Self {
            requests: AsyncMutex::new(requests),
            calls: AtomicU64::new(0),
            waiting: Mutex::default(),
        });
        let (sender, events) = mpsc::unbounded_channel();
        // A page or a PDF in base 64 or with escapes.
        let longest = limits.page_bytes.saturating_mul(3).saturating_add(1 << 20);
        let reading = read(Arc::clone(&connection), answers, longest, sender);
        (connection, reading, events)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a method and waits for its result.
    pub(super) async fn call(
        &self,
        session: Option<&str>,
        method: &'static str,
        params: Value,
    ) -> Result<Value, Error> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": number, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut message = message.to_string().into_bytes();
        message.push(0);
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(number, sender);
        self.requests.lock().await.write_all(&message).await.map_err(|_| Error::Ended)?;
        let mut answer = answer.await.map_err(|_| Error::Ended)?;
        match answer.get("error") {
            Some(error) => Err(Error::Refused { method, what: error["message"].to_string() }),
            None => Ok(answer["result"].take()),
        }
    }
}

/// Reads messages until the browser ends or breaks the protocol.
async fn read(
    connection: Arc<DevTools>,
    answers: ChildStdout,
    longest: usize,
    events: mpsc::UnboundedSender<DevToolsEvent>,
) -> Error {
    let mut answers = BufReader::with_capacity(1 << 16, answers);
    let most = u64::try_from(longest).unwrap_or(u64::MAX);
    loop {
        let mut bytes = Vec::new();
        match (&mut answers).take(most).read_until(0, &mut bytes).await {
            Ok(0) | Err(_) => return Error::Ended,
            Ok(_) => {}
        }
        if bytes.pop() != Some(0) {
            return Error::TooLong(longest);
        }
        let mut message: Value = match serde_json::from_slice(&bytes) {
            Ok(message) => message,
            Err(error) => return Error::Protocol(error.to_string()),
        };
        if let Some(number) = message["id"].as_u64() {
            // A call whose caller does not wait for it any more has no receiver.
            let waiting = connection.waiting().remove(&number);
            let _ = waiting.map(|sender| sender.send(message));
        } else if let Some(method) = message["method"].as_str().map(str::to_owned) {
            let session = message["sessionId"].as_str().map(str::to_owned);
            let event = DevToolsEvent { session, method, params: message["params"].take() };
            if events.send(event).is_err() {
                return Error::Ended;
            }
        }
    }
}
