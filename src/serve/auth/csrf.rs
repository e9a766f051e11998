//! Tokens in forms that prove that the form came from a page shown to the same
//! visitor (protection against cross-site request forgery).

use std::sync::Arc;

use crate::domain::action_token::SigningKey;
use crate::domain::capture::Digest;
use crate::domain::course::CourseId;
use crate::serve::auth::form::PostedForm;
use crate::serve::auth::visitor::Visitor;
use crate::world::random;

/// Creates and verifies form tokens.
#[derive(Clone, Debug)]
pub(in crate::serve) struct FormTokens {
    /// The same in all processes that serve the pages. `None` if there is no signing key and the
    /// system provides no randomness. No token is valid then.
    secret: Option<Arc<[u8; 32]>>,
}

impl FormTokens {
    /// Without a signing key the tokens are of this process only.
    pub(in crate::serve) fn new(key: Option<&SigningKey>) -> Self {
        if let Some(key) = key {
            return Self { secret: Some(Arc::new(key.derived("form tokens"))) };
        }
        let secret = random::bytes().inspect_err(
            |error| tracing::error!(%error, "no secret for form tokens; forms of staff are refused"),
        );
        Self { secret: secret.ok().map(Arc::new) }
    }

    /// The token of a visitor for the forms of a course; `None` for a stranger.
    pub(in crate::serve) fn token(&self, visitor: &Visitor, course: &CourseId) -> Option<String> {
        let secret = self.secret.as_deref()?;
        let owner = match (visitor.session(course), visitor.person()) {
            (Some(session), _) => format!("session {}", session.family),
            (None, Some(person)) => format!("person {}", person.name),
            (None, None) => return None,
        };
        // All digests have the same length, so different inputs stay different
        // when they are joined.
        let owner = Digest::of(format!("{course} {owner}").as_bytes()).to_string();
        let secret = Digest::from_bytes(*secret).to_string();
        Some(Digest::of(format!("{secret}{owner}").as_bytes()).to_string())
    }

    /// Whether a form has the token of the visitor. Digests are compared, so that the time of
    /// the comparison reveals nothing about the token.
    pub(in crate::serve) fn is_valid(&self, visitor: &Visitor, course: &CourseId, form: &PostedForm) -> bool {
        let given = Digest::of(form.field("form_token").as_bytes());
        self.token(visitor, course).is_some_and(|token| Digest::of(token.as_bytes()) == given)
    }
}
