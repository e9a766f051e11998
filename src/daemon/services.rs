//! The services that the configuration asks for: the pages at their address, the outbox.
//!
//! A reload restarts both with the new settings. The listening socket stays open
//! meanwhile, so that connections wait a moment and are not refused.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;

use super::tasks::BackgroundTasks;
use crate::config;
use crate::outbox::{self, Senders};
use crate::serve::{self, AppState, RecheckQueue, ServiceStatus};
use crate::world::World;

/// The socket on which the pages are served.
#[derive(Debug)]
struct PageListener {
    at: SocketAddr,
    listener: TcpListener,
}

impl PageListener {
    fn bind(at: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).with_context(|| {
            format!("cannot listen on {at}; set [pages] listen to an address that is not in use")
        })?;
        listener.set_nonblocking(true)?;
        tracing::info!(at = %listener.local_addr()?, "listening for the pages");
        Ok(Self { at, listener })
    }

    /// The same socket for another run of the server.
    fn listener(&self) -> std::io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.listener.try_clone()?)
    }
}

/// The services of the configuration that is in force.
#[derive(Debug)]
pub(super) struct Services {
    pub tasks: BackgroundTasks,
    page_listener: Option<PageListener>,
    recheck_queue: RecheckQueue,
    status: ServiceStatus,
}

impl Services {
    /// No service yet; the pages put their recheck requests into this queue, and show this status.
    pub(super) fn new(recheck_queue: RecheckQueue, status: ServiceStatus) -> Self {
        Self { tasks: BackgroundTasks::default(), page_listener: None, recheck_queue, status }
    }

    /// Starts or restarts what the settings ask for.
    ///
    /// # Errors
    ///
    /// The address is in use, or the relay cannot be set up. The services that
    /// ran before keep running then.
    pub(super) async fn start(
        &mut self,
        settings: &config::Configuration,
        world: &World,
    ) -> anyhow::Result<()> {
        // Everything that can fail comes first: the running services stop only after it.
        let senders = settings.senders(&world.archive)?;
        let new_door = match (&settings.pages, &self.page_listener) {
            (Some(pages), Some(page_listener)) if page_listener.at == pages.listen => None,
            (Some(pages), _) => Some(PageListener::bind(pages.listen)?),
            (None, _) => None,
        };
        let pages = match (&settings.pages, new_door.as_ref().or(self.page_listener.as_ref())) {
            (Some(pages), Some(page_listener)) => {
                Some((page_listener.listener()?, pages.serve(&world.archive)?))
            }
            (Some(_) | None, _) => None,
        };
        self.tasks.stop().await;
        self.tasks = BackgroundTasks::default();
        self.page_listener = settings.pages.as_ref().and_then(|_| new_door.or(self.page_listener.take()));
        if let Some((listener, shown)) = pages {
            let (archive, catalogue) = (world.archive.clone(), world.catalogue.clone());
            let state = AppState::beside_service(archive, catalogue, world.clock, shown, self.status.clone())
                .with_recheck_queue(self.recheck_queue.clone());
            self.tasks.add("serving the pages", |stop| async move {
                serve::run(listener, state, stop.wait()).await;
                Ok(())
            });
        }
        if let Some(senders) = senders {
            self.add_outbox(senders, world);
        }
        Ok(())
    }

    fn add_outbox(&mut self, senders: Senders, world: &World) {
        let (catalogue, clock) = (world.catalogue.clone(), world.clock);
        self.tasks.add("delivering emails", |stop| async move {
            tokio::select! {
                () = stop.wait() => Ok(()),
                never = outbox::keep_delivering(catalogue, clock, senders) => match never {},
            }
        });
    }
}
