//! Substitution of variables as Dockerfiles and compose files write it: `$X`, `${X}`, `${X:-word}` and their kin.

use std::collections::BTreeSet;

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Its value.
    Value(String),
    /// It has none unless somebody gives it one by hand.
    Unset,
    /// It may have one that no file of the repository states.
    Unknown,
}

/// How a text quotes and escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A Dockerfile with its escape character: quotes group and are dropped, single quotes stop substitution.
    Dockerfile(char),
    /// A compose file or an environment file: `$$` is a dollar sign, quotes are text.
    Compose,
}

/// A text after substitution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text; a variable that is not known leaves nothing behind.
    pub text: String,
    /// The variables that are not known.
    pub unknown: BTreeSet<String>,
}

impl Expanded {
    /// The text, if all of it is known.
    pub fn known(self) -> Result<String, String> {
        match self.unknown.into_iter().next() {
            None => Ok(self.text),
            Some(name) => Err(name),
        }
    }

    /// Puts in what stands for a variable; where the text becomes too long by it, it counts as not known.
    fn put_in(&mut self, name: &str, value: &str) {
        if self.text.len() + value.len() <= LONGEST_TEXT {
            self.text.push_str(value);
        } else {
            self.unknown.insert(name.to_owned());
        }
    }
}

/// The longest value that is substituted, in bytes: values may double with every line that uses another.
pub const LONGEST_VALUE: usize = 4096;

/// How long a text may become by values that are put in, in bytes: each may be put in as often as it is named.
const LONGEST_TEXT: usize = 16 * LONGEST_VALUE;

/// How deep a default value may hold further variables.
const DEEPEST_DEFAULT: u8 = 8;

/// Substitutes the variables of a text.
pub fn expand(text: &str, dialect: Dialect, lookup: &dyn Fn(&str) -> Lookup) -> Expanded {
    expand_within(text, dialect, lookup, DEEPEST_DEFAULT)
}

fn expand_within(text: &str, dialect: Dialect, lookup: &dyn Fn(&str) -> Lookup, depth: u8) -> Expanded {
    let mut expanded = Expanded::default();
    let characters: Vec<char> = text.chars().collect();
    let mut quote: Option<char> = None;
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        at += 1;
        if let Dialect::Dockerfile(escape) = dialect {
            if quote == Some('\'') {
                match character {
                    '\'' => quote = None,
                    _ => expanded.text.push(character),
                }
                continue;
            }
            if character == escape {
                match characters.get(at) {
                    Some(&next) if quote.is_none() || matches!(next, '"' | '$') || next == escape => {
                        expanded.text.push(next);
                        at += 1;
                    }
                    _ => expanded.text.push(character),
                }
                continue;
            }
            if character == '"' || character == '\'' && quote.is_none() {
                quote = if quote.is_some() { None } else { Some(character) };
                continue;
            }
        }
        if character != '$' {
            expanded.text.push(character);
            continue;
        }
        match characters.get(at) {
            Some('$') if dialect == Dialect::Compose => {
                expanded.text.push('$');
                at += 1;
            }
            Some('{') => {
                let end = closing_brace(&characters, at + 1);
                let inside: String = characters[at + 1..end].iter().collect();
                at = (end + 1).min(characters.len());
                substitute(&inside, dialect, lookup, depth, &mut expanded);
            }
            Some(&first) if is_name(first) => {
                let end = characters[at..].iter().position(|&c| !is_name(c)).map_or(characters.len(), |n| at + n);
                // A digit alone is a positional parameter, which neither file has.
                let name: String = characters[at..end].iter().collect();
                at = end;
                substitute(&name, dialect, lookup, depth, &mut expanded);
            }
            _ => expanded.text.push('$'),
        }
    }
    expanded
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The variables that a text of a compose file names, wherever in it: some may turn out to be of no matter.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.split_once('$')?.1;
            if let Some(literal) = rest.strip_prefix('$') {
                rest = literal;
                continue;
            }
            let named = rest.strip_prefix('{').unwrap_or(rest);
            let (name, after) = named.split_at(named.find(|c| !is_name(c)).unwrap_or(named.len()));
            rest = after;
            if !name.is_empty() {
                return Some(name);
            }
        }
    })
}

/// Where the brace that opened before `from` closes, or the end of the text.
fn closing_brace(characters: &[char], from: usize) -> usize {
    let mut open = 1;
    for (at, character) in characters.iter().enumerate().skip(from) {
        match character {
            '{' if characters[at - 1] == '$' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    characters.len()
}

/// Puts in what stands between the braces: a name, perhaps with an operator and a word.
fn substitute(inside: &str, dialect: Dialect, lookup: &dyn Fn(&str) -> Lookup, depth: u8, expanded: &mut Expanded) {
    let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let (colon, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut operator = rest.chars();
    let value = lookup(name);
    let word = match (operator.next(), value) {
        (None | Some('?'), Lookup::Value(value)) => return expanded.put_in(name, &value),
        (Some('-'), Lookup::Value(value)) if !(colon && value.is_empty()) => {
            return expanded.put_in(name, &value);
        }
        (Some('-'), Lookup::Value(_) | Lookup::Unset) => operator.as_str(),
        (Some('+'), Lookup::Value(value)) if !(colon && value.is_empty()) => operator.as_str(),
        (Some('+'), Lookup::Value(_) | Lookup::Unset) => return,
        _ => {
            expanded.unknown.insert(name.to_owned());
            return;
        }
    };
    if depth == 0 {
        expanded.unknown.insert(name.to_owned());
        return;
    }
    let inner = expand_within(word, dialect, lookup, depth - 1);
    expanded.put_in(name, &inner.text);
    expanded.unknown.extend(inner.unknown);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Lookup {
        match name {
            "A" => Lookup::Value("a".to_owned()),
            "EMPTY" => Lookup::Value(String::new()),
            "UNSET" => Lookup::Unset,
            _ => Lookup::Unknown,
        }
    }

    #[test]
    fn variables_are_substituted() {
        for (text, wanted) in [
            ("x/$A/y", "x/a/y"),
            ("x/${A}y", "x/ay"),
            ("${UNSET:-${A}b}", "ab"),
            ("${EMPTY:-d}${EMPTY-d}", "d"),
            ("${A:+yes}${UNSET:+no}", "yes"),
            ("${A:?must}", "a"),
            ("$$A", "$A"),
            ("a$", "a$"),
        ] {
            assert_eq!(expand(text, Dialect::Compose, &lookup).known().as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn all_names_are_found() {
        let found: Vec<&str> = names_in("$A/${B:-${C}$$D}${E:+$F}$$$G ${} $ ${H").collect();
        assert_eq!(found, ["A", "B", "C", "E", "F", "G", "H"]);
    }

    #[test]
    fn what_is_not_known_is_named() {
        for text in ["$B", "${B:-x}", "${UNSET}", "${UNSET:?x}", "${A#x}", "${UNSET:-$B}", "${"] {
            assert!(expand(text, Dialect::Compose, &lookup).known().is_err(), "{text}");
        }
        let deep = "${UNSET:-".repeat(10_000);
        assert!(expand(&deep, Dialect::Compose, &lookup).known().is_err());
    }

    #[test]
    fn case_96_a_text_that_its_values_make_too_long_is_not_known() {
        let long = |_: &str| Lookup::Value("v".repeat(LONGEST_VALUE));
        assert_eq!(expand(&"$A".repeat(16), Dialect::Compose, &long).known().map(|text| text.len()), Ok(LONGEST_TEXT));
        for text in ["$A".repeat(50_000), "${A:-x}".repeat(17), format!("${{B:+{}}}", "$A".repeat(50_000))] {
            let expanded = expand(&text, Dialect::Compose, &long);
            assert!(expanded.text.len() <= LONGEST_TEXT && expanded.known().is_err());
        }
    }

    #[test]
    fn dockerfiles_quote_and_escape() {
        let expanded = |text| expand(text, Dialect::Dockerfile('\\'), &lookup).known();
        assert_eq!(expanded(r#""x y"/'$B'/\$A"#).as_deref(), Ok("x y/$B/$A"));
        let windows = expand("src`$A\\$A", Dialect::Dockerfile('`'), &lookup);
        assert_eq!(windows.text, "src$A\\a");
    }
}
