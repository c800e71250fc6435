//! Sellers, operators and those who ask, wherever they are played: by the driver itself, or by another process.

use std::sync::Arc;

use super::DriveError;
use crate::{
    Scenario,
    actors::{Cast, briefing::Briefing, desk::Desk},
    apart::{Line, troupe::Troupe},
};

/// Who plays them.
pub(super) enum Crew {
    /// Tasks of the driver's node, at two desks.
    Here([Arc<Desk>; 2]),
    /// Another process.
    Apart(Arc<Troupe>),
}

impl Crew {
    /// They begin to work.
    pub(super) fn begin(cast: &Arc<Cast>, scenario: &Scenario, line: Option<Arc<Line>>) -> Self {
        if let Some(line) = line {
            return Self::Apart(Troupe::begin(cast, line));
        }
        let briefing = Briefing::of(scenario);
        let desks = [Desk::of_sellers(cast, &briefing), Desk::of_operators(cast, &briefing)].map(Arc::new);
        for desk in &desks {
            cast.rt().spawn("desk", Arc::clone(desk).run());
        }
        Self::Here(desks)
    }

    /// Whether an order waits at a desk that is in nobody's hands and that nobody has given up.
    pub(super) async fn waiting(&self) -> Result<bool, DriveError> {
        match self {
            Self::Here(desks) => {
                for desk in desks {
                    if desk.waiting().await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Apart(troupe) => Ok(troupe.waiting().await?),
        }
    }

    /// They go home.
    pub(super) async fn close(&self) -> Result<(), DriveError> {
        match self {
            Self::Here(desks) => {
                desks.iter().for_each(|desk| desk.close());
                Ok(())
            }
            Self::Apart(troupe) => Ok(troupe.close().await?),
        }
    }
}
