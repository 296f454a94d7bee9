//! Values as bytes that say all of them and nothing of how they are written.

use super::{Key, Located, Value};

/// What of the way a value is written counts.
#[derive(Default)]
struct Spelling<'a> {
    /// The order of keys.
    keys_in_order: bool,
    /// Lists are sets: their order does not count.
    lists_are_sets: bool,
    /// Keys of tables that are left out.
    left_out: &'a [&'a str],
}

impl Located {
    /// Two values have the same bytes if and only if they are equal but for the order of keys and where they stand.
    pub fn canonical(&self) -> Vec<u8> {
        Spelling::default().bytes_of(self)
    }

    /// The same, but for values in which the order of keys says something.
    pub fn canonical_in_order(&self) -> Vec<u8> {
        Spelling { keys_in_order: true, ..Spelling::default() }.bytes_of(self)
    }

    /// The same, without these keys of the outermost table.
    pub fn canonical_without(&self, is_left_out: impl Fn(&str) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &self.value {
            Value::Table(pairs) => {
                let kept = pairs.iter().filter(|(key, _)| !is_left_out(&key.text)).collect();
                Spelling::default().write_table(kept, &mut bytes);
            }
            _ => Spelling::default().write(self, &mut bytes),
        }
        bytes
    }

    /// The same, with lists in which order means nothing, and without these keys of tables.
    pub fn canonical_set(&self, left_out: &[&str]) -> Vec<u8> {
        Spelling { lists_are_sets: true, left_out, ..Spelling::default() }.bytes_of(self)
    }
}

fn write_text(kind: u8, text: &str, to: &mut Vec<u8>) {
    to.push(kind);
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}

impl Spelling<'_> {
    fn bytes_of(&self, value: &Located) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(value, &mut bytes);
        bytes
    }

    /// What was read nests at most so deep as the readers allow.
    fn write(&self, value: &Located, to: &mut Vec<u8>) {
        match &value.value {
            Value::Null => to.push(b'0'),
            Value::Bool(truth) => to.push(if *truth { b'y' } else { b'n' }),
            Value::Number(number) => write_text(b'#', number, to),
            Value::Text(text) => write_text(b't', text, to),
            Value::List(items) => {
                to.push(b'[');
                if self.lists_are_sets {
                    let mut items: Vec<Vec<u8>> = items.iter().map(|item| self.bytes_of(item)).collect();
                    items.sort();
                    items.iter().for_each(|item| to.extend(item));
                } else {
                    items.iter().for_each(|item| self.write(item, to));
                }
                to.push(b']');
            }
            Value::Table(pairs) => {
                let kept = pairs.iter().filter(|(key, _)| !self.left_out.contains(&key.text.as_str()));
                self.write_table(kept.collect(), to);
            }
        }
    }

    fn write_table(&self, mut pairs: Vec<&(Key, Located)>, to: &mut Vec<u8>) {
        if !self.keys_in_order {
            pairs.sort_by(|(one, _), (other, _)| one.text.cmp(&other.text));
        }
        to.push(b'{');
        for (key, value) in pairs {
            write_text(b'k', &key.text, to);
            self.write(value, to);
        }
        to.push(b'}');
    }
}
