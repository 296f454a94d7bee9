//! Names of images: which of them are built in this repository.

/// Names that docker's own library has. One of these is never taken for a folder of the repository.
const OFFICIAL: [&str; 98] = [
    "adminer",
    "aerospike",
    "almalinux",
    "alpine",
    "alt",
    "amazoncorretto",
    "amazonlinux",
    "arangodb",
    "archlinux",
    "bash",
    "bonita",
    "buildpack-deps",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "chronograf",
    "cirros",
    "clearlinux",
    "clefos",
    "clojure",
    "composer",
    "consul",
    "convertigo",
    "couchbase",
    "couchdb",
    "crate",
    "dart",
    "debian",
    "docker",
    "drupal",
    "eclipse-mosquitto",
    "eclipse-temurin",
    "elasticsearch",
    "elixir",
    "emqx",
    "erlang",
    "fedora",
    "flink",
    "fluentd",
    "friendica",
    "gazebo",
    "gcc",
    "geonetwork",
    "ghost",
    "golang",
    "gradle",
    "groovy",
    "haproxy",
    "haskell",
    "haxe",
    "hello-world",
    "httpd",
    "hylang",
    "ibmjava",
    "influxdb",
    "irssi",
    "jetty",
    "joomla",
    "jruby",
    "julia",
    "kibana",
    "kong",
    "logstash",
    "mageia",
    "mariadb",
    "maven",
    "mediawiki",
    "memcached",
    "mongo",
    "mongo-express",
    "mysql",
    "nats",
    "neo4j",
    "nextcloud",
    "nginx",
    "node",
    "openjdk",
    "oraclelinux",
    "perl",
    "photon",
    "php",
    "postgres",
    "python",
    "r-base",
    "rabbitmq",
    "redis",
    "registry",
    "rockylinux",
    "ruby",
    "rust",
    "sonarqube",
    "swift",
    "tomcat",
    "traefik",
    "ubuntu",
    "vault",
    "wordpress",
];

/// A reference to an image, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Registry and repository.
    pub repository: &'a str,
    /// Whether a digest pins it: then it is not what this repository builds now.
    pub is_pinned: bool,
}

impl<'a> Reference<'a> {
    /// Takes a reference apart.
    pub fn parse(text: &'a str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let repository = match name[last..].find(':') {
            Some(colon) => &name[..last + colon],
            None => name,
        };
        Self { repository, is_pinned: digest.is_some() }
    }

    /// The last segment of a name that could mean an image of this repository: none for one of a public registry or
    /// of docker's library.
    pub fn local_name(&self) -> Option<&'a str> {
        let (rest, last) = match self.repository.rsplit_once('/') {
            Some((rest, last)) => (Some(rest), last),
            None => (None, self.repository),
        };
        let domain = rest.and_then(|rest| rest.split('/').next());
        let is_foreign = match domain {
            Some(domain) => domain.contains('.') || domain == "library",
            None => OFFICIAL.contains(&last) || last == "scratch",
        };
        (!is_foreign && !last.is_empty()).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, repository, local) in [
            ("alpine:3", "alpine", None),
            ("scratch", "scratch", None),
            ("base", "base", Some("base")),
            ("myorg/base:1", "myorg/base", Some("base")),
            ("localhost:5000/base", "localhost:5000/base", Some("base")),
            ("ghcr.io/o/base:1", "ghcr.io/o/base", None),
        ] {
            let reference = Reference::parse(text);
            assert_eq!((reference.repository, reference.local_name()), (repository, local), "{text}");
        }
        assert!(Reference::parse("a/b@sha256:00").is_pinned);
    }
}
