//! Secret addresses for calendars and feed readers, which cannot sign in.
//!
//! A token reads the due dates and the changes of one course, and nothing else. It ends with
//! the term, when it is withdrawn, or when other people may read the course.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::action_token::ActionToken;
use crate::domain::capture::Digest;
use crate::domain::policy::course_access::Role;
use crate::serve::error::Error;
use crate::serve::settings::CourseRules;
use crate::world::catalogue::{Catalogue, FeedToken};
use crate::world::random;

/// Tokens are 256 bits in hexadecimal.
const TOKEN_CHARS: usize = 64;

/// Makes a token for a reader of the course. `today` is the day there.
pub(in crate::serve) async fn issue(
    catalogue: &Catalogue,
    course: &CourseRules,
    today: Date,
    now: Timestamp,
) -> Result<String, Error> {
    let token = Digest::from_bytes(random::bytes()?).to_string();
    let last_day = ActionToken::last_day(today, course.term);
    let until = jiff::tz::TimeZone::UTC.to_timestamp(last_day.at(23, 59, 59, 0)).unwrap_or(now);
    let feed_token = FeedToken {
        token: Digest::of(token.as_bytes()),
        course: course.id.clone(),
        basis: basis(course),
        given_at: now,
        until,
    };
    catalogue.add_feed_token(&feed_token).await?;
    Ok(token)
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

/// Withdraws the token in an address, or the token itself; false if there is none.
pub(in crate::serve) async fn withdraw(
    catalogue: &Catalogue,
    course: &CourseRules,
    address: &str,
) -> Result<bool, Error> {
    let token = address.trim().rsplit_once("token=").map_or(address.trim(), |(_, token)| token);
    let token: String = token.chars().take_while(char::is_ascii_hexdigit).take(TOKEN_CHARS).collect();
    Ok(catalogue.withdraw_feed_token(&course.id, Digest::of(token.as_bytes())).await?)
}

/// A digest of who may read the course. A new password needs new addresses, as it needs new
/// sign-ins.
fn basis(course: &CourseRules) -> Digest {
    let password = course.admission.password(Role::Reader).map_or("", |hash| hash.as_str());
    Digest::of(format!("{password}\n{}", course.admission.allow_list_text()).as_bytes())
}
