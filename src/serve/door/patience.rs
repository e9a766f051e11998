//! A connection that gives up on a reader who takes nothing any more.
//!
//! Without it a place, an open file and a piece of the file would be held for
//! as long as somebody likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::world::clock::Clock;

type Alarm = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream whose every write must go on within a time.
pub(in crate::serve) struct Patient {
    stream: TcpStream,
    clock: Clock,
    patience: Duration,
    /// Set while a write waits for the reader.
    alarm: Option<Alarm>,
}

impl Patient {
    pub(in crate::serve) fn new(stream: TcpStream, clock: Clock, patience: Duration) -> Self {
        // Small answers leave at once; where it cannot be set they leave later.
        let _ = stream.set_nodelay(true);
        Self { stream, clock, patience, alarm: None }
    }

    /// What came of a write: it went on, or it waits, or it has waited too long.
    fn seen<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.alarm = None;
            return written;
        }
        let (clock, patience) = (self.clock, self.patience);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(async move { clock.sleep(patience).await }));
        match alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.seen(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.seen(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.seen(flushed, context)
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

    async fn pair(patience: Duration) -> (Patient, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Patient::new(stream, Clock::system(), patience), reader)
    }

    const MORE_THAN_ANY_BUFFER: usize = 64 << 20;

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_given_up() {
        let (mut writer, _reader) = pair(Duration::from_millis(50)).await;
        let ended = writer.write_all(&vec![0; MORE_THAN_ANY_BUFFER]).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_reader_who_takes_gets_all() {
        let (mut writer, mut reader) = pair(Duration::from_mins(10)).await;
        let writing = tokio::spawn(async move { writer.write_all(&vec![0; MORE_THAN_ANY_BUFFER]).await });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(all.len(), MORE_THAN_ANY_BUFFER);
    }
}
