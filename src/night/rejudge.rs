//! New verdicts from the stored histories, outside of a night.

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::verdict::judge::judge;
use crate::night::pages::LINKS_AT_ONCE;
use crate::world::catalogue::Catalogue;

/// Judges links by their histories, and returns the number of links that have one.
///
/// # Errors
///
/// The catalogue cannot be used.
pub async fn rejudge(links: &[Address], now: Timestamp, catalogue: &Catalogue) -> anyhow::Result<usize> {
    let (mut verdicts, mut judged) = (Vec::new(), 0);
    for links in links.chunks(LINKS_AT_ONCE) {
        for (link, known) in catalogue.link_records(links).await? {
            let history = &known.history.evidence;
            if let Some(last) = history.last() {
                verdicts.push((link, judge(history, last.at)));
                judged += 1;
            } else if known.verdict.is_some() {
                verdicts.push((link, judge(history, now)));
            }
        }
    }
    let verdicts: Vec<_> = verdicts.iter().map(|(link, verdict)| (link, verdict)).collect();
    catalogue.set_verdicts(&verdicts).await?;
    Ok(judged)
}
