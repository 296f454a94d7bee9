//! XML, without entities: a document type declaration is refused.

use roxmltree::{Document, Node, ParsingOptions};

use super::{DEEPEST_NESTING, Lines, Stated, Unreadable};

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
