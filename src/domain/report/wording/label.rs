//! The labels of the lines of an entry.

pub const NOW_AT: &str = "Now at";
pub const WHAT_CHANGED: &str = "What changed";
pub const OUR_COPIES: &str = "Our copies";
pub const WHAT_HAPPENED: &str = "What happened";
pub const NOW_LEADS_TO: &str = "Now leads to";
pub const OUR_COPY: &str = "Our copy";
pub const BEST_REPLACEMENT: &str = "Best replacement";
pub const POSSIBLE_REPLACEMENT: &str = "Possible replacement";
pub const DECIDED_BEFORE: &str = "Decided before";
pub const WORTH_A_LOOK: &str = "Worth a look";
pub const IN_THE_SOURCES: &str = "In the sources";
pub const LAST_VISIT: &str = "Last visit";
pub const TO_DO: &str = "To do";
pub const LINKS: &str = "Links";
pub const WHAT_IT_MEANS: &str = "What it means";
pub const WHAT_WE_DID: &str = "What we did";
pub const WHERE: &str = "Where";
pub const WHAT_IS_MISSING: &str = "What is missing";
pub const WHAT_IS_WRONG: &str = "What is wrong";

/// "Source: index.html line 112".
pub fn source(place: &str) -> String {
    format!("Source: {place}")
}
