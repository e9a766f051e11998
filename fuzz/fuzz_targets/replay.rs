//! Pages as they are rewritten for students: no script and no foreign address is left.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onreserve::domain::address::Address;
use onreserve::domain::replay::html::{RewriteContext, rewrite};
use onreserve::domain::replay::{Copies, Destination, RequisiteRole, css};

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
        let shown = page.to_ascii_lowercase();
        assert!(!shown.contains("<script"), "a script is left: {page}");
    }
    let _ = css::rewrite(source, |_, _| None);
});
