//! XML, without entities: a document type declaration is refused.

use roxmltree::{Document, Node, ParsingOptions};

use super::{DEEPEST_NESTING, Lines, Stated, Unreadable};

/// An element may have this many attributes: the parser compares each with all before it.
const MOST_ATTRIBUTES: usize = 10_000;

/// A document may declare this many namespaces: the parser hands each down to every element that declares one.
const MOST_NAMESPACES: usize = 1000;

/// Reads XML text. Nesting is bounded before the parser sees it, and DTDs are refused by it.
pub fn read_xml(text: &str) -> Result<Document<'_>, Unreadable> {
    let (mut depth, mut end) = (0usize, 0);
    for (at, _) in text.match_indices('<') {
        match text.as_bytes().get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') => {}
            _ => {
                // Looked for once, however many `<` stand before it.
                if end <= at {
                    end = text[at..].find('>').map_or(text.len(), |length| at + length);
                }
                if !text[at..end].ends_with('/') {
                    depth += 1;
                }
            }
        }
        if depth > DEEPEST_NESTING {
            return Err(Unreadable::at(Lines::new(text).line_of(at), "its elements nest too deep"));
        }
    }
    // What stands between two elements is counted with the first, so that no quote need be understood.
    if text.split('<').any(|part| part.bytes().filter(|&byte| byte == b'=').count() > MOST_ATTRIBUTES) {
        return Err(Unreadable::at(0, format!("an element has more than {MOST_ATTRIBUTES} attributes")));
    }
    if text.matches("xmlns").count() > MOST_NAMESPACES {
        return Err(Unreadable::at(0, format!("it has more than {MOST_NAMESPACES} namespaces")));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: 1_000_000, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        Unreadable { message: error.to_string(), line: at.row, column: at.col }
    })
}

/// The lines of an XML text, to state what its nodes say.
pub struct XmlLines<'a>(Lines<'a>);

impl<'a> XmlLines<'a> {
    /// Finds the line starts once.
    pub fn new(text: &'a str) -> Self {
        Self(Lines::new(text))
    }

    /// `value`, stated by the line on which `node` begins.
    pub fn stated<T>(&self, node: Node<'_, '_>, value: T) -> Stated<T> {
        self.0.stated(self.0.line_of(node.range().start), value)
    }
}
