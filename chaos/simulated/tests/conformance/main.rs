//! The models keep the promises that the real parts are held to (`xtask/real/tests/containers/conformance`): the same code says
//! what they are.

#[cfg(test)]
mod broker;
#[cfg(test)]
mod one_lock;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod store;
#[cfg(test)]
mod suite;
