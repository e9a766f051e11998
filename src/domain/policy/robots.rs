//! What a robots.txt permits (RFC 9309). `world::fetch::robots` fetches and caches it.
//!
//! Beside the RFC, `Crawl-delay` is read: it is no standard, but hosts that set
//! it ask for a pause that this crawler keeps.

use std::fmt::Write as _;
use std::time::Duration;

use url::Position;

use crate::domain::address::Address;

/// The product token of this crawler in a robots.txt.
pub const PRODUCT_TOKEN: &str = "Onreserve";

/// The part of a robots.txt that is read (RFC 9309 section 2.5).
pub const BYTES_READ: usize = 500 * 1024;

/// A longer rule is skipped: no address of a reading is as long, and matching costs time.
const LONGEST_RULE: usize = 2048;

/// A longer crawl delay is shortened to this, so that a course can be visited in one night.
pub const LONGEST_CRAWL_DELAY: Duration = Duration::from_secs(30);

/// The rules of one robots.txt that apply to this crawler.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
}

/// One `Allow` or `Disallow` line.
#[derive(Debug)]
struct Rule {
    allows: bool,
    pattern: Pattern,
}

/// A path in which `*` stands for any text and a final `$` for the end.
#[derive(Debug)]
struct Pattern {
    /// Percent-encoded like addresses, with the wildcards.
    text: String,
    is_anchored: bool,
    /// In octets; the longest pattern that matches decides.
    length: usize,
}

/// One parsed line; lines of other kinds are skipped.
enum RobotsLine<'a> {
    UserAgent(&'a str),
    Allow(&'a str),
    Disallow(&'a str),
    CrawlDelay(&'a str),
}

/// The crawlers to which the current group applies.
#[derive(Clone, Copy, Default)]
struct RobotsGroup {
    names_us: bool,
    names_all: bool,
}

impl Rules {
    /// Reads any bytes. Lines without a meaning are skipped, as the RFC asks;
    /// a file without any rule permits everything.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(complete_lines(body));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines: Vec<RobotsLine> = text.split(['\n', '\r', '\0']).filter_map(RobotsLine::parse).collect();
        let has_groups = lines.iter().any(|line| matches!(line, RobotsLine::UserAgent(_)));
        // A file without groups breaks the RFC; its rules are applied to every crawler.
        let mut group = RobotsGroup { names_us: false, names_all: !has_groups };
        let (mut ours, mut general) = (None::<Self>, Self::default());
        let mut is_group_head = false;
        for line in lines {
            if let RobotsLine::UserAgent(name) = line {
                if !is_group_head {
                    group = RobotsGroup::default();
                }
                is_group_head = true;
                group.add(name);
                if group.names_us {
                    ours.get_or_insert_default();
                }
                continue;
            }
            is_group_head = false;
            if let Some(ours) = ours.as_mut().filter(|_| group.names_us) {
                ours.add(&line);
            }
            if group.names_all {
                general.add(&line);
            }
        }
        ours.unwrap_or(general)
    }

    /// Whether this crawler may request the address. The longest rule that
    /// matches decides; of two equally long ones, `Allow` (RFC 9309 section 2.2.2).
    pub fn allow(&self, address: &Address) -> bool {
        if address.path() == "/robots.txt" {
            return true;
        }
        let path = normalised(&address.url()[Position::BeforePath..Position::AfterQuery], |octet| {
            // In an address both are plain characters.
            matches!(octet, b'*' | b'$')
        });
        let matching = self.rules.iter().filter(|rule| rule.pattern.matches(&path));
        matching.max_by_key(|rule| (rule.pattern.length, rule.allows)).is_none_or(|rule| rule.allows)
    }

    /// The pause asked for between two requests, at most [`LONGEST_CRAWL_DELAY`].
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }

    fn add(&mut self, line: &RobotsLine) {
        match *line {
            RobotsLine::UserAgent(_) => {}
            // An empty rule matches nothing.
            RobotsLine::Allow("") | RobotsLine::Disallow("") => {}
            RobotsLine::Allow(path) | RobotsLine::Disallow(path) if path.len() > LONGEST_RULE => {}
            RobotsLine::Allow(path) => self.rules.push(Rule { allows: true, pattern: Pattern::parse(path) }),
            RobotsLine::Disallow(path) => {
                self.rules.push(Rule { allows: false, pattern: Pattern::parse(path) })
            }
            RobotsLine::CrawlDelay(text) if self.crawl_delay.is_none() => {
                let delay = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
                self.crawl_delay = delay.map(|delay| delay.min(LONGEST_CRAWL_DELAY));
            }
            RobotsLine::CrawlDelay(_) => {}
        }
    }
}

impl RobotsGroup {
    /// The product token is what comes before a version or anything else.
    fn add(&mut self, name: &str) {
        let is_token = |octet: char| octet.is_ascii_alphabetic() || matches!(octet, '-' | '_');
        let token = name.split(|octet| !is_token(octet)).next().unwrap_or(name);
        self.names_us |= token.eq_ignore_ascii_case(PRODUCT_TOKEN);
        self.names_all |= name == "*" || name.starts_with("* ");
    }
}

impl<'a> RobotsLine<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.split_once('#').map_or(line, |(line, _comment)| line);
        let (key, value) = line.split_once(':')?;
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" | "useragent" | "user agent" => Some(Self::UserAgent(value)),
            "allow" => Some(Self::Allow(value)),
            "disallow" | "dissallow" | "disalow" => Some(Self::Disallow(value)),
            "crawl-delay" | "crawldelay" => Some(Self::CrawlDelay(value)),
            _ => None,
        }
    }
}

impl Pattern {
    fn parse(path: &str) -> Self {
        let (path, is_anchored) = path.strip_suffix('$').map_or((path, false), |path| (path, true));
        let text = normalised(path, |octet| octet == b'$');
        let length = text.len() + usize::from(is_anchored);
        Self { text, is_anchored, length }
    }

    /// Takes the first match of each part from left to right, which is enough to find a match
    /// and keeps the cost linear in the path.
    fn matches(&self, path: &str) -> bool {
        let Some((first, rest)) = self.text.split_once('*') else {
            return if self.is_anchored { path == self.text } else { path.starts_with(&self.text) };
        };
        let Some(mut left) = path.strip_prefix(first) else { return false };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            match left.split_once(part) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        if self.is_anchored { left.ends_with(last) } else { left.contains(last) }
    }
}

/// A file that exceeds the limit is cut within a line. The half of a rule could forbid
/// more than the whole rule.
fn complete_lines(body: &[u8]) -> &[u8] {
    if body.len() < BYTES_READ {
        return body;
    }
    let body = &body[..BYTES_READ];
    let end = body.iter().rposition(|octet| matches!(octet, b'\n' | b'\r')).unwrap_or(0);
    &body[..end]
}

/// One spelling for paths that RFC 9309 section 2.2.2 calls equal: unreserved characters
/// are decoded, and characters that no address contains are percent-encoded. `encodes`
/// names further octets to encode.
fn normalised(path: &str, encodes: impl Fn(u8) -> bool) -> String {
    let octets = path.as_bytes();
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        let escaped = octets.get(at + 1..at + 3).filter(|_| octet == b'%').and_then(hex);
        at += if escaped.is_some() { 3 } else { 1 };
        let is_unreserved = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet);
        match escaped {
            Some(octet) if is_unreserved(octet) => text.push(char::from(octet)),
            None if is_plain(octet) && !encodes(octet) => text.push(char::from(octet)),
            escaped => {
                write!(text, "%{:02X}", escaped.unwrap_or(octet)).ok();
            }
        }
    }
    text
}

/// The octet written as two hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
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
    fn a_rule_longer_than_any_address_is_skipped() {
        let long = format!("User-agent: *\nDisallow: /{}\nDisallow: /b\n", "*".repeat(LONGEST_RULE));
        assert!(allows(&long, "/a"));
        assert!(!allows(&long, "/b"));
        let name = "x".repeat(LONGEST_RULE);
        assert!(!allows(&format!("User-agent: {name}\nUser-agent: *\nDisallow: /b\n"), "/b"));
    }

    /// Each wildcard takes as many octets as it has in the file.
    #[test]
    fn rules_take_no_more_memory_than_their_file() {
        let line = format!("Disallow: /{}\n", "*".repeat(2000));
        let rules = Rules::read(["User-agent: *\n", &line.repeat(200)].concat().as_bytes());
        let held: usize =
            rules.rules.iter().map(|rule| size_of::<Rule>() + rule.pattern.text.capacity()).sum();
        assert_eq!(rules.rules.len(), 200);
        assert!(held < 2 * 200 * line.len(), "{held}");
    }

    #[test]
    fn the_longest_rule_wins() {
        let body = "User-agent: *\nDisallow: /papers\nAllow: /papers/open\n";
        assert!(!allows(body, "/papers/1.pdf"));
        assert!(allows(body, "/papers/open/1.pdf"));
        assert!(allows(body, "/"));
    }

    #[test]
    fn a_group_for_this_crawler_replaces_the_general_one() {
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
    fn one_very_long_rule_does_not_disable_the_others() {
        let body = format!("User-agent: *\nDisallow: /{}$\nDisallow: /private\n", "*a".repeat(5_000));
        assert!(!allows(&body, "/private/a.pdf"));
        assert!(allows(&body, "/b"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert!(!allows("\u{feff}User-agent: *\nDisallow: /a", "/a"));
    }

    /// The example of RFC 9309 section 5.1.
    #[test]
    fn the_groups_of_the_rfc_are_kept_apart() {
        let body = "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n\
            User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n\
            User-Agent: barbot\nUser-Agent: onreserve\nDisallow: /example/page.html\n\n\
            User-Agent: quxbot\n";
        assert!(!allows(body, "/example/page.html"));
        assert!(allows(body, "/example/allowed.gif") && allows(body, "/a.gif"));
        let general = body.replace("onreserve", "bazbot");
        assert!(!allows(&general, "/a.gif") && !allows(&general, "/example/x"));
        assert!(allows(&general, "/publications/") && allows(&general, "/a.gif.html"));
    }

    /// The example of RFC 9309 section 5.2.
    #[test]
    fn the_longest_match_of_the_rfc_wins() {
        let body = "User-Agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
        assert!(!allows(body, "/example/page/disallowed.gif"));
        assert!(allows(body, "/example/page/"));
        assert!(allows("User-agent: *\nDisallow: /a\nAllow: /a\n", "/a"), "of two equal ones, Allow");
    }

    /// The table of RFC 9309 section 2.2.2, and that of section 2.2.3.
    #[test]
    fn one_octet_matches_in_each_of_its_spellings() {
        let table = [
            ("/foo/bar?baz=quz", "/foo/bar?baz=quz", true),
            ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar", true),
            ("/foo/bar/\u{30c4}", "/foo/bar/%E3%83%84", true),
            ("/foo/bar/%E3%83%84", "/foo/bar/\u{30c4}", true),
            ("/foo/bar/%62%61%7A", "/foo/bar/baz", true),
            ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", true),
            ("/path/foo-%24", "/path/foo-$", true),
            ("/path/%7Euser", "/path/~user", true),
            ("/a%2fb", "/a%2Fb", true),
            ("/a%2Fb", "/a/b", false),
            ("/{draft}", "/%7Bdraft%7D", true),
        ];
        for (rule, path, matches) in table {
            assert_eq!(!allows(&format!("User-agent: *\nDisallow: {rule}\n"), path), matches, "{rule}");
        }
    }

    #[test]
    fn groups_of_one_crawler_are_joined_and_a_version_is_no_part_of_a_token() {
        let body = "User-agent: Onreserve/0.1\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n\n\
            User-agent: ONRESERVE\nDisallow: /b\n";
        assert!(!allows(body, "/a") && !allows(body, "/b") && allows(body, "/c"));
        assert!(allows("User-agent: onreservebot\nDisallow: /\n", "/a"));
    }

    #[test]
    fn other_lines_do_not_disturb_a_group() {
        let body = "Sitemap: https://press.edu/s.xml\nUser-agent: a\nSitemap: /x\nUser-agent: * # all\n\
            nonsense\nDisallow : /a # why\nDisallow:\n";
        assert!(!allows(body, "/a") && allows(body, "/b"));
    }

    #[test]
    fn a_crawl_delay_belongs_to_its_group_alone() {
        let body = "User-agent: *\nCrawl-delay: 3\nUser-agent: greedy\nDisallow: /\n";
        let rules = Rules::read(body.as_bytes());
        assert_eq!(rules.crawl_delay(), Some(Duration::from_secs(3)));
        assert!(allows(body, "/a"));
    }

    #[test]
    fn a_rule_that_the_size_limit_cuts_is_ignored() {
        let rule = "\nDisallow: /private";
        let start = "User-agent: *\n".to_owned();
        let body = start.clone() + &"#".repeat(BYTES_READ - start.len() - rule.len() + 6) + rule;
        assert!(allows(&body, "/pr") && allows(&body, "/private"));
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
