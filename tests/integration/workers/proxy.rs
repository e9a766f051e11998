//! A proxy between processes and a server, which can be cut and can lead to another server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

/// The name of the socket of a database server.
const SOCKET: &str = ".s.PGSQL.5432";

/// Where the connections lead; nowhere if it is cut.
type Target<T> = watch::Sender<Option<T>>;

/// A proxy of a database server.
pub(super) struct DatabaseProxy {
    dir: TempDir,
    target: Target<PathBuf>,
}

/// A proxy of a server at a network address: of the simulated web or of a store.
pub(super) struct NetworkProxy {
    pub(super) address: SocketAddr,
    target: Target<SocketAddr>,
    server: SocketAddr,
}

impl DatabaseProxy {
    /// Leads to the server with these sockets.
    pub(super) fn of(sockets: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
        let target = Target::new(Some(sockets.join(SOCKET)));
        let receiver = target.subscribe();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, receiver.clone(), UnixStream::connect));
            }
        });
        Self { dir, target }
    }

    /// The address of a database by way of the proxy.
    pub(super) fn url(&self, direct: &str) -> String {
        let (start, _) = direct.split_once("?host=").unwrap();
        format!("{start}?host={}", self.dir.path().display())
    }

    /// Ends all connections, and accepts none.
    pub(super) fn cut(&self) {
        self.target.send_replace(None);
    }

    pub(super) fn lead_to(&self, sockets: &Path) {
        self.target.send_replace(Some(sockets.join(SOCKET)));
    }
}

impl NetworkProxy {
    pub(super) async fn of(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Target::new(Some(server));
        let receiver = target.subscribe();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, receiver.clone(), TcpStream::connect));
            }
        });
        Self { address, target, server }
    }

    /// Ends all connections, also new ones.
    pub(super) fn cut(&self) {
        self.target.send_replace(None);
    }

    /// Ends all connections; new ones lead to another server.
    pub(super) fn lead_to(&self, other: SocketAddr) {
        self.target.send_replace(Some(other));
    }

    pub(super) fn mend(&self) {
        self.lead_to(self.server);
    }
}

/// Carries the bytes of a connection until an end closes it or the target changes.
async fn carry<T: Clone, F, S>(
    mut from: impl AsyncRead + AsyncWrite + Unpin,
    mut target: watch::Receiver<Option<T>>,
    connect: impl FnOnce(T) -> F,
) where
    F: Future<Output = std::io::Result<S>>,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(to) = target.borrow_and_update().clone() else { return };
    let Ok(mut to) = connect(to).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => {}
        _ = target.changed() => {}
    }
}
