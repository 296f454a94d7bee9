//! A path inside a repository: bytes, `/`-separated, relative to the root.
//!
//! Git stores names as bytes, so nothing here assumes UTF-8. The root is the empty path.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A normalised path relative to the repository root. The root itself is the empty path and prints as `.`.
///
/// Ordered byte by byte, so that every listing is the same under any locale.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<[u8]>);

/// Why bytes are not a [`RepoPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path climbs above the repository root.
    #[error("the path leaves the repository")]
    Escapes,
    /// The path begins with `/`.
    #[error("the path is absolute")]
    Absolute,
    /// A segment is empty, `.`, `..`, `.git`, or holds a NUL byte.
    #[error("the path has a segment that git does not allow")]
    Segment,
}

impl RepoPath {
    /// The root of the repository.
    pub fn root() -> Self {
        Self(Arc::from(&b""[..]))
    }

    /// Takes bytes that git stores as a path. Refuses what a crafted tree could smuggle in: `..`, `.git`, empty
    /// segments, absolute paths.
    pub fn from_git(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        if bytes[0] == b'/' {
            return Err(PathError::Absolute);
        }
        // Every file that the index holds comes by here: one look for NUL is enough for all segments.
        if memchr::memchr(0, bytes).is_some() || !bytes.split(|&b| b == b'/').all(is_name) {
            return Err(PathError::Segment);
        }
        Ok(Self(Arc::from(bytes)))
    }

    /// Resolves a path that a manifest in folder `self` writes, such as `../shared/./lib/`. `\` is not a separator
    /// here: ecosystems that write it convert it first.
    pub fn resolve(&self, written: &[u8]) -> Result<Self, PathError> {
        if written.first() == Some(&b'/') {
            return Err(PathError::Absolute);
        }
        let mut segments: Vec<&[u8]> = self.segments().collect();
        for segment in written.split(|&b| b == b'/') {
            match segment {
                b"" | b"." => {}
                b".." => {
                    segments.pop().ok_or(PathError::Escapes)?;
                }
                _ if is_segment(segment) => segments.push(segment),
                _ => return Err(PathError::Segment),
            }
        }
        Ok(Self(Arc::from(segments.join(&b'/'))))
    }

    /// The path `self/segment`. The segment comes from a [`crate::tree::Entry`], whose names are valid already.
    pub fn child(&self, segment: &[u8]) -> Self {
        if self.is_root() {
            return Self(Arc::from(segment));
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + segment.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(segment);
        Self(Arc::from(bytes))
    }

    /// `self` followed by all of `below`.
    pub fn join(&self, below: &RepoPath) -> Self {
        if below.is_root() { self.clone() } else { self.child(&below.0) }
    }

    /// The enclosing folder; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.iter().rposition(|&b| b == b'/') {
            Some(at) => Self(Arc::from(&self.0[..at])),
            None => Self::root(),
        })
    }

    /// The last segment; none for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.0.rsplit(|&b| b == b'/').next().filter(|name| !name.is_empty())
    }

    /// The path's segments from the root on; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|segment| !segment.is_empty())
    }

    /// `self`, then each enclosing folder, up to and with the root.
    pub fn ancestors(&self) -> impl Iterator<Item = RepoPath> {
        std::iter::successors(Some(self.clone()), RepoPath::parent)
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(&self, other: &RepoPath) -> bool {
        self.below_bytes(other).is_some()
    }

    /// What follows `ancestor` in this path: the root when they are equal, none when it is no ancestor.
    pub fn below(&self, ancestor: &RepoPath) -> Option<RepoPath> {
        self.below_bytes(ancestor).map(|bytes| Self(Arc::from(bytes)))
    }

    /// As [`RepoPath::below`], without an allocation.
    pub fn below_bytes(&self, ancestor: &RepoPath) -> Option<&[u8]> {
        if ancestor.is_root() {
            return Some(&self.0);
        }
        match self.0.strip_prefix(&*ancestor.0)? {
            b"" => Some(b""),
            [b'/', rest @ ..] => Some(rest),
            _ => None,
        }
    }

    /// Whether this is the repository root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The exact bytes that git stores.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path from folder `self` to `target` as a manifest would write it: `../shared/lib`, `.` for the same.
    pub fn relative_to(&self, target: &RepoPath) -> Vec<u8> {
        let here: Vec<_> = self.segments().collect();
        let there: Vec<_> = target.segments().collect();
        let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
        let mut parts: Vec<&[u8]> = vec![b".."; here.len() - shared];
        parts.extend(&there[shared..]);
        if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') }
    }
}

/// Whether bytes without a `/` can stand between two of them in a [`RepoPath`]: not empty, `.`, `..` or `.git`, and
/// without a NUL byte.
pub(crate) fn is_segment(segment: &[u8]) -> bool {
    is_name(segment) && !segment.contains(&0)
}

fn is_name(segment: &[u8]) -> bool {
    match segment {
        [] | [b'.'] | [b'.', b'.'] => false,
        [b'.', rest @ ..] => !rest.eq_ignore_ascii_case(b"git"),
        _ => true,
    }
}

/// For people: safe in a terminal and a log. Control characters, bytes that are not UTF-8 and characters that
/// change the direction of text are escaped; everything else is as it is. The root is `.`.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (number, part) in self.0.split(|&byte| byte == b'\\').enumerate() {
            // Doubled, so that a name that looks like an escape is not taken for one.
            f.write_str(if number > 0 { "\\\\" } else { "" })?;
            Harmless(part).fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Text that anybody may have written, printed so that no terminal, log or pipeline can be steered by it.
#[derive(Clone, Copy)]
pub struct Harmless<'a>(&'a [u8]);

/// Text to print that nobody may be trusted with.
pub fn harmless<'a>(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Harmless<'a> {
    Harmless(text.as_ref())
}

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some((at, character)) = rest.char_indices().find(|(_, character)| steers(*character)) {
                f.write_str(&rest[..at])?;
                write!(f, "{}", character.escape_default())?;
                rest = &rest[at + character.len_utf8()..];
            }
            f.write_str(rest)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn steers(character: char) -> bool {
    // Nearly all are of this kind.
    !matches!(character, ' '..='~') && (character.is_control() || steers_text(character))
}

/// Characters that reorder, hide or break a line of text (Unicode TR 36, "bidirectional text spoofing").
pub(crate) fn steers_text(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Text as it is; a path that is not UTF-8 as `{"bytes": [..]}`, so that nothing is lost.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Carried {
    Text(String),
    Bytes { bytes: Vec<u8> },
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: &[u8] = if self.is_root() { b"." } else { &self.0 };
        match std::str::from_utf8(bytes) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Carried::Bytes { bytes: bytes.to_vec() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = match Carried::deserialize(deserializer)? {
            Carried::Text(text) => text.into_bytes(),
            Carried::Bytes { bytes } => bytes,
        };
        let bytes: &[u8] = if bytes == b"." { b"" } else { &bytes };
        RepoPath::from_git(bytes).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for RepoPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RepoPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A path relative to the repository root; `.` is the root. A path that is not UTF-8 is an object with its bytes.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "bytes": { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 255 } } },
                    "required": ["bytes"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_git(text.as_bytes()).unwrap()
    }

    #[test]
    fn resolve_follows_dots_and_refuses_to_leave() {
        assert_eq!(path("a/b").resolve(b"../c/./d/").unwrap(), path("a/c/d"));
        assert_eq!(path("a").resolve(b"..").unwrap(), RepoPath::root());
        assert_eq!(path("a").resolve(b"../../x"), Err(PathError::Escapes));
        assert_eq!(path("a").resolve(b"/x"), Err(PathError::Absolute));
        assert_eq!(path("a").resolve(b".git/config"), Err(PathError::Segment));
    }

    #[test]
    fn within_respects_segment_borders() {
        assert!(path("pkg/a").is_within(&path("pkg")));
        assert!(!path("pkg-extra/a").is_within(&path("pkg")));
        assert!(path("pkg").is_within(&RepoPath::root()));
    }

    #[test]
    fn case_17_crafted_names_are_refused() {
        for crafted in ["../x", "a/../b", "a//b", "/a", ".git/hooks", "a/.GIT/b", "a/./b"] {
            assert!(RepoPath::from_git(crafted.as_bytes()).is_err(), "{crafted}");
        }
    }

    #[test]
    fn case_15_display_cannot_steer_a_terminal() {
        let path = RepoPath::from_git(b"a\x1b[2J\r\n\xff\xe2\x80\xaeb").unwrap();
        assert_eq!(path.to_string(), "a\\u{1b}[2J\\r\\n\\xff\\u{202e}b");
    }

    #[test]
    fn case_14_json_carries_every_byte() {
        for bytes in [&b"a/b"[..], b"\xff\xfe/x", b"", b"caf\xc3\xa9"] {
            let path = RepoPath::from_git(bytes).unwrap();
            let text = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<RepoPath>(&text).unwrap(), path, "{text}");
        }
    }

    #[test]
    fn relative_to_writes_what_resolve_reads() {
        let (from, to) = (path("a/b/c"), path("a/x"));
        assert_eq!(from.relative_to(&to), b"../../x");
        assert_eq!(from.resolve(&from.relative_to(&to)).unwrap(), to);
    }
}
