//! The services that the configuration asks for: the pages at their address, the outbox.
//!
//! A reload restarts both with the new settings. The listening socket stays open
//! meanwhile, so that visitors wait a moment and are not refused.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;

use super::tasks::BackgroundTasks;
use crate::config;
use crate::outbox::{self, EmailSender};
use crate::serve::{self, Bell, Desk};
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
    bell: Bell,
}

impl Services {
    /// No service yet; the pages put their recheck requests into this queue.
    pub(super) fn new(bell: Bell) -> Self {
        Self { tasks: BackgroundTasks::default(), page_listener: None, bell }
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
        let sender = settings.sender(&world.archive)?;
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
            let desk = Desk::new(world.archive.clone(), world.catalogue.clone(), world.clock, shown)
                .with_bell(self.bell.clone());
            self.tasks.add("serving the pages", |stop| async move {
                Ok(serve::run(listener, Arc::new(desk), stop.wait()).await?)
            });
        }
        if let Some(sender) = sender {
            self.add_outbox(sender, world);
        }
        Ok(())
    }

    fn add_outbox(&mut self, sender: EmailSender, world: &World) {
        let (catalogue, clock) = (world.catalogue.clone(), world.clock);
        self.tasks.add("delivering e-mails", |stop| async move {
            tokio::select! {
                () = stop.wait() => Ok(()),
                never = outbox::keep_delivering(catalogue, clock, sender) => match never {},
            }
        });
    }
}
