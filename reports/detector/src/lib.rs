//! detector.
