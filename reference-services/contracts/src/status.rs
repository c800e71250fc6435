//! The ten states of an order, in the order it passes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The customer has begun an order.
    Initiated,
    /// The 3D model is there.
    FileUploaded,
    /// The customer has sent it off.
    Submitted,
    /// The factory knows what it costs.
    PriceCalculated,
    /// A manager has approved it.
    ManufacturingApproved,
    /// An operator has taken it.
    ManufacturingStarted,
    /// The piece is made.
    ManufacturingCompleted,
    /// It is being packed.
    Packaging,
    /// The carrier has it.
    Shipped,
    /// The customer has it.
    Closed,
}

impl Status {
    /// All states, first to last.
    pub const ALL: [Self; 10] = [
        Self::Initiated,
        Self::FileUploaded,
        Self::Submitted,
        Self::PriceCalculated,
        Self::ManufacturingApproved,
        Self::ManufacturingStarted,
        Self::ManufacturingCompleted,
        Self::Packaging,
        Self::Shipped,
        Self::Closed,
    ];

    /// Its name as rows, messages and spans carry it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initiated => "INITIATED",
            Self::FileUploaded => "FILE_UPLOADED",
            Self::Submitted => "SUBMITTED",
            Self::PriceCalculated => "PRICE_CALCULATED",
            Self::ManufacturingApproved => "MANUFACTURING_APPROVED",
            Self::ManufacturingStarted => "MANUFACTURING_STARTED",
            Self::ManufacturingCompleted => "MANUFACTURING_COMPLETED",
            Self::Packaging => "PACKAGING",
            Self::Shipped => "SHIPPED",
            Self::Closed => "CLOSED",
        }
    }

    /// Who owns the state, in the words of the business.
    #[must_use]
    pub const fn owner(self) -> &'static str {
        match self {
            Self::Initiated | Self::FileUploaded | Self::Submitted => "online shop",
            Self::ManufacturingApproved | Self::Closed => "CRM",
            _ => "MES",
        }
    }

    /// The state before it; `None` for the first one.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        (self as usize).checked_sub(1).map(|index| Self::ALL[index])
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text is no state's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_state() {
        for status in Status::ALL {
            assert_eq!(status.name().parse(), Ok(status));
        }
        assert!("LOST".parse::<Status>().is_err());
    }
}
