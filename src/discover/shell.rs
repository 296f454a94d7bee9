//! Words of the command lines that a plan prints and runs.

/// A path as one word of a POSIX shell that no tool takes for a flag.
pub(super) fn path_word(path: &str) -> String {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | '+' | '@' | '%' | ',');
    if !path.is_empty() && path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_13_names_stay_one_word() {
        assert_eq!(path_word("src/a.csproj"), "src/a.csproj");
        assert_eq!(path_word("-rf"), "./-rf");
        assert_eq!(path_word("a b"), "'a b'");
        assert_eq!(path_word("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(path_word("~root"), "'~root'");
    }
}
