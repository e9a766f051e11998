//! A report for programs and chats: the body of a webhook request.

use serde::Serialize;

use crate::domain::report::compose::ComposedReport;
use crate::domain::report::due::PendingReport;
use crate::domain::report::entry::{ReportEntry, ShownAddress};
use crate::domain::report::section::ReportSection;

/// The version of the JSON. Keys are added, never changed.
const VERSION: u32 = 1;
const TEST_SUBJECT: &str = "[ONRESERVE] Test of a webhook";
const TEST: &str = "This is a test of a webhook of Onreserve. If you can read it, reports arrive here.";
/// A chat message lists so many links; the page of the course has all.
const MAX_CHAT_ENTRIES: usize = 10;
/// ntfy stores a longer message as a file.
const MAX_NTFY_BYTES: usize = 4000;

/// The form of the request body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookForm {
    /// The whole report as JSON.
    #[default]
    Json,
    /// `{"text": …}`, as Slack, Mattermost, Rocket.Chat and Zulip accept it.
    Slack,
    /// Plain text, for a topic of ntfy.
    Ntfy,
}

#[derive(Debug, Serialize)]
struct WebhookReport<'a> {
    version: u32,
    course: &'a str,
    title: &'a str,
    /// The start of the night (RFC 3339).
    night: String,
    occasion: crate::domain::report::due::ReportOccasion,
    subject: &'a str,
    opening: &'a [String],
    sections: Vec<WebhookSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_links: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WebhookSection<'a> {
    name: &'a str,
    count: usize,
    entries: Vec<WebhookEntry<'a>>,
    /// Links that earlier reports listed and that wait for a person.
    waiting: Vec<WebhookLink<'a>>,
}

#[derive(Debug, Serialize)]
struct WebhookLink<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WebhookEntry<'a> {
    #[serde(flatten)]
    link: WebhookLink<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    place: &'a [String],
    facts: Vec<WebhookFact<'a>>,
}

#[derive(Debug, Serialize)]
struct WebhookFact<'a> {
    label: &'a str,
    text: String,
}

/// The body of the request. The same report always gives the same bytes.
///
/// # Errors
///
/// The report cannot be written as JSON.
pub fn body(
    form: WebhookForm,
    pending: &PendingReport,
    composed: &ComposedReport,
) -> Result<String, serde_json::Error> {
    match form {
        WebhookForm::Json => serde_json::to_string(&whole(pending, composed)),
        WebhookForm::Slack => {
            serde_json::to_string(&serde_json::json!({ "text": chat(composed, slack_link) }))
        }
        WebhookForm::Ntfy => Ok(shortened(chat(composed, plain_link))),
    }
}

/// The body of a test request, which has the keys of a report and no course.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn test_body(form: WebhookForm) -> Result<String, serde_json::Error> {
    match form {
        WebhookForm::Json => serde_json::to_string(&serde_json::json!({
            "version": VERSION,
            "test": true,
            "subject": TEST_SUBJECT,
            "opening": [TEST],
            "sections": [],
        })),
        WebhookForm::Slack => serde_json::to_string(&serde_json::json!({ "text": TEST })),
        WebhookForm::Ntfy => Ok(TEST.to_owned()),
    }
}

fn whole<'a>(pending: &'a PendingReport, composed: &'a ComposedReport) -> WebhookReport<'a> {
    let facts = &pending.report.facts;
    WebhookReport {
        version: VERSION,
        course: facts.course.as_str(),
        title: &composed.title,
        night: facts.started.to_string(),
        occasion: pending.due.occasion,
        subject: &composed.subject,
        opening: &composed.opening,
        sections: composed.sections.iter().map(section).collect(),
        all_links: composed.all_links.as_deref(),
    }
}

fn section(section: &ReportSection) -> WebhookSection<'_> {
    WebhookSection {
        name: section.name,
        count: section.count,
        entries: section.entries.iter().map(entry).collect(),
        waiting: section
            .waiting
            .iter()
            .map(|waiting| WebhookLink { title: &waiting.name, action: waiting.action.as_deref() })
            .collect(),
    }
}

fn entry(entry: &ReportEntry) -> WebhookEntry<'_> {
    WebhookEntry {
        link: WebhookLink { title: &entry.title, action: entry.action.as_deref() },
        address: entry.address.as_ref().map(text_of),
        place: &entry.place,
        facts: entry
            .facts
            .iter()
            .map(|fact| WebhookFact {
                label: fact.label,
                text: match &fact.address {
                    Some(address) => format!("{} {}", fact.text, text_of(address)).trim().to_owned(),
                    None => fact.text.clone(),
                },
            })
            .collect(),
    }
}

fn text_of(address: &ShownAddress) -> &str {
    match address {
        ShownAddress::Linked(text) | ShownAddress::Unlinked(text) | ShownAddress::Described(text) => text,
    }
}

/// The subject, and a line for each new entry.
fn chat(composed: &ComposedReport, link: fn(&str, Option<&str>) -> String) -> String {
    let mut lines = vec![composed.subject.clone()];
    let entries = || {
        let named = composed.sections.iter().map(|section| (section.name, &section.entries));
        named.flat_map(|(name, entries)| entries.iter().map(move |entry| (name, entry)))
    };
    for (name, entry) in entries().take(MAX_CHAT_ENTRIES) {
        lines.push(format!("- {}: {}", name.to_lowercase(), link(&entry.title, entry.action.as_deref())));
    }
    let more = entries().count().saturating_sub(MAX_CHAT_ENTRIES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.extend(composed.all_links.as_deref().map(|all| link("All links of the course", Some(all))));
    lines.join("\n")
}

/// `<address|words>`; the three characters with a meaning are escaped.
fn slack_link(words: &str, address: Option<&str>) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match address {
        Some(address) => format!("<{}|{}>", escaped(address), escaped(words).replace('|', "/")),
        None => escaped(words),
    }
}

fn plain_link(words: &str, address: Option<&str>) -> String {
    address.map_or_else(|| words.to_owned(), |address| format!("{words} {address}"))
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_NTFY_BYTES {
        text.truncate(text.floor_char_boundary(MAX_NTFY_BYTES));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_cannot_be_given_other_links() {
        assert_eq!(
            slack_link("<!channel> a|b & c", Some("https://a.edu/x")),
            "<https://a.edu/x|&lt;!channel&gt; a/b &amp; c>"
        );
        assert_eq!(slack_link("<x>", None), "&lt;x&gt;");
        assert_eq!(plain_link("a", Some("https://a.edu/")), "a https://a.edu/");
        assert!(shortened("é".repeat(3000)).len() <= MAX_NTFY_BYTES + 3);
    }
}
