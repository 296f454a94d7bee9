use super::{Ecosystem, Gradle};

fn unreadable(text: &str) -> Option<String> {
    Gradle::read(b"build.gradle", text.as_bytes()).err().map(|error| error.to_string())
}

#[test]
fn texts_and_comments_of_both_languages_are_closed_where_they_end() {
    for text in [
        "x = 'it\\'s' + \"a \\\" b\"",
        "x = \"${map { it -> \"n ${y ? '}' : \"}\"}\" }}\"",
        "x = '''a ' b'''\ny = \"\"\"\"$z\"\"\"\"",
        "x = y =~ /[\"'{]/",
        "x = a / b / c // \"",
        "/* ' */ x",
        "#!/usr/bin/env groovy '\nx",
    ] {
        assert_eq!(unreadable(text), None, "{text}");
    }
    assert!(Gradle::read(b"build.gradle.kts", b"/* /* ' */ ' */ val `a b` = 'c'").is_ok());
}

#[test]
fn case_96_what_is_never_closed_is_unreadable() {
    for (text, message) in [
        ("x {", "a bracket is never closed"),
        ("x )", "a bracket is closed that none opened"),
        ("x ( }", "a bracket is closed by another kind of bracket"),
        ("x = 'a\n'", "a text is not closed on its line"),
        ("x = '''a", "a text is never closed"),
        ("/* x", "a comment is never closed"),
        ("x = \"${a", "an expression in a text is never closed"),
    ] {
        assert_eq!(unreadable(text).as_deref(), Some(message), "{text}");
    }
    assert!(unreadable(&"(".repeat(1000)).is_some());
    assert!(unreadable(&format!("x = \"{}", "${\"".repeat(1000))).is_some());
}

#[test]
fn hostile_scripts_cost_no_more_than_their_length() {
    let long = 100_000;
    for text in [
        "include ".repeat(long),
        "a = ".repeat(long),
        "a.".repeat(long),
        "project(".repeat(100) + &")".repeat(100),
        "'a', ".repeat(long),
        "apply ".repeat(long),
        "projects.a ".repeat(long),
        "x = \"$a$b$c\"\n".repeat(long / 10),
        "group 'a' ".repeat(long),
        "[1,2,3,4].each { ".repeat(100) + "include \"$it\"\n" + &"}".repeat(100),
        "def a = ['x','y','z','w','v','u','t','s']\n".to_owned()
            + &(0..40).map(|n| format!("for (n{n} in a) {{ include \"$n{n}$n0$n1$n2$n3$n4$n5\"\n")).collect::<String>()
            + &"}".repeat(40),
        "substitute(project(':a')) ".repeat(long / 10),
    ] {
        assert!(Gradle::read(b"settings.gradle", text.as_bytes()).is_ok(), "{}", &text[..40.min(text.len())]);
    }
}

#[test]
fn secrets_are_not_kept() {
    let facts = Gradle::read(b"gradle.properties", b"group=org.x\nsigningPassword=hunter2\nnexusUser = me\n").unwrap();
    assert!(
        matches!(&facts, super::super::Facts::Properties(kept) if kept.0 == [("group".to_owned(), "org.x".to_owned())])
    );
}
