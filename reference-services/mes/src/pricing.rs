//! `POST /price` at `mes`: reads the 3D model, calculates for a while, answers with the price.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, call, describe, log};
use contracts::{
    attributes as name, logs,
    request::{CalculatePrice, Price},
    settings::{Ailment, PricingTimes},
};
use http::StatusCode;
use opentelemetry::{KeyValue, trace::SpanContext};
use world::Runtime;

use crate::PRICE;

pub(crate) async fn price(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, PRICE, &call);
    let outcome = answer(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn answer(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked: CalculatePrice = call.json()?;
    entry.about(&asked.order_id);
    if asked.attempt < 1 {
        return Err(Refusal::Invalid(format!("attempt is {}, expected 1 or more", asked.attempt)));
    }
    entry.span.set(KeyValue::new(name::PRICING_ATTEMPT, asked.attempt));
    read_model(service, entry.span.context(), &asked).await?;
    let rt = &service.world.rt;
    let Course { takes, fails } = course(&service.settings.pricing, &asked, rt);
    let calculation = async {
        rt.sleep(takes).await;
        if fails { Err(Refusal::Failed("the calculation ended without a price".to_owned())) } else { Ok(()) }
    };
    service.unless_cut(calculation).await?;
    let price = 10_000 + i64::try_from(rt.random("price", &asked.order_ref).below(490_000)).unwrap_or(0);
    Ok(call::json(StatusCode::OK, &Price { price }))
}

async fn read_model(service: &Service, context: &SpanContext, asked: &CalculatePrice) -> Result<(), Refusal> {
    let mut span = describe::file(service, context, "get models", &asked.order_id, None);
    match service.world.files.get(&asked.file_ref).await {
        Ok(model) => {
            let size = i64::try_from(model.len()).unwrap_or(i64::MAX);
            span.set(KeyValue::new(name::FILE_SIZE, size));
            log::moved_file(service, span.context(), logs::FILE_DOWNLOADED, (&asked.order_id, &asked.file_ref, size));
            Ok(())
        }
        Err(cause) => {
            span.fail(cause.error_type(), cause.to_string());
            Err(cause.into())
        }
    }
}

/// How a calculation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Course {
    takes: Duration,
    fails: bool,
}

/// How a calculation that begins now goes: each attempt at an order has its own draws, whatever else happens.
fn course(times: &PricingTimes, asked: &CalculatePrice, rt: &Runtime) -> Course {
    let (now, attempt) = (rt.now(), asked.attempt);
    let mut usual = rt.random("pricing", &asked.order_ref);
    for _ in 1..attempt {
        usual.log_normal(times.mean, 1.0, times.max);
    }
    let usual = usual.log_normal(times.mean, 1.0, times.max);
    let again = if attempt == 1 { String::new() } else { format!("#{attempt}") };
    let troubled = times.trouble.iter().find(|trouble| {
        let spared = attempt > 1 && matches!(trouble.with, Ailment::Slow(_));
        let mut draw = rt.random(purpose(trouble.with), &format!("{}{again}", asked.order_ref));
        (trouble.from..trouble.until).contains(&now) && !spared && draw.unit() < trouble.share
    });
    match troubled.map(|trouble| (trouble.with, trouble.until)) {
        None => Course { takes: usual, fails: false },
        Some((Ailment::Slow(takes), _)) => Course { takes, fails: false },
        Some((Ailment::Fails, _)) => Course { takes: usual, fails: true },
        Some((Ailment::Hangs, until)) => Course { takes: until.saturating_sub(now), fails: true },
    }
}

const fn purpose(ailment: Ailment) -> &'static str {
    match ailment {
        Ailment::Slow(_) => "slow-pricing",
        Ailment::Fails => "pricing-fails",
        Ailment::Hangs => "pricing-hangs",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contracts::settings::Trouble;
    use world::{Boxed, Engine, Node};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A clock that stands still.
    struct Standing(Duration);

    impl Engine for Standing {
        fn now(&self) -> Duration {
            self.0
        }

        fn wall_ns(&self, _: Node) -> u64 {
            0
        }

        fn sleep_until(&self, _: Node, _: Duration) -> Boxed<'static, ()> {
            Box::pin(std::future::pending())
        }

        fn spawn(&self, _: Node, _: &'static str, _: Boxed<'static, ()>) {}

        fn seed(&self) -> u64 {
            42
        }
    }

    fn goes(times: &PricingTimes, attempt: i64, now: Duration, order_ref: &str) -> Course {
        let asked = CalculatePrice { order_id: "o".into(), order_ref: order_ref.into(), file_ref: "f".into(), attempt };
        course(times, &asked, &Runtime::new(Arc::new(Standing(now)), Node::first("mes")))
    }

    fn times(share: f64, with: Ailment) -> PricingTimes {
        let trouble = vec![Trouble { from: MINUTE, until: 2 * MINUTE, share, with }];
        PricingTimes { mean: 2 * MINUTE, max: 30 * MINUTE, trouble }
    }

    const SLOW: Ailment = Ailment::Slow(Duration::from_secs(3600));

    #[test]
    fn each_attempt_at_an_order_has_its_own_draw_and_keeps_it() {
        let times = times(0.0, SLOW);
        let first = goes(&times, 1, MINUTE, "c-1");
        assert_eq!(first, goes(&times, 1, 9 * MINUTE, "c-1"));
        assert_ne!(first, goes(&times, 2, MINUTE, "c-1"));
        assert_ne!(first, goes(&times, 1, MINUTE, "c-2"));
    }

    #[test]
    fn a_slow_window_slows_its_share_of_the_first_attempts_begun_in_it() {
        let (none, all, half) = (times(0.0, SLOW), times(1.0, SLOW), times(0.5, SLOW));
        assert_eq!(goes(&all, 1, MINUTE, "c-1"), Course { takes: 60 * MINUTE, fails: false });
        for (attempt, now) in [(2, MINUTE), (1, 2 * MINUTE), (1, Duration::ZERO)] {
            assert_eq!(goes(&all, attempt, now, "c-1"), goes(&none, attempt, now, "c-1"));
        }
        let slowed = (0..1000).filter(|n| goes(&half, 1, MINUTE, &format!("c-{n}")).takes == 60 * MINUTE).count();
        assert!((450..550).contains(&slowed), "{slowed} of 1000");
    }

    #[test]
    fn a_failing_calculation_takes_its_time_and_a_hanging_one_all_that_is_left_of_the_window() {
        let usual = goes(&times(0.0, SLOW), 1, MINUTE, "c-1").takes;
        assert_eq!(goes(&times(1.0, Ailment::Fails), 1, MINUTE, "c-1"), Course { takes: usual, fails: true });
        let hanging = times(1.0, Ailment::Hangs);
        let late = MINUTE + Duration::from_secs(15);
        assert_eq!(goes(&hanging, 1, late, "c-1"), Course { takes: Duration::from_secs(45), fails: true });
        assert!(!goes(&hanging, 1, 2 * MINUTE, "c-1").fails, "the window is over");
    }

    #[test]
    fn each_attempt_fails_by_its_own_draw() {
        let half = times(0.5, Ailment::Fails);
        let both = |n: &i32| [1, 2].map(|attempt| goes(&half, attempt, MINUTE, &format!("c-{n}")).fails);
        let differs = (0..1000).filter(|n| both(n)[0] != both(n)[1]).count();
        assert!((450..550).contains(&differs), "{differs} of 1000");
    }
}
