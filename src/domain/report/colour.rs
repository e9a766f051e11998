//! Colours in texts for a terminal. They only repeat what the words say.

use anstyle::{AnsiColor, Style};

use crate::domain::report::placement::SectionHeading;
use crate::domain::verdict::StateName;

/// Whether a text has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    #[default]
    Off,
    On,
}

/// What a colour says of the words that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    /// A person should look at it.
    Attention,
    Bad,
    /// A heading without a judgement.
    Heading,
}

impl Tone {
    fn style(self) -> Style {
        let of = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Good => of(AnsiColor::Green),
            Self::Attention => of(AnsiColor::Yellow),
            Self::Bad => of(AnsiColor::Red).bold(),
            Self::Heading => Style::new().bold(),
        }
    }
}

impl From<StateName> for Tone {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Ok => Self::Good,
            StateName::Moved
            | StateName::Changed
            | StateName::Restricted
            | StateName::Unverifiable
            | StateName::Failing => Self::Attention,
            StateName::Dead => Self::Bad,
        }
    }
}

impl From<SectionHeading> for Tone {
    fn from(heading: SectionHeading) -> Self {
        match heading {
            SectionHeading::NeedsYou | SectionHeading::NewlyDead | SectionHeading::StillDead => Self::Bad,
            SectionHeading::NotConfirmedButDue
            | SectionHeading::FoundNotWorking
            | SectionHeading::Changed
            | SectionHeading::Moved
            | SectionHeading::Restricted
            | SectionHeading::NotAnswering => Self::Attention,
            SectionHeading::Fixed => Self::Good,
            SectionHeading::SmallPoints
            | SectionHeading::CouldNotCheck
            | SectionHeading::NotYetConfirmed
            | SectionHeading::Decided => Self::Heading,
        }
    }
}

impl Colours {
    /// The text in the colour of the tone, or as it is.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        match self {
            Self::Off => text.to_owned(),
            Self::On => {
                let style = tone.style();
                format!("{style}{text}{style:#}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_added_only_where_they_are_wanted() {
        assert_eq!(Colours::On.paint(Tone::Good, "ok"), "\u{1b}[32mok\u{1b}[0m");
        assert_eq!(Colours::Off.paint(Tone::Good, "ok"), "ok");
    }
}
