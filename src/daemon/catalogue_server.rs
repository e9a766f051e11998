//! What the service does when the server of its catalogue was restarted, or replaced by its
//! standby. A catalogue in a file has no server.

use super::Daemon;
use crate::night::journal_replay;

impl Daemon {
    /// Applies what the journal has and a server that was restarted or replaced may have lost.
    pub(super) async fn follow_server(&mut self) -> anyhow::Result<()> {
        self.world.catalogue.check_duty().await?;
        let server = self.world.catalogue.server_start().await?;
        if server != self.server {
            let captures = self.world.capture_lock().await?;
            journal_replay::catch_up(&self.world).await?;
            drop(captures);
            self.server = server;
        }
        Ok(())
    }
}
