//! Onreserve checks the links of course pages every night, archives the documents
//! they lead to, and reports dead and changed links.
//!
//! `docs/design.md` has the words, the promises of the archive and the design on
//! one page. This is the map of the source.
//!
//! # One night
//!
//! [`night::run`] runs the stages of a night in this order.
//!
//! ```text
//! schedule -> page -> mentions -> links -> [ probe -> visit -> evidence -> capture ] per link, paced per host
//!          -> verdict (history of evidence) -> report -> outbox -> email
//! serve:   catalogue + archive -> list, copy, /go, Memento, API, metrics
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`domain::schedule`] | computes the time of the next night from a cron expression and a time zone |
//! | [`domain::page`] | parses a course page into [`Mention`](domain::link::Mention)s: text, headings, row, due date, line |
//! | [`domain::evidence::next_probe`] | chooses the next request to a link |
//! | [`world::fetch`] | sends a request and returns an [`Exchange`](domain::visit::Exchange): redirects, head, and body or failure |
//! | [`domain::document`] | reads a body into a [`Document`](domain::document::Document): format, title, text |
//! | [`domain::evidence::evaluate`] | combines the responses of a visit into one [`Evidence`](domain::evidence::Evidence) |
//! | [`world::archive`] | stores a body as a capture |
//! | [`domain::verdict`] | derives a [`Verdict`](domain::verdict::Verdict) from the evidence of many nights |
//! | [`domain::replacement`] | finds the best replacement for a dead link |
//! | [`domain::patch`] | makes a patch that puts new addresses into the sources of a page |
//! | [`domain::report`] | composes the report for the instructor |
//! | [`outbox`] | sends the emails that a night has queued |
//! | [`serve`] | serves the web pages, the API and the copies |
//! | [`export`] | writes captures as WARC and WACZ for libraries |
//!
//! # Floors
//!
//! [`domain`] holds pure functions over values. Each module of [`world`] wraps one
//! outside thing, such as the network, the disk or the clock. [`night`], [`outbox`],
//! [`serve`] and [`export`] do the work, [`daemon`] runs them as a service, [`cli`] has the
//! commands and [`config`] the settings. A module imports only from its own floor
//! and those below, and within [`domain`] only from earlier stages. A test checks this.
//!
//! # Invariants
//!
//! - A website that fails is data. Only a failure of this program or its network is an error.
//! - A report counts as sent once a relay has accepted its email. It is queued in the
//!   same transaction that ends its night.
//! - Only [`world`] makes requests, writes files, starts processes, opens the database, and reads
//!   clock and randomness. `.clippy.toml` forbids the functions for it, and a permit
//!   (`#[expect(clippy::disallowed_methods)]`) gives the reason for each module that has one.
//! - The archive is the truth. The [catalogue](world::catalogue) is an index over its
//!   [journal](domain::journal) and can be rebuilt.
//! - A stored body is never changed or overwritten. Later nights compare only with good captures.
//! - A refusal never makes a link dead. A night during which the network here failed is not counted.
//!
//! # Where to look
//!
//! - When is a link dead? [`domain::verdict::dead`] counts the nights,
//!   [`domain::evidence::evaluate`] reads the responses of one night.
//! - Which hosts have rules of their own, and what does a link to arXiv lead to?
//!   [`domain::evidence::host_rules`], one file per kind of host.
//! - Which pages are login pages, robot checks or parked domains?
//!   [`domain::evidence::page_signatures`] and `page_signatures.psv` beside it.
//! - Where is robots.txt obeyed? `world::fetch::robots`, by the rules of
//!   [`domain::policy::robots`]. What hosts asked for is kept for all runs in
//!   `daemon::host_memory`.
//! - Where is the text of a PDF read? [`domain::document`], in its module `pdf`;
//!   [`world::document_reader`] runs it in a process of its own.
//! - Which pages does a browser open, and what can it reach? `night::render` decides and answers
//!   its requests with the fetcher; [`world::browser`] runs it without a network.
//! - How long does a night take? [`domain::policy::night_plan`]. Which links does it visit if a
//!   host has a crawl budget? [`domain::policy::rota`].
//! - Is the archive a directory or a bucket? `world::archive::bucket` makes the requests to a store,
//!   the modules named `bucket_…` beside it keep blobs and journal there.
//! - Which engine keeps the catalogue? `world::catalogue::database` runs each statement on
//!   `SQLite` or `PostgreSQL`.
//! - Which process visits a link, and what happens if it is lost? [`night::workers`] and
//!   [`domain::policy::shard`]. The pace of all processes is in `world::catalogue::host_pace`.
//! - What does each process do? [`domain::policy::service_role`]. What a web process asks of the
//!   scheduler is in `world::catalogue::service_requests` and `world::catalogue::rechecks`. When may
//!   programs of two versions work together? `world::catalogue::postgres`.
//! - When is a report due? [`domain::report::due`]. What is in it? [`domain::report::compose`].
//!   Where is it worded? [`domain::report::wording`].
//! - Where is an email queued? `night::queue_emails`. Where is it sent? `outbox::send`, through
//!   [`world::email::relay`].
//! - Who may open a copy? [`domain::policy::copy_access`]. Who are the readers and staff of a
//!   course? [`domain::policy::course_access`].
//! - How do readers sign in? `serve::routes::login` with a password, `serve::routes::oidc` at an
//!   identity provider, whose tokens [`domain::policy::oidc`] checks. `serve::auth::session`
//!   holds the session.
//! - In which order do writes, syncs and commits make stored data durable? Each is a named
//!   [step](world::disk::StorageStep) of [`world::disk`]; `night::record` stores the visits
//!   of a night in batches.
//! - Where are entries written? [`world::recording`] appends their lines to the journal, then
//!   enters their rows. If several processes write to a journal in a bucket, its end is a row of
//!   the catalogue: `world::archive::shared_journal` and `world::catalogue::journal_head`.
//! - Which visits do lists of a host replace? [`domain::evidence::bulk_interface`] decides,
//!   [`night::bulk_lists`] requests the lists.
//! - What can readers take away from a course? `serve::routes::downloads` serves it, in the
//!   formats of [`domain::bibliography`] and [`domain::syndication`].
//! - Where does a site generator publish a source, and how are its own constructs read?
//!   [`domain::page`], in its modules `site` and `markdown_dialects`.
//! - Where are stored files verified? [`night::scrub`] after each night, `onreserve verify` at once.
//! - Where are the visits of old nights? `world::catalogue::compaction` makes runs of them,
//!   `world::catalogue::remembered_visits` reads them for judging.
//! - How is a catalogue rebuilt? [`night::journal_replay`] applies the journal, then
//!   [`night::rebuilt_reports`] restores the reports.

pub mod cli;
pub mod config;
pub mod daemon;
mod demo;
pub mod domain;
pub mod export;
pub mod night;
pub mod outbox;
pub mod serve;
pub mod world;
