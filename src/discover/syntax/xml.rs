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

    /// The line on which `node` begins, counted from 1.
    pub fn line_of(&self, node: Node<'_, '_>) -> u32 {
        self.0.line_of(node.range().start)
    }

    /// `value`, stated by the line on which `node` begins.
    pub fn stated<T>(&self, node: Node<'_, '_>, value: T) -> Stated<T> {
        self.0.stated(self.line_of(node), value)
    }
}

/// An element as bytes that say all of it and nothing of how it is written: comments, the order of attributes and white
/// space between elements are left out, and so are the elements that stand apart. Text next to no element counts as it is.
pub fn canonical_element(node: Node<'_, '_>, is_apart: &dyn Fn(Node<'_, '_>) -> bool) -> Vec<u8> {
    let mut to = Vec::new();
    write_element(node, is_apart, &mut to);
    to
}

// A document nests at most so deep as the reader allows.
fn write_element(node: Node<'_, '_>, is_apart: &dyn Fn(Node<'_, '_>) -> bool, to: &mut Vec<u8>) {
    let field = |kind: u8, text: &str, to: &mut Vec<u8>| {
        to.push(kind);
        to.extend((text.len() as u64).to_le_bytes());
        to.extend(text.as_bytes());
    };
    let tag = node.tag_name();
    field(b'<', tag.namespace().unwrap_or_default(), to);
    field(b'n', tag.name(), to);
    let mut attributes: Vec<_> =
        node.attributes().map(|a| (a.namespace().unwrap_or_default(), a.name(), a.value())).collect();
    attributes.sort_unstable();
    for (namespace, name, value) in attributes {
        field(b'@', namespace, to);
        field(b'n', name, to);
        field(b'=', value, to);
    }
    let has_elements = node.children().any(|child| child.is_element());
    // A comment in the middle of a text does not part it.
    let mut text = String::new();
    let close = |text: &mut String, to: &mut Vec<u8>| {
        let is_layout = has_elements && text.trim().is_empty();
        if !text.is_empty() && !is_layout {
            field(b't', text, to);
        }
        text.clear();
    };
    for child in node.children() {
        if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        } else if child.is_element() && !is_apart(child) {
            close(&mut text, to);
            write_element(child, is_apart, to);
        } else if let Some(instruction) = child.pi() {
            close(&mut text, to);
            field(b'?', instruction.target, to);
            field(b'=', instruction.value.unwrap_or_default(), to);
        }
    }
    close(&mut text, to);
    to.push(b'>');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Vec<u8> {
        canonical_element(read_xml(text).unwrap().root_element(), &|node| node.has_tag_name("apart"))
    }

    #[test]
    fn what_nobody_reads_is_left_out_of_the_canonical_form() {
        let base = canonical("<a x='1' y='2'><b>text here</b><c/></a>");
        for same in [
            "<a y=\"2\" x=\"1\">\n  <b>text here</b><!-- why -->\n  <c></c>\n</a>",
            "<!-- top --><a x='1' y='2'><b>text<!-- cut --> here</b><apart>1</apart><c/></a>",
        ] {
            assert_eq!(canonical(same), base, "{same}");
        }
        for other in [
            "<a x='1' y='2'><c/><b>text here</b></a>",
            "<a x='1' y='2'><b>text  here</b><c/></a>",
            "<a x='1' y='2'><b> text here</b><c/></a>",
            "<a x='1' y='2'><b>text here</b><c> </c></a>",
            "<a x='1' y='2'>text<b>text here</b><c/></a>",
            "<a x='1' y='2'><b>text here<c/></b></a>",
            "<a x='1' y='2 '><b>text here</b><c/></a>",
            "<a xmlns='n' x='1' y='2'><b>text here</b><c/></a>",
            "<a x='1' y='2'><b>text here</b><c/><?p q?></a>",
        ] {
            assert_ne!(canonical(other), base, "{other}");
        }
    }
}
