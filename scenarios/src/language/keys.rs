//! Every key of a scenario file, described once: the check, the reader's defaults and the JSON Schema follow from it.

use contracts::{Status, architecture::Preset, message, services};

use super::{Actor, BrokerTelemetry, Group, InstrumentationPreset, Pool, recording::LARGEST_MODEL, version};

/// A key of a table.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) need: Need,
    /// One sentence for people.
    pub(crate) about: &'static str,
    /// A value as a file writes it; of a table its keys have one each.
    pub(crate) example: &'static str,
}

/// Whether a key must be there.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    Required,
    Optional,
    /// Absent, it is this text. An absent table has all its defaults.
    Default(&'static str),
}

/// What a key takes.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// A text that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number in a range.
    Whole(u64, u64),
    /// A number in a range.
    Number(f64, f64),
    /// A time longer than 0.
    Time,
    /// A time that may be 0.
    Moment,
    /// An arrival rate above 0.
    Rate,
    /// An arrival rate that may be 0.
    RateOrNone,
    /// One of some names.
    Name(&'static [&'static str]),
    /// A list that is not empty.
    Some(&'static Self),
    /// A list.
    Any(&'static Self),
    /// A table.
    Table(&'static [Key]),
    /// A table whose keys depend on one of them.
    Kind {
        /// The key that decides.
        tag: &'static str,
        /// Keys of every kind.
        always: &'static [Key],
        /// Further keys, by the value of `tag`.
        kinds: &'static [(&'static str, &'static [Key])],
    },
    /// A table of thresholds: metric, expressions.
    Thresholds,
    /// The version of the language.
    Version,
    /// A key that people may expect and that means nothing, with the reason.
    Nothing(&'static str),
}

const fn key(name: &'static str, takes: Takes, need: Need, about: &'static str) -> Key {
    Key { name, takes, need, about, example: "" }
}

impl Key {
    const fn eg(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }
}

use Need::{Default, Optional, Required};

/// The keys of a scenario file.
pub(crate) const SCENARIO: &[Key] = &[
    key("title", Takes::Text, Required, "One sentence that tells what happens.")
        .eg(r#""The partner API opens and the broker dies at the peak""#),
    key(version::KEY, Takes::Version, Optional, "Which version of this language the file is written in.").eg("1"),
    key("version", Takes::Nothing("means nothing here; the version of the language is `schema_version`"), Optional, ""),
    key("seed", Takes::Whole(0, i64::MAX as u64), Default("42"), "Decides every random draw.").eg("42"),
    key("duration", Takes::Time, Required, "How long orders arrive. The run then heals, settles and is judged.").eg(r#""3d""#),
    key("quiet", Takes::Flag, Default("false"), "Nothing is meant to go wrong: no alarm is the proof.").eg("false"),
    key("group", Takes::Name(&GROUPS), Optional, "What a reader looks for who may want it: the list goes by it.").eg(r#""loss""#),
    key("architecture", Takes::Table(ARCHITECTURE), Default(""), "How the services are built: a preset and toggles."),
    key("instrumentation", Takes::Table(INSTRUMENTATION), Default(""), "What the telemetry shows."),
    key("load", Takes::Some(&LOAD), Required, "Streams of orders."),
    key("pricing", Takes::Table(PRICING), Default(""), "How long price calculations take: log-normal, variation 1."),
    key("people", Takes::Table(PEOPLE), Optional, "How long people take on average, and how many there are."),
    key("partner-api", Takes::Table(PARTNER_API), Default(""), "The limits of the partners' intake."),
    key("broker", Takes::Table(BROKER), Default(""), "The broker's own time settings."),
    key("fault", Takes::Any(&FAULT), Optional, "What goes wrong."),
    key("sla", Takes::Table(SLA), Optional, "Deadlines that replace the lifecycle's."),
    key("scale", Takes::Table(SCALE), Optional, "How a real stack may shorten the scenario."),
    key("thresholds", Takes::Thresholds, Optional, "What must hold, in k6's grammar."),
];

const GROUPS: [&str; 6] = [
    Group::Loss.name(),
    Group::Slowness.name(),
    Group::Duplication.name(),
    Group::Starvation.name(),
    Group::TelemetryGaps.name(),
    Group::Quiet.name(),
];

const ARCHITECTURES: [&str; 2] = [Preset::AsIs.name(), Preset::ToBe.name()];
const ARCHITECTURE: &[Key] = &[
    key("preset", Takes::Name(&ARCHITECTURES), Default("as-is"), "The toggles it starts from.").eg(r#""as-is""#),
    key("publisher-confirms", Takes::Flag, Optional, "Publishers wait until the broker has taken responsibility.").eg("true"),
    key("outbox", Takes::Flag, Optional, "Events are rows of the transaction that caused them.").eg("true"),
    key("ack-after-work", Takes::Flag, Optional, "Consumers acknowledge after the work; else before it.").eg("true"),
    key("idempotent-consumers", Takes::Flag, Optional, "Consumers recognise an event they have handled.").eg("true"),
    key("version-check", Takes::Flag, Optional, "An order's row is changed only in the version that was read.").eg("true"),
    key("row-lock", Takes::Flag, Optional, "An order's row is locked from reading it to changing it.").eg("true"),
    key("dead-letters", Takes::Flag, Optional, "What a queue gives up waits in a queue of its own; else it is dropped.")
        .eg("true"),
    key("mes-consumers", Takes::Whole(1, 1000), Optional, "Consumers of the factory's queue, and workers of price jobs.").eg("4"),
    key("list-index", Takes::Flag, Optional, "The order lists have an index; else each looks at every order there is.")
        .eg("true"),
    key("pricing", Takes::Name(&["blocking", "asynchronous"]), Optional, "In the message handler, or as a job.")
        .eg(r#""asynchronous""#),
    key("picking", Takes::Name(&["newest-first", "oldest-first"]), Optional, "Which order people take first.")
        .eg(r#""oldest-first""#),
    key("notices", Takes::Flag, Optional, "Customers are told the price and agree to it before a seller approves.").eg("true"),
];

const INSTRUMENTATIONS: [&str; 2] = [InstrumentationPreset::Full.name(), InstrumentationPreset::Blind.name()];
const INSTRUMENTATION: &[Key] = &[
    key("preset", Takes::Name(&INSTRUMENTATIONS), Default("full"), "What it starts from.").eg(r#""full""#),
    key("silent", Takes::Any(&Takes::Name(&services::ALL)), Optional, "Services without traces, instead of the preset's.")
        .eg(r#"["crm-api"]"#),
    key("logs", Takes::Any(&Takes::Name(&services::ALL)), Optional, "Services that write a log; without it, those with traces.")
        .eg(r#"["crm-api", "mes-api"]"#),
    key("propagation", Takes::Flag, Optional, "Whether traceparent travels between services.").eg("false"),
    key("unlinked", Takes::Any(&Takes::Name(&services::ALL)), Optional, "Services that pass no traceparent on.")
        .eg(r#"["crm-api"]"#),
    key("broker", Takes::Name(&BROKER_TELEMETRY), Optional, "What the broker lets see of itself: counters, or each message too.")
        .eg(r#""firehose""#),
    key("scrape-interval", Takes::Time, Default("1m"), "Between two looks at the broker's counters.").eg(r#""15s""#),
];
const BROKER_TELEMETRY: [&str; 3] =
    [BrokerTelemetry::None.name(), BrokerTelemetry::Counters.name(), BrokerTelemetry::Firehose.name()];

const ACTORS: [&str; 2] = [Actor::Customer.name(), Actor::ApiUser.name()];
const ACTOR: Key = key("actor", Takes::Name(&ACTORS), Required, "Who orders.").eg(r#""api-user""#);
const LOAD: Takes = Takes::Kind {
    tag: "executor",
    always: &[],
    kinds: &[
        ("constant-arrival-rate", &[ACTOR, key("rate", Takes::Rate, Required, "Orders per unit of time.").eg(r#""30/h""#)]),
        (
            "ramping-arrival-rate",
            &[
                ACTOR,
                key("start", Takes::RateOrNone, Default("0/s"), "The rate at the beginning.").eg(r#""10/h""#),
                key("stages", Takes::Some(&Takes::Table(STAGE)), Required, "The rate runs straight to each target.")
                    .eg(r#"[{ target = "400/h", duration = "2h" }, { target = "10/h", duration = "1h" }]"#),
            ],
        ),
        (
            "burst",
            &[
                ACTOR,
                key("at", Takes::Moment, Required, "Its begin, since the start of the run.").eg(r#""1d 2h""#),
                key("count", Takes::Whole(1, 2_000_000), Required, "How many orders.").eg("500"),
                key("within", Takes::Time, Required, "All of them arrive within this time.").eg(r#""1m""#),
            ],
        ),
        (
            "replay",
            &[key("file", Takes::Text, Required, "A CSV file beside the scenario with the columns time, actor and model_size.")
                .eg(r#""recorded-day.csv""#)],
        ),
    ],
};
const STAGE: &[Key] = &[
    key("target", Takes::RateOrNone, Required, "The rate at the end of the stage.").eg(r#""400/h""#),
    key("duration", Takes::Time, Required, "How long the stage takes.").eg(r#""2h""#),
];

const PRICING: &[Key] = &[
    key("mean", Takes::Time, Default("150s"), "Mean before the cap.").eg(r#""150s""#),
    key("max", Takes::Time, Default("30m"), "No calculation takes longer.").eg(r#""30m""#),
];

const PEOPLE: &[Key] = &[
    key("upload", Takes::Time, Optional, "A customer, from creating an order to uploading or building the model.").eg(r#""3m""#),
    key("constructor", Takes::Number(0.0, 1.0), Default("0.25"), "Share of customers who build their model in the constructor.")
        .eg("0.25"),
    key("submit", Takes::Time, Optional, "A customer, from uploading to sending off.").eg(r#""10m""#),
    key("seller", Takes::Time, Optional, "A seller, for one approval.").eg(r#""10m""#),
    key("bench", Takes::Time, Optional, "An operator at the bench, for one piece.").eg(r#""2h""#),
    key("manufacturing", Takes::Time, Optional, "From taking an order to its completion.").eg(r#""4d""#),
    key("packaging", Takes::Time, Optional, "From completion to packaging.").eg(r#""4h""#),
    key("shipping", Takes::Time, Optional, "From packaging to shipping.").eg(r#""1d""#),
    key("carrier", Takes::Time, Optional, "From shipping to the customer.").eg(r#""3d""#),
    key(
        "uncalled",
        Takes::Number(0.0, 1.0),
        Default("0.05"),
        "Share of deliveries that no carrier calls about: a seller closes them by hand.",
    )
    .eg("0.05"),
    key(
        "closing",
        Takes::Time,
        Optional,
        "A seller, from a delivery that nobody called about to closing the order; else a ninth of `carrier`.",
    )
    .eg(r#""8h""#),
    key(
        "askers",
        Takes::Number(0.0, 1.0),
        Default("0.05"),
        "Share of customers who ask how their order is, three times at most.",
    )
    .eg("0.05"),
    key("asking", Takes::Time, Optional, "A customer who asks, from one question to the next; else a third of `carrier`.")
        .eg(r#""1d""#),
    key("sellers", Takes::Whole(1, 100_000), Optional, "Sellers in the pool; else as many as are half busy.").eg("10"),
    key("operators", Takes::Whole(1, 100_000), Optional, "Operators in the pool; else as many as are half busy.").eg("120"),
];

const PARTNER_API: &[Key] = &[key(
    "max-model-size",
    Takes::Whole(1, LARGEST_MODEL as u64),
    Default("33554432"),
    "The largest model, bytes. A larger one is turned away with 413, one that is no model with 422: then there is no order.",
)
.eg("33554432")];

const BROKER: &[Key] = &[
    key("consumer-timeout", Takes::Time, Default("30m"), "After it a consumer that has not acknowledged loses its channel.")
        .eg(r#""30m""#),
    key("tick", Takes::Time, Default("60s"), "How often the broker looks for such consumers.").eg(r#""60s""#),
];

const SLOW_PRICED: &[Key] = &[
    key("share", Takes::Number(0.0, 1.0), Required, "Share of the calculations begun meanwhile, above 0.").eg("0.2"),
    key("takes", Takes::Time, Required, "How long those take.").eg(r#""45m""#),
];
const CONSUMER_KILLED: &[Key] =
    &[key("service", Takes::Name(&services::ALL), Default("mes-api"), "The service that dies.").eg(r#""mes-api""#)];
/// What every fault may say beside its kind.
const EVERY_FAULT: &[Key] = &[
    key("at", Takes::Moment, Required, "Its begin, since the start of the run.").eg(r#""1d 1h""#),
    key("for", Takes::Time, Required, "How long it lasts.").eg(r#""4m""#),
    key("times", Takes::Whole(1, 1000), Default("1"), "How often.").eg("3"),
    key("every", Takes::Time, Optional, "From one time to the next; needed when there are several.").eg(r#""6h""#),
];
const SHARE: Key = key("share", Takes::Number(0.0, 1.0), Default("1"), "Share of them, above 0.").eg("0.05");
const ROUTING_KEY: Key = key("key", Takes::Name(&message::ROUTING_KEYS), Optional, "The routing key of the messages; else any.")
    .eg(r#""order.submitted""#);
/// Of a submitted order nobody tells who records it: as-is the CRM finds its row.
const TELLING: &[&str] = message::ROUTING_KEYS.split_at(1).1;
const TOLD: Key = key("key", Takes::Name(TELLING), Optional, "The routing key that announces them; else any.")
    .eg(r#""order.price_calculated""#);
const COUNT: Key = key("count", Takes::Whole(1, 1_000_000), Optional, "How many of them at most.").eg("20");
const BACK: Key = key("back", Takes::Time, Default("10s"), "How long the process is away.").eg(r#""10s""#);
const QUEUE: Key = key("queue", Takes::Name(&message::QUEUES), Default("mes.orders"), "The queue.").eg(r#""mes.orders""#);
const LENGTH: Key = key("length", Takes::Whole(0, 1_000_000), Required, "How many messages may wait.").eg("10");
const SERVICE: Key = key("service", Takes::Name(&services::ALL), Default("mes-api"), "The service.").eg(r#""mes-api""#);
const DATABASES: [&str; 2] = ["shop", "mes"];
const DATABASE: Key = key("database", Takes::Name(&DATABASES), Default("mes"), "The database.").eg(r#""shop""#);
const ROWS: Key = key("rows", Takes::Whole(1, 1_000_000_000), Required, "How many rows more.").eg("100000");
const CALLED: Key = key("service", Takes::Name(&services::ALL), Required, "The service that is called.").eg(r#""crm-api""#);
const CALLER: Key = key("from", Takes::Name(&services::ALL), Optional, "The service that calls; else anybody.").eg(r#""crm""#);
const STAFFS: [&str; 2] = [Pool::Seller.name(), Pool::Operator.name()];
const STAFF: Key = key("pool", Takes::Name(&STAFFS), Default("seller"), "Who.").eg(r#""operator""#);
const RESOURCES: [&str; 2] = ["memory", "disk"];
const MESSAGES: &[Key] = &[ROUTING_KEY, SHARE, COUNT];
const CRASHES: &[Key] = &[ROUTING_KEY, SHARE, COUNT, BACK];

/// Further keys of each kind of fault.
pub(crate) const FAULTS: &[(&str, &[Key])] = &[
    ("crash-before-publish", CRASHES),
    ("phantom-publish", &[TOLD, SHARE, COUNT]),
    ("publish-lost", MESSAGES),
    ("confirm-lost", MESSAGES),
    ("publish-refused", &[QUEUE, LENGTH]),
    (
        "binding-removed",
        &[key("key", Takes::Name(&message::ROUTING_KEYS), Default("order.submitted"), "The routing key.")
            .eg(r#""order.shipped""#)],
    ),
    ("broker-kill", &[]),
    ("broker-restart", &[]),
    ("broker-alarm", &[key("resource", Takes::Name(&RESOURCES), Default("memory"), "What it is short of.").eg(r#""disk""#)]),
    ("queue-overflow", &[QUEUE, LENGTH]),
    (
        "queue-purged",
        &[
            QUEUE,
            key("each", Takes::Time, Optional, "How often it is emptied while it lasts; else once, at its begin.").eg(r#""1m""#),
        ],
    ),
    ("message-expired", &[QUEUE, key("ttl", Takes::Time, Required, "How long a message may wait.").eg(r#""5m""#)]),
    (
        "message-delayed",
        &[ROUTING_KEY, SHARE, COUNT, key("delay", Takes::Time, Required, "How much later they arrive.").eg(r#""2h""#)],
    ),
    ("network-cut", &[SERVICE]),
    ("consumer-forgotten", &[QUEUE]),
    (
        "consumer-timeout",
        &[QUEUE, key("timeout", Takes::Time, Required, "How long a message may stay unanswered.").eg(r#""5m""#)],
    ),
    ("consumer-kill", CONSUMER_KILLED),
    ("service-paused", &[SERVICE]),
    (
        "cpu-limit",
        &[
            SERVICE,
            key("cpu-second", Takes::Time, Required, "How long it takes for what a processor does in a second.").eg(r#""100s""#),
        ],
    ),
    ("crash-before-ack", CRASHES),
    ("ack-lost", MESSAGES),
    ("poison-message", MESSAGES),
    (
        "dead-letters-dropped",
        &[key("exchange", Takes::Name(&[message::DEAD_EXCHANGE]), Default(message::DEAD_EXCHANGE), "The exchange.")
            .eg(r#""orders.dead""#)],
    ),
    ("database-down", &[DATABASE]),
    ("pool-exhausted", &[DATABASE]),
    ("slow-database", &[DATABASE, key("takes", Takes::Time, Required, "How much longer a statement takes.").eg(r#""20s""#)]),
    ("write-conflicts", &[DATABASE, SHARE]),
    ("rows-overlooked", &[DATABASE, SHARE]),
    ("table-grown", &[DATABASE, ROWS]),
    (
        "lost-update",
        &[SHARE, key("takes", Takes::Time, Default("5m"), "How long it takes to store a model meanwhile.").eg(r#""5m""#)],
    ),
    ("files-down", &[]),
    ("upload-lost", &[SHARE]),
    ("service-unreachable", &[CALLED, CALLER, SHARE]),
    ("answer-lost", &[CALLED, CALLER, SHARE]),
    ("slow-calls", &[CALLED, CALLER, SHARE, key("takes", Takes::Time, Required, "How much longer they take.").eg(r#""30s""#)]),
    ("slow-pricing", SLOW_PRICED),
    ("pricing-fails", &[SHARE]),
    ("pricing-hangs", &[SHARE]),
    ("staff-away", &[STAFF, SHARE]),
    ("newest-first", &[STAFF]),
    ("first-page-only", &[STAFF, key("rows", Takes::Whole(1, 500), Default("20"), "How many orders a page shows.").eg("20")]),
    ("notice-lost", &[SHARE]),
    ("call-back-lost", &[SHARE]),
    ("context-dropped", MESSAGES),
    // Telemetry faults.
    ("head-sampling", &[key("ratio", Takes::Number(0.0, 1.0), Required, "Share of the traces that are recorded.").eg("0.1")]),
    ("tail-sampling", &[key("wait", Takes::Time, Default("30s"), "From a trace's first span to the decision.").eg(r#""30s""#)]),
    ("exporter-overflow", &[SERVICE, SHARE]),
    ("tracing-outage", &[]),
    (
        "clock-skew",
        &[
            SERVICE,
            key("by", Takes::Time, Required, "How wrong the clock is.").eg(r#""5m""#),
            key("direction", Takes::Name(&["ahead", "behind"]), Default("ahead"), "Whether it is fast or slow.")
                .eg(r#""behind""#),
        ],
    ),
    ("retention", &[key("keep", Takes::Time, Required, "How long the backend keeps a span.").eg(r#""7d""#)]),
    ("service-silent", &[SERVICE]),
    ("personal-data", &[SERVICE, SHARE]),
];
const FAULT: Takes = Takes::Kind { tag: "kind", always: EVERY_FAULT, kinds: FAULTS };

const ENTERED: &str = "From entering the state before it to entering this one.";
const TAKEN_IN: &str = "From the sender's commit to the receiver's.";
const SLA: &[Key] = &[
    key(Status::Initiated.name(), Takes::Nothing("is where an order begins: nothing comes before it"), Optional, ""),
    key(Status::FileUploaded.name(), Takes::Time, Optional, ENTERED).eg(r#""1h""#),
    key(Status::Submitted.name(), Takes::Time, Optional, ENTERED).eg(r#""4h""#),
    key(Status::PriceCalculated.name(), Takes::Time, Optional, ENTERED).eg(r#""30m""#),
    key(Status::ManufacturingApproved.name(), Takes::Time, Optional, ENTERED).eg(r#""8h""#),
    key(Status::ManufacturingStarted.name(), Takes::Time, Optional, ENTERED).eg(r#""1d""#),
    key(Status::ManufacturingCompleted.name(), Takes::Time, Optional, ENTERED).eg(r#""10d""#),
    key(Status::Packaging.name(), Takes::Time, Optional, ENTERED).eg(r#""1d""#),
    key(Status::Shipped.name(), Takes::Time, Optional, ENTERED).eg(r#""3d""#),
    key(Status::Closed.name(), Takes::Time, Optional, ENTERED).eg(r#""8d""#),
    key("order.manufacturing_started", Takes::Time, Optional, TAKEN_IN).eg(r#""2h""#),
    key("order.manufacturing_completed", Takes::Time, Optional, TAKEN_IN).eg(r#""2h""#),
    key("order.packaging", Takes::Time, Optional, TAKEN_IN).eg(r#""2h""#),
    key("promise", Takes::Time, Optional, "From INITIATED to CLOSED.").eg(r#""21d""#),
];

const POOLS: [&str; 3] = [Pool::Seller.name(), Pool::Operator.name(), Pool::MesConsumers.name()];
const SCALE: &[Key] = &[
    key("machine", Takes::Number(1.0, 1e6), Required, "Divides the timeline, arrival gaps, service times and faults.").eg("60"),
    key("human", Takes::Number(1.0, 1e6), Required, "Divides think times and their deadlines.").eg("20000"),
    key("window", Takes::Time, Optional, "How much of the timeline is kept, around the first faults.").eg(r#""1h""#),
    key("unstudied", Takes::Any(&Takes::Name(&POOLS)), Optional, "Pools whose utilisation may change.")
        .eg(r#"["seller", "operator"]"#),
    key("floor", Takes::Moment, Default("10s"), "What the real stack may add to a deadline, real time.").eg(r#""10s""#),
    key(
        "unlike",
        Takes::Text,
        Optional,
        "Why more may happen for real than under any seed of the simulated world; `compare --worlds` says so.",
    )
    .eg(r#""Heartbeats are not shortened.""#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_can_be_written() {
        let written: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(written, faults::CATALOGUE.iter().map(|definition| definition.name).collect::<Vec<_>>());
    }

    #[test]
    fn every_state_stands_under_sla() {
        for state in Status::ALL {
            assert!(SLA.iter().any(|key| key.name == state.name()), "{state}");
        }
    }
}
