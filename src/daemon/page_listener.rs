//! The socket on which the pages are served.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;

/// A socket that listens for requests of pages.
#[derive(Debug)]
pub struct PageListener {
    /// The requested address. Its port may be 0.
    requested: SocketAddr,
    /// The address that clients connect to.
    address: SocketAddr,
    listener: TcpListener,
}

impl PageListener {
    /// Listens on an address. Port 0 stands for a free port.
    ///
    /// # Errors
    ///
    /// The address is in use.
    pub fn bind(requested: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(requested).with_context(|| {
            format!("cannot listen on {requested}; give an address that is not in use as [pages] listen, or with --listen")
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { requested, address, listener })
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether this socket is the one for a configured address.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        [self.requested, self.address].contains(&address)
    }

    /// The same socket for another run of the server.
    pub(super) fn listener(&self) -> std::io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.listener.try_clone()?)
    }
}
