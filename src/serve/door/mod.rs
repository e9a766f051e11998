//! Connections: taken up, bounded, and ended politely.
//!
//! The server that comes with the router waits for ever on a slow request
//! head and takes up any number of connections, so this is our own. Header
//! names leave in title case, because some readers of Memento headers compare
//! letter by letter.

pub(super) mod places;
pub(super) mod patience;
pub(super) mod share;

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

use self::patience::Patient;
use self::places::{Place, Places, Seated};
use self::share::{Share, Shares};
use super::Desk;
use super::answer;
use super::router;
use super::visitor::Peer;
use crate::domain::policy::throttle::Client;

/// After this pause we look whether the system has files for us again.
const OUT_OF_FILES: Duration = Duration::from_millis(200);
/// The longest request head.
const LONGEST_HEAD: usize = 32 << 10;

/// Serves until `shutdown` comes, then lets answers under way finish.
///
/// # Errors
///
/// A listener that is no more.
pub async fn run(
    listener: TcpListener,
    desk: Arc<Desk>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limits = desk.settings.limits;
    let router = router(Arc::clone(&desk));
    let places = Places::new(limits.connections);
    let shares = Shares::of(limits.connections);
    let (stop, stopping) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let place = tokio::select! {
                    () = &mut shutdown => break,
                    place = places.take() => place,
                };
                let Some(place) = place else { break };
                let talk = Talk {
                    router: router.clone(),
                    stopping: stopping.clone(),
                    head: limits.head,
                    // A proxy of ours speaks for many.
                    shares: (!desk.settings.proxies.are_trusted(peer.ip())).then(|| Arc::clone(&shares)),
                };
                let stream = Patient::new(stream, desk.clock, limits.write);
                tokio::spawn(talk.on(stream, peer.ip(), place));
            }
            Err(error) if is_of_the_other_side(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot take up a connection");
                desk.clock.sleep(OUT_OF_FILES).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    if tokio::time::timeout(limits.drain, places.all_free(limits.connections)).await.is_err() {
        tracing::info!("answers still under way were cut off");
    }
    Ok(())
}

struct Talk {
    router: Router,
    stopping: watch::Receiver<bool>,
    head: Duration,
    /// Of which this client takes its share; nothing where it is not counted.
    shares: Option<Arc<Shares>>,
}

impl Talk {
    /// Answers the requests of one connection; it holds its place until it
    /// ends, or until another needs it while nothing is asked here.
    async fn on(mut self, stream: Patient, peer: IpAddr, place: Arc<Place>) {
        let router = TowerToHyperService::new(self.router);
        let seat = Arc::clone(&place);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            let share = self
                .shares
                .as_ref()
                .map_or_else(|| Some(Share::uncounted()), |shares| shares.take(Client::of(peer)));
            let admitted = share.map(|share| ((seat.is_answered(), share), router.call(request)));
            async move {
                let (answer, held) = match admitted {
                    Some((held, answer)) => (answer.await?, Some(held)),
                    None => (answer::too_many_at_once(), None),
                };
                Ok::<_, Infallible>(answer.map(|body| Seated::new(body, held)))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head)
            .max_buf_size(LONGEST_HEAD)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = place.is_needed() => return,
            () = stopped(&mut self.stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Its sender is gone only when nobody serves any more.
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn is_of_the_other_side(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
