//! Finds the addresses that a style sheet loads, and replaces them.
//!
//! The tokens are those of CSS Syntax Level 3, so that comments, strings and escapes
//! cannot hide an address. Everything else stays byte for byte.

use cssparser::{ParseError, Parser, ParserInput, Token};

use super::RequisiteRole;

/// The deepest nesting of blocks; deeper blocks are left out.
const DEPTH: usize = 32;
/// An address that loads nothing (CSS Values Level 4, section 4.5.4).
const NOTHING: &str = "about:invalid";

/// A requisite of a style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Another sheet, by `@import`.
    Sheet,
    Font,
    Image,
}

impl Load {
    /// The role of the requisite.
    pub fn role(self) -> RequisiteRole {
        match self {
            Self::Sheet => RequisiteRole::Sheet,
            Self::Font => RequisiteRole::Font,
            Self::Image => RequisiteRole::Image,
        }
    }
}

/// The sheet with each address replaced by the result of `replace`. If that is `None`, the
/// address loads nothing.
pub fn rewrite(css: &str, mut replace: impl FnMut(&str, Load) -> Option<String>) -> String {
    let mut input = ParserInput::new(css);
    let mut out = String::with_capacity(css.len());
    let mut walk = Walk { replace: &mut replace, out: &mut out };
    walk.tokens(&mut Parser::new(&mut input), Load::Image, 0);
    out
}

/// The addresses that a sheet loads, as written, in order.
pub fn loads(css: &str) -> Vec<(String, Load)> {
    let mut found = Vec::new();
    rewrite(css, |address, load| {
        if !address.is_empty() {
            found.push((address.to_owned(), load));
        }
        None
    });
    found
}

struct Walk<'a> {
    replace: &'a mut dyn FnMut(&str, Load) -> Option<String>,
    out: &'a mut String,
}

/// The meaning of the next string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    Text,
    Address,
}

impl Walk<'_> {
    /// `load` is the role of an address here, unless a rule gives another.
    fn tokens(&mut self, parser: &mut Parser<'_, '_>, load: Load, depth: usize) {
        self.tokens_with(parser, load, Strings::Text, depth);
    }

    fn tokens_with(&mut self, parser: &mut Parser<'_, '_>, load: Load, strings: Strings, depth: usize) {
        // The role of an address in the open at-rule.
        let mut rule: Option<Load> = None;
        loop {
            let start = parser.position();
            let Ok(token) = parser.next_including_whitespace_and_comments() else { break };
            let here = rule.unwrap_or(load);
            match token.clone() {
                Token::AtKeyword(name) => {
                    rule = match name.to_ascii_lowercase().as_str() {
                        "import" => Some(Load::Sheet),
                        "font-face" => Some(Load::Font),
                        _ => None,
                    };
                    self.copy(parser, start);
                }
                Token::UnquotedUrl(address) => self.address(&address, here),
                Token::QuotedString(text) if rule == Some(Load::Sheet) || strings == Strings::Address => {
                    self.address(&text, here);
                }
                Token::Semicolon => {
                    rule = None;
                    self.copy(parser, start);
                }
                Token::Function(name) => self.function(parser, &name, here, depth),
                Token::CurlyBracketBlock => {
                    self.out.push('{');
                    self.block(parser, here, Strings::Text, depth);
                    self.out.push('}');
                    rule = None;
                }
                Token::ParenthesisBlock => {
                    self.out.push('(');
                    self.block(parser, here, strings, depth);
                    self.out.push(')');
                }
                Token::SquareBracketBlock => {
                    self.out.push('[');
                    self.block(parser, here, Strings::Text, depth);
                    self.out.push(']');
                }
                _ => self.copy(parser, start),
            }
        }
    }

    fn function(&mut self, parser: &mut Parser<'_, '_>, name: &str, load: Load, depth: usize) {
        let lower = name.to_ascii_lowercase();
        if matches!(lower.as_str(), "url" | "src") {
            let mut address = None;
            // A block without an end is read to the end of the sheet.
            let _ = parser.parse_nested_block(|inner| -> Result<(), ParseError<'_, ()>> {
                address = inner.expect_string().ok().map(|text| text.as_ref().to_owned());
                while inner.next().is_ok() {}
                Ok(())
            });
            self.address(address.as_deref().unwrap_or_default(), load);
            return;
        }
        let strings =
            if lower.ends_with("image-set") || lower == "image" { Strings::Address } else { Strings::Text };
        let mut quoted = String::new();
        // Writing to a string cannot fail.
        let _ = cssparser::serialize_identifier(name, &mut quoted);
        self.out.push_str(&quoted);
        self.out.push('(');
        self.block(parser, load, strings, depth);
        self.out.push(')');
    }

    /// The contents of a block whose opening token is already written.
    fn block(&mut self, parser: &mut Parser<'_, '_>, load: Load, strings: Strings, depth: usize) {
        if depth < DEPTH {
            let _ = parser.parse_nested_block(|inner| -> Result<(), ParseError<'_, ()>> {
                self.tokens_with(inner, load, strings, depth + 1);
                Ok(())
            });
        }
    }

    fn address(&mut self, address: &str, load: Load) {
        let replaced = (self.replace)(address, load);
        self.out.push_str("url(");
        let _ = cssparser::serialize_string(replaced.as_deref().unwrap_or(NOTHING), self.out);
        self.out.push(')');
    }

    fn copy(&mut self, parser: &Parser<'_, '_>, start: cssparser::SourcePosition) {
        self.out.push_str(parser.slice_from(start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(css: &str) -> Vec<(String, Load)> {
        loads(css)
    }

    #[test]
    fn each_way_to_load_is_found() {
        let css = r#"
            @charset "utf-8";
            @import "a.css" screen; @import url(b.css); @IMPORT url( "c.css" ) layer(x);
            /* url(not.png) */
            @font-face { font-family: "F"; src: url(f.woff2) format("woff2"), url('f.woff') }
            h1 { background: url(one.png) no-repeat, u\72l("two.png"); content: "url(no.png)" }
            @media print { p { background-image: image-set("three.png" 1x, url(four.png) 2x) } }
        "#;
        let expected = [
            ("a.css", Load::Sheet),
            ("b.css", Load::Sheet),
            ("c.css", Load::Sheet),
            ("f.woff2", Load::Font),
            ("f.woff", Load::Font),
            ("one.png", Load::Image),
            ("two.png", Load::Image),
            ("three.png", Load::Image),
            ("four.png", Load::Image),
        ];
        assert_eq!(found(css), expected.map(|(address, load)| (address.to_owned(), load)));
    }

    #[test]
    fn other_text_stays_and_missing_requisites_load_nothing() {
        let css =
            "a > b::after{content:\"x\";margin:calc(1px + 2em)}c{background:url(kept.png),url(lost.png)}";
        let out = rewrite(css, |address, _| (address == "kept.png").then(|| "/r/1".to_owned()));
        assert_eq!(
            out,
            "a > b::after{content:\"x\";margin:calc(1px + 2em)}\
             c{background:url(\"/r/1\"),url(\"about:invalid\")}"
        );
    }

    #[test]
    fn an_address_cannot_leave_its_quotes() {
        let out = rewrite("a{b:url(x)}", |_, _| Some("x\");@import \"//evil\n".to_owned()));
        assert_eq!(loads(&out).len(), 1, "{out}");
    }

    #[test]
    fn unclosed_and_deeply_nested_blocks_are_harmless() {
        let deep = "a{b:".repeat(50_000) + &"(".repeat(50_000) + "url(x.png)";
        assert!(rewrite(&deep, |_, _| None).len() < deep.len());
    }

    proptest! {
        #[test]
        fn no_sheet_keeps_an_original_address(css in "[a-z{}();:@\"'/*\\\\ ]{0,80}(url\\(|@import \"|image-set\\(\")[a-z/:.]{0,20}.{0,20}") {
            let out = rewrite(&css, |_, _| None);
            for (address, _) in loads(&out) {
                prop_assert_eq!(address, NOTHING);
            }
        }
    }
}
