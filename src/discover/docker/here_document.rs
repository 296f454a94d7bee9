//! Here-documents of a Dockerfile: their bodies are no instructions.
//!
//! The parser knows them only as the first word of a `RUN`. They are blanked out here byte by byte before it reads
//! the text, so that every line and offset stays where it was.

/// What stands in the place of `<<`: no path and no word of a shell begins so.
pub const MARK: &str = "\u{1}\u{1}";

/// The text with the bodies of all here-documents made comments and each `<<` that opens one made a [`MARK`].
pub fn blank_out(text: &str) -> String {
    let escape = escape_character(text);
    let mut lines: Vec<Vec<u8>> = text.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
    let mut at = 0;
    while at < lines.len() {
        if is_blank_or_comment(&lines[at]) {
            at += 1;
            continue;
        }
        let last = last_line_of_instruction(&lines, at, escape);
        let mut next = last + 1;
        if may_hold_documents(&lines[at]) {
            for document in documents(&lines[at..=last]) {
                let Some(end) = lines[next.min(lines.len())..].iter().position(|line| document.ends_at(line)) else {
                    // It never ends: the parser is to say so.
                    return text.to_owned();
                };
                for line in &mut lines[next..=next + end] {
                    make_comment(line);
                }
                next += end + 1;
                let (line, column) = document.opens;
                lines[at + line][column..column + 2].copy_from_slice(MARK.as_bytes());
            }
        }
        at = next;
    }
    // Only whole characters were replaced, by ASCII.
    String::from_utf8(lines.concat()).unwrap_or_else(|_| text.to_owned())
}

struct HereDocument {
    /// Where its `<<` stands: the line within the instruction and the byte within the line.
    opens: (usize, usize),
    strips_tabs: bool,
    end: Vec<u8>,
}

impl HereDocument {
    fn ends_at(&self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let tabs = if self.strips_tabs { line.iter().take_while(|&&b| b == b'\t').count() } else { 0 };
        line[tabs..] == *self.end
    }
}

fn make_comment(line: &mut [u8]) {
    for byte in line.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b'#';
    }
}

fn is_blank_or_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), None | Some(b'#'))
}

/// The parser directive `# escape=` counts only above everything else.
fn escape_character(text: &str) -> u8 {
    for line in text.lines() {
        let Some((key, value)) = line.trim().strip_prefix('#').and_then(|comment| comment.split_once('=')) else {
            break;
        };
        match (key.trim().to_ascii_lowercase().as_str(), value.trim()) {
            ("escape", "`") => return b'`',
            ("escape" | "syntax" | "check", _) => {}
            _ => break,
        }
    }
    b'\\'
}

fn last_line_of_instruction(lines: &[Vec<u8>], first: usize, escape: u8) -> usize {
    let mut at = first;
    while lines[at].trim_ascii_end().last() == Some(&escape) {
        let Some(more) = lines[at + 1..].iter().position(|line| !is_blank_or_comment(line)) else { break };
        at += 1 + more;
    }
    at
}

fn may_hold_documents(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = words.next().map(<[u8]>::to_ascii_uppercase);
    let keyword = match first.as_deref() {
        Some(b"ONBUILD") => words.next().map(<[u8]>::to_ascii_uppercase),
        _ => first,
    };
    matches!(keyword.as_deref(), Some(b"RUN" | b"COPY" | b"ADD"))
}

/// The here-documents that the lines of one instruction open: words such as `<<EOF`, `3<<-"EOF"`, outside quotes.
fn documents(lines: &[Vec<u8>]) -> Vec<HereDocument> {
    let mut found = Vec::new();
    let mut quote: Option<u8> = None;
    for (number, line) in lines.iter().enumerate() {
        if number > 0 && is_blank_or_comment(line) {
            continue;
        }
        let mut word_start = None;
        for at in 0..=line.len() {
            let byte = line.get(at).copied().unwrap_or(b'\n');
            if quote.is_none() && byte.is_ascii_whitespace() {
                if let Some(start) = word_start.take() {
                    found.extend(document(&line[start..at], (number, start)));
                }
                continue;
            }
            word_start = word_start.or(Some(at));
            match quote {
                Some(open) if byte == open => quote = None,
                None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
                _ => {}
            }
        }
    }
    found
}

fn document(word: &[u8], (line, start): (usize, usize)) -> Option<HereDocument> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let name = word[digits..].strip_prefix(b"<<")?;
    let (strips_tabs, name) = match name.strip_prefix(b"-") {
        Some(name) => (true, name),
        None => (false, name),
    };
    if name.is_empty() || name.contains(&b'<') {
        return None;
    }
    let end = name.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\'' | b'\\')).collect();
    Some(HereDocument { opens: (line, start + digits), strips_tabs, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_become_comments_of_the_same_length() {
        let text = "FROM a\nRUN cat <<EOF > x \\\n  && y <<-'B'\nCOPY no no\nEOF\n\tADD é no\n\tB\nCOPY a b\n";
        let blank = blank_out(text);
        assert_eq!(blank.len(), text.len());
        assert!(blank.contains("\n##########\n###\n"), "{blank}");
        assert!(blank.ends_with("\nCOPY a b\n"));
        assert_eq!(blank.lines().count(), text.lines().count());
        assert!(!blank.contains("ADD"));
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "RUN echo $((1<<2)) \"a <<EOF\"\nCOPY a b\n",
            "RUN grep x <<<word\nCOPY a b\n",
            "# RUN <<EOF\nCOPY a b\n",
            "ENV a=<<EOF\nCOPY a b\n",
            "RUN <<EOF\nnever ends\n",
        ] {
            assert_eq!(blank_out(text), text);
        }
    }
}
