//! Signed manifests: who wrote a result, so that a server, or whoever else can write to it, cannot make one up.
//!
//! ```text
//! knockon sealed 1     16 bytes
//! signature            64 bytes, zeros where nobody signed
//! manifest             the rest
//! ```
//! The signature is that of Ed25519 (RFC 8032) over a BLAKE3 digest of the namespace and the manifest, which holds the
//! key. So a result that is signed for one namespace or key is worth nothing under another.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::Namespace;

const MAGIC: &[u8; 16] = b"knockon sealed 1";
const SIGNATURE: usize = 64;

/// The key that results are signed with: 32 bytes as 64 hexadecimal digits.
#[derive(Clone)]
pub struct Signer(SigningKey);

/// The key that signatures are held against: 32 bytes as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A text that is no key.
#[derive(Debug, thiserror::Error)]
#[error("a key is written as 64 hexadecimal digits")]
pub struct NoKey;

impl Signer {
    /// Reads a key.
    pub fn read(text: &str) -> Result<Self, NoKey> {
        Ok(Self(SigningKey::from_bytes(&bytes(text)?)))
    }

    /// The key that its signatures are held against.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

/// Never shows the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signer for {}", self.public_key())
    }
}

impl PublicKey {
    /// Reads a key.
    pub fn read(text: &str) -> Result<Self, NoKey> {
        VerifyingKey::from_bytes(&bytes(text)?).map(Self).map_err(|_| NoKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn bytes(text: &str) -> Result<[u8; 32], NoKey> {
    let digits = text.trim().as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() {
        return Err(NoKey);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0).zip(digit(1)).map(|(high, low)| high * 16 + low).ok_or(NoKey)?;
    }
    Ok(bytes)
}

/// A manifest with the signature of whoever has the key, if anybody has.
pub(super) fn seal(namespace: &Namespace, manifest: &[u8], signer: Option<&Signer>) -> Vec<u8> {
    let signature = signer.map_or([0; SIGNATURE], |Signer(key)| key.sign(&signed(namespace, manifest)).to_bytes());
    [&MAGIC[..], &signature, manifest].concat()
}

/// The manifest, if it is sealed as it has to be: where there is a key, signed by whoever has its other half.
pub(super) fn unseal<'a>(
    namespace: &Namespace,
    sealed: &'a [u8],
    key: Option<&PublicKey>,
) -> Result<&'a [u8], Unsealed> {
    let rest = sealed.strip_prefix(MAGIC).ok_or(Unsealed::Other)?;
    let (signature, manifest) = rest.split_first_chunk::<SIGNATURE>().ok_or(Unsealed::Other)?;
    let Some(PublicKey(key)) = key else { return Ok(manifest) };
    // Strictly: of the keys and signatures that are equal to several others none is believed.
    let verified = key.verify_strict(&signed(namespace, manifest), &Signature::from_bytes(signature));
    verified.map(|()| manifest).map_err(|_| Unsealed::Unsigned)
}

/// Why something is no sealed manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsealed {
    /// It is something else.
    Other,
    /// Nobody signed it whose key is asked for.
    Unsigned,
}

fn signed(namespace: &Namespace, manifest: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("knockon 2026 signature of a result v1");
    hasher.update(namespace.to_string().as_bytes());
    hasher.update(&[0]);
    hasher.update(manifest);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_has_the_key_can_seal_for_its_namespace() {
        let signer = Signer::read(&"07".repeat(32)).unwrap();
        let key = signer.public_key();
        let other = Signer::read(&"08".repeat(32)).unwrap();
        let sealed = seal(&Namespace::Trusted, b"manifest", Some(&signer));
        assert_eq!(unseal(&Namespace::Trusted, &sealed, Some(&key)), Ok(&b"manifest"[..]));
        assert_eq!(unseal(&Namespace::Trusted, &sealed, None), Ok(&b"manifest"[..]));
        assert_eq!(unseal(&Namespace::Local, &sealed, Some(&key)), Err(Unsealed::Unsigned));
        let forged = seal(&Namespace::Trusted, b"manifest", Some(&other));
        assert_eq!(unseal(&Namespace::Trusted, &forged, Some(&key)), Err(Unsealed::Unsigned));
        let unsigned = seal(&Namespace::Trusted, b"manifest", None);
        assert_eq!(unseal(&Namespace::Trusted, &unsigned, Some(&key)), Err(Unsealed::Unsigned));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(unseal(&Namespace::Trusted, &damaged, Some(&key)).is_err(), "byte {at}");
            assert!(unseal(&Namespace::Trusted, &sealed[..at], Some(&key)).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn keys_are_read_as_they_are_written_and_secret_ones_are_not_shown() {
        let signer = Signer::read(&format!(" {}\n", "0a".repeat(32))).unwrap();
        let public = signer.public_key();
        assert_eq!(PublicKey::read(&public.to_string()).unwrap(), public);
        assert!(!format!("{signer:?}").contains("0a0a"));
        for text in ["", "0a", &"0g".repeat(32), &"é".repeat(32), &"0a".repeat(33)] {
            assert!(Signer::read(text).is_err() && PublicKey::read(text).is_err(), "{text}");
        }
    }
}
