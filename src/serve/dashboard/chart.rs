//! A small picture of the nights: one bar each, states stacked. Drawn by hand, without a script.

use std::fmt::Write as _;

use crate::domain::verdict::StateName;
use crate::serve::dashboard::past::Tally;

const WIDTH: usize = 720;
const HEIGHT: usize = 160;
const WIDEST_BAR: usize = 28;

/// The layers of a bar from the ground up; each is named beside its number, so
/// that the colour only repeats what is said.
pub(in crate::serve) const LAYERS: [(&str, &str, &[StateName]); 4] = [
    ("works", "work", &[StateName::Ok, StateName::Moved]),
    ("look", "changed or want a login", &[StateName::Changed, StateName::Restricted]),
    ("unsure", "failing or not to be checked", &[StateName::Failing, StateName::Unverifiable]),
    ("dead", "dead", &[StateName::Dead]),
];

/// An `svg` element; it holds nothing but numbers and our own words.
pub(in crate::serve) fn draw(nights: &[Tally]) -> String {
    let most = nights.iter().map(|night| night.links.values().sum::<usize>()).max().unwrap_or(0).max(1);
    let step = (WIDTH / nights.len().max(1)).clamp(4, WIDEST_BAR + 4);
    let bar = step - (step / 5).max(1);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-title\">"
    );
    let _ = write!(
        svg,
        "<title id=\"chart-title\">States of the links over {} nights; the table below has the numbers</title>",
        nights.len()
    );
    for (at, night) in nights.iter().enumerate() {
        let (mut below, mut ground) = (0, HEIGHT);
        for (class, _, states) in LAYERS {
            // Rounded where it stands, not by itself: equal sums are equally high.
            below += night.count(states);
            let top = HEIGHT.saturating_sub(below * HEIGHT / most);
            let height = ground - top;
            if height == 0 {
                continue;
            }
            ground = top;
            let faint = if night.is_void { " void" } else { "" };
            let _ = write!(
                svg,
                "<rect class=\"{class}{faint}\" x=\"{}\" y=\"{ground}\" width=\"{bar}\" height=\"{height}\"/>",
                at * step
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn night(links: &[(StateName, usize)]) -> Tally {
        Tally { started: Timestamp::UNIX_EPOCH, is_void: false, links: links.iter().copied().collect() }
    }

    #[test]
    fn bars_stand_on_the_ground_and_reach_the_top_together() {
        let svg = draw(&[night(&[(StateName::Ok, 3), (StateName::Dead, 1)])]);
        assert!(svg.contains("class=\"works\" x=\"0\" y=\"40\" width=\"26\" height=\"120\""), "{svg}");
        assert!(svg.contains("class=\"dead\" x=\"0\" y=\"0\" width=\"26\" height=\"40\""), "{svg}");
    }

    #[test]
    fn no_number_of_nights_leaves_the_picture() {
        for nights in [0, 1, 23, 60] {
            let svg = draw(&vec![night(&[(StateName::Ok, 1)]); nights]);
            assert_eq!(svg.matches("<rect").count(), nights);
            for x in svg.split(" x=\"").skip(1) {
                assert!(x.split('"').next().unwrap().parse::<usize>().unwrap() < WIDTH);
            }
        }
    }
}
