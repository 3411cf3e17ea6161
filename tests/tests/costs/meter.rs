//! The meter: an allocator that counts what the present thread holds, and the processor's time for the thread.

use rustix::time::{ClockId, clock_gettime};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

/// What a piece of work has cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// The most memory that it held at once, in bytes.
    pub(crate) peak: usize,
    /// What the processor was busy with it.
    pub(crate) time: Duration,
}

/// Does a piece of work on this thread, and says what it cost.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let held = HELD.get();
    PEAK.set(held);
    let begun = thread_time();
    let result = work();
    let time = thread_time() - begun;
    let peak = usize::try_from(PEAK.get() - held).unwrap_or(0);
    (result, Cost { peak, time })
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

thread_local! {
    /// Bytes allocated less bytes freed by this thread. Below 0 for one that frees what another allocated.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most that there was since the last measurement began.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(allocated: usize, freed: usize) {
    // A size never exceeds `isize::MAX`: a `Layout` guarantees it.
    let held = HELD.get() + allocated.cast_signed();
    PEAK.set(PEAK.get().max(held));
    HELD.set(held - freed.cast_signed());
}

/// The system's allocator, counted. Memory that grows counts twice while it is copied.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract. Counting does
// not allocate: the cells are thread-local, initialised at compile time, and have no destructor.
#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: what the caller promises about `layout` is what `System` wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: `memory` came from `System`, through this allocator, with this `layout`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: `memory` came from `System`, through this allocator, with this `layout`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
fn the_meter_counts_what_is_held_at_once() {
    let (_, cost) = measure(|| {
        drop(vec![1u8; 5_000]);
        let mut grown = Vec::<u8>::with_capacity(10_000);
        grown.reserve_exact(20_000);
        grown
    });
    assert_eq!(cost.peak, 30_000);
    let spin = |n: u64| measure(|| (0..n).fold(0, |a, b| std::hint::black_box(a ^ b))).1.time;
    assert!(spin(10_000_000) > spin(1_000));
}
