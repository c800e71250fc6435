//! A store that has one transaction at a time breaks each promise of what happens side by side: so these promises say something.

use world::World;

use crate::{
    one_lock::under_one_lock,
    ports::run,
    suite::store::{
        migrations_may_run_side_by_side, rows,
        side_by_side::{
            a_claimed_row_is_left_out_by_others, a_locked_row_can_be_read_and_not_written,
            a_read_is_repeatable_only_where_that_was_asked_for, a_second_writer_of_a_row_waits_and_nobody_else,
            a_transaction_without_a_connection_waits_for_one_and_gives_up, an_update_without_a_version_is_lost_to_a_later_one,
            of_two_who_have_read_a_version_one_may_write,
        },
    },
};

/// Tries a promise on a world whose store is under one lock.
fn on_one_lock<F: Future<Output = ()> + Send + 'static>(promise: impl FnOnce(World) -> F + Send + 'static) {
    run(|world| async move {
        migrations_may_run_side_by_side(&world).await;
        promise(under_one_lock(world)).await;
    });
}

#[test]
fn one_lock_is_enough_for_whoever_is_alone() {
    on_one_lock(|world| async move { rows::promises(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_nobody_writes_between_two_reads() {
    on_one_lock(|world| async move { a_read_is_repeatable_only_where_that_was_asked_for(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_no_update_is_lost() {
    on_one_lock(|world| async move { an_update_without_a_version_is_lost_to_a_later_one(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_no_version_is_read_twice_and_then_written() {
    on_one_lock(|world| async move { of_two_who_have_read_a_version_one_may_write(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_a_reader_waits_for_a_writer() {
    on_one_lock(|world| async move { a_second_writer_of_a_row_waits_and_nobody_else(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_nobody_reads_what_is_locked() {
    on_one_lock(|world| async move { a_locked_row_can_be_read_and_not_written(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_nobody_claims_what_others_have_left() {
    on_one_lock(|world| async move { a_claimed_row_is_left_out_by_others(&world).await });
}

#[test]
#[should_panic(expected = "it waits where nobody has to")]
fn under_one_lock_a_second_connection_is_of_no_use() {
    on_one_lock(|world| async move { a_transaction_without_a_connection_waits_for_one_and_gives_up(&world).await });
}
