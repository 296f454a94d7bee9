//! How each value is written and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::pools::{KeptPools, Pools};
use crate::codec::{Damaged, Reader, Writer};
use crate::diagnostic::{Diagnostic, Evidence, Place, Severity};
use crate::discover::{Command, EdgeKind, Fragment, FragmentDigest, FragmentIndex, Fragments, Input, ecosystems};
use crate::path::RepoPath;
use crate::selection::{Filter, Reach, Rule, Selection};
use crate::workspace::owner::Holding;
use crate::workspace::{Doubt, Edge, Project, ProjectId, ProjectKind, Read, Scope, Slice, Task, TaskId, TaskName};

/// Where values are written to.
pub(super) struct Writing<'w, 'v> {
    writer: Writer,
    pools: &'w mut Pools<'v>,
}

impl<'w, 'v> Writing<'w, 'v> {
    /// The bytes of what is written.
    pub(super) fn of(pools: &'w mut Pools<'v>, write: impl FnOnce(&mut Writing<'w, 'v>)) -> Vec<u8> {
        let mut writing = Self { writer: Writer::default(), pools };
        write(&mut writing);
        writing.writer.bytes
    }

    /// A list, as a `Vec` of its items is written.
    pub(super) fn list<T: Kept + 'v>(&mut self, items: impl ExactSizeIterator<Item = &'v T>) {
        self.writer.count(items.len());
        items.for_each(|item| item.write(self));
    }
}

/// Where values are read from.
pub(super) struct Reading<'a> {
    reader: Reader<'a>,
    pools: &'a KeptPools,
}

impl<'a> Reading<'a> {
    pub(super) fn new(bytes: &'a [u8], pools: &'a KeptPools) -> Self {
        Self { reader: Reader::new(bytes), pools }
    }

    /// One value that takes all of the bytes.
    pub(super) fn whole<T: Kept>(bytes: &'a [u8], pools: &'a KeptPools) -> Result<T, Damaged> {
        let mut reading = Self::new(bytes, pools);
        let value = T::read(&mut reading)?;
        reading.reader.end()?;
        Ok(value)
    }
}

/// A value that can be kept.
pub(super) trait Kept: Sized {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>);
    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged>;
}

/// A value of which a pool holds each one once.
macro_rules! pooled {
    ($($type:ty: $pool:ident),*) => {$(
        impl Kept for $type {
            fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
                let number = to.pools.$pool(self);
                to.writer.number(number);
            }

            fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
                let number = from.reader.small()?;
                from.pools.$pool(number)
            }
        }
    )*};
}

pooled!(RepoPath: path, String: text, Arc<str>: text, Evidence: evidence, Input: input);

/// A value that is its fields in order.
macro_rules! fields {
    ($($type:ident { $($field:ident),* })*) => {$(
        impl Kept for $type {
            fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
                let $type { $($field),* } = self;
                $($field.write(to);)*
            }

            fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
                Ok($type { $($field: Kept::read(from)?),* })
            }
        }
    )*};
}

fields! {
    TaskId { project, name }
    Read { task, evidence }
    Slice { file, fragment, digest, evidence }
    Fragment { name, line, own, needs }
    Command { line, folder }
    Selection { base, reach, filters, sliced }
    Rule { include, glob }
    Holding { project, keeps }
    Doubt { reason, detail, scope }
    Diagnostic { severity, code, message, place, help }
    Place { file, line, column, text }
    Edge { from, to, kind, evidence }
    Project { id, name, kind, aliases, ecosystems, owners, evidence, joined }
    Task {
        id, inputs, slices, reads, after, commands, environment, outputs, tools, ecosystems, builds_upstream, timeout, retries,
        weight, runs_in
    }
}

/// A choice among a few, by its place in the list.
macro_rules! choices {
    ($($type:ident { $($choice:ident),* })*) => {$(
        impl Kept for $type {
            fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
                let all = [$($type::$choice),*];
                to.writer.count(all.iter().position(|one| one == self).unwrap_or(all.len()));
            }

            fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
                let all = [$($type::$choice),*];
                all.get(from.reader.small()? as usize).copied().ok_or(Damaged)
            }
        }
    )*};
}

choices! {
    ProjectKind { Service, Library, Chart, Schema, Workspace }
    EdgeKind { Build, Test, Image, Deploy, Schema }
    Severity { Error, Warning, Note }
    Reach { Owned, All }
}

impl Kept for ProjectId {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.0.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        RepoPath::read(from).map(Self)
    }
}

impl Kept for TaskName {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.0.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        String::read(from).map(Self)
    }
}

impl Kept for FragmentIndex {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.0.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        u32::read(from).map(Self)
    }
}

impl Kept for FragmentDigest {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.field(&self.0);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        from.reader.field()?.try_into().map(Self).map_err(|_| Damaged)
    }
}

impl Kept for Arc<Fragments> {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.0.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        Kept::read(from).map(|list| Arc::new(Fragments(list)))
    }
}

impl Kept for u32 {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.number(*self);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        from.reader.small()
    }
}

impl Kept for u8 {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.number(*self);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        u8::try_from(from.reader.number()?).map_err(|_| Damaged)
    }
}

impl Kept for bool {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.number(u32::from(*self));
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        from.reader.truth()
    }
}

impl Kept for Duration {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.number(self.as_secs());
        to.writer.number(self.subsec_nanos());
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        let seconds = from.reader.number()?;
        let nanoseconds = from.reader.small()?;
        if nanoseconds < 1_000_000_000 { Ok(Duration::new(seconds, nanoseconds)) } else { Err(Damaged) }
    }
}

/// The name of an ecosystem.
impl Kept for &'static str {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.count(ecosystems().position(|name| name == *self).unwrap_or(usize::MAX));
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        ecosystems().nth(from.reader.small()? as usize).ok_or(Damaged)
    }
}

impl Kept for Scope {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        match self {
            Scope::All => 0_u32.write(to),
            Scope::Ecosystem { name, below } => {
                1_u32.write(to);
                name.write(to);
                below.write(to);
            }
            Scope::Project(project) => {
                2_u32.write(to);
                project.write(to);
            }
        }
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        match from.reader.small()? {
            0 => Ok(Scope::All),
            1 => Ok(Scope::Ecosystem { name: Kept::read(from)?, below: Kept::read(from)? }),
            2 => Ok(Scope::Project(Kept::read(from)?)),
            _ => Err(Damaged),
        }
    }
}

impl Kept for Filter {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.root.write(to);
        self.rules.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        let root = RepoPath::read(from)?;
        Ok(Filter::new(&root, Kept::read(from)?))
    }
}

impl<T: Kept> Kept for Option<T> {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.number(u32::from(self.is_some()));
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.list(self.iter());
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        (0..from.reader.count()?).map(|_| T::read(from)).collect()
    }
}

impl<T: Kept + Ord> Kept for BTreeSet<T> {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.list(self.iter());
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        (0..from.reader.count()?).map(|_| T::read(from)).collect()
    }
}

impl<K: Kept + Ord, V: Kept> Kept for BTreeMap<K, V> {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        to.writer.count(self.len());
        for (key, value) in self {
            key.write(to);
            value.write(to);
        }
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        (0..from.reader.count()?).map(|_| Kept::read(from)).collect()
    }
}

impl<A: Kept, B: Kept> Kept for (A, B) {
    fn write<'v>(&'v self, to: &mut Writing<'_, 'v>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, Damaged> {
        Ok((A::read(from)?, B::read(from)?))
    }
}
