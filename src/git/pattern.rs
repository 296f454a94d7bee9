//! Git's wildcard patterns, as `.gitignore` and `.gitattributes` write them.
//!
//! Own code, because `globset` reads `{a,b}` as an alternation: in git a brace is a brace, and a rule that ignores
//! more than git does would hide changed files. Matching steps through all states at once, so that no pattern of a
//! hostile repository costs more than its length times the length of the path.

/// One pattern, ready to match.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Without a `/` inside, only the last segment of a path is looked at.
    whole_path: bool,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Literal(Box<[u8]>),
    Suffix(Box<[u8]>),
    Tokens(Box<[Token]>),
    /// A class that is never closed matches nothing, as in git.
    Nothing,
}

#[derive(Debug, Clone)]
enum Token {
    Byte(u8),
    /// `?`: any byte but `/`.
    One,
    /// `[…]`: a set of bytes, never `/`.
    Class(Box<[u64; 4]>),
    /// `*`: any bytes but `/`.
    Segment,
    /// `**` at the end: anything.
    Rest,
    /// The first half of `**/`: skips both halves for "no folder".
    Folders,
    /// The second half of `**/`: everything up to and with some `/`.
    FoldersLoop,
}

impl Pattern {
    /// Reads a pattern without its `!` and its trailing `/`.
    pub(super) fn new(text: &[u8]) -> Self {
        let whole_path = text.contains(&b'/');
        let text = text.strip_prefix(b"/").unwrap_or(text);
        let special = |b: &u8| matches!(b, b'*' | b'?' | b'[' | b'\\');
        let shape = if !text.iter().any(special) {
            Shape::Literal(text.into())
        } else if !whole_path && text.first() == Some(&b'*') && !text[1..].iter().any(special) {
            Shape::Suffix(text[1..].into())
        } else {
            tokens(text).map_or(Shape::Nothing, |tokens| Shape::Tokens(tokens.into()))
        };
        Self { whole_path, shape }
    }

    /// Whether a path, relative to the folder of the file that holds the pattern, is matched.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let text = if self.whole_path { path } else { path.rsplit(|&b| b == b'/').next().unwrap_or_default() };
        match &self.shape {
            Shape::Literal(literal) => **literal == *text,
            Shape::Suffix(suffix) => text.ends_with(suffix),
            Shape::Tokens(tokens) => run(tokens, text),
            Shape::Nothing => false,
        }
    }
}

fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'*' => {
                let stars = text[at..].iter().take_while(|&&b| b == b'*').count();
                let (before, after) = (at == 0 || text[at - 1] == b'/', text.get(at + stars));
                at += stars;
                match after {
                    None if stars > 1 && before => tokens.push(Token::Rest),
                    Some(b'/') if stars > 1 && before => {
                        tokens.extend([Token::Folders, Token::FoldersLoop]);
                        at += 1;
                    }
                    _ => tokens.push(Token::Segment),
                }
            }
            b'?' => {
                tokens.push(Token::One);
                at += 1;
            }
            b'[' => {
                let (class, end) = class(text, at + 1)?;
                tokens.push(Token::Class(Box::new(class)));
                at = end;
            }
            b'\\' => {
                tokens.push(Token::Byte(*text.get(at + 1)?));
                at += 2;
            }
            byte => {
                tokens.push(Token::Byte(byte));
                at += 1;
            }
        }
    }
    Some(tokens)
}

/// Reads a class from behind its `[`; gives the set and the place behind its `]`.
fn class(text: &[u8], mut at: usize) -> Option<([u64; 4], usize)> {
    let negated = matches!(text.get(at)?, b'!' | b'^');
    at += usize::from(negated);
    let mut set = [0u64; 4];
    let mut add = |byte: u8| set[usize::from(byte >> 6)] |= 1 << (byte & 63);
    let mut first = true;
    loop {
        let mut byte = *text.get(at)?;
        at += 1;
        match byte {
            b']' if !first => break,
            b'[' if text.get(at) == Some(&b':') => {
                let length = text[at + 1..].windows(2).position(|pair| pair == b":]")?;
                let test = named_class(&text[at + 1..at + 1 + length])?;
                (0..=127).filter(test).for_each(&mut add);
                at += length + 3;
                first = false;
                continue;
            }
            b'\\' => {
                byte = *text.get(at)?;
                at += 1;
            }
            _ => {}
        }
        first = false;
        let mut last = byte;
        if text.get(at) == Some(&b'-') && text.get(at + 1).is_some_and(|&b| b != b']') {
            last = text[at + 1];
            at += 2;
            if last == b'\\' {
                last = *text.get(at)?;
                at += 1;
            }
        }
        (byte..=last).for_each(&mut add);
    }
    if negated {
        set.iter_mut().for_each(|word| *word = !*word);
    }
    let slash = usize::from(b'/');
    set[slash >> 6] &= !(1 << (slash & 63));
    Some((set, at))
}

fn named_class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |b| matches!(b, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |b| matches!(b, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |b| matches!(b, b' ' | b'\t'..=b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

fn run(tokens: &[Token], text: &[u8]) -> bool {
    let mut states = vec![false; tokens.len() + 1];
    states[0] = true;
    settle(tokens, &mut states);
    for &byte in text {
        let mut next = vec![false; tokens.len() + 1];
        let mut alive = false;
        for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| states[at]) {
            let (stay, step) = match token {
                Token::Byte(wanted) => (false, *wanted == byte),
                Token::One => (false, byte != b'/'),
                Token::Class(set) => (false, set[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1),
                Token::Segment => (byte != b'/', false),
                Token::Rest => (true, false),
                Token::Folders => (false, false),
                Token::FoldersLoop => (true, byte == b'/'),
            };
            next[at] |= stay;
            next[at + 1] |= step;
            alive |= stay || step;
        }
        if !alive {
            return false;
        }
        settle(tokens, &mut next);
        states = next;
    }
    states[tokens.len()]
}

/// Follows the steps that consume nothing. They only lead forward, so that one pass is enough.
fn settle(tokens: &[Token], states: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if states[at] {
            match token {
                Token::Segment | Token::Rest => states[at + 1] = true,
                Token::Folders => {
                    states[at + 1] = true;
                    states[at + 2] = true;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_git_documents_them() {
        let rows: &[(&str, &str, bool)] = &[
            ("*.js", "a/b.js", true),
            ("*.{js,ts}", "a/b.js", false),
            ("*.{js,ts}", "a/b.{js,ts}", true),
            ("build", "a/build", true),
            ("/build", "a/build", false),
            ("/build", "build", true),
            ("a/*.o", "a/x.o", true),
            ("a/*.o", "a/b/x.o", false),
            ("a/**/x", "a/x", true),
            ("a/**/x", "a/b/c/x", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("**/x/y", "a/x/y", true),
            ("a**b/c", "axyb/c", true),
            ("a**b/c", "ax/yb/c", false),
            ("[a-c]?.txt", "b1.txt", true),
            ("[!a-c]?.txt", "b1.txt", false),
            ("[]x]", "]", true),
            ("[[:digit:]]x", "5x", true),
            ("a/[^b]c", "a//c", false),
            ("\\*.js", "*.js", true),
            ("\\*.js", "a.js", false),
            ("[abc", "a", false),
            ("*a*b*c", "xaxbxc", true),
            ("*a*b*c", "xaxbx", false),
        ];
        for (pattern, path, expected) in rows {
            assert_eq!(Pattern::new(pattern.as_bytes()).matches(path.as_bytes()), *expected, "{pattern} {path}");
        }
    }

    #[test]
    fn hostile_patterns_cost_no_more_than_their_length() {
        let pattern = Pattern::new("**/*a".repeat(200).as_bytes());
        assert!(!pattern.matches("a/".repeat(1000).as_bytes()));
    }
}
