//! What the handlers for staff need.

use std::sync::Arc;

use crate::serve::auth::csrf::FormTokens;
use crate::serve::library::Library;
use crate::serve::recheck_queue::RecheckQueue;

#[derive(Clone, Debug)]
pub(in crate::serve) struct DashboardState {
    pub library: Arc<Library>,
    pub recheck_queue: RecheckQueue,
    pub form_tokens: FormTokens,
}
