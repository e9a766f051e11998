//! Onreserve keeps the links of a course page: it visits every reading once a
//! night, archives the documents, and says what died or changed.
//!
//! # One night
//!
//! [`night::run`] is the story; every stage is a line of it.
//!
//! ```text
//! schedule -> page -> mentions -> links -> [ ask -> visit -> evidence -> capture ]  polite, per host
//!          -> verdict (history of evidence) -> report -> outbox
//! serve:   catalogue + archive -> list, copy, /go, Memento, API, metrics
//! ```
//!
//! | stage | what it turns into what |
//! |---|---|
//! | [`domain::schedule`] | a cron expression and a time zone into when the next night is |
//! | [`domain::page`] | a course page into [`Mention`](domain::link::Mention)s: words, headings, row, due date, line |
//! | [`domain::evidence::probe`] | what is known into what to ask of the web next |
//! | [`world::fetch`] | a request into an [`Exchange`](domain::visit::Exchange): hops, head, body or the way it failed |
//! | [`domain::document`] | bytes into a [`Document`](domain::document::Document): what it is, its title, its text |
//! | [`domain::evidence::evaluate`] | a night's answers into one [`Evidence`](domain::evidence::Evidence) |
//! | [`world::archive`] | a body into a capture that is never overwritten |
//! | [`domain::verdict`] | nights of evidence into one [`Verdict`](domain::verdict::Verdict) |
//! | [`domain::replacement`] | what is known of a dead work into where readers can go instead |
//! | [`domain::patch`] | sources and new addresses into the diff that changes only these |
//! | [`domain::report`] | verdicts into what an instructor reads |
//! | [`outbox`] | a letter that a night queued into mail, told once the relay took it |
//! | [`serve`] | catalogue and archive into what students see |
//!
//! # The house
//!
//! [`domain`] is what we know: pure functions over values. [`world`] is what we
//! touch: one outside thing a module. The rest is what we do: [`night`], [`outbox`]
//! and [`serve`], kept going by [`daemon`], asked for in [`cli`], set up by
//! [`config`]. Modules name only what lies below them, and within [`domain`] only
//! the stages before them; a test keeps that so.
//!
//! # What always holds
//!
//! - The web failing is data; only our own failing is an error.
//! - A letter is told only once a relay took it, and queued only with the night it tells.
//! - Time, network, disk and the terminal each enter through one module.
//! - The archive is the truth. The [catalogue](world::catalogue) is an index
//!   over its [journal](domain::journal) and can be made anew.
//! - A capture is never changed or overwritten. Only a good one becomes what
//!   later nights are compared with.
//! - A refusal is not a death; a night in which our own side failed is no night.
//! - Sentences for people stand in [`domain::report::wording`] alone.
//!
//! # Where to look
//!
//! - Why was this link called dead? [`domain::verdict::judge`], then
//!   [`domain::evidence::evaluate`].
//! - What does this host do differently? [`domain::evidence::host_rules`].
//! - Which pages are walls? [`domain::evidence::page_signatures`] and the `page_signatures.psv` beside it.
//! - When is a letter due? [`domain::report::due`]; what stands in it: [`domain::report::compose`].
//! - Who may open a copy? [`domain::policy::access`]; who is a reader of a course, or staff:
//!   [`domain::policy::admission`].
//! - How does one sign in? `serve::routes::login` with a password, `serve::routes::oidc` at
//!   the school; `serve::auth::session` is what stays of it. Is the school believed?
//!   [`domain::policy::identity`].
//! - Are the copies still what they were? [`night::scrub`] hashes some of them again after each night.
//! - How is a catalogue made anew? [`night::replay`] enters the journal, [`night::rebuilt_reports`] tells
//!   what is known from it.
//! - How are hosts treated? [`domain::policy`] decides, [`world::fetch`] obeys, and what they ask
//!   of us holds for all runs of one night: `daemon::courtesy`.

pub mod cli;
pub mod config;
pub mod daemon;
mod demo;
pub mod domain;
pub mod night;
pub mod outbox;
pub mod serve;
pub mod world;
