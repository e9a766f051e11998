//! Pages as they are rewritten for students: no element and no attribute runs a script.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::address::Address;
use onreserve::domain::replay::html::{RewriteContext, rewrite};
use onreserve::domain::replay::{Copies, Destination, RequisiteRole, css};
use scraper::{ElementRef, Html};

struct Kept;

impl Copies for Kept {
    fn requisite(&self, address: &Address, _: RequisiteRole) -> Option<String> {
        address.path().ends_with("x").then(|| "/copy/1".to_owned())
    }

    fn link(&self, _: &Address) -> Destination {
        Destination::Original
    }

    fn text(&self, _: &Address) -> Option<String> {
        Some("# A slide\n---\n$x^2$".to_owned())
    }
}

fuzz_target!(|source: &str| {
    let address = onreserve_fuzz::address();
    let context = RewriteContext { address: &address, content_type: None, copies: &Kept };
    if let Ok(page) = rewrite(source, &context) {
        assert_inert(&page);
    }
    let _ = css::rewrite(source, |_, _| None);
});

/// As a browser reads the page, nothing in it runs.
fn assert_inert(page: &str) {
    let parsed = Html::parse_document(page);
    for element in parsed.root_element().descendants().filter_map(ElementRef::wrap) {
        let element = element.value();
        assert!(!matches!(element.name(), "script" | "object" | "embed" | "applet"), "{element:?} in {page}");
        for (name, value) in element.attrs() {
            assert!(!name.starts_with("on"), "{name}={value:?} in {page}");
            let value = value.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
            let is_script = value.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("javascript:"));
            assert!(
                !is_script || !matches!(name, "href" | "src" | "action" | "formaction"),
                "{value} in {page}"
            );
        }
    }
}
