//! What is handed to an engine, before it is YAML or JSON: values, and maps whose keys keep their order.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::CiError;

/// A value of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Text, whatever it looks like.
    Text(String),
    /// A number.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order in which they were put in.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// An empty map.
    pub fn map() -> Self {
        Node::Map(Vec::new())
    }

    /// The map with one key more.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Node>) -> Self {
        if let Node::Map(entries) = &mut self {
            entries.push((key.into(), value.into()));
        }
        self
    }

    /// The map with one key more, if there is a value for it.
    pub fn with_some(self, key: &str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The list, or nothing where it is empty.
    pub fn unless_empty(list: Vec<Node>) -> Option<Self> {
        (!list.is_empty()).then_some(Node::List(list))
    }

    /// The document as YAML.
    pub fn yaml(&self) -> Result<String, CiError> {
        let options = serde_saphyr::ser_options! { compact_list_indent: false };
        serde_saphyr::to_string_with_options(self, options).map_err(|error| CiError::Unwritable(error.to_string()))
    }

    /// The document as JSON on one line.
    pub fn json(&self) -> Result<String, CiError> {
        serde_json::to_string(self).map_err(|error| CiError::Unwritable(error.to_string()))
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Node::Text(text)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Node::Number(number)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Node::Flag(flag)
    }
}

impl<T: Into<Node>> From<Vec<T>> for Node {
    fn from(list: Vec<T>) -> Self {
        Node::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Node>, const N: usize> From<[T; N]> for Node {
    fn from(list: [T; N]) -> Self {
        Node::List(list.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Text(text) => serializer.serialize_str(text),
            Node::Number(number) => serializer.serialize_u64(*number),
            Node::Flag(flag) => serializer.serialize_bool(*flag),
            Node::List(list) => list.serialize(serializer),
            Node::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_keeps_order_and_says_what_text_is() {
        let document = Node::map()
            .with("on", ["push"])
            .with("b", Node::map())
            .with("a", Node::map().with("yes", "no").with("n", 1_u64))
            .with("version", "2.1")
            .with("list", vec![Node::map().with("x", "- y: z").with("e", "")])
            .with("script", "one\n  two # \"three\"\n");
        let text = document.yaml().unwrap();
        insta::assert_snapshot!(text);
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, serde_json::to_value(&document).unwrap());
    }
}
