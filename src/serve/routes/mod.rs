//! The handlers of requests, a module for each kind of page.

pub(super) mod actions;
pub(super) mod admin;
pub(super) mod api;
pub(super) mod blob;
pub(super) mod cluster_metrics;
pub(super) mod copy;
pub(super) mod course;
pub(super) mod dashboard;
pub(super) mod dashboard_state;
pub(super) mod downloads;
pub(super) mod fallback;
pub(super) mod go;
pub(super) mod health;
pub(super) mod login;
pub(super) mod memento;
pub(super) mod metric_text;
pub(super) mod metrics;
mod not_readable;
pub(super) mod oidc;
pub(super) mod requested_course;
pub(super) mod robots_txt;
pub(super) mod style;
pub(super) mod unavailable;
pub(super) mod view;
