//! A bar chart of the nights as SVG: one bar per night, one layer per group of states.

use std::fmt::Write as _;

use crate::domain::verdict::StateName;
use crate::serve::library::night_history::StateCounts;

const WIDTH: usize = 720;
const HEIGHT: usize = 160;
const MAX_BAR_WIDTH: usize = 28;
const GAP: usize = 4;

/// States that share a colour. Each colour has a label, so that the page can be read
/// without seeing colours.
pub(in crate::serve) struct ChartLayer {
    /// The class in the style sheet.
    pub class: &'static str,
    pub label: &'static str,
    pub states: &'static [StateName],
}

/// From the bottom of a bar to its top.
pub(in crate::serve) const LAYERS: [ChartLayer; 4] = [
    ChartLayer { class: "works", label: "working", states: &[StateName::Ok, StateName::Moved] },
    ChartLayer {
        class: "look",
        label: "changed or behind a login",
        states: &[StateName::Changed, StateName::Restricted],
    },
    ChartLayer {
        class: "unsure",
        label: "failing or unverifiable",
        states: &[StateName::Failing, StateName::Unverifiable],
    },
    ChartLayer { class: "dead", label: "dead", states: &[StateName::Dead] },
];

/// An `svg` element. It contains only numbers and fixed text, so nothing needs escaping.
pub(in crate::serve) fn draw(nights: &[StateCounts]) -> String {
    let most = nights.iter().map(|night| night.links.values().sum::<usize>()).max().unwrap_or(0).max(1);
    let step = (WIDTH / nights.len().max(1)).clamp(GAP, MAX_BAR_WIDTH + GAP);
    let bar = step - (step / 5).max(1);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-title\">"
    );
    let _ = write!(
        svg,
        "<title id=\"chart-title\">Links by state in {} nights; the table below has the numbers</title>",
        nights.len()
    );
    for (index, night) in nights.iter().enumerate() {
        let (mut below, mut bottom) = (0, HEIGHT);
        for layer in &LAYERS {
            // The position is rounded, not the height, so that equal sums are equally high.
            below += night.count(layer.states);
            let top = HEIGHT.saturating_sub(below * HEIGHT / most);
            let height = bottom - top;
            if height == 0 {
                continue;
            }
            bottom = top;
            let (class, faint) = (layer.class, if night.is_void { " void" } else { "" });
            let _ = write!(
                svg,
                "<rect class=\"{class}{faint}\" x=\"{}\" y=\"{bottom}\" width=\"{bar}\" height=\"{height}\"/>",
                index * step
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

    fn night(links: &[(StateName, usize)]) -> StateCounts {
        StateCounts { started: Timestamp::UNIX_EPOCH, is_void: false, links: links.iter().copied().collect() }
    }

    #[test]
    fn layers_are_stacked_from_the_bottom_to_the_top() {
        let svg = draw(&[night(&[(StateName::Ok, 3), (StateName::Dead, 1)])]);
        assert!(svg.contains("class=\"works\" x=\"0\" y=\"40\" width=\"26\" height=\"120\""), "{svg}");
        assert!(svg.contains("class=\"dead\" x=\"0\" y=\"0\" width=\"26\" height=\"40\""), "{svg}");
    }

    #[test]
    fn every_number_of_nights_fits() {
        for nights in [0, 1, 23, 60] {
            let svg = draw(&vec![night(&[(StateName::Ok, 1)]); nights]);
            assert_eq!(svg.matches("<rect").count(), nights);
            for x in svg.split(" x=\"").skip(1) {
                assert!(x.split('"').next().unwrap().parse::<usize>().unwrap() < WIDTH);
            }
        }
    }
}
