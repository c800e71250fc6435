//! crm.
