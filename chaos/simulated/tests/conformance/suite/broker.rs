//! What the broker's port promises, and what a broker does: the model and a real RabbitMQ agree.
//!
//! Sequences drawn at random ([`drawn`]) and written by hand ([`directed`]) show the same on both, a killed broker loses what
//! the model can lose ([`kill_losses`]), and it shows the same of itself ([`shown`]).
//!
//! Where RabbitMQ is free, more than one outcome is accepted:
//!
//! - A message that expires is gone some time after that instant. A sequence waits for longer than that, or is played again when
//!   its other steps took so long that something may have expired between them. What was awaited in vain is a difference ([`busy`]).
//! - A quorum queue tells its publishers a little later that it is full, or not any more. A sequence goes on when the queue shows that
//!   it has done what it was told.
//! - A consumer timeout fires between the timeout and one tick of the channel later.
//! - A queue that expires is gone some time after that instant, a quorum queue seconds later.
//! - A quorum queue that is not yet half a second old may lose its log with a kill, and have no leader then. A sequence gives it
//!   the time.
//! - What a killed broker loses of a slow trickle is a matter of a random back-off: any number that the model loses under some
//!   seed.
//! - A delivery that nobody waits for may be seen at this look or at the next.

pub(crate) mod books;
pub(crate) mod busy;
pub(crate) mod directed;
pub(crate) mod drawn;
pub(crate) mod kill_losses;
pub(crate) mod names;
pub(crate) mod on_the_model;
pub(crate) mod operator;
pub(crate) mod play;
pub(crate) mod port;
pub(crate) mod reach;
pub(crate) mod seen;
pub(crate) mod sequence;
pub(crate) mod shown;
