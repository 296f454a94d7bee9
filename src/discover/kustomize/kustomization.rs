//! What a `kustomization.yaml` says.

use serde::{Deserialize, Serialize};

use crate::discover::syntax::{Lines, Located, Stated, Unreadable, read_yaml, text_of};

/// What a kustomization says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::discover) struct Kustomization {
    /// Whether it is one of kustomize's own, and not of a controller that only shares the name.
    pub is_native: bool,
    /// A component is a part of others and cannot be built alone.
    pub is_component: bool,
    /// Whether it renders charts.
    pub has_charts: bool,
    /// The files, folders and addresses that it names.
    pub paths: Vec<Stated<String>>,
    /// The images that it sets, by their last segment.
    pub images: Vec<Stated<String>>,
    /// The names of applications that its labels give.
    pub names: Vec<Stated<String>>,
}

/// Lists of paths; inline documents may stand among them.
const LISTS: [&str; 9] = [
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
];

impl Kustomization {
    /// Reads a kustomization.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let documents = read_yaml(bytes)?;
        let lines = Lines::new(text_of(bytes)?);
        let mut read = Self { is_native: true, ..Self::default() };
        let Some(document) = documents.first() else { return Ok(read) };
        let text = |key: &str| document.get(key).and_then(Located::text);
        read.is_native = text("apiVersion").is_none_or(|version| version.starts_with("kustomize.config.k8s.io"));
        read.is_component = text("kind") == Some("Component");
        let list = |key: &str| document.get(key).map_or(&[][..], Located::items).iter();
        let mut add = |value: Option<&Located>| {
            if let Some((value, path)) = value.and_then(|value| Some((value, value.text()?))) {
                // A path has one line; an inline document has more.
                if !path.contains('\n') && !path.is_empty() {
                    read.paths.push(lines.stated(value.line, path.to_owned()));
                }
            }
        };
        LISTS.into_iter().flat_map(list).for_each(|item| add(Some(item)));
        for key in ["patches", "patchesJson6902", "replacements"] {
            list(key).for_each(|item| add(item.get("path")));
        }
        add(document.at(&["openapi", "path"]));
        let mut keyed = Vec::new();
        for generator in ["configMapGenerator", "secretGenerator"].into_iter().flat_map(list) {
            add(generator.get("env"));
            generator.get("envs").into_iter().flat_map(Located::items).for_each(|item| add(Some(item)));
            keyed.extend(generator.get("files").into_iter().flat_map(Located::items));
        }
        for chart in list("helmCharts") {
            add(chart.get("valuesFile"));
            chart.get("additionalValuesFiles").into_iter().flat_map(Located::items).for_each(|item| add(Some(item)));
        }
        list("helmChartInflationGenerator").for_each(|chart| add(chart.get("values")));
        add(document.at(&["helmGlobals", "chartHome"]));
        for item in keyed {
            // `key=path`, or the path alone.
            let path = item.text().map(|text| text.rsplit_once('=').map_or(text, |(_, path)| path));
            read.paths.extend(path.map(|path| lines.stated(item.line, path.to_owned())));
        }
        read.has_charts = list("helmCharts").chain(list("helmChartInflationGenerator")).next().is_some();
        for image in list("images") {
            for value in ["name", "newName"].into_iter().filter_map(|key| image.get(key)) {
                let name = value.text().and_then(|name| name.rsplit('/').next()).filter(|name| !name.is_empty());
                read.images.extend(name.map(|name| lines.stated(value.line, name.to_owned())));
            }
        }
        let labels = document.get("commonLabels").into_iter();
        for labels in labels.chain(list("labels").filter_map(|labels| labels.get("pairs"))) {
            for value in ["app.kubernetes.io/name", "app"].into_iter().filter_map(|key| labels.get(key)) {
                read.names.extend(value.text().map(|name| lines.stated(value.line, name.to_owned())));
            }
        }
        Ok(read)
    }
}

/// Whether a path that is not there is an address: a repository or a file on the network.
pub(super) fn is_remote(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let is_host = first.contains('.') && !first.trim_matches('.').is_empty() && path.contains('/');
    ["://", "?ref=", "?version=", "::", ".git"].iter().any(|sign| path.contains(sign)) || first.contains('@') || is_host
}
