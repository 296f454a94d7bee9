//! Charts and other folders that belong to a service that stands elsewhere: `src/shipping/delivery` and
//! `charts/delivery` are one service.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Evidence;
use crate::discover::{JoinClaim, JoinWish};
use crate::path::RepoPath;

/// For each folder that belongs elsewhere: the service's folder, and the line that says so. A folder whose wishes fit
/// no service, or several, stays on its own.
pub(super) fn joins<'a>(
    claims: impl Iterator<Item = &'a JoinClaim>,
    services: &BTreeSet<RepoPath>,
) -> BTreeMap<RepoPath, (RepoPath, Evidence)> {
    let mut by_name: BTreeMap<&[u8], Vec<&RepoPath>> = BTreeMap::new();
    for service in services {
        by_name.entry(service.name().unwrap_or_default()).or_default().push(service);
    }
    let mut wishes: BTreeMap<&RepoPath, Vec<&JoinClaim>> = BTreeMap::new();
    for claim in claims.filter(|claim| !services.contains(&claim.folder)) {
        wishes.entry(&claim.folder).or_default().push(claim);
    }
    let mut joined = BTreeMap::new();
    for (folder, claims) in wishes {
        let fit = |claim: &JoinClaim| {
            let (JoinWish::Name(name) | JoinWish::Image(name)) = &claim.wish;
            match by_name.get(name.as_bytes()).map(Vec::as_slice) {
                Some([service]) => Some((*service).clone()),
                _ => None,
            }
        };
        // The enclosing service first, then the name, then what the images say if they agree.
        let enclosing = folder.ancestors().skip(1).find(|above| services.contains(above) && !above.is_root());
        let by_name = claims.iter().filter(|claim| matches!(claim.wish, JoinWish::Name(_)));
        let by_name = by_name.filter_map(|claim| Some((fit(claim)?, claim.evidence.clone()))).next();
        let by_image: BTreeMap<RepoPath, Evidence> = claims
            .iter()
            .filter(|claim| matches!(claim.wish, JoinWish::Image(_)))
            .filter_map(|claim| Some((fit(claim)?, claim.evidence.clone())))
            .collect();
        let by_image = if by_image.len() == 1 { by_image.into_iter().next() } else { None };
        let enclosing = enclosing.and_then(|service| Some((service, claims.first()?.evidence.clone())));
        if let Some(found) = enclosing.or(by_name).or(by_image) {
            joined.insert(folder.clone(), found);
        }
    }
    joined
}
