//! The fixed set of service names: a node's service, `service.name` of its spans, its host name in the containers world.

/// Thin front of the online shop: customers come in here.
pub const INTERNET_SHOP: &str = "internet-shop";
/// The shop's backend: takes orders and models. API users (partners) call it directly.
pub const SHOP_API: &str = "shop-api";
/// Thin front of the CRM: sellers come in here.
pub const CRM: &str = "crm";
/// The CRM's backend: hands submitted orders to the factory and takes its news. Carriers call it directly.
pub const CRM_API: &str = "crm-api";
/// The factory's backend: operators come in here.
pub const MES_API: &str = "mes-api";
/// The factory's price calculation.
pub const MES: &str = "mes";

/// All of them, in the order an order meets them.
pub const ALL: [&str; 6] = [INTERNET_SHOP, SHOP_API, CRM, CRM_API, MES_API, MES];
