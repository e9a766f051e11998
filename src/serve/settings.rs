//! The settings of the web service, as the configuration gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::action_token::SigningKey;
use crate::domain::course::{CopyRules, CourseId, EmailAddress, Term};
use crate::domain::evidence::bulk_interface::BulkInterface;
use crate::domain::policy::course_access::CourseAccess;
use crate::domain::policy::network::Network;
use crate::domain::policy::night_plan::NightPace;
use crate::serve::auth::oidc::client::OidcClient;
use crate::serve::auth::proxy::TrustedProxies;
use crate::serve::base_url::BaseUrl;

#[derive(Clone, Debug, Default)]
pub struct ServeSettings {
    /// The public address of the service.
    pub base_url: BaseUrl,
    /// Only these courses are shown.
    pub courses: Vec<CourseRules>,
    /// Who may see the overview of all courses, in the form of a course with staff. Its id is
    /// [`ADMIN`]. Without it there is no overview.
    pub admin: Option<CourseRules>,
    pub pace: NightPace,
    /// The interfaces whose lists the nights ask for, with their hosts.
    pub list_hosts: BTreeMap<BulkInterface, String>,
    /// The email address for copyright questions.
    pub copyright_contact: Option<String>,
    /// Prepended to the encoded address of a licensed link, as in
    /// `https://login.proxy.school.edu/login?url=`.
    pub library_proxy: Option<String>,
    /// A separate origin for the bytes of copies.
    pub copies_origin: Option<BaseUrl>,
    /// Include only copies that are open on every day. For an exported site, because its
    /// copies cannot be closed when the term ends.
    pub only_always_open_copies: bool,
    /// The proxies whose forwarding headers are trusted.
    pub proxies: TrustedProxies,
    /// Networks that may read the metrics of all courses. Other clients see the
    /// courses that they may read.
    pub monitors: Vec<Network>,
    /// The identity provider, if a course uses one.
    pub oidc: Option<OidcClient>,
    pub limits: ServeLimits,
    /// Verifies the signed links in emails. Without a key no such link works.
    pub signing_key: Option<SigningKey>,
}

impl ServeSettings {
    /// The rules of a course, or of the overview.
    pub(in crate::serve) fn course(&self, id: &CourseId) -> Option<&CourseRules> {
        self.with_sign_in().find(|rules| rules.id == *id)
    }

    /// Everything that a visitor can sign in to: the courses and the overview.
    pub(in crate::serve) fn with_sign_in(&self) -> impl Iterator<Item = &CourseRules> {
        self.courses.iter().chain(&self.admin)
    }
}

/// The id under which administrators sign in. No course has it while there is an overview.
pub const ADMIN: &str = "admin";

/// The settings of one course.
#[derive(Clone, Debug)]
pub struct CourseRules {
    pub id: CourseId,
    pub title: String,
    /// Who may read the course, and who is staff.
    pub admission: CourseAccess,
    pub copies: CopyRules,
    pub term: Option<Term>,
    /// Origins, beside those of the course pages, whose scripts may request the
    /// links of the course. As in `https://school.edu`.
    pub origins: Vec<String>,
    /// The email address that students write to when a copy is wrong.
    pub contact: Option<String>,
    /// The people who get reports, and may use the signed links in them.
    pub readers: Vec<EmailAddress>,
}

impl CourseRules {
    /// A course without a term that everyone may read, and whose copies open
    /// only when the original is gone.
    pub fn new(id: CourseId) -> Self {
        Self {
            title: id.to_string(),
            id,
            admission: CourseAccess::default(),
            copies: CopyRules::default(),
            term: None,
            origins: Vec::new(),
            contact: None,
            readers: Vec::new(),
        }
    }
}

/// Limits on connections and slow clients.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at the same time. When all are in use, the connection that
    /// has been idle longest is closed for the next one. One client may use at
    /// most half of them for requests at the same time.
    pub connections: usize,
    /// Time to receive a request head, or the next request on an open connection.
    pub read_timeout: Duration,
    /// Time without progress after which a response is given up.
    pub write_timeout: Duration,
    /// Time for responses to finish after a shutdown signal.
    pub drain_timeout: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            read_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(20),
        }
    }
}
