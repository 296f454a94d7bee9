//! Text that compresses about as sources do: between a few lines and a few kilobytes.

use std::fmt::Write as _;

use super::random::Random;

/// What a file is written in.
#[derive(Clone, Copy)]
pub enum Syntax {
    /// TypeScript.
    TypeScript,
    /// Go, of package `part`.
    Go,
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JSON.
    Json,
}

impl Syntax {
    /// The ending of such a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::TypeScript => "ts",
            Self::Go => "go",
            Self::Rust => "rs",
            Self::Python => "py",
            Self::Json => "json",
        }
    }
}

/// The text of a file, of 10 to 80 lines.
pub fn source(random: &mut Random, syntax: Syntax) -> String {
    let lines = random.between(10, 80);
    let mut text = String::from(match syntax {
        Syntax::Go => "package part\n\n",
        Syntax::Json => "{\n",
        Syntax::TypeScript | Syntax::Rust | Syntax::Python => "",
    });
    for line in 0..lines {
        let (a, b) = (random.below(10_000), random.below(10_000));
        let _ = match syntax {
            Syntax::TypeScript => writeln!(text, "export const value{line} = (x: number) => x * {a} + {b};"),
            Syntax::Go => writeln!(text, "func Value{line}(x int) int {{ return x*{a} + {b} }}"),
            Syntax::Rust => writeln!(text, "pub fn value_{line}(x: i64) -> i64 {{ x * {a} + {b} }}"),
            Syntax::Python => writeln!(text, "def value_{line}(x: int) -> int: return x * {a} + {b}"),
            Syntax::Json => writeln!(text, "  \"key-{line}\": {},", a * b),
        };
    }
    if let Syntax::Json = syntax {
        let _ = writeln!(text, "  \"lines\": {lines}\n}}");
    }
    text
}
