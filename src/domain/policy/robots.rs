//! What a robots.txt permits (RFC 9309). Fetching it is the business of `world::fetch`.

use std::time::Duration;

use texting_robots::Robot;

use crate::domain::address::Address;

/// The name by which a robots.txt speaks to us.
pub const PRODUCT_TOKEN: &str = "Onreserve";

/// How much of a robots.txt is read (RFC 9309 section 2.5).
pub const BYTES_READ: usize = 500 * 1024;

/// Longer crawl delays than this are not kept, as nobody could be visited with them.
pub const LONGEST_CRAWL_DELAY: Duration = Duration::from_secs(30);

/// Rules ending in `$` are compiled, so their number is bounded.
const ANCHORED_RULES: usize = 500;

/// The rules of one robots.txt that concern us.
#[derive(Debug)]
pub struct Rules {
    robot: Option<Robot>,
}

impl Rules {
    /// Reads any bytes. Lines that make no sense are skipped, as the RFC asks;
    /// a file that makes none at all permits everything.
    pub fn read(body: &[u8]) -> Self {
        let body = &body[..body.len().min(BYTES_READ)];
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let sound = sound_lines(body);
        Self { robot: Robot::new(PRODUCT_TOKEN, &sound).ok() }
    }

    pub fn allow(&self, address: &Address) -> bool {
        address.path() == "/robots.txt"
            || self.robot.as_ref().is_none_or(|robot| robot.allowed(address.as_str()))
    }

    /// The pause asked for between two requests, at most [`LONGEST_CRAWL_DELAY`].
    pub fn crawl_delay(&self) -> Option<Duration> {
        let seconds = self.robot.as_ref()?.delay?;
        let delay = Duration::try_from_secs_f32(seconds).ok()?;
        Some(delay.min(LONGEST_CRAWL_DELAY))
    }
}

/// Drops what would make the reader refuse the whole file or use much memory.
fn sound_lines(body: &[u8]) -> Vec<u8> {
    let mut anchored = 0;
    let mut sound = Vec::with_capacity(body.len());
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        if line.contains(&b'$') {
            anchored += 1;
            if anchored > ANCHORED_RULES || Robot::new(PRODUCT_TOKEN, line).is_err() {
                continue;
            }
        }
        sound.extend_from_slice(line);
        sound.push(b'\n');
    }
    sound
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(body: &str, path: &str) -> bool {
        let address = Address::parse(&format!("https://press.edu{path}")).unwrap();
        Rules::read(body.as_bytes()).allow(&address)
    }

    #[test]
    fn the_longest_rule_wins() {
        let body = "User-agent: *\nDisallow: /papers\nAllow: /papers/open\n";
        assert!(!allows(body, "/papers/1.pdf"));
        assert!(allows(body, "/papers/open/1.pdf"));
        assert!(allows(body, "/"));
    }

    #[test]
    fn a_group_of_our_own_replaces_the_general_one() {
        let body = "User-agent: *\nDisallow: /\n\nUser-agent: onreserve\nDisallow: /private\n";
        assert!(allows(body, "/a.pdf"));
        assert!(!allows(body, "/private/a.pdf"));
    }

    #[test]
    fn robots_txt_itself_is_always_allowed() {
        assert!(allows("User-agent: *\nDisallow: /", "/robots.txt"));
    }

    #[test]
    fn wildcards_and_ends_are_understood() {
        let body = "User-agent: *\nDisallow: /*?session=\nDisallow: /*.ps$\n";
        assert!(!allows(body, "/a?session=1"));
        assert!(!allows(body, "/a.ps"));
        assert!(allows(body, "/a.ps.pdf"));
    }

    #[test]
    fn one_monstrous_rule_does_not_silence_the_others() {
        let body = format!("User-agent: *\nDisallow: /{}$\nDisallow: /private\n", "*a".repeat(5_000));
        assert!(!allows(&body, "/private/a.pdf"));
        assert!(allows(&body, "/b"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert!(!allows("\u{feff}User-agent: *\nDisallow: /a", "/a"));
    }

    #[test]
    fn crawl_delays_are_kept_up_to_a_limit() {
        let delay = |text: &str| Rules::read(text.as_bytes()).crawl_delay();
        assert_eq!(delay("User-agent: *\nCrawl-delay: 2.5\n"), Some(Duration::from_millis(2_500)));
        assert_eq!(delay("User-agent: *\nCrawl-delay: 86400\n"), Some(LONGEST_CRAWL_DELAY));
        assert_eq!(delay("User-agent: *\nCrawl-delay: -1\n"), None);
        assert_eq!(delay("User-agent: *\nDisallow:\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let address = Address::parse("https://press.edu/a?b=c").unwrap();
            let rules = Rules::read(&body);
            let _ = (rules.allow(&address), rules.crawl_delay());
        }
    }
}
