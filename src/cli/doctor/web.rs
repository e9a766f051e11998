//! What needs the network: certificates, pages, bulk interfaces, the name service, the clock, the
//! relay.

use std::path::Path;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::cli::check_config_online::{page, relay};
use crate::cli::checklist::{Checklist, ChecklistResult};
use crate::config::{Configuration, PagesSettings};
use crate::domain::address::Address;
use crate::domain::course::PageSource;
use crate::domain::visit::{Exchange, LocalFault};
use crate::night::bulk_lists;
use crate::world::clock::Clock;
use crate::world::document_reader::Reader;
use crate::world::fetch::{Accept, Fetch, FetchRequest, FetchSettings};
use crate::world::spool::Spool;

/// A clock that is wrong by more gives wrong days in reports.
const CLOCK_IS_WRONG_AFTER: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn examine(
    settings: &Configuration,
    bodies: &Path,
    clock: Clock,
    list: &mut Checklist,
) -> anyhow::Result<()> {
    let fetch = match Fetch::new(&settings.fetch, Spool::new(bodies.to_owned()), clock) {
        Ok(fetch) => fetch,
        Err(error) => return list.report("certificates", ChecklistResult::Problem(error.to_string())),
    };
    list.report(
        "certificates",
        ChecklistResult::Fine("this machine has root certificates for https".to_owned()),
    )?;
    let reader = Reader::new(std::env::current_exe()?);
    let mut web = None;
    for course in &settings.courses {
        for source in &course.pages {
            let outcome = page(course, source, clock, &fetch, &reader).await?;
            if let (PageSource::Web(address), Ok(_)) = (source, &outcome) {
                web.get_or_insert(address);
            }
            list.report(&format!("page of {}, {source}", course.id), outcome)?;
        }
    }
    for (interface, access) in &settings.fetch.bulk_interfaces {
        let works = [interface.known_work()].into();
        let outcome = match bulk_lists::request(*interface, access, &works, &fetch).await? {
            Ok(_) => ChecklistResult::Fine(format!("{} gives lists", access.address)),
            Err(error) => ChecklistResult::Problem(error.to_string()),
        };
        list.report(&format!("lists of {}", interface.key()), outcome)?;
    }
    list.report("name service", name_service(&fetch))?;
    if let Some(address) = web {
        list.report("time", time(&requested(address, &fetch).await?, clock.now()))?;
    }
    if let Some(mail) = &settings.mail {
        list.report("mail", relay(mail).await)?;
    }
    if let Some(public) = settings.pages.as_ref().and_then(PagesSettings::address) {
        list.report("public pages", public_pages(&public, settings, bodies, clock).await?)?;
    }
    Ok(())
}

fn name_service(fetch: &Fetch) -> ChecklistResult {
    if fetch.local_faults().contains_key(&LocalFault::NameService) {
        let words = "it does not answer; correct it, for example in /etc/resolv.conf";
        ChecklistResult::Problem(words.to_owned())
    } else {
        ChecklistResult::Fine("it answers".to_owned())
    }
}

async fn requested(address: &Address, fetch: &Fetch) -> anyhow::Result<Exchange> {
    let request = FetchRequest {
        address: address.clone(),
        conditional: None,
        fresh_connection: true,
        accept: Accept::Page,
        accept_datetime: None,
    };
    Ok(fetch.exchange(&request).await?.exchange)
}

/// Compares the clock with the `Date` of a web server (RFC 9110 section 6.6.1).
fn time(exchange: &Exchange, now: Timestamp) -> ChecklistResult {
    let date = exchange.last_hop().and_then(|hop| hop.headers.get("date"));
    let date = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(date) = date else {
        return ChecklistResult::Warning(format!(
            "{} gave no date to compare the clock with",
            exchange.asked.host()
        ));
    };
    let apart = now.duration_since(date).abs();
    if apart > CLOCK_IS_WRONG_AFTER {
        ChecklistResult::Problem(format!(
            "the clock of this machine differs from that of {} by {} s; set it, for example with `timedatectl set-ntp true`",
            exchange.asked.host(),
            apart.as_secs()
        ))
    } else {
        ChecklistResult::Fine(format!("the clock agrees with that of {}", exchange.asked.host()))
    }
}

/// Whether the pages open at their public address. It may be in a private network.
async fn public_pages(
    public: &str,
    settings: &Configuration,
    bodies: &Path,
    clock: Clock,
) -> anyhow::Result<ChecklistResult> {
    let fetch = FetchSettings { allow_private_networks: true, ..settings.fetch.clone() };
    let fetch = Fetch::new(&fetch, Spool::new(bodies.to_owned()), clock)?;
    let address = Address::parse(public)?;
    Ok(match requested(&address, &fetch).await?.status() {
        Some(200) => ChecklistResult::Fine(format!("{public} answers")),
        Some(status) => ChecklistResult::Problem(format!(
            "{public} answers with {status}; check the reverse proxy, and that the service runs"
        )),
        None => ChecklistResult::Problem(format!(
            "{public} does not answer, so the links in emails do not open; check the reverse proxy, its certificate, and that the service runs"
        )),
    })
}
