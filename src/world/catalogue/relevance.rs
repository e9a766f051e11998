//! The order of passages that all contain the words of a query, by their texts alone: BM25
//! without the frequency of the words in other passages, which for common words says nothing
//! (Robertson and Zaragoza, doi:10.1561/1500000019).

use std::borrow::Cow;

use super::snippet::SoughtPhrase;
use super::words::words;

/// How soon further matches of a word stop counting.
const SATURATION: f64 = 1.2;
/// How much the length of a passage counts.
const LENGTH: f64 = 0.75;

/// The places of the passages in `texts`, the best first. Equal ones keep their order.
pub(super) fn best_first(texts: &[Cow<'_, str>], phrases: &[SoughtPhrase]) -> Vec<usize> {
    let counted: Vec<(f64, Vec<f64>)> = texts
        .iter()
        .map(|text| {
            let words = words(text);
            let counts = phrases.iter().map(|phrase| count(phrase.count_in(&words))).collect();
            (count(words.len()), counts)
        })
        .collect();
    let average = counted.iter().map(|(length, _)| length).sum::<f64>() / count(counted.len().max(1));
    let score = |(length, counts): &(f64, Vec<f64>)| {
        let weight = SATURATION * (1.0 - LENGTH + LENGTH * length / average.max(1.0));
        counts.iter().map(|times| times / (times + weight)).sum::<f64>()
    };
    let scores: Vec<f64> = counted.iter().map(score).collect();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    order
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(texts: &[&str], query: &str) -> Vec<usize> {
        let texts: Vec<Cow<'_, str>> = texts.iter().map(|text| Cow::Borrowed(*text)).collect();
        best_first(&texts, &SoughtPhrase::of_query(query))
    }

    #[test]
    fn more_matches_and_shorter_texts_come_first() {
        let texts = ["a model of the sea and of the sky", "the model and its models", "a model"];
        assert_eq!(order(&texts, "model"), [1, 2, 0]);
        assert_eq!(order(&["x y", "x y", "x x y"], "x y"), [2, 0, 1], "equal ones keep their order");
        assert_eq!(order(&["sea sea sea sea", "sea sky", "sky"], "sea sky"), [1, 0, 2]);
        assert_eq!(order(&[], "model"), [0; 0]);
    }
}
