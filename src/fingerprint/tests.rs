//! The laws of the encoding.

use super::*;

#[test]
fn case_76_fields_and_lists_cannot_run_into_each_other() {
    let digest = |write: &dyn Fn(&mut Encoder) -> Fingerprint| {
        let mut encoder = Encoder::new(b"test");
        write(&mut encoder)
    };
    let different = [
        digest(&|e| e.bytes(b"ab").bytes(b"c").finish()),
        digest(&|e| e.bytes(b"a").bytes(b"bc").finish()),
        digest(&|e| e.bytes(b"abc").finish()),
        digest(&|e| e.count(1).bytes(b"abc").finish()),
        digest(&|e| e.bytes(b"abc").bytes(b"").finish()),
        digest(&|e| e.optional(None).finish()),
        digest(&|e| e.optional(Some("")).finish()),
        Encoder::new(b"other").finish(),
    ];
    let distinct: BTreeSet<_> = different.iter().collect();
    assert_eq!(distinct.len(), different.len());
}
