//! What a compose file says entry by entry: of each service, network, volume, configuration and secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::variables::names_in;
use crate::discover::syntax::{Lines, Located, Stated, Value};
use crate::discover::{FragmentIndex, Fragments};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Section and name, such as `services.web`.
    pub name: Stated<String>,
    /// All that it says.
    pub fragment: FragmentIndex,
    /// The entries that it names, perhaps with variables in them.
    pub needs: BTreeSet<String>,
    /// Entries of other files: the file, and the name.
    pub taken_over: Vec<(Stated<String>, String)>,
    /// The files and folders that it names.
    pub files: Vec<Stated<String>>,
    /// Its volumes in one text each, `SOURCE:TARGET:MODE`.
    pub volumes: Vec<Stated<String>>,
    /// The variables that it uses.
    pub variables: BTreeSet<String>,
}

/// The sections whose entries are read one by one.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "configs", "secrets"];

/// The entry that holds whatever else stands at the top, such as the project's name; all services need it.
const REST: &str = "project";

/// The entries of a file's documents, with their fragments.
pub fn read(documents: &[Located], lines: &Lines<'_>) -> (Vec<Entry>, Fragments) {
    let mut entries = Vec::new();
    let mut fragments = Fragments::default();
    for document in documents {
        let mut rest: Vec<_> = Vec::new();
        for (key, value) in document.entries() {
            // What begins so is read where an anchor or `extends` takes it over.
            if key.text.starts_with("x-") || key.text == "version" {
                continue;
            }
            if !SECTIONS.contains(&key.text.as_str()) {
                rest.push((key, value));
                continue;
            }
            for (name, value) in value.entries() {
                let full = format!("{}.{}", key.text, name.text);
                let fragment = fragments.add(full.as_str(), name.line, &[&value.canonical()]);
                let mut entry = Entry::new(lines.stated(name.line, full), fragment);
                entry.use_variables(value);
                match key.text.as_str() {
                    "services" => entry.read_service(value, lines),
                    _ => entry.files.extend(value.get("file").and_then(|file| text(file, lines))),
                }
                entries.push(entry);
            }
        }
        rest.sort_by(|(one, _), (other, _)| one.text.cmp(&other.text));
        if let Some((first, _)) = rest.first() {
            let said: Vec<Vec<u8>> =
                rest.iter().flat_map(|(key, value)| [key.text.clone().into_bytes(), value.canonical()]).collect();
            let said: Vec<&[u8]> = said.iter().map(Vec::as_slice).collect();
            let fragment = fragments.add(REST, first.line, &said);
            let mut entry = Entry::new(lines.stated(first.line, REST.to_owned()), fragment);
            rest.iter().for_each(|(_, value)| entry.use_variables(value));
            entries.push(entry);
        }
    }
    (entries, fragments)
}

fn text(value: &Located, lines: &Lines<'_>) -> Option<Stated<String>> {
    Some(lines.stated(value.line, value.scalar()?))
}

/// The names of a table's keys, or of a list's texts.
fn names(value: &Located) -> impl Iterator<Item = String> {
    value.entries().map(|(key, _)| key.text.clone()).chain(value.items().iter().filter_map(Located::scalar))
}

impl Entry {
    fn new(name: Stated<String>, fragment: FragmentIndex) -> Self {
        Self {
            name,
            fragment,
            needs: BTreeSet::new(),
            taken_over: Vec::new(),
            files: Vec::new(),
            volumes: Vec::new(),
            variables: BTreeSet::new(),
        }
    }

    fn use_variables(&mut self, value: &Located) {
        match &value.value {
            Value::Text(text) => self.variables.extend(names_in(text).map(str::to_owned)),
            Value::List(items) => items.iter().for_each(|item| self.use_variables(item)),
            Value::Table(pairs) => pairs.iter().for_each(|(_, value)| self.use_variables(value)),
            _ => {}
        }
    }

    fn read_service(&mut self, service: &Located, lines: &Lines<'_>) {
        self.needs.extend([REST.to_owned(), "networks.default".to_owned()]);
        let of = |key: &str| service.get(key).into_iter();
        let need = |section: &str, name: &str| format!("{section}.{name}");
        let mut services: BTreeSet<String> = of("depends_on").flat_map(names).collect();
        let first = |text: String| text.split(':').next().unwrap_or_default().to_owned();
        services.extend(of("links").chain(of("volumes_from")).flat_map(names).map(first));
        let modes = ["network_mode", "ipc", "pid"].into_iter().flat_map(of).filter_map(Located::text);
        services.extend(modes.filter_map(|mode| mode.strip_prefix("service:")).map(str::to_owned));
        if let Some(extends) = service.get("extends") {
            let name = extends.get("service").unwrap_or(extends).scalar();
            match (extends.get("file").and_then(|file| text(file, lines)), name) {
                (Some(file), Some(name)) => self.taken_over.push((file, need("services", &name))),
                (None, Some(name)) => services.extend([name]),
                (_, None) => {}
            }
        }
        self.needs.extend(services.iter().map(|name| need("services", name)));
        self.needs.extend(of("networks").flat_map(names).map(|name| need("networks", &name)));
        let build = service.get("build");
        for section in ["configs", "secrets"] {
            for used in of(section).chain(build.and_then(|build| build.get(section))) {
                let sources = used.items().iter().filter_map(|item| item.get("source").and_then(Located::scalar));
                self.needs.extend(names(used).chain(sources).map(|name| need(section, &name)));
            }
        }
        for file in ["env_file", "label_file"].into_iter().flat_map(of) {
            let listed = file.items().iter().filter_map(|item| text(item.get("path").unwrap_or(item), lines));
            self.files.extend(text(file, lines).into_iter().chain(listed));
        }
        for volume in of("volumes").flat_map(Located::items) {
            self.volumes.extend(text(volume, lines));
            let Some(source) = volume.get("source").and_then(|source| text(source, lines)) else { continue };
            match volume.get("type").and_then(Located::text) {
                Some("bind") => self.files.push(source),
                _ => self.needs.extend([need("volumes", &source.value)]),
            }
        }
        // A variable that is named without a value is handed on.
        for table in of("environment").chain(build.and_then(|build| build.get("args"))) {
            let handed =
                table.entries().filter(|(_, value)| value.value == Value::Null).map(|(key, _)| key.text.clone());
            let listed = table.items().iter().filter_map(Located::scalar).filter(|item| !item.contains('='));
            self.variables.extend(handed.chain(listed));
        }
    }
}
