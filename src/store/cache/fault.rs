//! Where a fault can be made to happen: before every step that touches a disk. Outside of tests nothing is here.

/// A step that goes well.
#[cfg(not(test))]
#[inline]
pub(super) fn step() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use testing::step;

#[cfg(test)]
pub(super) mod testing {
    use std::cell::Cell;
    use std::io;

    /// What happens at a step of this thread.
    #[derive(Clone, Copy)]
    pub(in crate::store::cache) enum Fault {
        /// The process ends at once, as if it were killed.
        Dies,
        /// This step and no other fails, with a number of the operating system.
        Fails(i32),
        /// This step and all after it fail.
        FailsFromHere(i32),
    }

    thread_local! {
        static TAKEN: Cell<usize> = const { Cell::new(0) };
        static FAULT: Cell<Option<(usize, Fault)>> = const { Cell::new(None) };
    }

    pub(in crate::store::cache) fn step() -> io::Result<()> {
        let taken = TAKEN.get();
        TAKEN.set(taken + 1);
        match FAULT.get() {
            Some((at, Fault::Dies)) if at == taken => std::process::abort(),
            Some((at, Fault::Fails(number))) if at == taken => Err(io::Error::from_raw_os_error(number)),
            Some((at, Fault::FailsFromHere(number))) if at <= taken => Err(io::Error::from_raw_os_error(number)),
            _ => Ok(()),
        }
    }

    /// Does something in whose step of this number a fault happens; also how many steps it took.
    pub(in crate::store::cache) fn with<T>(at: usize, fault: Fault, work: impl FnOnce() -> T) -> (T, usize) {
        TAKEN.set(0);
        FAULT.set(Some((at, fault)));
        let done = work();
        FAULT.set(None);
        (done, TAKEN.get())
    }
}
