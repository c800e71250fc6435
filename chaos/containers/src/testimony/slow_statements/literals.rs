//! A statement without the values that stand in it: what a person gave has no place in a log.

/// The statement with a question mark for each value, as OpenTelemetry wants query texts. What follows on a comment is left out: it
/// may hold anything.
pub(super) fn left_out(statement: &str) -> String {
    let mut out = String::with_capacity(statement.len());
    let mut rest = statement;
    while let Some(letter) = rest.chars().next() {
        if rest.starts_with("--") || rest.starts_with("/*") {
            out.push_str("...");
            break;
        }
        let within_word = out.ends_with(of_word);
        let dollar = Some(rest).filter(|rest| rest.starts_with('$') && !within_word).and_then(dollar_quoted);
        let (kept, length) = match letter {
            '\'' => ("?", quoted(rest, '\'', is_escape(&out))),
            '"' => {
                let length = quoted(rest, '"', false);
                (&rest[..length], length)
            }
            '0'..='9' if !within_word => ("?", rest.find(|letter| !of_word(letter) && letter != '.').unwrap_or(rest.len())),
            _ => match dollar {
                Some(length) => ("?", length),
                None => (&rest[..letter.len_utf8()], letter.len_utf8()),
            },
        };
        out.push_str(kept);
        rest = &rest[length..];
    }
    out
}

/// Names and parameters such as `$1` are of these.
fn of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// How long a quoted text at the beginning is, its quotes included: to the end where it is cut off. A doubled quote does not end it,
/// nor does one after a backslash where that escapes.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && escapes {
            letters.next();
        } else if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return at + quote.len_utf8();
        }
    }
    text.len()
}

/// Whether the text that follows is one with backslashes, `E'...'`.
fn is_escape(before: &str) -> bool {
    before.strip_suffix(['e', 'E']).is_some_and(|before| !before.ends_with(of_word))
}

/// How long a text in dollars at the beginning is, `$tag$...$tag$`; `None` where none begins.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = &text[..text[1..].find('$')? + 2];
    let name = &tag[1..tag.len() - 1];
    if name.starts_with(|letter: char| letter.is_ascii_digit()) || !name.chars().all(of_word) {
        return None;
    }
    let end = text[tag.len()..].find(tag).map(|at| tag.len() + at + tag.len());
    Some(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::left_out;

    #[test]
    fn values_are_left_out_and_names_and_parameters_stay() {
        for (statement, expected) in [
            ("select \"a'1\" from t1 where c2 = $12 and d = 12", "select \"a'1\" from t1 where c2 = $12 and d = ?"),
            ("select pg_sleep(0.3), -1e5, 0x1F, .5", "select pg_sleep(?), -?, ?, .?"),
            ("insert into t values ('it''s Ivanov', N'x')", "insert into t values (?, N?)"),
            (r"select E'it\'s', 'C:\', name", r"select E?, ?, name"),
            ("select $$it's 7$$, $q$a $$ b$q$, x", "select ?, ?, x"),
            ("select 1 -- it's Ivanov's\nfrom t", "select ? ..."),
            ("select a /* it's */ from t", "select a ..."),
            ("select 'cut o", "select ?"),
            ("select $", "select $"),
            ("выбор 'я' 1", "выбор ? ?"),
            ("", ""),
        ] {
            assert_eq!(left_out(statement), expected, "{statement}");
        }
    }
}
