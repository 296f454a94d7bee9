//! A way in for the fuzz targets of `tests/fuzz`, compiled for them alone: facts, whose types are nobody else's to see.

use super::syntax::Unreadable;
use super::{Ecosystem, ecosystems};

/// Facts as JSON: as they were read, and as they are once that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The facts of the manifest.
    pub facts: String,
    /// The facts of these facts.
    pub again: String,
}

/// What each ecosystem that recognises the name reads.
pub fn read(name: &[u8], bytes: &[u8]) -> Vec<(&'static str, Result<Written, Unreadable>)> {
    let readers: &[Reader] = &[
        reader::<super::bazel::Bazel>,
        reader::<super::cargo::Cargo>,
        reader::<super::cmake::Cmake>,
        reader::<super::docker::Docker>,
        reader::<super::dotnet::Dotnet>,
        reader::<super::elixir::Elixir>,
        reader::<super::go::Go>,
        reader::<super::gradle::Gradle>,
        reader::<super::helm::Helm>,
        reader::<super::kustomize::Kustomize>,
        reader::<super::make::Make>,
        reader::<super::maven::Maven>,
        reader::<super::node::Node>,
        reader::<super::php::Php>,
        reader::<super::pipelines::Pipelines>,
        reader::<super::protobuf::Protobuf>,
        reader::<super::python::Python>,
        reader::<super::ruby::Ruby>,
        reader::<super::swift::Swift>,
        reader::<super::terraform::Terraform>,
    ];
    assert_eq!(readers.len(), ecosystems().count(), "an ecosystem is not fuzzed");
    readers.iter().filter_map(|reader| reader(name, bytes)).collect()
}

type Reader = fn(&[u8], &[u8]) -> Option<(&'static str, Result<Written, Unreadable>)>;

fn reader<E: Ecosystem>(name: &[u8], bytes: &[u8]) -> Option<(&'static str, Result<Written, Unreadable>)> {
    let written = |facts: E::Facts| {
        let facts = serde_json::to_string(&facts).unwrap_or_else(|error| error.to_string());
        let again = serde_json::from_str::<E::Facts>(&facts).and_then(|facts| serde_json::to_string(&facts));
        Written { facts, again: again.unwrap_or_else(|error| error.to_string()) }
    };
    (E::recognises(name) || E::reads_on_demand(name)).then(|| (E::NAME, E::read(name, bytes).map(written)))
}
