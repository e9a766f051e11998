//! Redirects from the dead paths of the course's own site to the copies, as
//! configuration for its web server.
//!
//! A path is written only if all its characters are safe in every format. The
//! others are reported to the operator.

use std::fmt;

use crate::domain::course::CourseId;
use crate::domain::policy::copy_access::Original;
use crate::domain::report::placement::is_own;
use crate::serve::auth::visitor::Visitor;
use crate::serve::library::Library;
use crate::serve::library::availability::{Availability, availability};
use crate::serve::library::course::LinkView;

/// The web server that reads the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFormat {
    Nginx,
    Caddy,
    Apache,
    /// The `_redirects` file, which Cloudflare Pages reads too.
    Netlify,
}

/// Configuration for a web server, and the paths that it cannot contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirects {
    pub text: String,
    pub count: usize,
    pub left_out: Vec<String>,
}

/// From a path with its query to `/go` of this service.
struct RedirectRule {
    path: String,
    target: String,
}

/// Redirects for the dead links to the courses' own sites whose copies open.
///
/// # Errors
///
/// The catalogue cannot be read.
pub async fn redirects(
    library: &Library,
    course: Option<&CourseId>,
    format: RedirectFormat,
) -> anyhow::Result<Redirects> {
    let mut rules: Vec<RedirectRule> = Vec::new();
    for view in library.courses().await? {
        if course.is_some_and(|wanted| *wanted != view.night.course) {
            continue;
        }
        for link in view.links(&Visitor::anonymous()) {
            let rule = rule(library, &link);
            rules.extend(rule.filter(|rule| !rules.iter().any(|other| other.path == rule.path)));
        }
    }
    rules.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(write(format, rules))
}

/// The redirect of a link, if it is dead, on the course's own site, and its copy opens.
fn rule(library: &Library, link: &LinkView) -> Option<RedirectRule> {
    let link_facts = link.facts();
    let opens_copy = matches!(availability(library, link), Availability::Copy(_));
    if !is_own(&link.course.night, link_facts) || link.original() != Original::Dead || !opens_copy {
        return None;
    }
    let url = link_facts.link.url();
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let target = library.go(link);
    Some(RedirectRule { path, target })
}

fn write(format: RedirectFormat, rules: Vec<RedirectRule>) -> Redirects {
    let (written, left_out): (Vec<RedirectRule>, Vec<RedirectRule>) =
        rules.into_iter().partition(|rule| format.can_contain(&rule.path));
    Redirects {
        text: RedirectsFile { format, rules: &written }.to_string(),
        count: written.len(),
        left_out: left_out.into_iter().map(|rule| rule.path).collect(),
    }
}

impl RedirectFormat {
    fn can_contain(self, path: &str) -> bool {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "/._~-!&'()+,;=:@%?".contains(c);
        path.starts_with('/')
            && path.chars().all(is_safe)
            && match self {
                Self::Nginx | Self::Caddy | Self::Apache => true,
                // A colon starts a placeholder, and a query has its own syntax.
                Self::Netlify => !path.contains([':', '?']),
            }
    }
}

/// The configuration file.
struct RedirectsFile<'a> {
    format: RedirectFormat,
    rules: &'a [RedirectRule],
}

impl fmt::Display for RedirectsFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head())?;
        for RedirectRule { path, target } in self.rules {
            match self.format {
                RedirectFormat::Nginx => writeln!(f, "    \"{path}\" \"{target}\";")?,
                RedirectFormat::Caddy => writeln!(f, "    \"{path}\" \"{target}\"")?,
                RedirectFormat::Apache => {
                    writeln!(f, "RewriteCond %{{THE_REQUEST}} \"^[A-Z]+ {} HTTP/\"", pattern(path))?;
                    writeln!(f, "RewriteRule \"^\" \"{target}\" [R=302,L,NE]")?;
                }
                RedirectFormat::Netlify => writeln!(f, "{path} {target} 302")?,
            }
        }
        f.write_str(self.foot())
    }
}

impl RedirectsFile<'_> {
    fn head(&self) -> &'static str {
        match self.format {
            RedirectFormat::Nginx => {
                "# In http { }; then in server { }:\n\
                 #     if ($onreserve) { return 302 $onreserve; }\n\
                 map $request_uri $onreserve {\n    default \"\";\n"
            }
            RedirectFormat::Caddy => "# In the block of the site.\nmap {http.request.uri} {onreserve} {\n",
            RedirectFormat::Apache => "# In the virtual host, or in .htaccess.\nRewriteEngine On\n",
            RedirectFormat::Netlify => "",
        }
    }

    fn foot(&self) -> &'static str {
        match self.format {
            RedirectFormat::Nginx => "}\n",
            RedirectFormat::Caddy => {
                "    default \"\"\n}\n\
                 @onreserve expression `{onreserve} != \"\"`\nredir @onreserve {onreserve} 302\n"
            }
            RedirectFormat::Apache | RedirectFormat::Netlify => "",
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

    const ALL: [RedirectFormat; 4] =
        [RedirectFormat::Nginx, RedirectFormat::Caddy, RedirectFormat::Apache, RedirectFormat::Netlify];

    fn of(format: RedirectFormat, path: &str) -> Redirects {
        let target = "https://links.school.edu/go/0123456789abcdef".to_owned();
        write(format, vec![RedirectRule { path: path.to_owned(), target }])
    }

    #[test]
    fn each_format() {
        let text = |format| of(format, "/dgm/notes%20(1).pdf").text;
        insta::assert_snapshot!(ALL.map(text).join("---\n"));
    }

    proptest! {
        /// A path cannot end a string, a line or a block.
        #[test]
        fn no_path_breaks_the_syntax(path in "/[ -~\n\u{e4}]{0,30}") {
            for format in ALL {
                let (of, plain) = (of(format, &path), of(format, "/x").text);
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
