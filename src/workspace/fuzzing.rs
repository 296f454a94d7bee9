//! A way in for the fuzz targets of `tests/fuzz`, compiled for them alone: what is kept between runs, as bytes.

use super::{Fetch, Workspace};

/// A workspace as the bytes of its parts.
pub fn to_kept(workspace: &Workspace) -> [Vec<u8>; 3] {
    workspace.to_kept()
}

/// The workspace that these parts say; none if they are refused at once.
pub fn from_kept([index, places, rows]: [Vec<u8>; 3]) -> Option<Workspace> {
    let fetch = |part: Vec<u8>| -> Fetch { Box::new(move || Some(part.clone())) };
    Workspace::from_kept(index.into(), fetch(places), fetch(rows)).ok()
}
