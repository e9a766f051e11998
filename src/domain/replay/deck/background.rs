//! The backgrounds of slides that a script would set.

/// The style and the class of a slide, from its attributes; `None` if it has no background
/// of its own. Pictures are added by their requisites.
pub(in crate::domain::replay) fn background(
    attribute: impl Fn(&str) -> Option<String>,
) -> Option<(String, Option<&'static str>)> {
    let plain = |value: &String| !value.is_empty() && !value.contains([';', '{', '}', '"', '<']);
    let short =
        attribute("data-background").filter(|value| !value.contains(['.', '/']) || is_gradient(value));
    let colour = attribute("data-background-color").or_else(|| short.clone().filter(|it| !is_gradient(it)));
    let gradient = attribute("data-background-gradient").or_else(|| short.filter(|it| is_gradient(it)));
    let colour = colour.filter(plain);
    let gradient = gradient.filter(|value| plain(value) && is_gradient(value));
    let first_of_gradient = gradient.as_deref().and_then(|it| it.find('#').map(|at| &it[at..]));
    let first_of_gradient = first_of_gradient.and_then(|it| it.split([',', ' ', ')']).next());
    let class = colour.as_deref().or(first_of_gradient).and_then(brightness).map(|brightness| {
        // The limit of reveal.js.
        if brightness < 128.0 { "has-dark-background" } else { "has-light-background" }
    });
    let style = [
        colour.map(|it| format!("background-color:{it};")),
        gradient.map(|it| format!("background-image:{it};")),
    ];
    let style: String = style.into_iter().flatten().collect();
    (!style.is_empty()).then_some((style, class))
}

fn is_gradient(value: &str) -> bool {
    value.contains("gradient(")
}

/// The brightness of a colour, from 0 to 255.
fn brightness(colour: &str) -> Option<f64> {
    const DARK: &[&str] =
        &["black", "navy", "darkblue", "midnightblue", "maroon", "purple", "indigo", "darkgreen", "darkred"];
    let colour = colour.trim().to_ascii_lowercase();
    let [red, green, blue] = if let Some(digits) = colour.strip_prefix('#') {
        let digit = |at: usize| digits.get(at..=at).and_then(|digit| u32::from_str_radix(digit, 16).ok());
        let channel = |at: usize| match digits.len() {
            3 | 4 => digit(at).map(|value| value * 17),
            6 | 8 => Some(digit(2 * at)? * 16 + digit(2 * at + 1)?),
            _ => None,
        };
        [channel(0)?, channel(1)?, channel(2)?]
    } else if let Some(inner) = colour.strip_prefix("rgb(").or_else(|| colour.strip_prefix("rgba(")) {
        let mut numbers =
            inner.split([',', ' ', ')']).filter(|it| !it.is_empty()).map(|it| it.parse::<u32>().ok());
        [numbers.next()??, numbers.next()??, numbers.next()??]
    } else {
        return DARK.contains(&colour.as_str()).then_some(0.0);
    };
    Some((f64::from(red) * 299.0 + f64::from(green) * 587.0 + f64::from(blue) * 114.0) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_background_gets_light_text() {
        let of = |name: &'static str, value: &'static str| {
            background(move |wanted| (wanted == name).then(|| value.to_owned()))
        };
        let style = |text: &str| text.to_owned();
        assert_eq!(
            of("data-background-color", "#283b95"),
            Some((style("background-color:#283b95;"), Some("has-dark-background")))
        );
        assert_eq!(
            of("data-background", "rgb(255, 204, 0)"),
            Some((style("background-color:rgb(255, 204, 0);"), Some("has-light-background")))
        );
        assert_eq!(
            of("data-background-gradient", "linear-gradient(#000, #fff)"),
            Some((style("background-image:linear-gradient(#000, #fff);"), Some("has-dark-background")))
        );
        for (name, value) in [
            ("data-background", "a.png"),
            ("data-background-color", "red;position:fixed"),
            ("data-background-gradient", "url(//evil.example/)"),
            ("data-background-color", ""),
        ] {
            assert_eq!(of(name, value), None, "{value}");
        }
    }
}
