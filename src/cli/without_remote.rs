//! A build that speaks to no server says so where one is named.

use super::arguments::RunArguments;
use super::commands::{Failure, Session};
use crate::planner::{Answer, Planner, View};
use crate::run::{Cluster, Work};
use crate::store::Elsewhere;

impl Session<'_> {
    /// No server, whatever is named.
    pub(super) fn elsewhere(
        &self,
        asked: &RunArguments,
        _: &Planner,
        answer: &Answer,
    ) -> Result<Option<Box<dyn Elsewhere>>, Failure> {
        let without = "this build of knockon speaks to no server: install it with `--features remote`";
        if asked.remote.is_some() || asked.remote_write.is_some() {
            return Err(Failure::Usage(without.to_owned()));
        }
        if answer.head.configuration().remote.url.is_some() {
            self.output.warning(without);
        }
        Ok(None)
    }

    /// No cluster.
    pub(super) fn cluster(
        &self,
        _: &RunArguments,
        _: &View,
        _: &mut [Work],
    ) -> Result<Option<Box<dyn Cluster>>, Failure> {
        Ok(None)
    }
}
