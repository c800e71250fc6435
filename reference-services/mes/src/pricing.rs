//! `POST /price` at `mes`: reads the 3D model, calculates for a while, answers with the price.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, call, describe};
use contracts::{
    attributes as name,
    request::{CalculatePrice, Price},
    settings::PricingTimes,
};
use http::StatusCode;
use opentelemetry::{KeyValue, trace::SpanContext};
use world::Random;

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
    let draws = (rt.random("pricing", &asked.order_ref), rt.random("slow-pricing", &asked.order_ref));
    let takes = takes(&service.settings.pricing, asked.attempt, rt.now(), draws);
    let calculation = async {
        rt.sleep(takes).await;
        Ok(())
    };
    service.unless_cut(calculation).await?;
    let price = 10_000 + i64::try_from(rt.random("price", &asked.order_ref).below(490_000)).unwrap_or(0);
    Ok(call::json(StatusCode::OK, &Price { price }))
}

async fn read_model(service: &Service, context: &SpanContext, asked: &CalculatePrice) -> Result<(), Refusal> {
    let mut span = describe::file(service, context, "get models", &asked.order_id, None);
    match service.world.files.get(&asked.file_ref).await {
        Ok(model) => {
            span.set(KeyValue::new(name::FILE_SIZE, i64::try_from(model.len()).unwrap_or(i64::MAX)));
            Ok(())
        }
        Err(cause) => {
            span.fail(cause.error_type(), cause.to_string());
            Err(cause.into())
        }
    }
}

/// How long a calculation that begins `now` takes: each attempt at an order has its own draw, whatever else happens.
fn takes(times: &PricingTimes, attempt: i64, now: Duration, (mut usual, mut slow): (Random, Random)) -> Duration {
    let slowed = times.slow.iter().find(|window| (window.from..window.until).contains(&now));
    if let Some(window) = slowed
        && attempt == 1
        && slow.unit() < window.share
    {
        return window.takes;
    }
    for _ in 1..attempt {
        usual.log_normal(times.mean, 1.0, times.max);
    }
    usual.log_normal(times.mean, 1.0, times.max)
}

#[cfg(test)]
mod tests {
    use contracts::settings::SlowWindow;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn draw(times: &PricingTimes, attempt: i64, now: Duration, order_ref: &str) -> Duration {
        let random = |purpose| Random::new(42, purpose, order_ref);
        takes(times, attempt, now, (random("pricing"), random("slow-pricing")))
    }

    fn times(share: f64) -> PricingTimes {
        let slow = vec![SlowWindow { from: MINUTE, until: 2 * MINUTE, share, takes: 60 * MINUTE }];
        PricingTimes { mean: 2 * MINUTE, max: 30 * MINUTE, slow }
    }

    #[test]
    fn each_attempt_at_an_order_has_its_own_draw_and_keeps_it() {
        let times = times(0.0);
        let first = draw(&times, 1, MINUTE, "c-1");
        assert_eq!(first, draw(&times, 1, 9 * MINUTE, "c-1"));
        assert_ne!(first, draw(&times, 2, MINUTE, "c-1"));
        assert_ne!(first, draw(&times, 1, MINUTE, "c-2"));
    }

    #[test]
    fn a_slow_window_slows_its_share_of_the_first_attempts_begun_in_it() {
        let (none, all, half) = (times(0.0), times(1.0), times(0.5));
        assert_eq!(draw(&all, 1, MINUTE, "c-1"), 60 * MINUTE);
        for (attempt, now) in [(2, MINUTE), (1, 2 * MINUTE), (1, Duration::ZERO)] {
            assert_eq!(draw(&all, attempt, now, "c-1"), draw(&none, attempt, now, "c-1"));
        }
        let slowed = (0..1000).filter(|n| draw(&half, 1, MINUTE, &format!("c-{n}")) == 60 * MINUTE).count();
        assert!((450..550).contains(&slowed), "{slowed} of 1000");
    }
}
