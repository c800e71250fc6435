//! A share of the price calculations begun meanwhile ends without a price.
//!
//! What tries again gets a price in the end. What has acknowledged its message before the work does not try again.

use crate::{
    deed::{Calculation, Deed, PricingFault},
    definition::{BOTH, Definition},
};

/// The fault.
pub static PRICING_FAILS: Definition = Definition {
    name: "pricing-fails",
    does: "{share} of the calculations begun meanwhile fail",
    worlds: BOTH,
    deed: |given| Deed::Pricing(PricingFault { share: given.share(), how: Calculation::Fails }),
};
