//! Dead paths of the course's own site become redirects, in the words of its web server.
//!
//! A path reaches a line only if all its characters are harmless in every
//! dialect; the few others are named to the operator instead.

use std::fmt;

use crate::domain::course::CourseId;
use crate::domain::policy::access::Original;
use crate::domain::report::placement::is_own;
use crate::serve::Desk;
use crate::serve::offer::{Offer, offer};
use crate::serve::visitor::Visitor;

/// Whose words are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Nginx,
    Caddy,
    Apache,
    /// `_redirects`, which Cloudflare Pages reads too.
    Netlify,
}

/// A piece of configuration, and the paths it cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirects {
    pub text: String,
    pub count: usize,
    pub left_out: Vec<String>,
}

/// From a path with its query to the page that offers the copy.
struct Rule {
    path: String,
    target: String,
}

/// Redirects for the dead links into the courses' own sites of which a copy opens.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn redirects(
    desk: &Desk,
    course: Option<&CourseId>,
    dialect: Dialect,
) -> anyhow::Result<Redirects> {
    let mut rules: Vec<Rule> = Vec::new();
    for shelf in desk.shelves().await? {
        if course.is_some_and(|wanted| *wanted != shelf.night.course) {
            continue;
        }
        for found in shelf.all(&Visitor::stranger()) {
            let item = found.item();
            let leads_to_copy = matches!(offer(desk, &found), Offer::Copy(_));
            if !is_own(&shelf.night, item) || found.original() != Original::Dead || !leads_to_copy {
                continue;
            }
            let url = item.link.url();
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let path = format!("{}{query}", url.path());
            let target = desk.settings.base_url.absolute(&format!("/go/{}", found.id()));
            if !rules.iter().any(|rule| rule.path == path) {
                rules.push(Rule { path, target });
            }
        }
    }
    rules.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(written(dialect, rules))
}

fn written(dialect: Dialect, rules: Vec<Rule>) -> Redirects {
    let (held, left_out): (Vec<Rule>, Vec<Rule>) =
        rules.into_iter().partition(|rule| dialect.can_hold(&rule.path));
    Redirects {
        text: Text { dialect, rules: &held }.to_string(),
        count: held.len(),
        left_out: left_out.into_iter().map(|rule| rule.path).collect(),
    }
}

impl Dialect {
    fn can_hold(self, path: &str) -> bool {
        let is_harmless = |c: char| c.is_ascii_alphanumeric() || "/._~-!&'()+,;=:@%?".contains(c);
        path.starts_with('/')
            && path.chars().all(is_harmless)
            && match self {
                Self::Nginx | Self::Caddy | Self::Apache => true,
                // A colon begins a placeholder, and a query is matched by parts.
                Self::Netlify => !path.contains([':', '?']),
            }
    }
}

/// All rules in one dialect.
struct Text<'a> {
    dialect: Dialect,
    rules: &'a [Rule],
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head())?;
        for Rule { path, target } in self.rules {
            match self.dialect {
                Dialect::Nginx => writeln!(f, "    \"{path}\" \"{target}\";")?,
                Dialect::Caddy => writeln!(f, "    \"{path}\" \"{target}\"")?,
                Dialect::Apache => {
                    writeln!(f, "RewriteCond %{{THE_REQUEST}} \"^[A-Z]+ {} HTTP/\"", pattern(path))?;
                    writeln!(f, "RewriteRule \"^\" \"{target}\" [R=302,L,NE]")?;
                }
                Dialect::Netlify => writeln!(f, "{path} {target} 302")?,
            }
        }
        f.write_str(self.foot())
    }
}

impl Text<'_> {
    fn head(&self) -> &'static str {
        match self.dialect {
            Dialect::Nginx => {
                "# In http { }; then in server { }:\n\
                 #     if ($onreserve) { return 302 $onreserve; }\n\
                 map $request_uri $onreserve {\n    default \"\";\n"
            }
            Dialect::Caddy => "# In the block of the site.\nmap {http.request.uri} {onreserve} {\n",
            Dialect::Apache => "# In the virtual host, or in .htaccess.\nRewriteEngine On\n",
            Dialect::Netlify => "",
        }
    }

    fn foot(&self) -> &'static str {
        match self.dialect {
            Dialect::Nginx => "}\n",
            Dialect::Caddy => {
                "    default \"\"\n}\n\
                 @onreserve expression `{onreserve} != \"\"`\nredir @onreserve {onreserve} 302\n"
            }
            Dialect::Apache | Dialect::Netlify => "",
        }
    }
}

/// A regular expression that matches the path alone.
fn pattern(path: &str) -> String {
    let escaped = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{c}") };
    path.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Dialect; 4] = [Dialect::Nginx, Dialect::Caddy, Dialect::Apache, Dialect::Netlify];

    fn of(dialect: Dialect, path: &str) -> Redirects {
        let target = "https://links.school.edu/go/0123456789abcdef".to_owned();
        written(dialect, vec![Rule { path: path.to_owned(), target }])
    }

    #[test]
    fn each_server_is_told_in_its_own_words() {
        let told = |dialect| of(dialect, "/dgm/notes%20(1).pdf").text;
        insta::assert_snapshot!(ALL.map(told).join("---\n"));
    }

    proptest! {
        /// Whatever a path is, it ends no string, no line and no block.
        #[test]
        fn nothing_leaves_its_place(path in "/[ -~\n\u{e4}]{0,30}") {
            for dialect in ALL {
                let (of, plain) = (of(dialect, &path), of(dialect, "/x").text);
                if of.count == 0 {
                    prop_assert_eq!(&of.left_out, std::slice::from_ref(&path));
                    continue;
                }
                prop_assert_eq!(of.text.lines().count(), plain.lines().count());
                for mark in ['"', '{', '}', '$', '#', '`'] {
                    prop_assert_eq!(of.text.matches(mark).count(), plain.matches(mark).count(), "{}", &of.text);
                }
            }
        }
    }
}
