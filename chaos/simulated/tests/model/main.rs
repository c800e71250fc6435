//! What the models promise, rule by rule.

#[cfg(test)]
mod broker;
#[cfg(test)]
mod conservation;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kill_losses;
#[cfg(test)]
mod monitor;
#[cfg(test)]
mod nemesis;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod store;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod trouble;
