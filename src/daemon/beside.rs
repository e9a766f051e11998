//! What the configuration wants beside the nights: the pages at their address, the outbox.
//!
//! A reload starts both anew with the new settings. The door stays open
//! meanwhile, so that readers wait a moment instead of being refused.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;

use super::companions::Companions;
use crate::config;
use crate::outbox::{self, EmailSender};
use crate::serve::{self, Bell, Desk};
use crate::world::World;

/// The address at which readers knock.
#[derive(Debug)]
struct Door {
    at: SocketAddr,
    listener: TcpListener,
}

impl Door {
    fn open(at: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).with_context(|| {
            format!("cannot listen at {at}; set [pages] listen to an address that is free")
        })?;
        listener.set_nonblocking(true)?;
        tracing::info!(at = %listener.local_addr()?, "the pages are open");
        Ok(Self { at, listener })
    }

    /// The same door for one more run of the pages.
    fn listener(&self) -> std::io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.listener.try_clone()?)
    }
}

/// The companions by the newest good configuration.
#[derive(Debug)]
pub(super) struct Beside {
    pub companions: Companions,
    door: Option<Door>,
    bell: Bell,
}

impl Beside {
    /// Nothing yet; the pages will ring this bell for a look.
    pub(super) fn new(bell: Bell) -> Self {
        Self { companions: Companions::default(), door: None, bell }
    }

    /// Starts, or starts anew, what the settings want.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at, or the relay cannot be set up. What
    /// ran before goes on then.
    pub(super) async fn set_up(&mut self, settings: &config::Settings, world: &World) -> anyhow::Result<()> {
        // All that may fail comes before what runs is stopped.
        let sender = settings.sender(&world.archive)?;
        let new_door = match (&settings.pages, &self.door) {
            (Some(pages), Some(door)) if door.at == pages.listen => None,
            (Some(pages), _) => Some(Door::open(pages.listen)?),
            (None, _) => None,
        };
        let pages = match (&settings.pages, new_door.as_ref().or(self.door.as_ref())) {
            (Some(pages), Some(door)) => Some((door.listener()?, pages.serve(&world.archive)?)),
            (Some(_) | None, _) => None,
        };
        self.companions.stop().await;
        self.companions = Companions::default();
        self.door = settings.pages.as_ref().and_then(|_| new_door.or(self.door.take()));
        if let Some((listener, shown)) = pages {
            let desk = Desk::new(world.archive.clone(), world.catalogue.clone(), world.clock, shown)
                .with_bell(self.bell.clone());
            self.companions.add("serving the pages", |stop| async move {
                Ok(serve::run(listener, Arc::new(desk), stop.told()).await?)
            });
        }
        if let Some(sender) = sender {
            self.add_outbox(sender, world);
        }
        Ok(())
    }

    fn add_outbox(&mut self, sender: EmailSender, world: &World) {
        let (catalogue, clock) = (world.catalogue.clone(), world.clock);
        self.companions.add("delivering letters", |stop| async move {
            tokio::select! {
                () = stop.told() => Ok(()),
                never = outbox::keep_delivering(catalogue, clock, sender) => match never {},
            }
        });
    }
}
