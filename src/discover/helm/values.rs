//! The images that a values file names.

use crate::discover::syntax::{Lines, Located, Stated};

/// The last segment of every image repository, wherever in the values it stands.
pub(super) fn read_images(documents: &[Located], lines: &Lines<'_>) -> Vec<Stated<String>> {
    let mut images = Vec::new();
    let mut pending: Vec<&Located> = documents.iter().rev().collect();
    while let Some(value) = pending.pop() {
        for (key, below) in value.entries() {
            if !is_image_key(&key.text) {
                continue;
            }
            let repository = match below.get("repository") {
                Some(repository) => Some(repository),
                None => Some(below).filter(|below| below.text().is_some()),
            };
            let last = repository.and_then(Located::text).and_then(last_segment);
            if let (Some(repository), Some(last)) = (repository, last) {
                images.push(lines.stated(repository.line, last));
            }
        }
        pending.extend(value.items().iter().rev());
        pending.extend(value.entries().map(|(_, below)| below).collect::<Vec<_>>().into_iter().rev());
    }
    images.sort_by(|a, b| (a.line, &a.value).cmp(&(b.line, &b.value)));
    images.dedup();
    images
}

/// `image`, and names that end so: `initImage`.
fn is_image_key(key: &str) -> bool {
    key == "image" || key.ends_with("Image") || key.ends_with("_image")
}

/// `registry:5000/team/delivery:1.0@sha256:…` is `delivery`.
fn last_segment(image: &str) -> Option<String> {
    if image.contains("{{") || image.contains("${") {
        return None;
    }
    let without_digest = image.split('@').next().unwrap_or_default();
    let last = without_digest.rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}
