//! Names of authors.

use crate::domain::document::text::one_line;

/// An author. An institution has only a family name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub family: String,
    pub given: Option<String>,
}

impl Author {
    /// Reads "Family, Given" or "Given Family"; `None` for an empty name.
    pub fn parse(name: &str) -> Option<Self> {
        let name = one_line(name);
        let (family, given) = match name.split_once(',') {
            Some((family, given)) => (family.trim(), given.trim()),
            None => match name.rsplit_once(' ') {
                Some((given, family)) => (family, given),
                None => (name.as_str(), ""),
            },
        };
        (!family.is_empty()).then(|| Self {
            family: family.to_owned(),
            given: Some(given.to_owned()).filter(|given| !given.is_empty()),
        })
    }

    /// "Family, Given".
    pub fn reversed(&self) -> String {
        match &self.given {
            Some(given) => format!("{}, {given}", self.family),
            None => self.family.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_are_read() {
        for (name, reversed) in [
            ("Ashish Vaswani", "Vaswani, Ashish"),
            ("Vaswani,  Ashish ", "Vaswani, Ashish"),
            ("Aristotle", "Aristotle"),
            ("Jean-Luc van der Berg", "Berg, Jean-Luc van der"),
        ] {
            assert_eq!(Author::parse(name).unwrap().reversed(), reversed);
        }
        assert_eq!(Author::parse(" \n"), None);
    }
}
