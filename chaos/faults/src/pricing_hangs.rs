//! A share of the price calculations begun meanwhile gives no answer.
//!
//! A consumer that calculates in its message handler stands still with it, and so does all that waits behind it. When the fault is over
//! the calculation ends without a price.

use crate::{
    deed::{Calculation, Deed, PricingFault},
    definition::{BOTH, Definition},
};

/// The fault.
pub static PRICING_HANGS: Definition = Definition {
    name: "pricing-hangs",
    does: "{share} of the calculations begun meanwhile hang",
    worlds: BOTH,
    deed: |given| Deed::Pricing(PricingFault { share: given.share(), how: Calculation::Hangs }),
};
