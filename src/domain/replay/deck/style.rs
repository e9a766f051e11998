//! Styles that show what a deck hides without its script.

use super::Deck;

impl Deck {
    /// Styles that show what the deck hides without its script.
    pub fn style(self) -> &'static str {
        match self {
            Self::Reveal => REVEAL,
            Self::Marp => MARP,
            Self::Remark => REMARK,
            Self::Impress => IMPRESS,
            Self::Hidden => HIDDEN,
        }
    }
}

const REVEAL: &str = "html,body,.reveal,.reveal .slides{position:static!important;height:auto!important;\
width:auto!important;min-height:0!important;overflow:visible!important;transform:none!important;\
perspective:none!important;inset:auto!important}body{background-color:var(--r-background-color)}\
.reveal{font-size:1.25rem!important;overflow-wrap:anywhere}.reveal .r-hstack{flex-wrap:wrap}\
.reveal pre{width:auto!important;font-size:.75em!important}.reveal pre code{max-height:none!important}.reveal pre,.reveal video,.reveal iframe,.reveal table{max-width:100%}\
.reveal .slides{max-width:60rem;margin:0 auto!important;zoom:1!important;pointer-events:auto!important}\
.reveal .slides section{position:static!important;display:block!important;visibility:visible!important;\
opacity:1!important;transform:none!important;width:auto!important;height:auto!important;\
min-height:0!important;max-width:100%;box-sizing:border-box;overflow:visible!important;\
pointer-events:auto!important}.reveal .slides>section{margin:0 0 1.5rem!important;padding:1rem!important;\
border:1px solid #8888}.reveal .fragment{opacity:1!important;visibility:visible!important;\
transform:none!important}.reveal aside.notes{display:block!important;font-size:.8em;text-align:left;\
border-left:4px solid #8888;padding-left:1rem}.reveal img{max-width:100%!important;max-height:none!important;height:auto}\
.reveal .r-stack{display:block!important}.reveal .slides section section+section{border-top:1px dashed #8888;\
margin-top:1rem!important;padding-top:1rem!important}.reveal .slides section[data-background-image]{\
min-height:20rem!important;background-size:cover!important;background-position:center!important}\
.reveal .controls,.reveal .progress,.reveal .backgrounds,.reveal .slide-number{display:none!important}";

const MARP: &str = "html,body{height:auto!important;overflow:visible!important}.marpit,.marpit>svg,\
svg[data-marpit-svg]{position:static!important;display:block!important;visibility:visible!important;\
opacity:1!important;transform:none!important;content-visibility:visible!important}\
svg[data-marpit-svg]{width:100%!important;max-width:60rem;height:auto!important;margin:0 auto 1rem!important}\
[data-marpit-fragment]{visibility:visible!important;opacity:1!important}.bespoke-marp-note{display:block!important;\
box-sizing:border-box;padding:.5rem 1rem;background:#222;color:#ddd;font-family:sans-serif;\
position:static!important;max-width:60rem;margin:0 auto 1.5rem!important}\
.bespoke-marp-osc,.bespoke-progress-parent{display:none!important}";

const REMARK: &str = "html,body{height:auto!important;overflow:visible!important}.onreserve-slide{display:block;\
max-width:60rem;margin:0 auto 1.5rem;padding:1rem 2rem;border:1px solid #8888;box-sizing:border-box}\
.onreserve-slide{overflow:auto;background-size:contain;background-repeat:no-repeat;background-position:center}\
.onreserve-slide[style*=background-image]{min-height:20rem}.onreserve-slide img{max-width:100%;height:auto}.onreserve-notes{border-left:4px solid #8888;\
padding-left:1rem;font-size:.8em}";

const IMPRESS: &str = "html,body{height:auto!important;overflow:visible!important}#impress,#impress>div{\
position:static!important;transform:none!important;perspective:none!important}.step{position:static!important;\
transform:none!important;display:block!important;visibility:visible!important;opacity:1!important;\
width:auto!important;height:auto!important;max-width:60rem;margin:0 auto 1.5rem!important}\
.step{box-sizing:border-box;overflow-wrap:anywhere}.step *{position:static!important;transform:none!important}\
@media(max-width:45rem){.step{zoom:.5}}.fallback-message,.hint{display:none!important}";

const HIDDEN: &str = "html,body{display:block!important;position:static!important;height:auto!important;\
width:auto!important;min-height:0!important;overflow:visible!important}body>section,.slide{\
position:static!important;display:block!important;visibility:visible!important;opacity:1!important;\
transform:none!important;width:auto!important;height:auto!important;min-height:0!important;left:0!important;\
top:0!important;overflow:visible!important;box-sizing:border-box;max-width:60rem;margin:0 auto 1.5rem!important;\
padding:1rem!important;border:1px solid #8888;pointer-events:auto!important}body>section{zoom:.5}\
body>section *{pointer-events:auto!important}.incremental,.incremental *{visibility:visible!important;\
opacity:1!important}figure{height:auto!important;background:none!important}figure>*{position:static!important}\
body>section img,.slide img{max-width:100%;height:auto}.handout,.notes{display:block!important}\
body{margin:0!important;left:0!important;top:0!important;transform:none!important}body>section *{\
position:static!important}#controls,#currentSlide,#slideProj{display:none!important}";
