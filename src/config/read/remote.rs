//! The server that results are shared through, as the root's file names it.

use super::super::RemoteSettings;
use super::super::document::{Field, Reader};
use super::super::mistake::{Mistake, listed};

/// The schemes of the protocols that servers are spoken to by.
const SCHEMES: [&str; 8] = ["az", "file", "grpc", "grpcs", "gs", "s3", "turborepo+http", "turborepo+https"];
pub(in super::super) const REMOTE_KEYS: [&str; 2] = ["url", "public-key"];

pub(super) fn remote(reader: &mut Reader<'_>, field: Field<'_>) -> RemoteSettings {
    let mut settings = RemoteSettings::default();
    for field in reader.table(field, "[remote]") {
        match field.key {
            "url" => settings.url = reader.text(field, "url = \"grpcs://cache.example.org/main\"", url),
            "public-key" => settings.public_key = reader.text(field, "public-key = \"…\"", public_key),
            _ => reader.unknown(field, "`[remote]`", &REMOTE_KEYS),
        }
    }
    settings
}

fn url(text: &str) -> Result<String, Mistake> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !SCHEMES.contains(&scheme) {
        let help = format!("begin with one of {}, and `://`", listed(&SCHEMES));
        return Err(Mistake::new("bad-value", format!("`{text}` is no server of a known protocol"), help));
    }
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
        let help = "take out what stands before `@`, and set KNOCKON_REMOTE_TOKEN where knockon runs";
        return Err(Mistake::new("bad-value", "a server's credentials do not belong into the repository", help));
    }
    Ok(text.to_owned())
}

fn public_key(text: &str) -> Result<String, Mistake> {
    match text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        true => Ok(text.to_owned()),
        false => {
            let help = "write 64 hexadecimal digits in lower case, as `knockon cache key` prints them";
            Err(Mistake::new("bad-value", "this is no public key", help))
        }
    }
}
