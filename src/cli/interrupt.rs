//! The signal with which a person interrupts a command.

/// Returns when the person presses Ctrl-C.
pub(super) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler, the signal ends the process, and no results are lost either.
        std::future::pending().await
    }
}
