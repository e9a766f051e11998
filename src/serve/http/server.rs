//! Accepts connections, limits them, and shuts down after open requests finish.
//!
//! `axum::serve` has no timeout for a slow request head and no limit on
//! connections. Header names are sent in title case, because some Memento
//! clients compare them case-sensitively.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::domain::policy::client_network::ClientNetwork;
use crate::serve::auth::proxy::{PeerAddress, TrustedProxies};
use crate::serve::http::connection_slots::{ConnectionSlot, ConnectionSlots, SlotBody};
use crate::serve::http::per_client_limit::{ClientLimits, ClientPermit};
use crate::serve::http::write_timeout::WriteTimeoutStream;
use crate::serve::respond;
use crate::serve::settings::ServeLimits;
use crate::world::clock::Clock;

/// The pause after `accept` fails, for example because the process has no free
/// file descriptor.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);
const MAX_HEAD_BYTES: usize = 32 << 10;

/// The settings for connections.
#[derive(Clone, Debug)]
pub(in crate::serve) struct ServerOptions {
    pub limits: ServeLimits,
    pub proxies: TrustedProxies,
    pub clock: Clock,
}

/// Serves until `shutdown` completes, then waits for open requests up to the
/// drain timeout.
pub(in crate::serve) async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) {
    let ServerOptions { limits, proxies, clock } = options;
    let slots = ConnectionSlots::new(limits.connections, clock);
    let client_limits = ClientLimits::share_of(limits.connections);
    let (stop, stopping) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let slot = tokio::select! {
                    () = &mut shutdown => break,
                    slot = slots.acquire() => slot,
                };
                let connection = Connection {
                    router: router.clone(),
                    stopping: stopping.clone(),
                    read_timeout: limits.read_timeout,
                    // A proxy carries the requests of many clients.
                    client_limits: (!proxies.are_trusted(peer.ip())).then(|| Arc::clone(&client_limits)),
                };
                let stream = WriteTimeoutStream::new(stream, clock, limits.write_timeout);
                tokio::spawn(connection.run(stream, peer.ip(), slot));
            }
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                clock.sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained = slots.wait_until_free(limits.connections);
    if tokio::time::timeout(limits.drain_timeout, drained).await.is_err() {
        tracing::info!("shutting down; open responses are cut off");
    }
}

struct Connection {
    router: Router,
    stopping: watch::Receiver<bool>,
    read_timeout: Duration,
    /// `None` for a trusted proxy.
    client_limits: Option<Arc<ClientLimits>>,
}

impl Connection {
    /// Answers the requests of one connection. It keeps its slot until it ends,
    /// or until it is idle and another connection needs the slot.
    async fn run(mut self, stream: WriteTimeoutStream, peer: IpAddr, slot: Arc<ConnectionSlot>) {
        let router = TowerToHyperService::new(self.router);
        let client_limits = self.client_limits;
        let service_slot = Arc::clone(&slot);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            let has_host = has_one_host(&request);
            let busy = service_slot.mark_busy();
            let client_limits = client_limits.clone();
            let router = router.clone();
            async move {
                let permit = match client_limits {
                    Some(limits) => limits.acquire(ClientNetwork::household(peer)).await,
                    None => Some(ClientPermit::unlimited()),
                };
                let response = match permit {
                    _ if !has_host => respond::bad_host().map(SlotBody::free),
                    Some(permit) => {
                        router.call(request).await?.map(|body| SlotBody::holding(body, busy, permit))
                    }
                    None => respond::too_many_requests().map(SlotBody::free),
                };
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.read_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            // A request that has arrived is read before the connection is closed.
            biased;
            ended = &mut connection => ended,
            () = slot.evicted() => {
                if !slot.is_busy() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = stopped(&mut self.stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
    }
}

/// Whether the request has exactly one `Host`, which HTTP/1.0 may leave out (RFC 9112
/// section 3.2). A proxy and this server could otherwise understand different hosts.
fn has_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(hyper::header::HOST).iter().count() {
        0 => request.version() == hyper::Version::HTTP_10,
        count => count == 1,
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, so that the server has stopped.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
