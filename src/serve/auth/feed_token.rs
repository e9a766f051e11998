//! Secret addresses for calendars and feed readers, which cannot sign in.
//!
//! A token reads the due dates and the changes of one course, and nothing else. It ends with
//! the term, when it is withdrawn, or when other people may read the course.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::action_token::ActionToken;
use crate::domain::capture::Digest;
use crate::domain::journal::Entry;
use crate::domain::policy::course_access::Role;
use crate::serve::error::Error;
use crate::serve::library::entries::EntryWriter;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::Catalogue;
use crate::world::random;

/// Tokens are 256 bits in hexadecimal.
const TOKEN_CHARS: usize = 64;

/// Where tokens are given and withdrawn.
pub(in crate::serve) struct FeedTokens<'a> {
    pub entries: EntryWriter<'a>,
    pub now: Timestamp,
}

impl FeedTokens<'_> {
    /// Makes a token for a reader of the course. `today` is the day there.
    pub(in crate::serve) async fn issue(&self, course: &CourseRules, today: Date) -> Result<String, Error> {
        let token = Digest::from_bytes(random::bytes()?).to_string();
        let last_day = ActionToken::last_day(today, course.term);
        let entry = Entry::FeedTokenIssued {
            at: self.now,
            course: course.id.clone(),
            token: Digest::of(token.as_bytes()),
            basis: basis(course),
            until: TimeZone::UTC.to_timestamp(last_day.at(23, 59, 59, 0)).unwrap_or(self.now),
        };
        self.enter(entry).await?;
        Ok(token)
    }

    /// Withdraws the token in an address, or the token itself; false if there is none.
    pub(in crate::serve) async fn withdraw(
        &self,
        course: &CourseRules,
        address: &str,
    ) -> Result<bool, Error> {
        let token = address.trim().rsplit_once("token=").map_or(address.trim(), |(_, token)| token);
        let token: String = token.chars().take_while(char::is_ascii_hexdigit).take(TOKEN_CHARS).collect();
        let token = Digest::of(token.as_bytes());
        let known = self.entries.catalogue.feed_token(token).await?;
        if known.is_none_or(|known| known.course != course.id) {
            return Ok(false);
        }
        self.enter(self.withdrawn(course, Some(token))).await?;
        Ok(true)
    }

    /// Withdraws all tokens of a course; returns their number.
    pub(in crate::serve) async fn withdraw_all(&self, course: &CourseRules) -> Result<u64, Error> {
        let number = self.entries.catalogue.feed_tokens(&course.id).await?;
        if number > 0 {
            self.enter(self.withdrawn(course, None)).await?;
        }
        Ok(number)
    }

    fn withdrawn(&self, course: &CourseRules, token: Option<Digest>) -> Entry {
        Entry::FeedTokenWithdrawn { at: self.now, course: course.id.clone(), token }
    }

    async fn enter(&self, entry: Entry) -> Result<(), Error> {
        self.entries.write(self.now, &[entry]).await
    }
}

/// Whether a token may read the feeds of the course now.
pub(in crate::serve) async fn is_valid(
    catalogue: &Catalogue,
    course: &CourseRules,
    token: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    if token.len() != TOKEN_CHARS {
        return Ok(false);
    }
    let known = catalogue.feed_token(Digest::of(token.as_bytes())).await?;
    Ok(known
        .is_some_and(|known| known.course == course.id && known.basis == basis(course) && known.until > now))
}

/// A digest of who may read the course. A new password needs new addresses, as it needs new
/// sign-ins.
fn basis(course: &CourseRules) -> Digest {
    let password = course.admission.password(Role::Reader).map_or("", |hash| hash.as_str());
    Digest::of(format!("{password}\n{}", course.admission.allow_list_text()).as_bytes())
}
