//! The names of the steps that make stored data durable.

macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $name:literal,)*) => {
        /// A write, a sync, a name or a commit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum StorageStep { $($(#[$doc])* $step,)* }

        impl StorageStep {
            pub const ALL: &[Self] = &[$(Self::$step,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$step => $name,)* }
            }
        }
    };
}

steps! {
    SpoolWrite = "spool-write",
    BlobSync = "blob-sync",
    BlobLink = "blob-link",
    BlobDirSync = "blob-dir-sync",
    BlobRemove = "blob-remove",
    BlobRemoveDirSync = "blob-remove-dir-sync",
    JournalHeadTurn = "journal-head-turn",
    JournalHeadSync = "journal-head-sync",
    JournalWrite = "journal-write",
    JournalSync = "journal-sync",
    JournalDirSync = "journal-dir-sync",
    JournalHeadAdvance = "journal-head-advance",
    /// What a writer that was killed did not sync.
    JournalSettle = "journal-settle",
    /// A file that is replaced as a whole: `SHA256SUMS`, `FORMAT`, a restored journal.
    FileWrite = "file-write",
    FileSync = "file-sync",
    FileRename = "file-rename",
    FileDirSync = "file-dir-sync",
    KeyWrite = "key-write",
    KeySync = "key-sync",
    KeyLink = "key-link",
    KeyDirSync = "key-dir-sync",
    AuditWrite = "audit-write",
    AuditSync = "audit-sync",
    AuditDirSync = "audit-dir-sync",
    QuarantineRemove = "quarantine-remove",
    QuarantineLink = "quarantine-link",
    QuarantineRename = "quarantine-rename",
    /// A file of a backup or of a restore.
    CopyWrite = "copy-write",
    CopySync = "copy-sync",
    CopyRename = "copy-rename",
    CopySyncAll = "copy-sync-all",
    CatalogueLogRemove = "catalogue-log-remove",
    CatalogueSync = "catalogue-sync",
    CatalogueLink = "catalogue-link",
    CatalogueRename = "catalogue-rename",
    CatalogueDirSync = "catalogue-dir-sync",
    CatalogueLogSync = "catalogue-log-sync",
    Migration = "migration",
    MigrationCopySync = "migration-copy-sync",
    EntriesCommit = "entries-commit",
    NightCommit = "night-commit",
    ReportCommit = "report-commit",
    VerdictsCommit = "verdicts-commit",
    TextCommit = "text-commit",
    FixityCommit = "fixity-commit",
    RemovalBegin = "removal-begin",
    RemovalTexts = "removal-texts",
    RemovalEnd = "removal-end",
    DeliveryBegin = "delivery-begin",
    DeliveryResult = "delivery-result",
}

#[cfg(debug_assertions)]
impl StorageStep {
    pub(super) fn is_sync(self) -> bool {
        self.name().contains("-sync")
    }
}
