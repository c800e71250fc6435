//! RabbitMQ's rules, one file each.

mod alarm;
mod alternate_exchange;
mod dead_letter;
mod delivery_limit;
mod durability;
mod heartbeat;
mod max_length;
mod policy;
mod priority;
mod queue_ttl;
mod single_active;
mod timeout;
mod ttl;
