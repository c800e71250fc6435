//! The containers world, tried: beside the simulated one, with a whole order, with faults, and where it must fail.
//!
//! What needs Docker is skipped, and says so, unless `LOUPE_CONTAINERS=1`.

#[cfg(test)]
mod accidents;
#[cfg(test)]
#[path = "../../../tests/runs/agreement.rs"]
mod agreement;
#[cfg(test)]
mod broker_evidence;
#[cfg(test)]
mod broker_kill;
#[cfg(test)]
#[path = "../../../tests/runs/causes.rs"]
mod causes;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod cut_off;
#[cfg(test)]
mod dozen;
#[cfg(test)]
mod elk;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod open_stack;
#[cfg(test)]
mod people;
#[cfg(test)]
#[path = "../../../../chaos/proxy/tests/suite/mod.rs"]
mod proxied;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod rush;
#[cfg(test)]
mod slow_statements;
#[cfg(test)]
mod standing_still;
#[cfg(test)]
mod stop;
#[cfg(test)]
#[path = "../../../../chaos/simulated/tests/conformance/suite/mod.rs"]
mod suite;
#[cfg(test)]
mod worlds;
