//! Compares a password with those of a course, at the pace that the throttle allows.

use std::net::IpAddr;

use jiff::SignedDuration;

use crate::domain::policy::course_access::Role;
use crate::domain::policy::device_token::Device;
use crate::domain::policy::login_throttle::{Attempt, AttemptSource};
use crate::domain::policy::password::PasswordHash;
use crate::serve::auth::login_state::LoginState;
use crate::serve::error::Error;
use crate::serve::settings::CourseRules;

/// A password that was typed into the form of a role.
#[derive(Clone)]
pub(in crate::serve) struct PasswordAttempt {
    pub password: String,
    pub form: Role,
    /// The browser, if it has logged in before.
    pub device: Option<Device>,
    pub client: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum PasswordCheck {
    Granted(Role),
    Wrong,
    /// There were too many wrong passwords; this one was not compared.
    Wait(SignedDuration),
}

/// Compares the password with that of the form first, and then with that of the other role.
pub(in crate::serve) async fn check(
    state: &LoginState,
    course: &CourseRules,
    login: &PasswordAttempt,
) -> Result<PasswordCheck, Error> {
    let other = match login.form {
        Role::Reader => Role::Staff,
        Role::Staff => Role::Reader,
    };
    let mut is_compared = false;
    for role in [login.form, other] {
        let Some(hash) = course.admission.password(role) else { continue };
        let attempt = Attempt { source: login.source(role), course: &course.id, form: login.form, role };
        let admitted = state.limiter.admit(&attempt, state.clock.now()).await?;
        match admitted {
            Err(wait) if !is_compared => return Ok(PasswordCheck::Wait(wait)),
            // A student who mistypes does not wait in the queue of staff.
            Err(_) => continue,
            Ok(held_back) if is_compared && held_back.is_positive() => continue,
            Ok(held_back) => state.clock.sleep(held_back.unsigned_abs()).await,
        }
        is_compared = true;
        if is_of(state, hash, &login.password).await? {
            state.limiter.record_success(&attempt, state.clock.now()).await?;
            return Ok(PasswordCheck::Granted(role));
        }
    }
    Ok(PasswordCheck::Wrong)
}

impl PasswordAttempt {
    /// A browser that has logged in only as a reader is not trusted with the password of staff.
    fn source(&self, role: Role) -> AttemptSource {
        match self.device {
            Some(device) if role == Role::Reader || device.role == Role::Staff => {
                AttemptSource::Device(device.id)
            }
            Some(_) | None => AttemptSource::Address(self.client),
        }
    }
}

async fn is_of(state: &LoginState, hash: &PasswordHash, password: &str) -> Result<bool, Error> {
    let (hash, password) = (hash.clone(), password.to_owned());
    Ok(state.limiter.run(move |memory| hash.is_of(&password, memory)).await?)
}
