//! A TCP stream that fails when a write makes no progress for too long.
//!
//! Without it a client that stops reading would hold a connection slot and an
//! open file forever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::world::clock::Clock;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream that fails a write that waits for the client longer than the timeout.
pub(in crate::serve) struct WriteTimeoutStream {
    stream: TcpStream,
    clock: Clock,
    timeout: Duration,
    /// Set while a write waits for the client.
    timer: Option<Timer>,
}

impl WriteTimeoutStream {
    pub(in crate::serve) fn new(stream: TcpStream, clock: Clock, timeout: Duration) -> Self {
        // Without this option small responses are only sent a little later.
        let _ = stream.set_nodelay(true);
        Self { stream, clock, timeout, timer: None }
    }

    /// Returns the result of a write, or an error if it has been pending too long.
    fn check_timeout<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.timer = None;
            return result;
        }
        let (clock, timeout) = (self.clock, self.timeout);
        let timer = self.timer.get_or_insert_with(|| Box::pin(async move { clock.sleep(timeout).await }));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for WriteTimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WriteTimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check_timeout(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.check_timeout(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.check_timeout(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    async fn pair(timeout: Duration) -> (WriteTimeoutStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (WriteTimeoutStream::new(stream, Clock::system(), timeout), reader)
    }

    const MORE_THAN_ANY_BUFFER: usize = 64 << 20;

    #[tokio::test]
    async fn a_client_that_reads_nothing_times_out() {
        let (mut writer, _reader) = pair(Duration::from_millis(50)).await;
        let ended = writer.write_all(&vec![0; MORE_THAN_ANY_BUFFER]).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_gets_everything() {
        let (mut writer, mut reader) = pair(Duration::from_mins(10)).await;
        let writing = tokio::spawn(async move { writer.write_all(&vec![0; MORE_THAN_ANY_BUFFER]).await });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(all.len(), MORE_THAN_ANY_BUFFER);
    }
}
