//! Personal data where none belongs: e-mail addresses and telephone numbers in texts.
//!
//! It looks for what no technical value is: not every address is found, and nothing is called one that is none.

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Personal {
    /// An e-mail address.
    EMail,
    /// A telephone number in international form.
    Phone,
}

/// Digits that a telephone number has at least, after its `+`.
const DIGITS: usize = 9;

impl Personal {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::EMail => "an e-mail address",
            Self::Phone => "a telephone number",
        }
    }

    /// What a text is or holds.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        // Every attribute of every span comes here: most have neither of the two.
        if text.as_bytes().contains(&b'@') && has_address(text) {
            return Some(Self::EMail);
        }
        (text.starts_with('+') && is_number(&text[1..])).then_some(Self::Phone)
    }
}

/// `name@host.domain`, where no password and no port stands around it.
fn has_address(text: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || "._-+".contains(letter);
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part);
        let host: String = text[at + 1..].chars().take_while(|letter| part(*letter)).collect();
        let url = text[..at].contains("://");
        let domain = host
            .rsplit_once('.')
            .is_some_and(|(name, domain)| !name.is_empty() && domain.len() > 1 && domain.chars().all(char::is_alphabetic));
        before && domain && !url
    })
}

fn is_number(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() >= DIGITS
        && text.chars().all(|letter| letter.is_ascii_digit() || " -()".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_found() {
        for text in ["olga.petrova@example.com", "from Olga <olga@mail.example.org>, again"] {
            assert_eq!(Personal::in_text(text), Some(Personal::EMail), "{text}");
        }
        for text in ["+44 7700 900123", "+7 (900) 555-01-23", "+123456789"] {
            assert_eq!(Personal::in_text(text), Some(Personal::Phone), "{text}");
        }
    }

    #[test]
    fn technical_values_are_none() {
        let technical = [
            "",
            "@",
            "a@b",
            "consumer@1",
            "amqp://user:secret@broker.local:5672",
            "00-0af7651916cd43dd8448eb211c80319c-01",
            "+12345678",
            "+1.5e300000000",
            "o-1.1-322",
            "postgres@16.4",
            "1767571200000000000",
            "+00:00",
        ];
        for text in technical {
            assert_eq!(Personal::in_text(text), None, "{text}");
        }
    }
}
