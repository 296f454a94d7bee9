//! Files that tasks read in slices: the packages of a lockfile, the keys of an `.env` file, the fields of a manifest.
//!
//! Such a file is cut into fragments, each with what it says and which others it needs. A task reads one fragment and all
//! that it needs, and no byte of the file besides: comments and order are nothing to it, and neither is an entry that
//! somebody else needs.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::syntax::{Located, XmlLines, canonical_element};
use crate::diagnostic::Evidence;
use crate::path::RepoPath;

/// The place of a fragment in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FragmentIndex(pub(crate) u32);

impl FragmentIndex {
    /// The place as a number.
    pub fn number(self) -> usize {
        self.0 as usize
    }
}

/// A digest over fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FragmentDigest(pub(crate) [u8; 32]);

/// One entry, key or field of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// What the file calls it, such as `serde 1.0.219` or `scripts`.
    pub name: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// A digest over its name and what it says.
    pub own: FragmentDigest,
    /// The fragments that count wherever this one does.
    pub needs: Vec<FragmentIndex>,
}

/// The fragments of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragments(pub(crate) Vec<Fragment>);

/// Named in every digest.
const CONTEXT: &str = "knockon 2026-11 slice of a file v2";

/// Fields one after the other, each behind its length, on their way into a digest.
#[derive(Default)]
struct Encoding(Vec<u8>);

impl Encoding {
    /// Begins anew; what was put in before is forgotten.
    fn begin(&mut self, kind: &[u8]) {
        self.0.clear();
        self.field(kind);
    }

    fn field(&mut self, field: &[u8]) {
        self.count(field.len());
        self.0.extend_from_slice(field);
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    /// A set of digests: sorted, each once.
    fn set(&mut self, mut digests: Vec<FragmentDigest>) {
        digests.sort_unstable();
        digests.dedup();
        self.count(digests.len());
        digests.iter().for_each(|digest| self.field(&digest.0));
    }

    fn digest(&self) -> FragmentDigest {
        static BEGUN: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(CONTEXT));
        FragmentDigest(*BEGUN.clone().update(&self.0).finalize().as_bytes())
    }
}

impl Fragments {
    /// Adds a fragment that says these fields; their borders count.
    pub fn add(&mut self, name: impl Into<Arc<str>>, line: u32, said: &[&[u8]]) -> FragmentIndex {
        let name = name.into();
        let length = said.iter().map(|field| field.len() + size_of::<u64>()).sum::<usize>();
        let mut encoding = Encoding(Vec::with_capacity(length + name.len() + 64));
        encoding.begin(b"fragment");
        encoding.field(name.as_bytes());
        encoding.count(said.len());
        said.iter().for_each(|field| encoding.field(field));
        let index = FragmentIndex(self.0.len() as u32);
        self.0.push(Fragment { name, line, own: encoding.digest(), needs: Vec::new() });
        index
    }

    /// Adds one fragment for each key of a table, without those that `is_inert`; its name is the prefix and the key. Order,
    /// comments and white space of what stands under a key are not said.
    pub fn add_table(&mut self, prefix: &str, table: &Located, is_inert: impl Fn(&str) -> bool) -> Vec<FragmentIndex> {
        let keys = table.entries().filter(|(key, _)| !is_inert(&key.text));
        keys.map(|(key, value)| self.add(format!("{prefix}{}", key.text), key.line, &[&value.canonical()])).collect()
    }

    /// Adds one fragment for each child of an XML element, named after it and counted, without those that stand apart, and
    /// one for the element itself, which says their order and needs them all.
    pub fn add_elements(
        &mut self,
        root: Node<'_, '_>,
        lines: &XmlLines<'_>,
        is_apart: &dyn Fn(Node<'_, '_>) -> bool,
    ) -> FragmentIndex {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut children = Vec::new();
        for child in root.children().filter(|child| child.is_element() && !is_apart(*child)) {
            let name = child.tag_name().name();
            let count = counts.entry(name).or_default();
            *count += 1;
            let title = format!("{name} {count}");
            children.push((name, self.add(title, lines.line_of(child), &[&canonical_element(child, is_apart)])));
        }
        let mut said = canonical_element(root, &|node| node.parent() == Some(root));
        for (name, _) in &children {
            said.push(b'<');
            said.extend(name.as_bytes());
        }
        let whole = self.add(root.tag_name().name(), lines.line_of(root), &[&said]);
        children.into_iter().for_each(|(_, child)| self.need(whole, child));
        whole
    }

    /// Adds a fragment that says nothing itself and needs these others.
    pub fn group(
        &mut self,
        name: impl Into<Arc<str>>,
        line: u32,
        needs: impl IntoIterator<Item = FragmentIndex>,
    ) -> FragmentIndex {
        let group = self.add(name, line, &[]);
        if let Some(fragment) = self.0.get_mut(group.number()) {
            fragment.needs = needs.into_iter().collect();
        }
        group
    }

    /// Nothing more is added, and needs no room.
    pub fn sealed(mut self) -> Arc<Self> {
        self.0.shrink_to_fit();
        Arc::new(self)
    }

    /// The fragments by their names; of those that share one, the first.
    pub fn by_name(&self) -> HashMap<&str, FragmentIndex> {
        self.iter().rev().map(|(at, fragment)| (&*fragment.name, at)).collect()
    }

    /// Lets a fragment need another one. Both have been added.
    pub fn need(&mut self, fragment: FragmentIndex, other: FragmentIndex) {
        if let Some(fragment) = self.0.get_mut(fragment.number()) {
            fragment.needs.push(other);
        }
    }

    /// The fragment at a place.
    pub fn get(&self, at: FragmentIndex) -> Option<&Fragment> {
        self.0.get(at.number())
    }

    /// All fragments, each with its place.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (FragmentIndex, &Fragment)> {
        self.0.iter().enumerate().map(|(at, fragment)| (FragmentIndex(at as u32), fragment))
    }

    /// How many fragments the one of this name and all that it needs are; none where there is no such fragment.
    pub fn reached_from(&self, name: &str) -> usize {
        let mut seen = vec![false; self.0.len()];
        let mut pending: Vec<usize> = self.0.iter().position(|fragment| *fragment.name == *name).into_iter().collect();
        while let Some(at) = pending.pop() {
            if let Some(fragment) = self.0.get(at).filter(|_| !std::mem::replace(&mut seen[at], true)) {
                pending.extend(fragment.needs.iter().map(|need| need.number()));
            }
        }
        seen.into_iter().filter(|reached| *reached).count()
    }

    /// For each fragment a digest over it and all that it needs, directly or not. It depends on no order, neither of the
    /// fragments nor of what each needs. Those that need each other in a circle are digested as one.
    pub fn slices(&self) -> Vec<FragmentDigest> {
        let mut slices: Vec<FragmentDigest> = self.0.iter().map(|fragment| fragment.own).collect();
        let mut encoding = Encoding::default();
        let needed = |slices: &[FragmentDigest], at: usize| -> Vec<FragmentDigest> {
            let needs = self.0[at].needs.iter().map(|need| need.number()).filter(|need| *need != at);
            needs.filter_map(|need| slices.get(need).copied()).collect()
        };
        let mut alone = |slices: &mut [FragmentDigest], at: usize| {
            let needed = needed(slices, at);
            // One that needs nothing is all of its slice.
            if !needed.is_empty() {
                encoding.begin(b"slice");
                encoding.field(&slices[at].0);
                encoding.set(needed);
                slices[at] = encoding.digest();
            }
        };
        // Of a manifest each fragment needs earlier ones alone: there is no circle to look for.
        if self.iter().all(|(at, fragment)| fragment.needs.iter().all(|need| *need < at)) {
            (0..self.0.len()).for_each(|at| alone(&mut slices, at));
            return slices;
        }
        for mut circle in self.groups() {
            if let [at] = circle[..] {
                alone(&mut slices, at);
                continue;
            }
            circle.sort_unstable();
            let whole = self.circle(&circle, &slices);
            circle.into_iter().for_each(|at| slices[at] = whole);
        }
        slices
    }

    /// The slice of fragments that need each other, whose places are sorted: each with whom it names, and what they need
    /// besides each other.
    fn circle(&self, members: &[usize], slices: &[FragmentDigest]) -> FragmentDigest {
        let mut encoding = Encoding::default();
        let mut digests = Vec::with_capacity(members.len());
        for fragment in members.iter().map(|at| &self.0[*at]) {
            encoding.begin(b"member");
            encoding.field(&fragment.own.0);
            let named = self.named(fragment);
            encoding.count(named.len());
            named.iter().for_each(|name| encoding.field(name.as_bytes()));
            digests.push(encoding.digest());
        }
        let needs = members.iter().flat_map(|at| &self.0[*at].needs).map(|need| need.number());
        let outside = needs.filter(|need| members.binary_search(need).is_err());
        let outside = outside.filter_map(|need| slices.get(need).copied()).collect();
        encoding.begin(b"circle");
        encoding.set(digests);
        encoding.set(outside);
        encoding.digest()
    }

    /// The places of those that need each other, together; what is needed comes before who needs it.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(self.0.len(), self.0.len());
        for _ in &self.0 {
            graph.add_node(());
        }
        for (at, fragment) in self.iter() {
            for need in fragment.needs.iter().filter(|need| self.get(**need).is_some()) {
                graph.add_edge(NodeIndex::new(at.number()), NodeIndex::new(need.number()), ());
            }
        }
        let groups = kosaraju_scc(&graph).into_iter();
        groups.map(|group| group.into_iter().map(NodeIndex::index).collect()).collect()
    }

    /// The names of the fragments that one needs.
    fn named(&self, fragment: &Fragment) -> BTreeSet<&str> {
        fragment.needs.iter().filter_map(|need| Some(&*self.get(*need)?.name)).collect()
    }

    /// Whether two fragments of two files are the same by themselves, whatever those that they need say.
    pub fn is_same(&self, here: &Fragment, others: &Fragments, there: &Fragment) -> bool {
        here.own == there.own && self.named(here) == others.named(there)
    }
}

/// A task reads a fragment of a file and all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceClaim {
    /// The file, whose fragments are claimed too.
    pub file: RepoPath,
    /// The fragment.
    pub fragment: FragmentIndex,
    /// How it is known that the task reads it.
    pub evidence: Evidence,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name:says>need,need` on each line.
    fn fragments(text: &str) -> Fragments {
        let mut fragments = Fragments::default();
        let lines: Vec<(&str, &str)> = text.split_whitespace().map(|line| line.split_once('>').unwrap()).collect();
        let mut indices = Vec::new();
        for (number, (what, _)) in lines.iter().enumerate() {
            let (name, said) = what.split_once(':').unwrap();
            indices.push((name, fragments.add(name, number as u32 + 1, &[said.as_bytes()])));
        }
        for ((_, from), (_, needs)) in indices.iter().zip(&lines) {
            for need in needs.split(',').filter(|need| !need.is_empty()) {
                fragments.need(*from, indices.iter().find(|(name, _)| *name == need).unwrap().1);
            }
        }
        fragments
    }

    fn slice(text: &str, name: &str) -> FragmentDigest {
        let fragments = fragments(text);
        let at = fragments.iter().find(|(_, fragment)| *fragment.name == *name).unwrap().0;
        fragments.slices()[at.number()]
    }

    #[test]
    fn a_slice_is_a_fragment_and_all_that_it_needs() {
        let text = "app:1>b other:1>c b:1>d,c c:1> d:1>";
        for (changed, app, other) in [
            ("app:1>b,c other:1>c b:1>d,c c:1> d:1>", true, false),
            ("app:1>b other:1>c b:1>d,c c:2> d:1>", true, true),
            ("app:1>b other:1>c b:1>d,c c:1> d:2>", true, false),
            ("app:1>b other:2>c b:1>d,c c:1> d:1>", false, true),
            ("app:1>b other:1>c b:1>c c:1> d:1>", true, false),
            ("app:1>b other:1>c b:1>d,c c:1> d:1> new:1>", false, false),
            ("c:1> d:1> other:1>c b:1>c,d app:1>b", false, false),
        ] {
            assert_eq!(slice(text, "app") != slice(changed, "app"), app, "app: {changed}");
            assert_eq!(slice(text, "other") != slice(changed, "other"), other, "other: {changed}");
        }
    }

    #[test]
    fn fragments_that_need_each_other_are_one() {
        let text = "a:1>b b:1>c c:1>a,d d:1> e:1>a";
        assert_eq!(slice(text, "a"), slice(text, "c"));
        for changed in [
            "a:1>b b:1>c c:1>a,d d:2> e:1>a",
            "a:1>b b:2>c c:1>a,d d:1> e:1>a",
            "a:1>b b:1>c,a c:1>a,d d:1> e:1>a",
            "a:1>b b:1>c c:1>d d:1> e:1>a",
        ] {
            assert_ne!(slice(text, "e"), slice(changed, "e"), "{changed}");
        }
    }

    #[test]
    fn what_is_reached_is_counted_once() {
        let fragments = fragments("a:1>b,c b:1>d c:1>d d:1>a e:1>");
        for (name, reached) in [("a", 4), ("d", 4), ("e", 1), ("nothing", 0)] {
            assert_eq!(fragments.reached_from(name), reached, "{name}");
        }
    }

    #[test]
    fn fragments_in_order_have_the_slices_that_looking_for_circles_gives() {
        // The same graph, once with what is needed first and once with it last.
        let (ordered, turned) = ("d:1> c:1>d b:1>c,d a:1>b,b", "a:1>b,b b:1>c,d c:1>d d:1>");
        for name in ["a", "b", "c", "d"] {
            assert_eq!(slice(ordered, name), slice(turned, name), "{name}");
        }
    }

    #[test]
    fn borders_of_what_is_said_count() {
        let of = |said: &[&[u8]]| {
            let mut fragments = Fragments::default();
            fragments.add("a", 1, said);
            fragments.slices()[0]
        };
        let all = [of(&[b"ab", b"c"]), of(&[b"a", b"bc"]), of(&[b"abc"]), of(&[]), of(&[b""])];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut fragments = Fragments::default();
        let chain: Vec<FragmentIndex> = (0..200_000).map(|at| fragments.add(at.to_string(), 1, &[])).collect();
        chain.windows(2).for_each(|pair| fragments.need(pair[0], pair[1]));
        assert_eq!(fragments.slices().iter().collect::<BTreeSet<_>>().len(), chain.len());
    }
}
