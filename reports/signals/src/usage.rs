//! What a part of a real stack used of the machine, as somebody saw it who looked again and again.

/// What one part used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The part: a container, or the harness itself.
    pub part: String,
    /// Other runs use it too, and their doing is in the numbers.
    pub shared: bool,
    /// The looks, in their order.
    pub looks: Vec<Look>,
}

/// One look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Processor time since the part was started, nanoseconds.
    pub cpu_ns: u64,
    /// Memory that it holds and that could not be taken from it, bytes.
    pub memory_bytes: u64,
}
