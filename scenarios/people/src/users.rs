//! The goose users: one for each desk, one for each worker of a pool, one for each customer who asks.
//!
//! The model is closed: a user begins with the next thing when it is done with the one before. Goose's mitigation of coordinated
//! omission stays off, since it counts requests that nobody made; the actors measure from when they meant to act.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use goose::{
    GooseAttack, GooseError,
    config::GooseConfiguration,
    goose::{Scenario, Transaction, TransactionFunction, TransactionResult},
    metrics::GooseMetrics,
    prelude::GooseUser,
};
use scenarios::{
    actors::intents::Who,
    apart::{Counted, Household, Place},
};

use crate::hands::{Reach, act};

/// Goose hatches so many users in a second.
const HATCHED: &str = "1000";
/// Between two looks whether goose has noticed that the run is over.
const LEAVING: Duration = Duration::from_millis(20);
/// As in Cargo.lock; goose does not tell.
const VERSION: &str = "goose 0.18";

/// Why goose plays nobody.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct UsersError(#[from] Box<GooseError>);

/// What a user does.
#[derive(Clone, Copy)]
enum Doing {
    /// Looks at a pool's list, and hands out what there is to do.
    Desk(Who),
    /// Takes what it is handed, and does it.
    Worker(Who),
    /// Asks how an order is.
    Asker,
}

/// A user's number among those who do the same, from 1.
struct Number(u32);

/// Lets goose's users play until the run is over.
pub(crate) async fn play(household: &Arc<Household>, reach: &Reach, place: &Place) -> Result<Counted, UsersError> {
    let people = &place.briefing.people;
    let all = [
        ("seller-desk", 1, Doing::Desk(Who::Seller)),
        ("seller", people.sellers, Doing::Worker(Who::Seller)),
        ("operator-desk", 1, Doing::Desk(Who::Operator)),
        ("operator", people.operators, Doing::Worker(Who::Operator)),
        ("customer", place.briefing.askers, Doing::Asker),
    ];
    let there = || all.iter().filter(|(_, users, _)| *users > 0);
    let mut attack =
        GooseAttack::initialize_with_config(configuration(there().map(|(_, users, _)| users).sum(), place)).map_err(Box::new)?;
    for (name, users, doing) in there() {
        let scenario = Scenario::new(name)
            .register_transaction(Transaction::new(client(reach)).set_on_start())
            .register_transaction(Transaction::new(transaction(household, reach, *doing)));
        // Users are shared out by weight: as many as there are shares.
        attack = attack.register_scenario(scenario.set_weight(*users as usize).map_err(Box::new)?);
    }
    let metrics = attack.execute().await.map_err(Box::new)?;
    let users = there().map(|(name, users, _)| ((*name).to_owned(), u64::from(*users))).collect();
    Ok(Counted { tool: VERSION.to_owned(), users, requests: counted(&metrics) })
}

/// Ends it: goose tells its users once they have done what they are doing.
pub(crate) fn end() {
    goose::trigger_killswitch("the run is over");
}

fn configuration(users: u32, place: &Place) -> GooseConfiguration {
    let mut goose = GooseConfiguration::default();
    goose.users = Some(users as usize);
    goose.hatch_rate = Some(HATCHED.to_owned());
    // Requests carry the address of their service; goose wants one for those that do not.
    goose.host = place.services.values().next().cloned().unwrap_or_default();
    // Errors alone: they go to stderr, where the driver hears of them.
    goose.quiet = 2;
    goose.no_print_metrics = true;
    goose.no_reset_metrics = true;
    goose.no_telnet = true;
    goose.no_websocket = true;
    goose
}

/// Gives a user its client.
fn client(reach: &Reach) -> TransactionFunction {
    let reach = reach.clone();
    Arc::new(move |user| {
        let client = reach.client();
        Box::pin(async move { user.set_client_builder(client).await.map_err(Box::new) })
    })
}

fn transaction(household: &Arc<Household>, reach: &Reach, doing: Doing) -> TransactionFunction {
    let (household, reach, numbers) = (Arc::clone(household), reach.clone(), Arc::new(AtomicU32::new(0)));
    Arc::new(move |user| {
        let (household, reach, numbers) = (Arc::clone(&household), reach.clone(), Arc::clone(&numbers));
        Box::pin(async move { play_once(user, (&household, &reach), &numbers, doing).await })
            as Pin<Box<dyn Future<Output = TransactionResult> + Send>>
    })
}

/// One transaction: one look at the list, one order, or one customer's questions.
async fn play_once(
    user: &mut GooseUser,
    (household, reach): (&Household, &Reach),
    numbers: &AtomicU32,
    doing: Doing,
) -> TransactionResult {
    if household.is_over() {
        reach.rt.sleep(LEAVING).await;
        return Ok(());
    }
    match doing {
        Doing::Desk(who) => act(user, reach, household.look(who)).await,
        Doing::Worker(who) => {
            let number = number(user, numbers);
            act(user, reach, household.take(who, number)).await;
        }
        Doing::Asker => act(user, reach, household.ask()).await,
    }
    Ok(())
}

fn number(user: &mut GooseUser, numbers: &AtomicU32) -> u32 {
    if let Some(Number(number)) = user.get_session_data::<Number>() {
        return *number;
    }
    let number = numbers.fetch_add(1, Relaxed) + 1;
    user.set_session_data(Number(number));
    number
}

/// Answered and failed requests, by route.
fn counted(metrics: &GooseMetrics) -> BTreeMap<String, u64> {
    let all = metrics.requests.iter();
    all.map(|(route, requests)| (route.clone(), (requests.success_count + requests.fail_count) as u64)).collect()
}
