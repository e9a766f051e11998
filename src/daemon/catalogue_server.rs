//! What the service does when the server of its catalogue was restarted, or replaced by its
//! standby. A catalogue in a file has no server.

use super::{Daemon, complete};

impl Daemon {
    /// Applies what the journal has and a server that was restarted or replaced may have lost.
    pub(super) async fn follow_server(&mut self) -> anyhow::Result<()> {
        self.world.catalogue.check_duty().await?;
        if self.world.catalogue.server_start().await? != self.server {
            self.server = complete(&self.world).await?;
        }
        Ok(())
    }
}
