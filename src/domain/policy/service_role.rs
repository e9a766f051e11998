//! What a process of the service does.

/// The role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRole {
    /// The whole service.
    All,
    /// Nights, except the visits of links, and emails.
    Scheduler,
    /// The visits of links.
    Worker,
    /// The pages.
    Web,
}

impl ServiceRole {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
            Self::Web => "web",
        }
    }

    /// Whether it serves the pages at the address of the configuration.
    pub fn serves_pages(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }

    /// Whether it sends the emails.
    pub fn sends_emails(self) -> bool {
        matches!(self, Self::All | Self::Scheduler)
    }
}
