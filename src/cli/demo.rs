//! `onreserve demo`: five nights of a small example course, without network access.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::print;
use crate::config;
use crate::daemon::{self, PageListener, ProcessOptions};
use crate::demo::{self, DemoResult, PASSWORD};
use crate::domain::policy::service_role::ServiceRole;
use crate::world::World;
use crate::world::clock::Clock;

/// Long enough to read a short report.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// The directory for the demo's archive and reports; it must be empty or new.
    #[arg(long, value_name = "DIR", default_value = "onreserve-demo")]
    dir: PathBuf,
    /// Do not pause between the nights.
    #[arg(long)]
    fast: bool,
    /// Then serve the pages of students, staff and administrators until Ctrl-C.
    #[arg(long)]
    serve: bool,
    /// The address for the pages.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// Serves the pages of the finished demo. The simulated web answers meanwhile, so links can be
/// checked again.
async fn serve(demo: DemoResult, listener: PageListener) -> anyhow::Result<ExitCode> {
    let act = demo.act_link.map(|link| format!("  {link}  a link of the last email\n")).unwrap_or_default();
    print(&format!(
        "\nOpen\n  {pages}/c/dgm/  the readings, for students\n  \
         {pages}/c/dgm/health  the links, for staff (password: {PASSWORD})\n  \
         {pages}/admin/  all courses, for the administrator (the same password)\n{act}  \
         {emails}  the emails\n\nPress Ctrl-C to stop.\n",
        pages = demo.pages,
        emails = demo.emails.display(),
    ))?;
    let settings = config::Configuration { fetch: demo.fetch, ..config::read(&demo.config)? };
    let clock = Clock::pretending(demo.noon);
    let world = World::open_with(
        &settings.archive_place(),
        &settings.catalogue_location(),
        settings.fetch.clone(),
        clock,
    )
    .await?;
    let options = ProcessOptions::start(ServiceRole::All, None, clock)?;
    let options = options.with_listener(listener);
    Box::pin(daemon::run(&demo.config, settings, world, options)).await?;
    Ok(ExitCode::SUCCESS)
}

/// The name that this program was called by, so that the printed commands can be pasted.
fn called() -> String {
    std::env::args().next().filter(|name| !name.contains(' ')).unwrap_or_else(|| "onreserve".to_owned())
}

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    print("A small course page with nine links, checked on five nights.\n")?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let show = |night: demo::DemoNight| {
        print(&format!("\n{}\n{}\n{}\n\n{}", night.night, night.events, "-".repeat(72), night.report))
    };
    // The emails of the demo contain the port.
    let is_needed = arguments.serve || arguments.listen.port() == 0;
    let listener = is_needed.then(|| PageListener::bind(arguments.listen)).transpose()?;
    let listen = listener.as_ref().map_or(arguments.listen, PageListener::address);
    let result = Box::pin(demo::run(&arguments.dir, listen, show, pause)).await?;
    if let Some(listener) = listener.filter(|_| arguments.serve) {
        return serve(result, listener).await;
    }
    let lost = result
        .lost_paper
        .map(|path| format!("  {}  the copy of the paper that is gone\n", path.display()))
        .unwrap_or_default();
    print(&format!(
        "\nOpen\n  {}  the last report\n  {}  the email that carries it\n{lost}\nRun\n  \
         {us} status --archive {archive}\n  {us} explain sampling --archive {archive}\n  \
         {us} verify --archive {archive}\n\nSee the pages for students at {pages}/c/dgm/ (or run {us} demo --serve, which keeps them open)\n  \
         {us} serve --config {config} --now {noon}\n",
        result.report.display(),
        result.message.display(),
        us = called(),
        pages = result.pages,
        archive = result.archive.display(),
        config = result.config.display(),
        noon = result.noon,
    ))?;
    Ok(ExitCode::SUCCESS)
}
